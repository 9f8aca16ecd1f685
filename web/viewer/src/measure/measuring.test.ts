import { describe, expect, it, vi } from 'vitest';
import type { CityMap } from '../map/cityMap';
import type { Corner, SketchEvents } from '../map/sketch';
import { measure } from './figures';
import { distance, ringArea } from './geodesic';
import { Measuring } from './measuring';
import { formatArea, formatLength } from './units';

const p: Corner = [112.98, 28.2];
const q: Corner = [112.983, 28.2004];
const r: Corner = [112.9832, 28.2031];

function fakeMap() {
  const told: { sketch: SketchEvents | undefined; restored: readonly Corner[] | undefined; redrawn: number } =
    {
      sketch: undefined,
      restored: undefined,
      redrawn: 0,
    };
  const map = {
    sketch: (events: SketchEvents | undefined) => {
      told.sketch = events;
    },
    restoreSketch: (corners: readonly Corner[]) => {
      told.restored = corners;
    },
    redrawSketch: () => {
      told.redrawn++;
    },
  };
  return { told, map: map as unknown as CityMap };
}

describe('measure', () => {
  it('sums up a line, and says what is longer through the air', () => {
    const flat = measure('length', [p, q, r]);
    expect(flat.length).toBe(distance([p[0], p[1]], [q[0], q[1]]) + distance([q[0], q[1]], [r[0], r[1]]));
    expect(flat.leg).toBe(distance([q[0], q[1]], [r[0], r[1]]));
    expect([flat.legs, flat.space]).toEqual([2, undefined]);
    const up = measure('length', [p, [q[0], q[1], 100]]);
    expect(up.space).toBeCloseTo(Math.hypot(distance([p[0], p[1]], [q[0], q[1]]), 100), 9);
    expect(measure('length', [p])).toEqual({});
  });

  it('has an area and what is around it', () => {
    const got = measure('area', [p, q, r]);
    expect(got.area).toBe(
      ringArea([
        [p[0], p[1]],
        [q[0], q[1]],
        [r[0], r[1]],
      ]),
    );
    expect(got.length).toBeGreaterThan(measure('length', [p, q, r]).length ?? 0);
    expect(measure('area', [p, q]).area).toBeUndefined();
  });

  it('compares heights, over the ground or over the datum', () => {
    const roof: Corner = [p[0], p[1], 42.5];
    expect(measure('height', [p, roof])).toMatchObject({
      rise: 42.5,
      space: 42.5,
      slope: 90,
      heights: [0, 42.5],
    });
    expect(measure('height', [p, roof], [10, 12]).rise).toBeCloseTo(44.5, 12);
    const deep: Corner = [p[0], p[1], -1.42];
    expect(measure('height', [p, deep]).rise).toBeCloseTo(-1.42, 12);
    expect(measure('height', [p])).toEqual({});
  });
});

describe('the measuring tool', () => {
  it('keeps its total, begins anew, and Escape ends it in two steps', async () => {
    const { told, map } = fakeMap();
    const elevations = vi.fn(async () => [3, 5] as const);
    const tool = new Measuring({ say: () => 'x', elevations });
    tool.attach(map);
    tool.start('length');
    told.sketch?.changed?.(1, [p], q);
    expect(tool.figures.value.length).toBeCloseTo(distance([p[0], p[1]], [q[0], q[1]]), 9);
    told.sketch?.changed?.(2, [p, q], undefined);
    told.sketch?.done([p, q]);
    expect(tool.phase.value).toBe('done');
    expect(elevations).not.toHaveBeenCalled();
    const again = fakeMap();
    tool.attach(again.map);
    expect(again.told.restored, 'a map made again shows the figure').toEqual([p, q]);
    again.told.sketch?.cancelled();
    expect([tool.phase.value, tool.corners.value]).toEqual(['drawing', 0]);
    again.told.sketch?.cancelled();
    expect(tool.phase.value).toBe('off');
    expect(again.told.sketch).toBeUndefined();
  });

  it('asks for the ground under two heights', async () => {
    const { told, map } = fakeMap();
    const tool = new Measuring({ say: () => '', elevations: async () => [3, 5] });
    tool.attach(map);
    tool.start('height');
    const roof: Corner = [q[0], q[1], 30];
    told.sketch?.done([p, roof]);
    expect(tool.figures.value.rise).toBe(30);
    await vi.waitFor(() => expect(tool.overDatum.value).toBe(true));
    expect(tool.figures.value.rise).toBe(32);
    expect(told.redrawn).toBe(1);
  });
});

describe('units', () => {
  it.each([
    [12.345, 'metric', '12.35 m'],
    [5, 'metric', '5.00 m'],
    [-1.42, 'metric', '-1.42 m'],
    [1234.6, 'metric', '1.235 km'],
    [100, 'imperial', '328.1 ft'],
    [3218.688, 'imperial', '2.000 mi'],
    [Number.NaN, 'metric', '—'],
  ] as const)('%f m in %s is %s', (metres, units, text) => {
    expect(formatLength(metres, units, 'en')).toBe(text);
  });

  it.each([
    [12.34, 'metric', '12.3 m²'],
    [2_500_000, 'metric', '2.5000 km²'],
    [100, 'imperial', '1,076 ft²'],
    [8093.7128448, 'imperial', '2.00 ac'],
  ] as const)('%f m² in %s is %s', (area, units, text) => {
    expect(formatArea(area, units, 'en')).toBe(text);
  });
});
