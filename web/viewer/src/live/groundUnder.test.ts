import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LiveColumns } from './feed';
import { GroundUnder, zigzag } from './groundUnder';
import { Tracks } from './tracks';

afterEach(() => vi.unstubAllGlobals());

describe('the ground under the view', () => {
  it('is asked for along one line, short enough for the server', () => {
    const line = zigzag([112.97, 28.19, 112.985, 28.2]);
    expect(line.slice(0, 3).map(([lon]) => lon)).toEqual([112.97, 112.985, 112.985]);
    let length = 0;
    for (let k = 1; k < line.length; k++) {
      const [a, b] = [line[k - 1], line[k]] as [[number, number], [number, number]];
      length += Math.hypot((b[0] - a[0]) * Math.cos((28.2 * Math.PI) / 180), b[1] - a[1]) * 111_195;
    }
    expect(length).toBeLessThan(20_000);
    expect(zigzag([0, 0, 0.5, 0.5]), 'a wide view has one row').toHaveLength(2);
  });

  it('is known between samples', async () => {
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      const { coordinates } = JSON.parse(String(init.body)).inputs.line;
      expect(coordinates.length).toBeGreaterThan(4);
      const ground = Array.from({ length: 401 }, (_, i) => ({ at: i, elevation: 50 }));
      ground.push({ at: 400, elevation: null as unknown as number });
      return Response.json({ length: 400, ground, items: [], buildings: [] });
    });
    const ground = new GroundUnder();
    expect(ground.height(112.975, 28.195)).toBeUndefined();
    expect(await ground.look([112.97, 28.19, 112.98, 28.2])).toBe(true);
    expect(ground.height(112.975, 28.195)).toBeCloseTo(50, 9);
    vi.stubGlobal('fetch', async () => Response.json({}, { status: 500 }));
    expect(await ground.look([112.97, 28.19, 112.98, 28.2])).toBe(false);
    expect(ground.height(112.975, 28.195), 'what was known stays').toBeCloseTo(50, 9);
  });
});

describe('a track with a height', () => {
  it('stands above the ground, in the frame of the map; without one on it', () => {
    const columns: LiveColumns = {
      layer: 'drones',
      size: 2,
      lon: new Float64Array([10, 10]),
      lat: new Float64Array([60, 60]),
      z: new Float32Array([130, Number.NaN]),
      course: new Float32Array([Number.NaN, Number.NaN]),
      speed: new Float32Array([0, 0]),
      time: new Float64Array([0, 0]),
      state: new Uint8Array([1, 1]),
      id: slot => String(slot),
      label: () => '',
      slotOf: id => Number(id),
      properties: () => undefined,
    };
    const tracks = new Tracks(null, 0);
    tracks.recenter(10, 60, columns, 0, 0);
    expect([tracks.shown(0, 0).z, tracks.shown(1, 0).z], 'nobody knows the ground').toEqual([0, 0]);
    tracks.aboveGround = (_lon, _lat, z) => z - 100;
    tracks.update(columns, null, 0, 0);
    expect(tracks.shown(0, 0).z).toBeCloseTo(30 / Math.cos((60 * Math.PI) / 180), 3);
    expect(tracks.shown(1, 0).z).toBe(0);
  });
});
