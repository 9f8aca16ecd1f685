import recorded from '../../../../realtime/wire/testdata/recorded.json';
import type { Socket } from './client';
import { EntityState, type LiveLayer, noClass } from './layer';

/** An entity as the recording describes it. */
export interface ExpectedEntity {
  id: string;
  lon: number;
  lat: number;
  z: number | null;
  course: number | null;
  speed: number | null;
  time: number;
  state: string;
  class: string;
  properties: unknown;
}

/** One step of the session that the Go tests recorded: what came, and what is then held. */
export interface RecordedStep {
  what: string;
  open?: boolean;
  texts?: string[];
  /** Base64. */
  frames?: string;
  mode: string;
  entities: ExpectedEntity[];
  cells: number[][];
  counts: number[];
}

export const steps = recorded as unknown as RecordedStep[];

/** The bytes of a step's frames. */
export function framesOf(step: RecordedStep): ArrayBuffer | undefined {
  return step.frames === undefined
    ? undefined
    : Uint8Array.from(atob(step.frames), c => c.charCodeAt(0)).buffer;
}

const states = Object.fromEntries(Object.entries(EntityState).map(([name, value]) => [value, name]));
/** The recording has the shortest decimals of its Float32 values; they have one. */
const known = (value: number | undefined) =>
  Number.isNaN(value) ? null : Math.round((value as number) * 1e3) / 1e3;

/** Everything in a layer, by id, as the recording describes it. */
export function heldBy(layer: LiveLayer | undefined): ExpectedEntity[] {
  const held: ExpectedEntity[] = [];
  for (let slot = 0; layer && slot < layer.size; slot++) {
    if (layer.state[slot] === EntityState.free) continue;
    held.push({
      id: layer.entityId(slot),
      lon: Math.round((layer.lon[slot] as number) * 1e7) / 1e7,
      lat: Math.round((layer.lat[slot] as number) * 1e7) / 1e7,
      z: known(layer.z[slot]),
      course: known(layer.course[slot]),
      speed: known(layer.speed[slot]),
      time: layer.time[slot] as number,
      state: states[layer.state[slot] as number] ?? '',
      class: layer.class[slot] === noClass ? '' : (layer.classes[layer.class[slot] as number] ?? ''),
      properties: layer.properties(slot),
    });
  }
  const bytes = (s: string) => new TextEncoder().encode(s);
  return held.sort((a, b) => compareBytes(bytes(a.id), bytes(b.id)));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++)
    if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}

/** The counts of all cells, sorted. */
export function cellsOf(layer: LiveLayer | undefined): number[][] {
  const counts: number[][] = [];
  for (let row = 0; layer && row < layer.cells.size; row++) {
    counts.push([
      layer.cells.live[row] as number,
      layer.cells.stale[row] as number,
      layer.cells.offline[row] as number,
    ]);
  }
  return counts.sort(
    (a, b) =>
      (a[0] as number) - (b[0] as number) ||
      (a[1] as number) - (b[1] as number) ||
      (a[2] as number) - (b[2] as number),
  );
}

/** A socket that a test plays the server of. */
export class FakeSocket implements Socket {
  binaryType = '';
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  /** The server says something. */
  say(data: unknown): void {
    this.onmessage?.({
      data: typeof data === 'string' || data instanceof ArrayBuffer ? data : JSON.stringify(data),
    });
  }

  /** The connection breaks. */
  fail(reason = ''): void {
    this.onclose?.({ code: 1006, reason });
  }
}
