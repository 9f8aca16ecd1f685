import type { Store } from '../app/store';
import type { SymbolKind } from '../config/config';
import { textIn } from '../i18n';
import type { LiveCounts } from '../live/feed';
import type { Readings } from '../readings/readings';
import type { WallWords } from './words';

/** One source of live data: a layer of moving things, or the sensors of one place. */
export interface Source {
  id: string;
  title: string;
  symbol: SymbolKind;
  color: string;
  /** A layer of moving things, whose past a replay shows. */
  moves: boolean;
  /** Undefined before the server told. */
  counts: LiveCounts | undefined;
}

/** The live layers with their counts, in the order of the configuration. */
export function liveSources(store: Store): Source[] {
  const counts = store.counts.value;
  return store.config.layers
    .filter(({ live }) => live)
    .map(({ id, legend }) => ({
      id,
      title: store.title(id),
      symbol: legend[0]?.symbol ?? 'circle',
      color: legend[0]?.color[store.theme.value] ?? 'var(--accent)',
      moves: true,
      counts: counts.get(id),
    }));
}

/** Where a layer's sensors are counted: in its group, or by themselves. */
export function sensorGroup(store: Store, layer: string): string {
  return store.layer(layer)?.group || layer;
}

/** How many readings of each group are live, stale and offline. */
export function countSensors(
  readings: Readings,
  groupOf: (layer: string) => string,
): Map<string, LiveCounts> {
  const groups = new Map<string, LiveCounts>();
  for (const layer of readings.layerIds) {
    const objects = readings.objects(layer);
    if (objects.size === 0) continue;
    const id = groupOf(layer);
    const counts = groups.get(id) ?? { live: 0, stale: 0, offline: 0 };
    groups.set(id, counts);
    for (const object of objects.values()) for (const { state } of object.readings) counts[state]++;
  }
  return groups;
}

/** The sensors as sources, in the order of the layers' groups. */
export function sensorSources(
  store: Store,
  sensors: ReadonlyMap<string, LiveCounts>,
  words: WallWords,
): Source[] {
  const language = store.language.value;
  const titles = new Map(
    store.config.groups.map(({ id, title }) => [id, textIn(title, language, id)] as const),
  );
  const order = [...titles.keys()];
  const rank = (id: string) => (order.includes(id) ? order.indexOf(id) : order.length);
  return [...sensors]
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([id, counts]) => ({
      id: `sensors/${id}`,
      title: words.sources.sensors(titles.get(id) ?? store.title(id)),
      symbol: 'circle' as const,
      color: 'var(--good)',
      moves: false,
      counts,
    }));
}
