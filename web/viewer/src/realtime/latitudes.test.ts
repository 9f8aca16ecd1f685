import { describe, expect, it } from 'vitest';
import { Latitudes, latitude } from './latitudes';

describe('latitudes of a tile', () => {
  it.each([14, 12, 8, 2])('are those of the formula at zoom %i', zoom => {
    const latitudes = new Latitudes();
    const scale = 2 ** -zoom;
    for (let i = 0; i < 200; i++) {
      const originY = Math.floor((i / 200) * 2 ** zoom) * scale;
      for (const y of [0, 0.123, 0.5, 0.77, 1])
        expect(latitudes.of({ originY, scale }).at(y)).toBeCloseTo(latitude(originY + y * scale), 11);
    }
  });
});
