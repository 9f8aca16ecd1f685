import type { Map as MapLibreMap, MapMouseEvent } from 'maplibre-gl';

export type Corner = readonly [lon: number, lat: number];

/** What a sketch tells. */
export interface SketchEvents {
  /** The user ended the polygon; its corners, three at least. */
  done(ring: Corner[]): void;
  /** The user gave up. */
  cancelled(): void;
  /** Corners were set or taken back. */
  changed?(count: number): void;
}

/** Clicks nearer than this to another, in pixels, are one. */
const touch = 6;
/** A click this near to the first corner ends the polygon. */
const catching = 12;

/**
 * A polygon that the user draws on the map: a click sets a corner, a double click, Enter or a click on the
 * first corner ends it, Backspace takes the last corner back, Escape gives up.
 */
export class PolygonSketch {
  private readonly ring: Corner[] = [];
  private pointer: Corner | undefined;
  private readonly svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  private readonly area = this.shape('polygon', 'sketch-area');
  private readonly line = this.shape('polyline', 'sketch-line');
  private readonly dots = this.shape('g', 'sketch-dots');

  constructor(
    private readonly map: MapLibreMap,
    private readonly events: SketchEvents,
  ) {
    this.svg.classList.add('sketch');
    this.svg.setAttribute('aria-hidden', 'true');
    map.getCanvasContainer().append(this.svg);
    map.getCanvas().classList.add('map-drawing');
    map.doubleClickZoom.disable();
    map.on('click', this.click);
    map.on('dblclick', this.doubleClick);
    map.on('mousemove', this.move);
    map.on('move', this.draw);
    window.addEventListener('keydown', this.key, true);
  }

  dispose(): void {
    const { map } = this;
    map.off('click', this.click);
    map.off('dblclick', this.doubleClick);
    map.off('mousemove', this.move);
    map.off('move', this.draw);
    window.removeEventListener('keydown', this.key, true);
    map.getCanvas().classList.remove('map-drawing');
    // The click that ended the sketch may be the first of two.
    setTimeout(() => map.doubleClickZoom.enable(), 400);
    this.svg.remove();
  }

  private readonly click = ({ lngLat, point }: MapMouseEvent): void => {
    const first = this.ring[0];
    const last = this.ring.at(-1);
    if (this.ring.length >= 3 && first && this.distance(first, point) < catching) {
      this.end();
      return;
    }
    if (last && this.distance(last, point) < touch) return;
    this.ring.push([lngLat.lng, lngLat.lat]);
    this.events.changed?.(this.ring.length);
    this.draw();
  };

  private readonly doubleClick = (event: MapMouseEvent): void => {
    event.preventDefault();
    this.end();
  };

  private readonly move = ({ lngLat }: MapMouseEvent): void => {
    this.pointer = [lngLat.lng, lngLat.lat];
    this.draw();
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === 'Escape') this.events.cancelled();
    else if (event.key === 'Enter') this.end();
    else if (event.key === 'Backspace') {
      this.ring.pop();
      this.events.changed?.(this.ring.length);
      this.draw();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  private end(): void {
    if (this.ring.length >= 3) this.events.done([...this.ring]);
  }

  private distance([lon, lat]: Corner, at: { x: number; y: number }): number {
    const p = this.map.project([lon, lat]);
    return Math.hypot(p.x - at.x, p.y - at.y);
  }

  private readonly draw = (): void => {
    const place = ([lon, lat]: Corner) => {
      const { x, y } = this.map.project([lon, lat]);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    };
    const corners = this.pointer ? [...this.ring, this.pointer] : this.ring;
    const points = this.ring.length === 0 ? '' : corners.map(place).join(' ');
    this.line.setAttribute('points', points);
    this.area.setAttribute('points', corners.length > 2 ? points : '');
    this.dots.replaceChildren(
      ...this.ring.map(corner => {
        const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
        const [x, y] = place(corner).split(',');
        dot.setAttribute('cx', x ?? '0');
        dot.setAttribute('cy', y ?? '0');
        dot.setAttribute('r', '4.5');
        return dot;
      }),
    );
  };

  private shape(name: 'polygon' | 'polyline' | 'g', className: string): SVGElement {
    const shape = document.createElementNS('http://www.w3.org/2000/svg', name);
    shape.classList.add(className);
    this.svg.append(shape);
    return shape;
  }
}
