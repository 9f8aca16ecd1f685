import { describe, expect, it } from 'vitest';
import { crowds } from './useElbowRoom';

describe('crowds', () => {
  const controls = { height: 380, bottom: 1044 }; // from 664 on

  it('is false for a card that ends above the controls, and true where they would touch', () => {
    expect(crowds({ bottom: 360 }, controls, 8)).toBe(false);
    expect(crowds({ bottom: 656 }, controls, 8)).toBe(false);
    expect(crowds({ bottom: 657 }, controls, 8)).toBe(true);
    expect(crowds({ bottom: 1036 }, controls, 8)).toBe(true);
  });
});
