import { mercator } from '../map/tiles';
import { axesAt, fromEarth, type Vector } from './geodesy';

/** Circumference of the Web Mercator world in its metres. */
const world = 40075016.685578488;
const rad = Math.PI / 180;

/**
 * The flat frame of the map around a place: x east, y north, z up, in Web Mercator metres. What is drawn in it
 * stands exactly where the map's own tiles show it; heights are stretched as the map stretches the ground.
 */
export class Anchor {
  /** In the unit square of Web Mercator, y south. */
  readonly x: number;
  readonly y: number;

  constructor(
    readonly lon: number,
    readonly lat: number,
  ) {
    [this.x, this.y] = mercator(lon, lat);
  }

  /** Places earth-centred coordinates. */
  place(x: number, y: number, z: number, out: Vector): void {
    const [lon, lat, height] = fromEarth(x, y, z);
    const at = mercator(lon, lat);
    out[0] = (at[0] - this.x) * world;
    out[1] = (this.y - at[1]) * world;
    out[2] = height / Math.cos(lat * rad);
  }

  /** The rotation, column by column, from earth-centred directions to the frame's. */
  turn(): number[] {
    const { east, north, up } = axesAt(this.lon, this.lat);
    return [east[0], north[0], up[0], east[1], north[1], up[1], east[2], north[2], up[2]];
  }

  /** Frame metres of a metre on the ground. */
  get stretch(): number {
    return 1 / Math.cos(this.lat * rad);
  }
}

/** Applies a 4 × 4 matrix, column by column, to a point. */
export function transform(m: ArrayLike<number>, x: number, y: number, z: number, out: Vector): void {
  const at = (i: number) => m[i] as number;
  out[0] = at(0) * x + at(4) * y + at(8) * z + at(12);
  out[1] = at(1) * x + at(5) * y + at(9) * z + at(13);
  out[2] = at(2) * x + at(6) * y + at(10) * z + at(14);
}

/** The product of two 3 × 3 matrices, column by column; the second may be the upper left of a 4 × 4. */
export function times3(left: ArrayLike<number>, right: ArrayLike<number>, stride: 3 | 4): number[] {
  const out: number[] = [];
  for (let c = 0; c < 3; c++)
    for (let r = 0; r < 3; r++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) sum += (left[k * 3 + r] as number) * (right[c * stride + k] as number);
      out.push(sum);
    }
  return out;
}
