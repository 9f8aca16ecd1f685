import { FrameError, readFrames } from './frames';
import {
  EventLane,
  type EventsRequest,
  type EventsSubscription,
  ReadingLanes,
  type ReadingsHandler,
} from './lanes';
import { LiveLayer } from './layer';
import { ReplayClock, ServerClock } from './motion';
import { OwnFilters } from './ownFilters';
import {
  type BBox,
  type Change,
  type Hello,
  type LayerInfo,
  parseMessage,
  type ReplayRequest,
  type ReplayStatus,
  type ServerError,
  type Subscribe,
} from './protocol';

/** The state of the connection. */
export type ConnectionStatus =
  | { phase: 'connecting' }
  | { phase: 'live' }
  /** Lost; the next try is `retryAt` on the client's clock. */
  | { phase: 'reconnecting'; since: number; retryAt: number; reason: string }
  | { phase: 'closed'; reason: string };

/** What a viewer wants to see. */
export interface View {
  bbox: BBox;
  /** Of the map, in 512 px tiles. */
  zoom: number;
  /** Live layers, and static ones whose changes are wanted. */
  layers: readonly string[];
  /**
   * Filters of live layers in CQL2. Where the server does not filter, or has as many
   * filters as it keeps, this client does, if it can read them (see filter.ts).
   */
  filter?: Readonly<Record<string, string>>;
  /** At most so many messages a second. */
  maxHz?: number;
  /** Entities of a layer in view before it sends counts per cell; −1: never. */
  maxEntities?: number;
}

/** What LiveClient tells; each listener is called after everything of a message was applied. */
export interface LiveEvents {
  status: (status: ConnectionStatus) => void;
  /** The live layers there are. */
  layers: (layers: readonly LayerInfo[]) => void;
  /** Slots of the layer that changed or became free, lent for the call; in mode `cells` the layer's cells may have changed too. */
  frame: (layer: LiveLayer, slots: Uint32Array) => void;
  /** Features of a static layer changed. */
  change: (change: Change) => void;
  /** The server refused a subscription, with a sentence. */
  error: (error: ServerError) => void;
  /** Where the replay is, about once a second and when it changes; undefined: live again. */
  replay: (status: ReplayStatus | undefined) => void;
}

/** What LiveClient uses of a WebSocket. */
export interface Socket {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export interface LiveClientOptions {
  /** ws: or wss: URL of the server's /live. */
  url: string;
  /** Opens a socket; the default is the platform's WebSocket. */
  open?: (url: string) => Socket;
  /** A clock in milliseconds that never jumps; performance.now. */
  now?: () => number;
  /** Milliseconds before the first retry, doubled up to maxRetryMs; 500. */
  minRetryMs?: number;
  /** 15,000. */
  maxRetryMs?: number;
  /** Milliseconds between two subscriptions of a moving viewport; 150. */
  subscribeEveryMs?: number;
}

/** Of a client that wants no layers. */
const nothing: View = { bbox: [-180, -90, 180, 90], zoom: 0, layers: [] };

const silenceMs = 20_000; // without a word from the server the connection counts as lost
const pingMs = 8_000;

/**
 * The live connection to a twind server: positions of what moves in view, and
 * notices of what changed in static layers. It reconnects by itself and goes on
 * from where it was. Everything runs in the caller's thread; nothing needs the DOM.
 */
export class LiveClient {
  private readonly options: Required<LiveClientOptions>;
  private readonly clock: ServerClock;
  private readonly layersById = new Map<string, LiveLayer>();
  private readonly listeners: { [E in keyof LiveEvents]: Set<LiveEvents[E]> } = {
    status: new Set(),
    layers: new Set(),
    frame: new Set(),
    change: new Set(),
    error: new Set(),
    replay: new Set(),
  };
  private socket: Socket | undefined;
  private current: ConnectionStatus = { phase: 'connecting' };
  private hello: Hello | undefined;
  private view: View | undefined;
  private readonly filters = new OwnFilters();
  private request = 0;
  private epoch = 0;
  private shownEpoch = 0; // of the frames that count: the server's, or the replay's
  private heldEpoch = 0; // of the frames that were applied last
  private asked: ReplayRequest | undefined;
  private shown: ReplayStatus | undefined;
  private readonly replayClock: ReplayClock;
  private shownAt: number | undefined; // the replay's clock when it was last told
  private readonly eventLane = new EventLane();
  private readonly readingLanes = new ReadingLanes();
  private changeNumber = 0;
  private lanesSent = false; // the last subscription had some
  private resumable = false;
  private retries = 0;
  private lastSubscribed = Number.NEGATIVE_INFINITY;
  private lastWord = Number.NaN;
  private lostSince = Number.NaN;
  private subscribeTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private watchTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: LiveClientOptions) {
    this.options = {
      open: url => new WebSocket(url) as unknown as Socket,
      now: () => performance.now(),
      minRetryMs: 500,
      maxRetryMs: 15_000,
      subscribeEveryMs: 150,
      ...options,
    };
    this.clock = new ServerClock(this.options.now);
    this.replayClock = new ReplayClock(this.options.now);
  }

  /** Opens the connection; it stays until `close`. */
  connect(): this {
    if (!this.socket && this.retryTimer === undefined && this.current.phase !== 'closed') this.open();
    return this;
  }

  /** Ends the connection for good. */
  close(reason = 'closed by the viewer'): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.subscribeTimer);
    this.drop();
    this.setStatus({ phase: 'closed', reason });
  }

  /** Says what to show from now on. Only the latest of a quick succession is sent. */
  subscribe(view: View): void {
    this.view = { ...view, layers: [...view.layers] };
    this.filters.wanted(view.filter);
    this.scheduleSubscription();
  }

  /**
   * Shows the recording instead of what is live; undefined goes back to live.
   * Call it again with another speed, with `paused`, or with `at` to seek; what
   * is subscribed to stays. Where the replay is, is told by the event `replay`.
   */
  replay(request: ReplayRequest | undefined): void {
    this.asked = request && { ...request };
    this.scheduleSubscription();
  }

  /**
   * Tells of events, each exactly once and in order, also across lost connections:
   * without `after` first of all that are open. A message is acknowledged when
   * `onEvents` has returned, or the promise that it returned has settled; while it
   * has not, the next waits, and after 30 s the server ends the connection and
   * this client goes on with what was not told. One subscription a client: stop
   * it before the next.
   */
  events(request: EventsRequest): EventsSubscription {
    this.eventLane.begin(request);
    this.scheduleSubscription();
    const lane = this.eventLane;
    return {
      stop: () => {
        if (lane.end(request)) this.sendSubscription(); // before another can begin
      },
      get through() {
        return lane.throughOf(request);
      },
    };
  }

  /**
   * Tells the latest readings of the objects of layers: of each layer all of them
   * first, and again after a lost connection, then what changed. Call what it
   * returns to stop.
   */
  readings(layers: readonly string[], handler: ReadingsHandler): () => void {
    const stop = this.readingLanes.add(layers, handler);
    this.scheduleSubscription();
    return () => {
      stop();
      this.scheduleSubscription();
    };
  }

  /** What the server can tell besides what moves; empty before the hello. */
  get lanes(): readonly ('events' | 'readings')[] {
    return this.hello?.lanes ?? [];
  }

  /** Where the replay is that is shown; undefined: what is shown is live. */
  get replaying(): ReplayStatus | undefined {
    return this.shown && { ...this.shown, at: this.replayClock.now() };
  }

  private scheduleSubscription(): void {
    if (this.subscribeTimer !== undefined) return;
    const wait = this.lastSubscribed + this.options.subscribeEveryMs - this.options.now();
    if (wait <= 0) this.sendSubscription();
    else
      this.subscribeTimer = setTimeout(() => {
        this.subscribeTimer = undefined;
        this.sendSubscription();
      }, wait);
  }

  /** Listens to an event; call what it returns to stop. */
  on<E extends keyof LiveEvents>(event: E, listener: LiveEvents[E]): () => void {
    this.listeners[event].add(listener);
    return () => this.listeners[event].delete(listener);
  }

  get status(): ConnectionStatus {
    return this.current;
  }

  /** The live layers that the server has. */
  get layers(): readonly LayerInfo[] {
    return this.hello?.layers ?? [];
  }

  /** Whether the server keeps a history, so that `replay` is possible. */
  get recorded(): boolean {
    return this.hello?.recorded ?? false;
  }

  /** A subscribed live layer, once the server has told of it. */
  layer(id: string): LiveLayer | undefined {
    return this.layersById.get(id);
  }

  /**
   * The time of what is shown, milliseconds since 1970: the server's clock, or the
   * replay's; NaN before the first message.
   */
  serverNow(): number {
    return this.shown ? this.replayClock.now() : this.clock.now();
  }

  /** When the server was last heard, on the client's clock; NaN never. */
  get lastNews(): number {
    return this.lastWord;
  }

  /** Milliseconds since the newest position of a layer came to the server; NaN without one. */
  age(id: string): number {
    const newest = this.layersById.get(id)?.newest ?? 0;
    return newest > 0 ? Math.max(0, this.serverNow() - newest) : Number.NaN;
  }

  private emit<E extends keyof LiveEvents>(event: E, ...args: Parameters<LiveEvents[E]>): void {
    for (const listener of [...this.listeners[event]]) {
      try {
        (listener as (...a: Parameters<LiveEvents[E]>) => void)(...args);
      } catch (error) {
        console.error(error);
      }
    }
  }

  private setStatus(status: ConnectionStatus): void {
    this.current = status;
    this.emit('status', status);
  }

  private open(): void {
    this.retryTimer = undefined;
    let socket: Socket;
    try {
      socket = this.options.open(this.options.url);
    } catch (error) {
      this.lost(String(error));
      return;
    }
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = event => {
      if (socket === this.socket) this.receive(event.data);
    };
    socket.onclose = event => {
      if (socket === this.socket) this.lost(event.reason || `the connection ended (${event.code})`);
    };
    socket.onerror = () => {}; // a close follows
    this.lastWord = Number.isNaN(this.lastWord) ? Number.NaN : this.lastWord;
    const opened = this.options.now();
    let pinged = opened;
    this.watchTimer = setInterval(() => {
      const now = this.options.now();
      const heard = Math.max(opened, Number.isNaN(this.lastWord) ? opened : this.lastWord);
      if (now - heard > silenceMs) this.lost('the server is silent');
      else if (this.current.phase === 'live' && now - Math.max(heard, pinged) > pingMs) {
        pinged = now;
        socket.send(JSON.stringify({ type: 'ping', request: 0 }));
      }
    }, 1000);
  }

  /** Lets go of the socket without a word to anybody. */
  private drop(): void {
    clearInterval(this.watchTimer);
    const socket = this.socket;
    this.socket = undefined;
    if (!socket) return;
    socket.onmessage = socket.onclose = socket.onopen = null;
    try {
      socket.close();
    } catch {
      // it was never open
    }
  }

  private lost(reason: string): void {
    this.drop();
    const now = this.options.now();
    if (Number.isNaN(this.lostSince)) this.lostSince = now;
    const wait =
      Math.min(this.options.maxRetryMs, this.options.minRetryMs * 2 ** this.retries) *
      (0.5 + Math.random() / 2);
    this.retries++;
    this.setStatus({ phase: 'reconnecting', since: this.lostSince, retryAt: now + wait, reason });
    if (this.status.phase !== 'closed') this.retryTimer = setTimeout(() => this.open(), wait);
  }

  private receive(data: unknown): void {
    this.lastWord = this.options.now();
    try {
      if (typeof data === 'string') this.receiveText(data);
      else this.receiveFrames(data as ArrayBuffer);
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof SyntaxError || error instanceof RangeError))
        throw error;
      this.startOver(`the server's message cannot be read: ${error.message}`);
    }
  }

  /** After something that cannot be: connects again and asks for everything. */
  private startOver(reason: string): void {
    this.resumable = false;
    this.lost(reason);
  }

  private receiveText(data: string): void {
    const message = parseMessage(data);
    switch (message?.type) {
      case 'hello':
        this.clock.sample(message.time);
        this.hello = message;
        this.resumable = this.epoch === message.epoch && this.resumable;
        if (this.epoch === 0) this.changeNumber = message.change;
        this.retries = 0;
        this.lostSince = Number.NaN;
        this.shownEpoch = message.epoch;
        this.setReplay(undefined);
        this.emit('layers', message.layers);
        this.setStatus({ phase: 'live' });
        this.sendSubscription(true);
        this.epoch = message.epoch;
        this.resumable = true;
        break;
      case 'layers': {
        if (this.hello) this.hello = { ...this.hello, layers: message.layers };
        for (const id of [...this.layersById.keys()])
          if (!message.layers.some(l => l.id === id)) this.forget(id);
        this.emit('layers', message.layers);
        break;
      }
      case 'change':
        this.changeNumber = message.change;
        this.emit('change', message);
        break;
      case 'subscribed':
        this.shownEpoch = message.replay?.epoch ?? this.epoch;
        this.filters.accepted(message.request);
        this.filterHere();
        this.setReplay(message.replay);
        break;
      case 'replay':
        if (message.epoch === this.shownEpoch) {
          const { type: _, ...status } = message;
          this.setReplay(status);
        }
        break;
      case 'error':
        if (!this.asked && message.request === this.request && this.filters.refused(message)) {
          this.filterHere();
          this.sendSubscription();
          break;
        }
        if (this.asked && message.request === this.request) this.replayRefused();
        this.emit('error', message);
        break;
      case 'events': {
        const socket = this.socket;
        this.eventLane.take(message, sequence => {
          // What came by a connection that is lost counts as known: `after` says so.
          if (socket && socket === this.socket) socket.send(JSON.stringify({ type: 'ack', sequence }));
        });
        break;
      }
      case 'readings':
        this.readingLanes.take(message);
        break;
      case 'pong':
        this.clock.sample(message.time);
        break;
    }
  }

  private receiveFrames(data: ArrayBuffer): void {
    const layers: LiveLayer[] = [];
    let layer: LiveLayer | undefined;
    let faults = 0;
    for (const frame of readFrames(data)) {
      if (frame.epoch !== this.shownEpoch) continue; // of the replay, or the present, that was left
      this.heldEpoch = frame.epoch;
      if (frame.kind === 'sync') {
        if (frame.replay) this.replayClock.sample(frame.time);
        else this.clock.sample(frame.time);
        layer = undefined;
        if (!this.view?.layers.includes(frame.layer)) continue; // it was switched off meanwhile
        layer = this.layersById.get(frame.layer);
        if (!layer) {
          if (!frame.reset) continue; // from before the layer was switched off and on again
          layer = new LiveLayer(frame.layer);
          this.layersById.set(frame.layer, layer);
        }
        if (frame.reset) layer.setFilter(this.filters.of(frame.layer));
        layers.push(layer);
        faults -= layer.faults;
        layer.begin(frame);
      } else if (layer && frame.layer === layer.id) {
        if (frame.kind === 'entities') layer.applyEntities(frame);
        else layer.applyCells(frame);
      }
    }
    for (const l of layers) {
      const slots = l.finish();
      faults += l.faults;
      this.emit('frame', l, slots);
    }
    if (faults > 0) this.startOver('entities came without their names');
  }

  /** Goes on with what is shown: the server refuses the replay that was asked for. */
  private replayRefused(): void {
    this.asked = this.shown && {
      from: this.shown.from,
      to: this.shown.to,
      speed: this.shown.speed,
      paused: this.shown.state === 'paused',
    };
    if (!this.asked) this.scheduleSubscription();
  }

  private setReplay(status: ReplayStatus | undefined): void {
    if (!status && !this.shown) return;
    this.shown = status;
    if (status) {
      this.replayClock.steer(status);
      this.shownAt = status.at;
    } else if (!this.asked) {
      this.shownAt = undefined;
    }
    this.emit('replay', status);
  }

  /** Filters what is held where the server does not; where it does, from its next keyframe on. */
  private filterHere(): void {
    for (const [id, layer] of this.layersById)
      if (!this.filters.byServer(id)) layer.setFilter(this.filters.of(id));
  }

  private forget(id: string): void {
    const layer = this.layersById.get(id);
    if (!layer) return;
    this.layersById.delete(id);
    layer.clear();
    this.emit('frame', layer, layer.finish());
  }

  private sendSubscription(first = false): void {
    if (!this.socket || this.current.phase !== 'live') return;
    const view = this.view ?? nothing;
    const wanted = this.lanesWanted();
    if (!this.view && !wanted && !this.lanesSent) return;
    clearTimeout(this.subscribeTimer);
    this.subscribeTimer = undefined;
    this.lastSubscribed = this.options.now();
    for (const id of [...this.layersById.keys()]) if (!view.layers.includes(id)) this.forget(id);
    const { bbox, zoom, layers, filter, maxHz, maxEntities } = view;
    const message: Subscribe = {
      type: 'subscribe',
      request: ++this.request,
      bbox,
      zoom,
      layers: [...layers],
    };
    if (maxHz !== undefined) message.maxHz = maxHz;
    if (maxEntities !== undefined) message.maxEntities = maxEntities;
    this.filters.subscribe(message, filter);
    if (this.asked) {
      message.replay = { ...this.asked };
      if (first && this.shownAt !== undefined) message.replay.at ??= this.shownAt; // go on where it was
      delete this.asked.at; // it is sought once
    }
    if (first && this.epoch !== 0) {
      message.epoch = this.epoch;
      message.change = this.changeNumber;
      message.sequences = {};
      if (this.resumable && this.heldEpoch === this.epoch) {
        for (const [id, layer] of this.layersById) {
          const held = layer.resume();
          if (held) message.sequences[id] = held;
        }
      }
    }
    this.addLanes(message, first);
    this.lanesSent = wanted;
    this.socket.send(JSON.stringify(message));
  }

  private lanesWanted(): boolean {
    const has = (lane: 'events' | 'readings') => this.lanes.includes(lane);
    return (
      (has('events') && this.eventLane.active) || (has('readings') && this.readingLanes.layers().length > 0)
    );
  }

  private addLanes(message: Subscribe, first: boolean): void {
    const events = this.lanes.includes('events')
      ? this.eventLane.subscribe(message.request, first)
      : undefined;
    if (events) message.events = events;
    const readings = this.lanes.includes('readings') ? this.readingLanes.subscribe() : [];
    if (readings.length > 0) message.readings = readings;
  }
}
