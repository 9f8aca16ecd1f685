/** A 4 × 4 matrix, column by column. */
export type Matrix = ArrayLike<number>;

/**
 * The matrix from local metres (x east, y south) to clip space. The product is
 * formed in doubles: only its result is rounded, so that nothing trembles at
 * high zooms, far from the world's corner.
 * @param world from the unit square of Web Mercator to clip space
 * @param originX, originY the local origin in the unit square
 * @param metre one local metre in the unit square
 */
export function localMatrix(world: Matrix, originX: number, originY: number, metre: number): Float32Array {
  const m = new Float32Array(16);
  for (let row = 0; row < 4; row++) {
    const x = world[row] as number;
    const y = world[4 + row] as number;
    m[row] = x * metre;
    m[4 + row] = y * metre;
    m[8 + row] = (world[8 + row] as number) * metre;
    m[12 + row] = x * originX + y * originY + (world[12 + row] as number);
  }
  return m;
}

/** Pixels from the top left corner of a local place, or null behind the viewer. */
export function toScreen(
  matrix: Matrix,
  x: number,
  y: number,
  width: number,
  height: number,
  z = 0,
): [number, number] | null {
  const row = (i: number) =>
    (matrix[i] as number) * x +
    (matrix[4 + i] as number) * y +
    (matrix[8 + i] as number) * z +
    (matrix[12 + i] as number);
  const w = row(3);
  if (w <= 0) return null;
  const cx = row(0) / w;
  const cy = row(1) / w;
  return [((cx + 1) / 2) * width, ((1 - cy) / 2) * height];
}
