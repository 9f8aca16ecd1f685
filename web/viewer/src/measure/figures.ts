import type { Corner } from '../map/sketch';
import { distance, type LonLat, pathLength, ringArea } from './geodesic';

/** What is measured. */
export type Quantity = 'length' | 'area' | 'height';

/** What a figure measures; metres and square metres on the spheroid, degrees for the slope. */
export interface Figures {
  /** Along the ground, as a geodesic; of an area around it. */
  length?: number;
  /** Of the last leg. */
  leg?: number;
  legs?: number;
  area?: number;
  /** Straight through the air, where the corners are at different heights. */
  space?: number;
  /** From the first end up to the second. */
  rise?: number;
  slope?: number;
  /** Of each end over the ground at it; negative below. */
  heights?: [number, number];
}

const at = (corner: Corner | undefined): LonLat => [corner?.[0] ?? Number.NaN, corner?.[1] ?? Number.NaN];
const heightOf = (corner: Corner | undefined) => corner?.[2] ?? 0;

/**
 * Measures a figure.
 * @param elevations of the ground at the two ends, where they are known: then heights are compared over the datum
 */
export function measure(
  quantity: Quantity,
  corners: readonly Corner[],
  elevations?: readonly [number, number],
): Figures {
  const line = corners.map(at);
  if (quantity === 'area') {
    if (line.length < 3) return { length: pathLength(line) };
    return { area: ringArea(line), length: pathLength([...line, line[0] as LonLat]) };
  }
  if (quantity === 'length') return lengthOf(corners, line);
  const [from, to] = [corners[0], corners[1]];
  if (!from || !to) return {};
  const length = distance(at(from), at(to));
  const heights: [number, number] = [heightOf(from), heightOf(to)];
  const rise = heights[1] - heights[0] + (elevations ? elevations[1] - elevations[0] : 0);
  return {
    length,
    heights,
    rise,
    space: Math.hypot(length, rise),
    slope: (Math.atan2(rise, length) * 180) / Math.PI,
  };
}

function lengthOf(corners: readonly Corner[], line: readonly LonLat[]): Figures {
  if (line.length < 2) return {};
  const out: Figures = {
    length: pathLength(line),
    legs: line.length - 1,
    leg: distance(line.at(-2) as LonLat, line.at(-1) as LonLat),
  };
  let space = 0;
  for (let k = 1; k < line.length; k++)
    space += Math.hypot(
      distance(line[k - 1] as LonLat, line[k] as LonLat),
      heightOf(corners[k]) - heightOf(corners[k - 1]),
    );
  if (space - (out.length ?? 0) > 0.005) out.space = space;
  return out;
}
