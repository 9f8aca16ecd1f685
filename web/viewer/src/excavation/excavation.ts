import { type Signal, signal } from '@preact/signals';
import { HttpError } from '../app/http';
import type { CityMap } from '../map/cityMap';
import type { Corner } from '../map/sketch';
import { type Contents, readContents, readTable } from './contents';

/** How far the tool is. */
export type Phase = 'off' | 'drawing' | 'open';

/** What lies in the pit, as far as it is known. */
export type Answer =
  | { phase: 'loading'; contents?: Contents }
  | { phase: 'ready'; contents: Contents }
  | { phase: 'failed'; sentence: string };

/** Depths that the slider offers, in metres. */
export const depths = { min: 0.5, max: 15, step: 0.5, first: 3 };

/** The tool that opens the ground: draw a polygon, choose a depth, read what lies in it. */
export class Excavation {
  readonly phase: Signal<Phase> = signal('off');
  readonly corners: Signal<number> = signal(0);
  readonly depth: Signal<number> = signal(depths.first);
  readonly answer: Signal<Answer> = signal({ phase: 'loading' });
  private ring: readonly (readonly [lon: number, lat: number])[] = [];
  private map: CityMap | undefined;
  private asked: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** The map was made, or made again. */
  attach(map: CityMap | undefined): void {
    this.map = map;
    if (this.phase.value === 'drawing') this.draw();
    else if (this.phase.value === 'open') this.show();
  }

  /** Lets the user draw. */
  draw(): void {
    this.forget();
    this.phase.value = 'drawing';
    this.map?.prepareToDig(true);
    this.corners.value = 0;
    this.map?.sketch({
      done: ring => this.dig(ring),
      cancelled: () => this.close(),
      changed: count => {
        this.corners.value = count;
      },
    });
  }

  /** Opens the ground within a ring. */
  dig(ring: readonly Corner[]): void {
    this.map?.sketch(undefined);
    this.ring = ring.map(([lon, lat]) => [lon, lat]);
    this.phase.value = 'open';
    this.answer.value = { phase: 'loading' };
    this.show();
    void this.read();
  }

  setDepth(depth: number): void {
    if (!(depth > 0) || depth === this.depth.value) return;
    this.depth.value = depth;
    if (this.phase.value !== 'open') return;
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), 150);
  }

  close(): void {
    this.map?.sketch(undefined);
    this.forget();
    this.phase.value = 'off';
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.ring = [];
    this.map?.setPit(undefined);
    this.map?.prepareToDig(false);
  }

  private show(): void {
    this.map?.setPit({ ring: this.ring, depth: this.depth.value });
  }

  /** Asks what lies in the pit; also when a layer has changed. */
  async read(): Promise<void> {
    if (this.phase.value !== 'open') return;
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    const before = this.answer.value;
    this.answer.value =
      before.phase === 'failed' || !before.contents
        ? { phase: 'loading' }
        : { phase: 'loading', contents: before.contents };
    try {
      const contents = await readContents(this.ring, this.depth.value, asked.signal);
      if (!asked.signal.aborted) this.answer.value = { phase: 'ready', contents };
    } catch (error) {
      if (asked.signal.aborted) return;
      this.answer.value = { phase: 'failed', sentence: error instanceof HttpError ? error.detail : '' };
    }
  }

  /** Reads the table as CSV. */
  table(): Promise<Blob> {
    return readTable(this.ring, this.depth.value);
  }
}
