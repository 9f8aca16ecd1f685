/** The colours of twind, for the panels and for what the viewer draws on the map itself. */

export type Theme = 'light' | 'dark';

/** Colours as #rrggbb; the styles of the server's map use the same table. */
export interface Palette {
  land: string;
  block: string;
  water: string;
  street: string;
  casing: string;
  rail: string;
  buildingTop: string;
  buildingSide: string;
  selected: string;
  panel: string;
  raised: string;
  line: string;
  text: string;
  quiet: string;
  halo: string;
  accent: string;
  /** Text and icons that stand on the accent colour. */
  onAccent: string;
  good: string;
  warning: string;
  alarm: string;
  stale: string;
}

export const palettes: Record<Theme, Palette> = {
  dark: {
    land: '#0c1422',
    block: '#101b2d',
    water: '#0a2136',
    street: '#2a3a55',
    casing: '#16233a',
    rail: '#4a5f83',
    buildingTop: '#33445f',
    buildingSide: '#1d2a41',
    selected: '#5cc8ff',
    panel: '#111a2b',
    raised: '#18243a',
    line: '#273650',
    text: '#e8eef8',
    quiet: '#9db0ca',
    halo: '#0c1422',
    accent: '#4cc3ff',
    onAccent: '#06131f',
    good: '#3fdc9a',
    warning: '#ffb84d',
    alarm: '#ff5f5f',
    stale: '#8a98ae',
  },
  light: {
    land: '#f3f1ec',
    block: '#e9e6df',
    water: '#cfe2ee',
    street: '#ffffff',
    casing: '#d8d4ca',
    rail: '#b9b3a6',
    buildingTop: '#e4dfd5',
    buildingSide: '#cfc8ba',
    selected: '#0a6fc2',
    panel: '#ffffff',
    raised: '#f7f6f3',
    line: '#dfdcd5',
    text: '#1a2331',
    quiet: '#5d6b7e',
    halo: '#ffffff',
    accent: '#0a73ad',
    onAccent: '#ffffff',
    good: '#0e7a50',
    warning: '#9a5b00',
    alarm: '#c42b2b',
    stale: '#5f6979',
  },
};

/** Grounds on which symbols stand. */
export const bases = [
  'land',
  'block',
  'water',
  'street',
  'buildingTop',
  'buildingSide',
] as const satisfies readonly (keyof Palette)[];

/** Grounds on which text stands in panels. */
export const surfaces = ['panel', 'raised'] as const satisfies readonly (keyof Palette)[];
