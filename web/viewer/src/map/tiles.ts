import type { BBox } from '../config/config';

/** A tile of the Web Mercator quad tree. */
export interface TileId {
  z: number;
  x: number;
  y: number;
}

const maxLat = 85.05112877980659;

/** Position in the unit square of Web Mercator: x east, y south, both 0 to 1. */
export function mercator(lon: number, lat: number): [number, number] {
  const clamped = Math.max(-maxLat, Math.min(maxLat, lat));
  const sin = Math.sin((clamped * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)];
}

/** The inverse of mercator: longitude and latitude in degrees. */
export function unmercator(x: number, y: number): [number, number] {
  return [(x - 0.5) * 360, (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90];
}

/**
 * The tiles of zooms min to max that show something of a box, their buffers
 * included: a change within `buffer` (share of a tile's width) of an edge is
 * drawn by the neighbour too. A box with west > east crosses the antimeridian.
 * Returns null when there would be more than `limit` tiles: refresh them all.
 */
export function tilesOfBox(
  box: BBox,
  minZoom: number,
  maxZoom: number,
  buffer = 64 / 4096,
  limit = 2048,
): TileId[] | null {
  const [west, south, east, north] = box;
  if (west > east) {
    const left = tilesOfBox([west, south, 180, north], minZoom, maxZoom, buffer, limit);
    const right = tilesOfBox([-180, south, east, north], minZoom, maxZoom, buffer, limit);
    return left && right && left.length + right.length <= limit ? [...left, ...right] : null;
  }
  const [x0, y0] = mercator(west, north);
  const [x1, y1] = mercator(east, south);
  const tiles: TileId[] = [];
  for (let z = minZoom; z <= maxZoom; z++) {
    const n = 2 ** z;
    const at = (v: number) => Math.max(0, Math.min(n - 1, Math.floor(v)));
    const left = at(x0 * n - buffer);
    const right = at(x1 * n + buffer);
    const top = at(y0 * n - buffer);
    const bottom = at(y1 * n + buffer);
    if (tiles.length + (right - left + 1) * (bottom - top + 1) > limit) return null;
    for (let x = left; x <= right; x++) {
      for (let y = top; y <= bottom; y++) tiles.push({ z, x, y });
    }
  }
  return tiles;
}
