/** The client of twind's live protocol, realtime/wire/SPEC.md; README.md beside this file shows its use. */
export {
  type ConnectionStatus,
  LiveClient,
  type LiveClientOptions,
  type LiveEvents,
  type Socket,
  type View,
} from './client';
export { EntityFlag, EntityState, LiveCells, LiveLayer, noClass } from './layer';
export { positionAt, ReplayClock, ServerClock, standing } from './motion';
export type { BBox, Change, LayerInfo, ReplayRequest, ReplayStatus, ServerError } from './protocol';
