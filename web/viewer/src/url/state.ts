import type { Language } from '../i18n';
import type { Theme } from '../theme/tokens';

/** Where the camera stands: degrees and map zoom. */
export interface Camera {
  lon: number;
  lat: number;
  zoom: number;
  bearing: number;
  pitch: number;
}

/** What an address says of the page; absent members leave the preference or default. */
export interface UrlState {
  language?: Language;
  theme?: Theme;
  bookmark?: string;
  /** "wall": the operator's screen, read from afar. */
  screen?: 'wall';
  camera?: Camera;
  /** "all": every entity is shown, however many; never counts by place. */
  entities?: 'all';
}

/** Reads `?lang=zh&theme=dark&bookmark=…&screen=wall&entities=all#map=zoom/lat/lon/bearing/pitch`; what is not understood is left out. */
export function parseUrl(search: string, hash: string): UrlState {
  const query = new URLSearchParams(search);
  const state: UrlState = {};
  const language = query.get('lang')?.toLowerCase() ?? '';
  if (language === 'zh' || language.startsWith('zh-')) state.language = 'zh';
  else if (language === 'en' || language.startsWith('en-')) state.language = 'en';
  const theme = query.get('theme');
  if (theme === 'dark' || theme === 'light') state.theme = theme;
  const bookmark = query.get('bookmark');
  if (bookmark) state.bookmark = bookmark;
  if (query.get('screen') === 'wall') state.screen = 'wall';
  if (query.get('entities') === 'all') state.entities = 'all';
  const camera = parseCamera(hash);
  if (camera) state.camera = camera;
  return state;
}

/** The address of a state, beginning with "?" (or "/" for an empty query), other parameters kept. */
export function formatUrl(state: UrlState, search: string): string {
  const query = new URLSearchParams(search);
  set(query, 'lang', state.language);
  set(query, 'theme', state.theme);
  set(query, 'bookmark', state.bookmark);
  set(query, 'screen', state.screen);
  const text = query.toString();
  return `${text ? `?${text}` : '/'}${state.camera ? formatCamera(state.camera) : ''}`;
}

function set(query: URLSearchParams, key: string, value: string | undefined): void {
  if (value === undefined) query.delete(key);
  else query.set(key, value);
}

/** `#map=14.20/40.71000/-74.00000/29.0/60`, as OpenStreetMap writes cameras. */
export function formatCamera(camera: Camera): string {
  const digits = Math.max(2, Math.min(7, Math.ceil(camera.zoom / 3)));
  const parts = [trim(camera.zoom, 2), camera.lat.toFixed(digits), camera.lon.toFixed(digits)];
  const bearing = trim(camera.bearing, 1);
  const pitch = trim(camera.pitch, 1);
  if (bearing !== '0' || pitch !== '0') parts.push(bearing);
  if (pitch !== '0') parts.push(pitch);
  return `#map=${parts.join('/')}`;
}

function parseCamera(hash: string): Camera | undefined {
  const match = /^#?map=([^&]*)/.exec(hash);
  if (!match?.[1]) return undefined;
  const numbers = match[1].split('/').map(part => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN));
  if (numbers.length < 3 || numbers.length > 5 || numbers.some(Number.isNaN)) return undefined;
  const [zoom = 0, lat = 0, lon = 0, bearing = 0, pitch = 0] = numbers;
  if (
    zoom > 24 ||
    zoom < 0 ||
    Math.abs(lat) > 85.06 ||
    Math.abs(lon) > 180 ||
    Math.abs(bearing) > 360 ||
    pitch < 0 ||
    pitch > 85
  ) {
    return undefined;
  }
  return { zoom, lat, lon, bearing, pitch };
}

function trim(value: number, digits: number): string {
  const text = value.toFixed(digits).replace(/\.?0+$/, '');
  return text === '-0' || text === '' ? '0' : text;
}
