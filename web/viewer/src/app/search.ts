import type { BBox } from '../config/config';
import { parseBBox } from '../config/parse';
import { fetchJson } from './http';

/** One object found by name. */
export interface SearchResult {
  layer: string;
  id: string;
  label: string;
  bbox: BBox;
  center: [lon: number, lat: number];
}

/** Asks the server for objects by name, best first, at most ten. */
export async function search(query: string, signal: AbortSignal): Promise<SearchResult[]> {
  const answer = await fetchJson(`/search?q=${encodeURIComponent(query)}&limit=10`, signal);
  if (
    typeof answer !== 'object' ||
    answer === null ||
    !('results' in answer) ||
    !Array.isArray(answer.results)
  ) {
    throw new Error('search: the answer has no results');
  }
  return answer.results.flatMap(parseResult);
}

function parseResult(value: unknown): SearchResult[] {
  if (typeof value !== 'object' || value === null) return [];
  const { layer, id, label, bbox, center } = value as Record<string, unknown>;
  const box = parseBBox(bbox);
  if (typeof layer !== 'string' || (typeof id !== 'string' && typeof id !== 'number') || !box) return [];
  const [lon, lat] = Array.isArray(center) ? center : [];
  const middle: [number, number] =
    typeof lon === 'number' && typeof lat === 'number'
      ? [lon, lat]
      : [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  return [
    {
      layer,
      id: String(id),
      label: typeof label === 'string' && label ? label : String(id),
      bbox: box,
      center: middle,
    },
  ];
}
