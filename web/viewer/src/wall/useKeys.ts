import { useEffect } from 'preact/hooks';
import type { WallState } from './wallState';

/** The keys of the operator's screen: Esc goes back a step, 1–9 are the places, 0 the present. */
export function useKeys(wall: WallState): void {
  useEffect(() => {
    const { store } = wall;
    const keys = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement && event.target.type === 'text';
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape') {
        if (store.following.value) store.follow(false);
        else if (store.selection.value) store.pick([]);
        else wall.lookAway();
      } else if (event.key === '0') store.feed?.replay?.(undefined);
      else if (/^[1-9]$/.test(event.key)) {
        const bookmark = store.config.bookmarks[Number(event.key) - 1];
        if (bookmark) store.open(bookmark);
      }
    };
    window.addEventListener('keydown', keys);
    return () => window.removeEventListener('keydown', keys);
  }, [wall]);
}
