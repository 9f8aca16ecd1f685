/**
 * The messages of the live protocol that are JSON text; realtime/wire/SPEC.md
 * in the repository describes them.
 */

/** West, south, east, north in degrees; west may exceed east across the 180th meridian. */
export type BBox = [west: number, south: number, east: number, north: number];

/** One text in the languages of twind; an absent one falls back to the other. */
export interface Text {
  zh?: string;
  en?: string;
}

/** A live layer as the server announces it. Times are milliseconds of silence. */
export interface LayerInfo {
  id: string;
  title: Text;
  kind: string;
  provenance: '' | 'generated' | 'estimated';
  /** The property that is an entity's name, or ''. */
  label: string;
  /** The property that tells classes apart, or ''. */
  classBy: string;
  /** Expected time between two positions of one entity. */
  periodMs: number;
  staleMs: number;
  offlineMs: number;
  removedMs: number;
}

export interface Hello {
  type: 'hello';
  version: number;
  format: 'binary' | 'json';
  epoch: number;
  sequence: number;
  change: number;
  /** Milliseconds since 1970, the server's clock. */
  time: number;
  tickHz: number;
  resumeMs: number;
  limits: { messageBytes: number; layers: number; maxEntities: number };
  layers: LayerInfo[];
  /** The server keeps a history: replays are possible. */
  recorded?: boolean;
  /** What can be subscribed to besides layers. */
  lanes?: ('events' | 'readings')[];
}

/** What an event is a version of: what somebody reported, what a rule raised, what a rule only noted. */
export type EventKind = 'case' | 'alarm' | 'outcome';

/**
 * The states of events. Alarms: new, acknowledged, closed. Cases: new 采集, accepted 立案,
 * dispatched 派遣, handling 处理, handled 反馈, verified 核查, closed 结案, rejected 不予立案.
 * Outcomes: ''.
 */
export type EventState =
  | 'new'
  | 'acknowledged'
  | 'accepted'
  | 'dispatched'
  | 'handling'
  | 'handled'
  | 'verified'
  | 'closed'
  | 'rejected'
  | '';

/** One version of an event. Times are RFC 3339; places degrees. */
export interface LiveEvent {
  sequence: number;
  /** Of the case or alarm, whose versions share it. */
  id: string;
  kind: EventKind;
  class: string;
  state: EventState;
  /** The object or entity that it is about. */
  layer?: string;
  entity?: string;
  /** When it was so. */
  time: string;
  /** When the server knew. */
  received: string;
  lon?: number;
  lat?: number;
  title?: Text;
  /** Who has it. */
  owner?: string;
  note?: string;
  /** Of cases. */
  text?: string;
  /** Where it came from, such as `12345`. */
  source?: string;
  /** Until when it has to have come to a state. */
  deadlines?: Partial<Record<EventState, string>>;
  /** The next of them. */
  due?: string;
  /** A deadline has passed, by the server's rule. */
  overdue?: boolean;
  properties?: Record<string, unknown>;
  /** Of alarms: false when it is no longer so; how many outcomes it stands for. */
  active?: boolean;
  count?: number;
  /** Of alarms: since when it is so, the same in every version. */
  began?: string;
  acknowledgedAt?: string;
  /** What the rule found. */
  evidence?: Record<string, unknown>;
}

/** Events in the order of their numbers, or part of what is open. */
export interface EventsMessage {
  type: 'events';
  /** The subscription that began the lane. */
  request: number;
  items: LiveEvent[];
  /** All up to it have been told; to be acknowledged. Absent of a part of what is open that is not the last. */
  through?: number;
  /** The items are the current versions of what is open. */
  snapshot?: boolean;
  /** Forget what was known: a snapshot begins. */
  reset?: boolean;
  /** More of the snapshot follows. */
  more?: boolean;
  /** Events after one number and before another cannot be read any more. */
  gap?: { after: number; from: number };
}

/** A reading of a city object. Times are milliseconds since 1970. */
export interface Reading {
  feature: string;
  property: string;
  datastream: string;
  name: Text;
  value: number | string | boolean | null;
  /** UCUM, or ''. */
  unit: string;
  /** By the source's clock. */
  time: number;
  received: number;
  /** How long the datastream has been silent, by its own period. */
  state: 'live' | 'stale' | 'offline';
  /** alarm: a threshold is crossed. warning: one that raises no alarm is, or the alarm is still open. */
  level: 'normal' | 'warning' | 'alarm';
  /** Where the object is, degrees. */
  lon?: number;
  lat?: number;
}

/** The readings of a layer that changed; with `reset` all of them. */
export interface ReadingsMessage {
  type: 'readings';
  layer: string;
  sequence: number;
  reset: boolean;
  items: Reading[];
}

/** Features of a static layer changed: tiles that touch `bbox` are to be fetched again. */
export interface Change {
  type: 'change';
  change: number;
  layer: string;
  /** The layer's revision that the new tiles have; 0 where unknown. */
  revision: number;
  /** Where; null: anywhere. */
  bbox: BBox | null;
  /** Everything may have changed, the layer's description too. */
  whole: boolean;
  /** The features that changed; null: more than can be listed. */
  ids: string[] | null;
}

export interface ServerError {
  type: 'error';
  request: number;
  code: 'invalid' | 'unsupported' | 'unavailable';
  /** One sentence. */
  message: string;
}

export interface Subscribed {
  type: 'subscribed';
  request: number;
  hz: number;
  live: string[];
  /** Set while a recording is shown. */
  replay?: ReplayStatus;
}

/** Where a replay is. Times are milliseconds since 1970. */
export interface ReplayStatus {
  /** Of its frames. */
  epoch: number;
  from: number;
  to: number;
  /** The replay's clock. */
  at: number;
  /** Seconds of the recording a second. */
  speed: number;
  state: 'playing' | 'paused' | 'ended';
}

export type ServerMessage =
  | Hello
  | Change
  | ServerError
  | Subscribed
  | EventsMessage
  | ReadingsMessage
  | ({ type: 'replay' } & ReplayStatus)
  | { type: 'layers'; layers: LayerInfo[] }
  | { type: 'pong'; request: number; time: number };

/** A rectangle of tiles of zoom z; columns count modulo 2^z. */
export interface Window {
  z: number;
  x: number;
  y: number;
  w: number;
  h: number;
}

/** What the viewer still holds of a layer. */
export interface Held {
  sequence: number;
  view: number;
  window: Window;
}

export interface Subscribe {
  type: 'subscribe';
  request: number;
  bbox: BBox;
  zoom: number;
  layers: string[];
  filter?: Record<string, string>;
  maxHz?: number;
  maxEntities?: number;
  epoch?: number;
  change?: number;
  sequences?: Record<string, Held>;
  replay?: ReplayRequest;
  events?: EventsFilter & { after?: number };
  readings?: string[];
}

/** Which events are wanted. */
export interface EventsFilter {
  /** Classes; absent: all. */
  classes?: readonly string[];
  /** Only events with a place in it. */
  bbox?: BBox;
}

/** What part of the recording to show, and how fast. Times are milliseconds since 1970. */
export interface ReplayRequest {
  from: number;
  /** Absent: the present. */
  to?: number;
  /** Where to begin, or to go to; absent: at `from`, or where it is. */
  at?: number;
  /** Seconds of the recording a second, 0.1 to 60; absent: 1. */
  speed?: number;
  paused?: boolean;
}

/** Tells whether a window holds the tile x, y of its zoom. */
export function windowHas(window: Window, x: number, y: number): boolean {
  const n = 2 ** window.z;
  return (((x - window.x) % n) + n) % n < window.w && y >= window.y && y - window.y < window.h;
}

/** Reads a text message; undefined for one of a type that this client does not know. */
export function parseMessage(text: string): ServerMessage | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  switch (value.type) {
    case 'hello':
    case 'layers':
    case 'change':
    case 'error':
    case 'subscribed':
    case 'replay':
    case 'events':
    case 'readings':
    case 'pong':
      return value as ServerMessage;
  }
  return undefined;
}
