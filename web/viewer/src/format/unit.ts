/** How the UCUM codes that schemas carry are written for people. */
const written: Record<string, string> = {
  '': '',
  '1': '',
  deg: '°',
  Cel: '°C',
  K: 'K',
  '%': '%',
  m2: 'm²',
  m3: 'm³',
  'm3/s': 'm³/s',
  'm3/h': 'm³/h',
  'm3/d': 'm³/d',
  'l/s': 'L/s',
  L: 'L',
  l: 'L',
  um: 'µm',
  'ug/m3': 'µg/m³',
  ug: 'µg',
  Ohm: 'Ω',
  '[ft_i]': 'ft',
  '[in_i]': 'in',
  '[mi_i]': 'mi',
  '[mi_i]/h': 'mph',
  a: 'a',
};

/** A UCUM unit as people write it; unknown codes stay as they are. */
export function formatUnit(ucum: string | undefined): string {
  if (!ucum) return '';
  return written[ucum] ?? ucum;
}
