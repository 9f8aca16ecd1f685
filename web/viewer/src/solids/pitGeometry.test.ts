import { describe, expect, it } from 'vitest';
import { inPit, type PitPart, pitGeometry } from './pitGeometry';

const rad = Math.PI / 180;
const lat = 28.2;
/** A ring of metres east and north of a place. */
const ring = (metres: [number, number][]) =>
  metres.map(([x, y]) => [112.98 + x / 111319.49 / Math.cos(lat * rad), lat + y / 110800] as const);
const ell = ring([
  [0, 0],
  [40, 0],
  [40, 20],
  [20, 20],
  [20, 40],
  [0, 40],
]);

function corner(part: PitPart, k: number): [number, number, number] {
  const at = (i: number) => part.positions[3 * k + i] as number;
  return [at(0), at(1), at(2)];
}

/** The area of the triangles of a part, seen from above or, for walls, in themselves. */
function areaOf(part: PitPart): number {
  let sum = 0;
  for (let k = 0; k < part.positions.length / 3; k += 3) {
    const [a, b, c] = [corner(part, k), corner(part, k + 1), corner(part, k + 2)];
    const u = [b[0] - a[0], b[1] - a[1], b[2] - a[2]] as const;
    const v = [c[0] - a[0], c[1] - a[1], c[2] - a[2]] as const;
    sum += Math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]) / 2;
  }
  return sum;
}

describe('the bodies of a pit', () => {
  for (const [name, corners] of [
    ['counter-clockwise', ell],
    ['clockwise', [...ell].reverse()],
  ] as const) {
    it(`cover the polygon, drawn ${name}, and stand to its depth`, () => {
      const pit = pitGeometry({ ring: corners, depth: 3 });
      if (!pit) throw new Error('no pit');
      const square = 1200 * pit.anchor.stretch ** 2;
      expect(areaOf(pit.lid) / square).toBeCloseTo(1, 2);
      expect(areaOf(pit.floor)).toBeCloseTo(areaOf(pit.lid), 3);
      expect(areaOf(pit.walls) / (160 * 3 * pit.anchor.stretch ** 2)).toBeCloseTo(1, 2);
      expect(pit.bottom).toBeCloseTo(-3 * pit.anchor.stretch, 9);
      for (let k = 0; k < pit.floor.positions.length / 3; k++)
        expect(corner(pit.floor, k)[2]).toBeCloseTo(pit.bottom, 4);
      for (let k = 0; k < pit.walls.positions.length / 3; k += 6) {
        const [a, b] = [corner(pit.walls, k), corner(pit.walls, k + 1)];
        const n = [0, 1].map(i => pit.walls.normals[3 * k + i] as number) as [number, number];
        const inside = [(a[0] + b[0]) / 2 + n[0] * 0.2, (a[1] + b[1]) / 2 + n[1] * 0.2] as const;
        expect(inPit(pit, ...inside, -1), 'normals look into the pit').toBe(true);
      }
    });
  }

  it('tells what lies in it', () => {
    const pit = pitGeometry({ ring: ell, depth: 3 });
    if (!pit) throw new Error('no pit');
    const s = pit.anchor.stretch;
    expect(inPit(pit, 10 * s, 10 * s, -2.9 * s)).toBe(true);
    expect(inPit(pit, 10 * s, 10 * s, -3.2 * s), 'below the floor').toBe(false);
    expect(inPit(pit, 30 * s, 30 * s, -1), 'in the corner that the polygon leaves out').toBe(false);
    expect(inPit(pit, 10 * s, 10 * s, 4), 'above the ground').toBe(false);
  });

  it('are not there without an area', () => {
    expect(pitGeometry({ ring: ell.slice(0, 2), depth: 3 })).toBeUndefined();
    expect(
      pitGeometry({
        ring: ring([
          [0, 0],
          [10, 0],
          [20, 0],
        ]),
        depth: 3,
      }),
    ).toBeUndefined();
  });
});
