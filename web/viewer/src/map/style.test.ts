import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { describe, expect, it } from 'vitest';
import { multiply, shiftZoom } from './expression';
import { highlightLayers, tileNumber, withId } from './highlight';
import { cityLayerOf, dimmed, present } from './style';

const part = (layer: object, of?: string): LayerSpecification =>
  ({
    ...(of ? { source: of, 'source-layer': of, metadata: { 'twind:layer': of } } : {}),
    ...layer,
  }) as LayerSpecification;

const style: StyleSpecification = {
  version: 8,
  sources: {},
  layers: [
    part({ id: 'ground', type: 'background' }),
    part({ id: 'streets', type: 'line', paint: { 'line-width': 2, 'line-opacity': 0.8 } }, 'streets'),
    part({ id: 'streets-label', type: 'symbol', layout: { 'text-size': 12, 'text-field': 'x' } }, 'streets'),
    part({ id: 'buildings', type: 'fill', filter: ['has', 'x'], minzoom: 12 }, 'buildings'),
    part(
      {
        id: 'buildings-solid',
        type: 'fill-extrusion',
        paint: { 'fill-extrusion-color': '#fff', 'fill-extrusion-height': ['get', 'height'] },
      },
      'buildings',
    ),
    part({ id: 'stations', type: 'circle' }, 'stations'),
  ],
};

const at = (shown: StyleSpecification, id: string) =>
  shown.layers.find(layer => layer.id === id) as never as {
    paint: Record<string, unknown>;
    layout: Record<string, unknown>;
  };

describe('multiply', () => {
  it.each<[unknown, number, unknown]>([
    [0.8, 0.5, 0.4],
    [['get', 'a'], 1, ['get', 'a']],
    [['get', 'a'], 0.5, ['*', 0.5, ['get', 'a']]],
    [
      ['interpolate', ['linear'], ['zoom'], 10, 1, 14, ['get', 'w']],
      2,
      ['interpolate', ['linear'], ['zoom'], 10, 2, 14, ['*', 2, ['get', 'w']]],
    ],
    [['step', ['zoom'], 0, 12, 1, 14, 0.5], 0.5, ['step', ['zoom'], 0, 12, 0.5, 14, 0.25]],
    [undefined, 0.5, 0.5],
  ])('%j times %d', (amount, factor, expected) => {
    expect(multiply(amount, factor)).toEqual(expected);
  });
});

describe('shiftZoom', () => {
  it.each<[unknown, unknown]>([
    [
      ['interpolate', ['exponential', 1.5], ['zoom'], 13, 0.5, 17, ['get', 'w']],
      ['interpolate', ['exponential', 1.5], ['zoom'], 14, 0.5, 18, ['get', 'w']],
    ],
    [
      ['step', ['zoom'], 0, 12, 1, 14, 2],
      ['step', ['zoom'], 0, 13, 1, 15, 2],
    ],
    [
      ['interpolate', ['linear'], ['get', 'dn'], 100, 1, 300, 2],
      ['interpolate', ['linear'], ['get', 'dn'], 100, 1, 300, 2],
    ],
    [3, 3],
    [
      ['get', 'w'],
      ['get', 'w'],
    ],
  ])('%j a level later', (amount, expected) => {
    expect(shiftZoom(amount, 1)).toEqual(expected);
  });
});

describe('present', () => {
  const how = { hidden: new Set<string>(), opacity: new Map<string, number>(), scale: 1 };

  it('leaves out names that would float in a tilted view, and symbols that models stand for', () => {
    const nodes: StyleSpecification = {
      ...style,
      layers: [
        part({ id: 'nodes', type: 'circle' }, 'nodes'),
        part({ id: 'nodes-icon', type: 'symbol', layout: { 'icon-image': 'manhole' } }, 'nodes'),
        part({ id: 'nodes-label', type: 'symbol', layout: { 'text-field': 'x' } }, 'nodes'),
      ],
    };
    const seen = (more: object) =>
      present(nodes, { ...how, ...more })
        .layers.filter(({ layout }) => layout?.visibility !== 'none')
        .map(({ id }) => id);
    expect(seen({ nameless: new Set(['nodes']) })).toEqual(['nodes', 'nodes-icon']);
    expect(seen({ standing: new Set(['nodes']) })).toEqual([]);
    expect(seen({ nameless: new Set(['others']), standing: new Set(['others']) })).toHaveLength(3);
  });

  it('draws what lies close together on a wall as a desk shows it from farther away', () => {
    const nodes: StyleSpecification = {
      ...style,
      layers: [
        part(
          {
            id: 'nodes',
            type: 'circle',
            minzoom: 16,
            paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 16, 1, 20, 8] },
          },
          'nodes',
        ),
      ],
    };
    const [far] = present(nodes, { ...how, scale: 2, dense: new Set(['nodes']) }).layers;
    expect(far).toMatchObject({
      minzoom: 17,
      paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 17, 2, 21, 16] },
    });
    const [near] = present(nodes, { ...how, scale: 2 }).layers;
    expect(near).toMatchObject({
      minzoom: 16,
      paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 16, 2, 20, 16] },
    });
  });

  it('knows which layer of the city a style layer draws', () => {
    expect(style.layers.map(cityLayerOf)).toEqual([
      undefined,
      'streets',
      'streets',
      'buildings',
      'buildings',
      'stations',
    ]);
  });

  it('hides all parts of a layer, and no other', () => {
    const shown = present(style, { ...how, hidden: new Set(['buildings']) });
    expect(shown.layers.map(layer => (layer.layout as { visibility?: string })?.visibility)).toEqual([
      undefined,
      undefined,
      undefined,
      'none',
      'none',
      undefined,
    ]);
  });

  it('dims parts by what their type is dimmed by', () => {
    const shown = present(style, { ...how, opacity: new Map([['streets', 0.5]]) });
    expect(at(shown, 'streets').paint['line-opacity']).toBe(0.4);
    expect(at(shown, 'streets-label').paint).toEqual({ 'text-opacity': 0.5, 'icon-opacity': 0.5 });
    expect(dimmed(style.layers[5] as LayerSpecification, 0.5)).toEqual([
      ['circle-opacity', 0.5],
      ['circle-stroke-opacity', 0.5],
    ]);
  });

  it('enlarges texts, lines and symbols for a wall, defaults included', () => {
    const shown = present(style, { ...how, scale: 2 });
    expect(at(shown, 'streets').paint['line-width']).toBe(4);
    expect(at(shown, 'streets-label').layout['text-size']).toBe(24);
    expect(at(shown, 'stations').paint['circle-radius']).toBe(10);
    expect(at(shown, 'buildings').paint).toEqual({});
  });

  it('leaves the server’s style as it was', () => {
    const before = JSON.stringify(style);
    present(style, { hidden: new Set(['streets']), opacity: new Map([['buildings', 0.3]]), scale: 3 });
    expect(JSON.stringify(style)).toBe(before);
  });
});

describe('highlightLayers', () => {
  it('repeat the parts of the picked layer, admitting one feature', () => {
    const layers = highlightLayers(style.layers, 'buildings', 'w42', '#5cc8ff');
    expect(layers.map(layer => [layer.id, layer.type])).toEqual([
      ['selection-buildings', 'line'],
      ['selection-buildings-solid', 'fill-extrusion'],
    ]);
    expect(layers[0]).toMatchObject({
      minzoom: 12,
      filter: ['all', ['has', 'x'], ['==', ['get', 'id'], 'w42']],
    });
    expect(layers[1]?.paint).toEqual({
      'fill-extrusion-color': '#5cc8ff',
      'fill-extrusion-height': ['get', 'height'],
    });
  });

  it('draw lines and points, not labels', () => {
    expect(highlightLayers(style.layers, 'streets', '1', '#fff').map(({ type }) => type)).toEqual(['line']);
    expect(highlightLayers(style.layers, 'stations', '1', '#fff').map(({ type }) => type)).toEqual([
      'circle',
    ]);
    expect(highlightLayers(style.layers, 'nothing', '1', '#fff')).toEqual([]);
  });
});

describe('an open pit', () => {
  const ring = [
    [0, 0],
    [0.001, 0],
    [0.001, 0.001],
    [0, 0.001],
  ] as const;
  const label = part({ id: 'label', type: 'symbol', filter: ['has', 'size'] }, 'pipes');
  const dig = (layers: LayerSpecification[]) =>
    present(
      { version: 8, sources: {}, layers },
      { hidden: new Set(), opacity: new Map(), scale: 1, pit: { ring, layers: new Set(['pipes']) } },
    ).layers as { filter?: unknown }[];

  it('has no labels of pipes that touch it', () => {
    const polygon = { type: 'Polygon', coordinates: [[...ring, ring[0]]] };
    expect(dig([label])[0]?.filter).toEqual(['all', ['has', 'size'], ['>', ['distance', polygon], 0]]);
  });

  it('leaves pipes and what is not dug as they are', () => {
    const pipes = part({ id: 'line', type: 'line' }, 'pipes');
    const stations = part({ id: 'name', type: 'symbol' }, 'stations');
    expect(dig([pipes, stations]).map(({ filter }) => filter)).toEqual([undefined, undefined]);
  });

  it('has no names along what it interrupts', () => {
    const name = part({ id: 'name', type: 'symbol', layout: { 'symbol-placement': 'line' } }, 'streets');
    expect(dig([name])[0]?.filter).toEqual(['all', ['>', ['distance', expect.anything()], 0]]);
  });
});

describe('ids in tiles', () => {
  it.each<[string, number | undefined]>([
    ['0', 0],
    ['42', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', undefined],
    ['007', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['w42', undefined],
    ['', undefined],
  ])('%s is the number %s', (id, expected) => {
    expect(tileNumber(id)).toBe(expected);
  });

  it('are matched as number and as text', () => {
    expect(withId(undefined, '42')).toEqual(['any', ['==', ['id'], 42], ['==', ['get', 'id'], '42']]);
    expect(withId(undefined, 'w42')).toEqual(['==', ['get', 'id'], 'w42']);
  });
});
