import { describe, expect, it } from 'vitest';
import { parseMessage, windowHas } from './protocol';

describe('windowHas', () => {
  it.each([
    [{ z: 14, x: 5, y: 7, w: 2, h: 3 }, 5, 7, true],
    [{ z: 14, x: 5, y: 7, w: 2, h: 3 }, 6, 9, true],
    [{ z: 14, x: 5, y: 7, w: 2, h: 3 }, 7, 7, false],
    [{ z: 14, x: 5, y: 7, w: 2, h: 3 }, 4, 7, false],
    [{ z: 14, x: 5, y: 7, w: 2, h: 3 }, 5, 10, false],
    [{ z: 14, x: 5, y: 7, w: 2, h: 3 }, 5, 6, false],
    [{ z: 14, x: 16383, y: 0, w: 2, h: 1 }, 0, 0, true], // across the 180th meridian
    [{ z: 14, x: 16383, y: 0, w: 2, h: 1 }, 1, 0, false],
    [{ z: 14, x: 0, y: 0, w: 16384, h: 16384 }, 16383, 16383, true],
    [{ z: 14, x: 0, y: 0, w: 0, h: 0 }, 0, 0, false],
  ])('%j holds %i, %i: %s', (window, x, y, expected) => {
    expect(windowHas(window, x, y)).toBe(expected);
  });
});

describe('parseMessage', () => {
  it('knows the messages of this version only', () => {
    expect(parseMessage('{"type":"pong","request":1,"time":2}')).toEqual({
      type: 'pong',
      request: 1,
      time: 2,
    });
    for (const text of ['null', '1', '[]', '{}', '{"type":"later"}'])
      expect(parseMessage(text)).toBeUndefined();
    expect(() => parseMessage('{')).toThrow(SyntaxError);
  });
});
