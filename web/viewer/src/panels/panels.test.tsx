import type { ComponentChild } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreProvider } from '../app/context';
import { Store } from '../app/store';
import type { SymbolKind } from '../config/config';
import { testConfig, testLayer } from '../testing/config';
import { Swatch } from '../ui/Swatch';
import { FeaturePanel } from './FeaturePanel';
import { LayerDetails } from './LayerDetails';
import { LayerPanel } from './LayerPanel';
import { gathered, Notices, tileNotices } from './Notices';
import { Places } from './Places';
import { WallLink } from './WallLink';

const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';

const layers = [
  testLayer({
    id: 'buildings',
    label: 'name',
    count: 43338,
    title: { zh: '建筑', en: `Buildings ${evil}` },
    schema: [{ name: 'name', type: 'string', title: { en: evil } }],
    legend: [{ label: {}, color: { light: '#cfc8ba', dark: '#46597a' }, symbol: 'fill' }],
  }),
  testLayer({ id: 'vehicles', live: true, provenance: 'generated' }),
  testLayer({ id: 'trains', live: true, provenance: 'estimated' }),
];

function store(language: 'zh' | 'en' = 'en'): Store {
  return new Store({
    config: testConfig(layers, {
      bookmarks: [
        { id: 'm', title: { zh: '曼哈顿', en: evil }, center: [0, 0], zoom: 1, pitch: 0, bearing: 0 },
      ],
    }),
    feed: undefined,
    language,
    theme: 'dark',
    camera: { lon: 0, lat: 0, zoom: 1, bearing: 0, pitch: 0 },
    bookmark: 'm',
    wall: false,
    narrow: false,
    scale: 1,
    preferences: {},
    storage: undefined,
  });
}

describe('notices', () => {
  const about = (layer: string, retry = vi.fn()) => ({
    key: `${tileNotices}${layer}`,
    text: () => layer,
    retry,
  });

  it('are shown one by one while they are few', () => {
    const two = [about('a'), { key: 'style', text: () => 's' }, about('b')];
    expect(gathered(two)).toEqual(two);
  });

  it('of many layers without tiles are one, that asks again for all', () => {
    const three = [about('a'), about('b'), about('c')];
    const [style, all, ...rest] = gathered([...three, { key: 'style', text: () => 's' }]);
    expect(style?.key).toBe('style');
    expect(rest).toEqual([]);
    all?.retry?.();
    for (const { retry } of three) expect(retry).toHaveBeenCalledOnce();
    const page = store();
    for (const notice of three) page.notify(notice);
    const html = render(page, <Notices />);
    expect(html).toContain('Some tiles of 3 layers could not be read.');
    expect(html.match(/notice card/g)).toHaveLength(1);
  });
});

describe('counts of what moves', () => {
  it('are told as live only while the server is heard', () => {
    const page = store();
    page.counts.value = new Map([['vehicles', { live: 5000, stale: 20, offline: 1 }]]);
    page.status.value = { phase: 'live' } as typeof page.status.value;
    expect(render(page, <LayerPanel />)).toContain('5,000 live');
    page.status.value = { phase: 'reconnecting', since: 0 } as typeof page.status.value;
    const html = render(page, <LayerPanel />);
    expect(html).toContain('5,021 when last heard');
    expect(html).not.toContain('5,000 live');
  });
});

const render = (to: Store, view: ComponentChild) =>
  renderToString(<StoreProvider value={to}>{view}</StoreProvider>);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', () => new Promise(() => {}));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('what is shown of attributes is text', () => {
  it('in the panel of a feature, names and values alike', () => {
    const page = store();
    page.pick([
      { layer: 'buildings', id: evil, live: false, properties: { name: evil, [evil]: evil } },
      { layer: 'buildings', id: '2', live: false, properties: { name: evil } },
    ]);
    const html = render(page, <FeaturePanel />);
    expect(html).toContain('&lt;img src=x onerror=alert(1)>');
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<script');
  });

  it('in the layer tree, places and notices', () => {
    const page = store();
    page.notify({ key: 'x', text: () => evil });
    for (const view of [<LayerPanel key="l" />, <Places key="p" />, <Notices key="n" />]) {
      const html = render(page, view);
      expect(html).toContain('&lt;img');
      expect(html).not.toContain('<img');
      expect(html).not.toContain('<script');
    }
  });

  it('because nothing in the sources writes markup', () => {
    const forbidden =
      /dangerouslySetInnerHTML|\.innerHTML|\.outerHTML|insertAdjacentHTML|\.setHTML|document\.write|\beval\(|new Function/;
    const all = import.meta.glob<string>('../**/*.{ts,tsx}', {
      query: '?raw',
      import: 'default',
      eager: true,
    });
    const sources = Object.entries(all).filter(([file]) => !/\.test\.tsx?$/.test(file));
    expect(sources.length).toBeGreaterThan(40);
    for (const [file, text] of sources) expect(text, file).not.toMatch(forbidden);
  });
});

describe('the layer tree', () => {
  it('marks what is generated and what is estimated, in words', () => {
    const html = render(store('zh'), <LayerPanel />);
    expect(html).toContain('生成数据');
    expect(html).toContain('推算');
    expect(html).toContain('43,338');
  });

  it('has a switch for each layer and group, with a label', () => {
    const html = render(store('zh'), <LayerPanel />);
    expect(html.match(/role="switch"/g)).toHaveLength(4);
    expect(html).toContain('aria-label="显示建筑"');
  });

  it('tells what is off', () => {
    const page = store('zh');
    page.showLayer('buildings', false);
    expect(render(page, <LayerPanel />)).toMatch(/aria-checked="?false"?[^>]*aria-label="显示建筑"/);
  });
});

describe('the legend of a layer', () => {
  const entry = (zh: string, dark: string, symbol: SymbolKind) => ({
    label: { zh, en: '' },
    color: { light: '#123456', dark },
    symbol,
  });

  it('shows each class with its colour of the theme, symbol and words', () => {
    const layer = testLayer({
      id: 'pipes',
      legend: [entry('给水', '#00c8c8', 'line'), entry('电力', '#ff4f4f', 'line')],
    });
    const html = render(store('zh'), <LayerDetails layer={layer} />);
    expect(html.match(/<li/g)).toHaveLength(2);
    for (const part of ['给水', '电力', 'stroke="#00c8c8"', 'stroke="#ff4f4f"']) expect(html).toContain(part);
    expect(html).not.toContain('#123456');
  });

  it('names an entry without words by its layer', () => {
    const html = render(
      store('zh'),
      <LayerDetails
        layer={testLayer({ id: 'x', legend: [{ ...entry('', '#00c8c8', 'fill'), label: {} }] })}
      />,
    );
    expect(html).toContain('x层');
  });

  it('explains of what moves how it stands and how it is stale, by shape', () => {
    const layer = testLayer({ id: 'vehicles', live: true, legend: [entry('车辆', '#4cc3ff', 'arrow')] });
    const html = render(store('zh'), <LayerDetails layer={layer} />);
    expect(html.match(/<li/g)).toHaveLength(3);
    expect(html).toContain('静止');
    expect(html).toContain('过期：无新消息');
    expect(html).toContain('stroke-dasharray');
  });

  it.each<[SymbolKind, string]>([
    ['fill', '<rect'],
    ['line', 'fill="none"'],
    ['circle', '<circle'],
    ['arrow', '<path d="M10 3.200l5.200'],
    ['square', '<rect'],
    ['diamond', '<path d="M10 3l7 7'],
  ])('draws a %s', (symbol, mark) => {
    expect(render(store(), <Swatch symbol={symbol} color="#abcdef" />)).toContain(mark);
  });
});

describe('the panel of a feature', () => {
  it('is not there when nothing is picked', () => {
    expect(render(store(), <FeaturePanel />)).toBe('');
  });

  it('says what it waits for', () => {
    const page = store();
    page.pick([{ layer: 'trains', id: 't', live: false, properties: {} }]);
    expect(render(page, <FeaturePanel />)).toContain('Reading attributes…');
  });
});

describe('WallLink', () => {
  const of = (live: string, language: 'zh' | 'en') => {
    const page = store(language);
    page.config.live = live;
    return render(page, <WallLink />);
  };

  it('leads to the operator’s screen in the same language, where something is live', () => {
    expect(of('ws://host/live', 'zh')).toMatch(/href="\/\?screen=wall&(amp;)?lang=zh"/);
    expect(of('ws://host/live', 'zh')).toContain('title="打开指挥大屏"');
    expect(of('ws://host/live', 'en')).toContain('aria-label="Open the operator’s screen"');
    expect(of('', 'en')).toBe('');
  });
});
