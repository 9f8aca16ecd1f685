import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConnectionStatus, LiveClient } from './client';
import type { Change, Hello } from './protocol';
import { FakeSocket, framesOf, heldBy, steps } from './testing';

const bbox: [number, number, number, number] = [-74.03, 40.7, -73.96, 40.76];
const view = { bbox, zoom: 13, layers: ['buildings', 'vehicles'] };

let sockets: FakeSocket[];
let statuses: ConnectionStatus[];

function start(): LiveClient {
  const client = new LiveClient({
    url: 'ws://example/live',
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    now: () => Date.now(),
  });
  client.on('status', status => statuses.push(status));
  return client.connect();
}

function newest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('no socket');
  return socket;
}

/** Plays the steps from one to another to the client. */
function play(from: number, to: number): void {
  for (const step of steps.slice(from, to)) {
    for (const text of step.texts ?? []) newest().say(text);
    const frames = framesOf(step);
    if (frames) newest().say(frames);
  }
}

const hello = JSON.parse(steps[0]?.texts?.[0] ?? '') as Hello;
const reconnected = steps.findIndex((step, i) => i > 0 && step.open);

describe('LiveClient', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    statuses = [];
  });
  afterEach(() => vi.useRealTimers());

  it('subscribes once the server has said hello', () => {
    const client = start();
    client.subscribe(view);
    expect(newest().binaryType).toBe('arraybuffer');
    expect(newest().sent).toEqual([]);
    newest().say(hello);
    expect(newest().sent).toEqual([{ type: 'subscribe', request: 1, ...view }]);
    expect(client.status).toEqual({ phase: 'live' });
    expect(client.layers.map(l => l.id)).toEqual(['vehicles']);
    expect(client.serverNow()).toBe(hello.time);
    client.close();
    expect(newest().closed).toBe(true);
    expect(statuses.map(s => s.phase)).toEqual(['live', 'closed']);
  });

  it('shows the recorded session, a lost connection included', () => {
    const client = start();
    client.subscribe(view);
    const changes: Change[] = [];
    const told = new Map<string, number>();
    client.on('change', change => changes.push(change));
    client.on('frame', (layer, slots) => told.set(layer.id, (told.get(layer.id) ?? 0) + slots.length));
    for (let i = 0; i < steps.length; i++) {
      if (i === reconnected) {
        newest().fail('gone');
        expect(client.status).toMatchObject({ phase: 'reconnecting', reason: 'gone' });
        vi.advanceTimersByTime(500);
        expect(sockets).toHaveLength(2);
      }
      play(i, i + 1);
      const step = steps[i] as (typeof steps)[0];
      if (i === steps.length - 1) expect(client.layer('vehicles')).toBeUndefined();
      else expect(heldBy(client.layer('vehicles')), step.what).toEqual(step.entities);
    }
    // What it held when the connection was lost, it told the new one.
    const resume = newest().sent[0] as {
      epoch: number;
      change: number;
      sequences: Record<string, { window: { z: number } }>;
    };
    expect(resume.epoch).toBe(hello.epoch);
    expect(resume.change).toBe(1);
    expect(resume.sequences.vehicles?.window.z).toBe(14);
    expect(changes.map(c => [c.layer, c.revision, c.whole, c.ids])).toEqual([
      ['buildings', 12, false, ['17']],
      ['buildings', 13, true, null],
    ]);
    expect(told.get('vehicles')).toBeGreaterThan(300);
    client.close();
  });

  it('tells the age of the newest position', () => {
    const client = start();
    client.subscribe(view);
    play(0, 1);
    const layer = client.layer('vehicles');
    expect(layer?.newest).toBe(hello.time);
    const age = client.age('vehicles');
    vi.advanceTimersByTime(3000);
    expect(client.age('vehicles')).toBe(age + 3000);
    expect(client.age('none')).toBeNaN();
    client.close();
  });

  it('sends a moving viewport at most every 150 ms, the last one always', () => {
    const client = start();
    client.subscribe(view);
    newest().say(hello);
    for (let i = 1; i <= 60; i++) {
      client.subscribe({ ...view, zoom: i / 10 });
      vi.advanceTimersByTime(16);
    }
    vi.advanceTimersByTime(1000);
    const sent = newest().sent;
    expect(sent.length).toBeLessThan(10);
    expect(sent.at(-1)?.zoom).toBe(6);
    client.close();
  });

  it('forgets a layer that is switched off, and takes it anew when it comes back', () => {
    const client = start();
    client.subscribe(view);
    play(0, 2);
    vi.advanceTimersByTime(200);
    const freed: number[] = [];
    client.on('frame', layer => freed.push(layer.count));
    client.subscribe({ ...view, layers: ['buildings'] });
    expect(client.layer('vehicles')).toBeUndefined();
    expect(freed).toEqual([0]);
    play(2, 3); // still on its way
    expect(client.layer('vehicles')).toBeUndefined();
    vi.advanceTimersByTime(200);
    client.subscribe(view);
    play(3, 4); // from before it was switched off
    expect(client.layer('vehicles')).toBeUndefined();
    play(0, 1); // the server starts over
    expect(heldBy(client.layer('vehicles'))).toEqual(steps[0]?.entities);
    client.close();
  });

  it('asks for everything after another start of the server', () => {
    const client = start();
    client.subscribe(view);
    play(0, 3);
    newest().fail();
    vi.advanceTimersByTime(1000);
    newest().say({ ...hello, epoch: hello.epoch + 1 });
    expect(newest().sent[0]).toMatchObject({ epoch: hello.epoch, sequences: {} });
    client.close();
  });

  it('connects again when a message cannot be read', () => {
    const client = start();
    client.subscribe(view);
    newest().say(hello);
    newest().say(new ArrayBuffer(12));
    expect(client.status).toMatchObject({
      phase: 'reconnecting',
      reason: expect.stringContaining('cannot be read'),
    });
    vi.advanceTimersByTime(1000);
    newest().say(hello);
    newest().say('{');
    expect(client.status.phase).toBe('reconnecting');
    vi.advanceTimersByTime(2000);
    newest().say(hello);
    newest().say('{"type":"news"}'); // of a later version: not for us
    expect(client.status.phase).toBe('live');
    client.close();
  });

  it('starts over when entities come without their names', () => {
    const client = start();
    client.subscribe(view);
    play(0, 1);
    client.layer('vehicles')?.clear();
    play(1, 2);
    expect(client.status.phase).toBe('reconnecting');
    vi.advanceTimersByTime(1000);
    newest().say(hello);
    expect(newest().sent[0]).toMatchObject({ sequences: {} });
    client.close();
  });

  it('waits longer from try to try, up to 15 s', () => {
    const client = start();
    client.subscribe(view);
    for (let i = 0; i < 12; i++) {
      newest().fail();
      const status = client.status;
      if (status.phase !== 'reconnecting') throw new Error(status.phase);
      const wait = status.retryAt - Date.now();
      expect(wait).toBeGreaterThanOrEqual(Math.min(15_000, 500 * 2 ** i) / 2);
      expect(wait).toBeLessThanOrEqual(Math.min(15_000, 500 * 2 ** i));
      vi.advanceTimersByTime(wait + 1);
      expect(sockets).toHaveLength(i + 2);
    }
    newest().say(hello);
    newest().fail();
    expect(client.status).toMatchObject({ phase: 'reconnecting' });
    vi.advanceTimersByTime(501);
    expect(sockets).toHaveLength(14);
    client.close();
  });

  it('gives up a server that is silent', () => {
    const client = start();
    client.subscribe(view);
    newest().say(hello);
    vi.advanceTimersByTime(9500);
    expect(newest().sent.at(-1)).toMatchObject({ type: 'ping' });
    newest().say({ type: 'pong', request: 0, time: hello.time + 9500 });
    vi.advanceTimersByTime(19_000);
    expect(client.status.phase).toBe('live');
    vi.advanceTimersByTime(3000);
    expect(client.status).toMatchObject({ phase: 'reconnecting', reason: 'the server is silent' });
    client.close();
  });

  it('passes refusals on, and a listener’s fault to the console only', () => {
    const errors: string[] = [];
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    const client = start();
    client.on('error', () => {
      throw new Error('a fault of the listener');
    });
    const stop = client.on('error', error => errors.push(error.message));
    newest().say(hello);
    newest().say({ type: 'error', request: 1, code: 'invalid', message: 'bbox has 3 numbers' });
    stop();
    newest().say({ type: 'error', request: 2, code: 'invalid', message: 'again' });
    expect(errors).toEqual(['bbox has 3 numbers']);
    expect(logged).toHaveBeenCalledTimes(2);
    logged.mockRestore();
    client.close();
    expect(client.connect().status.phase).toBe('closed');
  });
});
