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
): [number, number] | null {
  const w = (matrix[3] as number) * x + (matrix[7] as number) * y + (matrix[15] as number);
  if (w <= 0) return null;
  const cx = ((matrix[0] as number) * x + (matrix[4] as number) * y + (matrix[12] as number)) / w;
  const cy = ((matrix[1] as number) * x + (matrix[5] as number) * y + (matrix[13] as number)) / w;
  return [((cx + 1) / 2) * width, ((1 - cy) / 2) * height];
}
