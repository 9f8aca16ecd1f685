import { describe, expect, it } from 'vitest';
import { outFromUnder } from './camera';

describe('outFromUnder', () => {
  const card = { left: 1548, top: 72, right: 1908, bottom: 442 };
  const sheet = { left: 0, top: 400, right: 390, bottom: 844 };

  it('moves what is under a card to its left', () => {
    expect(outFromUnder({ x: 1700, y: 300 }, card)).toEqual([184, 0]);
  });

  it('moves what is under a sheet above it', () => {
    expect(outFromUnder({ x: 195, y: 500 }, sheet)).toEqual([0, 132]);
  });

  it('leaves the map where nothing is covered', () => {
    for (const at of [
      { x: 900, y: 300 },
      { x: 1700, y: 600 },
    ])
      expect(outFromUnder(at, card)).toBeUndefined();
    expect(outFromUnder({ x: 195, y: 200 }, sheet)).toBeUndefined();
  });
});
