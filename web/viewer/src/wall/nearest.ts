import { fetchJson } from '../app/http';
import { nameOf } from '../app/selection';
import type { Config, LayerConfig } from '../config/config';
import type { Language } from '../i18n';
import { record } from './alarm';

/** Metres within which help is looked for. */
export const nearestReach = 10_000;
const most = 4;
/** The class of surveillance cameras among city parts, GB/T 30428.2. */
const cameraClass = '0136';

/** Something near a place. */
export interface Neighbour {
  layer: string;
  id: string;
  live: boolean;
  properties: Record<string, unknown>;
  place: [lon: number, lat: number];
  metres: number;
}

export type Search = { phase: 'searching' } | { phase: 'failed' } | { phase: 'ready'; list: Neighbour[] };

/** What of the city's layers holds vehicles, and what cameras, with the filter that finds them. */
export function searchable(config: Config): {
  vehicles: LayerConfig[];
  cameras: { layer: LayerConfig; filter: string }[];
} {
  const cameras = config.layers
    .filter(({ kind, schema }) => kind === 'part' && schema.some(({ name }) => name === 'class_code'))
    .map(layer => ({ layer, filter: `class_code = '${cameraClass}'` }));
  return { vehicles: config.layers.filter(({ kind, live }) => live && kind === 'vehicle'), cameras };
}

/** The vehicles nearest to a place, the nearest first. */
export async function nearestVehicles(
  config: Config,
  place: readonly [number, number],
  signal: AbortSignal,
): Promise<Neighbour[]> {
  const { vehicles } = searchable(config);
  return merge(await Promise.all(vehicles.map(layer => ask(layer, place, "state = 'live'", signal))));
}

/** The cameras nearest to a place, the nearest first. */
export async function nearestCameras(
  config: Config,
  place: readonly [number, number],
  signal: AbortSignal,
): Promise<Neighbour[]> {
  const { cameras } = searchable(config);
  return merge(await Promise.all(cameras.map(({ layer, filter }) => ask(layer, place, filter, signal))));
}

function merge(lists: Neighbour[][]): Neighbour[] {
  return lists
    .flat()
    .sort((a, b) => a.metres - b.metres)
    .slice(0, most);
}

async function ask(
  layer: LayerConfig,
  [lon, lat]: readonly [number, number],
  filter: string,
  signal: AbortSignal,
): Promise<Neighbour[]> {
  const query = new URLSearchParams({
    lon: lon.toFixed(7),
    lat: lat.toFixed(7),
    limit: String(most),
    distance: String(nearestReach),
    filter,
  });
  const answer = record(await fetchJson(`${layer.items.replace(/items$/, 'nearest')}?${query}`, signal));
  const features = Array.isArray(answer.features) ? answer.features : [];
  return features.flatMap(feature => parseNeighbour(layer, feature));
}

/** Reads one feature of a nearest answer; nothing where it has no place. */
export function parseNeighbour(layer: LayerConfig, value: unknown): Neighbour[] {
  const { id, geometry, properties, distance } = record(value);
  const { coordinates } = record(geometry);
  const [lon, lat] = Array.isArray(coordinates) ? coordinates : [];
  if (typeof lon !== 'number' || typeof lat !== 'number' || typeof distance !== 'number') return [];
  if (typeof id !== 'string' && typeof id !== 'number') return [];
  return [
    {
      layer: layer.id,
      id: String(id),
      live: layer.live,
      properties: record(properties),
      place: [lon, lat],
      metres: distance,
    },
  ];
}

/** What a neighbour is called: by its label, else its number. */
export function neighbourName(
  layer: LayerConfig | undefined,
  neighbour: Neighbour,
  language: Language,
): string {
  const label = layer?.label ? neighbour.properties[layer.label] : undefined;
  return label === undefined || label === '' || label === null
    ? neighbour.id
    : nameOf(layer, neighbour.properties, language);
}

/** A distance as people say it: "35 m", "1.2 km". */
export function formatDistance(metres: number): string {
  if (metres < 995) return `${Math.round(metres < 100 ? metres : metres / 5) * (metres < 100 ? 1 : 5)} m`;
  return `${(metres / 1000).toFixed(metres < 9950 ? 1 : 0)} km`;
}
