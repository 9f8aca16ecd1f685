import type { LiveLayer } from './layer';
import type { ReplayStatus } from './protocol';

const earthRadius = 6371008.8; // metres

/** Slower than this, in m/s, an entity stands. */
export const standing = 0.3;

/**
 * Where an entity is likely to be at a time: carried on from its last position
 * by course and speed, for at most `limitMs` (its layer's period), then it
 * stops. Without course or speed it stays. Writes longitude and latitude in
 * degrees to `out` and returns it.
 * @param time milliseconds since 1970, on the server's clock
 */
export function positionAt(
  layer: LiveLayer,
  slot: number,
  time: number,
  limitMs: number,
  out: [number, number],
): [number, number] {
  const lon = layer.lon[slot] ?? Number.NaN;
  const lat = layer.lat[slot] ?? Number.NaN;
  const speed = layer.speed[slot] ?? Number.NaN;
  const course = layer.course[slot] ?? Number.NaN;
  const seconds = Math.min(Math.max(time - (layer.time[slot] ?? time), 0), limitMs) / 1000;
  out[0] = lon;
  out[1] = lat;
  if (speed > standing && course >= 0 && seconds > 0) {
    const angle = ((speed * seconds) / earthRadius) * (180 / Math.PI);
    const direction = (course * Math.PI) / 180;
    out[1] = lat + angle * Math.cos(direction);
    out[0] = lon + (angle * Math.sin(direction)) / Math.max(Math.cos((lat * Math.PI) / 180), 1e-6);
  }
  return out;
}

/**
 * A clock that follows the server's. Messages come late, never early: the
 * largest difference seen of late is the nearest to the truth.
 */
export class ServerClock {
  private offset = Number.NEGATIVE_INFINITY;
  private previous = Number.NEGATIVE_INFINITY;
  private since = Number.NEGATIVE_INFINITY;

  /** @param local a clock in milliseconds that never jumps, such as performance.now */
  constructor(private readonly local: () => number) {}

  /** Takes the server's time, milliseconds since 1970, as it came in a message. */
  sample(serverTime: number): void {
    const now = this.local();
    const offset = serverTime - now;
    if (now - this.since > 30_000) {
      this.previous = this.offset;
      this.offset = offset;
      this.since = now;
    } else if (offset > this.offset) {
      this.offset = offset;
    }
  }

  /** The server's time; NaN before the first sample. */
  now(): number {
    const offset = Math.max(this.offset, this.previous);
    return offset === Number.NEGATIVE_INFINITY ? Number.NaN : this.local() + offset;
  }
}

/**
 * The clock of a replay: it runs `speed` times as fast as the local one and
 * stands while the replay is paused or has ended.
 */
export class ReplayClock {
  private time = Number.NaN;
  private at = 0;
  private speed = 1;
  private runs = false;
  private epoch = 0;
  private end = Number.POSITIVE_INFINITY;

  /** @param local a clock in milliseconds that never jumps, such as performance.now */
  constructor(private readonly local: () => number) {}

  /** Takes what the server said of the replay. */
  steer(status: ReplayStatus): void {
    const runs = status.state === 'playing';
    // After a seek the frames are of another epoch: then the clock may go back.
    const same =
      runs &&
      this.runs &&
      status.epoch === this.epoch &&
      status.speed === this.speed &&
      status.to === this.end;
    this.epoch = status.epoch;
    this.speed = status.speed;
    this.runs = runs;
    this.end = status.to;
    if (same) this.sample(status.at);
    else this.set(status.at);
  }

  /** Takes the time of a frame. Frames come late, never early. */
  sample(time: number): void {
    if (!(time <= this.now())) this.set(time);
  }

  /** The replay's time, milliseconds since 1970; NaN before the first status. */
  now(): number {
    if (!this.runs) return this.time;
    return Math.min(this.time + (this.local() - this.at) * this.speed, this.end);
  }

  private set(time: number): void {
    this.time = time;
    this.at = this.local();
  }
}
