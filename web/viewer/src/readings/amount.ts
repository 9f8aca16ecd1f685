import { formatNumber } from '../format/number';
import { formatUnit } from '../format/unit';
import { dictionaries, type Language } from '../i18n';
import type { Reading } from './readings';

/** Units so large that a tenth of one is much. */
const fine = new Set(['m', 'MPa', 'bar', 'm/s', 'm3/s', 'A', 'kW', '']);

/** A reading's value with its unit as it stands on the map: three figures are enough there. */
export function formatReading({ value, unit }: Pick<Reading, 'value' | 'unit'>, language: Language): string {
  const words = dictionaries[language].feature;
  if (value === null || value === '') return words.empty;
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  if (typeof value === 'string') return value;
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size < 10 && fine.has(unit) ? 2 : 1;
  const text = size >= 10_000 ? formatNumber(value, language, 0) : value.toFixed(digits);
  const sign = formatUnit(unit);
  if (!sign) return text;
  return /^[°%]$/.test(sign) ? `${text}${sign}` : `${text} ${sign}`;
}
