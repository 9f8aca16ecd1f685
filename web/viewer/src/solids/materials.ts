import {
  AlwaysStencilFunc,
  Color,
  DoubleSide,
  EqualStencilFunc,
  type Mesh,
  MeshStandardMaterial,
  ShaderMaterial,
  Vector2,
  Vector4,
} from 'three';
import type { Theme } from '../theme/tokens';
import { palettes } from '../theme/tokens';
import { texels } from './conditions';
import { featureName, topName } from './flatten';
import { sun } from './shadow';

/** What a solid is coloured by. */
type Coloring = 'height' | 'material' | 'vertex';

/** Colours of buildings by height in metres, the higher the lighter, as in the server's styles. */
const tones: Record<Theme, readonly (readonly [number, string])[]> = {
  light: [
    [0, '#e3ddd2'],
    [40, '#e9e4da'],
    [120, '#f1ede6'],
    [300, '#fbf9f6'],
    [500, '#ffffff'],
  ],
  dark: [
    [0, '#1f2b41'],
    [30, '#2a3953'],
    [120, '#455875'],
    [300, '#8092b0'],
    [500, '#a5b4cc'],
  ],
};

/** The material of roofs, where a content tells them from walls. */
const roofMaterial = 'roof';

/** Clay, muted, and how much of it roofs have: nothing like the red of alarms. */
const roofs: Record<Theme, readonly [string, number]> = { light: ['#b08f76', 0.62], dark: ['#75625c', 0.66] };

/** The most corners of a pit from which parts are taken away. */
const pitCorners = 64;

const vertexShader = /* glsl */ `
attribute float ${featureName};
attribute float ${topName};
uniform float selected;
#ifdef USE_INSTANCING
uniform vec2 pit[${pitCorners}];
uniform int corners;
/** Whether a place stands on the ground that is open. */
bool dugUp(vec2 p) {
  bool inside = false;
  for (int i = 0; i < corners; i++) {
    vec2 a = pit[i];
    vec2 b = pit[(i + 1) % corners];
    if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x)) inside = !inside;
  }
  return inside;
}
#endif
uniform sampler2D conditions;
flat varying float vCondition;
varying vec3 vNormal;
varying float vTop;
varying float vZ;
varying float vPicked;
varying vec2 vPlace;
#ifdef COLORED
varying vec3 vTint;
#endif
void main() {
  vec4 at = vec4(position, 1.0);
  vec3 n = normal;
  #ifdef USE_INSTANCING
  at = instanceMatrix * at;
  n = mat3(instanceMatrix) * n;
  #endif
  #ifdef COLORED
  vTint = color.rgb;
  #endif
  vNormal = n;
  vTop = ${topName};
  vZ = at.z;
  vPlace = (modelMatrix * at).xy;
  int row = int(${featureName} + 0.5);
  ivec2 size = textureSize(conditions, 0);
  vCondition = size.x > 1 ? texelFetch(conditions, ivec2(row % ${texels}, row / ${texels}), 0).r * 255.0 : 0.0;
  vPicked = abs(${featureName} - selected) < 0.5 ? 1.0 : 0.0;
  gl_Position = projectionMatrix * modelViewMatrix * at;
  #ifdef USE_INSTANCING
  if (corners > 0 && dugUp((modelMatrix * instanceMatrix * vec4(0.0, 0.0, 0.0, 1.0)).xy)) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  #endif
}`;

const fragmentShader = /* glsl */ `
uniform vec3 tone0, tone1, tone2, tone3, tone4;
uniform float at1, at2, at3, at4;
uniform vec3 base;
uniform vec3 roof;
uniform float roofShare;
uniform vec3 picked;
uniform vec3 sun;
uniform vec3 shade;
uniform float ambient;
uniform float opacity;
uniform float contact;
uniform vec4 cut;
uniform vec3 stale, warning, alarm;
flat varying float vCondition;
varying vec3 vNormal;
varying float vTop;
varying float vZ;
varying float vPicked;
varying vec2 vPlace;
#ifdef COLORED
varying vec3 vTint;
#endif
vec3 toneOf(float h) {
  vec3 c = mix(tone0, tone1, clamp(h / at1, 0.0, 1.0));
  c = mix(c, tone2, clamp((h - at1) / (at2 - at1), 0.0, 1.0));
  c = mix(c, tone3, clamp((h - at2) / (at3 - at2), 0.0, 1.0));
  return mix(c, tone4, clamp((h - at3) / (at4 - at3), 0.0, 1.0));
}
void main() {
  if (cut.w > 0.5 && dot(cut.xy, vPlace) > cut.z) discard; // in front of a section
  vec3 n = normalize(vNormal);
  #ifdef BY_HEIGHT
  vec3 c = mix(toneOf(vTop), roof, roofShare);
  #else
  vec3 c = base;
  #endif
  #ifdef COLORED
  c *= pow(vTint, vec3(1.0 / 2.2));
  #endif
  if (vCondition > 0.5) {
    c = vCondition > 2.5 ? alarm : vCondition > 1.5 ? warning : stale;
    // Not by colour alone: what is wrong has bands, wide ones for an alarm.
    float band = vCondition > 2.5 ? 14.0 : 7.0;
    float at = mod(gl_FragCoord.x + gl_FragCoord.y, band) / band;
    if (vCondition > 1.5) c = mix(c, c * 0.55, step(0.62, at));
  }
  if (vPicked > 0.5) c = picked;
  float light = ambient + (1.0 - ambient) * max(0.0, dot(n, sun));
  // Walls are darker at their feet, where streets shade them.
  light *= mix(1.0 - contact, 1.0, smoothstep(0.0, 24.0, vZ));
  gl_FragColor = vec4(mix(shade, c, light), 1.0) * opacity;
}`;

/** The materials of one layer's solids in a theme: one a colour, shared by all its contents. */
export class Dresser {
  private readonly made = new Map<string, ShaderMaterial>();

  constructor(
    private theme: Theme,
    private readonly kind: string,
  ) {}

  /** The material of a mesh of a content. */
  material(mesh: Mesh): ShaderMaterial {
    const from = mesh.material instanceof MeshStandardMaterial ? mesh.material : new MeshStandardMaterial();
    const coloring: Coloring =
      this.kind === 'building' ? 'height' : mesh.geometry.getAttribute('color') ? 'vertex' : 'material';
    const key = `${coloring} ${from.name} ${from.color.getHexString()}`;
    let material = this.made.get(key);
    if (!material) {
      material = make(coloring, from);
      this.made.set(key, material);
      this.dress(material);
    }
    return material;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    for (const material of this.made.values()) this.dress(material);
  }

  setOpacity(opacity: number): void {
    for (const material of this.made.values()) {
      (material.uniforms.opacity as { value: number }).value = opacity;
      material.transparent = opacity < 1;
    }
  }

  /** Draws only where the stencil has a value; 0 draws everywhere. */
  setMask(value: number): void {
    for (const material of this.made.values()) {
      material.stencilWrite = value !== 0; // the test goes with it; nothing is written
      material.stencilFunc = value === 0 ? AlwaysStencilFunc : EqualStencilFunc;
      material.stencilRef = value;
    }
  }

  /** Leaves out what stands in a ring of the frame that is drawn; one of many corners leaves nothing out. */
  setPit(ring: readonly { x: number; y: number }[]): void {
    const corners = ring.length <= pitCorners ? ring : [];
    for (const { uniforms } of this.made.values()) {
      (uniforms.corners as { value: number }).value = corners.length;
      const { value } = uniforms.pit as { value: Vector2[] };
      corners.forEach(({ x, y }, i) => {
        value[i]?.set(x, y);
      });
    }
  }

  /** Leaves out what is in front of a plane in the frame that is drawn: see SectionScene.planeAt. */
  setCut(plane: readonly [x: number, y: number, distance: number] | undefined): void {
    for (const material of this.made.values()) {
      const { value } = material.uniforms.cut as { value: Vector4 };
      if (plane) value.set(...plane, 1);
      else value.set(0, 0, 0, 0);
    }
  }

  dispose(): void {
    for (const material of this.made.values()) material.dispose();
    this.made.clear();
  }

  private dress(material: ShaderMaterial): void {
    const { theme } = this;
    const u = material.uniforms;
    const set = (name: string, value: unknown) => {
      const uniform = u[name];
      if (uniform) uniform.value = value;
    };
    tones[theme].forEach(([at, hex], i) => {
      set(`tone${i}`, srgb(hex));
      set(`at${i}`, at);
    });
    const [clay, share] = roofs[theme];
    set('roof', srgb(clay));
    set('roofShare', material.name === roofMaterial ? share : 0);
    const own = material.userData.base as string;
    set('base', theme === 'dark' ? lifted(own) : srgb(own));
    for (const name of ['stale', 'warning', 'alarm'] as const) set(name, srgb(palettes[theme][name]));
    set('picked', srgb(palettes[theme].selected));
    set('shade', srgb(theme === 'dark' ? '#0a111d' : '#857f78'));
    set('ambient', theme === 'dark' ? 0.62 : 0.6);
    set('contact', this.kind === 'building' ? (theme === 'dark' ? 0.22 : 0.1) : 0);
  }
}

function make(coloring: Coloring, from: MeshStandardMaterial): ShaderMaterial {
  const value = (v: unknown) => ({ value: v });
  const material = new ShaderMaterial({
    vertexShader,
    fragmentShader,
    vertexColors: coloring === 'vertex',
    side: DoubleSide,
    defines: {
      ...(coloring === 'height' ? { BY_HEIGHT: '' } : {}),
      ...(coloring === 'vertex' ? { COLORED: '' } : {}),
    },
    uniforms: {
      ...Object.fromEntries([0, 1, 2, 3, 4].map(i => [`tone${i}`, value(new Color())])),
      ...Object.fromEntries([1, 2, 3, 4].map(i => [`at${i}`, value(1)])),
      base: value(new Color()),
      roof: value(new Color()),
      roofShare: value(0),
      picked: value(new Color()),
      shade: value(new Color()),
      sun: value(sun),
      ambient: value(0.7),
      contact: value(0),
      opacity: value(1),
      selected: value(-1),
      conditions: value(null),
      stale: value(new Color()),
      warning: value(new Color()),
      alarm: value(new Color()),
      cut: value(new Vector4()),
      pit: value(Array.from({ length: pitCorners }, () => new Vector2())),
      corners: value(0),
    },
  });
  material.name = from.name;
  material.userData.base = `#${from.color.getHexString()}`;
  return material;
}

/** A colour's sRGB channels as they go to the screen: the shader mixes and writes them as they are. */
function srgb(hex: string): Color {
  const n = Number.parseInt(hex.slice(1), 16);
  return new Color((n >> 16) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255);
}

/** A colour that reads on dark ground. */
function lifted(hex: string): Color {
  return srgb(hex).lerp(srgb('#c8d4e6'), 0.28);
}
