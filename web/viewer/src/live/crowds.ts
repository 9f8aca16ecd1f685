import type { LiveCells } from './feed';

/** A disc that stands for many entities. */
export interface Crowd {
  /** Degrees; the mean place of all it stands for. */
  lon: number;
  lat: number;
  count: number;
}

/** Radius in CSS pixels of the disc of so many, on a screen drawn at a scale. */
export function crowdRadius(count: number, scale: number): number {
  return (7 + 3.2 * Math.log10(Math.max(count, 1))) * scale;
}

/**
 * The discs of a layer's cells, none over another: the larger ones take in the
 * smaller ones that they would cover at the map's zoom (world of 512 px).
 */
export function crowds(cells: LiveCells, zoom: number, scale: number): Crowd[] {
  const all: Crowd[] = [];
  for (let row = 0; row < cells.size; row++) {
    const count = (cells.live[row] ?? 0) + (cells.stale[row] ?? 0) + (cells.offline[row] ?? 0);
    if (count > 0) all.push({ lon: cells.lon[row] ?? 0, lat: cells.lat[row] ?? 0, count });
  }
  let placed = settle(all, zoom, scale);
  // A disc that took others in is larger and elsewhere: it may touch one that it did not touch before.
  for (let before = all.length; placed.length < before; ) {
    before = placed.length;
    placed = settle(placed, zoom, scale);
  }
  return placed;
}

function settle(all: Crowd[], zoom: number, scale: number): Crowd[] {
  all.sort((a, b) => b.count - a.count || a.lon - b.lon || a.lat - b.lat);
  const world = 512 * 2 ** zoom;
  const placed: Crowd[] = [];
  for (const crowd of all) {
    const host = placed.find(other => touch(other, crowd, world, scale));
    if (host) takeIn(host, crowd);
    else placed.push(crowd);
  }
  return placed;
}

function touch(a: Crowd, b: Crowd, world: number, scale: number): boolean {
  const apart = Math.hypot(((a.lon - b.lon) / 360) * world, (northing(a.lat) - northing(b.lat)) * world);
  return apart < crowdRadius(a.count, scale) + crowdRadius(b.count, scale) + 4 * scale;
}

function takeIn(host: Crowd, guest: Crowd): void {
  const count = host.count + guest.count;
  host.lon += ((guest.lon - host.lon) * guest.count) / count;
  host.lat += ((guest.lat - host.lat) * guest.count) / count;
  host.count = count;
}

/** Web Mercator: 0 at the equator, ½ at 85.05° north. */
function northing(lat: number): number {
  return Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);
}
