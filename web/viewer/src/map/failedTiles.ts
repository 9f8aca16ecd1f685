import type { TileId } from './tiles';

/** Tiles that could not be read, by source, until they are. */
export class FailedTiles {
  private readonly bySource = new Map<string, Map<string, TileId>>();

  /** Notes a failure; tells whether it is the source's first since all was well. */
  add(source: string, tile: TileId | undefined): boolean {
    const known = this.bySource.get(source);
    const tiles = known ?? new Map<string, TileId>();
    if (tile) tiles.set(name(tile), { z: tile.z, x: tile.x, y: tile.y });
    this.bySource.set(source, tiles);
    return known === undefined;
  }

  /** Notes that a tile came; tells whether all is well again with a source that failed. */
  came(source: string, tile: TileId): boolean {
    const tiles = this.bySource.get(source);
    if (!tiles) return false;
    tiles.delete(name(tile));
    return tiles.size === 0 && this.bySource.delete(source);
  }

  /** Forgets and returns a source's failures, to read them again. */
  take(source: string): TileId[] {
    const tiles = [...(this.bySource.get(source)?.values() ?? [])];
    this.bySource.delete(source);
    return tiles;
  }
}

function name(tile: TileId): string {
  return `${tile.z}/${tile.x}/${tile.y}`;
}
