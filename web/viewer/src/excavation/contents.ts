import { execute } from '../app/process';
import type { Corner } from '../map/sketch';
import type { Crossing } from '../section/profile';

/** A pipe or point in a pit, as the server names it; lengths and depths in metres, sizes in millimetres. */
export interface Excavated {
  layer: string;
  id: string;
  name?: string;
  kind?: string;
  kindName?: string;
  part?: string;
  material?: string;
  length?: number;
  depthMin?: number;
  depthMax?: number;
  diameter?: number;
  width?: number;
  height?: number;
  /** Nobody recorded the depth. */
  assumed?: boolean;
}

export interface ExcavatedTotal {
  layer: string;
  kind?: string;
  kindName?: string;
  count: number;
  length: number;
}

/** What lies in a pit. */
export interface Contents {
  area: number;
  volume: number;
  items: Excavated[];
  totals: ExcavatedTotal[];
}

const inputs = (ring: readonly Corner[], depth: number) => ({
  polygon: { type: 'Polygon', coordinates: [[...ring, ring[0]]] },
  depth,
});

/** Asks the server what lies in a pit; an answer that is not 2xx is an HttpError with the server's sentence. */
export async function readContents(
  ring: readonly Corner[],
  depth: number,
  signal: AbortSignal,
): Promise<Contents> {
  const response = await execute('excavation', inputs(ring, depth), 'application/json', signal);
  return (await response.json()) as Contents;
}

/** The same as a table. */
export async function readTable(ring: readonly Corner[], depth: number): Promise<Blob> {
  return (await execute('excavation', inputs(ring, depth), 'text/csv')).blob();
}

/** A size as people write it: DN300, 600 × 400; '' where it is not known. */
export function sizeOf({ diameter, width, height }: Excavated | Crossing): string {
  if (diameter !== undefined) return `DN${diameter}`;
  return width !== undefined && height !== undefined ? `${width} × ${height}` : '';
}
