import { ByteBuffer } from 'flatbuffers';
import { FrameError, Message, Table } from './columns';
import type { Window } from './protocol';
import { Body } from './wire/body';
import { Cells } from './wire/cells';
import { Frame } from './wire/frame';
import { Sync } from './wire/sync';

export { FrameError };

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
}

/**
 * Entities of one tile. A column is the index of its first row in the array of
 * the message that has its width: a row's x is `message.f32[x + row]`.
 */
export interface EntitiesFrame extends TileFrame {
  kind: 'entities';
  message: Message;
  /** In u32. */
  slot: number;
  /** In f32, as the next four. */
  x: number;
  y: number;
  height: number;
  course: number;
  speed: number;
  /** In i32: milliseconds, time of the frame − time of the position. */
  age: number;
  /** In bytes, as the next two. */
  state: number;
  class: number;
  flags: number;
  /** In u32: rows whose id and properties are in text. */
  named: number;
  namedCount: number;
  /** In u32, two a named row: where its id and its properties end in text. */
  textEnd: number;
  /** In bytes. */
  text: number;
  textLength: number;
  /** In u32: slots that left the tile. */
  left: number;
  leftCount: number;
}

/** Counts per cell, 32 × 32 cells a tile. */
export interface CellsFrame extends TileFrame {
  kind: 'cells';
  x: Float32Array;
  y: Float32Array;
  cell: Uint32Array;
  live: Uint32Array;
  stale: Uint32Array;
  offline: Uint32Array;
}

export type LiveFrame = SyncFrame | EntitiesFrame | CellsFrame;

const emptyFloats = new Float32Array(0);
const emptyInts = new Uint32Array(0);

/**
 * Reads the frames of one binary message. Nothing is copied: the columns lie in
 * the message, which must not be changed while they are used.
 */
export function* readFrames(data: ArrayBuffer): Generator<LiveFrame> {
  const message = new Message(data);
  const root = new Table(message);
  const body = new Table(message);
  const names = new Names(message);
  for (let at = 0; at < data.byteLength; ) {
    const size = message.u32[at >> 2] as number;
    if (size % 8 !== 4 || size < 12 || at + 4 + size > data.byteLength)
      throw new FrameError(`a frame of ${size} bytes`);
    const end = at + 4 + size;
    if (message.u32[(at + 8) >> 2] !== identifier) throw new FrameError('not a live frame');
    root.move(at + 4 + (message.u32[(at + 4) >> 2] as number), end);
    const version = root.field(0, 2);
    if (message.u16[version >> 1] !== frameVersion)
      throw new FrameError(`frames of version ${message.u16[version >> 1]}, expected ${frameVersion}`);
    const head = {
      epoch: root.u64(1),
      sequence: root.u64(2),
      time: root.f64(3),
      layer: names.read(root.vector(4), root.length),
      replay: root.u8(7) !== 0,
    };
    if (root.u8(5) === Body.Entities) yield readEntities(head, body.move(root.table(6), end));
    else yield readOther(head, new Uint8Array(data, at, size + 4));
    at = end;
  }
}

/** Classes that a layer can tell apart. */
const mostClasses = 255;

/** "TWL1" as a number. */
const identifier = 0x314c5754;

const text = new TextDecoder();

/** Reads strings that are mostly the same as the last. */
class Names {
  private last = '';
  private from = 0;
  private length = 0;

  constructor(private readonly message: Message) {}

  read(from: number, length: number): string {
    const { bytes } = this.message;
    let same = length === this.length;
    for (let i = 0; same && i < length; i++) same = bytes[from + i] === bytes[this.from + i];
    if (!same) this.last = text.decode(bytes.subarray(from, from + length));
    this.from = from;
    this.length = length;
    return this.last;
  }
}

/** Frames of which a message has few. */
function readOther(head: Head, bytes: Uint8Array): LiveFrame {
  const frame = Frame.getSizePrefixedRootAsFrame(new ByteBuffer(bytes));
  switch (frame.bodyType()) {
    case Body.Sync:
      return readSync(head, frame.body(new Sync()) as Sync);
    case Body.Cells:
      return readCells(head, frame.body(new Cells()) as Cells);
  }
  throw new FrameError(`a frame of kind ${frame.bodyType()}`);
}

function readSync(head: Head, body: Sync): SyncFrame {
  if (body.classesLength() > mostClasses) throw new FrameError(`${body.classesLength()} classes`);
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

function readEntities(head: Head, body: Table): EntitiesFrame {
  const stride = body.field(8, 1) ? body.u8(8) : 4;
  if (stride !== 4) throw new FrameError(`positions of ${stride} bytes, expected 4`);
  const count = body.u32(7);
  const namedAt = body.vector(19);
  const namedCount = body.length >> 2;
  const textEnd = body.column(20, 2 * namedCount, 4);
  const textAt = body.vector(21);
  const textLength = body.length;
  const left = body.vector(22);
  const leftCount = body.length >> 2;
  return {
    epoch: head.epoch,
    sequence: head.sequence,
    time: head.time,
    layer: head.layer,
    replay: head.replay,
    kind: 'entities',
    base: body.u64(0),
    z: body.u8(1),
    tileX: body.u32(2),
    tileY: body.u32(3),
    originX: body.f64(4),
    originY: body.f64(5),
    scale: body.f64(6),
    count,
    message: body.message,
    left: left >> 2,
    leftCount,
    slot: body.column(9, count, 4),
    x: body.column(10, count, 4),
    y: body.column(11, count, 4),
    height: body.column(12, count, 4),
    course: body.column(13, count, 4),
    speed: body.column(14, count, 4),
    age: body.column(15, count, 4),
    state: body.column(16, count, 1),
    class: body.column(17, count, 1),
    flags: body.column(18, count, 1),
    named: namedAt >> 2,
    namedCount,
    textEnd,
    text: textAt,
    textLength,
  };
}

function readCells(head: Head, body: Cells): CellsFrame {
  return {
    ...head,
    kind: 'cells',
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
