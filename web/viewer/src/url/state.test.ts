import { describe, expect, it } from 'vitest';
import { loadPreferences, savePreferences } from './preferences';
import { formatCamera, formatUrl, parseUrl, type UrlState } from './state';

const full: UrlState = {
  language: 'zh',
  theme: 'dark',
  bookmark: 'manhattan',
  screen: 'wall',
  camera: { zoom: 14.2, lat: 40.71, lon: -74.0045, bearing: 29.5, pitch: 60 },
};

function parse(url: string): UrlState {
  const at = url.indexOf('#');
  return at < 0 ? parseUrl(url, '') : parseUrl(url.slice(0, at), url.slice(at));
}

describe('the address', () => {
  it.each<[string, UrlState]>([
    ['everything', full],
    ['nothing', {}],
    ['a camera alone', { camera: { zoom: 3, lat: -33.5, lon: 151, bearing: 0, pitch: 0 } }],
    [
      'a camera turned but not tilted',
      { camera: { zoom: 18.25, lat: 28.2, lon: 112.98, bearing: -90, pitch: 0 } },
    ],
    ['a camera tilted but not turned', { camera: { zoom: 16, lat: 0, lon: 0, bearing: 0, pitch: 45 } }],
    ['language and theme', { language: 'en', theme: 'light' }],
    ['a bookmark with signs', { bookmark: '示范 & 城区' }],
  ])('comes back as it went: %s', (_name, state) => {
    expect(parse(formatUrl(state, ''))).toEqual(state);
  });

  it('keeps parameters of others and drops what is unset', () => {
    expect(formatUrl({ theme: 'light' }, '?token=abc&lang=zh')).toBe('?token=abc&theme=light');
  });

  it('asks for every entity, and goes on to', () => {
    expect(parse('?entities=all')).toEqual({ entities: 'all' });
    expect(formatUrl({ theme: 'light' }, '?entities=all')).toBe('?entities=all&theme=light');
  });

  it('goes to the root when nothing is left', () => {
    expect(formatUrl({}, '?lang=zh')).toBe('/');
  });

  it('takes language tags', () => {
    expect(parseUrl('?lang=zh-CN', '').language).toBe('zh');
    expect(parseUrl('?lang=EN-us', '').language).toBe('en');
  });

  it.each([
    '?lang=de&theme=pink&screen=cinema',
    '?bookmark=',
    '#map=14',
    '#map=14/91/0',
    '#map=14/0/181',
    '#map=25/0/0',
    '#map=14/0/0/0/86',
    '#map=14/0/0/0/-1',
    '#map=NaN/0/0',
    '#map=0x10/0/0',
    '#map=1e3/0/0',
    '#map=1/2/3/4/5/6',
    '#other',
  ])('leaves out what it does not understand: %s', url => {
    expect(parse(url)).toEqual({});
  });

  it('is exact to a pixel at every zoom', () => {
    for (let zoom = 0; zoom <= 21; zoom++) {
      const pixel = 360 / (512 * 2 ** zoom);
      const camera = { zoom, lat: 40.123456789, lon: -74.987654321, bearing: 0, pitch: 0 };
      const read = parseUrl('', formatCamera(camera)).camera;
      expect(Math.abs((read?.lon ?? 0) - camera.lon), `zoom ${zoom}`).toBeLessThan(2 * pixel);
    }
  });
});

describe('preferences', () => {
  function storage(text: string | null) {
    let kept = text;
    return {
      getItem: () => kept,
      setItem: (_key: string, value: string) => {
        kept = value;
      },
    };
  }

  it('come back as they went', () => {
    const store = storage(null);
    const preferences = {
      language: 'zh' as const,
      theme: 'light' as const,
      hidden: ['streets'],
      opacity: { buildings: 0.5 },
      panelClosed: true,
    };
    savePreferences(store, preferences);
    expect(loadPreferences(store)).toEqual(preferences);
  });

  it.each([
    null,
    '',
    'null',
    '7',
    '{',
    '{"language":"xx","theme":1,"hidden":"a","opacity":[],"panelClosed":"no"}',
  ])('survive damage: %s', text => {
    const { opacity = {}, ...rest } = loadPreferences(storage(text));
    expect(rest).toEqual({});
    expect(opacity).toEqual({});
  });

  it('are forgotten where storage is forbidden', () => {
    const forbidden = {
      getItem: () => {
        throw new Error('SecurityError');
      },
      setItem: () => {
        throw new Error('QuotaExceededError');
      },
    };
    expect(loadPreferences(forbidden)).toEqual({});
    expect(loadPreferences(undefined)).toEqual({});
    expect(() => savePreferences(forbidden, { theme: 'dark' })).not.toThrow();
  });
});
