import { describe, expect, it } from 'vitest';
import { inside, pathsOf } from './plainMap';

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
