import { describe, expect, it } from 'vitest';
import { LiveClient } from './client';
import { EntityState, type LiveLayer } from './layer';
import type { Hello } from './protocol';
import { FakeSocket, framesOf, heldBy, steps } from './testing';

const hello = JSON.parse(steps[0]?.texts?.[0] ?? '') as Hello;
const view = { bbox: [-74.03, 40.7, -73.96, 40.76] as [number, number, number, number], zoom: 13 };

function connected(line: string) {
  const socket = new FakeSocket();
  const client = new LiveClient({ url: 'ws://x/live', open: () => socket, subscribeEveryMs: 0 }).connect();
  client.subscribe({ ...view, layers: ['vehicles'], filter: { vehicles: line } });
  socket.say(hello);
  return { socket, client };
}
const refusal = { type: 'error', request: 1, code: 'unavailable', message: 'as many as the server keeps' };
const play = (socket: FakeSocket, step: number) =>
  socket.say(framesOf(steps[step] as (typeof steps)[0]) as ArrayBuffer);
const lines = (layer: LiveLayer | undefined) =>
  new Set(heldBy(layer).map(e => (e.properties as { line: string }).line));

describe('a filter that the server refuses', () => {
  it('is applied here, to everything in view', () => {
    const { socket, client } = connected("line = 'A'");
    const errors: unknown[] = [];
    client.on('error', error => errors.push(error));
    expect(socket.sent[0]).toMatchObject({ filter: { vehicles: "line = 'A'" } });
    socket.say(refusal);
    expect(errors).toEqual([]);
    expect(socket.sent[1]).toMatchObject({ request: 2, maxEntities: -1 });
    expect(socket.sent[1]).not.toHaveProperty('filter');
    socket.say({ type: 'subscribed', request: 2, hz: 5, live: ['vehicles'] });

    const of = (step: number) =>
      steps[step]?.entities.filter(e => (e.properties as { line: string }).line === 'A');
    for (let step = 0; step < 6; step++) {
      play(socket, step);
      expect(heldBy(client.layer('vehicles')), `step ${step}`).toEqual(of(step));
    }
    expect(of(5)?.length).toBeGreaterThan(0);
    const hidden = steps[5]?.entities.find(e => (e.properties as { line: string }).line === 'B');
    expect(client.layer('vehicles')?.slotOf(hidden?.id ?? '')).toBe(-1);

    // Another filter is asked of the server again, and filtered there from its keyframe on.
    client.subscribe({ ...view, layers: ['vehicles'], filter: { vehicles: "line = 'B'" } });
    expect(socket.sent.at(-1)).toMatchObject({ request: 3, filter: { vehicles: "line = 'B'" } });
    socket.say({ type: 'subscribed', request: 3, hz: 5, live: ['vehicles'] });
    expect(lines(client.layer('vehicles'))).toEqual(new Set(['A']));
    play(socket, 0); // has reset
    expect(client.layer('vehicles')?.count).toBe(steps[0]?.entities.length);
    expect(lines(client.layer('vehicles')).size).toBeGreaterThan(1);
    client.close();
  });

  it('ends when none is wanted any more', () => {
    const { socket, client } = connected('load > 5');
    socket.say(refusal);
    socket.say({ type: 'subscribed', request: 2, hz: 5, live: ['vehicles'] });
    play(socket, 0);
    const layer = client.layer('vehicles') as LiveLayer;
    const shown = () => layer.state.subarray(0, layer.size).filter(s => s !== EntityState.free).length;
    const all = steps[0]?.entities.length;
    expect(shown()).toBeGreaterThan(0);
    expect(shown()).toBeLessThan(all as number);
    client.subscribe({ ...view, layers: ['vehicles'] });
    socket.say({ type: 'subscribed', request: 3, hz: 5, live: ['vehicles'] });
    expect(shown()).toBe(all);
    client.close();
  });

  it('is an error where this client cannot read it either', () => {
    const { socket, client } = connected('S_INTERSECTS(geom, POINT(0 0))');
    const errors: unknown[] = [];
    client.on('error', error => errors.push(error));
    socket.say(refusal);
    expect(errors).toHaveLength(1);
    expect(socket.sent).toHaveLength(1);
    socket.say({ ...refusal, code: 'invalid' });
    expect(errors).toHaveLength(2);
    client.close();
  });
});
