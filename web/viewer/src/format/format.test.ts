import { describe, expect, it } from 'vitest';
import type { Property } from '../config/config';
import { formatAge, formatDate, formatMoment } from './age';
import { formatCourse, formatNumber, formatPosition, formatSpeed } from './number';
import { formatUnit } from './unit';
import { formatValue } from './value';

describe('formatAge', () => {
  it.each([
    [400, '0.4 s', '0.4 秒'],
    [0, '0.0 s', '0.0 秒'],
    [-500, '0.0 s', '0.0 秒'],
    [9_949, '9.9 s', '9.9 秒'],
    [9_951, '10 s', '10 秒'],
    [59_400, '59 s', '59 秒'],
    [59_600, '1 min', '1 分'],
    [3_540_000, '59 min', '59 分'],
    [3_600_000, '1 h', '1 小时'],
    [82_800_000, '23 h', '23 小时'],
    [86_400_000, '1 d', '1 天'],
    [Number.NaN, '0.0 s', '0.0 秒'],
  ])('%d ms is %s', (ms, en, zh) => {
    expect(formatAge(ms, 'en')).toBe(en);
    expect(formatAge(ms, 'zh')).toBe(zh);
  });
});

describe('moments and days', () => {
  const now = new Date(2026, 10, 21, 14, 30, 0).getTime();

  it('are times of day today', () => {
    expect(formatMoment(new Date(2026, 10, 21, 14, 2, 31).getTime(), 'en', now)).toBe('14:02:31');
    expect(formatMoment(new Date(2026, 10, 21, 14, 2, 31).getTime(), 'zh', now)).toBe('14:02:31');
  });

  it('carry their day on others', () => {
    expect(formatMoment(new Date(2026, 10, 20, 9, 5, 0).getTime(), 'en', now)).toBe('20 Nov 2026 09:05:00');
    expect(formatMoment(new Date(2026, 10, 20, 9, 5, 0).getTime(), 'zh', now)).toBe(
      '2026年11月20日 09:05:00',
    );
  });

  it('are nothing where there is none', () => {
    expect(formatMoment(Number.NaN, 'en', now)).toBe('');
  });

  it('keep dates that are not RFC 3339', () => {
    expect(formatDate('2026-11-21', 'zh')).toBe('2026年11月21日');
    expect(formatDate('1998', 'en')).toBe('1998');
  });
});

describe('numbers', () => {
  it('are grouped', () => {
    expect(formatNumber(43338, 'en')).toBe('43,338');
    expect(formatNumber(43338, 'zh')).toBe('43,338');
    expect(formatNumber(1.005, 'en', 1)).toBe('1');
  });

  it('stand for places, courses and speeds', () => {
    expect(formatPosition(-74.0045, 40.7125, 4)).toBe('40.7125° N, 74.0045° W');
    expect(formatPosition(112.98, -28.2, 2)).toBe('28.20° S, 112.98° E');
    expect(formatCourse(0, 'en')).toBe('0° N');
    expect(formatCourse(359.7, 'en')).toBe('0° N');
    expect(formatCourse(210, 'zh')).toBe('210° 西南');
    expect(formatCourse(-90, 'en')).toBe('270° W');
    expect(formatSpeed(12.5, 'en')).toBe('45 km/h');
  });
});

describe('formatUnit', () => {
  it.each([
    ['m', 'm'],
    ['mm', 'mm'],
    ['m2', 'm²'],
    ['Cel', '°C'],
    ['deg', '°'],
    ['1', ''],
    [undefined, ''],
    ['furlong', 'furlong'],
  ])('%s is written %s', (ucum, expected) => {
    expect(formatUnit(ucum)).toBe(expected);
  });
});

describe('formatValue', () => {
  const property = (type: Property['type'], name = 'p', unit?: string): Property => ({
    name,
    type,
    ...(unit ? { unit } : {}),
  });
  it.each<[string, unknown, Property | undefined, string, string]>([
    ['a height', 50.9, property('number', 'height', 'm'), '50.9 m', '50.9 m'],
    ['a diameter', 1200, property('integer', 'diameter', 'mm'), '1,200 mm', '1,200 mm'],
    ['a slope', 0.0035, property('number', 'slope', '%'), '0.0035%', '0.0035%'],
    ['a year', 1998, property('integer', 'year'), '1998', '1998'],
    ['a code', 430102001, property('integer', 'unit_code'), '430102001', '430102001'],
    ['an amount without a name of a label', 12345, property('integer', 'households'), '12,345', '12,345'],
    ['yes', true, property('boolean'), 'yes', '是'],
    ['no', false, property('boolean'), 'no', '否'],
    ['nothing', null, property('string'), '—', '—'],
    ['an empty text', '', property('string'), '—', '—'],
    ['a day', '2026-11-21', property('date'), '21 Nov 2026', '2026年11月21日'],
    ['a broken moment', 'soon', property('date-time'), 'soon', 'soon'],
    [
      'markup',
      '<img src=x onerror=alert(1)>',
      property('string'),
      '<img src=x onerror=alert(1)>',
      '<img src=x onerror=alert(1)>',
    ],
    ['a list', [1, 'a'], undefined, '[1,"a"]', '[1,"a"]'],
    ['no number', Number.NaN, property('number'), '—', '—'],
  ])('%s', (_name, value, described, en, zh) => {
    expect(formatValue(value, described, 'en')).toBe(en);
    expect(formatValue(value, described, 'zh')).toBe(zh);
  });
});
