import type { Map as MapLibreMap } from 'maplibre-gl';
import type { SectionLine } from '../section/profile';
import type { Corner } from './sketch';

/** Marks nearer than this to each other, in pixels, are left out. */
const least = 15;

/** The depths in metres beside both ends of a section. */
export class DepthMarks {
  private readonly marks: { element: HTMLElement; corner: Corner }[] = [];

  /** @param pixelOf finds a place on the canvas; undefined behind the viewer */
  constructor(
    private readonly map: MapLibreMap,
    line: SectionLine,
    depth: number,
    private readonly pixelOf: (corner: Corner) => { x: number; y: number } | undefined,
  ) {
    for (const [lon, lat] of line)
      for (let d = 0; d <= depth; d++) {
        const element = document.createElement('span');
        element.className = 'scale-mark';
        element.setAttribute('aria-hidden', 'true');
        element.textContent = d === 0 ? '0 m' : `−${d}`;
        map.getCanvasContainer().append(element);
        this.marks.push({ element, corner: [lon, lat, -d] });
      }
    map.on('render', this.draw);
  }

  dispose(): void {
    this.map.off('render', this.draw);
    for (const { element } of this.marks) element.remove();
  }

  private readonly draw = (): void => {
    let before: { x: number; y: number } | undefined;
    for (const { element, corner } of this.marks) {
      const at = this.pixelOf(corner);
      const shown = at && !(before && Math.hypot(at.x - before.x, at.y - before.y) < least);
      element.hidden = !shown;
      if (!shown) continue;
      before = at;
      element.style.transform = `translate(${at.x.toFixed(1)}px, ${at.y.toFixed(1)}px) translate(-50%, -50%)`;
    }
  };
}
