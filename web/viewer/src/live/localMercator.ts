import { mercator } from '../map/tiles';

/** Circumference of the Web Mercator world in its metres. */
export const world = 40075016.685578488;
const radius = world / (2 * Math.PI);
const rad = Math.PI / 180;

/**
 * Web Mercator metres from an origin, x east and y south. Near the origin a
 * series replaces logarithm and sine: positions come in by the hundred thousand.
 */
export class LocalMercator {
  private lon = 0;
  private lat = 0;
  private originY = 0.5;
  /** Radians of latitude within which four terms are exact to a millimetre: 60 km at the equator, 10 km at 70°. */
  private reach = 0;
  private d1 = 1;
  private d2 = 0;
  private d3 = 1;
  private d4 = 0;

  /** Moves the origin to a place in degrees. */
  move(lon: number, lat: number): void {
    this.lon = lon;
    this.lat = lat;
    this.originY = mercator(lon, lat)[1];
    const sec = 1 / Math.cos(lat * rad);
    const tan = Math.tan(lat * rad);
    this.reach = 0.01 / sec ** 1.7;
    // Derivatives of the Mercator latitude: sec, sec·tan, sec·(tan² + sec²), sec·tan·(tan² + 5 sec²).
    this.d1 = sec;
    this.d2 = (sec * tan) / 2;
    this.d3 = (sec * (tan * tan + sec * sec)) / 6;
    this.d4 = (sec * tan * (tan * tan + 5 * sec * sec)) / 24;
  }

  x(lon: number): number {
    return (lon - this.lon) * (world / 360);
  }

  y(lat: number): number {
    const d = (lat - this.lat) * rad;
    if (d > this.reach || d < -this.reach) return (mercator(0, lat)[1] - this.originY) * world;
    return -radius * d * (this.d1 + d * (this.d2 + d * (this.d3 + d * this.d4)));
  }

  /** Local metres of one metre on the ground, which Web Mercator stretches away from the equator. */
  stretch(lat: number): number {
    const d = (lat - this.lat) * rad;
    if (d > this.reach || d < -this.reach) return 1 / Math.cos(lat * rad);
    return this.d1 + d * (2 * this.d2 + 3 * d * this.d3);
  }
}
