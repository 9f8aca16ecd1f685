import { describe, expect, it } from 'vitest';
import { FrameError, readFrames } from './frames';
import { framesOf, steps } from './testing';

const keyframes = framesOf(steps[0] as (typeof steps)[0]) as ArrayBuffer;

describe('readFrames', () => {
  it('reads a message of a Sync and one frame a tile', () => {
    const frames = [...readFrames(keyframes)];
    const [sync, ...tiles] = frames;
    expect(sync).toMatchObject({
      kind: 'sync',
      layer: 'vehicles',
      reset: true,
      mode: 'entities',
      live: 41,
      classes: ['A', 'B', 'C', '四惠东'],
    });
    let rows = 0;
    for (const tile of tiles) {
      if (tile.kind !== 'entities') throw new Error(tile.kind);
      expect(tile).toMatchObject({
        layer: 'vehicles',
        base: 0,
        z: 14,
        scale: 1 / 16384,
        originX: tile.tileX / 16384,
        originY: tile.tileY / 16384,
      });
      expect(tile.namedCount).toBe(tile.count); // all are new
      rows += tile.count;
    }
    expect(rows).toBe(41);
  });

  it('copies no column', () => {
    for (const frame of readFrames(keyframes)) {
      if (frame.kind !== 'entities') continue;
      const { u32, f32, i32, bytes } = frame.message;
      for (const column of [u32, f32, i32, bytes]) expect(column.buffer).toBe(keyframes);
    }
  });

  it('refuses what is no message', () => {
    const message = (change: (bytes: Uint8Array) => Uint8Array) => {
      const bytes = change(new Uint8Array(keyframes.slice(0)));
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    };
    const set = (at: number, value: number) => (bytes: Uint8Array) => {
      bytes[at] = value;
      return bytes;
    };
    expect(() => [...readFrames(message(b => b.subarray(0, 5)))]).toThrow(FrameError);
    expect(() => [...readFrames(message(b => b.subarray(0, b.length - 8)))]).toThrow(FrameError);
    expect(() => [...readFrames(message(set(0, 1)))]).toThrow(FrameError);
    expect(() => [...readFrames(message(set(8, 0)))]).toThrow('not a live frame');
    expect([...readFrames(new ArrayBuffer(0))]).toEqual([]);
  });

  it('never reads beyond a frame, whatever byte is wrong', () => {
    let refused = 0;
    let read = 0;
    let beyond = 0;
    for (let at = 0; at < keyframes.byteLength; at++) {
      const broken = keyframes.slice(0);
      const bytes = new Uint8Array(broken);
      bytes[at] = (bytes[at] as number) ^ 0xff;
      try {
        for (const frame of readFrames(broken)) {
          if (frame.kind !== 'entities') continue;
          const { slot, x, age, count, message } = frame;
          if (Math.max(slot, x, age) + count > message.u32.length) beyond++;
        }
        read++;
      } catch (error) {
        if (!(error instanceof FrameError || error instanceof RangeError)) throw error;
        refused++;
      }
    }
    expect(beyond).toBe(0);
    expect(refused).toBeGreaterThan(50);
    expect(read).toBeGreaterThan(50); // a coordinate may be any number
  });
});
