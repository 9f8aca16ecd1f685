import { execute } from '../app/process';
import type { Theme } from '../theme/tokens';

export type End = readonly [lon: number, lat: number];
/** A section's line from its left end to its right, as one looks at it. */
export type SectionLine = readonly [End, End];

/** A pipe where it crosses the section, or a node or part beside it; metres, sizes in millimetres. */
export interface Crossing {
  layer: string;
  id: string;
  name?: string;
  kind?: string;
  kindName?: string;
  part?: string;
  material?: string;
  diameter?: number;
  width?: number;
  height?: number;
  /** Along the line. */
  at: number;
  /** Of a node or part, to the right of the line. */
  offset?: number;
  /** Of a pipe the ground above its top, of a node its own. */
  depth?: number;
  /** Elevations. */
  ground?: number;
  top?: number;
  invert?: number;
  /** Extent in the plane of the section. */
  wide?: number;
  tall?: number;
  angle?: number;
  assumed?: boolean;
  color: Record<Theme, string>;
}

/** What a section shows; distances along it and elevations in metres. */
export interface Profile {
  length: number;
  ground: { at: number; elevation: number | null }[];
  items: Crossing[];
  buildings: CutBuilding[];
}

/** A stretch of the line that lies in a building; metres, heights above the ground. */
export interface CutBuilding {
  layer: string;
  id: string;
  name?: string;
  from: number;
  to: number;
  base: number;
  height: number;
}

const inputs = (line: SectionLine) => ({ line: { type: 'LineString', coordinates: line } });

/** Asks the server what a section shows; an answer that is not 2xx is an HttpError with the server's sentence. */
export async function readProfile(line: SectionLine, signal?: AbortSignal): Promise<Profile> {
  return (await (await execute('section', inputs(line), 'application/json', signal)).json()) as Profile;
}

/** The same as a table. */
export async function readTable(line: SectionLine): Promise<Blob> {
  return (await execute('section', inputs(line), 'text/csv')).blob();
}

/** Whether something in a section is a pipe, not a node or part. */
export function isPipe({ angle }: Crossing): boolean {
  return angle !== undefined;
}

/** How deep below the ground a section reaches that shows all its pipes, in metres. */
export function depthOf(items: readonly Crossing[]): number {
  const deepest = items.reduce((most, { depth = 0, tall = 0, angle }) => {
    const foot = angle === undefined ? depth : depth + tall;
    return foot < 40 ? Math.max(most, foot) : most;
  }, 0);
  return Math.min(30, Math.max(3, Math.ceil(deepest + 0.6)));
}
