import type { Map as MapLibreMap } from 'maplibre-gl';
import { describe, expect, it } from 'vitest';
import { clusterAt, pickAt } from './picking';

/** A map that shows features at every point. */
function showing(features: object[]): MapLibreMap {
  return { queryRenderedFeatures: () => features } as unknown as MapLibreMap;
}

const layer = { id: 'lamps', type: 'circle', source: 'lamps', metadata: { 'twind:layer': 'lamps' } };

describe('picking', () => {
  it('leaves out what stands for many, which has no id', () => {
    const merged = {
      layer,
      geometry: { type: 'Point', coordinates: [1, 2] },
      properties: { 'twind:count': 7 },
    };
    const lamp = { layer, id: 5, geometry: { type: 'Point', coordinates: [1, 2] }, properties: {} };
    expect(pickAt(showing([merged, lamp]), 0, 0).map(({ id }) => id)).toEqual(['5']);
  });

  it('finds a cluster, and nothing else', () => {
    const cluster = {
      layer,
      geometry: { type: 'Point', coordinates: [112.9, 28.2] },
      properties: { 'twind:count': 7 },
    };
    const square = {
      layer,
      geometry: { type: 'Polygon', coordinates: [] },
      properties: { 'twind:merged': 3 },
    };
    expect(clusterAt(showing([square, cluster]), 0, 0)).toEqual([112.9, 28.2]);
    expect(clusterAt(showing([square]), 0, 0)).toBeUndefined();
  });
});
