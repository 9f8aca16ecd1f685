import { describe, expect, it } from 'vitest';
import { parseBBox, parseConfig } from './parse';

const layer = {
  id: 'buildings',
  title: { zh: '建筑', en: 'Buildings' },
  kind: 'building',
  geometryType: 'MultiPolygon',
  count: 43338,
  bbox: [-74.05, 40.68, -73.9, 40.88],
  minZoom: 12,
  maxZoom: 16,
  provenance: '',
  attribution: '© OpenStreetMap contributors',
  live: false,
  readOnly: false,
  label: 'name',
  group: 'new-york',
  schema: [
    { name: 'height', type: 'number', title: { zh: '高度', en: 'Height' }, unit: 'm' },
    { name: 'built', type: 'date' },
  ],
  legend: [{ label: { en: 'Buildings' }, color: { light: '#e4dfd5', dark: '#33445f' }, symbol: 'fill' }],
  tilejson: 'http://host/tiles/buildings.json',
  tileset: 'http://host/3d/buildings/tileset.json',
  items: 'http://host/ogc/collections/buildings/items',
};

const config = {
  title: { zh: '城', en: 'City' },
  version: '1.0',
  live: 'ws://host/live',
  bookmarks: [
    { id: 'manhattan', title: { en: 'Manhattan' }, center: [-74, 40.71], zoom: 14.2, pitch: 60, bearing: 29 },
  ],
  groups: [{ id: 'new-york', title: { en: 'New York' }, layers: ['buildings'] }],
  styles: { light: 'http://host/styles/city-light.json', dark: 'http://host/styles/city-dark.json' },
  layers: [layer],
};

describe('parseConfig', () => {
  it('takes maps and images below the layers, but not what the style does not draw', () => {
    const bases = [
      {
        id: 'map',
        title: { zh: '底图' },
        type: 'vector',
        attribution: 'OSM',
        bbox: [1, 2, 3, 4],
        minZoom: 3,
      },
      { id: 'image', type: 'raster', role: 'imagery' },
      { id: 'ground', type: 'raster', role: 'terrain' },
      { type: 'vector' },
      7,
    ];
    const parsed = parseConfig({ ...config, bases });
    expect(parsed.bases.map(({ id, kind, attribution }) => [id, kind, attribution])).toEqual([
      ['map', 'base', 'OSM'],
      ['image', 'base', ''],
    ]);
    expect(parsed.bases[0]?.bbox).toEqual([1, 2, 3, 4]);
    expect(parsed.layers).toHaveLength(1);
    expect(parseConfig(config).bases).toEqual([]);
  });

  it('takes over what the server says', () => {
    const parsed = parseConfig(config);
    expect(parsed.bookmarks).toEqual(config.bookmarks);
    expect(parsed.groups).toEqual(config.groups);
    expect(parsed.styles).toEqual(config.styles);
    expect(parsed.layers[0]).toEqual({ ...layer, owner: '' });
  });

  it('opens with a city that says only what it must', () => {
    const parsed = parseConfig({ styles: config.styles, layers: [{ id: 'a', items: '/a' }] });
    expect(parsed.live).toBe('');
    expect(parsed.bookmarks).toEqual([]);
    expect(parsed.layers[0]).toMatchObject({
      id: 'a',
      title: {},
      bbox: null,
      minZoom: 0,
      maxZoom: 24,
      schema: [],
      legend: [],
      provenance: '',
    });
  });

  it.each<[string, unknown, string]>([
    ['nothing', null, 'config.json: expected an object'],
    ['a list', [], 'config.json: expected an object'],
    ['no styles', { layers: [] }, 'styles: expected an object'],
    ['one style', { styles: { light: '/l' }, layers: [] }, 'styles.dark: expected a text'],
    ['a layer without id', { styles: config.styles, layers: [{}] }, 'layers[0].id: expected a text'],
    [
      'a layer without items',
      { styles: config.styles, layers: [layer, { id: 'x' }] },
      'layers[1].items: expected a text',
    ],
  ])('refuses %s', (_name, value, message) => {
    expect(() => parseConfig(value)).toThrow(message);
  });

  it('leaves out what is not of its kind', () => {
    const parsed = parseConfig({
      ...config,
      bookmarks: [null, { id: 'x', center: ['a', 1] }, ...config.bookmarks],
      groups: [7, { id: 1 }, { id: 'g', layers: ['a', 7] }],
      layers: [
        {
          ...layer,
          provenance: 'guessed',
          bbox: [1, 2, 3],
          schema: [{ type: 'number' }, { name: 'x', type: 'blob' }],
          legend: [
            { color: { light: '#fff' } },
            { color: { light: '#ffffff', dark: '#000000' }, symbol: 'star' },
          ],
        },
      ],
    });
    expect(parsed.bookmarks.map(({ id }) => id)).toEqual(['manhattan']);
    expect(parsed.groups).toEqual([{ id: 'g', title: {}, layers: ['a'] }]);
    expect(parsed.layers[0]).toMatchObject({
      provenance: '',
      bbox: null,
      schema: [{ name: 'x', type: 'string' }],
      legend: [{ label: {}, symbol: 'fill', color: { light: '#ffffff', dark: '#000000' } }],
    });
  });
});

describe('parseBBox', () => {
  it.each([[[1, 2, 3, 4]], [[-180, -90, 180, 90]]])('takes %j', box => {
    expect(parseBBox(box)).toEqual(box);
  });
  it.each([
    [null],
    [[1, 2, 3]],
    [[1, 2, 3, Number.NaN]],
    [[1, 2, 3, '4']],
    ['1,2,3,4'],
    [[1, 2, 3, 4, 5, 6]],
  ])('refuses %j', box => {
    expect(parseBBox(box)).toBeNull();
  });
});
