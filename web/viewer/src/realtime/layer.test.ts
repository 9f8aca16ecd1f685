import { describe, expect, it } from 'vitest';
import { readFrames } from './frames';
import { EntityState, LiveLayer } from './layer';
import { cellsOf, framesOf, heldBy, steps } from './testing';

describe('LiveLayer', () => {
  it('holds after each message what the server’s own tests say', () => {
    const layer = new LiveLayer('vehicles');
    const freed = new Set<number>();
    for (const [i, step] of steps.entries()) {
      const message = framesOf(step);
      if (message) {
        for (const frame of readFrames(message)) {
          if (frame.kind === 'sync') layer.begin(frame);
          else if (frame.kind === 'entities') layer.applyEntities(frame);
          else layer.applyCells(frame);
        }
        for (const slot of layer.finish()) if (layer.state[slot] === EntityState.free) freed.add(slot);
      }
      const where = `step ${i}, ${step.what}`;
      expect(layer.mode, where).toBe(step.mode);
      expect(heldBy(layer), where).toEqual(step.entities);
      expect(cellsOf(layer), where).toEqual(step.cells);
      expect([layer.counts.live, layer.counts.stale, layer.counts.offline], where).toEqual(step.counts);
      expect(layer.count, where).toBe(step.entities.length);
      for (const entity of step.entities) expect(layer.entityId(layer.slotOf(entity.id))).toBe(entity.id);
    }
    expect(layer.faults).toBe(0);
    expect(freed.size).toBeGreaterThan(5);
    expect(layer.size, 'slots are used again').toBeLessThan(100);
  });

  it('keeps an entity’s slot while it moves from tile to tile', () => {
    const layer = new LiveLayer('vehicles');
    const slots = new Map<string, number>();
    for (const step of steps.slice(0, 5)) {
      for (const frame of readFrames(framesOf(step) as ArrayBuffer)) {
        if (frame.kind === 'sync') layer.begin(frame);
        else if (frame.kind === 'entities') layer.applyEntities(frame);
      }
      layer.finish();
      for (const entity of step.entities) {
        const slot = layer.slotOf(entity.id);
        expect(slots.get(entity.id) ?? slot).toBe(slot);
        slots.set(entity.id, slot);
      }
    }
    expect(slots.size).toBe(41);
  });

  it('counts entities that were never named', () => {
    const layer = new LiveLayer('vehicles');
    for (const frame of readFrames(framesOf(steps[1] as (typeof steps)[1]) as ArrayBuffer)) {
      if (frame.kind === 'sync') layer.begin(frame);
      else if (frame.kind === 'entities') layer.applyEntities(frame);
    }
    layer.finish();
    expect(layer.count).toBeLessThan(3); // those that came into another tile were named again
    expect(layer.faults).toBeGreaterThan(30);
  });
});
