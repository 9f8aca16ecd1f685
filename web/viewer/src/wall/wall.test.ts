import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveFeed, Replaying } from '../live/feed';
import { readingWords } from '../readings/words';
import { testConfig, testLayer } from '../testing/config';
import { formatDistance, neighbourName, parseNeighbour, searchable } from './nearest';
import { loadWallPreferences, saveWallPreferences } from './preferences';
import { ReplayControl, spans } from './replayControl';
import { AlarmSound } from './sound';
import { curve, Trend } from './trend';
import { wallWords } from './words';

const noon = Date.parse('2026-11-22T12:00:00Z');

describe('words', () => {
  const texts = (value: unknown, path = ''): [string, string][] => {
    if (typeof value === 'string') return [[path, value]];
    if (typeof value === 'function') return [[path, String(value('7', 8, 9))]];
    return Object.entries(value as object).flatMap(([key, inner]) => texts(inner, `${path}.${key}`));
  };

  it('are the same in both languages, none empty', () => {
    const [zh, en] = [texts(wallWords.zh), texts(wallWords.en)];
    expect(zh.map(([path]) => path).sort()).toEqual(en.map(([path]) => path).sort());
    for (const [path, text] of [...zh, ...en]) expect(text.trim(), path).not.toBe('');
    for (const [path, text] of en) expect(text, path).not.toMatch(/\p{Script=Han}/u);
    for (const [path, text] of zh) expect(text, path).toMatch(/\p{Script=Han}/u);
  });

  it('call an alarm what the desk calls it', () => {
    for (const [path, text] of texts(wallWords.zh)) expect(text, path).not.toContain('报警');
    expect(wallWords.zh.focus.alarm).toBe(readingWords.zh.alarm);
  });
});

describe('Trend', () => {
  it('keeps one value a step, the newest always, and forgets the oldest', () => {
    const trend = new Trend(3, 10_000);
    for (const [value, at] of [
      [1, 0],
      [2, 5000],
      [3, 10_000],
      [4, 20_000],
      [5, 21_000],
      [6, 31_000],
    ] as const)
      trend.add(value, at);
    expect(trend.list).toEqual([3, 5, 6]);
  });

  it('draws a curve that ends at the right edge, and keeps noise small', () => {
    expect(curve([5], 60, 100, 20)).toBe('');
    expect(curve([0, 10], 2, 100, 20)).toBe('M0.00 20.00L100.00 0.00');
    const noise = curve([1000, 1001], 2, 100, 20);
    const [from, to] = [...noise.matchAll(/ ([\d.]+)/g)].map(([, y]) => Number(y));
    expect(Math.abs((from ?? 0) - (to ?? 0))).toBeLessThan(1);
    expect(curve([0, 0], 2, 100, 20)).not.toContain('NaN');
  });
});

describe('nearest', () => {
  it('looks for what is live and a vehicle, and for cameras among city parts', () => {
    const found = searchable(
      testConfig([
        testLayer({ id: 'vehicles', live: true, kind: 'vehicle' }),
        testLayer({ id: 'trains', live: true, kind: 'train' }),
        testLayer({ id: 'parts', kind: 'part', schema: [{ name: 'class_code', type: 'string' }] }),
        testLayer({ id: 'others', kind: 'part' }),
      ]),
    );
    expect(found.vehicles.map(({ id }) => id)).toEqual(['vehicles']);
    expect(found.cameras.map(({ layer, filter }) => [layer.id, filter])).toEqual([
      ['parts', "class_code = '0136'"],
    ]);
  });

  it('reads features with their distance, and no others', () => {
    const layer = testLayer({ id: 'vehicles', live: true, label: 'plate' });
    const feature = {
      id: 7,
      geometry: { type: 'Point', coordinates: [1, 2, 3] },
      properties: { plate: '湘A 12345' },
      distance: 12.5,
    };
    const [read] = parseNeighbour(layer, feature);
    expect(read).toMatchObject({ layer: 'vehicles', id: '7', live: true, place: [1, 2], metres: 12.5 });
    expect(read && neighbourName(layer, read, 'zh')).toBe('湘A 12345');
    expect(parseNeighbour(layer, { ...feature, distance: undefined })).toEqual([]);
    expect(parseNeighbour(layer, { ...feature, geometry: null })).toEqual([]);
  });

  it.each([
    [0, '0 m'],
    [34.6, '35 m'],
    [342, '340 m'],
    [999, '1.0 km'],
    [1234, '1.2 km'],
    [12_345, '12 km'],
  ])('says %d m as %s', (metres, text) => expect(formatDistance(metres)).toBe(text));
});

describe('preferences', () => {
  it('survive damage', () => {
    for (const text of ['', '{', 'null', '{"owner":7,"sound":"yes"}'])
      expect(loadWallPreferences({ getItem: () => text })).toEqual({ owner: '', sound: false });
    const kept = new Map<string, string>();
    saveWallPreferences({ setItem: (key, value) => kept.set(key, value) }, { owner: 'Desk 3', sound: true });
    expect(loadWallPreferences({ getItem: key => kept.get(key) ?? null })).toEqual({
      owner: 'Desk 3',
      sound: true,
    });
  });
});

describe('ReplayControl', () => {
  const asked: unknown[] = [];
  let replaying: Replaying | undefined;
  const feed = {
    get replaying() {
      return replaying;
    },
    replay: (request: unknown) => asked.push(request),
  } as unknown as LiveFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.setSystemTime(noon);
    asked.length = 0;
    replaying = undefined;
  });
  afterEach(() => vi.useRealTimers());

  it('reaches from the span ago to now', () => {
    const control = new ReplayControl(feed);
    expect(control.reach(noon)).toEqual({ from: noon - spans.m10, to: noon });
    control.setSpan('h1', noon);
    expect(control.reach(noon + 5)).toEqual({ from: noon + 5 - spans.h1, to: noon + 5 });
    expect(asked).toEqual([]);
  });

  it('seeks while dragged, at most three times a second, and where it is let go', () => {
    const control = new ReplayControl(feed);
    const from = noon - spans.m10;
    for (let i = 1; i <= 10; i++) {
      control.drag(from + i * 1000, Date.now());
      vi.advanceTimersByTime(50);
    }
    const during = asked.length;
    expect(during).toBeGreaterThan(0);
    expect(during).toBeLessThanOrEqual(3);
    control.drop();
    expect(asked.at(-1)).toEqual({ from, to: noon, at: from + 10_000, speed: 1, paused: false });
    vi.advanceTimersByTime(1000);
    expect(asked.length).toBe(during + 1);
    expect(control.reach(noon + 60_000), 'the bar stands still').toEqual({ from, to: noon });
  });

  it('pauses, plays, begins anew, changes speed, and goes back to live', () => {
    const control = new ReplayControl(feed);
    control.begin(noon);
    const window = { from: noon - spans.m10, to: noon };
    expect(asked.at(-1)).toEqual({ ...window, at: noon - spans.m10 / 10, speed: 1, paused: false });
    replaying = { at: noon - 50_000, speed: 1, state: 'playing' };
    control.toggle(replaying);
    expect(asked.at(-1)).toEqual({ ...window, speed: 1, paused: true });
    replaying = { ...replaying, state: 'paused' };
    control.setSpeed(60);
    expect(asked.at(-1), 'a change of speed is no play').toEqual({ ...window, speed: 60, paused: true });
    control.toggle({ ...replaying, state: 'ended' });
    expect(asked.at(-1)).toEqual({ ...window, at: window.from, speed: 60, paused: false });
    control.toLive();
    expect(asked.at(-1)).toBeUndefined();
    expect(control.window.value).toBeUndefined();
  });
});

describe('AlarmSound', () => {
  class Context {
    state = 'suspended';
    currentTime = 0;
    started = 0;
    allowed = false;
    destination = {};
    resume = async () => {
      if (this.allowed) this.state = 'running';
    };
    suspend = async () => {
      this.state = 'suspended';
    };
    close = async () => {};
    createOscillator = () => ({
      frequency: { value: 0 },
      connect: (next: unknown) => next,
      start: () => this.started++,
      stop: () => {},
    });
    createGain = () => ({
      gain: { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} },
      connect: () => {},
    });
  }
  let context: Context;
  const page = new EventTarget();

  beforeEach(() => {
    vi.stubGlobal(
      'AudioContext',
      class {
        constructor() {
          context = new Context();
          // biome-ignore lint/correctness/noConstructorReturn: the test holds what the sound uses
          return context as never;
        }
      },
    );
  });
  afterEach(() => vi.unstubAllGlobals());

  it('waits for a click where the browser wants one, then sounds, not too often', async () => {
    const sound = new AlarmSound(page as unknown as Window);
    sound.play('critical', 0);
    expect(sound.state.value).toBe('off');
    sound.set(true);
    expect(sound.state.value).toBe('blocked');
    sound.play('critical', 0);
    expect(context.started, 'nothing before the click').toBe(0);
    context.allowed = true;
    page.dispatchEvent(new Event('pointerdown'));
    await vi.waitFor(() => expect(sound.state.value).toBe('on'));
    sound.play('critical', 10_000);
    expect(context.started).toBe(4);
    sound.play('major', 11_000);
    expect(context.started, 'a flood is no concert').toBe(4);
    sound.play('info', 20_000);
    expect(context.started, 'what is for information is silent').toBe(4);
    sound.set(false);
    sound.play('major', 30_000);
    expect(context.started).toBe(4);
    sound.dispose();
  });
});
