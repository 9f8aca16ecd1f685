import { describe, expect, it } from 'vitest';
import { mercator } from '../map/tiles';
import { LocalMercator } from './localMercator';

const world = 40075016.685578488;

describe('LocalMercator', () => {
  it.each([0, 28.2, 40.7125, -50.67, 69, 80, -85])(
    'is Web Mercator to a millimetre around latitude %d',
    lat0 => {
      const near = new LocalMercator();
      const lon0 = 112.98;
      near.move(lon0, lat0);
      const [x0, y0] = mercator(lon0, lat0);
      for (let step = -60; step <= 60; step++) {
        const lat = Math.max(-85, Math.min(85, lat0 + step * 0.01));
        const lon = lon0 + step * 0.02;
        const [x, y] = mercator(lon, lat);
        expect(near.x(lon)).toBeCloseTo((x - x0) * world, 3);
        expect(Math.abs(near.y(lat) - (y - y0) * world)).toBeLessThan(0.001);
        expect(near.stretch(lat) * Math.cos((lat * Math.PI) / 180)).toBeCloseTo(1, 5);
      }
    },
  );
});
