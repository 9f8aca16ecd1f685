import { Group } from 'three';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../readings/readings';
import { Conditions, texels } from './conditions';
import { FeatureIds } from './ids';
import { Anchor } from './placing';
import type { Model } from './shelf';

/** A content whose features are called a0, a1, …. */
function content(count: number): Model {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const bytes = new TextEncoder().encode(names.join(''));
  const offsets = new Uint32Array(count + 1);
  names.forEach((name, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + name.length;
  });
  const ids = new FeatureIds([{ bytes: bytes.buffer, offsets: offsets.buffer, width: 4, count }]);
  return { anchor: new Anchor(0, 0), group: new Group(), ids };
}

describe('conditions', () => {
  it('are a byte a feature, in the row of its id', () => {
    const model = content(2000);
    const conditions = new Conditions();
    const before = conditions.of(model);
    expect([before.image.width, before.image.height], 'nothing is known').toEqual([1, 1]);
    const known = new Map<string, Condition>([
      ['a3', 'alarm'],
      ['a1500', 'warning'],
      ['a7', 'normal'],
      ['elsewhere', 'alarm'],
    ]);
    conditions.set(known);
    const after = conditions.of(model);
    const data = after.image.data as Uint8Array;
    expect([after.image.width, after.image.height]).toEqual([texels, 2]);
    expect([data[3], data[1500], data[7]]).toEqual([3, 2, 0]);
    expect(data.reduce((sum, byte) => sum + byte, 0)).toBe(5);
    expect(conditions.of(model), 'the same until something changes').toBe(after);
    conditions.set(new Map([['a3', 'offline' as Condition]]));
    expect(conditions.of(model), 'no texture is made anew').toBe(after);
    expect([data[3], data[1500]]).toEqual([1, 0]);
  });

  it('are freed with their contents', () => {
    const conditions = new Conditions();
    const model = content(1);
    conditions.set(new Map([['a0', 'alarm' as Condition]]));
    let freed = 0;
    conditions.of(model).addEventListener('dispose', () => freed++);
    conditions.keep(new Set([model]));
    expect(freed).toBe(0);
    conditions.keep(new Set());
    expect(freed).toBe(1);
  });
});
