import { describe, expect, it } from 'vitest';
import { LiveLayer } from './layer';
import { positionAt, ServerClock } from './motion';

function moving(course: number, speed: number): LiveLayer {
  const layer = new LiveLayer('vehicles');
  layer.size = 1;
  layer.lon = new Float64Array([-74]);
  layer.lat = new Float64Array([60]);
  layer.course = new Float32Array([course]);
  layer.speed = new Float32Array([speed]);
  layer.time = new Float64Array([1000]);
  return layer;
}

const metre = 360 / (2 * Math.PI * 6371008.8); // degrees of latitude

describe('positionAt', () => {
  const at = (course: number, speed: number, time: number): [number, number] => {
    const [lon, lat] = positionAt(moving(course, speed), 0, time, 10_000, [0, 0]);
    return [(lon + 74) / metre, (lat - 60) / metre];
  };

  it.each([
    ['north', 0, 10, 3000, [0, 20]],
    ['east, where degrees of longitude are half as long', 90, 10, 3000, [40, 0]],
    ['south-west', 225, 10, 2000, [-10 * Math.SQRT2, -5 * Math.SQRT2]],
    ['not beyond the limit', 0, 10, 999_000, [0, 100]],
    ['not back in time', 0, 10, 500, [0, 0]],
    ['standing', 0, 0.2, 3000, [0, 0]],
    ['without a course', Number.NaN, 10, 3000, [0, 0]],
    ['without a speed', 90, Number.NaN, 3000, [0, 0]],
  ])('%s', (_, course, speed, time, expected) => {
    const [east, north] = at(course, speed, time);
    expect(east).toBeCloseTo(expected[0] as number, 3);
    expect(north).toBeCloseTo(expected[1] as number, 3);
  });
});

describe('ServerClock', () => {
  it('believes the message that was fastest', () => {
    let now = 0;
    const clock = new ServerClock(() => now);
    expect(clock.now()).toBeNaN();
    const hear = (at: number, late: number) => {
      now = at;
      clock.sample(1_000_000 + at - late);
    };
    hear(0, 80);
    expect(clock.now()).toBe(1_000_000 - 80);
    hear(200, 15);
    hear(400, 300);
    expect(clock.now()).toBe(1_000_400 - 15);
    hear(31_000, 50); // the last half minute still counts
    expect(clock.now()).toBe(1_031_000 - 15);
    hear(62_000, 40);
    hear(62_100, 60);
    expect(clock.now()).toBe(1_062_100 - 40);
  });
});
