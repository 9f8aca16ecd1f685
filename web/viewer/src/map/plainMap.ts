import type { Feature, Geometry, Position } from 'geojson';
import type { BBox, LayerConfig } from '../config/config';
import type { Theme } from '../theme/tokens';
import { palettes } from '../theme/tokens';
import type { Camera } from '../url/state';
import { mercator, unmercator } from './tiles';

/** The most features that are asked for of one layer in view. */
const most = 2000;
/** The zoom at which a box is looked at, at most. */
const closest = 17.5;
/** The kinds of layers in the order in which they are drawn; what moves is not drawn. */
const order = ['block', 'cell', 'building', 'street', 'rail', 'pipe', 'node', 'part', 'station', 'feature'];

/** What a plain map needs of its page. */
export interface PlainMapOptions {
  container: HTMLElement;
  layers: readonly LayerConfig[];
  camera: Camera;
  theme(): Theme;
  hidden(): ReadonlySet<string>;
  moved(camera: Camera): void;
  /** Whether more is in view of some layer than is asked for. */
  partial(some: boolean): void;
  pick(found: { layer: string; id: string; properties: Record<string, unknown> } | undefined): void;
}

interface Loaded extends Page {
  layer: LayerConfig;
}

/** Features of an answer, and whether there are more. */
interface Page {
  features: Feature[];
  more: boolean;
}

/**
 * A map without a graphics card: the features in view as plain shapes on a 2D canvas, for browsers without
 * WebGL 2. It pans, zooms and picks; it does not tilt, and shows nothing that moves.
 */
export class PlainMap {
  private readonly canvas = document.createElement('canvas');
  private camera: Camera;
  private loaded: Loaded[] = [];
  private asked: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drag: { x: number; y: number; moved: boolean } | undefined;
  private readonly observer = new ResizeObserver(() => void this.moveTo(this.camera));

  constructor(private readonly options: PlainMapOptions) {
    this.camera = { ...options.camera, bearing: 0, pitch: 0 };
    this.canvas.className = 'plain-map';
    options.container.append(this.canvas);
    this.canvas.addEventListener('pointerdown', this.down);
    this.canvas.addEventListener('pointermove', this.move);
    this.canvas.addEventListener('pointerup', this.up);
    this.canvas.addEventListener('wheel', this.wheel, { passive: false });
    this.observer.observe(options.container);
  }

  dispose(): void {
    this.observer.disconnect();
    this.asked?.abort();
    clearTimeout(this.timer);
    this.canvas.remove();
  }

  /** Shows another part of the city. Returns the camera as it is then. */
  moveTo(camera: Camera): Camera {
    this.camera = { ...camera, zoom: Math.min(20, Math.max(3, camera.zoom)), bearing: 0, pitch: 0 };
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), 250);
    return this.camera;
  }

  /** Draws anew, as after a change of theme. */
  draw(): void {
    const { canvas, options } = this;
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = options.container;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext('2d');
    if (!context) return;
    const theme = options.theme();
    context.scale(ratio, ratio);
    context.fillStyle = palettes[theme].land;
    context.fillRect(0, 0, width, height);
    const hidden = options.hidden();
    for (const { layer, features } of this.loaded) {
      if (hidden.has(layer.id)) continue;
      const color = layer.legend[0]?.color[theme] ?? palettes[theme].quiet;
      context.fillStyle = color;
      context.strokeStyle = color;
      context.lineWidth = layer.kind === 'street' ? 2.5 : 1.5;
      for (const { geometry } of features) if (geometry) this.trace(context, geometry, layer.kind);
    }
  }

  private trace(context: CanvasRenderingContext2D, geometry: Geometry, kind: string): void {
    if (geometry.type === 'GeometryCollection') {
      for (const part of geometry.geometries) this.trace(context, part, kind);
      return;
    }
    context.beginPath();
    const points = geometry.type === 'Point' || geometry.type === 'MultiPoint';
    for (const path of pathsOf(geometry)) {
      path.forEach((position, i) => {
        const [x, y] = this.pixelOf(position);
        if (points) context.rect(x - 2, y - 2, 4, 4);
        else if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      });
    }
    const area = geometry.type === 'Polygon' || geometry.type === 'MultiPolygon';
    if ((area && kind !== 'cell') || points) context.fill('evenodd');
    else context.stroke();
  }

  /** Pixels of a place. */
  private pixelOf([lon = 0, lat = 0]: Position): [x: number, y: number] {
    const size = 512 * 2 ** this.camera.zoom;
    const [x, y] = mercator(lon, lat);
    const [cx, cy] = mercator(this.camera.lon, this.camera.lat);
    const { clientWidth, clientHeight } = this.options.container;
    return [(x - cx) * size + clientWidth / 2, (y - cy) * size + clientHeight / 2];
  }

  private placeOf(x: number, y: number): [lon: number, lat: number] {
    const size = 512 * 2 ** this.camera.zoom;
    const [cx, cy] = mercator(this.camera.lon, this.camera.lat);
    const { clientWidth, clientHeight } = this.options.container;
    return unmercator(cx + (x - clientWidth / 2) / size, cy + (y - clientHeight / 2) / size);
  }

  /** Asks for what is in view, a layer after another. */
  private async load(): Promise<void> {
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    const { clientWidth, clientHeight } = this.options.container;
    const [west, north] = this.placeOf(0, 0);
    const [east, south] = this.placeOf(clientWidth, clientHeight);
    const wanted = this.options.layers
      .filter(({ live, kind, minZoom }) => !live && order.includes(kind) && this.camera.zoom >= minZoom)
      .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    const found: Loaded[] = [];
    for (const layer of wanted) {
      if (this.options.hidden().has(layer.id)) continue;
      const query = new URLSearchParams({ bbox: [west, south, east, north].join(','), limit: String(most) });
      try {
        const response = await fetch(`${layer.items}?${query}`, { signal: asked.signal });
        if (response.ok) found.push({ layer, ...pageOf(await response.json()) });
      } catch {
        if (asked.signal.aborted) return;
      }
      this.loaded = [...found, ...this.loaded.filter(old => !found.some(l => l.layer.id === old.layer.id))];
      this.loaded.sort((a, b) => order.indexOf(a.layer.kind) - order.indexOf(b.layer.kind));
      this.draw();
    }
    this.loaded = found;
    this.draw();
    this.options.partial(found.some(({ more }) => more));
  }

  private readonly down = (event: PointerEvent): void => {
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { x: event.clientX, y: event.clientY, moved: false };
  };

  private readonly move = ({ clientX, clientY }: PointerEvent): void => {
    const { drag } = this;
    if (!drag) return;
    const [dx, dy] = [clientX - drag.x, clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    this.drag = { x: clientX, y: clientY, moved: true };
    const { clientWidth, clientHeight } = this.options.container;
    const [lon, lat] = this.placeOf(clientWidth / 2 - dx, clientHeight / 2 - dy);
    this.moveTo({ ...this.camera, lon, lat });
  };

  private readonly up = ({ offsetX, offsetY }: PointerEvent): void => {
    const moved = this.drag?.moved;
    this.drag = undefined;
    if (moved) this.options.moved(this.camera);
    else this.options.pick(this.at(offsetX, offsetY));
  };

  private readonly wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const step = Math.max(-1, Math.min(1, -event.deltaY / 240));
    const [lon, lat] = this.placeOf(event.offsetX, event.offsetY);
    const share = 1 - 2 ** -step;
    const [cx, cy] = mercator(this.camera.lon, this.camera.lat);
    const [px, py] = mercator(lon, lat);
    const [nextLon, nextLat] = unmercator(cx + (px - cx) * share, cy + (py - cy) * share);
    this.moveTo({ ...this.camera, lon: nextLon, lat: nextLat, zoom: this.camera.zoom + step });
    this.options.moved(this.camera);
  };

  /** What is drawn at a pixel, the topmost first. */
  private at(x: number, y: number) {
    for (const { layer, features } of [...this.loaded].reverse()) {
      if (this.options.hidden().has(layer.id)) continue;
      const hit = features.find(({ geometry }) => geometry && this.touches(geometry, x, y));
      if (hit) return { layer: layer.id, id: String(hit.id), properties: { ...hit.properties } };
    }
    return undefined;
  }

  private touches(geometry: Geometry, x: number, y: number): boolean {
    if (geometry.type === 'GeometryCollection')
      return geometry.geometries.some(part => this.touches(part, x, y));
    const paths = pathsOf(geometry).map(path => path.map(position => this.pixelOf(position)));
    if (geometry.type === 'Polygon' || geometry.type === 'MultiPolygon') return inside(paths, x, y);
    return paths.some(path => path.some((p, i) => nearLine(path[Math.max(0, i - 1)] ?? p, p, x, y)));
  }
}

/** The features of a page of items; a link to the next page says that there are more. */
export function pageOf(answer: unknown): Page {
  const { features, links } = (answer ?? {}) as { features?: unknown; links?: unknown };
  return {
    features: Array.isArray(features) ? features : [],
    more: Array.isArray(links) && links.some((link: { rel?: unknown } | null) => link?.rel === 'next'),
  };
}

/** The camera that has a box in the middle of a map of so many pixels, seen straight from above. */
export function cameraOfBox([west, south, east, north]: BBox, width: number, height: number): Camera {
  const [left, bottom] = mercator(west, south);
  const [right, top] = mercator(east, north);
  const [lon, lat] = unmercator((left + right) / 2, (top + bottom) / 2);
  const share = Math.max((right - left) / width, (bottom - top) / height, 1e-12);
  return { lon, lat, zoom: Math.min(closest, Math.log2(0.7 / (512 * share))), bearing: 0, pitch: 0 };
}

/** The paths of a geometry: rings, lines, and each point by itself. */
export function pathsOf(geometry: Exclude<Geometry, { type: 'GeometryCollection' }>): Position[][] {
  switch (geometry.type) {
    case 'Point':
      return [[geometry.coordinates]];
    case 'MultiPoint':
      return geometry.coordinates.map(position => [position]);
    case 'LineString':
      return [geometry.coordinates];
    case 'MultiPolygon':
      return geometry.coordinates.flat();
    default:
      return geometry.coordinates;
  }
}

/** Whether a pixel lies in rings, by the rule of even and odd. */
export function inside(rings: readonly (readonly [number, number])[][], x: number, y: number): boolean {
  let within = false;
  for (const ring of rings)
    ring.forEach(([bx, by], i) => {
      const [ax, ay] = ring[(i + ring.length - 1) % ring.length] ?? [bx, by];
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) within = !within;
    });
  return within;
}

/** Whether a pixel is within a finger's breadth of a line. */
function nearLine(
  [ax, ay]: readonly [number, number],
  [bx, by]: readonly [number, number],
  x: number,
  y: number,
): boolean {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const t = square === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / square));
  return Math.hypot(ax + dx * t - x, ay + dy * t - y) < 5;
}
