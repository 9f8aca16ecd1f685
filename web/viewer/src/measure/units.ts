import { formatNumber } from '../format/number';
import type { Language } from '../i18n';

/** Units that lengths and areas are written in. */
export type Units = 'metric' | 'imperial';

const foot = 0.3048;
const mile = 1609.344;
const acre = 4046.8564224;

/** A length in metres, to the centimetre up to a kilometre: 12.34 m, 1.235 km, 40.5 ft, 1.02 mi. */
export function formatLength(metres: number, units: Units, language: Language): string {
  if (!Number.isFinite(metres)) return '—';
  const size = Math.abs(metres);
  if (units === 'imperial')
    return size < mile / 4
      ? `${fixed(metres / foot, language, 1)} ft`
      : `${fixed(metres / mile, language, 3)} mi`;
  return size < 1000 ? `${fixed(metres, language, 2)} m` : `${fixed(metres / 1000, language, 3)} km`;
}

/** An area in m²: 123.4 m², 1.235 km², 40.5 ft², 1.02 acres. */
export function formatArea(area: number, units: Units, language: Language): string {
  if (!Number.isFinite(area)) return '—';
  if (units === 'imperial')
    return area < acre
      ? `${fixed(area / foot ** 2, language, 0)} ft²`
      : `${fixed(area / acre, language, 2)} ac`;
  return area < 1e6 ? `${fixed(area, language, 1)} m²` : `${fixed(area / 1e6, language, 4)} km²`;
}

function fixed(value: number, language: Language, digits: number): string {
  const text = formatNumber(Number(value.toFixed(digits)), language, digits);
  // As many decimals as the value is exact to: a column of them stands in line.
  const point = text.indexOf('.');
  const missing = digits - (point < 0 ? 0 : text.length - point - 1);
  return missing > 0 && digits > 0 ? `${text}${point < 0 ? '.' : ''}${'0'.repeat(missing)}` : text;
}
