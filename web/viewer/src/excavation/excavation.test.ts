import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CityMap } from '../map/cityMap';
import type { SketchEvents } from '../map/sketch';
import type { Pit } from '../solids/pitGeometry';
import { sizeOf } from './contents';
import { Excavation } from './excavation';

const ring = [
  [112.98, 28.2],
  [112.981, 28.2],
  [112.981, 28.201],
] as const;
const contents = { area: 10, volume: 30, items: [], totals: [] };

/** A map that keeps what it was told. */
function fakeMap() {
  const told: { pit: Pit | undefined; sketch: SketchEvents | undefined; digging?: boolean } = {
    pit: undefined,
    sketch: undefined,
  };
  const map = {
    prepareToDig: (digging: boolean) => {
      told.digging = digging;
    },
    setPit: (pit: Pit | undefined) => {
      told.pit = pit;
    },
    sketch: (events: SketchEvents | undefined) => {
      told.sketch = events;
    },
  };
  return { told, map: map as unknown as CityMap };
}

afterEach(() => vi.unstubAllGlobals());

describe('the excavation tool', () => {
  it('lets draw, opens the ground and asks the server', async () => {
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => Response.json(contents));
    vi.stubGlobal('fetch', fetched);
    const { told, map } = fakeMap();
    const tool = new Excavation();
    tool.attach(map);
    tool.draw();
    expect(told.digging, 'what lies below is fetched meanwhile').toBe(true);
    told.sketch?.changed?.(2, [...ring].slice(0, 2), undefined);
    expect([tool.phase.value, tool.corners.value]).toEqual(['drawing', 2]);
    told.sketch?.done([...ring]);
    expect(tool.phase.value).toBe('open');
    expect(told.sketch).toBeUndefined();
    expect(told.pit).toEqual({ ring, depth: 3 });
    await vi.waitFor(() => expect(tool.answer.value).toEqual({ phase: 'ready', contents }));
    const [url, init] = fetched.mock.calls[0] as [string, RequestInit];
    expect(url).toBe('/ogc/processes/excavation/execution');
    expect(JSON.parse(String(init.body))).toEqual({
      inputs: { polygon: { type: 'Polygon', coordinates: [[...ring, ring[0]]] }, depth: 3 },
    });
    tool.setDepth(5);
    expect(told.pit?.depth).toBe(5);
    await vi.waitFor(() => expect(fetched).toHaveBeenCalledTimes(2));
    const again = fakeMap();
    tool.attach(again.map);
    expect(again.told.pit, 'a map made again opens the ground again').toEqual({ ring, depth: 5 });
    tool.close();
    expect([tool.phase.value, again.told.pit]).toEqual(['off', undefined]);
  });

  it('says what the server says against it', async () => {
    vi.stubGlobal('fetch', async () =>
      Response.json({ detail: 'polygon: its outline crosses itself' }, { status: 400 }),
    );
    const tool = new Excavation();
    tool.attach(fakeMap().map);
    tool.dig([...ring]);
    await vi.waitFor(() =>
      expect(tool.answer.value).toEqual({ phase: 'failed', sentence: 'polygon: its outline crosses itself' }),
    );
  });

  it('writes sizes as people do', () => {
    expect(sizeOf({ layer: 'a', id: '1', diameter: 300 })).toBe('DN300');
    expect(sizeOf({ layer: 'a', id: '1', width: 600, height: 400 })).toBe('600 × 400');
    expect(sizeOf({ layer: 'a', id: '1' })).toBe('');
  });
});
