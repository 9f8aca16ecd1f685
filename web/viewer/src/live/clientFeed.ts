import type { Config } from '../config/config';
import type { LiveClient, LiveLayer, ReplayRequest } from '../realtime';
import type {
  EventsTold,
  FeatureChange,
  LiveCells,
  LiveColumns,
  LiveCounts,
  LiveFeed,
  LiveStatus,
  LiveView,
  ReadingsTold,
  Replaying,
} from './feed';

const usualPeriod = 2; // seconds, where a layer does not say its own

/** The LiveClient as the viewer uses it. */
export class ClientFeed implements LiveFeed {
  private readonly wrapped = new WeakMap<LiveLayer, LiveColumns>();

  constructor(
    private readonly client: LiveClient,
    private readonly config: Config,
    private readonly everyEntity = false,
  ) {}

  get status(): LiveStatus {
    return this.client.status;
  }

  get lastNews(): number {
    return this.client.lastNews;
  }

  serverNow(): number {
    return this.client.serverNow();
  }

  get recorded(): boolean {
    return this.client.recorded;
  }

  get tellsEvents(): boolean | undefined {
    return this.client.status.phase === 'live' ? this.client.lanes.includes('events') : undefined;
  }

  events(heard: EventsTold): () => void {
    const { stop } = this.client.events({
      onEvents: (events, { snapshot, reset, more }) =>
        heard(events, snapshot ? { first: reset, last: !more } : undefined),
    });
    return stop;
  }

  get replaying(): Replaying | undefined {
    return this.client.replaying;
  }

  replay(request: ReplayRequest | undefined): void {
    this.client.replay(request);
  }

  age(layer: string): number {
    return this.client.age(layer);
  }

  period(layer: string): number {
    const ms = this.client.layers.find(({ id }) => id === layer)?.periodMs ?? 0;
    return ms > 0 ? ms / 1000 : usualPeriod;
  }

  view(view: LiveView): void {
    this.client.subscribe(this.everyEntity ? { ...view, maxEntities: -1 } : view);
  }

  columns(id: string): LiveColumns | undefined {
    const layer = this.client.layer(id);
    if (!layer) return undefined;
    let columns = this.wrapped.get(layer);
    if (!columns) {
      const label = this.config.layers.find(candidate => candidate.id === id)?.label ?? '';
      columns = new Columns(layer, label);
      this.wrapped.set(layer, columns);
    }
    return columns;
  }

  counts(layer: string): LiveCounts | undefined {
    return this.client.layer(layer)?.counts;
  }

  cells(id: string): LiveCells | undefined {
    const layer = this.client.layer(id);
    return layer?.mode === 'cells' ? layer.cells : undefined;
  }

  onStatus(heard: (status: LiveStatus) => void): () => void {
    return this.client.on('status', heard);
  }

  onFrame(heard: (layer: string, slots: ArrayLike<number> | null) => void): () => void {
    return this.client.on('frame', (layer, slots) => heard(layer.id, slots));
  }

  onChange(heard: (change: FeatureChange) => void): () => void {
    return this.client.on('change', heard);
  }

  readings(layers: string[], heard: ReadingsTold): () => void {
    return this.client.readings(layers, {
      onReadings: (layer, changed, _all, reset) =>
        heard(
          layer,
          changed.map(reading => ({ ...reading, layer })),
          reset,
        ),
    });
  }

  close(): void {
    this.client.close();
  }
}

/** The columns of one layer; the arrays are the layer's own. */
class Columns implements LiveColumns {
  constructor(
    private readonly source: LiveLayer,
    private readonly labelProperty: string,
  ) {}

  get layer(): string {
    return this.source.id;
  }
  get size(): number {
    return this.source.size;
  }
  get lon(): Float64Array {
    return this.source.lon;
  }
  get lat(): Float64Array {
    return this.source.lat;
  }
  get z(): Float32Array {
    return this.source.z;
  }

  get course(): Float32Array {
    return this.source.course;
  }
  get speed(): Float32Array {
    return this.source.speed;
  }
  get time(): Float64Array {
    return this.source.time;
  }
  get state(): Uint8Array {
    return this.source.state;
  }

  id(slot: number): string {
    return this.source.entityId(slot);
  }

  label(slot: number): string {
    const byClass = this.source.classes[this.source.class[slot] ?? -1];
    if (byClass) return byClass;
    const label = this.source.properties(slot)[this.labelProperty];
    return typeof label === 'string' ? label : '';
  }

  slotOf(id: string): number {
    return this.source.slotOf(id);
  }

  properties(slot: number): Record<string, unknown> {
    return this.source.properties(slot);
  }
}
