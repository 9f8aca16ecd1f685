import { mercator, unmercator } from '../map/tiles';
import { type LiveColumns, State } from './feed';
import { LocalMercator, world } from './localMercator';

/** Bytes of one entity in the buffer that the graphics card reads. */
export const stride = 44;

/** Where each attribute stands in an entity's bytes. */
export const offsets = {
  position: 0,
  velocity: 8,
  error: 16,
  times: 24,
  turn: 32,
  look: 36,
  height: 40,
} as const;

/** Seconds over which a correction is spread, so that nothing jumps. */
export const blend = 0.6;
/** Slower than this, in m/s, is standing. */
const standing = 0.4;
/** A correction of more metres than this is a jump, not a drift. */
const jump = 400;
/** Seconds after which the local clock starts again, to keep Float32 times exact to a millisecond. */
const clockSpan = 3600;

/** Where an entity is shown, in the layer's local metres. */
export interface Shown {
  x: number;
  y: number;
  /** Above the ground. */
  z: number;
}

/** Metres above the ground of something at a height of its layer's vertical datum. */
export type AboveGround = (lon: number, lat: number, z: number) => number;

/** What `set` needs of an update, taken out of its loop. */
interface Taken {
  lon: Float64Array;
  lat: Float64Array;
  z: Float32Array | undefined;
  course: Float32Array;
  speed: Float32Array;
  time: Float64Array;
  state: Uint8Array;
  clock: number;
  now: number;
  serverNow: number;
}

/**
 * The tracks of one live layer as the graphics card draws them: position,
 * velocity and the error being blended away, in metres of Web Mercator from a
 * local origin (doubles fix the origin, so Float32 has millimetres near it),
 * times in seconds of a local clock. One writer: the main thread.
 */
export class Tracks {
  buffer = new ArrayBuffer(0);
  private floats = new Float32Array(0);
  private shorts = new Int16Array(0);
  private bytes = new Uint8Array(0);
  /** Origin in the unit square of Web Mercator. */
  originX = 0.5;
  originY = 0.5;
  private readonly near = new LocalMercator();
  /** performance.now() seconds at which the local clock is 0. */
  epoch: number;
  /** Slots 0 to size−1 are drawn; the state of the others is free. */
  size = 0;
  private readonly ids: string[] = [];
  /** Slots whose bytes changed since taken. */
  dirtyFrom = Number.POSITIVE_INFINITY;
  dirtyTo = -1;
  /** Seconds for which a position is carried on by course and speed: the layer's usual period. */
  period = 2;
  /** Where what has a height stands; on the ground while nobody knows that. */
  aboveGround: AboveGround = () => 0;
  /** performance.now() seconds until which something of the layer moves on the screen. */
  movingUntil = 0;

  /**
   * @param labelCell the cell of the atlas that shows a label; null where symbols carry none
   * @param now performance.now() in seconds
   */
  constructor(
    private readonly labelCell: ((label: string) => number) | null,
    now: number,
  ) {
    this.epoch = now;
  }

  /** Local metres of a place. */
  local(lon: number, lat: number): [number, number] {
    return [this.near.x(lon), this.near.y(lat)];
  }

  /** The place of local metres. */
  place(x: number, y: number): [number, number] {
    return unmercator(x / world + this.originX, y / world + this.originY);
  }

  /** Moves the origin near the camera when it is farther than 20 km away; tells whether it did. */
  recenter(
    lon: number,
    lat: number,
    columns: LiveColumns | undefined,
    now: number,
    serverNow: number,
  ): boolean {
    const [x, y] = mercator(lon, lat);
    const far = Math.hypot(x - this.originX, y - this.originY) * world > 20000;
    const late = now - this.epoch > clockSpan;
    if (!far && !late) return false;
    if (far) {
      this.originX = x;
      this.originY = y;
      this.near.move(lon, lat);
    }
    this.epoch = now;
    this.free();
    if (columns) this.update(columns, null, now, serverNow);
    return true;
  }

  /**
   * Takes over what changed of a layer.
   * @param slots the changed slots; null: all
   * @param now performance.now() in seconds
   * @param serverNow the server's clock in milliseconds
   */
  update(columns: LiveColumns, slots: ArrayLike<number> | null, now: number, serverNow: number): void {
    this.reserve(columns.size);
    this.size = columns.size;
    const taken: Taken = {
      lon: columns.lon,
      lat: columns.lat,
      z: columns.z,
      course: columns.course,
      speed: columns.speed,
      time: columns.time,
      state: columns.state,
      clock: now - this.epoch,
      now,
      serverNow,
    };
    const count = slots === null ? columns.size : slots.length;
    for (let i = 0; i < count; i++) this.set(columns, taken, slots === null ? i : (slots[i] as number));
  }

  /** Forgets every entity. */
  clear(): void {
    this.free();
    this.movingUntil = 0;
  }

  /** Nobody is drawn, and whoever comes was not there before. */
  private free(): void {
    for (let slot = 0; slot < this.size; slot++) this.bytes[slot * stride + offsets.look] = State.free;
    this.size = 0;
  }

  /** Where an entity is shown at a time of performance.now() seconds: what the vertex shader computes. */
  shown(slot: number, now: number): Shown {
    const f = (slot * stride) >> 2;
    const floats = this.floats;
    const clock = now - this.epoch;
    const age = this.ageAt(f, clock);
    const left = this.leftAt(f, clock);
    return {
      x: (floats[f] as number) + (floats[f + 2] as number) * age + (floats[f + 4] as number) * left,
      y: (floats[f + 1] as number) + (floats[f + 3] as number) * age + (floats[f + 5] as number) * left,
      z: floats[f + 10] as number,
    };
  }

  /** The state of a slot as drawn. */
  state(slot: number): number {
    return slot < this.size ? (this.bytes[slot * stride + offsets.look] as number) : State.free;
  }

  /** Takes the range of changed slots, or null. */
  takeDirty(): [from: number, to: number] | null {
    if (this.dirtyTo < this.dirtyFrom) return null;
    const range: [number, number] = [this.dirtyFrom, this.dirtyTo + 1];
    this.dirtyFrom = Number.POSITIVE_INFINITY;
    this.dirtyTo = -1;
    return range;
  }

  private set(columns: LiveColumns, taken: Taken, slot: number): void {
    const at = slot * stride;
    const { floats, shorts, bytes } = this;
    const before = bytes[at + offsets.look] as number;
    const state = taken.state[slot] as number;
    bytes[at + offsets.look] = state;
    if (slot < this.dirtyFrom) this.dirtyFrom = slot;
    if (slot > this.dirtyTo) this.dirtyTo = slot;
    if (state === State.free) return;

    const f = at >> 2;
    const s = at >> 1;
    const { clock } = taken;
    const id = columns.id(slot);
    const same = before !== State.free && this.ids[slot] === id;
    this.ids[slot] = id;
    let wasX = 0;
    let wasY = 0;
    if (same) {
      const age = this.ageAt(f, clock);
      const left = this.leftAt(f, clock);
      wasX = (floats[f] as number) + (floats[f + 2] as number) * age + (floats[f + 4] as number) * left;
      wasY = (floats[f + 1] as number) + (floats[f + 3] as number) * age + (floats[f + 5] as number) * left;
    }
    const lat = taken.lat[slot] as number;
    const x = this.near.x(taken.lon[slot] as number);
    const y = this.near.y(lat);
    const age = Math.max(0, (taken.serverNow - (taken.time[slot] as number)) / 1000);
    const speed = taken.speed[slot] as number;
    const course = taken.course[slot] as number;
    const directed = !Number.isNaN(course);
    const moves = state === State.live && speed > standing && directed;
    let vx = 0;
    let vy = 0;
    if (moves) {
      const angle = (course * Math.PI) / 180;
      const stretched = speed * this.near.stretch(lat);
      vx = Math.sin(angle) * stretched;
      vy = -Math.cos(angle) * stretched;
    }
    const carried = Math.min(age, this.period);
    let ex = 0;
    let ey = 0;
    if (same) {
      ex = wasX - (x + vx * carried);
      ey = wasY - (y + vy * carried);
      if (Math.abs(ex) > jump || Math.abs(ey) > jump) ex = ey = 0;
    }
    if (moves) this.movingUntil = Math.max(this.movingUntil, taken.now + this.period - carried);
    if (ex !== 0 || ey !== 0) this.movingUntil = Math.max(this.movingUntil, taken.now + blend);
    floats[f] = x;
    floats[f + 1] = y;
    floats[f + 2] = vx;
    floats[f + 3] = vy;
    floats[f + 4] = ex;
    floats[f + 5] = ey;
    floats[f + 6] = clock - age;
    floats[f + 7] = clock;
    const z = taken.z?.[slot] ?? Number.NaN;
    floats[f + 10] = Number.isNaN(z)
      ? 0
      : this.aboveGround(taken.lon[slot] as number, lat, z) * this.near.stretch(lat);

    const heading = directed ? toShort(course) : (shorts[s + 17] as number);
    shorts[s + 16] = same ? (shorts[s + 17] as number) : heading;
    shorts[s + 17] = heading;
    bytes[at + offsets.look + 1] = moves || (state !== State.live && directed) ? 1 : 0;
    bytes[at + offsets.look + 2] = this.labelCell ? this.labelCell(columns.label(slot)) : 0;
    bytes[at + offsets.look + 3] = 0;
  }

  /** Seconds for which the entity at a float index has been carried on at a time of the local clock. */
  private ageAt(f: number, clock: number): number {
    return Math.min(Math.max(clock - (this.floats[f + 6] as number), 0), this.period);
  }

  /** The share of its correction that is still to be blended away. */
  private leftAt(f: number, clock: number): number {
    const share = Math.min(Math.max((clock - (this.floats[f + 7] as number)) / blend, 0), 1);
    return 1 - share * share * (3 - 2 * share);
  }

  private reserve(size: number): void {
    if (size * stride <= this.buffer.byteLength) return;
    const grown = new ArrayBuffer(Math.max(256, 2 ** Math.ceil(Math.log2(size))) * stride);
    new Uint8Array(grown).set(this.bytes);
    this.buffer = grown;
    this.floats = new Float32Array(grown);
    this.shorts = new Int16Array(grown);
    this.bytes = new Uint8Array(grown);
    this.dirtyFrom = 0;
    this.dirtyTo = Math.max(this.dirtyTo, size - 1);
  }
}

/** An angle of degrees as the whole range of an Int16, so that differences wrap by themselves. */
function toShort(degrees: number): number {
  const turned = ((degrees % 360) + 360) % 360;
  return Math.round(((turned > 180 ? turned - 360 : turned) / 180) * 32767);
}
