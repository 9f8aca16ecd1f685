import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Text } from '../i18n';

/** How long a sensor has been silent, as the server judges it. */
export type ReadingState = 'live' | 'stale' | 'offline';

/** Whether a value is as it should be, as the server's rules judge it. */
export type ReadingLevel = 'normal' | 'warning' | 'alarm';

/** What an object is shown as: the worst of its readings in one word. */
export type Condition = 'normal' | 'warning' | 'alarm' | 'stale' | 'offline';

/** The latest reading of one property of a city object. */
export interface Reading {
  layer: string;
  feature: string;
  property: string;
  /** What is measured. */
  name: Text;
  value: number | string | boolean | null;
  unit: string;
  /** Milliseconds since 1970, by the source's clock. */
  time: number;
  /** Milliseconds since 1970, by the server's clock. */
  received: number;
  state: ReadingState;
  level: ReadingLevel;
  /** Degrees: the object's point or the middle of its line, where the server says it. */
  lon?: number;
  lat?: number;
}

/** All readings of one city object. */
export interface ObjectReadings {
  layer: string;
  feature: string;
  /** The most telling first. */
  readings: readonly Reading[];
  condition: Condition;
  /** Degrees; absent while nobody knows it. */
  place?: [lon: number, lat: number];
}

/** Hears which objects of a layer have other readings; null: all may have. */
export type ReadingsHeard = (layer: string, features: ReadonlySet<string> | null) => void;

const none: ReadonlyMap<string, ObjectReadings> = new Map();
const severity: Record<Condition, number> = { alarm: 4, warning: 3, offline: 2, stale: 1, normal: 0 };

/** What a reading is shown as: what is wrong comes before how long it has been silent. */
export function conditionOf(reading: Pick<Reading, 'state' | 'level'>): Condition {
  if (reading.level !== 'normal') return reading.level;
  return reading.state === 'live' ? 'normal' : reading.state;
}

/** Orders conditions from the worst. */
export function worseFirst(a: Condition, b: Condition): number {
  return severity[b] - severity[a];
}

/**
 * The readings of city objects, by layer and feature. The live connection puts
 * them in; maps, panels and tools read them.
 */
export class Readings {
  private readonly layers = new Map<string, Map<string, ObjectReadings>>();
  private readonly listeners = new Set<ReadingsHeard>();
  private readonly count: Signal<number> = signal(0);
  private readonly visible: Signal<boolean> = signal(true);

  /** Counts the changes, so that components are drawn anew. */
  get revision(): ReadonlySignal<number> {
    return this.count;
  }

  /** Whether maps show readings. */
  get shown(): ReadonlySignal<boolean> {
    return this.visible;
  }

  show(visible: boolean): void {
    this.visible.value = visible;
    for (const layer of this.layers.keys()) this.tell(layer, null);
  }

  of(layer: string, feature: string): ObjectReadings | undefined {
    return this.layers.get(layer)?.get(feature);
  }

  objects(layer: string): ReadonlyMap<string, ObjectReadings> {
    return this.layers.get(layer) ?? none;
  }

  /** The layers that have readings. */
  get layerIds(): string[] {
    return [...this.layers.keys()];
  }

  /** Objects by condition. */
  counts(): Record<Condition, number> {
    const counts: Record<Condition, number> = { normal: 0, warning: 0, alarm: 0, stale: 0, offline: 0 };
    for (const objects of this.layers.values())
      for (const { condition } of objects.values()) counts[condition]++;
    return counts;
  }

  on(heard: ReadingsHeard): () => void {
    this.listeners.add(heard);
    return () => this.listeners.delete(heard);
  }

  /** Takes readings of a layer; reset: there are no others. */
  take(layer: string, changed: readonly Reading[], reset: boolean): void {
    let objects = this.layers.get(layer);
    if (!objects || reset) {
      if (changed.length === 0 && !objects?.size) return;
      objects = new Map();
      this.layers.set(layer, objects);
    }
    const features = new Set<string>();
    for (const reading of changed) {
      features.add(reading.feature);
      objects.set(reading.feature, withReading(objects.get(reading.feature), reading));
    }
    this.tell(layer, reset ? null : features);
  }

  /** Forgets a layer's readings. */
  forget(layer: string): void {
    if (this.layers.delete(layer)) this.tell(layer, null);
  }

  /** Those of some objects of a layer, null: of all, of which no reading said where they are. */
  placeless(layer: string, features: readonly string[] | null): string[] {
    const objects = this.objects(layer);
    return (features ?? [...objects.keys()]).filter(
      feature => objects.has(feature) && !objects.get(feature)?.place,
    );
  }

  /** Tells where an object is, where its readings do not. */
  locate(layer: string, feature: string, place: [lon: number, lat: number]): void {
    const objects = this.layers.get(layer);
    const object = objects?.get(feature);
    if (!objects || !object || object.place) return;
    objects.set(feature, { ...object, place });
    this.tell(layer, new Set([feature]));
  }

  private tell(layer: string, features: ReadonlySet<string> | null): void {
    this.count.value++;
    for (const heard of this.listeners) heard(layer, features);
  }
}

function withReading(object: ObjectReadings | undefined, reading: Reading): ObjectReadings {
  const others = object?.readings.filter(({ property }) => property !== reading.property) ?? [];
  const readings = [...others, reading].sort(
    (a, b) =>
      worseFirst(conditionOf(a), conditionOf(b)) ||
      rank(a.property) - rank(b.property) ||
      (a.property < b.property ? -1 : 1),
  );
  const { lon, lat } = reading;
  const place: [number, number] | undefined =
    lon !== undefined && lat !== undefined ? [lon, lat] : object?.place;
  const first = readings[0] ?? reading;
  return {
    layer: reading.layer,
    feature: reading.feature,
    readings,
    condition: conditionOf(first),
    ...(place ? { place } : {}),
  };
}

/** Which property speaks for an object that is well. */
const leading = ['water_level', 'level', 'pressure', 'gas_pressure', 'power', 'temperature', 'cover_tilt'];

function rank(property: string): number {
  const at = leading.indexOf(property);
  return at < 0 ? leading.length : at;
}
