/** What a window shows: the map between its panels, above them, or all of it below one another, to be scrolled. */
export type Shape = 'wide' | 'tall' | 'small';

/** How large everything is drawn, in factors of the size as designed, and how it is arranged. */
export interface Fit {
  scale: number;
  shape: Shape;
}

/** CSS pixels of 1 rem at scale 1. */
const rem = 16;
/** The size in CSS pixels for which a desk's sizes are drawn as designed. */
const design = { width: 1920, height: 1080 };
/** Rem that a wall's panels need below its map. */
const tallWall = { width: 54, height: 80 };
/** The greatest width of a wall that stands upright, in shares of its height. */
const upright = 0.8;

/**
 * How a desk's page fits a window, in CSS pixels: as designed up to 2560 × 1440,
 * and growing with the window beyond, half as large again at 3840 × 2160.
 */
export function fitDesk(width: number, height: number): Fit {
  const size = Math.min(Math.max(width, height) / design.width, Math.min(width, height) / design.height);
  return { scale: Math.max(1, size * 0.75), shape: 'wide' };
}

/**
 * How the operator's screen fits a window, in CSS pixels: a quarter larger than
 * designed and growing with the wall's pixels, so that 1 rem is a 96th of its
 * width (42 mm on a wall 4 m wide: what hanzi need to be read from 6 m). On a wall
 * that stands upright 1 rem is a 54th of its width; on a telephone 14 pixels.
 */
export function fitWall(width: number, height: number): Fit {
  if (width < 600 || height < 420) return { scale: 0.875, shape: 'small' };
  if (width <= height * upright)
    return { scale: Math.min(width / tallWall.width, height / tallWall.height) / rem, shape: 'tall' };
  const size = Math.min(width / design.width, height / design.height);
  return { scale: Math.max(0.6, size * 1.25), shape: 'wide' };
}

/** Sets the size of everything by the kind of screen and the window. Returns the factor, which the map's labels and symbols follow. */
export function applyScreen(wall: boolean): number {
  const { scale, shape } = (wall ? fitWall : fitDesk)(window.innerWidth, window.innerHeight);
  const root = document.documentElement;
  root.style.setProperty('font-size', `${rem * scale}px`);
  root.dataset.screen = wall ? 'wall' : 'desk';
  root.dataset.shape = shape;
  return scale;
}
