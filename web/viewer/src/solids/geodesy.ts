/** The WGS 84 spheroid. */
const a = 6378137;
const f = 1 / 298.257223563;
const e2 = f * (2 - f);
const rad = Math.PI / 180;

export type Vector = [x: number, y: number, z: number];

/** Earth-centred coordinates in metres of a place in degrees, at a height over the spheroid. */
export function toEarth(lon: number, lat: number, height: number): Vector {
  const sin = Math.sin(lat * rad);
  const cos = Math.cos(lat * rad);
  const n = a / Math.sqrt(1 - e2 * sin * sin);
  return [
    (n + height) * cos * Math.cos(lon * rad),
    (n + height) * cos * Math.sin(lon * rad),
    (n * (1 - e2) + height) * sin,
  ];
}

/**
 * The place of earth-centred coordinates: longitude and latitude in degrees, height in metres. Exact to a
 * micrometre near the surface (Vermeille's closed form costs more than these three rounds).
 */
export function fromEarth(x: number, y: number, z: number): Vector {
  const p = Math.hypot(x, y);
  let lat = Math.atan2(z, p * (1 - e2));
  let height = 0;
  for (let i = 0; i < 4; i++) {
    const sin = Math.sin(lat);
    const n = a / Math.sqrt(1 - e2 * sin * sin);
    height = Math.abs(lat) < 0.8 ? p / Math.cos(lat) - n : z / sin - n * (1 - e2);
    lat = Math.atan2(z, p * (1 - (e2 * n) / (n + height)));
  }
  return [Math.atan2(y, x) / rad, lat / rad, height];
}

/** The directions east, north and up at a place in degrees, in earth-centred coordinates. */
export function axesAt(lon: number, lat: number): { east: Vector; north: Vector; up: Vector } {
  const [sl, cl] = [Math.sin(lon * rad), Math.cos(lon * rad)];
  const [sb, cb] = [Math.sin(lat * rad), Math.cos(lat * rad)];
  return { east: [-sl, cl, 0], north: [-sb * cl, -sb * sl, cb], up: [cb * cl, cb * sl, sb] };
}
