import { type Signal, signal } from '@preact/signals';
import type { LiveFeed, Replaying } from '../live/feed';

/** Spans of time that the slider can cover, in milliseconds. */
export const spans = { m10: 600_000, h1: 3_600_000, h6: 21_600_000, h24: 86_400_000 } as const;
export type Span = keyof typeof spans;

/** Seconds of the recording a second. */
export const speeds = [0.1, 0.5, 1, 2, 5, 10, 30, 60] as const;

/** Milliseconds between two seeks of a dragged slider. */
const seekEveryMs = 300;
/** Milliseconds that a seek takes at most, usually. */
const settleMs = 800;

/** Steers the live feed between the present and the recording. */
export class ReplayControl {
  readonly span: Signal<Span> = signal('m10');
  readonly speed: Signal<number> = signal(1);
  /** What the slider covers during a replay; undefined: the present. Milliseconds since 1970. */
  readonly window: Signal<{ from: number; to: number } | undefined> = signal(undefined);
  /** Where the slider is held just now. */
  readonly held: Signal<number | undefined> = signal(undefined);
  private seekTimer: ReturnType<typeof setTimeout> | undefined;
  private settleTimer: ReturnType<typeof setTimeout> | undefined;
  private lastSeek = Number.NEGATIVE_INFINITY;

  constructor(private readonly feed: LiveFeed | undefined) {}

  dispose(): void {
    clearTimeout(this.seekTimer);
    clearTimeout(this.settleTimer);
  }

  /** What the slider covers: until now, or what the replay began with. */
  reach(now: number): { from: number; to: number } {
    return this.window.value ?? { from: now - spans[this.span.value], to: now };
  }

  /** Goes to a moment while the slider is dragged: the newest wins. */
  drag(at: number, now: number): void {
    this.window.value ??= this.reach(now);
    this.held.value = at;
    clearTimeout(this.settleTimer);
    clearTimeout(this.seekTimer);
    const wait = this.lastSeek + seekEveryMs - now;
    this.seekTimer = setTimeout(() => this.seek(), Math.max(0, wait));
  }

  /** The slider is let go. */
  drop(): void {
    if (this.held.value === undefined) return;
    this.seek();
    // The slider stays where it was put until the server has gone there.
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => {
      this.held.value = undefined;
    }, settleMs);
  }

  private seek(): void {
    clearTimeout(this.seekTimer);
    const at = this.held.value;
    if (at === undefined) return;
    this.lastSeek = Date.now();
    this.ask({ at, paused: this.feed?.replaying?.state === 'paused' });
  }

  setSpeed(speed: number): void {
    this.speed.value = speed;
    const replaying = this.feed?.replaying;
    if (replaying) this.ask({ paused: replaying.state === 'paused' });
  }

  /** Another span: of the present, or around where the replay is. */
  setSpan(span: Span, now: number): void {
    this.span.value = span;
    const replaying = this.feed?.replaying;
    if (!this.window.value || !replaying) return;
    const to = Math.min(now, replaying.at + spans[span] / 2);
    this.window.value = { from: to - spans[span], to };
    this.ask({ at: replaying.at, paused: replaying.state === 'paused' });
  }

  /** Plays, pauses, or begins anew at the end. */
  toggle(replaying: Replaying): void {
    if (replaying.state === 'ended') this.ask({ at: this.window.value?.from ?? replaying.at, paused: false });
    else this.ask({ paused: replaying.state === 'playing' });
  }

  /** Begins a replay a part of the span ago, or goes back to the present. */
  begin(now: number): void {
    const { from, to } = this.reach(now);
    this.window.value = { from, to };
    this.ask({ at: to - (to - from) / 10, paused: false });
  }

  toLive(): void {
    this.dispose();
    this.window.value = undefined;
    this.held.value = undefined;
    this.feed?.replay?.(undefined);
  }

  private ask(request: { at?: number; paused: boolean }): void {
    const window = this.window.value;
    if (!window) return;
    this.feed?.replay?.({ ...window, speed: this.speed.value, ...request });
  }
}
