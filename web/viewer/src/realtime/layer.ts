import type { Filter, FilterValue } from './filter';
import type { CellsFrame, EntitiesFrame, SyncFrame } from './frames';
import { Latitudes, latitude } from './latitudes';
import { type Held, type Window, windowHas } from './protocol';

/** How an entity ages; `free` marks a slot that belongs to nobody. */
export const EntityState = { free: 0, live: 1, stale: 2, offline: 3 } as const;

/** What is unusual about a position, as bits. */
export const EntityFlag = { ahead: 1, rollover: 2, late: 4 } as const;

/** The class of an entity that has none. */
export const noClass = 255;

const stateNames = ['', 'live', 'stale', 'offline'];

/** A value that a filter compares; anything else is as if it were missing. */
function plain(value: unknown): FilterValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
}

const noSlot = -1;
const text = new TextDecoder();

/**
 * One live layer as far as the viewer sees it, as columns with a row for each
 * slot. A slot belongs to one entity until that leaves the view; then its state
 * is `free` and the slot is used again. The arrays are replaced by larger ones
 * when the layer grows: read them anew each time.
 */
export class LiveLayer {
  /** Slots 0 to size−1 may be in use. */
  size = 0;
  /** Entities in view, those included that a filter of this client hides. */
  count = 0;
  /** Degrees. */
  lon = new Float64Array(0);
  lat = new Float64Array(0);
  /** Metres; NaN unknown. */
  z = new Float32Array(0);
  /** Degrees clockwise from north; NaN unknown. */
  course = new Float32Array(0);
  /** Metres per second; NaN unknown. */
  speed = new Float32Array(0);
  /** When the position was taken, milliseconds since 1970. */
  time = new Float64Array(0);
  /** One of EntityState. */
  state = new Uint8Array(0);
  /** Number in `classes`, or `noClass`. */
  class = new Uint8Array(0);
  /** Bits of EntityFlag. */
  flags = new Uint8Array(0);
  /** Names of the classes, by number. */
  classes: readonly string[] = [];
  /** What the layer sends: each entity, or counts per cell because too many are in view. */
  mode: 'entities' | 'cells' = 'entities';
  /** Cells in view while mode is `cells`. */
  readonly cells = new LiveCells();
  /** Entities of the layer, in view or not. */
  counts = { live: 0, stale: 0, offline: 0 };
  /** When the newest position of the layer came to the server, milliseconds since 1970; 0 none. */
  newest = 0;
  /** Server time up to which the layer is known. */
  knownUntil = 0;
  /** Frames that did not fit what is held: a fault of the server or of this client. */
  faults = 0;

  private filter: Filter | undefined;
  private told = new Uint8Array(0); // the state, also of those whom the filter hides
  private readonly ids: string[] = [];
  private readonly props: (string | undefined)[] = [];
  private readonly byId = new Map<string, number>();
  private tile = new Uint32Array(0); // x << 16 | y, of zoom 14
  private serverSlot = new Uint32Array(0);
  private local = new Int32Array(0); // by slot of the server; −1 not in view
  private readonly free: number[] = [];
  private window: Window | undefined;
  private nextWindow: Window | undefined;
  private held: Held | undefined;
  private departures: { tile: number; left: Uint32Array }[] = [];
  private touched = new Uint32Array(64);
  private readonly latitudes = new Latitudes();
  private touchedCount = 0;

  constructor(readonly id: string) {}

  /** The id of the entity in a slot. */
  entityId(slot: number): string {
    return this.ids[slot] ?? '';
  }

  /** The slot of an entity, −1 if it is not in view. */
  slotOf(id: string): number {
    const slot = this.byId.get(id) ?? noSlot;
    return slot !== noSlot && this.state[slot] !== EntityState.free ? slot : noSlot;
  }

  /**
   * Shows only entities that match, where the server does not filter; the others'
   * state is `free`. Undefined shows all. Listeners are told with the next message.
   */
  setFilter(filter: Filter | undefined): void {
    if (filter === this.filter) return;
    this.filter = filter;
    for (let slot = 0; slot < this.size; slot++) {
      if (this.told[slot] === EntityState.free) continue;
      this.state[slot] = this.admitted(slot);
      this.touch(slot);
    }
  }

  /** The state of an entity as it is shown: free where the filter hides it. */
  private admitted(slot: number): number {
    const told = this.told[slot] as number;
    if (!this.filter) return told;
    let properties: Record<string, unknown> | undefined;
    const matches = this.filter(name => {
      properties ??= this.properties(slot);
      return plain(name in properties ? properties[name] : this.ownProperty(name, slot));
    });
    return matches === true ? told : EntityState.free;
  }

  /** What every entity has besides its properties. */
  private ownProperty(name: string, slot: number): unknown {
    switch (name) {
      case 'state':
        return stateNames[this.told[slot] as number];
      case 'course':
        return this.course[slot];
      case 'speed':
        return this.speed[slot];
    }
    return undefined;
  }

  /** The properties of the entity in a slot, read from their JSON at each call. */
  properties(slot: number): Record<string, unknown> {
    const json = this.props[slot];
    return json ? (JSON.parse(json) as Record<string, unknown>) : {};
  }

  /** What to give the server to go on from here; undefined: from nothing. */
  resume(): Held | undefined {
    return this.mode === 'entities' ? this.held : undefined;
  }

  /** Forgets everything; listeners are told with the next message. */
  clear(): void {
    for (let slot = 0; slot < this.size; slot++) if (this.told[slot] !== EntityState.free) this.release(slot);
    this.cells.clear();
    this.departures = [];
    this.window = this.nextWindow = this.held = undefined;
  }

  /** Takes a Sync; the layer's frames of the same message follow, then `finish`. */
  begin(sync: SyncFrame): void {
    if (sync.reset) this.clear();
    this.mode = sync.mode;
    this.nextWindow = sync.window;
    this.counts = { live: sync.live, stale: sync.stale, offline: sync.offline };
    this.newest = sync.newest;
    this.knownUntil = sync.time;
    if (sync.classes) this.classes = sync.classes;
    this.held = { sequence: sync.sequence, view: sync.view, window: sync.window };
  }

  /** Takes entities of one tile. */
  applyEntities(frame: EntitiesFrame): void {
    const tile = frame.tileX * 65536 + frame.tileY;
    this.applyNames(frame);
    const { f32, i32, u32, bytes } = frame.message;
    const { local, lon, lat, z, course, speed, time, state, told, flags, filter } = this; // no name follows: none grows
    const latitudes = this.latitudes.of(frame);
    for (let row = 0; row < frame.count; row++) {
      const serverSlot = u32[frame.slot + row] as number;
      const slot = serverSlot < local.length ? (local[serverSlot] as number) : noSlot;
      if (slot === noSlot) {
        this.faults++; // an entity that was never named
        continue;
      }
      this.tile[slot] = tile;
      lon[slot] = (frame.originX + (f32[frame.x + row] as number) * frame.scale) * 360 - 180;
      lat[slot] = latitudes.at(f32[frame.y + row] as number);
      z[slot] = f32[frame.height + row] as number;
      course[slot] = f32[frame.course + row] as number;
      speed[slot] = f32[frame.speed + row] as number;
      time[slot] = frame.time - (i32[frame.age + row] as number);
      told[slot] = (bytes[frame.state + row] as number) + 1;
      this.class[slot] = bytes[frame.class + row] as number;
      flags[slot] = bytes[frame.flags + row] as number;
      state[slot] = filter ? this.admitted(slot) : (told[slot] as number);
      this.touch(slot);
    }
    if (frame.leftCount > 0)
      this.departures.push({ tile, left: u32.subarray(frame.left, frame.left + frame.leftCount) });
  }

  /** Takes the ids and properties of those who are named. */
  private applyNames(frame: EntitiesFrame): void {
    const { u32, bytes } = frame.message;
    let from = 0;
    for (let i = 0; i < frame.namedCount; i++) {
      const row = u32[frame.named + i] as number;
      const idEnd = u32[frame.textEnd + 2 * i] as number;
      const end = u32[frame.textEnd + 2 * i + 1] as number;
      if (row >= frame.count || !(from <= idEnd && idEnd <= end && end <= frame.textLength)) {
        this.faults++;
        return;
      }
      const id = text.decode(bytes.subarray(frame.text + from, frame.text + idEnd));
      const properties =
        end > idEnd ? text.decode(bytes.subarray(frame.text + idEnd, frame.text + end)) : undefined;
      this.props[this.slotFor(u32[frame.slot + row] as number, id)] = properties;
      from = end;
    }
  }

  /** The slot of an entity that the server names by its own slot and id. */
  private slotFor(serverSlot: number, id: string): number {
    const slot = serverSlot < this.local.length ? (this.local[serverSlot] as number) : noSlot;
    if (slot !== noSlot) {
      if (this.ids[slot] === id) return slot;
      this.release(slot); // the slot has a new entity
    }
    const known = this.byId.get(id);
    if (known !== undefined) this.release(known); // it came back in another slot
    return this.acquire(serverSlot, id);
  }

  /** Takes counts of one aggregate tile. */
  applyCells(frame: CellsFrame): void {
    this.cells.apply(frame);
  }

  /**
   * Ends a message: those who left their tile and did not come into another one
   * leave, and so do all whose tile is no longer in the window. Returns the slots
   * that changed or became free; they are lent until the next message.
   */
  finish(): Uint32Array {
    for (const { tile, left } of this.departures) {
      for (let i = 0; i < left.length; i++) {
        const serverSlot = left[i] as number;
        const slot = serverSlot < this.local.length ? (this.local[serverSlot] as number) : noSlot;
        if (slot !== noSlot && this.tile[slot] === tile) this.release(slot);
      }
    }
    this.departures = [];
    const window = this.nextWindow;
    if (window && !sameWindow(window, this.window)) {
      if (this.mode === 'entities') {
        for (let slot = 0; slot < this.size; slot++) {
          const tile = this.tile[slot] as number;
          if (
            this.told[slot] !== EntityState.free &&
            !windowHas(window, Math.floor(tile / 65536), tile & 0xffff)
          )
            this.release(slot);
        }
      } else {
        this.cells.keep(window);
      }
      this.window = window;
    }
    const touched = this.touched.subarray(0, this.touchedCount);
    this.touchedCount = 0;
    return touched;
  }

  private touch(slot: number): void {
    if (this.touchedCount === this.touched.length) this.touched = grow(this.touched, 2 * this.touchedCount);
    this.touched[this.touchedCount++] = slot;
  }

  private acquire(serverSlot: number, id: string): number {
    const slot = this.free.pop() ?? this.size++;
    if (slot >= this.state.length) this.resize(Math.max(256, 2 * slot));
    if (serverSlot >= this.local.length) {
      const before = this.local.length;
      this.local = grow(this.local, Math.max(256, Math.ceil(serverSlot * 1.5) + 1));
      this.local.fill(noSlot, before);
    }
    this.local[serverSlot] = slot;
    this.serverSlot[slot] = serverSlot;
    this.ids[slot] = id;
    this.byId.set(id, slot);
    this.count++;
    return slot;
  }

  private release(slot: number): void {
    const id = this.ids[slot] as string;
    if (this.byId.get(id) === slot) this.byId.delete(id); // it may have come back in another slot
    this.local[this.serverSlot[slot] as number] = noSlot;
    this.ids[slot] = '';
    this.props[slot] = undefined;
    this.state[slot] = this.told[slot] = EntityState.free;
    this.free.push(slot);
    this.count--;
    this.touch(slot);
  }

  private resize(length: number): void {
    this.lon = grow(this.lon, length);
    this.lat = grow(this.lat, length);
    this.z = grow(this.z, length);
    this.course = grow(this.course, length);
    this.speed = grow(this.speed, length);
    this.time = grow(this.time, length);
    this.state = grow(this.state, length);
    this.told = grow(this.told, length);
    this.class = grow(this.class, length);
    this.flags = grow(this.flags, length);
    this.tile = grow(this.tile, length);
    this.serverSlot = grow(this.serverSlot, length);
  }
}

/** The counts per cell that a layer sends while too many entities are in view, as columns. */
export class LiveCells {
  /** Rows in use. */
  size = 0;
  /** Mean place of the cell's entities, degrees. */
  lon = new Float64Array(0);
  lat = new Float64Array(0);
  live = new Uint32Array(0);
  stale = new Uint32Array(0);
  offline = new Uint32Array(0);

  private readonly tiles: number[] = [];
  private readonly keys: number[] = [];
  private readonly rows = new Map<number, number>();

  clear(): void {
    this.size = 0;
    this.rows.clear();
  }

  /** Takes a frame; cells that became empty are removed. */
  apply(frame: CellsFrame): void {
    const tile = frame.tileX * 65536 + frame.tileY;
    for (let i = 0; i < frame.count; i++) {
      const key = tile * 1024 + (frame.cell[i] as number);
      const live = frame.live[i] as number;
      const stale = frame.stale[i] as number;
      const offline = frame.offline[i] as number;
      let row = this.rows.get(key);
      if (live + stale + offline === 0) {
        if (row !== undefined) this.remove(row);
        continue;
      }
      if (row === undefined) {
        row = this.size++;
        if (row >= this.live.length) this.resize(Math.max(256, 2 * row));
        this.rows.set(key, row);
        this.keys[row] = key;
        this.tiles[row] = tile;
      }
      this.lon[row] = (frame.originX + (frame.x[i] as number) * frame.scale) * 360 - 180;
      this.lat[row] = latitude(frame.originY + (frame.y[i] as number) * frame.scale);
      this.live[row] = live;
      this.stale[row] = stale;
      this.offline[row] = offline;
    }
  }

  /** Removes the cells of tiles outside a window. */
  keep(window: Window): void {
    for (let row = this.size - 1; row >= 0; row--) {
      const tile = this.tiles[row] as number;
      if (!windowHas(window, Math.floor(tile / 65536), tile & 0xffff)) this.remove(row);
    }
  }

  private remove(row: number): void {
    this.rows.delete(this.keys[row] as number);
    const last = --this.size;
    if (row === last) return;
    for (const column of [this.lon, this.lat, this.live, this.stale, this.offline])
      column[row] = column[last] as number;
    this.keys[row] = this.keys[last] as number;
    this.tiles[row] = this.tiles[last] as number;
    this.rows.set(this.keys[row] as number, row);
  }

  private resize(length: number): void {
    this.lon = grow(this.lon, length);
    this.lat = grow(this.lat, length);
    this.live = grow(this.live, length);
    this.stale = grow(this.stale, length);
    this.offline = grow(this.offline, length);
  }
}

function sameWindow(a: Window, b: Window | undefined): boolean {
  return b !== undefined && a.z === b.z && a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;
}

type Column =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

function grow<T extends Column>(column: T, length: number): T {
  const larger = new (column.constructor as new (n: number) => T)(length);
  larger.set(column);
  return larger;
}
