/**
 * Lengths and areas on the WGS 84 spheroid (EPSG:7030), in metres, by Bessel's auxiliary sphere. With β the
 * reduced latitude, σ the arc on that sphere and α₀ the azimuth at the equator, a geodesic has
 * ds = a·w·dσ and dλ = w·sin α₀/cos²β·dσ, w = √(1 − e²cos²β): both are integrated by Gauss–Legendre quadrature.
 */

/** The spheroid that everything here is measured on. */
export const spheroid = 'WGS 84';

const a = 6378137;
const f = 1 / 298.257223563;
const e2 = f * (2 - f);
const e = Math.sqrt(e2);
const rad = Math.PI / 180;

/** Longitude and latitude in degrees. */
export type LonLat = readonly [lon: number, lat: number];

/** A geodesic between two positions, on the auxiliary sphere. */
interface Arc {
  /** Sine and cosine of the azimuth at the equator. */
  sin0: number;
  cos0: number;
  /** Arc from the equator to the start, and from there to the end; radians. */
  from: number;
  length: number;
}

/** Nodes in 0 … 1 and weights of Gauss–Legendre quadrature. */
const quadrature = gauss(24);

function gauss(n: number): { at: number; weight: number }[] {
  return Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let round = 0; round < 8; round++) {
      let [p, q] = [1, 0];
      for (let k = 1; k <= n; k++) [p, q] = [((2 * k - 1) * x * p - (k - 1) * q) / k, p];
      slope = (n * (x * p - q)) / (x * x - 1);
      x -= p / slope;
    }
    return { at: (1 - x) / 2, weight: 1 / ((1 - x * x) * slope * slope) };
  });
}

/** The mean of a function over an arc: of sin β. */
function along(arc: Arc, value: (sinBeta: number) => number): number {
  let sum = 0;
  for (const { at, weight } of quadrature)
    sum += weight * value(arc.cos0 * Math.sin(arc.from + arc.length * at));
  return sum;
}

const cos2 = (sinBeta: number) => 1 - sinBeta * sinBeta;
const root = (sinBeta: number) => Math.sqrt(1 - e2 * cos2(sinBeta));

/** Radians in −π … π. */
function turn(degrees: number): number {
  return (degrees - 360 * Math.round(degrees / 360)) * rad;
}

/** The shortest path; undefined for positions on nearly opposite sides of the earth. */
function arcBetween([lon1, lat1]: LonLat, [lon2, lat2]: LonLat): Arc | undefined {
  const reduced = (lat: number) => Math.atan((1 - f) * Math.tan(lat * rad));
  const [b1, b2] = [reduced(lat1), reduced(lat2)];
  const [s1, c1, s2, c2] = [Math.sin(b1), Math.cos(b1), Math.sin(b2), Math.cos(b2)];
  const longitude = turn(lon2 - lon1);
  let omega = longitude;
  for (let round = 0; round < 60; round++) {
    const half = Math.sin(omega / 2);
    const y = c2 * Math.sin(omega);
    const x = Math.sin(b2 - b1) + 2 * s1 * c2 * half * half; // exact for short lines too
    const azimuth = Math.atan2(y, x);
    const sin0 = Math.sin(azimuth) * c1;
    const arc: Arc = {
      sin0,
      cos0: Math.hypot(Math.cos(azimuth), Math.sin(azimuth) * s1),
      from: Math.atan2(s1, Math.cos(azimuth) * c1),
      length: Math.atan2(Math.hypot(x, y), s1 * s2 + c1 * c2 * Math.cos(omega)),
    };
    const next = longitude + e2 * sin0 * arc.length * along(arc, s => 1 / (1 + root(s)));
    if (Math.abs(next - omega) < 1e-15 * Math.max(1, Math.abs(omega))) return arc;
    if (Math.abs(next) > Math.PI) return undefined;
    omega = next;
  }
  return undefined;
}

/**
 * The length in metres of the shortest path between two positions: right to a micrometre, but NaN for positions
 * on nearly opposite sides of the earth, where no one measures in a city.
 */
export function distance(from: LonLat, to: LonLat): number {
  if (from[0] === to[0] && from[1] === to[1]) return 0;
  const arc = arcBetween(from, to);
  return arc ? a * arc.length * along(arc, root) : Number.NaN;
}

/** The length in metres of a line. */
export function pathLength(line: readonly LonLat[]): number {
  let sum = 0;
  for (let k = 1; k < line.length; k++) sum += distance(line[k - 1] as LonLat, line[k] as LonLat);
  return sum;
}

/** The area in m² between the equator and a latitude (by the sine of its geodetic latitude), a radian wide. */
function belt(sin: number): number {
  return ((a * a * (1 - e2)) / 2) * (sin / (1 - e2 * sin * sin) + Math.atanh(e * sin) / e);
}

/**
 * The area in m² within a ring whose edges are geodesics; the ring is closed by itself, holds no pole and does
 * not cross itself. NaN where an edge is half around the earth.
 */
export function ringArea(ring: readonly LonLat[]): number {
  if (ring.length < 3) return 0;
  const sine = (sinBeta: number) =>
    sinBeta / Math.sqrt((1 - f) ** 2 + (1 - (1 - f) ** 2) * sinBeta * sinBeta);
  const first = ring[0] as LonLat;
  const zero = belt(Math.sin(first[1] * rad)); // small numbers for small rings
  let sum = 0;
  ring.forEach((from, k) => {
    const to = ring[(k + 1) % ring.length] as LonLat;
    if (from[0] === to[0] || (from[1] === to[1] && from[0] === to[0])) return; // a meridian bounds no belt
    const arc = arcBetween(from, to);
    sum += arc
      ? arc.length *
        arc.sin0 *
        along(arc, s => ((belt(sine(s)) - zero) * root(s)) / Math.max(Number.MIN_VALUE, cos2(s)))
      : Number.NaN;
  });
  return Math.abs(sum);
}
