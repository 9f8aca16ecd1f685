import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveClient } from './client';
import { ReplayClock } from './motion';
import type { Hello, ReplayStatus, ServerError } from './protocol';
import { FakeSocket, framesOf, steps } from './testing';

const view = {
  bbox: [-74.03, 40.7, -73.96, 40.76] as [number, number, number, number],
  zoom: 13,
  layers: ['vehicles'],
};
const hello = JSON.parse(steps[0]?.texts?.[0] ?? '') as Hello;
const from = 1_700_000_000_000;
const status = (over: Partial<ReplayStatus>): ReplayStatus => ({
  epoch: 77,
  from,
  to: from + 600_000,
  at: from,
  speed: 10,
  state: 'playing',
  ...over,
});

describe('LiveClient.replay', () => {
  let sockets: FakeSocket[];
  const newest = () => sockets.at(-1) as FakeSocket;
  let told: (ReplayStatus | undefined)[];

  function start(): LiveClient {
    const client = new LiveClient({
      url: 'ws://example/live',
      open: () => {
        sockets.push(new FakeSocket());
        return newest();
      },
      now: () => Date.now(),
      subscribeEveryMs: 0,
    });
    client.on('replay', status => told.push(status));
    client.subscribe(view);
    client.connect();
    newest().say(hello);
    return client;
  }

  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    told = [];
  });
  afterEach(() => vi.useRealTimers());

  it('asks, follows the clock of the replay, seeks once and goes back to live', () => {
    const client = start();
    client.replay({ from, to: from + 600_000, speed: 10, at: from + 5000 });
    expect(newest().sent.at(-1)).toEqual({
      type: 'subscribe',
      request: 2,
      ...view,
      replay: { from, to: from + 600_000, speed: 10, at: from + 5000 },
    });
    expect(client.replaying).toBeUndefined();
    newest().say({
      type: 'subscribed',
      request: 2,
      hz: 5,
      live: ['vehicles'],
      replay: status({ at: from + 5000 }),
    });
    expect(client.serverNow()).toBe(from + 5000);
    vi.advanceTimersByTime(500);
    expect(client.serverNow()).toBe(from + 10_000);
    newest().say({ type: 'replay', ...status({ at: from + 10_000, state: 'paused' }) });
    vi.advanceTimersByTime(500);
    expect(client.replaying).toEqual(status({ at: from + 10_000, state: 'paused' }));
    newest().say({ type: 'replay', ...status({ epoch: 78, at: from + 99_000 }) });
    expect(client.replaying?.at, 'of another replay').toBe(from + 10_000);
    client.subscribe({ ...view, zoom: 14 });
    expect((newest().sent.at(-1) as { replay: object }).replay, 'a move is no seek').toEqual({
      from,
      to: from + 600_000,
      speed: 10,
    });
    client.replay(undefined);
    expect(newest().sent.at(-1)).not.toHaveProperty('replay');
    newest().say({ type: 'subscribed', request: 4, hz: 5, live: ['vehicles'] });
    expect(client.replaying).toBeUndefined();
    expect(client.serverNow()).toBe(hello.time + 1000);
    expect(told.map(s => s?.state)).toEqual(['playing', 'paused', undefined]);
  });

  it('does not mix frames of the present into a replay', () => {
    const client = start();
    client.replay({ from });
    newest().say({ type: 'subscribed', request: 2, hz: 5, live: ['vehicles'], replay: status({}) });
    const frames = steps.map(framesOf).find(f => f !== undefined);
    newest().say(frames as ArrayBuffer);
    expect(client.layer('vehicles')).toBeUndefined();
    newest().say({ type: 'subscribed', request: 3, hz: 5, live: ['vehicles'] });
    newest().say(frames as ArrayBuffer);
    expect(client.layer('vehicles')?.count).toBeGreaterThan(0);
  });

  it('goes on where it was after a lost connection', () => {
    const client = start();
    client.replay({ from, speed: 10 });
    newest().say({ type: 'subscribed', request: 2, hz: 5, live: ['vehicles'], replay: status({}) });
    newest().say({ type: 'replay', ...status({ at: from + 30_000 }) });
    newest().fail();
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(2);
    newest().say(hello);
    const sent = newest().sent[0] as { replay: object; sequences: object };
    expect(sent.replay).toEqual({ from, speed: 10, at: from + 30_000 });
    expect(sent.sequences, 'nothing of the present is held').toEqual({});
    expect(client.status.phase).toBe('live');
  });

  it('shows the present again when the server refuses', () => {
    const client = start();
    const errors: ServerError[] = [];
    client.on('error', error => errors.push(error));
    client.replay({ from, speed: 900 });
    newest().say({
      type: 'error',
      request: 2,
      code: 'invalid',
      message: 'replay at speed 900: expected 0.1 to 60',
    });
    vi.advanceTimersByTime(10);
    expect(errors).toHaveLength(1);
    expect(newest().sent.at(-1)).toEqual({ type: 'subscribe', request: 3, ...view });
    client.close();
  });
});

describe('ReplayClock', () => {
  it('runs at its speed, never back, and not past the end', () => {
    let now = 0;
    const clock = new ReplayClock(() => now);
    expect(clock.now()).toBeNaN();
    clock.steer(status({ speed: 60 }));
    now = 100;
    expect(clock.now()).toBe(from + 6000);
    clock.sample(from + 5000);
    expect(clock.now(), 'a late frame').toBe(from + 6000);
    clock.sample(from + 7000);
    expect(clock.now()).toBe(from + 7000);
    clock.steer(status({ speed: 60, epoch: 78, at: from + 2000 }));
    expect(clock.now(), 'a seek while it plays').toBe(from + 2000);
    now = 100_000;
    expect(clock.now()).toBe(from + 600_000);
    clock.steer(status({ at: from + 1000, state: 'paused' }));
    expect(clock.now(), 'a seek goes back').toBe(from + 1000);
  });
});
