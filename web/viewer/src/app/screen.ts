/** The width in CSS pixels for which sizes are drawn as designed. */
const design = 1920;

/**
 * Sets the size of everything by the kind of screen: as designed at a desk; on
 * a wall, a quarter larger than designed and growing with the wall's pixels.
 * Returns the factor, which the map's labels and symbols follow.
 */
export function applyScreen(wall: boolean): number {
  const scale = wall ? Math.max(1, (window.innerWidth / design) * 1.25) : 1;
  const root = document.documentElement;
  root.style.setProperty('font-size', `${16 * scale}px`);
  root.dataset.screen = wall ? 'wall' : 'desk';
  return scale;
}
