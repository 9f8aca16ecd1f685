import {
  AlwaysDepth,
  type Camera,
  Color,
  DoubleSide,
  KeepStencilOp,
  NotEqualStencilFunc,
  ReplaceStencilOp,
  type Scene,
  ShaderMaterial,
  Vector3,
  Vector4,
  type WebGLRenderer,
} from 'three';
import type { Theme } from '../theme/tokens';

/** Where the one soft sun stands: in the south-east, x east, y north, z up. */
export const sun = new Vector3(0.48, -0.52, 0.72).normalize();

/** Marks in the stencil what has its shadow already: none falls twice on one place. */
const shaded = 2;

/** Each vertex falls along the light to the ground; what is below stays out of the light's way. */
const vertexShader = /* glsl */ `
uniform vec3 sun;
varying vec2 vPlace;
varying float vBelow;
void main() {
  vec4 at = vec4(position, 1.0);
  #ifdef USE_INSTANCING
  at = instanceMatrix * at;
  #endif
  vPlace = (modelMatrix * at).xy;
  vBelow = at.z;
  at.xy -= sun.xy / sun.z * max(0.0, at.z);
  at.z = 0.0;
  gl_Position = projectionMatrix * modelViewMatrix * at;
}`;

const fragmentShader = /* glsl */ `
uniform vec3 tint;
uniform float strength;
uniform vec4 cut;
varying vec2 vPlace;
varying float vBelow;
void main() {
  if (cut.w > 0.5 && dot(cut.xy, vPlace) > cut.z) discard;
  if (vBelow < -0.5) discard;
  gl_FragColor = vec4(tint * strength, strength);
}`;

const looks: Record<Theme, { tint: string; strength: number }> = {
  light: { tint: '#4a4338', strength: 0.24 },
  dark: { tint: '#02050b', strength: 0.5 },
};

/** The shadows of solids on the ground: their bodies laid down along the light, each place darkened once. */
export class GroundShadow {
  private readonly material = new ShaderMaterial({
    vertexShader,
    fragmentShader,
    uniforms: {
      sun: { value: sun },
      tint: { value: new Color() },
      strength: { value: 0 },
      cut: { value: new Vector4() },
    },
    side: DoubleSide,
    transparent: true,
    premultipliedAlpha: true,
    depthFunc: AlwaysDepth,
    depthWrite: false,
    stencilWrite: true,
    stencilRef: shaded,
    stencilFunc: NotEqualStencilFunc,
    stencilZPass: ReplaceStencilOp,
    stencilFail: KeepStencilOp,
  });

  constructor(theme: Theme) {
    this.setTheme(theme);
  }

  setTheme(theme: Theme): void {
    const { tint, strength } = looks[theme];
    const n = Number.parseInt(tint.slice(1), 16);
    (this.material.uniforms.tint as { value: Color }).value.setRGB(
      (n >> 16) / 255,
      ((n >> 8) & 255) / 255,
      (n & 255) / 255,
    );
    (this.material.uniforms.strength as { value: number }).value = strength;
  }

  /** Draws the shadows of scenes that have been arranged, before the scenes themselves. */
  render(
    renderer: WebGLRenderer,
    camera: Camera,
    scenes: readonly Scene[],
    cut: readonly [x: number, y: number, distance: number] | undefined,
  ): void {
    const { value } = this.material.uniforms.cut as { value: Vector4 };
    if (cut) value.set(...cut, 1);
    else value.set(0, 0, 0, 0);
    renderer.state.buffers.stencil.setMask(0xff);
    renderer.clear(false, false, true);
    for (const scene of scenes) {
      scene.overrideMaterial = this.material;
      renderer.render(scene, camera);
      scene.overrideMaterial = null;
    }
  }

  dispose(): void {
    this.material.dispose();
  }
}
