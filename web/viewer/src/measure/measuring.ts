import { type Signal, signal } from '@preact/signals';
import type { CityMap } from '../map/cityMap';
import type { Corner } from '../map/sketch';
import { type Figures, measure, type Quantity } from './figures';
import type { Units } from './units';

/** How far the tool is. */
export type Phase = 'off' | 'drawing' | 'done';

/** What the tool needs of the page. */
export interface MeasuringPage {
  /** What stands beside the pointer, in the page's language. */
  say(figures: Figures, quantity: Quantity, pointer: Corner | undefined): string;
  /** Elevations of the ground at two places, metres over one datum; undefined where nobody knows. */
  elevations?(from: Corner, to: Corner): Promise<readonly [number, number] | undefined>;
}

/** The tool that measures on the map: lengths, areas, and heights between two places on solids. */
export class Measuring {
  readonly phase: Signal<Phase> = signal('off');
  readonly quantity: Signal<Quantity> = signal('length');
  readonly units: Signal<Units> = signal('metric');
  readonly corners: Signal<number> = signal(0);
  readonly figures: Signal<Figures> = signal({});
  /** Heights are compared over the vertical datum, not each over its own ground. */
  readonly overDatum: Signal<boolean> = signal(false);
  private kept: readonly Corner[] = [];
  private pointer: Corner | undefined;
  private map: CityMap | undefined;

  constructor(private readonly page: MeasuringPage) {}

  /** The map was made, or made again. */
  attach(map: CityMap | undefined): void {
    this.map = map;
    if (this.phase.value === 'off') return;
    const kept = this.phase.value === 'done' ? this.kept : undefined;
    this.sketch();
    if (kept) map?.restoreSketch(kept);
  }

  /** Begins to measure a quantity anew. */
  start(quantity: Quantity = this.quantity.value): void {
    this.quantity.value = quantity;
    this.phase.value = 'drawing';
    this.forget();
    this.sketch();
  }

  setUnits(units: Units): void {
    this.units.value = units;
    this.map?.redrawSketch();
  }

  close(): void {
    if (this.phase.value === 'off') return;
    this.map?.sketch(undefined);
    this.phase.value = 'off';
    this.forget();
  }

  private forget(): void {
    this.kept = [];
    this.pointer = undefined;
    this.corners.value = 0;
    this.figures.value = {};
    this.overDatum.value = false;
  }

  private sketch(): void {
    const quantity = this.quantity.value;
    this.map?.sketch({
      shape: quantity === 'area' ? 'polygon' : quantity === 'length' ? 'line' : 'pair',
      onSolids: true,
      again: true,
      done: corners => this.end(corners),
      // Escape forgets the figure, and ends the tool where there is none.
      cancelled: () => (this.corners.value > 0 ? this.start() : this.close()),
      changed: (count, corners, pointer) => this.follow(count, corners, pointer),
      label: () => this.page.say(this.figures.value, quantity, this.pointer),
    });
  }

  private follow(count: number, corners: readonly Corner[], pointer: Corner | undefined): void {
    const begun = this.phase.value === 'drawing' || pointer !== undefined || count !== this.kept.length;
    if (begun) this.phase.value = 'drawing';
    this.pointer = pointer;
    this.corners.value = count;
    this.overDatum.value = false;
    const last = corners.at(-1);
    const beyond =
      pointer && (last?.[0] !== pointer[0] || last?.[1] !== pointer[1] || last?.[2] !== pointer[2]);
    this.figures.value =
      count === 0 ? {} : measure(this.quantity.value, beyond ? [...corners, pointer] : corners);
  }

  private end(corners: readonly Corner[]): void {
    this.kept = corners;
    this.phase.value = 'done';
    this.figures.value = measure(this.quantity.value, corners);
    const [from, to] = corners;
    if (this.quantity.value !== 'height' || !from || !to) return;
    this.page.elevations?.(from, to).then(
      elevations => {
        if (!elevations || this.kept !== corners) return;
        this.figures.value = measure('height', corners, elevations);
        this.overDatum.value = true;
        this.map?.redrawSketch();
      },
      () => undefined, // heights over the ground stand
    );
  }
}
