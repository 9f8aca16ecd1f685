import type { Geometry } from 'geojson';

/** Reads the geometry of one feature; undefined: it has none, or is gone. */
export type ReadShape = (
  layer: string,
  feature: string,
  signal: AbortSignal,
) => Promise<Geometry | undefined>;

const atOnce = 4; // requests under way
const most = 2000; // shapes kept

/** The shapes of objects, asked for once each and a few at a time. */
export class Shapes {
  private readonly known = new Map<string, Geometry | null>();
  private readonly queue = new Map<string, { layer: string; feature: string }>();
  private readonly ended = new AbortController();
  private readonly underway = new Set<string>();

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
    this.queue.set(key, { layer, feature });
    this.next();
  }

  /** Forgets shapes that may have changed; null: all of the layer. */
  forget(layer: string, features: readonly string[] | null): void {
    if (features) for (const feature of features) this.known.delete(keyOf(layer, feature));
    else for (const key of [...this.known.keys()]) if (key.startsWith(`${layer}\n`)) this.known.delete(key);
  }

  dispose(): void {
    this.ended.abort();
    this.queue.clear();
  }

  private next(): void {
    for (const [key, { layer, feature }] of this.queue) {
      if (this.underway.size >= atOnce) return;
      this.queue.delete(key);
      this.underway.add(key);
      void this.fetch(key, layer, feature);
    }
  }

  private async fetch(key: string, layer: string, feature: string): Promise<void> {
    try {
      const shape = await this.read(layer, feature, this.ended.signal);
      this.known.set(key, shape ?? null);
      if (shape) this.arrived(layer, feature, shape);
    } catch {
      // It is asked for again when it is next in view.
    } finally {
      this.underway.delete(key);
      if (!this.ended.signal.aborted) this.next();
    }
  }
}

function keyOf(layer: string, feature: string): string {
  return `${layer}\n${feature}`;
}
