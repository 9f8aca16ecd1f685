import type { Text } from '../i18n';
import type { Theme } from '../theme/tokens';

/** A box in degrees: west, south, east, north. */
export type BBox = [number, number, number, number];

/** The types of properties, named as in JSON Schema. */
export type ValueType = 'boolean' | 'integer' | 'number' | 'string' | 'date' | 'date-time';

/** One attribute of a layer's features. */
export interface Property {
  name: string;
  type: ValueType;
  title?: Text;
  /** UCUM code, such as "m" or "mm". */
  unit?: string;
}

/** How an entry of the legend is drawn. */
export type SymbolKind = 'fill' | 'line' | 'circle' | 'arrow' | 'square' | 'diamond';

export interface LegendEntry {
  label: Text;
  color: Record<Theme, string>;
  symbol: SymbolKind;
}

export type Provenance = '' | 'generated' | 'estimated';

export interface LayerConfig {
  id: string;
  title: Text;
  kind: string;
  geometryType: string;
  count: number;
  bbox: BBox | null;
  minZoom: number;
  maxZoom: number;
  provenance: Provenance;
  owner: string;
  attribution: string;
  live: boolean;
  readOnly: boolean;
  /** The property that names a feature; '' for none. */
  label: string;
  group: string;
  schema: Property[];
  legend: LegendEntry[];
  /** Absolute URL; '' for live layers. */
  tilejson: string;
  /** Absolute URL of the layer's 3D Tiles; '' for none. */
  tileset: string;
  items: string;
}

export interface Bookmark {
  id: string;
  title: Text;
  center: [number, number];
  zoom: number;
  pitch: number;
  bearing: number;
}

/** The layers of one place, in the order of the tree. */
export interface Group {
  id: string;
  title: Text;
  layers: string[];
}

/** What the server tells the viewer: /viewer/config.json. */
export interface Config {
  title: Text;
  version: string;
  /** URL of the live WebSocket; '' when there is none. */
  live: string;
  bookmarks: Bookmark[];
  groups: Group[];
  styles: Record<Theme, string>;
  layers: LayerConfig[];
  /** Maps and images drawn below the layers; they have no features to ask for. */
  bases: LayerConfig[];
}
