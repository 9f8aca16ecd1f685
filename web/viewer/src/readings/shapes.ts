import type { Feature, Geometry } from 'geojson';
import { fetchJson, HttpError } from '../app/http';

/** Reads the geometry of one feature; undefined: it has none, or is gone. */
export type ReadShape = (
  layer: string,
  feature: string,
  signal: AbortSignal,
) => Promise<Geometry | undefined>;

const atOnce = 4; // requests under way
const most = 2000; // shapes kept
const pause = 60_000; // ms after a failure until it is asked for again

/** Reads a geometry from a layer's items; a feature that is not among them has none. */
export async function fetchShape(
  items: string,
  feature: string,
  signal: AbortSignal,
): Promise<Geometry | undefined> {
  try {
    const item = (await fetchJson(`${items}/${encodeURIComponent(feature)}`, signal)) as Partial<Feature>;
    return item.geometry ?? undefined;
  } catch (error) {
    if (error instanceof HttpError && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
}

/**
 * The shapes of objects, asked for once each and a few at a time. That there is
 * none is known too, until the layer changes.
 */
export class Shapes {
  private readonly known = new Map<string, Geometry | null>();
  private readonly queue = new Map<string, { layer: string; feature: string }>();
  private readonly ended = new AbortController();
  /** What is asked for; true: it has changed since. */
  private readonly underway = new Map<string, boolean>();
  /** When what could not be read was asked for, ms of the page's clock. */
  private readonly failed = new Map<string, number>();

  constructor(
    private readonly read: ReadShape,
    private readonly arrived: (layer: string, feature: string, shape: Geometry) => void,
  ) {}

  get(layer: string, feature: string): Geometry | undefined {
    return this.known.get(keyOf(layer, feature)) ?? undefined;
  }

  /** Asks for a shape, unless it is known or asked for. */
  want(layer: string, feature: string): void {
    const key = keyOf(layer, feature);
    if (this.known.has(key) || this.queue.has(key) || this.underway.has(key) || this.known.size >= most)
      return;
    if (performance.now() - (this.failed.get(key) ?? Number.NEGATIVE_INFINITY) < pause) return;
    this.queue.set(key, { layer, feature });
    this.next();
  }

  /** Forgets shapes that may have changed; null: all of the layer. */
  forget(layer: string, features: readonly string[] | null): void {
    const keys = features
      ? features.map(feature => keyOf(layer, feature))
      : [...this.known.keys(), ...this.failed.keys(), ...this.underway.keys()].filter(key =>
          key.startsWith(`${layer}\n`),
        );
    for (const key of keys) {
      this.known.delete(key);
      this.failed.delete(key);
      if (this.underway.has(key)) this.underway.set(key, true);
    }
  }

  dispose(): void {
    this.ended.abort();
    this.queue.clear();
  }

  private next(): void {
    for (const [key, { layer, feature }] of this.queue) {
      if (this.underway.size >= atOnce) return;
      this.queue.delete(key);
      this.underway.set(key, false);
      void this.fetch(key, layer, feature);
    }
  }

  private async fetch(key: string, layer: string, feature: string): Promise<void> {
    try {
      const shape = await this.read(layer, feature, this.ended.signal);
      this.failed.delete(key);
      if (this.underway.get(key)) this.queue.set(key, { layer, feature });
      else this.known.set(key, shape ?? null);
      if (shape) this.arrived(layer, feature, shape);
    } catch {
      this.failed.set(key, performance.now());
    } finally {
      this.underway.delete(key);
      if (!this.ended.signal.aborted) this.next();
    }
  }
}

function keyOf(layer: string, feature: string): string {
  return `${layer}\n${feature}`;
}
