import { describe, expect, it } from 'vitest';
import { testConfig, testLayer } from '../testing/config';
import { dictionaries, en } from '../testing/words';
import { attributions } from './attributions';
import { badgeOf, silence } from './badge';
import { layerTree, shortTitle } from './layerTree';
import { attributeRows, itemUrl, nameOf } from './selection';
import { cameraOfBookmark } from './store';

describe('layerTree', () => {
  const layers = ['precincts', 'vehicles', 'water', 'buildings', 'spare'].map(id =>
    testLayer({
      id,
      kind: { vehicles: 'vehicle', buildings: 'building', precincts: 'cell' }[id] ?? 'feature',
      live: id === 'vehicles',
    }),
  );
  const groups = [
    { id: 'new-york', title: { zh: '纽约市' }, layers: ['vehicles', 'buildings', 'missing', 'precincts'] },
    { id: 'nanaimo', title: {}, layers: ['water'] },
    { id: 'empty', title: {}, layers: [] },
  ];

  it('keeps the order of the server, and puts the rest last', () => {
    const tree = layerTree(testConfig(layers, { groups }), 'en', en);
    expect(tree.map(group => [group.id, group.layers.map(({ id }) => id)])).toEqual([
      ['new-york', ['vehicles', 'buildings', 'precincts']],
      ['nanaimo', ['water']],
      ['other', ['spare']],
    ]);
  });

  it('puts what is drawn below the layers at the end', () => {
    const tree = layerTree(
      testConfig(layers, { bases: [testLayer({ id: 'map', kind: 'base' })] }),
      'zh',
      dictionaries.zh,
    );
    expect(tree.at(-1)).toMatchObject({ id: 'bases', title: '底图', layers: [{ id: 'map' }] });
  });

  it('names groups by the server, else by the dictionary, else by id', () => {
    const tree = layerTree(testConfig(layers, { groups }), 'en', en);
    expect(tree.map(({ title }) => title)).toEqual(['纽约市', 'Nanaimo', 'Other layers']);
  });

  it('groups by the layers themselves where the server names no groups: what moves first', () => {
    const city = layers.map(layer => ({ ...layer, group: layer.id === 'water' ? 'nanaimo' : 'new-york' }));
    const tree = layerTree(testConfig(city), 'zh', dictionaries.zh);
    expect(tree.map(group => [group.title, group.layers.map(({ id }) => id)])).toEqual([
      ['纽约', ['vehicles', 'buildings', 'precincts', 'spare']],
      ['纳奈莫', ['water']],
    ]);
  });

  it('is empty for a city without layers', () => {
    expect(layerTree(testConfig([]), 'en', en)).toEqual([]);
  });
});

describe('shortTitle', () => {
  it.each([
    ['示范城区建筑物', '示范城区', '建筑物'],
    ['Generated district: pipes', 'Generated district', 'Pipes'],
    ['Generated district', 'Generated district', 'Generated district'],
    ['Buildings', 'New York', 'Buildings'],
    ['Unit grid (generated)', 'Model district', 'Unit grid'],
    ['(generated)', 'Model district', '(generated)'],
  ])('%s in %s is %s', (title, group, expected) => {
    expect(shortTitle(title, group)).toBe(expected);
  });
});

describe('badgeOf', () => {
  const words = en.live;
  const seen = (lastNews: number, newest = Number.NaN) => ({ lastNews, newest });

  it('is live with the age of what one sees', () => {
    expect(badgeOf({ phase: 'live' }, seen(1000), 1400, 'en', words)).toMatchObject({
      kind: 'live',
      word: 'Live',
      age: '0.4 s',
    });
  });

  it('takes the age of positions that are older than the last word', () => {
    expect(badgeOf({ phase: 'live' }, seen(1000, 2300), 1400, 'en', words)).toMatchObject({
      kind: 'live',
      age: '2.3 s',
    });
  });

  it('is stale once that is too old, by silence or by old positions', () => {
    expect(badgeOf({ phase: 'live' }, seen(0), silence + 1, 'en', words).kind).toBe('stale');
    expect(badgeOf({ phase: 'live' }, seen(0, silence + 1), 100, 'en', words).kind).toBe('stale');
  });

  it('says how long the connection has been away', () => {
    const lost = { phase: 'reconnecting', since: 5000 } as const;
    expect(badgeOf(lost, seen(2000), 65_000, 'en', words)).toMatchObject({
      kind: 'reconnecting',
      age: '1 min',
    });
    expect(badgeOf(lost, seen(Number.NaN), 15_000, 'en', words).age).toBe('10 s');
  });

  it('is connecting until the first word', () => {
    expect(badgeOf({ phase: 'connecting' }, seen(Number.NaN), 0, 'en', words).kind).toBe('connecting');
    expect(badgeOf({ phase: 'live' }, seen(Number.NaN), 0, 'en', words).kind).toBe('connecting');
  });

  it('never shows a recording as live', () => {
    const replaying = { at: Date.UTC(2026, 10, 21, 8, 0, 5), speed: 10, state: 'playing' } as const;
    const badge = badgeOf({ phase: 'live' }, { ...seen(1000, 3_600_000), replaying }, 1400, 'en', words);
    expect(badge).toMatchObject({ kind: 'replay', word: 'REPLAY' });
    expect(badge.age).toContain('00:05');
    expect(badge.hint).toContain('10×');
    expect(
      badgeOf({ phase: 'live' }, { ...seen(1000), replaying }, 1400, 'zh', dictionaries.zh.live).word,
    ).toBe('回放');
  });

  it('tells no live layers from a refused connection', () => {
    expect(badgeOf({ phase: 'closed', reason: '' }, seen(Number.NaN), 0, 'en', words).word).toBe(
      'No live layers',
    );
    expect(badgeOf({ phase: 'closed', reason: 'version 9' }, seen(1), 2, 'en', words)).toMatchObject({
      word: 'No live data',
      hint: 'version 9',
    });
  });

  it('has a word of its own for every kind', () => {
    const kinds = [words.connecting, words.live, words.stale, words.reconnecting, words.closed];
    expect(new Set(kinds).size).toBe(kinds.length);
  });
});

describe('attributes', () => {
  const layer = testLayer({
    id: 'buildings',
    label: 'name',
    schema: [
      { name: 'name', type: 'string', title: { zh: '名称', en: 'Name' } },
      { name: 'use', type: 'string' },
      { name: 'height', type: 'number', title: { zh: '高度', en: 'Height' }, unit: 'm' },
    ],
  });

  it('stand in the order of the schema, empty ones last, others apart', () => {
    const { known, others } = attributeRows(
      layer,
      { extra: 1, height: 50.9, use: null, name: 'A', id: 'w1' },
      'zh',
    );
    expect(known.map(row => [row.title, row.value])).toEqual([
      ['名称', 'A'],
      ['高度', '50.9 m'],
      ['use', '—'],
    ]);
    expect(others.map(({ name }) => name)).toEqual(['extra']);
  });

  it('leave out what is told of an entity anyway', () => {
    const properties = { speed: 3, course: 90, time: 't', state: 'live', cargo: 'sand' };
    const names = (live: boolean) =>
      attributeRows(testLayer({ id: 'v', live }), properties, 'en').others.map(({ name }) => name);
    expect(names(true)).toEqual(['cargo']);
    expect(names(false)).toEqual(['speed', 'course', 'time', 'state', 'cargo']);
  });

  it('name a feature by its label, else by its layer', () => {
    expect(nameOf(layer, { name: 'Flatiron' }, 'en')).toBe('Flatiron');
    expect(nameOf(layer, { name: ' ' }, 'en')).toBe('buildings');
    expect(nameOf(layer, {}, 'zh')).toBe('buildings层');
    expect(nameOf(testLayer({ id: 'x', label: 'n' }), { n: 2014 }, 'en')).toBe('2014');
    expect(nameOf(testLayer({ id: 'trains', label: 'route' }), { route: 'A' }, 'zh')).toBe('trains层 A');
    expect(nameOf(undefined, {}, 'en')).toBe('');
  });

  it('have an address, with ids encoded', () => {
    const selection = { layer: 'buildings', id: 'a/b ?', live: false, properties: {} };
    expect(itemUrl(testConfig([layer]), selection)).toBe(
      'http://host/ogc/collections/buildings/items/a%2Fb%20%3F',
    );
  });
});

describe('cameraOfBookmark', () => {
  const bookmark = {
    id: 'm',
    title: {},
    center: [-74, 40.7] as [number, number],
    zoom: 14.6,
    pitch: 60,
    bearing: 29,
  };
  it.each([
    [1920, 1080, 14.6],
    [3840, 2160, 15.6],
    [960, 1080, 14.1],
    [320, 568, 14.1],
    [7680, 1080, 14.6],
  ])('shows the same part of the city at %d × %d', (width, height, zoom) => {
    expect(cameraOfBookmark(bookmark, { width, height })).toEqual({
      lon: -74,
      lat: 40.7,
      zoom,
      pitch: 60,
      bearing: 29,
    });
  });
});

describe('attributions', () => {
  const camera = { lon: -74, lat: 40.7, zoom: 14, bearing: 0, pitch: 60 };

  it('name those whose layers are near, once', () => {
    const layers = [
      testLayer({ id: 'a', attribution: '© OpenStreetMap contributors', bbox: [-74.1, 40.6, -73.9, 40.9] }),
      testLayer({ id: 'b', attribution: '© OpenStreetMap contributors', bbox: [-74.1, 40.6, -73.9, 40.9] }),
      testLayer({ id: 'c', attribution: 'City of Kamloops', bbox: [-120.4, 50.6, -120.3, 50.7] }),
      testLayer({ id: 'd', attribution: 'Everywhere' }),
      testLayer({ id: 'e', bbox: [-74.1, 40.6, -73.9, 40.9] }),
    ];
    expect(attributions(layers, camera, 1920)).toEqual(['© OpenStreetMap contributors', 'Everywhere']);
    expect(attributions(layers, { ...camera, zoom: 2 }, 1920)).toHaveLength(3);
  });

  it('are parted, and not repeated as part of longer ones', () => {
    const layers = ['© OSM; City of K', 'MTA', 'MTA, NYC Open Data', 'City of K', 'NYC Open Data'].map(
      (attribution, i) => testLayer({ id: String(i), attribution }),
    );
    expect(attributions(layers, camera, 1920)).toEqual(['© OSM', 'City of K', 'MTA, NYC Open Data']);
  });
});
