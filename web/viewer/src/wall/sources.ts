import type { Store } from '../app/store';
import type { SymbolKind } from '../config/config';
import type { LiveCounts } from '../live/feed';
import type { WallState } from './wallState';

/** One source of live data: a layer of moving things, or the sensors of a layer's objects. */
export interface Source {
  id: string;
  title: string;
  symbol: SymbolKind;
  color: string;
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
      counts: counts.get(id),
    }));
}

/** Every source there is to count. */
export function allSources(wall: WallState): Source[] {
  return liveSources(wall.store);
}
