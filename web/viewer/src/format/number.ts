import { type Language, tags } from '../i18n';

const formatters = new Map<string, Intl.NumberFormat>();

/** A number with the language's grouping and at most `digits` decimals. */
export function formatNumber(value: number, language: Language, digits = 2, grouping = true): string {
  const key = `${language}/${digits}/${grouping}`;
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.NumberFormat(tags[language], {
      maximumFractionDigits: digits,
      useGrouping: grouping,
    });
    formatters.set(key, formatter);
  }
  return formatter.format(value);
}

/** Degrees of longitude and latitude with hemispheres, six decimals (0.1 m). */
export function formatPosition(lon: number, lat: number, digits = 6): string {
  const ew = lon < 0 ? 'W' : 'E';
  const ns = lat < 0 ? 'S' : 'N';
  return `${Math.abs(lat).toFixed(digits)}° ${ns}, ${Math.abs(lon).toFixed(digits)}° ${ew}`;
}

/** A course in whole degrees clockwise from north, with its compass point. */
export function formatCourse(degrees: number, language: Language): string {
  const points =
    language === 'zh'
      ? ['北', '东北', '东', '东南', '南', '西南', '西', '西北']
      : ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'];
  const turned = ((degrees % 360) + 360) % 360;
  return `${Math.round(turned) % 360}° ${points[Math.round(turned / 45) % 8]}`;
}

/** A speed in km/h, as people say it, from metres per second. */
export function formatSpeed(metresPerSecond: number, language: Language): string {
  return `${formatNumber(metresPerSecond * 3.6, language, 0)} km/h`;
}
