import type { LngLatLike, Map as MapLibreMap } from 'maplibre-gl';
import type { BBox } from '../config/config';
import type { Camera } from '../url/state';

/** Metres between two places, on a sphere. */
export function metresBetween(a: readonly [number, number], b: readonly [number, number]): number {
  const rad = Math.PI / 180;
  const dLat = (b[1] - a[1]) * rad;
  const dLon = (b[0] - a[0]) * rad;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * 6371008.8 * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Farther than this, the camera jumps: a flight over an ocean shows nothing. */
const flight = 80_000; // metres

/** What the camera needs beside the map: the space that panels cover, in pixels. */
export interface Covered {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Brings the camera to a place: by a short flight, or by a fade where that would be long. */
export function goTo(map: MapLibreMap, camera: Camera): void {
  const here = map.getCenter();
  const target = {
    center: [camera.lon, camera.lat] as LngLatLike,
    zoom: camera.zoom,
    bearing: camera.bearing,
    pitch: camera.pitch,
    padding: { left: 0, right: 0, top: 0, bottom: 0 },
  };
  if (metresBetween([here.lng, here.lat], [camera.lon, camera.lat]) > flight)
    fade(map, () => map.jumpTo(target));
  else map.flyTo({ ...target, duration: 1400, essential: false });
}

/** Brings a box into view, clear of the panels. */
export function goToBox(map: MapLibreMap, box: BBox, covered: Covered, maxZoom = 17.5): void {
  const [west, south, east, north] = box;
  const here = map.getCenter();
  const far = metresBetween([here.lng, here.lat], [(west + east) / 2, (south + north) / 2]) > flight;
  const margin = 48;
  const options = {
    padding: {
      left: covered.left + margin,
      right: covered.right + margin,
      top: covered.top + margin,
      bottom: covered.bottom + margin,
    },
    maxZoom,
    bearing: map.getBearing(),
    pitch: Math.min(map.getPitch(), 50),
  };
  const move = () =>
    map.fitBounds(
      [
        [west, south],
        [east, north],
      ],
      { ...options, duration: far ? 0 : 1200 },
    );
  if (far) fade(map, move);
  else move();
}

/** A card over the map, in pixels of the window. */
export interface Card {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * How far the map has to be moved, in pixels, for a point to come out from under a card: to the left of it, or
 * above a card that is as wide as the screen. Undefined when the point is not covered.
 */
export function outFromUnder(
  { x, y }: { x: number; y: number },
  card: Card,
  margin = 32,
): [dx: number, dy: number] | undefined {
  if (x < card.left - margin / 2 || x > card.right || y < card.top - margin / 2 || y > card.bottom)
    return undefined;
  return card.left > card.right / 2 ? [x - card.left + margin, 0] : [0, y - card.top + margin];
}

function fade(map: MapLibreMap, move: () => void): void {
  const canvas = map.getCanvas();
  canvas.classList.add('map-faded');
  setTimeout(() => {
    move();
    canvas.classList.remove('map-faded');
  }, 160);
}

export function cameraOf(map: MapLibreMap): Camera {
  const center = map.getCenter();
  return {
    lon: center.lng,
    lat: center.lat,
    zoom: map.getZoom(),
    bearing: map.getBearing(),
    pitch: map.getPitch(),
  };
}
