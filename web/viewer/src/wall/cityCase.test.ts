import { describe, expect, it } from 'vitest';
import { type CityCase, caseEnded, compareCases, isOverdue, parseCase } from './cityCase';
import { formatSpan } from './timeLeft';
import { wallWords } from './words';

const noon = Date.parse('2026-11-22T12:00:00Z');
const minute = 60_000;

function city(id: string, given: Record<string, unknown> = {}): CityCase {
  const parsed = parseCase({ id, class: '0201', state: 'accepted', time: '2026-11-22T11:00:00Z', ...given });
  if (!parsed) throw new Error(`case ${id} is not read`);
  return parsed;
}

describe('parseCase', () => {
  it('reads what /live/events writes', () => {
    const read = city('c', {
      title: { zh: '路灯不亮', en: 'Lamps are dark' },
      source: '12345',
      owner: 'Roads',
      due: '2026-11-22T12:30:00Z',
      lon: 1,
      lat: 2,
      sequence: 5,
    });
    expect(read).toMatchObject({ state: 'accepted', due: noon + 30 * minute, place: [1, 2], sequence: 5 });
    expect(city('c').due, 'no deadline').toBeNaN();
  });

  it.each([{ id: 'c', state: 'lost', time: noon }, { id: 'c', state: 'new' }, 'c'])('refuses %j', value =>
    expect(parseCase(value)).toBeUndefined(),
  );
});

describe('deadlines', () => {
  it('are overdue from the moment they pass; without one nothing is', () => {
    const item = city('c', { due: '2026-11-22T12:00:00Z' });
    expect(isOverdue(item, noon)).toBe(false);
    expect(isOverdue(item, noon + 1)).toBe(true);
    expect(isOverdue(city('d'), noon)).toBe(false);
  });

  it('order the work: longest overdue, due next, without a deadline newest first', () => {
    const list = [
      city('none-old', { time: '2026-11-22T09:00:00Z' }),
      city('later', { due: '2026-11-22T14:00:00Z' }),
      city('none-new', { time: '2026-11-22T10:00:00Z' }),
      city('overdue', { due: '2026-11-22T08:00:00Z' }),
      city('soon', { due: '2026-11-22T12:10:00Z' }),
    ];
    expect(list.sort(compareCases).map(({ id }) => id)).toEqual([
      'overdue',
      'soon',
      'later',
      'none-new',
      'none-old',
    ]);
  });

  it('end with the case', () => {
    expect(caseEnded('closed')).toBe(true);
    expect(caseEnded('rejected')).toBe(true);
    expect(caseEnded('verified')).toBe(false);
  });
});

describe('formatSpan', () => {
  it.each([
    [-5, '0 s', '0 秒'],
    [59_999, '59 s', '59 秒'],
    [60_000, '1 min', '1 分钟'],
    [59.9 * minute, '59 min', '59 分钟'],
    [125 * minute, '2 h 5 min', '2 小时 5 分'],
    [3 * 60 * minute, '3 h', '3 小时'],
    [24 * 60 * minute, '1 d', '1 天'],
    [76 * 60 * minute, '3 d 4 h', '3 天 4 小时'],
  ])('of %d ms is %s', (ms, en, zh) => {
    expect(formatSpan(ms, wallWords.en.units)).toBe(en);
    expect(formatSpan(ms, wallWords.zh.units)).toBe(zh);
  });
});
