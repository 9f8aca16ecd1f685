import type { Map as MapLibreMap, MapSourceDataEvent } from 'maplibre-gl';
import type { BBox } from '../config/config';
import { type TileId, tilesOfBox } from './tiles';

/** One change of a layer, as the live socket tells it. */
export interface Change {
  layer: string;
  /** Where features changed; null: anywhere. */
  bbox: BBox | null;
}

/** The zooms at which a layer has tiles of its own. */
export interface ZoomRange {
  minZoom: number;
  maxZoom: number;
}

/** What the refresher uses of a map. */
export type TileMap = Pick<MapLibreMap, 'refreshTiles' | 'getSource' | 'on' | 'off'>;

const patience = 60; // ms in which changes are gathered into one refresh
const mostMarks = 4096; // tiles of one layer remembered as changed; beyond it the whole layer is read again

/** A tile that may be held in an older state, and the refresh that says so. */
interface Mark extends TileId {
  refresh: number;
}

/**
 * Reads again the tiles that a change concerns, and only those. Tiles out of
 * view keep their mark until they come back, because the map may still hold them.
 */
export class TileRefresher {
  private readonly pending = new Map<string, BBox[] | null>();
  private readonly dirty = new Map<string, Map<string, Mark>>();
  /** Tiles on their first way in, with the count of refreshes before their request. */
  private readonly loading = new Map<string, number>();
  private refreshes = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly map: TileMap,
    private readonly zooms: (layer: string) => ZoomRange | undefined,
    /** Reads all tiles of a layer again. */
    private readonly reload: (layer: string) => void,
  ) {
    map.on('sourcedataloading', this.began);
    map.on('sourcedata', this.ended);
    map.on('moveend', this.moved);
  }

  /** Takes a change; its tiles are read again shortly. */
  add(change: Change): void {
    const boxes = this.pending.get(change.layer);
    if (boxes === null) return;
    if (change.bbox === null || (boxes?.length ?? 0) >= 100) this.pending.set(change.layer, null);
    else if (boxes) boxes.push(change.bbox);
    else this.pending.set(change.layer, [change.bbox]);
    this.timer ??= setTimeout(() => this.flush(), patience);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.map.off('sourcedataloading', this.began);
    this.map.off('sourcedata', this.ended);
    this.map.off('moveend', this.moved);
  }

  private flush(): void {
    this.timer = undefined;
    for (const [layer, boxes] of this.pending) this.refresh(layer, boxes);
    this.pending.clear();
  }

  private refresh(layer: string, boxes: BBox[] | null): void {
    const range = this.zooms(layer);
    if (!range || !this.map.getSource(layer)) return;
    const marks = this.dirty.get(layer) ?? new Map<string, Mark>();
    const refresh = ++this.refreshes;
    for (const box of boxes ?? []) {
      const tiles = tilesOfBox(box, range.minZoom, range.maxZoom);
      if (!tiles || marks.size + tiles.length > mostMarks) {
        boxes = null;
        break;
      }
      for (const tile of tiles) marks.set(key(tile), { ...tile, refresh });
    }
    if (boxes === null) {
      this.dirty.delete(layer);
      this.reload(layer);
      return;
    }
    this.dirty.set(layer, marks);
    this.map.refreshTiles(layer, [...marks.values()]);
  }

  private readonly began = (event: MapSourceDataEvent): void => {
    const id = event.tile?.tileID?.canonical;
    if (id) this.loading.set(`${event.sourceId}/${key(id)}`, this.refreshes);
  };

  private readonly ended = (event: MapSourceDataEvent): void => {
    const id = event.tile?.tileID?.canonical;
    if (!id) return;
    const name = `${event.sourceId}/${key(id)}`;
    const requestedAt = this.loading.get(name);
    this.loading.delete(name);
    const marks = this.dirty.get(event.sourceId);
    const mark = marks?.get(key(id));
    if (!marks || !mark) return;
    // The map skips tiles on their first way in: what arrives may have been asked for before the change.
    if (requestedAt !== undefined && requestedAt < mark.refresh) this.map.refreshTiles(event.sourceId, [id]);
    else marks.delete(key(id));
  };

  private readonly moved = (): void => {
    for (const [layer, marks] of this.dirty) {
      if (marks.size > 0 && this.map.getSource(layer)) this.map.refreshTiles(layer, [...marks.values()]);
    }
  };
}

function key(tile: TileId): string {
  return `${tile.z}/${tile.x}/${tile.y}`;
}
