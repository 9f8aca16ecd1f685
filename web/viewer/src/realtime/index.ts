/** The client of twind's live protocol, realtime/wire/SPEC.md; README.md beside this file shows its use. */
export {
  type ConnectionStatus,
  LiveClient,
  type LiveClientOptions,
  type LiveEvents,
  type Socket,
  type View,
} from './client';
export type { EventsInfo, EventsRequest, EventsSubscription, ReadingsHandler } from './lanes';
export { readingKey } from './lanes';
export { EntityFlag, EntityState, LiveCells, LiveLayer, noClass } from './layer';
export { positionAt, ReplayClock, ServerClock, standing } from './motion';
export type {
  BBox,
  Change,
  EventKind,
  EventState,
  EventsFilter,
  LayerInfo,
  LiveEvent,
  Reading,
  ReplayRequest,
  ReplayStatus,
  ServerError,
} from './protocol';
