import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { multiply, shiftZoom } from './expression';

/** The opacity that a style layer of each type is dimmed by. */
const opacityOf: Partial<Record<LayerSpecification['type'], readonly string[]>> = {
  fill: ['fill-opacity'],
  line: ['line-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'],
  symbol: ['text-opacity', 'icon-opacity'],
  'fill-extrusion': ['fill-extrusion-opacity'],
  raster: ['raster-opacity'],
};

/** Sizes in pixels that grow with the distance a screen is read from. */
const sizes: readonly (readonly ['layout' | 'paint', string])[] = [
  ['layout', 'text-size'],
  ['layout', 'icon-size'],
  ['paint', 'line-width'],
  ['paint', 'line-gap-width'],
  ['paint', 'circle-radius'],
  ['paint', 'circle-stroke-width'],
  ['paint', 'text-halo-width'],
];

const defaults: Record<string, number> = {
  'line-width': 1,
  'circle-radius': 5,
  'text-size': 16,
  'icon-size': 1,
};

/** How a style is drawn for this user. */
export interface Presentation {
  hidden: ReadonlySet<string>;
  opacity: ReadonlyMap<string, number>;
  /** Factor on texts, lines and symbols: 1 at a desk. */
  scale: number;
  /** Layers whose things lie close together: on a larger scale they are drawn as from as much farther away, lest they cover the map. */
  dense?: ReadonlySet<string>;
  /** Layers that are drawn as solids of their own, so that the style's extrusions would repeat them. */
  solid?: ReadonlySet<string>;
  /** Layers that stay as they are while all else fades, so that what lies under the ground is seen; absent above it. */
  underground?: ReadonlySet<string>;
  /** Layers whose objects stand as solids in a tilted view, so that their symbols would hide them. */
  standing?: ReadonlySet<string>;
  /** Layers whose names would float over the buildings in a tilted view. */
  nameless?: ReadonlySet<string>;
  /** An open pit: symbols of some layers are left out in it, since their bodies are seen there, and names along lines. */
  pit?: { ring: readonly (readonly [number, number])[]; layers: ReadonlySet<string> };
}

/** From this zoom on, solids under the ground are large enough to stand for their symbols. */
const bodies = 17.5;

/** How much of the city above is left while one looks below: enough to know where one is. */
const ghost = 0.25;

/** The layer of the city that a style layer draws, from its metadata; undefined for the ground and the viewer's own. */
export function cityLayerOf(layer: LayerSpecification): string | undefined {
  const metadata = layer.metadata;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const id = (metadata as Record<string, unknown>)['twind:layer'];
  return typeof id === 'string' ? id : undefined;
}

/** The paint properties, with their values, that show a style layer at an opacity of 0 to 1. */
export function dimmed(layer: LayerSpecification, opacity: number): [string, ReturnType<typeof multiply>][] {
  const paint = (layer.paint ?? {}) as Record<string, unknown>;
  return (opacityOf[layer.type] ?? []).map(property => [property, multiply(paint[property] ?? 1, opacity)]);
}

/** A copy of the server's style as this user sees it. */
export function present(style: StyleSpecification, how: Presentation): StyleSpecification {
  return { ...style, layers: style.layers.map(layer => presentLayer(layer, how)) };
}

function presentLayer(layer: LayerSpecification, how: Presentation): LayerSpecification {
  const paint: Record<string, unknown> = { ...(layer.paint as Record<string, unknown> | undefined) };
  const layout: Record<string, unknown> = { ...(layer.layout as Record<string, unknown> | undefined) };
  const groups = { paint, layout };
  const id = cityLayerOf(layer);
  const later = id !== undefined && how.dense?.has(id) ? Math.max(0, Math.log2(how.scale)) : 0;
  if (how.scale !== 1) enlarge(layer, groups, how.scale, later);
  if (id !== undefined) {
    if (how.hidden.has(id)) layout.visibility = 'none';
    if (layer.type === 'fill-extrusion' && (how.solid?.has(id) || how.underground))
      layout.visibility = 'none';
    const opacity = (how.opacity.get(id) ?? 1) * (how.underground && !how.underground.has(id) ? ghost : 1);
    if (opacity !== 1) for (const [property, value] of dimmed(layer, opacity)) paint[property] = value;
  }
  if (id !== undefined && replaced(layer, id, how)) layout.visibility = 'none';
  const bodied = id !== undefined && how.underground && how.solid?.has(id) && layer.type !== 'symbol';
  const zooms = {
    ...(later > 0 && layer.minzoom !== undefined ? { minzoom: Math.min(24, layer.minzoom + later) } : {}),
    ...(bodied ? { maxzoom: Math.min(bodies, layer.maxzoom ?? 24) } : {}),
  };
  const flat = layer.type === 'circle' || layer.type === 'symbol';
  const dug = id !== undefined && flat && (how.pit?.layers.has(id) || layout['symbol-placement'] === 'line');
  const cut = dug && how.pit ? outside(layer, how.pit.ring) : {};
  return { ...layer, ...zooms, ...cut, paint, layout } as LayerSpecification;
}

/** Sizes for a screen that is read from farther away; what grows with the zoom does so as much later. */
function enlarge(
  { type }: LayerSpecification,
  groups: Record<'layout' | 'paint', Record<string, unknown>>,
  scale: number,
  later: number,
): void {
  for (const [group, property] of sizes) {
    const amount = groups[group][property];
    if (amount === undefined) {
      if (belongs(property, type) && defaults[property] !== undefined)
        groups[group][property] = defaults[property] * scale;
    } else {
      const grows = later > 0 && !property.startsWith('text');
      groups[group][property] = multiply(grows ? shiftZoom(amount, later) : amount, scale);
    }
  }
}

/** Whether a tilted view has no use for a symbol: a model stands in its place, or its name would float. */
function replaced({ type, layout }: LayerSpecification, id: string, how: Presentation): boolean {
  const named = type === 'symbol' && (layout as Record<string, unknown>)?.['text-field'] !== undefined;
  if (named && how.nameless?.has(id)) return true;
  return (how.standing?.has(id) ?? false) && (type === 'circle' || type === 'symbol');
}

/** The filter that leaves out what touches a ring: the label of a pipe may be anywhere along it. */
function outside(layer: LayerSpecification, ring: readonly (readonly [number, number])[]) {
  const polygon = { type: 'Polygon', coordinates: [[...ring, ring[0]]] };
  const own = 'filter' in layer && layer.filter !== undefined ? [layer.filter] : [];
  return { filter: ['all', ...own, ['>', ['distance', polygon], 0]] };
}

function belongs(property: string, type: LayerSpecification['type']): boolean {
  const owner = property.startsWith('line') ? 'line' : property.startsWith('circle') ? 'circle' : 'symbol';
  return owner === type;
}
