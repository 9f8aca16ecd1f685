import { describe, expect, it } from 'vitest';
import { customProperty } from './apply';
import { contrast, luminance, parseHex } from './contrast';
import { bases, type Palette, palettes, surfaces, type Theme } from './tokens';

const themes = Object.keys(palettes) as Theme[];
const onPanels = [
  'text',
  'quiet',
  'accent',
  'good',
  'warning',
  'alarm',
  'stale',
] as const satisfies (keyof Palette)[];
const onMap = [
  'text',
  'accent',
  'good',
  'warning',
  'alarm',
  'stale',
  'selected',
] as const satisfies (keyof Palette)[];

describe('contrast', () => {
  it('agrees with the examples of WCAG', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.478, 2);
    expect(contrast('#123456', '#123456')).toBe(1);
    expect(luminance('#ff0000')).toBeCloseTo(0.2126, 6);
  });

  it('refuses what is not a colour', () => {
    expect(() => parseHex('red')).toThrow('six hexadecimal digits');
    expect(() => parseHex('#12345')).toThrow();
  });
});

describe.each(themes)('%s theme', theme => {
  const palette = palettes[theme];

  it('has valid colours', () => {
    for (const color of Object.values(palette)) expect(parseHex(color)).toHaveLength(3);
  });

  it.each(onPanels.flatMap(color => surfaces.map(surface => [color, surface] as const)))(
    'text in %s reads on %s: at least 4.5',
    (color, surface) => {
      expect(contrast(palette[color], palette[surface])).toBeGreaterThanOrEqual(4.5);
    },
  );

  it('reads on buttons of the accent', () => {
    expect(contrast(palette.onAccent, palette.accent)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(onMap.flatMap(color => bases.map(base => [color, base] as const)))(
    'symbols in %s are told from %s: at least 3',
    (color, base) => {
      expect(contrast(palette[color], palette[base])).toBeGreaterThanOrEqual(3);
    },
  );
});

describe('customProperty', () => {
  it('writes names as style sheets do', () => {
    expect(customProperty('text')).toBe('--text');
    expect(customProperty('buildingTop')).toBe('--building-top');
  });
});
