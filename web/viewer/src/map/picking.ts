import type { MapGeoJSONFeature, Map as MapLibreMap, PointLike } from 'maplibre-gl';
import { ownLayer, readingsLayer } from './highlight';
import { cityLayerOf } from './style';

/** A feature of a city layer under the pointer. */
export interface Pick {
  layer: string;
  id: string;
  /** The attributes its tile carries: some, at least. */
  properties: Record<string, unknown>;
  /** It was picked by the symbol of its readings, which stands over everything. */
  reading?: boolean;
}

const reach = 5; // pixels around the pointer within which points and lines count as hit
const most = 6;

/**
 * What stands at a point of the map, best first: what is drawn on top there,
 * then points and lines a finger's breadth away, then the areas below.
 */
export function pickAt(map: MapLibreMap, x: number, y: number): Pick[] {
  const exact = map.queryRenderedFeatures([x, y]);
  const box: [PointLike, PointLike] = [
    [x - reach, y - reach],
    [x + reach, y + reach],
  ];
  const isArea = (feature: MapGeoJSONFeature) => feature.layer.type === 'fill';
  const solids = exact.filter(feature => !isArea(feature));
  const nearby =
    solids.length > 0
      ? []
      : map
          .queryRenderedFeatures(box)
          .filter(feature => !isArea(feature) && feature.layer.type !== 'fill-extrusion');
  const picks = new Map<string, Pick>();
  for (const feature of [...solids, ...nearby, ...exact.filter(isArea)]) {
    const pick = toPick(feature);
    if (pick && !picks.has(`${pick.layer}\n${pick.id}`)) picks.set(`${pick.layer}\n${pick.id}`, pick);
  }
  return [...picks.values()].slice(0, most);
}

/** Where a cluster stands at a point of the map: a point that stands for many, which nobody can pick. */
export function clusterAt(map: MapLibreMap, x: number, y: number): [lon: number, lat: number] | undefined {
  for (const { geometry, properties } of map.queryRenderedFeatures([x, y])) {
    if (geometry.type === 'Point' && ('twind:count' in properties || 'point_count' in properties))
      return [geometry.coordinates[0] ?? 0, geometry.coordinates[1] ?? 0];
  }
  return undefined;
}

function toPick(feature: MapGeoJSONFeature): Pick | undefined {
  const metadata = feature.layer.metadata as Record<string, unknown> | undefined;
  if (metadata?.[readingsLayer]) {
    const { layer, feature: id } = feature.properties;
    return typeof layer === 'string' ? { layer, id: String(id), properties: {}, reading: true } : undefined;
  }
  if (metadata?.[ownLayer] || metadata?.['twind:base']) return undefined;
  const layer = cityLayerOf(feature.layer as Parameters<typeof cityLayerOf>[0]);
  if (layer === undefined) return undefined;
  const id = feature.id ?? (feature.properties.id as string | number | undefined);
  if (id === undefined) return undefined;
  return { layer, id: String(id), properties: { ...feature.properties } };
}
