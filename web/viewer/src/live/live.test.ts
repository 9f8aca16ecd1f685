import { describe, expect, it } from 'vitest';
import { testConfig, testLayer } from '../testing/config';
import { contrast } from '../theme/contrast';
import { Backlog } from './backlog';
import { shortCount } from './cellsOverlay';
import { crowdRadius, crowds } from './crowds';
import type { LiveColumns } from './feed';
import { State } from './feed';
import { localMatrix, toScreen } from './frame';
import { symbolSize } from './liveLayer';
import { inkOn, liveLooks } from './looks';
import { blend, offsets, stride, Tracks } from './tracks';

interface Entity {
  id: string;
  lon: number;
  lat: number;
  course?: number;
  speed?: number;
  time?: number;
  state?: number;
  label?: string;
}

/** Columns of some entities, one a slot. */
function columns(entities: Entity[]): LiveColumns {
  return {
    layer: 'vehicles',
    size: entities.length,
    lon: Float64Array.from(entities, e => e.lon),
    lat: Float64Array.from(entities, e => e.lat),
    course: Float32Array.from(entities, e => e.course ?? Number.NaN),
    speed: Float32Array.from(entities, e => e.speed ?? Number.NaN),
    time: Float64Array.from(entities, e => e.time ?? 0),
    state: Uint8Array.from(entities, e => e.state ?? State.live),
    id: slot => entities[slot]?.id ?? '',
    label: slot => entities[slot]?.label ?? '',
    slotOf: id => entities.findIndex(e => e.id === id),
    properties: () => ({}),
  };
}

const here = { lon: -74.0045, lat: 40.7125 };

function tracksHere(now = 100): Tracks {
  const tracks = new Tracks(null, now);
  tracks.recenter(here.lon, here.lat, undefined, now, 0);
  tracks.period = 2;
  return tracks;
}

/** Metres on the ground from `here`, of what is shown. */
function shownAt(tracks: Tracks, slot: number, now: number): [east: number, north: number] {
  const [lon, lat] = tracks.place(tracks.shown(slot, now).x, tracks.shown(slot, now).y);
  const metre = 6378137 * (Math.PI / 180);
  return [(lon - here.lon) * metre * Math.cos((here.lat * Math.PI) / 180), (lat - here.lat) * metre];
}

describe('Tracks', () => {
  it('show an entity where it is', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here }]), null, 100, 0);
    const [east, north] = shownAt(tracks, 0, 100);
    expect(Math.hypot(east, north)).toBeLessThan(0.001);
  });

  it('carry a moving one on by course and speed, for the period and no longer', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here, course: 90, speed: 10 }]), null, 100, 0);
    expect(shownAt(tracks, 0, 101)[0]).toBeCloseTo(10, 1);
    expect(shownAt(tracks, 0, 101)[1]).toBeCloseTo(0, 3);
    expect(shownAt(tracks, 0, 102)[0]).toBeCloseTo(20, 1);
    expect(shownAt(tracks, 0, 130)[0]).toBeCloseTo(20, 1);
    expect(tracks.movingUntil).toBe(102);
  });

  it('take the age of a position into account', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here, course: 0, speed: 10, time: 5000 }]), null, 100, 6500);
    expect(shownAt(tracks, 0, 100)[1]).toBeCloseTo(15, 1);
    expect(shownAt(tracks, 0, 100.5)[1]).toBeCloseTo(20, 1);
    expect(shownAt(tracks, 0, 101)[1]).toBeCloseTo(20, 1);
  });

  it('glide to a correction instead of jumping', () => {
    const tracks = tracksHere();
    const move = (lat: number) => columns([{ id: 'a', lon: here.lon, lat }]);
    tracks.update(move(here.lat), null, 100, 0);
    tracks.update(move(here.lat + 0.0001), null, 101, 0); // 11 m north
    expect(shownAt(tracks, 0, 101)[1]).toBeCloseTo(0, 2);
    const half = shownAt(tracks, 0, 101 + blend / 2)[1];
    expect(half).toBeGreaterThan(4);
    expect(half).toBeLessThan(8);
    expect(shownAt(tracks, 0, 101 + blend)[1]).toBeCloseTo(11.13, 1);
    expect(tracks.movingUntil).toBeCloseTo(101 + blend, 6);
  });

  it('jump when an entity jumps', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here }]), null, 100, 0);
    tracks.update(columns([{ id: 'a', lon: here.lon, lat: here.lat + 0.01 }]), null, 101, 0); // 1.1 km
    expect(shownAt(tracks, 0, 101)[1]).toBeCloseTo(1113, 0);
  });

  it('do not glide from one entity to another that takes its slot', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here }]), null, 100, 0);
    tracks.update(columns([{ id: 'b', lon: here.lon, lat: here.lat + 0.001 }]), null, 101, 0);
    expect(shownAt(tracks, 0, 101)[1]).toBeCloseTo(111.3, 0);
  });

  it('stand still when stale', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here, course: 90, speed: 10, state: State.stale }]), null, 100, 0);
    expect(shownAt(tracks, 0, 101)[0]).toBeCloseTo(0, 3);
    expect(tracks.state(0)).toBe(State.stale);
    expect(tracks.movingUntil).toBe(0);
  });

  it('touch only the slots that changed', () => {
    const tracks = tracksHere();
    const crowd = Array.from({ length: 300 }, (_, i) => ({ id: `e${i}`, ...here }));
    tracks.update(columns(crowd), null, 100, 0);
    expect(tracks.takeDirty()).toEqual([0, 300]);
    expect(tracks.takeDirty()).toBeNull();
    tracks.update(columns(crowd), [7, 9], 101, 0);
    expect(tracks.takeDirty()).toEqual([7, 10]);
    expect(tracks.size).toBe(300);
  });

  it('free slots, and forget all when cleared', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here, state: State.free }]), null, 100, 0);
    expect(tracks.state(0)).toBe(State.free);
    tracks.clear();
    expect(tracks.size).toBe(0);
    expect(tracks.state(0)).toBe(State.free);
  });

  it('stay exact to a millimetre across the world, by moving their origin', () => {
    const tracks = new Tracks(null, 0);
    for (const [lon, lat] of [
      [-74.0045, 40.7125],
      [112.98, 28.2],
      [179.9999, -80],
    ] as const) {
      const entity = columns([{ id: 'a', lon: lon + 0.05, lat: lat + 0.05 }]);
      tracks.recenter(lon, lat, entity, 1, 0);
      const shown = tracks.shown(0, 1);
      const [backLon, backLat] = tracks.place(shown.x, shown.y);
      expect(Math.abs(backLon - lon - 0.05) * 111_320).toBeLessThan(0.01);
      expect(Math.abs(backLat - lat - 0.05) * 111_320).toBeLessThan(0.01);
    }
  });

  it('turn the short way round: courses are 16-bit circles', () => {
    const tracks = tracksHere();
    tracks.update(columns([{ id: 'a', ...here, course: 350, speed: 5 }]), null, 100, 0);
    tracks.update(columns([{ id: 'a', ...here, course: 10, speed: 5 }]), null, 101, 0);
    const turns = new Int16Array(tracks.buffer, offsets.turn, 2);
    const degrees = Array.from(turns, t => (t / 32767) * 180);
    expect(degrees[0]).toBeCloseTo(-10, 1);
    expect(degrees[1]).toBeCloseTo(10, 1);
  });

  it('carry labels and the look that the shader reads', () => {
    const tracks = new Tracks(label => (label === 'A' ? 5 : 0), 0);
    tracks.update(
      columns([
        { id: 'a', ...here, label: 'A', course: 0, speed: 3 },
        { id: 'b', ...here, state: State.offline },
      ]),
      null,
      0,
      0,
    );
    const look = (slot: number) => [...new Uint8Array(tracks.buffer, slot * stride + offsets.look, 3)];
    expect(look(0)).toEqual([State.live, 1, 5]);
    expect(look(1)).toEqual([State.offline, 0, 0]);
  });
});

describe('localMatrix', () => {
  it('is the world matrix moved to the origin and scaled to metres', () => {
    // A plain map: x and y scaled to clip space, y turned over.
    const world = [2, 0, 0, 0, 0, -2, 0, 0, 0, 0, 1, 0, -1, 1, 0, 1];
    const local = localMatrix(world, 0.25, 0.75, 0.001);
    expect(toScreen(local, 0, 0, 1000, 500)).toEqual([250, 375]);
    const [x, y] = toScreen(local, 100, 0, 1000, 500) ?? [];
    expect(x).toBeCloseTo(350, 3);
    expect(y).toBeCloseTo(375, 3);
  });

  it('keeps what doubles know: no tremble at zoom 21', () => {
    const scale = 512 * 2 ** 21; // pixels of the world
    const [ox, oy] = [0.2944319444, 0.3758];
    const world = [
      scale / 960,
      0,
      0,
      0,
      0,
      -scale / 540,
      0,
      0,
      0,
      0,
      1,
      0,
      (-ox * scale) / 960,
      (oy * scale) / 540,
      0,
      1,
    ];
    const local = localMatrix(world, ox, oy, 1 / 40075016.685578488);
    const [x, y] = toScreen(local, 0, 0, 1920, 1080) ?? [];
    expect(x).toBeCloseTo(960, 2);
    expect(y).toBeCloseTo(540, 2);
  });

  it('shows nothing behind the viewer', () => {
    expect(toScreen([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1], 0, 0, 10, 10)).toBeNull();
  });
});

describe('liveLooks', () => {
  const legend = (symbol: 'arrow' | 'square', dark: string) => [
    { label: {}, color: { light: '#0a73ad', dark }, symbol },
  ];

  it('follow the legend of the live layers', () => {
    const config = testConfig([
      testLayer({ id: 'buildings' }),
      testLayer({ id: 'vehicles', kind: 'vehicle', live: true, legend: legend('arrow', '#4cc3ff') }),
      testLayer({ id: 'trains', kind: 'train', live: true, legend: legend('square', '#f2f6fd') }),
    ]);
    expect(liveLooks(config, 'dark').map(look => [look.id, look.symbol, look.color])).toEqual([
      ['vehicles', 'arrow', '#4cc3ff'],
      ['trains', 'square', '#f2f6fd'],
    ]);
  });

  it('fall back to symbols by kind and the accent', () => {
    const config = testConfig([
      testLayer({ id: 'v', kind: 'vehicle', live: true }),
      testLayer({ id: 't', kind: 'train', live: true }),
      testLayer({
        id: 's',
        kind: 'sensor',
        live: true,
        legend: [{ label: {}, color: { light: 'red', dark: 'red' }, symbol: 'circle' }],
      }),
    ]);
    expect(liveLooks(config, 'dark').map(({ symbol }) => symbol)).toEqual(['arrow', 'square', 'circle']);
    for (const { color } of liveLooks(config, 'light')) expect(color).toMatch(/^#[0-9a-f]{6}$/);
  });

  it('write letters in an ink that reads', () => {
    for (const color of ['#f2f6fd', '#1a2331', '#4cc3ff', '#0a73ad', '#b86e00'])
      expect(contrast(inkOn(color), color)).toBeGreaterThan(4.5);
  });
});

describe('sizes', () => {
  it('grow with the zoom', () => {
    let before = 0;
    for (let zoom = 0; zoom <= 24; zoom += 0.25) {
      expect(symbolSize(zoom)).toBeGreaterThanOrEqual(before);
      before = symbolSize(zoom);
    }
    expect(symbolSize(0)).toBe(1.1);
    expect(symbolSize(14)).toBeCloseTo(4.85, 6);
    expect(symbolSize(24)).toBe(16);
  });
});

describe('counts by place', () => {
  it('are short', () => {
    expect([7, 950, 1200, 9960, 34_400, 100_000].map(shortCount)).toEqual([
      '7',
      '950',
      '1.2k',
      '10k',
      '34k',
      '100k',
    ]);
  });

  it('add up all states of a cell', () => {
    const cells = {
      size: 1,
      lon: Float64Array.of(-74, 0),
      lat: Float64Array.of(40, 0),
      live: Uint32Array.of(1000, 9),
      stale: Uint32Array.of(200, 9),
      offline: Uint32Array.of(34, 9),
    };
    expect(crowds(cells, 10, 1)).toEqual([{ lon: -74, lat: 40, count: 1234 }]);
  });

  it('never lie over one another and lose nobody', () => {
    const n = 400;
    const counts = Uint32Array.from({ length: n }, (_, i) => ((i * 7919) % 500) + 1);
    const cells = {
      size: n,
      lon: Float64Array.from({ length: n }, (_, i) => -74 + ((i * 37) % 100) / 100),
      lat: Float64Array.from({ length: n }, (_, i) => 40 + ((i * 61) % 100) / 100),
      live: counts,
      stale: new Uint32Array(n),
      offline: new Uint32Array(n),
    };
    for (const zoom of [3, 8, 9.5, 12]) {
      const discs = crowds(cells, zoom, 1);
      expect(discs.reduce((sum, disc) => sum + disc.count, 0)).toBe(
        counts.reduce((sum, count) => sum + count, 0),
      );
      const world = (512 * 2 ** zoom) / 360;
      for (const [i, a] of discs.entries())
        for (const b of discs.slice(i + 1)) {
          const apart = Math.hypot(a.lon - b.lon, (a.lat - b.lat) / Math.cos((40 * Math.PI) / 180)) * world;
          expect(apart).toBeGreaterThan(crowdRadius(a.count, 1) + crowdRadius(b.count, 1));
        }
      if (zoom === 3) expect(discs).toHaveLength(1);
    }
  });
});

describe('a backlog of slots', () => {
  it('gives each slot once, in order, some at a time', () => {
    const backlog = new Backlog();
    backlog.add([7, 3, 900, 3, 12], 1000);
    backlog.add([3, 500], 1000);
    expect(backlog.count).toBe(5);
    expect([...backlog.take(2)]).toEqual([3, 7]);
    backlog.add([3, 4], 1000);
    expect([...backlog.take(2)]).toEqual([12, 500]);
    const rest: number[] = [];
    while (backlog.count > 0) rest.push(...backlog.take(2));
    expect(rest).toEqual([900, 3, 4]);
    expect([...backlog.take(2)]).toEqual([]);
    backlog.add([5000], 6000);
    backlog.clear();
    expect(backlog.count).toBe(0);
    expect([...backlog.take(2)]).toEqual([]);
  });
});
