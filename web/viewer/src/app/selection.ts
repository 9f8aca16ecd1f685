import type { Config, LayerConfig, Property } from '../config/config';
import { formatValue } from '../format/value';
import { type Language, textIn } from '../i18n';

/** What the user picked: a feature of a layer, or a live entity. */
export interface Selection {
  layer: string;
  id: string;
  live: boolean;
  /** Attributes known at once, from the tile. */
  properties: Record<string, unknown>;
  /** Where it was picked, in degrees. */
  place?: [lon: number, lat: number];
}

/** One line of the panel. */
export interface AttributeRow {
  name: string;
  title: string;
  value: string;
  empty: boolean;
}

export function sameSelection(a: Selection | undefined, b: Selection | undefined): boolean {
  return a?.layer === b?.layer && a?.id === b?.id;
}

/** What of an entity is told beside its attributes already, by LiveFacts. */
const told = new Set(['time', 'course', 'speed', 'state', 'received', 'flags', 'age', 'z']);

/** The name of a feature: its layer's label property, after the layer's title where it is as short as a line's letter; else the title. */
export function nameOf(
  layer: LayerConfig | undefined,
  properties: Record<string, unknown>,
  language: Language,
): string {
  const label = layer?.label ? properties[layer.label] : undefined;
  const title = textIn(layer?.title, language, layer?.id ?? '');
  const name = typeof label === 'number' ? String(label) : typeof label === 'string' ? label.trim() : '';
  if (name === '') return title;
  return name.length <= 3 ? `${title} ${name}` : name;
}

/**
 * Attributes as lines of text: those of the schema in its order, empty ones
 * last; then, apart, those that the schema does not know.
 */
export function attributeRows(
  layer: LayerConfig | undefined,
  properties: Record<string, unknown>,
  language: Language,
): { known: AttributeRow[]; others: AttributeRow[] } {
  const schema = layer?.schema ?? [];
  const described = new Set(schema.map(({ name }) => name));
  const row = (name: string, property: Property | undefined): AttributeRow => {
    const value = properties[name];
    return {
      name,
      title: textIn(property?.title, language, name),
      value: formatValue(value, property, language),
      empty: value === null || value === undefined || value === '',
    };
  };
  const known = schema.filter(({ name }) => name in properties).map(property => row(property.name, property));
  const others = Object.keys(properties)
    .filter(name => !described.has(name) && name !== 'id' && !(layer?.live && told.has(name)))
    .map(name => row(name, undefined));
  return { known: [...known.filter(({ empty }) => !empty), ...known.filter(({ empty }) => empty)], others };
}

/** The address of a feature as GeoJSON. */
export function itemUrl(config: Config, selection: Selection): string {
  const layer = config.layers.find(({ id }) => id === selection.layer);
  return `${layer?.items ?? ''}/${encodeURIComponent(selection.id)}`;
}
