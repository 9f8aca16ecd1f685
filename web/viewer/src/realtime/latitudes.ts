/** The latitude in degrees of a place in a Web Mercator world of height 1, y to the south. */
export function latitude(mercatorY: number): number {
  return (Math.atan(Math.sinh(Math.PI * (1 - 2 * mercatorY))) * 180) / Math.PI;
}

/** Tiles of at most this part of the world are narrow enough for the series. */
const narrow = 1 / 4096;

/**
 * Latitudes within one tile. Positions come by the ten thousand, a few in each of
 * a thousand tiles: in a narrow tile three terms of a series around its middle
 * are as exact as the formula (the fourth is below 10⁻¹³ degrees), without its
 * hyperbolic sine and arc tangent.
 */
export class Latitudes {
  private originY = 0;
  private scale = 0;
  private middle = 0; // degrees
  private d1 = 0; // degrees by the fraction of the tile's height, and its square, and its cube
  private d2 = 0;
  private d3 = 0;

  /** The latitudes of a tile; lent until the next call. */
  of(tile: { originY: number; scale: number }): this {
    if (tile.originY === this.originY && tile.scale === this.scale) return this;
    this.originY = tile.originY;
    this.scale = tile.scale;
    this.middle = latitude(tile.originY + tile.scale / 2);
    const sin = Math.sin((this.middle * Math.PI) / 180);
    const cos = Math.cos((this.middle * Math.PI) / 180);
    const step = -2 * Math.PI * tile.scale; // of the Mercator latitude, radians
    const degrees = 180 / Math.PI;
    this.d1 = degrees * cos * step;
    this.d2 = (-degrees * sin * cos * step ** 2) / 2;
    this.d3 = (degrees * cos * (sin * sin - cos * cos) * step ** 3) / 6;
    return this;
  }

  /** The latitude at a fraction of the tile's height from its north side, degrees. */
  at(y: number): number {
    if (this.scale > narrow) return latitude(this.originY + y * this.scale);
    const t = y - 0.5;
    return this.middle + t * (this.d1 + t * (this.d2 + t * this.d3));
  }
}
