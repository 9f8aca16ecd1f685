import { expect, it } from 'vitest';
import { SecondClick } from './secondClick';

it('knows the second click of two, the first of which ended a figure', () => {
  const second = new SecondClick();
  expect(second.is({ timeStamp: 0 }), 'nothing was ended').toBe(false);
  second.ended(1000);
  expect(second.is({ timeStamp: 1150 })).toBe(true);
  expect(second.is({ timeStamp: 990 }), 'it waited while the first was seen to').toBe(true);
  expect(second.is({ timeStamp: 1400 }), 'a click of its own').toBe(false);
});
