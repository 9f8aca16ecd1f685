import type { Map as MapLibreMap, MapMouseEvent } from 'maplibre-gl';
import { doubleClickTime } from './secondClick';

/** A place on the map: degrees, and metres above the ground where that was picked on a solid. */
export type Corner = readonly [lon: number, lat: number, height?: number];

/** What is drawn: a polygon, a line of any number of corners, or the two ends of one. */
export type SketchShape = 'polygon' | 'line' | 'pair';

/** What a sketch tells. */
export interface SketchEvents {
  /** A polygon by default. */
  shape?: SketchShape;
  /** Corners lie on the solids that are seen there, not on the ground below. */
  onSolids?: boolean;
  /** What stays on the map after the end is begun anew by the next click. */
  again?: boolean;
  /** The user ended the figure; a polygon has three corners at least, a line two. */
  done(corners: Corner[]): void;
  /** The user gave up. */
  cancelled(): void;
  /** Corners were set or taken back, or the pointer moved. */
  changed?(count: number, corners: readonly Corner[], pointer: Corner | undefined): void;
  /** What stands beside the pointer; '' for nothing. */
  label?(): string;
}

/** How a sketch finds places on the screen and back; in pixels of the canvas. */
export interface SketchGround {
  cornerAt(x: number, y: number, onSolids: boolean): Corner | undefined;
  /** Undefined where the place is behind the viewer. */
  pixelOf(corner: Corner): { x: number; y: number } | undefined;
}

/** Clicks nearer than this to another, in pixels, are one. */
const touch = 6;
/** A click this near to the first corner ends the polygon. */
const catching = 12;

/**
 * A figure that the user draws on the map: a click sets a corner, a double click, Enter or a click on a
 * polygon's first corner ends it, Backspace takes the last corner back, Escape gives up.
 */
export class Sketch {
  private corners: Corner[] = [];
  private pointer: Corner | undefined;
  private ended = false;
  private moved = false;
  private sought: { x: number; y: number } | undefined;
  private readonly shape: SketchShape;
  private readonly svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  private readonly area = this.element('polygon', 'sketch-area');
  private readonly casing = this.element('polyline', 'sketch-casing');
  private readonly line = this.element('polyline', 'sketch-line');
  private readonly dots = this.element('g', 'sketch-dots');
  private readonly words = document.createElement('output');

  constructor(
    private readonly map: MapLibreMap,
    private readonly ground: SketchGround,
    private readonly events: SketchEvents,
  ) {
    this.shape = events.shape ?? 'polygon';
    this.svg.classList.add('sketch', `sketch-${this.shape}`);
    this.svg.setAttribute('aria-hidden', 'true');
    this.words.className = 'sketch-words';
    this.words.hidden = true;
    map.getCanvasContainer().append(this.svg, this.words);
    map.getCanvas().classList.add('map-drawing');
    map.doubleClickZoom.disable();
    map.on('click', this.click);
    map.on('dblclick', this.doubleClick);
    map.on('mousemove', this.move);
    map.on('move', this.moveMap);
    map.on('render', this.render);
    window.addEventListener('keydown', this.key, true);
  }

  dispose(): void {
    const { map } = this;
    map.off('click', this.click);
    map.off('dblclick', this.doubleClick);
    map.off('mousemove', this.move);
    map.off('move', this.moveMap);
    map.off('render', this.render);
    window.removeEventListener('keydown', this.key, true);
    map.getCanvas().classList.remove('map-drawing');
    // The click that ended the sketch may be the first of two.
    setTimeout(() => map.doubleClickZoom.enable(), doubleClickTime);
    this.svg.remove();
    this.words.remove();
  }

  /** Shows an ended figure, as after the map was made again. */
  restore(corners: readonly Corner[]): void {
    this.corners = [...corners];
    this.ended = true;
    this.draw();
  }

  /** What it says has changed. */
  redraw(): void {
    this.draw();
  }

  private get least(): number {
    return this.shape === 'polygon' ? 3 : 2;
  }

  private readonly click = ({ point }: MapMouseEvent): void => {
    if (this.ended) {
      if (!this.events.again || this.near(this.corners.at(-1), point, touch)) return;
      this.ended = false;
      this.corners = [];
    }
    const { corners } = this;
    if (this.shape === 'polygon' && corners.length >= 3 && this.near(corners[0], point, catching)) {
      this.end();
      return;
    }
    if (this.near(corners.at(-1), point, touch)) return;
    const corner = this.ground.cornerAt(point.x, point.y, this.events.onSolids ?? false);
    if (!corner) return;
    corners.push(corner);
    this.pointer = corner;
    this.tell();
    if (this.shape === 'pair' && corners.length === 2) this.end();
  };

  private readonly doubleClick = (event: MapMouseEvent): void => {
    event.preventDefault();
    this.end();
  };

  /** The pointer is looked up once a frame: solids take a while to ask. */
  private readonly move = ({ point }: MapMouseEvent): void => {
    if (this.ended) return;
    const waiting = this.sought !== undefined;
    this.sought = point;
    if (!waiting) requestAnimationFrame(this.seek);
  };

  private readonly seek = (): void => {
    const at = this.sought;
    this.sought = undefined;
    if (!at || this.ended || !this.svg.isConnected) return;
    this.pointer = this.ground.cornerAt(at.x, at.y, this.events.onSolids ?? false);
    this.words.style.transform = `translate(${at.x + 16}px, ${at.y + 14}px)`;
    this.tell();
  };

  private readonly moveMap = (): void => {
    this.moved = true;
  };

  private readonly render = (): void => {
    if (this.moved) this.draw();
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === 'Escape') this.events.cancelled();
    else if (event.key === 'Enter' && !(event.target instanceof HTMLButtonElement)) this.end();
    else if (event.key === 'Backspace') {
      this.ended = false;
      this.corners.pop();
      this.tell();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  private end(): void {
    if (this.ended || this.corners.length < this.least) return;
    this.ended = true;
    this.pointer = undefined;
    this.tell();
    this.events.done([...this.corners]);
  }

  private tell(): void {
    this.events.changed?.(this.corners.length, this.corners, this.ended ? undefined : this.pointer);
    this.draw();
  }

  private near(corner: Corner | undefined, at: { x: number; y: number }, reach: number): boolean {
    const p = corner && this.ground.pixelOf(corner);
    return p !== undefined && Math.hypot(p.x - at.x, p.y - at.y) < reach;
  }

  private readonly draw = (): void => {
    this.moved = false;
    const drawn = this.ended || !this.pointer ? this.corners : [...this.corners, this.pointer];
    const pixels = drawn.flatMap(corner => this.ground.pixelOf(corner) ?? []);
    const points = pixels.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`);
    const closed = this.shape === 'polygon' && this.ended ? points.slice(0, 1) : [];
    const text = this.corners.length === 0 ? '' : [...points, ...closed].join(' ');
    this.line.setAttribute('points', text);
    this.casing.setAttribute('points', text);
    this.line.classList.toggle('sketch-ended', this.ended);
    this.area.setAttribute('points', this.shape === 'polygon' && points.length > 2 ? points.join(' ') : '');
    this.dots.replaceChildren(
      ...pixels.slice(0, this.corners.length).map(({ x, y }) => {
        const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
        dot.setAttribute('cx', x.toFixed(1));
        dot.setAttribute('cy', y.toFixed(1));
        dot.setAttribute('r', '4.5');
        return dot;
      }),
    );
    const words = this.events.label?.() ?? '';
    this.words.hidden = words === '';
    this.words.textContent = words;
    const last = pixels.at(-1);
    if (this.ended && last) this.words.style.transform = `translate(${last.x + 16}px, ${last.y + 14}px)`;
  };

  private element(name: 'polygon' | 'polyline' | 'g', className: string): SVGElement {
    const shape = document.createElementNS('http://www.w3.org/2000/svg', name);
    shape.classList.add(className);
    this.svg.append(shape);
    return shape;
  }
}
