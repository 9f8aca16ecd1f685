import {
  AlwaysDepth,
  BufferAttribute,
  BufferGeometry,
  type Camera,
  Color,
  DoubleSide,
  EqualStencilFunc,
  KeepStencilOp,
  LineBasicMaterial,
  LineLoop,
  Mesh,
  ReplaceStencilOp,
  Scene,
  ShaderMaterial,
  Vector3,
  type WebGLRenderer,
} from 'three';
import type { Theme } from '../theme/tokens';
import { inPit, type Pit, type PitGeometry, type PitPart, pitGeometry } from './pitGeometry';
import { sun } from './shadow';

/** What is seen through a pit's opening has this value in the stencil. */
export const opening = 1;

const vertexShader = /* glsl */ `
varying vec3 vNormal;
varying float vZ;
void main() {
  vNormal = normal;
  vZ = position.z;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;

/** As far as can be: what was drawn there before is forgotten. */
const farthest = /* glsl */ `
void main() {
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  gl_Position.z = gl_Position.w;
}`;

const plainShader = /* glsl */ `
uniform vec3 tint;
void main() { gl_FragColor = vec4(tint, 1.0); }`;

/** Earth that is darker further down, with a line each metre and a stronger one every five. */
const earthShader = /* glsl */ `
uniform vec3 tint, deep, tick;
uniform vec3 sun;
uniform float stretch, depth, wall;
varying vec3 vNormal;
varying float vZ;
void main() {
  float d = -vZ / stretch;
  vec3 c = mix(tint, deep, clamp(d / max(depth, 0.1), 0.0, 1.0) * 0.75 * wall + (1.0 - wall));
  float light = 0.72 + 0.28 * max(0.0, dot(normalize(vNormal), sun));
  c *= mix(1.0, light, wall);
  float w = max(fwidth(d), 1e-4);
  float metre = abs(d - floor(d + 0.5));
  float five = abs(d - 5.0 * floor(d / 5.0 + 0.5));
  float line = 1.0 - smoothstep(w * 0.6, w * 1.6, metre);
  float strong = 1.0 - smoothstep(w * 1.2, w * 2.4, five);
  float fade = smoothstep(0.5, 0.12, w); // no lines where they would run together
  c = mix(c, tick, wall * fade * max(line * 0.5, strong * 0.95));
  gl_FragColor = vec4(c, 1.0);
}`;

const tones: Record<
  Theme,
  { hole: string; tint: string; deep: string; floor: string; tick: string; rim: string }
> = {
  light: {
    hole: '#8d7f6c',
    tint: '#cdbb9f',
    deep: '#8f7d64',
    floor: '#a8977c',
    tick: '#fffaf0',
    rim: '#5b4c38',
  },
  dark: {
    hole: '#0a0d12',
    tint: '#54493b',
    deep: '#241f1a',
    floor: '#2e2821',
    tick: '#e9dcc4',
    rim: '#e9dcc4',
  },
};

/**
 * A pit in the flat frame of the map. Its lid marks in the stencil where the opening is seen, in front of
 * which no building stands; there the map and its depths are wiped out, and walls and floor are drawn. What is
 * then drawn under the same mask lies in the pit: what is outside is behind a wall or below the floor.
 */
export class PitScene {
  private readonly mark = new Scene();
  private readonly wipe = new Scene();
  private readonly earth = new Scene();
  private readonly materials: { wipe: ShaderMaterial; wall: ShaderMaterial; floor: ShaderMaterial };
  private readonly all: (Mesh | LineLoop)[] = [];
  private readonly rim = new LineBasicMaterial();
  private readonly shift = new Vector3();

  private constructor(
    private readonly geometry: PitGeometry,
    depth: number,
    theme: Theme,
  ) {
    const masked = {
      stencilWrite: true,
      stencilFunc: EqualStencilFunc,
      stencilRef: opening,
      stencilZPass: KeepStencilOp,
    };
    const marker = new ShaderMaterial({
      vertexShader,
      fragmentShader: plainShader,
      uniforms: { tint: { value: new Color() } },
      side: DoubleSide,
      colorWrite: false,
      depthWrite: false,
      stencilWrite: true,
      stencilRef: opening,
      stencilZPass: ReplaceStencilOp,
    });
    const wipe = new ShaderMaterial({
      vertexShader: farthest,
      fragmentShader: plainShader,
      uniforms: { tint: { value: new Color() } },
      side: DoubleSide,
      depthFunc: AlwaysDepth,
      ...masked,
    });
    const earth = (wall: number) =>
      new ShaderMaterial({
        vertexShader,
        fragmentShader: earthShader,
        uniforms: {
          tint: { value: new Color() },
          deep: { value: new Color() },
          tick: { value: new Color() },
          sun: { value: sun },
          stretch: { value: geometry.anchor.stretch },
          depth: { value: depth },
          wall: { value: wall },
        },
        side: DoubleSide,
        ...masked,
      });
    this.materials = { wipe, wall: earth(1), floor: earth(0) };
    this.put(this.mark, geometry.lid, marker);
    this.put(this.wipe, geometry.lid, wipe);
    this.put(this.earth, geometry.walls, this.materials.wall);
    this.put(this.earth, geometry.floor, this.materials.floor);
    const edge = new LineLoop(
      new BufferGeometry().setFromPoints(geometry.corners.map(({ x, y }) => new Vector3(x, y, 0.02))),
      this.rim,
    );
    edge.frustumCulled = false;
    edge.matrixAutoUpdate = false;
    this.earth.add(edge);
    this.all.push(edge);
    for (const scene of [this.mark, this.wipe, this.earth]) scene.matrixWorldAutoUpdate = false;
    this.setTheme(theme);
  }

  /** The scene of a pit; undefined for one without area. */
  static of(pit: Pit, theme: Theme): PitScene | undefined {
    const geometry = pitGeometry(pit);
    return geometry && new PitScene(geometry, pit.depth, theme);
  }

  private put(scene: Scene, part: PitPart, material: ShaderMaterial): void {
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(part.positions, 3));
    geometry.setAttribute('normal', new BufferAttribute(part.normals, 3));
    const mesh = new Mesh(geometry, material);
    mesh.frustumCulled = false;
    mesh.matrixAutoUpdate = false;
    scene.add(mesh);
    this.all.push(mesh);
  }

  setTheme(theme: Theme): void {
    const tone = tones[theme];
    const set = (material: ShaderMaterial, name: string, hex: string) => {
      (material.uniforms[name] as { value: Color }).value = srgb(hex);
    };
    set(this.materials.wipe, 'tint', tone.hole);
    set(this.materials.wall, 'tint', tone.tint);
    set(this.materials.wall, 'deep', tone.deep);
    set(this.materials.wall, 'tick', tone.tick);
    set(this.materials.floor, 'deep', tone.floor);
    this.rim.color.setStyle(tone.rim);
  }

  /** Opens the ground. The depths of what stands above it are drawn already. */
  render(renderer: WebGLRenderer, camera: Camera, originX: number, originY: number, world: number): void {
    const { anchor } = this.geometry;
    this.shift.set((anchor.x - originX) * world, (originY - anchor.y) * world, 0);
    for (const mesh of this.all) {
      mesh.matrix.makeTranslation(this.shift);
      mesh.matrixWorld.copy(mesh.matrix);
    }
    renderer.state.buffers.stencil.setMask(0xff);
    renderer.clear(false, false, true);
    for (const scene of [this.mark, this.wipe, this.earth]) renderer.render(scene, camera);
  }

  /** The corners in a frame around an origin. */
  ringAt(originX: number, originY: number, world: number): { x: number; y: number }[] {
    const { anchor, corners } = this.geometry;
    const [dx, dy] = [(anchor.x - originX) * world, (originY - anchor.y) * world];
    return corners.map(({ x, y }) => ({ x: x + dx, y: y + dy }));
  }

  /** Whether a place in the frame that was last drawn stands on the ground that is open. */
  covers({ x, y }: Vector3): boolean {
    return inPit(this.geometry, x - this.shift.x, y - this.shift.y, 0);
  }

  /** Whether a place in the frame that was last drawn lies in the pit. */
  contains({ x, y, z }: Vector3): boolean {
    return inPit(this.geometry, x - this.shift.x, y - this.shift.y, z);
  }

  dispose(): void {
    for (const { geometry, material } of this.all) {
      geometry.dispose();
      (material as ShaderMaterial | LineBasicMaterial).dispose();
    }
  }
}

function srgb(hex: string): Color {
  const n = Number.parseInt(hex.slice(1), 16);
  return new Color((n >> 16) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255);
}
