import type { Text } from '../i18n';
import type {
  BBox,
  Bookmark,
  Config,
  Group,
  LayerConfig,
  LegendEntry,
  Property,
  Provenance,
  SymbolKind,
  ValueType,
} from './config';

type Json = Record<string, unknown>;

const symbols: readonly string[] = [
  'fill',
  'line',
  'circle',
  'arrow',
  'square',
  'diamond',
] satisfies SymbolKind[];
const types: readonly string[] = [
  'boolean',
  'integer',
  'number',
  'string',
  'date',
  'date-time',
] satisfies ValueType[];

/**
 * Checks the answer of /viewer/config.json. What the map cannot do without
 * (styles, layer ids) must be there, or an Error says what is missing; all else
 * takes a harmless default, so that an older viewer opens with a newer server.
 */
export function parseConfig(value: unknown): Config {
  const root = object(value, 'config.json');
  const styles = object(root.styles, 'styles');
  const layers = list(root.layers).map((layer, i) => parseLayer(layer, i));
  return {
    title: text(root.title),
    version: string(root.version),
    live: string(root.live),
    bookmarks: list(root.bookmarks).flatMap(parseBookmark),
    groups: list(root.groups).flatMap(parseGroup),
    styles: { light: required(styles.light, 'styles.light'), dark: required(styles.dark, 'styles.dark') },
    layers,
    bases: list(root.bases).flatMap(parseBase),
  };
}

/** A map or image below the layers; terrain and hillshade are not drawn by the style. */
function parseBase(value: unknown): LayerConfig[] {
  if (!isObject(value) || typeof value.id !== 'string') return [];
  if (value.type !== 'vector' && value.role !== 'imagery') return [];
  return [parseLayer({ ...value, kind: 'base', items: '-', group: 'bases' }, 0)];
}

function parseLayer(value: unknown, index: number): LayerConfig {
  const layer = object(value, `layers[${index}]`);
  const id = required(layer.id, `layers[${index}].id`);
  const provenance = string(layer.provenance);
  return {
    id,
    title: text(layer.title),
    kind: string(layer.kind),
    geometryType: string(layer.geometryType),
    count: number(layer.count, 0),
    bbox: parseBBox(layer.bbox),
    minZoom: number(layer.minZoom, 0),
    maxZoom: number(layer.maxZoom, 24),
    provenance: (provenance === 'generated' || provenance === 'estimated'
      ? provenance
      : '') satisfies Provenance,
    owner: string(layer.owner),
    attribution: string(layer.attribution),
    live: layer.live === true,
    readOnly: layer.readOnly === true,
    label: string(layer.label),
    group: string(layer.group),
    schema: list(layer.schema).flatMap(parseProperty),
    legend: list(layer.legend).flatMap(parseLegend),
    tilejson: string(layer.tilejson),
    tileset: string(layer.tileset),
    items: required(layer.items, `layers[${index}].items`),
  };
}

function parseProperty(value: unknown): Property[] {
  if (!isObject(value) || typeof value.name !== 'string') return [];
  const type = string(value.type);
  const property: Property = {
    name: value.name,
    type: types.includes(type) ? (type as ValueType) : 'string',
  };
  if (isObject(value.title)) property.title = text(value.title);
  if (typeof value.unit === 'string' && value.unit) property.unit = value.unit;
  return [property];
}

function parseLegend(value: unknown): LegendEntry[] {
  if (!isObject(value) || !isObject(value.color)) return [];
  const { light, dark } = value.color;
  if (typeof light !== 'string' || typeof dark !== 'string') return [];
  const symbol = string(value.symbol);
  return [
    {
      label: text(value.label),
      color: { light, dark },
      symbol: symbols.includes(symbol) ? (symbol as SymbolKind) : 'fill',
    },
  ];
}

function parseBookmark(value: unknown): Bookmark[] {
  if (!isObject(value) || typeof value.id !== 'string') return [];
  const [lon, lat] = list(value.center);
  if (typeof lon !== 'number' || typeof lat !== 'number') return [];
  return [
    {
      id: value.id,
      title: text(value.title),
      center: [lon, lat],
      zoom: number(value.zoom, 14),
      pitch: number(value.pitch, 0),
      bearing: number(value.bearing, 0),
    },
  ];
}

function parseGroup(value: unknown): Group[] {
  if (!isObject(value) || typeof value.id !== 'string') return [];
  return [
    {
      id: value.id,
      title: text(value.title),
      layers: list(value.layers).filter(id => typeof id === 'string'),
    },
  ];
}

/** A box of four finite numbers, or null. */
export function parseBBox(value: unknown): BBox | null {
  const box = list(value);
  if (box.length !== 4 || !box.every(n => typeof n === 'number' && Number.isFinite(n))) return null;
  return box as BBox;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown, what: string): Json {
  if (!isObject(value)) throw new Error(`${what}: expected an object`);
  return value;
}

function required(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${what}: expected a text`);
  return value;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

function text(value: unknown): Text {
  if (typeof value === 'string') return { zh: value, en: value };
  if (!isObject(value)) return {};
  const parsed: Text = {};
  if (typeof value.zh === 'string') parsed.zh = value.zh;
  if (typeof value.en === 'string') parsed.en = value.en;
  return parsed;
}
