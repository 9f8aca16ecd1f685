import { describe, expect, it, vi } from 'vitest';
import { palettes } from '../theme/tokens';
import { formatReading } from './amount';
import { curveOf, parseIntervals } from './history';
import { allConditions, conditionColor, glyphOf } from './looks';
import { parseAlarms } from './openAlarms';
import { placeOfGeometry } from './places';
import { conditionOf, type Reading, Readings } from './readings';
import { fetchShape, Shapes } from './shapes';

function reading(given: Partial<Reading> = {}): Reading {
  return {
    layer: 'manholes',
    feature: 'm1',
    property: 'water_level',
    name: { en: 'Water level' },
    value: 0.4,
    unit: 'm',
    time: 1000,
    received: 1001,
    state: 'live',
    level: 'normal',
    ...given,
  };
}

describe('Readings', () => {
  it('keeps the latest of each property and tells which objects changed', () => {
    const readings = new Readings();
    const heard = vi.fn();
    const stop = readings.on(heard);
    readings.take('manholes', [reading({ lon: 112.9, lat: 28.2 })], true);
    expect(heard).toHaveBeenLastCalledWith('manholes', null);
    readings.take(
      'manholes',
      [reading({ value: 0.5 }), reading({ property: 'methane', value: 3, unit: '%LEL' })],
      false,
    );
    expect(heard).toHaveBeenLastCalledWith('manholes', new Set(['m1']));
    const object = readings.of('manholes', 'm1');
    expect(object?.readings.map(({ property, value }) => [property, value])).toEqual([
      ['water_level', 0.5],
      ['methane', 3],
    ]);
    expect(object?.place, 'news without a place leave it').toEqual([112.9, 28.2]);
    stop();
    readings.take('manholes', [], true);
    expect(readings.of('manholes', 'm1')).toBeUndefined();
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it('shows the worst of an object first', () => {
    const readings = new Readings();
    readings.take(
      'manholes',
      [
        reading(),
        reading({ property: 'methane', level: 'alarm' }),
        reading({ property: 'x', state: 'offline' }),
      ],
      true,
    );
    const object = readings.of('manholes', 'm1');
    expect(object?.condition).toBe('alarm');
    expect(object?.readings.map(({ property }) => property)).toEqual(['methane', 'x', 'water_level']);
    expect(readings.counts()).toEqual({ normal: 0, warning: 0, alarm: 1, stale: 0, offline: 0 });
  });

  it('says what is wrong before how long it has been silent', () => {
    expect(conditionOf({ state: 'live', level: 'normal' })).toBe('normal');
    expect(conditionOf({ state: 'stale', level: 'normal' })).toBe('stale');
    expect(conditionOf({ state: 'offline', level: 'normal' })).toBe('offline');
    expect(conditionOf({ state: 'offline', level: 'alarm' })).toBe('alarm');
    expect(conditionOf({ state: 'live', level: 'warning' })).toBe('warning');
  });

  it('takes a place from elsewhere where readings have none', () => {
    const readings = new Readings();
    readings.take('storm', [reading({ layer: 'storm' })], true);
    readings.locate('storm', 'm1', [1, 2]);
    readings.locate('storm', 'nobody', [1, 2]);
    readings.take('storm', [reading({ layer: 'storm', feature: 'm2' })], false);
    expect(readings.placeless('storm', null)).toEqual(['m2']);
    expect(readings.placeless('storm', ['m1', 'm2', 'm3'])).toEqual(['m2']);
    expect(readings.placeless('water', null)).toEqual([]);
    expect(readings.of('storm', 'm1')?.place).toEqual([1, 2]);
  });
});

describe('looks', () => {
  it('keep red for alarms', () => {
    for (const palette of Object.values(palettes)) {
      const red = allConditions.filter(condition => conditionColor(condition, palette) === palette.alarm);
      expect(red).toEqual(['alarm']);
    }
    expect(glyphOf('water_level')).toBe('drop');
    expect(glyphOf('something new')).toBe('dot');
  });

  it('write values as they stand on the map', () => {
    const as = (value: Reading['value'], unit: string) => formatReading({ value, unit }, 'en');
    expect(as(0.421, 'm')).toBe('0.42 m');
    expect(as(0.2, 'm')).toBe('0.20 m');
    expect(as(58.64, '°')).toBe('58.6°');
    expect(as(120, 'W')).toBe('120 W');
    expect(as(7.7, 'L/s')).toBe('7.7 L/s');
    expect(as(12_345.6, 'm3')).toBe('12,346 m³');
    expect(as(17, '%')).toBe('17%');
    expect(as(21.34, 'Cel')).toBe('21.3 °C');
    expect(as(true, '')).toBe('yes');
    expect(as('open', '')).toBe('open');
    expect(as(null, 'm')).toBe('—');
    expect(formatReading({ value: false, unit: '' }, 'zh')).toBe('否');
  });
});

describe('places', () => {
  it('are the point, the middle of a line and of a box', () => {
    expect(placeOfGeometry({ type: 'Point', coordinates: [1, 2, 3] })).toEqual([1, 2]);
    expect(
      placeOfGeometry({
        type: 'LineString',
        coordinates: [
          [0, 0],
          [0, 0],
          [4, 0],
        ],
      }),
    ).toEqual([2, 0]);
    expect(
      placeOfGeometry({
        type: 'LineString',
        coordinates: [
          [3, 3],
          [3, 3],
        ],
      }),
    ).toEqual([3, 3]);
    expect(
      placeOfGeometry({
        type: 'MultiLineString',
        coordinates: [
          [
            [0, 0],
            [1, 0],
          ],
          [
            [0, 5],
            [8, 5],
          ],
        ],
      })?.[0],
    ).toBeCloseTo(4);
    expect(
      placeOfGeometry({
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [2, 0],
            [2, 4],
            [0, 0],
          ],
        ],
      }),
    ).toEqual([1, 2]);
  });
});

describe('the last hour', () => {
  it('is drawn in runs: silence breaks the line', () => {
    const at = (seconds: number, value: number) => ({
      time: seconds * 1000,
      min: value,
      mean: value,
      max: value,
    });
    const curve = curveOf([at(0, 1), at(30, 2), at(600, 3)], 0, 3_600_000, 100, 40);
    expect(curve?.line.match(/M/g)).toHaveLength(2);
    expect(curve?.area.match(/Z/g)).toHaveLength(2);
    expect([curve?.low, curve?.high]).toEqual([1, 3]);
    expect(curveOf([], 0, 1, 100, 40)).toBeUndefined();
    expect(curveOf([at(0, 5)], 0, 3_600_000, 100, 40)?.line).not.toContain('NaN');
  });

  it('leaves out what is no number', () => {
    const time = '2026-11-22T08:00:00Z';
    expect(
      parseIntervals({
        intervals: [
          { time, min: 1, mean: 2, max: 3 },
          { time, min: null, mean: 2, max: 3 },
          { time: '?', min: 1, mean: 1, max: 1 },
        ],
      }),
    ).toEqual([{ time: Date.parse(time), min: 1, mean: 2, max: 3 }]);
    expect(parseIntervals(null)).toEqual([]);
  });
});

describe('open alarms', () => {
  it('are those of the object', () => {
    const row = {
      id: 'a',
      state: 'new',
      time: '2026-11-22T08:00:00Z',
      class: 'gas',
      layer: 'manholes',
      entity: 'm1',
    };
    const alarms = parseAlarms(
      {
        alarms: [
          { ...row, evidence: { title: { en: 'Gas' }, property: 'methane' } },
          { ...row, entity: 'm2' },
        ],
      },
      'manholes',
      'm1',
    );
    expect(alarms).toEqual([
      {
        id: 'a',
        state: 'new',
        time: Date.parse(row.time),
        owner: '',
        title: { en: 'Gas' },
        property: 'methane',
      },
    ]);
    expect(parseAlarms({ alarms: [row] }, 'manholes', 'm1')[0]?.title).toEqual({ en: 'gas' });
    expect(parseAlarms(undefined, 'manholes', 'm1')).toEqual([]);
  });
});

describe('Shapes', () => {
  it('asks for each once, a few at a time', async () => {
    const waiting: (() => void)[] = [];
    const read = vi.fn(
      (_layer: string, _feature: string, _signal: AbortSignal) =>
        new Promise<GeoJSON.Geometry>(resolve =>
          waiting.push(() => resolve({ type: 'Point', coordinates: [1, 2] })),
        ),
    );
    const arrived = vi.fn();
    const shapes = new Shapes(read, arrived);
    for (let i = 0; i < 10; i++) shapes.want('storm', String(i % 7));
    expect(read).toHaveBeenCalledTimes(4);
    while (arrived.mock.calls.length < 7) {
      waiting.shift()?.();
      await new Promise(resolve => setTimeout(resolve));
    }
    expect(read).toHaveBeenCalledTimes(7);
    expect(shapes.get('storm', '3')).toEqual({ type: 'Point', coordinates: [1, 2] });
    shapes.forget('storm', ['3']);
    expect(shapes.get('storm', '3')).toBeUndefined();
    shapes.dispose();
  });

  const settle = () => new Promise(resolve => setTimeout(resolve));
  const point: GeoJSON.Geometry = { type: 'Point', coordinates: [1, 2] };

  it('knows that an object is not there until its layer changes', async () => {
    vi.stubGlobal(
      'fetch',
      vi.fn(async () => new Response('{}', { status: 404 })),
    );
    const arrived = vi.fn();
    const shapes = new Shapes(
      (layer, feature, signal) => fetchShape(`/${layer}/items`, feature, signal),
      arrived,
    );
    for (let reading = 0; reading < 5; reading++) {
      shapes.want('storm', 'a b');
      await settle();
    }
    expect(vi.mocked(fetch).mock.calls.map(([url]) => url)).toEqual(['/storm/items/a%20b']);
    shapes.forget('water', null);
    shapes.want('storm', 'a b');
    expect(fetch, 'another layer').toHaveBeenCalledTimes(1);
    vi.mocked(fetch).mockImplementation(async () => Response.json({ geometry: point }));
    shapes.forget('storm', null);
    shapes.want('storm', 'a b');
    await settle();
    await settle();
    expect(shapes.get('storm', 'a b')).toEqual(point);
    expect(arrived).toHaveBeenCalledTimes(1);
    shapes.dispose();
    vi.unstubAllGlobals();
  });

  it('asks again what failed after a minute, or a change', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    const read = vi.fn(() => Promise.reject(new Error('HTTP 503')));
    const shapes = new Shapes(read, vi.fn());
    const want = async () => {
      shapes.want('storm', '1');
      await settle();
      return read.mock.calls.length;
    };
    expect(await want()).toBe(1);
    expect(await want()).toBe(1);
    shapes.forget('storm', ['1']);
    expect(await want()).toBe(2);
    clock.mockReturnValue(59_000);
    expect(await want()).toBe(2);
    clock.mockReturnValue(61_000);
    expect(await want()).toBe(3);
    shapes.dispose();
    clock.mockRestore();
  });

  it('asks again what changed while it was on its way', async () => {
    const answers: ((shape: GeoJSON.Geometry | undefined) => void)[] = [];
    const read = vi.fn(() => new Promise<GeoJSON.Geometry | undefined>(resolve => answers.push(resolve)));
    const shapes = new Shapes(read, vi.fn());
    shapes.want('storm', '1');
    shapes.forget('storm', null);
    answers.shift()?.(undefined);
    await settle();
    expect(read).toHaveBeenCalledTimes(2);
    answers.shift()?.(point);
    await settle();
    expect(shapes.get('storm', '1')).toEqual(point);
    shapes.dispose();
  });
});
