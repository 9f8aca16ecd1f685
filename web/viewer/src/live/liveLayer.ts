import type { CustomLayerInterface, CustomRenderMethodInput, LngLat, Map as MapLibreMap } from 'maplibre-gl';
import type { SymbolKind } from '../config/config';
import { parseHex } from '../theme/contrast';
import { Backlog } from './backlog';
import type { LiveColumns, LiveFeed } from './feed';
import { localMatrix, toScreen } from './frame';
import { LabelAtlas } from './labelAtlas';
import { createProgram, Uniforms } from './program';
import { fragmentSource, Shape, vertexSource } from './shaders';
import { type AboveGround, blend, offsets, stride, Tracks } from './tracks';

/** How one live layer is drawn. */
export interface LiveLook {
  id: string;
  symbol: SymbolKind;
  /** Colours as #rrggbb. */
  color: string;
  /** Letters on the symbol. */
  ink: string;
}

/** Colours and sizes that all live layers share. */
export interface LiveTheme {
  halo: string;
  stale: string;
  selected: string;
  /** Factor on sizes, 1 at a desk. */
  scale: number;
}

/** An entity under the pointer. */
export interface LiveHit {
  layer: string;
  slot: number;
  id: string;
  /** Pixels between pointer and entity. */
  distance: number;
}

interface Drawn {
  look: LiveLook;
  tracks: Tracks;
  /** What large messages changed, taken over frame by frame. */
  backlog: Backlog;
  buffer: WebGLBuffer | null;
  capacity: number;
  visible: boolean;
  opacity: number;
}

/** Changed entities that a frame takes over at once; of more, a share that takes them all over within `settled`. */
const mostAFrame = 1500;
/** Milliseconds that a frame may take before there are pauses between frames. */
const comfortable = 60;
/** Milliseconds within which most of what a message changed is drawn. */
const settled = 120;
const metre = 1 / 40075016.685578488; // of the unit square of Web Mercator
const shapeOf: Record<SymbolKind, number> = {
  arrow: Shape.arrow,
  square: Shape.square,
  diamond: Shape.diamond,
  circle: Shape.dot,
  fill: Shape.dot,
  line: Shape.dot,
};

/**
 * Draws every entity of the live layers over the map: one instanced call a
 * layer, positions carried on in the vertex shader, so that a frame costs the
 * main thread the same for ten entities as for 100,000.
 */
export class LiveLayer implements CustomLayerInterface {
  readonly id = 'twind-live';
  readonly type = 'custom';
  readonly renderingMode = '3d';

  private map: MapLibreMap | undefined;
  private attributes: WebGLVertexArrayObject | null = null;
  private program: WebGLProgram | undefined;
  private uniforms: Uniforms | undefined;
  private texture: WebGLTexture | null = null;
  private readonly atlas = new LabelAtlas('"Twind Sans", sans-serif');
  private readonly drawn = new Map<string, Drawn>();
  private selection: { layer: string; id: string } | undefined;
  private world: Float64Array | undefined;
  /** When the next frame was asked for, in seconds; NaN: it was not. */
  private asked = Number.NaN;
  /** Milliseconds that a frame takes. */
  private interval = 16;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopFrames: (() => void) | undefined;

  constructor(
    private readonly feed: LiveFeed,
    looks: readonly LiveLook[],
    private theme: LiveTheme,
  ) {
    for (const look of looks) {
      const tracks = new Tracks(look.symbol === 'square' ? this.atlas.cellOf : null, seconds());
      this.drawn.set(look.id, {
        look,
        tracks,
        backlog: new Backlog(),
        buffer: null,
        capacity: 0,
        visible: true,
        opacity: 1,
      });
    }
  }

  onAdd(map: MapLibreMap, gl: WebGL2RenderingContext): void {
    this.map = map;
    this.attributes = gl.createVertexArray();
    this.program = createProgram(gl, vertexSource, fragmentSource);
    this.uniforms = new Uniforms(gl, this.program);
    this.texture = gl.createTexture();
    this.atlas.dirty = true;
    for (const [id, drawn] of this.drawn) {
      drawn.buffer = gl.createBuffer();
      drawn.capacity = 0;
      this.takeFrame(id, null);
    }
    this.stopFrames = this.feed.onFrame((layer, slots) => this.takeFrame(layer, slots));
  }

  onRemove(_map: MapLibreMap, gl: WebGL2RenderingContext): void {
    this.stopFrames?.();
    clearTimeout(this.timer);
    for (const drawn of this.drawn.values()) {
      gl.deleteBuffer(drawn.buffer);
      drawn.buffer = null;
    }
    gl.deleteTexture(this.texture);
    gl.deleteVertexArray(this.attributes);
    if (this.program) gl.deleteProgram(this.program);
    this.program = undefined;
    this.map = undefined;
  }

  /** Something of a layer has a height, so that the ground must be known. */
  get elevated(): boolean {
    return this.feedLayers().some(columns => {
      for (let slot = 0; slot < columns.size; slot++)
        if (columns.state[slot] !== 0 && !Number.isNaN(columns.z?.[slot] ?? Number.NaN)) return true;
      return false;
    });
  }

  private feedLayers(): LiveColumns[] {
    return [...this.drawn.keys()].flatMap(id => this.feed.columns(id) ?? []);
  }

  /** Tells how entities that have a height stand above the ground: again when more of the ground is known. */
  stand(aboveGround: AboveGround): void {
    for (const [id, { tracks }] of this.drawn) {
      tracks.aboveGround = aboveGround;
      this.takeFrame(id, null);
    }
  }

  /** Changes colours, as the theme does. */
  restyle(looks: readonly LiveLook[], theme: LiveTheme): void {
    this.theme = theme;
    for (const look of looks) {
      const drawn = this.drawn.get(look.id);
      if (drawn) drawn.look = look;
    }
    this.map?.triggerRepaint();
  }

  show(layer: string, visible: boolean, opacity: number): void {
    const drawn = this.drawn.get(layer);
    if (!drawn) return;
    drawn.visible = visible;
    drawn.opacity = opacity;
    this.map?.triggerRepaint();
  }

  select(selection: { layer: string; id: string } | undefined): void {
    this.selection = selection;
    this.map?.triggerRepaint();
  }

  /** Where an entity is shown now, in degrees; undefined when it is not in view. */
  place(layer: string, id: string): [lon: number, lat: number] | undefined {
    const drawn = this.drawn.get(layer);
    const slot = this.feed.columns(layer)?.slotOf(id) ?? -1;
    if (!drawn || slot < 0 || drawn.tracks.state(slot) === 0) return undefined;
    const shown = drawn.tracks.shown(slot, seconds());
    return drawn.tracks.place(shown.x, shown.y);
  }

  /** The entities within some pixels of a point of the map, nearest first. */
  hits(x: number, y: number, reach: number): LiveHit[] {
    const map = this.map;
    const world = this.world;
    if (!map || !world) return [];
    const { clientWidth: width, clientHeight: height } = map.getCanvas();
    const now = seconds();
    const ground = map.unproject([x, y]);
    const beside = map.unproject([x + reach * 4, y]);
    const found: LiveHit[] = [];
    for (const [layer, drawn] of this.drawn) {
      const columns = this.feed.columns(layer);
      if (!drawn.visible || !columns) continue;
      const { tracks } = drawn;
      const matrix = localMatrix(world, tracks.originX, tracks.originY, metre);
      const [gx, gy] = tracks.local(ground.lng, ground.lat);
      const [bx, by] = tracks.local(beside.lng, beside.lat);
      const limit = Math.hypot(bx - gx, by - gy) * 2; // generous: foreshortening is settled in pixels below
      for (let slot = 0; slot < tracks.size; slot++) {
        if (tracks.state(slot) === 0) continue;
        const shown = tracks.shown(slot, now);
        // What is above or below the ground is seen elsewhere than where it stands.
        const far = limit + Math.abs(shown.z) * 8;
        if (Math.abs(shown.x - gx) > far || Math.abs(shown.y - gy) > far) continue;
        const screen = toScreen(matrix, shown.x, shown.y, width, height, shown.z);
        if (!screen) continue;
        const distance = Math.hypot(screen[0] - x, screen[1] - y);
        if (distance <= reach) found.push({ layer, slot, id: columns.id(slot), distance });
      }
    }
    return found.sort((a, b) => a.distance - b.distance);
  }

  render(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    const { map, program, uniforms } = this;
    if (!map || !program || !uniforms) return;
    const now = seconds();
    this.world = Float64Array.from(input.defaultProjectionData.mainMatrix);
    const center = map.getCenter();

    gl.useProgram(program);
    gl.activeTexture(gl.TEXTURE0);
    this.uploadAtlas(gl);
    gl.uniform1i(uniforms.at('u_labels'), 0);
    gl.uniform1f(uniforms.at('u_blend'), blend);
    gl.uniform2f(uniforms.at('u_viewport'), gl.drawingBufferWidth, gl.drawingBufferHeight);
    const pixelRatio = gl.drawingBufferWidth / Math.max(1, map.getCanvas().clientWidth);
    const zoom = map.getZoom();
    // On a wall everything is larger, the map too: what counts is the zoom at a desk.
    const size = symbolSize(zoom - Math.log2(this.theme.scale)) * this.theme.scale * pixelRatio;
    gl.uniform1f(
      uniforms.at('u_haloPixels'),
      Math.min(1.6, 0.7 + size * 0.06) * this.theme.scale * pixelRatio,
    );
    gl.uniform1f(uniforms.at('u_lift'), 1 + 0.45 * (1 - Math.cos((map.getPitch() * Math.PI) / 180)));
    gl.uniform1i(uniforms.at('u_simple'), size < 4 * pixelRatio ? 1 : 0);
    gl.uniform3fv(uniforms.at('u_halo'), rgb(this.theme.halo));
    gl.uniform3fv(uniforms.at('u_stale'), rgb(this.theme.stale));
    gl.depthMask(false);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.CULL_FACE);

    let movingUntil = 0;
    let waiting = 0;
    for (const drawn of this.drawn.values()) {
      if (!drawn.visible) continue;
      const { tracks, look } = drawn;
      this.catchUp(drawn, center, now);
      this.upload(gl, drawn);
      if (tracks.size === 0) continue;
      movingUntil = Math.max(movingUntil, tracks.movingUntil);
      waiting += drawn.backlog.count;

      const matrix = localMatrix(this.world, tracks.originX, tracks.originY, metre);
      const [cx, cy] = tracks.local(center.lng, center.lat);
      const w = (matrix[3] as number) * cx + (matrix[7] as number) * cy + (matrix[15] as number);
      gl.uniformMatrix4fv(uniforms.at('u_matrix'), false, matrix);
      gl.uniform1f(uniforms.at('u_centerW'), w);
      gl.uniform1f(uniforms.at('u_clock'), now - tracks.epoch);
      gl.uniform1f(uniforms.at('u_period'), tracks.period);
      gl.uniform1f(uniforms.at('u_metre'), localMetresOfPixel(zoom) / pixelRatio);
      gl.uniform3fv(uniforms.at('u_color'), rgb(look.color));
      gl.uniform3fv(uniforms.at('u_ink'), rgb(look.ink));
      const flat = look.symbol === 'arrow';
      gl.uniform1i(uniforms.at('u_flat'), flat ? 1 : 0);
      gl.uniform1i(uniforms.at('u_shape'), shapeOf[look.symbol]);
      gl.uniform1f(uniforms.at('u_size'), flat ? size : size * 1.12);

      this.bind(gl, drawn, 0);
      if (flat) {
        // What stands behind buildings shines through, faintly.
        gl.enable(gl.DEPTH_TEST);
        gl.depthFunc(gl.GREATER);
        gl.uniform1f(uniforms.at('u_opacity'), drawn.opacity * 0.3);
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, tracks.size);
        gl.depthFunc(gl.LEQUAL);
      } else {
        gl.disable(gl.DEPTH_TEST);
      }
      gl.uniform1f(uniforms.at('u_opacity'), drawn.opacity);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, tracks.size);
      this.drawSelection(gl, drawn, size);
    }
    gl.depthFunc(gl.LEQUAL);
    gl.bindVertexArray(null);
    this.plan(now, movingUntil);
    if (waiting > 0) map.triggerRepaint();
  }

  /** Takes over what one frame has the time for. */
  private catchUp({ look, tracks, backlog }: Drawn, center: LngLat, now: number): void {
    const columns = this.feed.columns(look.id);
    const share = Math.max(mostAFrame, Math.ceil(backlog.count * Math.min(1, this.interval / settled)));
    if (tracks.recenter(center.lng, center.lat, columns, now, this.feed.serverNow())) backlog.clear();
    else if (columns && backlog.count > 0)
      tracks.update(columns, backlog.take(share), now, this.feed.serverNow());
  }

  private drawSelection(gl: WebGL2RenderingContext, drawn: Drawn, size: number): void {
    const { selection, uniforms } = this;
    if (!selection || !uniforms || selection.layer !== drawn.look.id) return;
    const slot = this.feed.columns(selection.layer)?.slotOf(selection.id) ?? -1;
    if (slot < 0) return;
    this.bind(gl, drawn, slot);
    gl.disable(gl.DEPTH_TEST);
    gl.uniform3fv(uniforms.at('u_color'), rgb(this.theme.selected));
    gl.uniform1i(uniforms.at('u_flat'), 0);
    gl.uniform1i(uniforms.at('u_shape'), Shape.ring);
    gl.uniform1f(uniforms.at('u_size'), size * 1.5);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, 1);
  }

  private takeFrame(layer: string, slots: ArrayLike<number> | null): void {
    const drawn = this.drawn.get(layer);
    const columns = this.feed.columns(layer);
    if (!drawn) return;
    if (!columns || this.feed.cells(layer)) {
      drawn.tracks.clear();
      drawn.backlog.clear();
      this.map?.triggerRepaint();
      return;
    }
    drawn.tracks.period = this.feed.period(layer) * 1.5; // a late position is no reason to stop
    if (slots !== null && slots.length + drawn.backlog.count > mostAFrame) {
      drawn.backlog.add(slots, columns.size);
    } else {
      if (slots === null) drawn.backlog.clear();
      drawn.tracks.update(columns, slots, seconds(), this.feed.serverNow());
    }
    if (drawn.visible) this.map?.triggerRepaint();
  }

  private upload(gl: WebGL2RenderingContext, drawn: Drawn): void {
    const range = drawn.tracks.takeDirty();
    gl.bindBuffer(gl.ARRAY_BUFFER, drawn.buffer);
    if (drawn.capacity !== drawn.tracks.buffer.byteLength) {
      gl.bufferData(gl.ARRAY_BUFFER, drawn.tracks.buffer, gl.DYNAMIC_DRAW);
      drawn.capacity = drawn.tracks.buffer.byteLength;
    } else if (range) {
      const [from, to] = range;
      gl.bufferSubData(
        gl.ARRAY_BUFFER,
        from * stride,
        new Uint8Array(drawn.tracks.buffer, from * stride, (to - from) * stride),
      );
    }
  }

  private uploadAtlas(gl: WebGL2RenderingContext): void {
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    if (!this.atlas.dirty) return;
    this.atlas.dirty = false;
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, gl.RED, gl.UNSIGNED_BYTE, this.atlas.canvas);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  }

  private bind(gl: WebGL2RenderingContext, drawn: Drawn, slot: number): void {
    const at = slot * stride;
    gl.bindVertexArray(this.attributes);
    gl.bindBuffer(gl.ARRAY_BUFFER, drawn.buffer);
    const attributes = [offsets.position, offsets.velocity, offsets.error, offsets.times];
    attributes.forEach((offset, i) => {
      gl.enableVertexAttribArray(i);
      gl.vertexAttribPointer(i, 2, gl.FLOAT, false, stride, at + offset);
      gl.vertexAttribDivisor(i, 1);
    });
    gl.enableVertexAttribArray(4);
    gl.vertexAttribPointer(4, 2, gl.SHORT, true, stride, at + offsets.turn);
    gl.vertexAttribDivisor(4, 1);
    gl.enableVertexAttribArray(5);
    gl.vertexAttribIPointer(5, 4, gl.UNSIGNED_BYTE, stride, at + offsets.look);
    gl.vertexAttribDivisor(5, 1);
    gl.enableVertexAttribArray(6);
    gl.vertexAttribPointer(6, 1, gl.FLOAT, false, stride, at + offsets.height);
    gl.vertexAttribDivisor(6, 1);
  }

  /** Asks for the next frame while something moves; a machine that cannot keep up gets pauses between frames. */
  private plan(now: number, movingUntil: number): void {
    const map = this.map;
    if (!map) return;
    const passed = (now - this.asked) * 1000; // since the frame was asked for, so that pauses do not count
    if (passed < 1000) this.interval += (passed - this.interval) * 0.2;
    this.asked = Number.NaN;
    if (now >= movingUntil) return;
    clearTimeout(this.timer);
    const pause = Math.min(300, 2 * (this.interval - comfortable));
    if (pause <= 0) this.ask();
    else this.timer = setTimeout(() => this.ask(), pause);
  }

  private ask(): void {
    this.asked = seconds();
    this.map?.triggerRepaint();
  }
}

function seconds(): number {
  return performance.now() / 1000;
}

/** Half the size of a symbol in CSS pixels at a zoom. */
export function symbolSize(zoom: number): number {
  const stops: readonly (readonly [number, number])[] = [
    [8, 1.1],
    [11, 1.6],
    [13, 3.2],
    [15, 6.5],
    [17, 10.5],
    [20, 16],
  ];
  const first = stops[0] as readonly [number, number];
  if (zoom <= first[0]) return first[1];
  for (let i = 1; i < stops.length; i++) {
    const [z0, s0] = stops[i - 1] as readonly [number, number];
    const [z1, s1] = stops[i] as readonly [number, number];
    if (zoom <= z1) return s0 + ((s1 - s0) * (zoom - z0)) / (z1 - z0);
  }
  return (stops[stops.length - 1] as readonly [number, number])[1];
}

/** Web Mercator metres of one CSS pixel at the centre of the map. */
function localMetresOfPixel(zoom: number): number {
  return 1 / metre / (512 * 2 ** zoom);
}

const parsed = new Map<string, Float32Array>();

function rgb(hex: string): Float32Array {
  let color = parsed.get(hex);
  if (!color) {
    color = Float32Array.from(parseHex(hex), channel => channel / 255);
    parsed.set(hex, color);
  }
  return color;
}
