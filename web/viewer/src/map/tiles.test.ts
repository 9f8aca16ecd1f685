import { describe, expect, it } from 'vitest';
import type { BBox } from '../config/config';
import { mercator, tilesOfBox, unmercator } from './tiles';

const names = (box: BBox, min: number, max: number, buffer = 0) =>
  tilesOfBox(box, min, max, buffer)?.map(({ z, x, y }) => `${z}/${x}/${y}`);

describe('mercator', () => {
  it('puts the world in the unit square', () => {
    expect(mercator(0, 0)).toEqual([0.5, 0.5]);
    expect(mercator(-180, 90)[0]).toBe(0);
    expect(mercator(-180, 90)[1]).toBeCloseTo(0, 12);
    expect(mercator(180, -90)[1]).toBeCloseTo(1, 12);
  });

  it('comes back', () => {
    const [x, y] = mercator(-74.0045, 40.7125);
    const [lon, lat] = unmercator(x, y);
    expect(lon).toBeCloseTo(-74.0045, 12);
    expect(lat).toBeCloseTo(40.7125, 12);
  });
});

describe('tilesOfBox', () => {
  it('finds the tile of a point, as the usual formula does', () => {
    const lat = (40.6892 * Math.PI) / 180;
    const x = Math.floor(((-74.0445 + 180) / 360) * 2 ** 14);
    const y = Math.floor(((1 - Math.asinh(Math.tan(lat)) / Math.PI) / 2) * 2 ** 14);
    expect([x, y]).toEqual([4822, 6161]);
    expect(names([-74.0445, 40.6892, -74.0445, 40.6892], 14, 14)).toEqual([`14/${x}/${y}`]);
  });

  it('lists each zoom', () => {
    expect(names([-74.0445, 40.6892, -74.0445, 40.6892], 0, 3)).toEqual(['0/0/0', '1/0/0', '2/1/1', '3/2/3']);
  });

  it('covers a box over tile edges', () => {
    expect(names([-0.1, -0.1, 0.1, 0.1], 1, 1)?.sort()).toEqual(['1/0/0', '1/0/1', '1/1/0', '1/1/1']);
  });

  it('takes neighbours whose buffer shows the box', () => {
    const justEast: BBox = [0.001, 0.1, 0.001, 0.1];
    expect(names(justEast, 8, 8, 0)).toEqual(['8/128/127']);
    expect(names(justEast, 8, 8, 64 / 4096)).toEqual(['8/127/127', '8/128/127']);
  });

  it('stays within the world', () => {
    expect(names([-180, -90, 180, 90], 0, 0, 0.5)).toEqual(['0/0/0']);
    expect(names([179.999, 0, 180, 0], 2, 2, 0.1)?.every(name => /^2\/3\//.test(name))).toBe(true);
  });

  it('follows a box across the antimeridian', () => {
    expect(names([179, 10, -179, 10], 3, 3)).toEqual(['3/7/3', '3/0/3']);
  });

  it('says when there would be too many', () => {
    expect(tilesOfBox([-180, -85, 180, 85], 0, 14)).toBeNull();
    expect(tilesOfBox([-180, -85, 180, 85], 0, 2, 0, 21)).toHaveLength(21);
    expect(tilesOfBox([-180, -85, 180, 85], 0, 2, 0, 20)).toBeNull();
  });
});
