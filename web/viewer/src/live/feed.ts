import type { BBox } from '../config/config';
import type { Change } from '../map/refresher';
import type { Reading } from '../readings/readings';

/** Hears readings of a layer. */
export type ReadingsTold = (layer: string, changed: readonly Reading[], reset: boolean) => void;

/** How an entity ages: 0 marks a free slot. */
export const State = { free: 0, live: 1, stale: 2, offline: 3 } as const;

/**
 * One live layer as columns with a row for each slot. A slot belongs to one
 * entity until that leaves; then its state is `free` and the slot is used
 * again. The arrays are replaced by larger ones when the layer grows: read them
 * anew each time.
 */
export interface LiveColumns {
  readonly layer: string;
  /** Slots 0 to size−1 may be in use. */
  readonly size: number;
  /** Degrees. */
  readonly lon: Float64Array;
  readonly lat: Float64Array;
  /** Metres of the layer's vertical datum, NaN unknown: on the ground. */
  readonly z?: Float32Array;
  /** Degrees clockwise from north, NaN unknown. */
  readonly course: Float32Array;
  /** Metres per second, NaN unknown. */
  readonly speed: Float32Array;
  /** Milliseconds since 1970 on the server's clock. */
  readonly time: Float64Array;
  readonly state: Uint8Array;
  id(slot: number): string;
  /** What stands on the symbol, such as a line's letter; '' for nothing. */
  label(slot: number): string;
  /** The slot of an entity, −1 if it is not in view. */
  slotOf(id: string): number;
  properties(slot: number): Record<string, unknown> | undefined;
}

/** Entities of a layer, everywhere. */
export interface LiveCounts {
  live: number;
  stale: number;
  offline: number;
}

/** Counts by place, in columns: what a layer sends instead of entities when too many are in view. */
export interface LiveCells {
  /** Rows in use. */
  readonly size: number;
  /** Degrees. */
  readonly lon: Float64Array;
  readonly lat: Float64Array;
  readonly live: Uint32Array;
  readonly stale: Uint32Array;
  readonly offline: Uint32Array;
}

/** Where a replay is. */
export interface Replaying {
  /** The replay's clock, milliseconds since 1970. */
  at: number;
  /** Seconds of the recording a second. */
  speed: number;
  state: 'playing' | 'paused' | 'ended';
}

/** The state of the connection; times are of performance.now(). */
export type LiveStatus =
  | { phase: 'connecting' }
  | { phase: 'live' }
  | { phase: 'reconnecting'; since: number }
  | { phase: 'closed'; reason: string };

/** What a viewer sees and so needs. */
export interface LiveView {
  bbox: BBox;
  zoom: number;
  /** Entities of a layer in view before counts by place take their room. */
  maxEntities: number;
  /** Live layers to show, and static ones whose changes are to be told. */
  layers: string[];
}

/** Everything live, as the rest of the viewer sees it; ClientFeed fills it from the LiveClient. */
export interface LiveFeed {
  readonly status: LiveStatus;
  /** performance.now() of the last word from the server; NaN before the first. */
  readonly lastNews: number;
  /** The server's clock, milliseconds since 1970; NaN before the first word. */
  serverNow(): number;
  /** Whether the server keeps a history, so that `replay` is possible. */
  readonly recorded?: boolean;
  /** Where the replay is that is shown; undefined: what is shown is live. */
  readonly replaying?: Replaying | undefined;
  /** Shows the recording, or goes on in it; undefined goes back to live. Times are milliseconds since 1970. */
  replay?(
    request: { from: number; to?: number; at?: number; speed?: number; paused?: boolean } | undefined,
  ): void;
  /** Milliseconds since the newest position of a layer; NaN without one. */
  age(layer: string): number;
  /** Seconds between two positions of an entity, as the layer expects them. */
  period(layer: string): number;
  view(view: LiveView): void;
  columns(layer: string): LiveColumns | undefined;
  counts(layer: string): LiveCounts | undefined;
  /** Counts by place while the layer sends those instead of entities, else undefined. */
  cells(layer: string): LiveCells | undefined;
  onStatus(heard: (status: LiveStatus) => void): () => void;
  /** Slots of a layer that changed, freed ones included; null: all may have, or the layer is gone. */
  onFrame(heard: (layer: string, slots: ArrayLike<number> | null) => void): () => void;
  onChange(heard: (change: FeatureChange) => void): () => void;
  /** Readings of the objects of static layers: all of a layer with `reset`, then what changed. */
  readings?(layers: string[], heard: ReadingsTold): () => void;
  /** Whether the server tells of cases and alarms; undefined before its first word. */
  readonly tellsEvents?: boolean | undefined;
  /** Cases and alarms: first all that are open, then each new version. Only one may listen. */
  events?(heard: EventsTold): () => void;
  close(): void;
}

/**
 * Hears of versions of cases and alarms, as /live/events has them.
 * @param part of all that are open: the first and the last of such a series; undefined: news
 */
export type EventsTold = (
  events: readonly unknown[],
  part: { first: boolean; last: boolean } | undefined,
) => void;

/** Features of a static layer changed. */
export interface FeatureChange extends Change {
  /** Which; null: more than can be listed. */
  ids: readonly string[] | null;
}
