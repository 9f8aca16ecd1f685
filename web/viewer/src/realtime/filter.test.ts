import { describe, expect, it } from 'vitest';
import { FilterError, type FilterValue, parseFilter } from './filter';

const bus: Record<string, FilterValue> = {
  line: '4',
  load: 12,
  'full name': "O'Hare",
  late: true,
  speed: 7.5,
};
const matches = (text: string) => parseFilter(text)(name => bus[name]);

describe('filters of the viewer', () => {
  it.each([
    ["line = '4'", true],
    ["line <> '4'", false],
    ["'4' = line", true],
    ['load > 10 AND load <= 12', true],
    ['load > 12 OR speed < 8', true],
    ['NOT load > 12', true],
    ['NOT (load > 10 AND late)', false],
    ['load BETWEEN 10 AND 12', true],
    ['load NOT BETWEEN 10 AND 12', false],
    ["line IN ('1', '4')", true],
    ["line not in ('1', '4')", false],
    ["line LIKE '_'", true],
    [`"full name" LIKE 'O''H%'`, true],
    [`"full name" LIKE 'O.H%'`, false],
    ["line LIKE '\\%'", false],
    ['gone IS NULL', true],
    ['line IS NOT NULL', true],
    ['TRUE', true],
    ['late = TRUE', true],
    ['load = -1.5e1', false],
    ['gone = 1', undefined],
    ['NOT gone = 1', undefined],
    ['gone = 1 OR load = 12', true],
    ['gone = 1 AND load = 1', false],
    ["load = '12'", undefined], // of another type
    ["line IN (gone, '9')", undefined],
  ])('%s', (text, expected) => {
    expect(matches(text)).toBe(expected);
  });

  it.each([
    '',
    'line =',
    "line = '4",
    'line = 4)',
    '(line = 4',
    'S_INTERSECTS(geom, POINT(0 0))',
    'a = 1 b = 2',
    'load ! 3',
    'NULL = 1',
    'x NOT = 1',
    `${'('.repeat(40)}TRUE${')'.repeat(40)}`,
    'a = 1 AND '.repeat(500),
  ])('refuses %s', text => {
    expect(() => parseFilter(text)).toThrow(FilterError);
  });
});
