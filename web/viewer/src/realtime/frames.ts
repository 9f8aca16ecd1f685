import { ByteBuffer } from 'flatbuffers';
import type { Window } from './protocol';
import { Body } from './wire/body';
import { Cells } from './wire/cells';
import { Entities } from './wire/entities';
import { Frame } from './wire/frame';
import { Sync } from './wire/sync';

/** The version of the frames that this client reads. */
export const frameVersion = 1;

interface Head {
  epoch: number;
  sequence: number;
  /** Milliseconds since 1970, the server's clock. */
  time: number;
  layer: string;
  /** Of a recording: `time` is that of the replay. */
  replay: boolean;
}

/** Precedes the frames of a layer: what the viewer holds once they are applied. */
export interface SyncFrame extends Head {
  kind: 'sync';
  /** Forget all of the layer first. */
  reset: boolean;
  mode: 'entities' | 'cells';
  view: number;
  window: Window;
  /** When the newest position came to the server, milliseconds since 1970; 0 none. */
  newest: number;
  live: number;
  stale: number;
  offline: number;
  /** Names by number of class; undefined: as before. */
  classes: string[] | undefined;
}

interface TileFrame extends Head {
  /** What changed after this sequence; 0 is all there is. */
  base: number;
  z: number;
  tileX: number;
  tileY: number;
  /** Web Mercator with a world of width 1: position = origin + scale · (x, y). */
  originX: number;
  originY: number;
  scale: number;
  count: number;
  x: Float32Array;
  y: Float32Array;
}

/** Entities of one tile. The columns are views into the message, one row an entity. */
export interface EntitiesFrame extends TileFrame {
  kind: 'entities';
  slot: Uint32Array;
  height: Float32Array;
  course: Float32Array;
  speed: Float32Array;
  /** Milliseconds: time of the frame − time of the position. */
  age: Int32Array;
  state: Uint8Array;
  class: Uint8Array;
  flags: Uint8Array;
  /** Rows whose id and properties are in text. */
  named: Uint32Array;
  /** Two a named row: where its id and its properties end in text. */
  textEnd: Uint32Array;
  text: Uint8Array;
  /** Slots that left the tile. */
  left: Uint32Array;
}

/** Counts per cell, 32 × 32 cells a tile. */
export interface CellsFrame extends TileFrame {
  kind: 'cells';
  cell: Uint32Array;
  live: Uint32Array;
  stale: Uint32Array;
  offline: Uint32Array;
}

export type LiveFrame = SyncFrame | EntitiesFrame | CellsFrame;

/** A message that is not what the server's specification says. */
export class FrameError extends Error {
  override name = 'FrameError';
}

const emptyBytes = new Uint8Array(0);
const emptyFloats = new Float32Array(0);
const emptyInts = new Uint32Array(0);

/**
 * Reads the frames of one binary message. Nothing is copied: the columns are
 * typed arrays over the message, which must not be changed while they are used.
 */
export function* readFrames(message: ArrayBuffer): Generator<LiveFrame> {
  const sizes = new DataView(message);
  for (let at = 0; at < message.byteLength; ) {
    if (at + 8 > message.byteLength)
      throw new FrameError(`${message.byteLength - at} bytes at the end of a message`);
    const size = sizes.getUint32(at, true);
    if (size % 8 !== 4 || at + 4 + size > message.byteLength)
      throw new FrameError(`a frame of ${size} bytes`);
    yield readFrame(new Uint8Array(message, at, size + 4));
    at += 4 + size;
  }
}

function readFrame(bytes: Uint8Array): LiveFrame {
  const buffer = new ByteBuffer(bytes);
  const frame = Frame.getSizePrefixedRootAsFrame(buffer);
  if (!Frame.bufferHasIdentifier(buffer)) throw new FrameError('not a live frame');
  if (frame.version() !== frameVersion)
    throw new FrameError(`frames of version ${frame.version()}, expected ${frameVersion}`);
  const head = {
    epoch: Number(frame.epoch()),
    sequence: Number(frame.sequence()),
    time: frame.time(),
    layer: frame.layer() ?? '',
    replay: frame.replay(),
  };
  switch (frame.bodyType()) {
    case Body.Sync:
      return readSync(head, frame.body(new Sync()) as Sync);
    case Body.Entities:
      return readEntities(head, frame.body(new Entities()) as Entities);
    case Body.Cells:
      return readCells(head, frame.body(new Cells()) as Cells);
  }
  throw new FrameError(`a frame of kind ${frame.bodyType()}`);
}

function readSync(head: Head, body: Sync): SyncFrame {
  const classes: string[] = [];
  for (let i = 0; i < body.classesLength(); i++) classes.push(body.classes(i) ?? '');
  return {
    ...head,
    kind: 'sync',
    reset: body.reset(),
    mode: body.mode() === 0 ? 'entities' : 'cells',
    view: body.view(),
    window: { z: body.windowZ(), x: body.windowX(), y: body.windowY(), w: body.windowW(), h: body.windowH() },
    newest: body.newest(),
    live: body.live(),
    stale: body.stale(),
    offline: body.offline(),
    classes: classes.length > 0 ? classes : undefined,
  };
}

function readTile(head: Head, body: Entities | Cells): TileFrame {
  return {
    ...head,
    base: Number(body.base()),
    z: body.tileZ(),
    tileX: body.tileX(),
    tileY: body.tileY(),
    originX: body.originX(),
    originY: body.originY(),
    scale: body.scale(),
    count: body.count(),
    x: floats(body.xArray()),
    y: floats(body.yArray()),
  };
}

function readEntities(head: Head, body: Entities): EntitiesFrame {
  if (body.stride() !== 4) throw new FrameError(`positions of ${body.stride()} bytes, expected 4`);
  const age = body.ageArray();
  const frame: EntitiesFrame = {
    ...readTile(head, body),
    kind: 'entities',
    slot: ints(body.slotArray()),
    height: floats(body.zArray()),
    course: floats(body.courseArray()),
    speed: floats(body.speedArray()),
    age: age ? new Int32Array(age.buffer, age.byteOffset, age.byteLength >> 2) : new Int32Array(0),
    state: body.stateArray() ?? emptyBytes,
    class: body.classArray() ?? emptyBytes,
    flags: body.flagsArray() ?? emptyBytes,
    named: ints(body.namedArray()),
    textEnd: ints(body.textEndArray()),
    text: body.textArray() ?? emptyBytes,
    left: ints(body.leftArray()),
  };
  const n = frame.count;
  for (const column of [
    frame.slot,
    frame.x,
    frame.y,
    frame.height,
    frame.course,
    frame.speed,
    frame.age,
    frame.state,
    frame.class,
    frame.flags,
  ]) {
    if (column.length !== n) throw new FrameError(`a column of ${column.length} rows, expected ${n}`);
  }
  if (frame.textEnd.length !== 2 * frame.named.length) throw new FrameError('names without text');
  return frame;
}

function readCells(head: Head, body: Cells): CellsFrame {
  return {
    ...readTile(head, body),
    kind: 'cells',
    cell: ints(body.cellArray()),
    live: ints(body.liveArray()),
    stale: ints(body.staleArray()),
    offline: ints(body.offlineArray()),
  };
}

function floats(bytes: Uint8Array | null): Float32Array {
  return bytes ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2) : emptyFloats;
}

function ints(bytes: Uint8Array | null): Uint32Array {
  return bytes ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2) : emptyInts;
}
