import { describe, expect, it } from 'vitest';
import { type Alarm, parseAlarm } from './alarm';
import { compareAlarms, countByClass, firstClasses, roused, succeedAlarm } from './alarms';
import { againstLimit, silence } from './alarmText';
import { FloodWatch } from './flood';
import { Ledger } from './ledger';
import { classesThatFit, rowsThatFit, wholeHeight } from './wholeRows';
import { wallWords } from './words';

const noon = Date.parse('2026-11-22T12:00:00Z');

function alarm(id: string, minute: number, given: Record<string, unknown> = {}): Alarm {
  const parsed = parseAlarm({
    id,
    class: 'gas',
    state: 'new',
    sequence: minute,
    time: new Date(noon + minute * 60_000).toISOString(),
    ...given,
  });
  if (!parsed) throw new Error(`alarm ${id} is not read`);
  return parsed;
}

describe('againstLimit', () => {
  const say = (value: number) => `${value} kPa`;

  it('compares what is wrong with its limit, and nothing that is well again', () => {
    expect(againstLimit(131, 200, say)).toBe('131 kPa < 200 kPa');
    expect(againstLimit(710, 600, say)).toBe('710 kPa > 600 kPa');
    expect(againstLimit(313, undefined, say)).toBe('313 kPa');
  });
});

describe('silence', () => {
  it('says since when something was not heard, and nothing once it is heard again', () => {
    const since = new Date(2026, 10, 22, 12, 5).getTime();
    const given = { class: 'silence', evidence: { outcome: 'raise', since: new Date(since).toISOString() } };
    const say = (active: boolean, language: 'zh' | 'en') =>
      silence(alarm('a', 0, { ...given, active }), wallWords[language], language, since + 60_000);
    expect(say(true, 'zh')).toBe('无数据，最后 12:05:00');
    expect(say(true, 'en')).toBe('silent since 12:05:00');
    expect(say(false, 'en')).toBe('');
  });
});

describe('parseAlarm', () => {
  it('reads what /live/alarms and the events of the live socket write', () => {
    const read = parseAlarm({
      id: 'a1',
      kind: 'alarm',
      class: 'high-water',
      state: 'acknowledged',
      active: true,
      layer: 'manholes',
      entity: 'M7',
      time: '2026-11-22T12:00:00Z',
      count: 3,
      lon: 112.97,
      lat: 28.2,
      owner: 'Desk 3',
      note: 'patrol sent',
      sequence: 12,
      evidence: {
        severity: 'minor',
        title: { zh: '水位' },
        value: 1.5,
        limit: 1.2,
        property: 'level',
        outcome: 'raise',
        since: '2026-11-22T11:59:35Z',
        rule: 'r',
      },
    });
    expect(read).toEqual({
      id: 'a1',
      class: 'high-water',
      state: 'acknowledged',
      severity: 'minor',
      title: { zh: '水位' },
      layer: 'manholes',
      entity: 'M7',
      time: noon,
      since: noon - 25_000,
      count: 3,
      active: true,
      place: [112.97, 28.2],
      owner: 'Desk 3',
      note: 'patrol sent',
      sequence: 12,
      evidence: { value: 1.5, limit: 1.2, property: 'level', outcome: 'raise', since: noon - 25_000 },
    });
  });

  it('takes what a rule does not say as major, and floods as critical', () => {
    expect(alarm('a', 0).severity).toBe('major');
    expect(alarm('a', 0, { class: 'flood' }).severity).toBe('critical');
    expect(alarm('a', 0, { evidence: { severity: 'loud' } }).severity).toBe('major');
  });

  it.each([
    ['raise', -2],
    ['enter', -2],
    ['leave', 0],
    ['speed', 0],
  ])('of %s began %d minutes from its time', (outcome, minutes) => {
    const since = new Date(noon - 120_000).toISOString();
    expect(alarm('a', 0, { evidence: { outcome, since } }).since).toBe(noon + minutes * 60_000);
  });

  it.each(['raise', 'enter', 'stay', 'leave', 'speed'])(
    'of %s that was so again is as old as the server says that it is',
    outcome => {
      const began = new Date(noon - 600_000).toISOString();
      const since = new Date(noon - 5000).toISOString();
      expect(alarm('a', 0, { count: 2, began, evidence: { outcome, since } }).since).toBe(noon - 600_000);
    },
  );

  it('did not begin after it was told', () =>
    expect(alarm('a', 0, { began: '2026-11-22T13:00:00Z' }).since).toBe(noon));

  it.each([undefined, 'yesterday', '2026-11-22T13:00:00Z'])(
    'without a time before (%s) began at its own',
    since => expect(alarm('a', 0, { evidence: { since } }).since).toBe(noon),
  );

  it.each([
    null,
    7,
    {},
    { id: 'a', state: 'new' },
    { id: 'a', state: 'open', time: '2026-11-22T12:00:00Z' },
    { id: '', state: 'new', time: '2026-11-22T12:00:00Z' },
    { id: 'a', state: 'new', time: 'yesterday' },
  ])('refuses %j', value => expect(parseAlarm(value)).toBeUndefined());
});

describe('the queue', () => {
  const queue = (most?: number) =>
    new Ledger<Alarm>(({ state }) => state === 'closed', compareAlarms, succeedAlarm, most, roused);
  const ids = (ledger: Ledger<Alarm>) => ledger.list().map(({ id }) => id);

  it('is newest first', () => {
    const ledger = queue();
    ledger.take([alarm('b', 2), alarm('a', 1), alarm('c', 3)]);
    expect(ids(ledger)).toEqual(['c', 'b', 'a']);
  });

  it('keeps its order and ages when alarms are acknowledged, repeated and recover', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1), alarm('b', 2), alarm('c', 3)]);
    ledger.take([alarm('a', 8, { state: 'acknowledged' })]);
    ledger.take([alarm('b', 9, { active: false }), alarm('b', 10, { count: 2 })]);
    expect(ids(ledger)).toEqual(['c', 'b', 'a']);
    expect(ledger.list().map(({ since }) => (since - noon) / 60_000)).toEqual([3, 2, 1]);
    expect(ledger.get('a')?.time).toBe(noon + 8 * 60_000);
    ledger.take([alarm('c', 11), alarm('b', 12), alarm('a', 13)], true);
    expect(ids(ledger), 'all anew, as after a lost connection').toEqual(['c', 'b', 'a']);
  });

  it('begins with the evidence where the page came later than the alarm', () => {
    const ledger = queue();
    const evidence = { outcome: 'raise', since: new Date(noon + 60_000).toISOString() };
    ledger.take([alarm('b', 2), alarm('a', 8, { state: 'acknowledged', evidence })], true);
    expect(ids(ledger)).toEqual(['b', 'a']);
  });

  it('is in the order in which alarms began, though the page came after they were so again', () => {
    const ledger = queue();
    const again = (id: string, began: number, minute: number) =>
      alarm(id, minute, {
        count: 3,
        began: new Date(noon + began * 60_000).toISOString(),
        evidence: { outcome: 'raise', since: new Date(noon + minute * 60_000).toISOString() },
      });
    ledger.take([again('a', 1, 9), again('b', 2, 8), again('c', 3, 7)], true);
    expect(ids(ledger)).toEqual(['c', 'b', 'a']);
    expect(ledger.list().map(({ since }) => (since - noon) / 60_000)).toEqual([3, 2, 1]);
  });

  it('begins anew with the alarm that follows a closed one', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1), alarm('b', 2)]);
    ledger.take([alarm('a', 3, { state: 'closed' })]);
    ledger.take([alarm('a', 4, { sequence: 9 })]);
    expect(ids(ledger)).toEqual(['a', 'b']);
    expect(ledger.get('a')?.since).toBe(noon + 4 * 60_000);
  });

  it('of the same moment, the later told comes first', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1, { sequence: 1 }), alarm('b', 1, { sequence: 2 })]);
    expect(ids(ledger)).toEqual(['b', 'a']);
  });

  it('keeps the newest version, whichever comes last', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1, { state: 'acknowledged', sequence: 9 })]);
    expect(ledger.take([alarm('a', 1, { sequence: 4 })])).toEqual([]);
    expect(ledger.get('a')?.state).toBe('acknowledged');
  });

  it('tells what came to be, once', () => {
    const ledger = queue();
    expect(ledger.take([alarm('a', 1)]).map(({ id }) => id)).toEqual(['a']);
    expect(ledger.take([alarm('a', 1, { sequence: 2 }), alarm('b', 2)]).map(({ id }) => id)).toEqual(['b']);
  });

  it('tells anew of what was acknowledged and is so again, and keeps its place', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1), alarm('b', 2)]);
    expect(ledger.take([alarm('a', 3, { state: 'acknowledged' })])).toEqual([]);
    expect(ledger.take([alarm('a', 4, { state: 'acknowledged', active: false })])).toEqual([]);
    const again = alarm('a', 5, { count: 2 });
    expect(ledger.take([again]).map(({ id, state }) => [id, state])).toEqual([['a', 'new']]);
    expect(ids(ledger)).toEqual(['b', 'a']);
    expect(ledger.take([alarm('a', 6, { count: 3 })]), 'it still is').toEqual([]);
  });

  it('tells of what was so again and acknowledged at once as it is now', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1, { state: 'acknowledged' })]);
    const told = ledger.take([alarm('a', 2, { count: 2 }), alarm('a', 3, { state: 'acknowledged' })]);
    expect(told.map(({ state }) => state)).toEqual(['acknowledged']);
  });

  it('lets go of what is closed, and of what the whole list does not name', () => {
    const ledger = queue();
    ledger.take([alarm('a', 1), alarm('b', 2), alarm('c', 3)]);
    ledger.take([alarm('b', 2, { state: 'closed', sequence: 7 })]);
    expect(ids(ledger)).toEqual(['c', 'a']);
    ledger.take([alarm('c', 3)], true);
    expect(ids(ledger)).toEqual(['c']);
  });

  it('stays bounded: the oldest are forgotten', () => {
    const ledger = queue(100);
    for (let i = 0; i < 1000; i++) ledger.take([alarm(`a${i}`, i)]);
    expect(ledger.list()).toHaveLength(100);
    expect(ids(ledger)[0]).toBe('a999');
    expect(ledger.take([alarm('late', -5)])).toEqual([]);
  });
});

describe('countByClass', () => {
  it('counts new and acknowledged, the most frequent class first, named as its newest alarm', () => {
    const list = [
      alarm('d', 4, { class: 'water', evidence: { title: { en: 'High water' } } }),
      alarm('c', 3, { class: 'gas' }),
      alarm('b', 2, { class: 'water', state: 'acknowledged' }),
      alarm('a', 1, { class: 'water' }),
    ];
    expect(countByClass(list)).toEqual([
      { class: 'water', title: { en: 'High water' }, fresh: 2, acknowledged: 1 },
      { class: 'gas', title: undefined, fresh: 1, acknowledged: 0 },
    ]);
  });
});

describe('a list without room for all', () => {
  const classes = ['a', 'b', 'c', 'd'].map((name, i) => ({
    class: name,
    title: undefined,
    fresh: 4 - i,
    acknowledged: i,
  }));
  const sum = (counts: readonly { fresh: number; acknowledged: number }[]) =>
    counts.reduce((all, { fresh, acknowledged }) => all + fresh + acknowledged, 0);

  it.each([
    [Number.POSITIVE_INFINITY, 4, 0],
    [4, 4, 0],
    [3, 2, 2],
    [1, 0, 4],
  ])('of classes, in %d rows names %d and sums up %d', (rows, named, left) => {
    const { first, rest } = firstClasses(classes, rows);
    expect([first.length, rest.classes]).toEqual([named, left]);
    expect(first.length + (left > 0 ? 1 : 0)).toBeLessThanOrEqual(rows);
    expect(sum([...first, rest])).toBe(16);
  });

  it.each([
    [100, 30, 5, 3],
    [99.6, 30, 5, 3],
    [99, 30, 5, 2],
    [10, 30, 5, 1],
    [100, 0, 5, Number.POSITIVE_INFINITY],
    [0, 30, 5, Number.POSITIVE_INFINITY],
  ])('in %d px fit rows of %d px, %d px apart: %d', (room, row, gap, fit) =>
    expect(rowsThatFit(room, row, gap)).toBe(fit),
  );

  it('sums up in a row without a bar the classes for which there is no room', () => {
    expect(classesThatFit(3, 100, 30, 7, 5)).toBe(3);
    expect(classesThatFit(4, 100, 30, 7, 5)).toBe(3);
    expect(classesThatFit(6, 127, 30, 7, 5)).toBe(3);
    expect(classesThatFit(6, 128, 30, 7, 5)).toBe(4);
    expect(classesThatFit(4, 134, 30, 7, 5)).toBe(3); // with its bar the fourth is cut
  });

  it.each([
    [[30, 30], 100, 100],
    [[30, 50, 30], 100, 85],
    [[30, 30, 30], 100, 100],
    [[30, 30, 30, 30], 110, 100],
    [[120, 30], 100, 100],
    [[], 100, 100],
  ])('with rows of %j px ends in %d px at %d', (rows, room, height) =>
    expect(wholeHeight(rows, 5, room)).toBe(height),
  );
});

describe('FloodWatch', () => {
  const minute = 60_000;

  it('begins above ten in ten minutes and ends below five', () => {
    const watch = new FloodWatch();
    for (let i = 0; i < 10; i++) watch.note(noon + i * 1000);
    expect(watch.count(noon + minute)).toBe(0);
    watch.note(noon + 5 * minute);
    expect(watch.count(noon + 5 * minute)).toBe(11);
    for (let i = 0; i < 4; i++) watch.note(noon + 9 * minute);
    expect(watch.count(noon + 10.5 * minute), 'five in the window: it goes on').toBe(5);
    expect(watch.count(noon + 15.5 * minute), 'four').toBe(0);
    watch.note(noon + 16 * minute);
    expect(watch.count(noon + 16 * minute), 'it is over until there are more than ten again').toBe(0);
  });

  it('counts a storm without growing', () => {
    const watch = new FloodWatch();
    for (let i = 0; i < 5000; i++) watch.note(noon);
    expect(watch.count(noon)).toBe(1000);
  });
});
