import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CityMap } from '../map/cityMap';
import { bearingOf, sideOf, trenchOf } from '../map/sectionView';
import type { SketchEvents } from '../map/sketch';
import { layOut, ticks } from './drawing';
import { type Crossing, depthOf, type Profile, type SectionLine } from './profile';
import { Section } from './section';

const color = { light: '#112233', dark: '#445566' };
const pipe = (given: Partial<Crossing>): Crossing => ({
  layer: 'pipes',
  id: 'a',
  at: 10,
  depth: 1,
  wide: 0.4,
  tall: 0.4,
  angle: 90,
  diameter: 400,
  color,
  ...given,
});
const profile: Profile = {
  length: 40,
  ground: [
    { at: 0, elevation: 50 },
    { at: 40, elevation: 54 },
  ],
  items: [
    pipe({ top: 50, invert: 49.6, ground: 51 }),
    pipe({ id: 'b', at: 10.1, depth: 1.1, wide: 0.1, tall: 0.1 }),
  ],
  buildings: [{ layer: 'buildings', id: 'h', from: 20, to: 30, base: 0, height: 90 }],
};

afterEach(() => vi.unstubAllGlobals());

describe('a section seen from the side', () => {
  const east: SectionLine = [
    [10, 50],
    [10.001, 50],
  ];
  it('has its left end at the left where one looks north', () => {
    expect(bearingOf(east)).toBeCloseTo(0, 6);
    expect([sideOf(east, 10), sideOf(east, -80), sideOf(east, 170)]).toEqual([1, 1, -1]);
  });

  it('opens the ground on the viewer’s side', () => {
    const south = trenchOf(east, 1, 10);
    expect(south.slice(0, 2)).toEqual(east);
    expect((50 - (south[2]?.[1] ?? 0)) * 111_195).toBeCloseTo(10, 6);
    expect((trenchOf(east, -1, 10)[2]?.[1] ?? 0) - 50).toBeCloseTo(10 / 111_195, 12);
  });

  it('reaches below the deepest pipe', () => {
    expect(depthOf([])).toBe(3);
    expect(depthOf([pipe({ depth: 4, tall: 1 })])).toBe(6);
    expect(depthOf([pipe({ depth: 90, tall: 1 })]), 'a mistake does not count').toBe(3);
  });
});

describe('the drawing of a section', () => {
  it('puts things where they are, by depth', () => {
    const d = layOut(profile, 'depth', 600, 240);
    const [first] = d.shapes;
    expect(first?.x).toBeCloseTo(d.x(10), 9);
    expect(first?.y).toBeCloseTo(d.y(-1.2), 9);
    expect(first?.ry).toBeCloseTo((d.y(-1.4) - d.y(-1)) / 2, 9);
    expect(d.heights).toContain(0);
    expect(
      d.shapes.map(({ labelled }) => labelled),
      'words do not overlap',
    ).toEqual([true, false]);
    expect(d.buildings[0]).toMatchObject({ x: d.x(20), width: d.x(30) - d.x(20), y: d.y(0) });
  });

  it('follows the ground, by elevation', () => {
    const d = layOut(profile, 'elevation', 600, 240);
    expect(d.shapes[0]?.y).toBeCloseTo(d.y(49.8), 9);
    expect(d.ground.split(' ')).toHaveLength(2);
    expect(d.y(50)).toBeGreaterThan(d.y(54));
  });

  it('has round numbers at its edges', () => {
    expect(ticks(-3.4, 0.4, 8)).toEqual([-3, -2, -1, 0]);
    expect(ticks(0, 437, 6)).toEqual([0, 100, 200, 300, 400]);
  });
});

describe('the section tool', () => {
  it('cuts where it is drawn, asks the server, and is told why not', async () => {
    const told: { sketch?: SketchEvents | undefined; section?: unknown; looked: number } = { looked: 0 };
    const map = {
      sketch: (events: SketchEvents | undefined) => {
        told.sketch = events;
      },
      setSection: (section: unknown) => {
        told.section = section;
      },
      lookAtSection: () => {
        told.looked++;
      },
    } as unknown as CityMap;
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => Response.json(profile));
    vi.stubGlobal('fetch', fetched);
    const tool = new Section();
    tool.attach(map);
    tool.draw();
    expect(told.sketch?.shape).toBe('pair');
    told.sketch?.done([
      [1, 2],
      [3, 4],
    ]);
    await vi.waitFor(() => expect(tool.answer.value).toEqual({ phase: 'ready', profile }));
    const [url, init] = fetched.mock.calls[0] as [string, RequestInit];
    expect(url).toBe('/ogc/processes/section/execution');
    const line = [
      [1, 2],
      [3, 4],
    ];
    expect(JSON.parse(String(init.body))).toEqual({
      inputs: { line: { type: 'LineString', coordinates: line } },
    });
    expect(told.section).toEqual({ line, items: profile.items, buildings: profile.buildings });
    expect(told.looked, 'the camera is turned once').toBe(1);
    vi.stubGlobal('fetch', async () => Response.json({ detail: 'too long' }, { status: 400 }));
    await tool.read();
    expect(tool.answer.value).toEqual({ phase: 'failed', sentence: 'too long' });
    tool.close();
    expect([tool.phase.value, told.section]).toEqual(['off', undefined]);
  });
});
