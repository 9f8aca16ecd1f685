import {
  BufferAttribute,
  BufferGeometry,
  type Camera,
  Color,
  DoubleSide,
  EqualStencilFunc,
  Mesh,
  Scene,
  ShaderMaterial,
  type WebGLRenderer,
} from 'three';
import { type Side, trenchOf, trenchWidth } from '../map/sectionView';
import { mercator } from '../map/tiles';
import { type Crossing, type CutBuilding, depthOf, isPipe, type SectionLine } from '../section/profile';
import type { Theme } from '../theme/tokens';
import { opening, PitScene } from './pitScene';
import { Anchor } from './placing';

/** A section as it is drawn in the scene. */
export interface Cut {
  line: SectionLine;
  side: Side;
  items: readonly Crossing[];
  buildings: readonly CutBuilding[];
}

const world = 40075016.685578488;
/** How far the faces of pipes stand out from the wall, metres, so that they are not lost in it. */
const relief = 0.02;

const vertexShader = /* glsl */ `
attribute vec3 tint;
varying vec3 vTint;
varying vec3 vPlace;
void main() {
  vTint = tint;
  vPlace = position;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;

const plainShader = /* glsl */ `
varying vec3 vTint;
void main() { gl_FragColor = vec4(vTint, 1.0); }`;

/** As sections are drawn on paper: what is cut is hatched. */
const hatchShader = /* glsl */ `
uniform vec2 along;
varying vec3 vTint;
varying vec3 vPlace;
void main() {
  float d = dot(vPlace.xy, along) + vPlace.z;
  float w = max(fwidth(d), 1e-4);
  float period = 3.0 * exp2(max(0.0, ceil(log2(w * 8.0 / 3.0))));
  float line = abs(d - period * floor(d / period + 0.5));
  float ink = 1.0 - smoothstep(w * 0.5, w * 1.5, line);
  gl_FragColor = vec4(mix(vTint, vTint * 0.62, ink), 1.0);
}`;

/** The faces that a section cuts: of pipes and shafts in the wall of its trench, of buildings above it. */
export class SectionScene {
  /** The plane as x, y of the normal that points to the viewer, and a place on it in the unit square. */
  readonly plane: { x: number; y: number; anchor: Anchor };
  private readonly pit: PitScene | undefined;
  private readonly faces = new Scene();
  private readonly walls = new Scene();
  private readonly meshes: Mesh[] = [];

  constructor(
    private readonly cut: Cut,
    private readonly theme: Theme,
  ) {
    const [a, b] = cut.line;
    const depth = depthOf(cut.items);
    this.pit = PitScene.of({ ring: trenchOf(cut.line, cut.side, trenchWidth(depth)), depth }, theme);
    const anchor = new Anchor(a[0], a[1]);
    const [bx, by] = mercator(b[0], b[1]);
    const [x, y] = [(bx - anchor.x) * world, (anchor.y - by) * world];
    const length = Math.hypot(x, y) || 1;
    const along: [number, number] = [x / length, y / length];
    this.plane = { x: cut.side * along[1], y: -cut.side * along[0], anchor };
    this.faces.matrixWorldAutoUpdate = false;
    this.walls.matrixWorldAutoUpdate = false;
    // What is cut lies in the wall itself: the stencil says where that is seen.
    const masked = {
      depthTest: false,
      stencilWrite: true,
      stencilFunc: EqualStencilFunc,
      stencilRef: opening,
    };
    const out = relief * anchor.stretch;
    const { stretch } = anchor;
    const least = Math.max(0.06, (length / stretch) * 0.0055);
    const frame: Frame = { along, out: [this.plane.x * out, this.plane.y * out], stretch, least };
    this.put(this.faces, pipeFaces(cut.items, frame, theme), plainShader, {}, masked);
    this.put(
      this.walls,
      buildingFaces(cut.buildings, frame, theme),
      hatchShader,
      { along: { value: along } },
      {},
    );
  }

  private put(
    scene: Scene,
    shape: Faces,
    fragmentShader: string,
    uniforms: ShaderMaterial['uniforms'],
    more: object,
  ): void {
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(new Float32Array(shape.positions), 3));
    geometry.setAttribute('tint', new BufferAttribute(new Float32Array(shape.tints), 3));
    const material = new ShaderMaterial({
      vertexShader,
      fragmentShader,
      uniforms,
      side: DoubleSide,
      ...more,
    });
    const mesh = new Mesh(geometry, material);
    mesh.frustumCulled = false;
    mesh.matrixAutoUpdate = false;
    scene.add(mesh);
    this.meshes.push(mesh);
  }

  /** The same section in the colours of a theme. */
  inTheme(theme: Theme): SectionScene {
    return theme === this.theme ? this : new SectionScene(this.cut, theme);
  }

  /** Opens the trench and draws what is cut; buildings have been drawn already, without what is in front. */
  render(renderer: WebGLRenderer, camera: Camera, originX: number, originY: number): void {
    const { anchor } = this.plane;
    for (const mesh of this.meshes) {
      mesh.matrix.makeTranslation((anchor.x - originX) * world, (originY - anchor.y) * world, 0);
      mesh.matrixWorld.copy(mesh.matrix);
    }
    renderer.render(this.walls, camera);
    this.pit?.render(renderer, camera, originX, originY, world);
    renderer.render(this.faces, camera);
  }

  /** The plane in the frame around an origin: x·normal.x + y·normal.y ≤ distance stays. */
  planeAt(originX: number, originY: number): [x: number, y: number, distance: number] {
    const { x, y, anchor } = this.plane;
    return [x, y, x * (anchor.x - originX) * world + y * (originY - anchor.y) * world];
  }

  dispose(): void {
    this.pit?.dispose();
    for (const { geometry, material } of this.meshes) {
      geometry.dispose();
      (material as ShaderMaterial).dispose();
    }
  }
}

interface Faces {
  positions: number[];
  tints: number[];
}

interface Frame {
  along: [number, number];
  out: [number, number];
  /** Frame metres of a metre on the ground. */
  stretch: number;
  /** What is smaller is drawn with this radius in metres, so that it is seen when the whole section is. */
  least: number;
}

/** Corners of a circle that pipes are drawn with. */
const corners = 40;

/** A ring in a light tone around the colour of each kind; ducts are boxes, shafts outlines. */
function pipeFaces(items: readonly Crossing[], frame: Frame, theme: Theme): Faces {
  const faces: Faces = { positions: [], tints: [] };
  const rim = rgb(theme === 'dark' ? '#f1e9da' : '#fffaf0');
  const dark = rgb('#2b241c');
  // Shafts first: pipes run into them.
  for (const item of items) if (!isPipe(item)) shaft(faces, item, frame, rim);
  for (const item of items) {
    if (!isPipe(item) || item.depth === undefined) continue;
    const [rx, rz] = [
      Math.max(frame.least, (item.wide ?? 0.2) / 2),
      Math.max(frame.least, (item.tall ?? 0.2) / 2),
    ];
    const z = -item.depth - (item.tall ?? 0) / 2;
    const box = item.width !== undefined;
    const edge = Math.max(frame.least * 0.5, Math.min(0.12, rz * 0.22));
    const layer = (grow: number, tint: Tint, level: number) =>
      disc(faces, frame, item.at, z, rx + grow, rz + grow, tint, box, level);
    layer(edge, dark, 1);
    layer(edge * 0.45, item.assumed ? dark : rim, 2);
    layer(0, rgb(item.color[theme]), 3);
  }
  return faces;
}

type Tint = readonly [number, number, number];

function disc(
  { positions, tints }: Faces,
  { along, out, stretch }: Frame,
  at: number,
  z: number,
  rx: number,
  rz: number,
  tint: Tint,
  box: boolean,
  level: number,
): void {
  const n = box ? 4 : corners;
  const point = (k: number) => {
    const turn = ((k + (box ? 0.5 : 0)) / n) * 2 * Math.PI;
    const reach = box ? Math.SQRT2 : 1;
    const s = (at + Math.cos(turn) * rx * reach) * stretch;
    positions.push(
      along[0] * s + out[0] * level,
      along[1] * s + out[1] * level,
      (z + Math.sin(turn) * rz * reach) * stretch,
    );
    tints.push(...tint);
  };
  for (let k = 0; k < n; k++) {
    const s = at * stretch;
    positions.push(along[0] * s + out[0] * level, along[1] * s + out[1] * level, z * stretch);
    tints.push(...tint);
    point(k);
    point(k + 1);
  }
}

function shaft(faces: Faces, item: Crossing, frame: Frame, rim: Tint): void {
  const deep = item.depth ?? 0;
  if (deep < 0.3 || deep > 40) return;
  const half = Math.max(0.3, (item.wide ?? 0.7) / 2);
  disc(faces, frame, item.at, -deep / 2, half + 0.06, deep / 2, rim, true, 0.25);
  disc(faces, frame, item.at, -deep / 2 + 0.03, half, deep / 2 - 0.03, rgb('#57524b'), true, 0.5);
}

/** What is cut of buildings: upright rectangles in the plane. */
function buildingFaces(buildings: readonly CutBuilding[], frame: Frame, theme: Theme): Faces {
  const faces: Faces = { positions: [], tints: [] };
  const tint = rgb(theme === 'dark' ? '#8c99b0' : '#b7aa95');
  for (const { from, to, base, height } of buildings)
    disc(
      faces,
      frame,
      (from + to) / 2,
      (base + height) / 2,
      (to - from) / 2,
      (height - base) / 2,
      tint,
      true,
      1,
    );
  return faces;
}

function rgb(hex: string): Tint {
  const n = new Color(hex).getHex();
  return [(n >> 16) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255];
}
