import { describe, expect, it } from 'vitest';
import inverse from '../../../../spatial/geodesic/testdata/inverse.txt?raw';
import { distance, type LonLat, pathLength, ringArea } from './geodesic';

/** Pairs with the distances that PROJ finds: latitude, longitude, twice, metres. */
const pairs = inverse
  .trim()
  .split('\n')
  .map(line => line.split(/\s+/).map(Number) as [number, number, number, number, number]);

describe('distance', () => {
  it('is that of PROJ', () => {
    let checked = 0;
    for (const [lat1, lon1, lat2, lon2, metres] of pairs) {
      const got = distance([lon1, lat1], [lon2, lat2]);
      if (Number.isNaN(got)) {
        expect(metres, 'only the far side of the earth is left out').toBeGreaterThan(19_800_000);
        continue;
      }
      expect(Math.abs(got - metres), `${lat1} ${lon1} ${lat2} ${lon2}`).toBeLessThan(1e-6);
      checked++;
    }
    expect(checked).toBeGreaterThan(pairs.length * 0.6);
  });

  it('is symmetric, crosses the antimeridian, and is 0 on the spot', () => {
    expect(distance([12.5, 41.9], [12.5, 41.9])).toBe(0);
    const there = distance([179.9, 10], [-179.9, 10]);
    expect(there).toBeCloseTo(21927.872477937, 6);
    expect(distance([-179.9, 10], [179.9, 10])).toBeCloseTo(there, 9);
    expect(distance([-74.01, 40.7], [-74.01, 40.7 + 1e-9])).toBeCloseTo(1.11e-4, 5);
  });

  it('sums up over a line', () => {
    const line: LonLat[] = [
      [-74.01, 40.7],
      [-74.0, 40.71],
      [-73.98, 40.72],
    ];
    const [p, q, r] = line as [LonLat, LonLat, LonLat];
    expect(pathLength(line)).toBe(distance(p, q) + distance(q, r));
    expect(pathLength([p])).toBe(0);
  });
});

describe('ringArea', () => {
  // GeographicLib's own test Planimeter15, and ST_Area(geography) of PostGIS 3.3, which calls GeographicLib.
  const known: [name: string, ring: LonLat[], area: number][] = [
    [
      'Planimeter15',
      [
        [1, 2],
        [2, 1],
        [3, 3],
      ],
      18454562325.45119,
    ],
    ...(
      [
        [
          'a block in Changsha',
          '112.98 28.2,112.983 28.2004,112.9832 28.2031,112.9795 28.2029',
          102547.53727212548,
        ],
        ['Brooklyn', '-74.02 40.70,-74.0 40.70,-73.97 40.71,-73.96 40.73,-74.01 40.75', 17827676.53824997],
        ['Kamloops', '-120.34 50.67,-120.33 50.67,-120.33 50.68,-120.34 50.68', 786336.0067386627],
        ['over the antimeridian', '179.9 -16.5,-179.9 -16.5,-179.9 -16.3,179.9 -16.3', 472835252.6743469],
        ['a continent', '100 0,140 0,140 60,100 60', 24762376491809.41],
        ['a bay', '-70 -30,-60 -30,-60 -20,-65 -25,-70 -20', 832261514533.7021],
      ] as const
    ).map(([name, text, area]): [string, LonLat[], number] => [
      name,
      text.split(',').map(pair => pair.split(' ').map(Number) as unknown as LonLat),
      area,
    ]),
  ];
  it.each(known)('%s', (_, ring, area) => {
    // PostGIS stops at a micrometre or so of each edge.
    expect(Math.abs(ringArea(ring) - area)).toBeLessThan(Math.max(1e-4, area * 1e-11));
    expect(Math.abs(ringArea([...ring].reverse()) / ringArea(ring) - 1)).toBeLessThan(1e-9);
  });

  it('adds up, wherever a ring begins', () => {
    const ring: LonLat[] = [
      [112.98, 28.2],
      [112.983, 28.2004],
      [112.9832, 28.2031],
      [112.9795, 28.2029],
    ];
    const [p, q, r, s] = ring as [LonLat, LonLat, LonLat, LonLat];
    const whole = ringArea(ring);
    expect(ringArea([q, r, s, p])).toBeCloseTo(whole, 6);
    expect(ringArea([p, q, r]) + ringArea([p, r, s])).toBeCloseTo(whole, 6);
  });

  it('is 0 without three corners', () => {
    expect(ringArea([])).toBe(0);
    expect(
      ringArea([
        [0, 0],
        [1, 1],
      ]),
    ).toBe(0);
  });
});
