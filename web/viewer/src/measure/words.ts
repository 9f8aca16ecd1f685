import { formatNumber } from '../format/number';
import type { Dictionary, Language } from '../i18n';
import type { Corner } from '../map/sketch';
import type { Figures, Quantity } from './figures';
import { formatArea, formatLength, type Units } from './units';

/** How figures are written. */
export interface Writing {
  words: Dictionary['measure'];
  language: Language;
  units: Units;
}

/** A figure with its name. */
export interface Row {
  name: string;
  value: string;
}

/** A height over the ground in words. */
export function sayHeight(height: number, { words, units, language }: Writing): string {
  if (Math.abs(height) < 0.005) return words.ground;
  const text = formatLength(Math.abs(height), units, language);
  return height > 0 ? words.above(text) : words.below(text);
}

/** What stands beside the pointer: the figure so far, else the height of what is under it. */
export function sayFigures(
  figures: Figures,
  quantity: Quantity,
  pointer: Corner | undefined,
  writing: Writing,
): string {
  const { units, language } = writing;
  if (quantity === 'height') {
    if (figures.rise !== undefined) return signed(figures.rise, writing);
    return pointer ? sayHeight(pointer[2] ?? 0, writing) : '';
  }
  if (quantity === 'area' && figures.area !== undefined) return formatArea(figures.area, units, language);
  return figures.length === undefined ? '' : formatLength(figures.length, units, language);
}

/** The figures as rows, the main one first. */
export function figureRows(figures: Figures, quantity: Quantity, writing: Writing): Row[] {
  const { words, units, language } = writing;
  const rows: Row[] = [];
  const length = (name: string, metres: number | undefined) => {
    if (metres !== undefined) rows.push({ name, value: formatLength(metres, units, language) });
  };
  if (quantity === 'area') {
    if (figures.area !== undefined)
      rows.push({ name: words.area, value: formatArea(figures.area, units, language) });
    length(words.around, figures.length);
    return rows;
  }
  if (quantity === 'length') {
    length(words.length, figures.length);
    if ((figures.legs ?? 0) > 1) {
      length(words.leg, figures.leg);
      rows.push({ name: words.legs, value: formatNumber(figures.legs ?? 0, language, 0) });
    }
    length(words.space, figures.space);
    return rows;
  }
  if (figures.rise === undefined) return rows;
  rows.push({ name: words.rise, value: signed(figures.rise, writing) });
  length(words.across, figures.length);
  length(words.space, figures.space);
  rows.push({
    name: words.slope,
    value: `${formatNumber(figures.slope ?? 0, language, 1).replace('-', '−')}°`,
  });
  figures.heights?.forEach((height, i) => {
    rows.push({ name: i === 0 ? words.first : words.second, value: sayHeight(height, writing) });
  });
  return rows;
}

function signed(metres: number, { units, language }: Writing): string {
  const text = formatLength(Math.abs(metres), units, language);
  return Math.abs(metres) < 0.005 ? text : metres > 0 ? `+${text}` : `−${text}`;
}
