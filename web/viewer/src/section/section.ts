import { type Signal, signal } from '@preact/signals';
import { HttpError } from '../app/http';
import type { CityMap } from '../map/cityMap';
import type { Corner } from '../map/sketch';
import { type Profile, readProfile, readTable, type SectionLine } from './profile';

/** How far the tool is. */
export type Phase = 'off' | 'drawing' | 'open';

/** What the section shows, as far as it is known. */
export type Answer =
  | { phase: 'loading'; profile?: Profile }
  | { phase: 'ready'; profile: Profile }
  | { phase: 'failed'; sentence: string };

/** What heights are counted from in the drawing. */
export type Scale = 'depth' | 'elevation';

/** The tool that cuts the city along a line: draw it, look at the scene and at the drawing. */
export class Section {
  readonly phase: Signal<Phase> = signal('off');
  readonly scale: Signal<Scale> = signal('depth');
  readonly answer: Signal<Answer> = signal({ phase: 'loading' });
  private line: SectionLine | undefined;
  private map: CityMap | undefined;
  private asked: AbortController | undefined;

  /** The map was made, or made again. */
  attach(map: CityMap | undefined): void {
    this.map = map;
    if (this.phase.value === 'drawing') this.draw();
    else if (this.phase.value === 'open') this.show(false);
  }

  /** Lets the user draw a line. */
  draw(): void {
    this.forget();
    this.phase.value = 'drawing';
    this.map?.sketch({
      shape: 'pair',
      done: ([from, to]) => from && to && this.cut(from, to),
      cancelled: () => this.close(),
    });
  }

  /** Cuts along a line, and turns the camera to look at it. */
  cut(from: Corner, to: Corner): void {
    this.map?.sketch(undefined);
    this.line = [
      [from[0], from[1]],
      [to[0], to[1]],
    ];
    this.phase.value = 'open';
    this.answer.value = { phase: 'loading' };
    this.show(true);
    void this.read();
  }

  close(): void {
    if (this.phase.value === 'off') return;
    this.map?.sketch(undefined);
    this.forget();
    this.phase.value = 'off';
  }

  private forget(): void {
    this.asked?.abort();
    this.line = undefined;
    this.map?.setSection(undefined);
  }

  private show(look: boolean): void {
    const { answer, line } = this;
    if (!line) return;
    const profile = answer.value.phase === 'failed' ? undefined : answer.value.profile;
    this.map?.setSection({ line, items: profile?.items ?? [], buildings: profile?.buildings ?? [] });
    if (look) this.map?.lookAtSection(line);
  }

  /** Asks what the section shows; also when a layer has changed. */
  async read(): Promise<void> {
    const { line } = this;
    if (this.phase.value !== 'open' || !line) return;
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    const before = this.answer.value;
    this.answer.value =
      before.phase === 'failed' || !before.profile
        ? { phase: 'loading' }
        : { phase: 'loading', profile: before.profile };
    try {
      const profile = await readProfile(line, asked.signal);
      if (asked.signal.aborted) return;
      this.answer.value = { phase: 'ready', profile };
      this.show(false);
    } catch (error) {
      if (asked.signal.aborted) return;
      this.answer.value = { phase: 'failed', sentence: error instanceof HttpError ? error.detail : '' };
    }
  }

  /** Reads the table as CSV. */
  table(): Promise<Blob> {
    return this.line ? readTable(this.line) : Promise.reject(new Error('section: no line'));
  }
}
