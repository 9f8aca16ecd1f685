import { useEffect } from 'preact/hooks';
import type { Store } from './store';

/** Keeps the store informed of what the panels cover, so that the camera puts things where they are seen. */
export function useCovered(store: Store): void {
  const layersOpen = store.layersOpen.value;
  const picked =
    store.selection.value !== undefined ||
    [store.excavation, store.measuring].some(tool => tool.phase.value !== 'off');
  useEffect(() => {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const sheet = window.innerWidth < 900;
    store.covered = {
      left: layersOpen && !sheet ? 22.5 * rem : 0,
      right: picked && !sheet ? 24 * rem : 0,
      top: 4.5 * rem,
      bottom: sheet && (layersOpen || picked) ? window.innerHeight * 0.45 : 2 * rem,
    };
  }, [store, layersOpen, picked]);
}
