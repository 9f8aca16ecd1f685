import type { Map as MapLibreMap } from 'maplibre-gl';
import { type Mesh, type Raycaster, Scene, type ShaderMaterial, type Vector3 } from 'three';
import type { Condition } from '../readings/readings';
import type { Theme } from '../theme/tokens';
import { Conditions } from './conditions';
import type { Eye } from './eye';
import { featureName } from './flatten';
import { Dresser } from './materials';
import { type Model, Shelf } from './shelf';
import { Traversal } from './traversal';

/** A layer with a tileset. */
export interface SolidLayer {
  id: string;
  kind: string;
  /** Absolute URL of its tileset. */
  tileset: string;
}

/** The solids of one layer. */
export class CitySolids {
  readonly scene = new Scene();
  visible = true;
  /** Shown in a pit, though perhaps nowhere else. */
  dug = false;
  private readonly dresser: Dresser;
  private readonly shelf = new Shelf();
  /** The row of the selected feature in a content; −1 where it is not. */
  private rows = new WeakMap<Model, number>();
  private readonly conditions = new Conditions();
  private current: Traversal;
  private next: Traversal | undefined;
  private selection: string | undefined;

  constructor(
    readonly layer: SolidLayer,
    theme: Theme,
    private readonly eye: Eye,
    private readonly changed: () => void,
  ) {
    this.scene.matrixWorldAutoUpdate = false;
    this.dresser = new Dresser(theme, layer.kind);
    this.current = this.traverse();
  }

  private traverse(): Traversal {
    return new Traversal(this.layer.tileset, this.eye, this.dresser, this.shelf, this.changed);
  }

  setTheme(theme: Theme): void {
    this.dresser.setTheme(theme);
  }

  setOpacity(opacity: number): void {
    this.dresser.setOpacity(opacity);
  }

  /** Draws only where the stencil has a value; 0 draws everywhere. */
  setMask(value: number): void {
    this.dresser.setMask(value);
  }

  /** Takes away what stands in a ring, if the layer's things stand on the ground. */
  setPit(ring: readonly { x: number; y: number }[]): void {
    this.dresser.setPit(this.layer.kind === 'part' ? ring : []);
  }

  /** Leaves out what is in front of a plane: see Dresser.setCut. */
  setCut(plane: readonly [x: number, y: number, distance: number] | undefined): void {
    this.dresser.setCut(plane);
  }

  select(id: string | undefined): void {
    if (id === this.selection) return;
    this.selection = id;
    this.rows = new WeakMap();
    this.changed();
  }

  private selectedRow(model: Model): number {
    if (this.selection === undefined) return -1;
    let row = this.rows.get(model);
    if (row === undefined) {
      row = model.ids?.find(this.selection) ?? -1;
      this.rows.set(model, row);
    }
    return row;
  }

  /** Recolours objects by their conditions; those that are not named look as ever. */
  setConditions(conditions: ReadonlyMap<string, Condition>): void {
    this.conditions.set(conditions);
    this.changed();
  }

  /** Reads the tileset again: what shows stays until all that takes its place is there. */
  reload(): void {
    this.next?.dispose();
    this.next = this.traverse();
    this.changed();
  }

  /** Chooses and asks for contents; true while some are on their way. */
  update(map: MapLibreMap): boolean {
    const { clientWidth, clientHeight } = map.getCanvas();
    for (const t of [this.current, this.next]) {
      t?.tiles.setResolution(this.eye.camera, clientWidth, clientHeight);
      t?.update();
    }
    if (this.next?.settled) {
      this.current.dispose();
      this.current = this.next;
      this.next = undefined;
      this.changed();
    }
    return this.next !== undefined || !this.current.settled;
  }

  /** Puts the visible contents in the frame around an origin in the unit square of Web Mercator. */
  arrange(originX: number, originY: number, world: number): void {
    this.scene.clear();
    this.conditions.keep(new Set(this.current.models.values()));
    for (const key of this.current.visible) {
      const model = this.current.models.get(key);
      if (!model) continue;
      const { group, anchor } = model;
      group.matrixAutoUpdate = false;
      group.matrix.makeTranslation((anchor.x - originX) * world, (originY - anchor.y) * world, 0);
      group.matrixWorld.copy(group.matrix);
      for (const child of group.children) {
        child.matrixWorld.copy(group.matrix);
        const mesh = child as Mesh;
        mesh.onBeforeRender = () => {
          const material = mesh.material as ShaderMaterial;
          (material.uniforms.selected as { value: number }).value = this.selectedRow(model);
          (material.uniforms.conditions as { value: unknown }).value = this.conditions.of(model);
          material.uniformsNeedUpdate = true;
        };
      }
      this.scene.add(group);
    }
  }

  /** The feature that a ray meets first, with its distance; inPit tells whether a place lies in the open pit. */
  hit(
    raycaster: Raycaster,
    inPit: (place: Vector3) => boolean,
  ): { id: string; distance: number; place: Vector3 } | undefined {
    if (!this.visible && !this.dug) return undefined;
    for (const hit of raycaster.intersectObjects(this.scene.children, true)) {
      if (!this.visible && !inPit(hit.point)) continue;
      const mesh = hit.object as Mesh;
      const model = [...this.current.models.values()].find(({ group }) => group === mesh.parent);
      const column = mesh.geometry.getAttribute(featureName);
      const row = column?.getX(hit.instanceId ?? hit.face?.a ?? 0);
      const id = row === undefined ? undefined : model?.ids?.of(row);
      if (id !== undefined) return { id, distance: hit.distance, place: hit.point };
    }
    return undefined;
  }

  /** What is held, for those who watch the page's memory. */
  get held(): { contents: number; visible: number } {
    return { contents: this.current.models.size, visible: this.current.visible.size };
  }

  dispose(): void {
    this.next?.dispose();
    this.current.dispose();
    this.dresser.dispose();
    this.conditions.dispose();
  }
}
