import { fetchJson } from '../app/http';

/** A stretch of time of one reading's past. */
export interface Interval {
  /** Milliseconds since 1970: its begin. */
  time: number;
  min: number;
  mean: number;
  max: number;
}

const hour = 3_600_000;
const step = 30; // seconds

/** Where the last hour of an object's property is asked for, in stretches of half a minute. */
export function historyUrl(layer: string, feature: string, property: string, now: number): string {
  const query = new URLSearchParams({
    layer,
    feature,
    property,
    start: new Date(now - hour).toISOString(),
    every: `${step}s`,
  });
  return `/live/history?${query}`;
}

/** Reads the last hour; nothing where the server keeps no history. */
export async function readHistory(
  layer: string,
  feature: string,
  property: string,
  now: number,
  signal: AbortSignal,
): Promise<Interval[]> {
  return parseIntervals(await fetchJson(historyUrl(layer, feature, property, now), signal));
}

/** The intervals of an answer; those that are no numbers are left out. */
export function parseIntervals(answer: unknown): Interval[] {
  const list = (answer as { intervals?: unknown } | null)?.intervals;
  if (!Array.isArray(list)) return [];
  return list.flatMap((row: Record<string, unknown>) => {
    const time = typeof row.time === 'string' ? Date.parse(row.time) : Number(row.time);
    const { min, mean, max } = row;
    if (
      !Number.isFinite(time) ||
      typeof min !== 'number' ||
      typeof mean !== 'number' ||
      typeof max !== 'number'
    )
      return [];
    return [{ time, min, mean, max }];
  });
}

/** A curve over a stretch of time as the paths of SVG: the means as a line, lows and highs as an area. */
export interface Curve {
  line: string;
  area: string;
  low: number;
  high: number;
}

/**
 * Draws intervals into a field of width × height; a gap of over three steps
 * breaks the line, because nobody knows what was there.
 */
export function curveOf(
  intervals: readonly Interval[],
  from: number,
  to: number,
  width: number,
  height: number,
): Curve | undefined {
  if (intervals.length === 0) return undefined;
  const low = Math.min(...intervals.map(({ min }) => min));
  const high = Math.max(...intervals.map(({ max }) => max));
  const air = Math.max((high - low) * 0.12, Math.abs(high) * 0.02, 1e-9);
  const x = (time: number) => (((time - from) / (to - from)) * width).toFixed(1);
  const y = (value: number) => (height - ((value - low + air) / (high - low + 2 * air)) * height).toFixed(1);
  let line = '';
  let area = '';
  for (const run of runsOf(intervals)) {
    line += `M${run.map(({ time, mean }) => `${x(time)} ${y(mean)}`).join('L')}`;
    if (run.length === 1) line += 'h.1';
    const highs = run.map(({ time, max }) => `${x(time)} ${y(max)}`);
    const lows = run.map(({ time, min }) => `${x(time)} ${y(min)}`).reverse();
    area += `M${[...highs, ...lows].join('L')}Z`;
  }
  return { line, area, low, high };
}

function runsOf(intervals: readonly Interval[]): Interval[][] {
  const runs: Interval[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const interval of intervals) {
    if (interval.time - last > 3 * step * 1000) runs.push([]);
    runs.at(-1)?.push(interval);
    last = interval.time;
  }
  return runs;
}
