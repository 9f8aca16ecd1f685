import { describe, expect, it } from 'vitest';
import { cameraOfBox, inside, pageOf, pathsOf } from './plainMap';

describe('a plain map', () => {
  it('draws the paths of every geometry', () => {
    const ring = [
      [0, 0],
      [4, 0],
      [4, 4],
      [0, 0],
    ];
    expect(pathsOf({ type: 'Point', coordinates: [1, 2] })).toEqual([[[1, 2]]]);
    expect(
      pathsOf({
        type: 'MultiPoint',
        coordinates: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).toHaveLength(2);
    expect(pathsOf({ type: 'LineString', coordinates: ring })).toEqual([ring]);
    expect(pathsOf({ type: 'MultiLineString', coordinates: [ring, ring] })).toHaveLength(2);
    expect(pathsOf({ type: 'Polygon', coordinates: [ring] })).toEqual([ring]);
    expect(pathsOf({ type: 'MultiPolygon', coordinates: [[ring], [ring, ring]] })).toHaveLength(3);
  });

  it('knows by the link to a next page that there is more than it draws', () => {
    const feature = { type: 'Feature', geometry: null, properties: {} };
    const page = (...rels: string[]) => pageOf({ features: [feature], links: rels.map(rel => ({ rel })) });
    expect(page('self', 'next')).toEqual({ features: [feature], more: true });
    expect(page('self', 'collection').more).toBe(false);
    expect(pageOf(null)).toEqual({ features: [], more: false });
  });

  it('looks at a box from straight above, and not closer than is of use', () => {
    const camera = cameraOfBox([-10, -10, 10, 10], 1024, 512);
    expect(camera).toMatchObject({ lon: 0, bearing: 0, pitch: 0 });
    expect(camera.lat).toBeCloseTo(0, 9);
    const high = ((20 / 360) * 512 * 2 ** camera.zoom) / 512; // a bit more in Mercator
    expect(high).toBeGreaterThan(0.68);
    expect(high).toBeLessThan(0.7);
    expect(cameraOfBox([8, 47, 8, 47], 1024, 512).zoom).toBe(17.5);
  });

  it('picks what is in a ring, and not in its hole', () => {
    const square = (from: number, to: number): [number, number][] => [
      [from, from],
      [to, from],
      [to, to],
      [from, to],
    ];
    const rings = [square(0, 10), square(4, 6)];
    expect([inside(rings, 2, 2), inside(rings, 5, 5), inside(rings, 12, 5)]).toEqual([true, false, false]);
  });
});
