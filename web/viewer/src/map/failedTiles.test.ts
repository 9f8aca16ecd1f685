import { describe, expect, it } from 'vitest';
import { FailedTiles } from './failedTiles';

const tile = (x: number) => ({ z: 14, x, y: 1 });

describe('FailedTiles', () => {
  it('is news once, until all is well', () => {
    const failed = new FailedTiles();
    expect(failed.add('a', tile(1))).toBe(true);
    expect(failed.add('a', tile(2))).toBe(false);
    expect(failed.add('b', tile(1))).toBe(true);
    expect(failed.came('a', tile(1))).toBe(false);
    expect(failed.came('a', tile(7))).toBe(false);
    expect(failed.came('a', tile(2))).toBe(true);
    expect(failed.came('a', tile(2))).toBe(false);
    expect(failed.add('a', tile(1))).toBe(true);
  });

  it('gives its tiles up to be read again', () => {
    const failed = new FailedTiles();
    failed.add('a', tile(1));
    failed.add('a', tile(2));
    failed.add('a', tile(2));
    expect(failed.take('a')).toEqual([tile(1), tile(2)]);
    expect(failed.take('a')).toEqual([]);
    expect(failed.add('a', tile(1))).toBe(true);
  });

  it('counts failures without a tile, as of a TileJSON', () => {
    const failed = new FailedTiles();
    expect(failed.add('a', undefined)).toBe(true);
    expect(failed.take('a')).toEqual([]);
  });
});
