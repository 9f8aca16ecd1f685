import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type TileMap, TileRefresher } from './refresher';

/** A map that notes which tiles it is asked for. */
function fakeMap() {
  const handlers = new Map<string, (event: unknown) => void>();
  const asked: (string[] | 'all')[] = [];
  const map = {
    refreshTiles: (_source: string, tiles: { z: number; x: number; y: number }[]) =>
      asked.push(tiles.map(({ z, x, y }) => `${z}/${x}/${y}`)),
    getSource: (id: string) => (id === 'gone' ? undefined : {}),
    on: (type: string, handler: (event: unknown) => void) => handlers.set(type, handler),
    off: (type: string) => handlers.delete(type),
  };
  const tile = (type: string, name: string) => {
    const [z, x, y] = name.split('/').map(Number);
    handlers.get(type)?.({ sourceId: 'a', tile: { tileID: { canonical: { z, x, y } } } });
  };
  const reload = () => asked.push('all');
  return { map: map as unknown as TileMap, reload, asked, handlers, tile };
}

const point: [number, number, number, number] = [-74.0445, 40.6892, -74.0445, 40.6892];
const range = () => ({ minZoom: 13, maxZoom: 14 });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('TileRefresher', () => {
  it('reads again the tiles of a change, and only those', () => {
    const { map, reload, asked } = fakeMap();
    new TileRefresher(map, range, reload).add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    expect(asked).toEqual([['13/2411/3080', '14/4822/6161']]);
  });

  it('gathers changes that come together', () => {
    const { map, reload, asked } = fakeMap();
    const refresher = new TileRefresher(map, range, reload);
    for (let i = 0; i < 10; i++) refresher.add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    expect(asked).toHaveLength(1);
  });

  it('reads a whole layer again for a change anywhere, or for too many', () => {
    const { map, reload, asked } = fakeMap();
    const refresher = new TileRefresher(map, range, reload);
    refresher.add({ layer: 'a', bbox: null });
    refresher.add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    for (let i = 0; i < 200; i++) refresher.add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    refresher.add({ layer: 'a', bbox: [-180, -85, 180, 85] });
    vi.runAllTimers();
    expect(asked).toEqual(['all', 'all', 'all']);
  });

  it('leaves layers alone that are not drawn', () => {
    const { map, reload, asked } = fakeMap();
    const refresher = new TileRefresher(map, layer => (layer === 'unknown' ? undefined : range()), reload);
    refresher.add({ layer: 'gone', bbox: point });
    refresher.add({ layer: 'unknown', bbox: point });
    vi.runAllTimers();
    expect(asked).toEqual([]);
  });

  it('asks again for tiles out of view when the map has moved, until they came', () => {
    const { map, reload, asked, handlers, tile } = fakeMap();
    new TileRefresher(map, range, reload).add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    tile('sourcedata', '14/4822/6161'); // in view: read again
    handlers.get('moveend')?.({});
    expect(asked[1]).toEqual(['13/2411/3080']);
    tile('sourcedata', '13/2411/3080');
    handlers.get('moveend')?.({});
    expect(asked).toHaveLength(2);
  });

  it('asks once more for a tile that was on its first way in during the change', () => {
    const { map, reload, asked, tile } = fakeMap();
    const refresher = new TileRefresher(map, range, reload);
    tile('sourcedataloading', '14/4822/6161');
    refresher.add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    tile('sourcedata', '14/4822/6161'); // may be older than the change
    expect(asked[1]).toEqual(['14/4822/6161']);
    tile('sourcedata', '14/4822/6161');
    expect(asked).toHaveLength(2);
  });

  it('trusts a tile that was asked for after the change', () => {
    const { map, reload, asked, handlers, tile } = fakeMap();
    new TileRefresher(map, range, reload).add({ layer: 'a', bbox: point });
    vi.runAllTimers();
    for (const name of ['13/2411/3080', '14/4822/6161']) {
      tile('sourcedataloading', name);
      tile('sourcedata', name);
    }
    handlers.get('moveend')?.({});
    expect(asked).toHaveLength(1);
  });

  it('stops listening when disposed', () => {
    const { map, reload, asked, handlers } = fakeMap();
    const refresher = new TileRefresher(map, range, reload);
    refresher.add({ layer: 'a', bbox: point });
    refresher.dispose();
    vi.runAllTimers();
    expect(handlers.size).toBe(0);
    expect(asked).toEqual([]);
  });
});
