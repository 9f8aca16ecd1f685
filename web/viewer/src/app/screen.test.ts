import { describe, expect, it } from 'vitest';
import { fitDesk, fitWall } from './screen';

describe('fitDesk', () => {
  it('is as designed on the screens of desks, however narrow or flat', () => {
    for (const [width, height] of [
      [390, 844],
      [1280, 720],
      [1920, 1080],
      [2560, 1440],
      [3440, 1440],
      [5120, 1440],
    ] as const)
      expect(fitDesk(width, height)).toEqual({ scale: 1, shape: 'wide' });
  });

  it('grows on very large screens, upright ones too', () => {
    expect(fitDesk(3840, 2160).scale).toBe(1.5);
    expect(fitDesk(2160, 3840).scale).toBe(1.5);
    expect(fitDesk(3200, 1800).scale).toBeCloseTo(1.25);
  });
});

describe('fitWall', () => {
  it('draws 1 rem as a 96th of a wide wall', () => {
    expect(fitWall(1920, 1080)).toEqual({ scale: 1.25, shape: 'wide' });
    expect(fitWall(3840, 2160)).toEqual({ scale: 2.5, shape: 'wide' });
    expect(fitWall(5760, 1080).scale).toBe(1.25);
    expect(fitWall(1280, 1024).scale * 16 * 96).toBeCloseTo(1280);
  });

  it('draws 1 rem as a 54th of an upright wall, and leaves room for what stands below the map', () => {
    expect(fitWall(1080, 1920)).toEqual({ scale: 1.25, shape: 'tall' });
    expect(fitWall(2160, 3840)).toEqual({ scale: 2.5, shape: 'tall' });
    expect(fitWall(768, 1024).scale * 16 * 80).toBeCloseTo(1024);
  });

  it('has everything below one another on a telephone, whichever way it is held', () => {
    for (const [width, height] of [
      [390, 844],
      [844, 390],
    ] as const)
      expect(fitWall(width, height)).toEqual({ scale: 0.875, shape: 'small' });
  });
});
