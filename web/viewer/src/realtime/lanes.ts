import type { EventsFilter, EventsMessage, LiveEvent, Reading, ReadingsMessage, Subscribe } from './protocol';

/** What is told with events. */
export interface EventsInfo {
  /** The events are the current versions of what is open, not news. */
  snapshot: boolean;
  /** A snapshot begins: what was known before is to be forgotten. */
  reset: boolean;
  /** More of the snapshot follows. */
  more: boolean;
  /** All events up to it have been told; undefined until the snapshot has ended. */
  through: number | undefined;
}

/** What is wanted of the events. */
export interface EventsRequest extends EventsFilter {
  /** The last event that is known; absent: begin with what is open. */
  after?: number;
  onEvents(events: readonly LiveEvent[], info: EventsInfo): void | Promise<void>;
  /** Events after one number and before another are gone: the server's log no longer has them. */
  onGap?(gap: { after: number; from: number }): void;
}

/** Events that are being told. */
export interface EventsSubscription {
  stop(): void;
  /** All events up to it have been handled; undefined: none yet. To be given as `after` another time. */
  readonly through: number | undefined;
}

/** Goes on with events where it was: the lane of events of a LiveClient. */
export class EventLane {
  private request: EventsRequest | undefined;
  /** All up to it have come, if not been handled. */
  private received: number | undefined;
  private handled: number | undefined;
  /** The subscription with which it began on this connection; messages of an earlier one are not for it. */
  private began: number | undefined;
  private queue: Promise<void> | undefined;

  get active(): boolean {
    return this.request !== undefined;
  }

  begin(request: EventsRequest): void {
    if (this.request) throw new Error('events are told already: stop that subscription first');
    this.request = request;
    this.received = this.handled = request.after;
    this.began = undefined;
    this.queue = undefined;
  }

  /** Tells whether it ended: whether it was this request's. */
  end(request: EventsRequest): boolean {
    if (this.request !== request) return false;
    this.request = undefined;
    return true;
  }

  throughOf(request: EventsRequest): number | undefined {
    return this.request === request ? this.handled : undefined;
  }

  /** What to say in a subscription; `first` of a connection. */
  subscribe(request: number, first: boolean): Subscribe['events'] | undefined {
    if (!this.request) return undefined;
    if (first || this.began === undefined) this.began = request;
    const { classes, bbox } = this.request;
    const events: NonNullable<Subscribe['events']> = {};
    if (this.received !== undefined) events.after = this.received;
    if (classes) events.classes = [...classes];
    if (bbox) events.bbox = bbox;
    return events;
  }

  /** Takes a message; acknowledge is called once it has been handled. */
  take(message: EventsMessage, acknowledge: (sequence: number) => void): void {
    const request = this.request;
    if (!request || this.began === undefined || message.request < this.began) return;
    if (message.reset) this.received = undefined;
    this.received = message.through ?? this.received;
    const done = () => {
      if (message.through === undefined) return;
      if (this.request === request) this.handled = message.through;
      acknowledge(message.through);
    };
    const running = this.queue
      ? this.queue.then(() => this.handle(request, message))
      : this.handle(request, message);
    if (!running) {
      done();
      return;
    }
    const queue: Promise<void> = running.then(() => {
      done();
      if (this.queue === queue) this.queue = undefined;
    });
    this.queue = queue;
  }

  /** Calls the handler; what it throws does not stop the others, and is told on the console. */
  private handle(request: EventsRequest, message: EventsMessage): Promise<void> | undefined {
    if (this.request !== request) return undefined;
    try {
      if (message.gap) request.onGap?.(message.gap);
      const result = request.onEvents(message.items, {
        snapshot: message.snapshot ?? false,
        reset: message.reset ?? false,
        more: message.more ?? false,
        through: message.through,
      });
      return result?.catch((error: unknown) => console.error(error));
    } catch (error) {
      console.error(error);
      return undefined;
    }
  }
}

/** Names a reading in its layer. */
export function readingKey(reading: { feature: string; property: string }): string {
  return `${reading.feature}\u0000${reading.property}`;
}

/** Hears of readings. */
export interface ReadingsHandler {
  /** Readings of a layer that changed, and all of it by readingKey; `reset`: forget what was known. */
  onReadings(
    layer: string,
    changed: readonly Reading[],
    all: ReadonlyMap<string, Reading>,
    reset: boolean,
  ): void;
}

/** The lanes of readings of a LiveClient, shared by its handlers. */
export class ReadingLanes {
  private readonly handlers = new Map<ReadingsHandler, ReadonlySet<string>>();
  private readonly held = new Map<string, Map<string, Reading>>();

  /** Adds a handler; what is known already it is told at once. Call the result to remove it. */
  add(layers: readonly string[], handler: ReadingsHandler): () => void {
    const own: ReadingsHandler = { onReadings: (...args) => handler.onReadings(...args) };
    this.handlers.set(own, new Set(layers));
    for (const layer of new Set(layers)) {
      const all = this.held.get(layer);
      if (all) this.tell(own, layer, [...all.values()], all, true);
    }
    return () => this.handlers.delete(own);
  }

  /** The layers that somebody wants, sorted. */
  layers(): string[] {
    return [...new Set([...this.handlers.values()].flatMap(layers => [...layers]))].sort();
  }

  /** What to say in a subscription; what is no longer wanted is forgotten. */
  subscribe(): string[] {
    const layers = this.layers();
    for (const layer of [...this.held.keys()]) if (!layers.includes(layer)) this.held.delete(layer);
    return layers;
  }

  take(message: ReadingsMessage): void {
    const { layer, reset, items } = message;
    let all = this.held.get(layer);
    if (!all || reset) {
      if (!reset) return; // from before the layer was dropped and asked for again
      all = new Map();
      this.held.set(layer, all);
    }
    for (const reading of items) all.set(readingKey(reading), reading);
    for (const [handler, layers] of [...this.handlers])
      if (layers.has(layer)) this.tell(handler, layer, items, all, reset);
  }

  private tell(
    handler: ReadingsHandler,
    layer: string,
    changed: readonly Reading[],
    all: ReadonlyMap<string, Reading>,
    reset: boolean,
  ): void {
    try {
      handler.onReadings(layer, changed, all, reset);
    } catch (error) {
      console.error(error);
    }
  }
}
