/** One value every so often, the oldest forgotten: what a small curve shows. */
export class Trend {
  private readonly values: number[] = [];
  private last = Number.NEGATIVE_INFINITY;

  /** @param points how many are kept @param everyMs how far apart they are at least */
  constructor(
    private readonly points = 60,
    private readonly everyMs = 10_000,
  ) {}

  /** Adds a value when it is time for one; the newest point always is the latest value. */
  add(value: number, now: number): void {
    if (now - this.last < this.everyMs) {
      this.values[this.values.length - 1] = value;
      return;
    }
    this.last = now;
    this.values.push(value);
    if (this.values.length > this.points) this.values.shift();
  }

  get list(): readonly number[] {
    return this.values;
  }
}

/**
 * The path of a curve in a box, its newest point at the right edge, one point of
 * `points` a step. The scale shows change: it spans the values, and at least a
 * tenth of the greatest, so that noise stays small; '' for fewer than two values.
 */
export function curve(values: readonly number[], points: number, width: number, height: number): string {
  if (values.length < 2) return '';
  const most = Math.max(...values);
  const least = Math.min(...values, most * 0.9, most - 1);
  const span = Math.max(1, most - least);
  const step = width / (points - 1);
  const at = (value: number, i: number): string => {
    const x = width - (values.length - 1 - i) * step;
    const y = height - ((value - least) / span) * height;
    return `${x.toFixed(2)} ${y.toFixed(2)}`;
  };
  return `M${values.map(at).join('L')}`;
}
