import { describe, expect, it } from 'vitest';
import { LiveClient, LiveLayer, type Socket } from '../realtime';
import { testConfig, testLayer } from '../testing/config';
import { ClientFeed } from './clientFeed';

/** A socket that the test speaks through. */
class FakeSocket implements Socket {
  binaryType = '';
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: unknown[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  say(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const hello = {
  type: 'hello',
  version: 1,
  format: 'binary',
  epoch: 7,
  sequence: 1,
  change: 4,
  time: 1_795_294_966_131,
  tickHz: 5,
  resumeMs: 12_000,
  limits: { messageBytes: 65_536, layers: 64, maxEntities: 20_000 },
  layers: [
    {
      id: 'trains',
      title: {},
      kind: 'train',
      provenance: 'estimated',
      label: 'route',
      classBy: '',
      periodMs: 5000,
      staleMs: 1,
      offlineMs: 2,
      removedMs: 3,
    },
  ],
};

function connected() {
  const socket = new FakeSocket();
  const client = new LiveClient({ url: 'ws://host/live', open: () => socket, now: () => 1000 }).connect();
  const feed = new ClientFeed(client, testConfig([testLayer({ id: 'trains', live: true, label: 'route' })]));
  return { socket, client, feed };
}

describe('ClientFeed', () => {
  it('tells the state of the connection and the server’s clock', () => {
    const { socket, client, feed } = connected();
    const heard: string[] = [];
    feed.onStatus(status => heard.push(status.phase));
    expect(feed.status.phase).toBe('connecting');
    expect(feed.lastNews).toBeNaN();
    expect(feed.serverNow()).toBeNaN();
    socket.say(hello);
    expect(heard).toEqual(['live']);
    expect(feed.status.phase).toBe('live');
    expect(feed.lastNews).toBe(1000);
    expect(feed.serverNow()).toBe(hello.time);
    client.close();
  });

  it('asks for what is in view, static layers included', () => {
    const { socket, client, feed } = connected();
    feed.view({
      bbox: [-74.1, 40.6, -73.9, 40.9],
      zoom: 14,
      maxEntities: 20_000,
      layers: ['trains', 'buildings'],
    });
    socket.say(hello);
    expect(socket.sent).toMatchObject([
      { type: 'subscribe', bbox: [-74.1, 40.6, -73.9, 40.9], zoom: 14, layers: ['trains', 'buildings'] },
    ]);
    client.close();
  });

  it('asks for every entity where the page is to show them all', () => {
    const socket = new FakeSocket();
    const client = new LiveClient({ url: 'ws://host/live', open: () => socket }).connect();
    const feed = new ClientFeed(client, testConfig([]), true);
    feed.view({ bbox: [-74.1, 40.6, -73.9, 40.9], zoom: 9, layers: ['trains'], maxEntities: 600 });
    socket.say(hello);
    expect(socket.sent).toMatchObject([{ type: 'subscribe', maxEntities: -1 }]);
    client.close();
  });

  it('passes changes on', () => {
    const { socket, client, feed } = connected();
    const heard: unknown[] = [];
    const stop = feed.onChange(change => heard.push([change.layer, change.bbox, change.ids]));
    const change = { type: 'change', change: 5, layer: 'buildings', revision: 41, whole: false };
    socket.say({ ...change, bbox: [1, 2, 3, 4], ids: ['w1'] });
    socket.say({ ...change, bbox: null, ids: null });
    stop();
    socket.say({ ...change, bbox: null, ids: null });
    expect(heard).toEqual([
      ['buildings', [1, 2, 3, 4], ['w1']],
      ['buildings', null, null],
    ]);
    client.close();
  });

  it('takes a layer’s own period, else the usual', () => {
    const { socket, client, feed } = connected();
    socket.say(hello);
    expect(feed.period('trains')).toBe(5);
    expect(feed.period('vehicles')).toBe(2);
    client.close();
  });

  it('knows nothing of layers that were not subscribed', () => {
    const { client, feed } = connected();
    expect(feed.columns('trains')).toBeUndefined();
    expect(feed.counts('trains')).toBeUndefined();
    expect(feed.cells('trains')).toBeUndefined();
    expect(feed.age('trains')).toBeNaN();
    client.close();
  });
});

describe('columns of a layer', () => {
  /** A client that has one layer. */
  function feedOf(layer: LiveLayer, label: string): ClientFeed {
    const client = { layer: () => layer, layers: [] } as unknown as LiveClient;
    return new ClientFeed(client, testConfig([testLayer({ id: layer.id, live: true, label })]));
  }

  it('are the layer’s own, and the same at each call', () => {
    const layer = new LiveLayer('trains');
    const feed = feedOf(layer, 'route');
    const columns = feed.columns('trains');
    expect(columns).toBe(feed.columns('trains'));
    expect(columns?.lon).toBe(layer.lon);
    expect(columns?.state).toBe(layer.state);
    expect(columns?.size).toBe(0);
    expect(columns?.slotOf('nobody')).toBe(-1);
  });

  it('label by class, else by the label property, if that is text', () => {
    const layer = new LiveLayer('trains');
    layer.class = Uint8Array.of(1, 255, 255);
    layer.classes = ['A', '6X'];
    layer.properties = slot => (slot === 1 ? { route: 'GS' } : { route: 7 });
    const columns = feedOf(layer, 'route').columns('trains');
    expect([0, 1, 2].map(slot => columns?.label(slot))).toEqual(['6X', 'GS', '']);
  });

  it('give way to counts by place', () => {
    const layer = new LiveLayer('trains');
    const feed = feedOf(layer, '');
    expect(feed.cells('trains')).toBeUndefined();
    layer.mode = 'cells';
    expect(feed.cells('trains')).toBe(layer.cells);
  });
});
