import { type Palette, palettes, type Theme } from './tokens';

/** The colours that style sheets read, as custom properties: `--text`, `--building-top`, … */
const names = Object.keys(palettes.dark) as (keyof Palette)[];

/** Dresses the page in a theme. */
export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  root.dataset.theme = theme;
  root.style.setProperty('color-scheme', theme);
  for (const name of names) root.style.setProperty(customProperty(name), palettes[theme][name]);
}

/** The custom property of a token: `buildingTop` is `--building-top`. */
export function customProperty(name: string): string {
  return `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}
