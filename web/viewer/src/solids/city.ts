import { TilesRenderer } from '3d-tiles-renderer/three';
import type { Map as MapLibreMap } from 'maplibre-gl';
import { type Group, type Mesh, type Object3D, type Raycaster, Scene, type ShaderMaterial } from 'three';
import { type GLTF, GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import type { Theme } from '../theme/tokens';
import type { Eye } from './eye';
import { type FlatModel, featureName, flatten } from './flatten';
import { type FeatureIds, readFeatureIds } from './ids';
import { Dresser } from './materials';

/** A layer with a tileset. */
export interface SolidLayer {
  id: string;
  kind: string;
  /** Absolute URL of its tileset. */
  tileset: string;
}

/** Screen pixels of error at which finer contents are asked for. */
const errorTarget = 8;

interface Shown extends FlatModel {
  ids: FeatureIds | undefined;
  selected: number;
}

/** The traversal of one state of a layer's tileset. */
class Traversal {
  readonly tiles: TilesRenderer;
  readonly models = new Map<Object3D, Shown>();
  readonly visible = new Set<Object3D>();

  constructor(url: string, eye: Eye, dresser: Dresser, changed: () => void) {
    const tiles = new TilesRenderer(url);
    tiles.errorTarget = errorTarget;
    const loader = new GLTFLoader(tiles.manager);
    const ids = new WeakMap<Object3D, FeatureIds>();
    loader.register(parser => ({
      name: 'TWIND_feature_ids',
      async afterRoot(result: GLTF) {
        ids.set(result.scene, await readFeatureIds(parser));
      },
    }));
    tiles.manager.addHandler(/\.gl(b|tf)$/, loader);
    tiles.setCamera(eye.camera);
    tiles.addEventListener('load-model', event => {
      const { scene } = event as unknown as { scene: Group };
      const flat = flatten(scene, (mesh: Mesh) => dresser.material(mesh));
      if (flat) this.models.set(scene, { ...flat, ids: ids.get(scene), selected: -1 });
      changed();
    });
    tiles.addEventListener('dispose-model', event => {
      const { scene } = event as unknown as { scene: Object3D };
      const model = this.models.get(scene);
      for (const mesh of model?.group.children ?? []) (mesh as Mesh).geometry.dispose();
      this.models.delete(scene);
      this.visible.delete(scene);
      changed();
    });
    tiles.addEventListener('tile-visibility-change', event => {
      const { scene, visible } = event as unknown as { scene: Object3D | null; visible: boolean };
      if (!scene) return;
      if (visible) this.visible.add(scene);
      else this.visible.delete(scene);
      changed();
    });
    tiles.addEventListener('needs-update', changed);
    this.tiles = tiles;
  }

  get settled(): boolean {
    const { stats, root } = this.tiles as unknown as {
      root: unknown;
      stats: { downloading: number; parsing: number; queued: number };
    };
    return Boolean(root) && stats.downloading + stats.parsing + stats.queued === 0;
  }

  dispose(): void {
    this.tiles.dispose();
    for (const model of this.models.values())
      for (const mesh of model.group.children) (mesh as Mesh).geometry.dispose();
    this.models.clear();
    this.visible.clear();
  }
}

/** The solids of one layer. */
export class CitySolids {
  readonly scene = new Scene();
  visible = true;
  private readonly dresser: Dresser;
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
    return new Traversal(this.layer.tileset, this.eye, this.dresser, this.changed);
  }

  setTheme(theme: Theme): void {
    this.dresser.setTheme(theme);
  }

  setOpacity(opacity: number): void {
    this.dresser.setOpacity(opacity);
  }

  select(id: string | undefined): void {
    this.selection = id;
    for (const t of [this.current, this.next])
      for (const model of t?.models.values() ?? []) model.selected = -1;
    for (const model of this.current.models.values())
      model.selected = id === undefined ? -1 : (model.ids?.find(id) ?? -1);
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
      t?.tiles.update();
    }
    if (this.next?.settled) {
      this.current.dispose();
      this.current = this.next;
      this.next = undefined;
      this.select(this.selection);
    }
    return this.next !== undefined || !this.current.settled;
  }

  /** Puts the visible contents in the frame around an origin in the unit square of Web Mercator. */
  arrange(originX: number, originY: number, world: number): void {
    this.scene.clear();
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
          (material.uniforms.selected as { value: number }).value = model.selected;
          material.uniformsNeedUpdate = true;
        };
      }
      this.scene.add(group);
    }
    if (this.selection !== undefined)
      for (const model of this.current.models.values())
        if (model.selected < 0) model.selected = model.ids?.find(this.selection) ?? -1;
  }

  /** The feature that a ray meets first, with its distance. */
  hit(raycaster: Raycaster): { id: string; distance: number } | undefined {
    if (!this.visible) return undefined;
    for (const hit of raycaster.intersectObjects(this.scene.children, true)) {
      const mesh = hit.object as Mesh;
      const model = [...this.current.models.values()].find(({ group }) => group === mesh.parent);
      const column = mesh.geometry.getAttribute(featureName);
      const row = column?.getX(hit.instanceId ?? hit.face?.a ?? 0);
      const id = row === undefined ? undefined : model?.ids?.of(row);
      if (id !== undefined) return { id, distance: hit.distance };
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
  }
}
