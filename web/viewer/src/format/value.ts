import type { Property } from '../config/config';
import { dictionaries, type Language } from '../i18n';
import { formatDate, formatMoment } from './age';
import { formatNumber } from './number';
import { formatUnit } from './unit';

/** Names whose numbers are labels, not amounts: 2026 is a year, not 2,026. */
const ungrouped =
  /(^|[_\s-])(id|no|code|year|fid|gid|osm|key|number|num|zip|built)([_\s-]|$)|id$|code$|year|年|编号|编码|代码|号$/i;

/**
 * One attribute as a line of text: numbers with grouping and unit, booleans as
 * words, days and moments in local form, everything else as it stands. The
 * answer is text, never markup.
 */
export function formatValue(value: unknown, property: Property | undefined, language: Language): string {
  const words = dictionaries[language].feature;
  if (value === null || value === undefined || value === '') return words.empty;
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  if (typeof value === 'number') return withUnit(formatAmount(value, property, language), property);
  if (typeof value === 'string') {
    if (property?.type === 'date') return formatDate(value, language);
    if (property?.type === 'date-time') {
      const ms = Date.parse(value);
      return Number.isNaN(ms) ? value : formatMoment(ms, language);
    }
    return withUnit(value, property);
  }
  return JSON.stringify(value);
}

function formatAmount(value: number, property: Property | undefined, language: Language): string {
  if (!Number.isFinite(value)) return dictionaries[language].feature.empty;
  const grouping = Boolean(property?.unit) || !ungrouped.test(property?.name ?? '');
  const digits = Math.abs(value) >= 1000 ? 2 : 4;
  return formatNumber(value, language, digits, grouping);
}

function withUnit(text: string, property: Property | undefined): string {
  const unit = formatUnit(property?.unit);
  if (!unit) return text;
  return unit === '°' || unit === '%' ? `${text}${unit}` : `${text} ${unit}`;
}
