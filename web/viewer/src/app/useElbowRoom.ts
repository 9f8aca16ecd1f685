import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Selection } from './selection';
import type { Store } from './store';

/** Milliseconds in which a card takes its size after something was picked; later the map is the user's. */
const opening = 8000;

/** Whether a card at the right leaves no room for the controls below it. Pixels of the window. */
export function crowds(
  card: { bottom: number },
  controls: { height: number; bottom: number },
  gap: number,
): boolean {
  return card.bottom + gap > controls.bottom - controls.height;
}

/**
 * The controls stay in their corner, so that none moves away from under the pointer, until a card grows down
 * to them: then they stand beside it for as long as it is open. `body.crowded` tells styles.
 * What was picked comes out from under the card.
 */
export function useElbowRoom(store: Store): void {
  const selection = store.selection.value;
  const picked = useRef<{ selection: Selection | undefined; at: number }>({ selection: undefined, at: 0 });
  if (picked.current.selection !== selection) picked.current = { selection, at: performance.now() };
  // After every drawing: the card may be another.
  useLayoutEffect(() => {
    const { body } = document;
    const card = document.querySelector('.feature');
    const controls = document.querySelector('.controls');
    if (!card || !controls) {
      body.classList.remove('crowded');
      return undefined;
    }
    const observer = new ResizeObserver(() => {
      const gap = Number.parseFloat(getComputedStyle(controls).rowGap) || 0;
      if (crowds(card.getBoundingClientRect(), controls.getBoundingClientRect(), gap))
        body.classList.add('crowded');
      if (performance.now() - picked.current.at < opening) store.uncover(card.getBoundingClientRect());
    });
    observer.observe(card);
    return () => observer.disconnect();
  });
}
