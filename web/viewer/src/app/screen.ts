/** The size in CSS pixels for which sizes are drawn as designed. */
const design = { width: 1920, height: 1080 };

/**
 * Sets the size of everything by the kind of screen: as designed at a desk; on
 * a wall a quarter larger than designed and growing with the wall's pixels, so
 * that 1 rem is a 96th of its width (42 mm on a wall 4 m wide: what hanzi need to
 * be read from 6 m). Returns the factor, which the map's labels and symbols follow.
 */
export function applyScreen(wall: boolean): number {
  const size = Math.min(window.innerWidth / design.width, window.innerHeight / design.height);
  const scale = wall ? Math.max(0.6, size * 1.25) : 1;
  const root = document.documentElement;
  root.style.setProperty('font-size', `${16 * scale}px`);
  root.dataset.screen = wall ? 'wall' : 'desk';
  return scale;
}
