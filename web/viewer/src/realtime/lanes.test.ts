import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveClient } from './client';
import type { EventsInfo } from './lanes';
import type { Hello, LiveEvent, Reading } from './protocol';
import { FakeSocket, steps } from './testing';

let sockets: FakeSocket[];

const hello = {
  ...(JSON.parse(steps[0]?.texts?.[0] ?? '') as Hello),
  lanes: ['events', 'readings'],
};

function start(): LiveClient {
  return new LiveClient({
    url: 'ws://example/live',
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    now: () => Date.now(),
  }).connect();
}

function newest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('no socket');
  return socket;
}

const events = (...sequences: number[]) => sequences.map(sequence => ({ sequence }) as LiveEvent);

function reading(feature: string, value: number): Reading {
  return {
    feature,
    property: 'level',
    datastream: `manholes/${feature}/level`,
    name: { en: 'Level' },
    value,
    unit: 'm',
    time: 1000 * value,
    received: 1000 * value,
    state: 'live',
    level: 'normal',
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
});
afterEach(() => vi.useRealTimers());

describe('events', () => {
  it('are acknowledged once the handler has returned, and go on after a lost connection', () => {
    const client = start();
    const told: number[] = [];
    const infos: EventsInfo[] = [];
    const subscription = client.events({
      classes: ['0102'],
      onEvents: (items, info) => {
        told.push(...items.map(e => e.sequence));
        infos.push(info);
      },
    });
    newest().say(hello);
    expect(newest().sent).toEqual([
      {
        type: 'subscribe',
        request: 1,
        bbox: [-180, -90, 180, 90],
        zoom: 0,
        layers: [],
        events: { classes: ['0102'] },
      },
    ]);
    newest().say({ type: 'events', request: 1, snapshot: true, reset: true, more: true, items: events(3) });
    expect(subscription.through).toBeUndefined();
    newest().say({ type: 'events', request: 1, snapshot: true, through: 9, items: events(7) });
    newest().say({ type: 'events', request: 1, through: 11, items: events(10, 11) });
    expect(told).toEqual([3, 7, 10, 11]);
    expect(infos[0]).toEqual({ snapshot: true, reset: true, more: true, through: undefined });
    expect(infos[2]).toEqual({ snapshot: false, reset: false, more: false, through: 11 });
    expect(subscription.through).toBe(11);
    expect(newest().sent.slice(1)).toEqual([
      { type: 'ack', sequence: 9 },
      { type: 'ack', sequence: 11 },
    ]);

    newest().fail('gone');
    vi.advanceTimersByTime(1000);
    newest().say(hello);
    expect(newest().sent[0]).toMatchObject({ request: 2, events: { after: 11, classes: ['0102'] } });
    newest().say({ type: 'events', request: 2, through: 12, items: events(12) });
    expect(told.at(-1)).toBe(12);
    client.close();
  });

  it('wait for a slow handler, in order; what a lost connection brought is not asked for again', async () => {
    const client = start();
    const told: number[] = [];
    let release: () => void = () => {};
    client.events({
      after: 4,
      onEvents: async items => {
        told.push(...items.map(e => e.sequence));
        await new Promise<void>(resolve => {
          release = resolve;
        });
      },
    });
    newest().say(hello);
    const first = newest();
    first.say({ type: 'events', request: 1, through: 5, items: events(5) });
    first.say({ type: 'events', request: 1, through: 6, items: events(6) });
    expect(told).toEqual([5]);
    expect(first.sent).toHaveLength(1);
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([5, 6]);
    expect(first.sent.at(-1)).toEqual({ type: 'ack', sequence: 5 });
    first.fail();
    await vi.advanceTimersByTimeAsync(1000);
    newest().say(hello);
    expect(newest().sent[0]).toMatchObject({ events: { after: 6 } });
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(newest().sent).toHaveLength(1); // the new connection never told 6
    client.close();
  });

  it('tell a gap, and begin anew where the numbers did', () => {
    const client = start();
    const gaps: unknown[] = [];
    const resets: boolean[] = [];
    const subscription = client.events({
      after: 500,
      onGap: gap => gaps.push(gap),
      onEvents: (_, info) => {
        resets.push(info.reset);
      },
    });
    newest().say(hello);
    newest().say({
      type: 'events',
      request: 1,
      gap: { after: 500, from: 11 },
      reset: true,
      snapshot: true,
      through: 10,
      items: [],
    });
    expect(gaps).toEqual([{ after: 500, from: 11 }]);
    expect(resets).toEqual([true]);
    expect(subscription.through).toBe(10);
    client.close();
  });

  it('of a subscription that was stopped are not for the next', () => {
    const client = start();
    const told: string[] = [];
    const first = client.events({ onEvents: items => void told.push(`a${items.length}`) });
    expect(() => client.events({ onEvents: () => {} })).toThrow('stop that subscription first');
    newest().say(hello);
    first.stop();
    expect(newest().sent[1]).not.toHaveProperty('events');
    const second = client.events({ onEvents: items => void told.push(`b${items.length}`) });
    vi.advanceTimersByTime(200);
    expect(newest().sent[2]).toMatchObject({ request: 3, events: {} });
    newest().say({ type: 'events', request: 1, through: 8, items: events(8) });
    newest().say({
      type: 'events',
      request: 3,
      snapshot: true,
      reset: true,
      through: 8,
      items: events(2, 8),
    });
    expect(told).toEqual(['b2']);
    expect(first.through).toBeUndefined();
    expect(second.through).toBe(8);
    client.close();
  });

  it('survive a handler that throws', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const client = start();
    client.events({
      onEvents: () => {
        throw new Error('broken');
      },
    });
    newest().say(hello);
    newest().say({ type: 'events', request: 1, snapshot: true, reset: true, through: 8, items: [] });
    expect(newest().sent.at(-1)).toEqual({ type: 'ack', sequence: 8 });
    expect(error).toHaveBeenCalledOnce();
    error.mockRestore();
    client.close();
  });

  it('are not asked of a server that has none', () => {
    const client = start();
    client.events({ onEvents: () => {} });
    newest().say({ ...hello, lanes: undefined });
    expect(newest().sent).toEqual([]);
    expect(client.lanes).toEqual([]);
    client.close();
  });
});

describe('readings', () => {
  it('are held by object and property, and shared by handlers', () => {
    const client = start();
    const told: string[] = [];
    const stop = client.readings(['manholes'], {
      onReadings: (layer, changed, all, reset) =>
        told.push(`a ${layer} ${changed.length}/${all.size}${reset ? ' reset' : ''}`),
    });
    newest().say(hello);
    expect(newest().sent[0]).toMatchObject({ readings: ['manholes'] });
    newest().say({
      type: 'readings',
      layer: 'manholes',
      sequence: 5,
      reset: true,
      items: [reading('m1', 1), reading('m2', 2)],
    });
    newest().say({
      type: 'readings',
      layer: 'manholes',
      sequence: 6,
      reset: false,
      items: [reading('m1', 3)],
    });
    const values: unknown[] = [];
    client.readings(['manholes', 'pipes'], {
      onReadings: (_, changed) => values.push(changed.map(r => r.value)),
    });
    expect(values).toEqual([[3, 2]]); // at once, the newest of each
    vi.advanceTimersByTime(200);
    expect(newest().sent[1]).toMatchObject({ readings: ['manholes', 'pipes'] });
    stop();
    newest().say({ type: 'readings', layer: 'pipes', sequence: 7, reset: true, items: [] });
    newest().say({
      type: 'readings',
      layer: 'manholes',
      sequence: 8,
      reset: false,
      items: [reading('m2', 4)],
    });
    expect(told).toEqual(['a manholes 2/2 reset', 'a manholes 1/2']);
    expect(values).toEqual([[3, 2], [], [4]]);
    client.close();
  });

  it('begin anew after a lost connection, and forget what nobody wants', () => {
    const client = start();
    const sizes: number[] = [];
    const handler = {
      onReadings: (_: string, __: unknown, all: ReadonlyMap<string, Reading>) => sizes.push(all.size),
    };
    const stop = client.readings(['manholes'], handler);
    newest().say(hello);
    newest().say({
      type: 'readings',
      layer: 'manholes',
      sequence: 5,
      reset: true,
      items: [reading('m1', 1), reading('m2', 2)],
    });
    newest().fail();
    vi.advanceTimersByTime(1000);
    newest().say(hello);
    newest().say({
      type: 'readings',
      layer: 'manholes',
      sequence: 1,
      reset: true,
      items: [reading('m2', 2)],
    });
    stop();
    vi.advanceTimersByTime(200);
    expect(newest().sent.at(-1)).not.toHaveProperty('readings');
    client.readings(['manholes'], handler);
    newest().say({
      type: 'readings',
      layer: 'manholes',
      sequence: 2,
      reset: false,
      items: [reading('m9', 9)],
    });
    expect(sizes).toEqual([2, 1]);
    client.close();
  });
});
