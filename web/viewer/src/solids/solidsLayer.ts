import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibreMap } from 'maplibre-gl';
import { Camera, Matrix4, Raycaster, Vector3, Vector4, WebGLRenderer } from 'three';
import { localMatrix } from '../live/frame';
import { mercator, unmercator } from '../map/tiles';
import type { Condition } from '../readings/readings';
import type { Theme } from '../theme/tokens';
import { CitySolids, type SolidLayer } from './city';
import { Eye } from './eye';
import type { Pit } from './pitGeometry';
import { opening, PitScene } from './pitScene';
import { type Cut, SectionScene } from './sectionScene';
import { GroundShadow } from './shadow';

/** A solid under the pointer. */
export interface SolidHit {
  layer: string;
  id: string;
}

const world = 40075016.685578488;

/** Milliseconds between steps of a traversal while contents are on their way. */
const step = 16;

/** Below this zoom the flat map says it better. */
const fromZoom = 13;

/**
 * Draws the 3D tilesets of the city's layers in the map's own canvas, with the map's camera and depth:
 * buildings, pipes and parts are solids, and what is picked is the same record as in plan.
 */
export class SolidsLayer implements CustomLayerInterface {
  readonly id = 'twind-solids';
  readonly type = 'custom';
  readonly renderingMode = '3d';

  private map: MapLibreMap | undefined;
  private renderer: WebGLRenderer | undefined;
  private readonly camera = new Camera();
  /** Of the frame that was last drawn, in the unit square of Web Mercator. */
  private origin: [x: number, y: number] = [0, 0];
  private drawn = false;
  private readonly eye = new Eye();
  private readonly cities: CitySolids[];
  private reloads: ReturnType<typeof setTimeout> | undefined;
  private pump: ReturnType<typeof setInterval> | undefined;
  private readonly toReload = new Set<string>();
  private readonly shadow: GroundShadow;
  private loading = false;
  private pit: PitScene | undefined;
  private section: SectionScene | undefined;

  constructor(
    layers: readonly SolidLayer[],
    private theme: Theme,
    /** Contents in view are on their way, or all there. */
    private readonly onLoading: (loading: boolean) => void = () => undefined,
  ) {
    this.camera.matrixWorldAutoUpdate = false;
    this.shadow = new GroundShadow(theme);
    this.cities = layers.map(
      layer => new CitySolids(layer, theme, this.eye, () => this.map?.triggerRepaint()),
    );
  }

  /** The layers that are drawn as solids. */
  get layers(): string[] {
    return this.cities.map(({ layer }) => layer.id);
  }

  onAdd(map: MapLibreMap, gl: WebGL2RenderingContext): void {
    this.map = map;
    const renderer = new WebGLRenderer({ canvas: map.getCanvas(), context: gl, antialias: true });
    renderer.autoClear = false;
    renderer.setPixelRatio(1);
    this.renderer = renderer;
  }

  /** Ends the layer; a second call does nothing. */
  onRemove(): void {
    if (!this.map) return;
    clearTimeout(this.reloads);
    clearInterval(this.pump);
    this.map = undefined;
    for (const city of this.cities) city.dispose();
    this.pit?.dispose();
    this.section?.dispose();
    this.shadow.dispose();
    this.renderer?.dispose();
    this.renderer = undefined;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.shadow.setTheme(theme);
    this.pit?.setTheme(theme);
    const section = this.section?.inTheme(theme);
    if (section !== this.section) this.section?.dispose();
    this.section = section;
    for (const city of this.cities) city.setTheme(theme);
    this.map?.triggerRepaint();
  }

  /** Opens the ground, or closes it. */
  setPit(pit: Pit | undefined): void {
    this.pit?.dispose();
    this.pit = pit && PitScene.of(pit, this.theme);
    this.map?.triggerRepaint();
  }

  /** Cuts the scene along a plane, or makes it whole again. */
  setSection(cut: Cut | undefined): void {
    this.section?.dispose();
    this.section = cut && new SectionScene(cut, this.theme);
    this.map?.triggerRepaint();
  }

  /** @param dug shows the layer in a pit, though perhaps nowhere else */
  show(layer: string, visible: boolean, opacity: number, dug: boolean): void {
    const city = this.city(layer);
    if (!city) return;
    city.visible = visible;
    city.dug = dug;
    city.setOpacity(opacity);
    this.map?.triggerRepaint();
  }

  /** Recolours a layer's objects by their conditions. */
  setConditions(layer: string, conditions: ReadonlyMap<string, Condition>): void {
    this.city(layer)?.setConditions(conditions);
  }

  select(selection: { layer: string; id: string } | undefined): void {
    for (const city of this.cities)
      city.select(selection?.layer === city.layer.id ? selection.id : undefined);
  }

  /** A layer changed: its tileset is read again, at most four times a second. */
  refresh(layer: string): void {
    if (!this.city(layer)) return;
    this.toReload.add(layer);
    if (!this.reloads) this.reload();
  }

  /** Reads changed tilesets now, and those that change meanwhile after a while. */
  private reload(): void {
    this.reloads = undefined;
    if (this.toReload.size === 0) return;
    for (const id of this.toReload) this.city(id)?.reload();
    this.toReload.clear();
    this.reloads = setTimeout(() => this.reload(), 250);
    this.pump ??= setInterval(() => this.load(), step); // frames can be slow
    this.load();
  }

  render(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    const { map, renderer } = this;
    if (!map || !renderer || map.getZoom() < fromZoom) return;
    const center = map.getCenter();
    this.look(input.defaultProjectionData.mainMatrix, center.lng, center.lat);
    const [x, y] = this.origin;
    this.eye.follow(map);
    renderer.resetState();
    let loading = false;
    const plane = this.section?.planeAt(x, y);
    const ring = this.pit?.ringAt(x, y, world) ?? [];
    for (const city of this.cities) {
      city.setCut(plane);
      city.setPit(ring);
      if (!city.visible) {
        if (city.dug && !this.pit) loading = city.update(map) || loading; // it will be asked for soon
        continue;
      }
      loading = city.update(map) || loading;
      city.arrange(x, y, world);
    }
    this.castShadows(map, renderer, plane);
    for (const city of this.cities) if (city.visible) renderer.render(city.scene, this.camera);
    if (this.section) this.open(map, renderer, x, y);
    if (this.pit) loading = this.dig(map, renderer, x, y) || loading;
    renderer.resetState();
    gl.bindVertexArray(null);
    if (loading) this.pump ??= setInterval(() => this.load(), step);
    this.tell(loading);
  }

  /** Draws what lies in the pit; true while some of it is on its way. */
  private dig(map: MapLibreMap, renderer: WebGLRenderer, x: number, y: number): boolean {
    let loading = false;
    this.pit?.render(renderer, this.camera, x, y, world);
    for (const city of this.cities) {
      if (!city.dug) continue;
      if (!city.visible) {
        loading = city.update(map) || loading;
        city.arrange(x, y, world);
      }
      city.setMask(opening);
      renderer.render(city.scene, this.camera);
      city.setMask(0);
    }
    forgetStencil(map);
    return loading;
  }

  /** Buildings cast their shadows on the ground. */
  private castShadows(
    map: MapLibreMap,
    renderer: WebGLRenderer,
    plane: readonly [number, number, number] | undefined,
  ): void {
    const casting = this.cities.filter(({ visible, layer }) => visible && layer.kind === 'building');
    const scenes = casting.map(({ scene }) => scene).filter(({ children }) => children.length > 0);
    if (scenes.length === 0) return;
    this.shadow.render(renderer, this.camera, scenes, plane);
    forgetStencil(map);
  }

  /** Draws the trench of the section. */
  private open(map: MapLibreMap, renderer: WebGLRenderer, x: number, y: number): void {
    this.section?.render(renderer, this.camera, x, y);
    forgetStencil(map);
  }

  private tell(loading: boolean): void {
    if (loading === this.loading) return;
    this.loading = loading;
    this.onLoading(loading);
  }

  /** Goes on loading between frames: each step of a traversal may ask for the next, and frames can be slow. */
  private load(): void {
    const { map } = this;
    let loading = false;
    if (map)
      for (const city of this.cities) if (city.visible || city.dug) loading = city.update(map) || loading;
    if (loading) return;
    clearInterval(this.pump);
    this.pump = undefined;
    this.tell(false);
    map?.triggerRepaint();
  }

  /** The solid at a point of the canvas, in CSS pixels. */
  hit(x: number, y: number): SolidHit | undefined {
    const best = this.nearest(x, y);
    return best && { layer: best.layer, id: best.id };
  }

  /** The place on the solid at a point of the canvas: degrees, and metres above the ground. */
  placeAt(x: number, y: number): [lon: number, lat: number, height: number] | undefined {
    const at = this.nearest(x, y)?.place;
    if (!at) return undefined;
    const [lon, lat] = unmercator(this.origin[0] + at.x / world, this.origin[1] - at.y / world);
    return [lon, lat, at.z * Math.cos((lat * Math.PI) / 180)];
  }

  /** Where a place is seen in the last frame, in CSS pixels of the canvas; undefined behind the viewer. */
  pixelOf(lon: number, lat: number, height: number): { x: number; y: number } | undefined {
    const { map } = this;
    if (!map || !this.drawn || map.getZoom() < fromZoom) return undefined;
    const [x, y] = mercator(lon, lat);
    const at = new Vector4(
      (x - this.origin[0]) * world,
      (this.origin[1] - y) * world,
      height / Math.cos((lat * Math.PI) / 180),
      1,
    ).applyMatrix4(this.camera.projectionMatrix);
    if (at.w <= 0) return undefined;
    const { clientWidth, clientHeight } = map.getCanvas();
    return { x: ((at.x / at.w + 1) / 2) * clientWidth, y: ((1 - at.y / at.w) / 2) * clientHeight };
  }

  /** Follows the map's camera: metres around its centre, y north, become clip space. */
  private look(mainMatrix: ArrayLike<number>, lon: number, lat: number): void {
    this.origin = mercator(lon, lat);
    this.drawn = true;
    const matrix = localMatrix(mainMatrix, this.origin[0], this.origin[1], 1 / world);
    this.camera.projectionMatrix.fromArray(matrix).multiply(new Matrix4().makeScale(1, -1, 1)); // y north
    this.camera.projectionMatrixInverse.copy(this.camera.projectionMatrix).invert();
  }

  private nearest(x: number, y: number): (SolidHit & { distance: number; place: Vector3 }) | undefined {
    const { map } = this;
    if (!map || map.getZoom() < fromZoom) return undefined;
    const { clientWidth, clientHeight } = map.getCanvas();
    const at = (depth: number) =>
      new Vector3((x / clientWidth) * 2 - 1, 1 - (y / clientHeight) * 2, depth).applyMatrix4(
        this.camera.projectionMatrixInverse,
      );
    const near = at(-1);
    const raycaster = new Raycaster(near, at(0.999).sub(near).normalize());
    let best: (SolidHit & { distance: number; place: Vector3 }) | undefined;
    for (const city of this.cities) {
      const { pit } = this;
      const hit = city.hit(raycaster, place => pit?.contains(place) ?? false);
      if (hit && city.layer.kind === 'part' && pit?.covers(hit.place)) continue; // taken away
      if (hit && (!best || hit.distance < best.distance)) best = { layer: city.layer.id, ...hit };
    }
    return best;
  }

  /** What is held by layer, for those who watch the page's memory. */
  get held(): Record<string, { contents: number; visible: number }> {
    return Object.fromEntries(this.cities.map(city => [city.layer.id, city.held]));
  }

  private city(layer: string): CitySolids | undefined {
    return this.cities.find(city => city.layer.id === layer);
  }
}

/** The map must not take what is in the stencil now for its own masks. */
function forgetStencil(map: MapLibreMap): void {
  const { painter } = map as unknown as { painter?: { currentStencilSource?: string | undefined } };
  if (painter) painter.currentStencilSource = undefined;
}
