/** Shapes of symbols, as the fragment shader numbers them. */
export const Shape = { dot: 0, arrow: 1, square: 2, diamond: 3, ring: 4 } as const;

/** The most pixels by which a symbol's quad is larger than its shape, for rings and soft edges. */
const margin = 1.55;

export const vertexSource = `#version 300 es
precision highp float;

layout(location = 0) in vec2 a_position;  // local metres at a_times.x
layout(location = 1) in vec2 a_velocity;  // local metres a second
layout(location = 2) in vec2 a_error;     // local metres, blended away from a_times.y on
layout(location = 3) in vec2 a_times;     // seconds of the local clock: position, update
layout(location = 4) in vec2 a_turn;      // course before and after, half turns, −1 to 1
layout(location = 5) in uvec4 a_look;     // state, moving, label cell
layout(location = 6) in float a_height;   // local metres above the ground

uniform mat4 u_matrix;     // local metres to clip space
uniform float u_clock;     // seconds
uniform float u_blend;     // seconds
uniform float u_period;    // seconds
uniform vec2 u_viewport;   // device pixels
uniform float u_size;      // half size of a symbol, device pixels at the centre of the map
uniform float u_metre;     // local metres of a device pixel at the centre
uniform float u_centerW;   // clip w of the centre
uniform float u_lift;      // enlarges what lies on the ground of a tilted map
uniform int u_shape;
uniform bool u_flat;       // lies on the ground; else it faces the viewer
uniform bool u_simple;     // dots only

out vec2 v_q;              // place in the symbol, 1 is its half size
flat out int v_shape;
flat out uvec4 v_look;
flat out float v_pixels;   // half size on the screen, device pixels

const vec2 corners[4] = vec2[4](vec2(-1.0, -1.0), vec2(1.0, -1.0), vec2(-1.0, 1.0), vec2(1.0, 1.0));

void main() {
  v_look = a_look;
  v_shape = u_shape;
  if (a_look.x == 0u) { // a free slot
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    return;
  }
  float since = u_clock - a_times.y;
  float left = 1.0 - smoothstep(0.0, u_blend, since);
  float age = clamp(u_clock - a_times.x, 0.0, u_period);
  vec2 place = a_position + a_velocity * age + a_error * left;

  float turn = a_turn.y - a_turn.x;
  turn -= 2.0 * round(turn * 0.5); // the short way round
  float course = (a_turn.y - turn * left) * ${Math.PI};

  if (u_shape == ${Shape.arrow} && (a_look.y == 0u || u_simple)) v_shape = ${Shape.dot};

  vec4 center = u_matrix * vec4(place, a_height, 1.0);
  float near = u_centerW / center.w;                  // perspective: 1 at the centre of the map
  float fair = clamp(near, 0.6, 1.25) / near;         // neither vanishing afar nor giant up close
  vec2 corner = corners[gl_VertexID];
  v_q = corner * ${margin};
  if (u_flat) {
    float metres = u_size * u_metre * fair * u_lift;
    vec2 ahead = vec2(sin(course), -cos(course));
    vec2 right = vec2(cos(course), sin(course));
    gl_Position = u_matrix * vec4(place + (right * v_q.x + ahead * v_q.y) * metres, a_height, 1.0);
    v_pixels = u_size * near * fair * u_lift;
  } else {
    float pixels = u_size * near * fair;
    gl_Position = center;
    gl_Position.xy += v_q * pixels * 2.0 / u_viewport * center.w;
    v_pixels = pixels;
  }
}`;

export const fragmentSource = `#version 300 es
precision highp float;

in vec2 v_q;
flat in int v_shape;
flat in uvec4 v_look;
flat in float v_pixels;

uniform vec3 u_color;
uniform vec3 u_stale;
uniform vec3 u_halo;
uniform vec3 u_ink;
uniform float u_haloPixels;
uniform float u_opacity;
uniform bool u_flat;
uniform sampler2D u_labels; // 16 × 16 cells

out vec4 color;

float polygon(vec2 p, vec2 v[4]) {
  float d = dot(p - v[0], p - v[0]);
  float side = 1.0;
  for (int i = 0, j = 3; i < 4; j = i, i++) {
    vec2 e = v[j] - v[i];
    vec2 w = p - v[i];
    vec2 b = w - e * clamp(dot(w, e) / dot(e, e), 0.0, 1.0);
    d = min(d, dot(b, b));
    bvec3 c = bvec3(p.y >= v[i].y, p.y < v[j].y, e.x * w.y > e.y * w.x);
    if (all(c) || all(not(c))) side = -side;
  }
  return side * sqrt(d);
}

float distanceTo(int shape, vec2 p) {
  if (shape == ${Shape.arrow}) {
    vec2 v[4] = vec2[4](vec2(0.0, 1.0), vec2(0.74, -0.82), vec2(0.0, -0.46), vec2(-0.74, -0.82));
    return polygon(p, v) - 0.05;
  }
  if (shape == ${Shape.square}) {
    vec2 a = abs(p) - vec2(0.58);
    return length(max(a, 0.0)) + min(max(a.x, a.y), 0.0) - 0.3;
  }
  if (shape == ${Shape.diamond}) return (abs(p.x) + abs(p.y) - 1.0) * 0.70710678;
  return length(p) - 0.6;
}

void main() {
  uint state = v_look.x;
  float soft = max(fwidth(v_q.x), fwidth(v_q.y)) * 0.75;
  float round_ = length(v_q);

  if (v_shape == ${Shape.ring}) {
    float d = abs(round_ - 1.2) - 0.1;
    float a = 1.0 - smoothstep(-soft, soft, d);
    float h = 1.0 - smoothstep(-soft, soft, d - 0.07);
    if (h <= 0.0) discard;
    color = vec4(mix(u_halo, u_color, a), 1.0) * (h * u_opacity);
    return;
  }

  float halo = u_haloPixels / v_pixels;
  bool silent = state > 1u;
  vec2 p = silent ? v_q * 1.4 : v_q;
  float d = distanceTo(v_shape, p) / (silent ? 1.4 : 1.0);
  float inside = 1.0 - smoothstep(-soft, soft, d);
  float edge = 1.0 - smoothstep(-soft, soft, d - halo);
  vec3 fill = silent ? u_stale : u_color;
  float body = silent && state == 3u ? 0.0 : 1.0;
  vec4 symbol = vec4(mix(u_halo, fill, inside), 1.0) * edge * body;

  if (v_shape == ${Shape.square} && v_look.z != 0u) {
    vec2 uv = p / 0.88 * 0.5 + 0.5;
    if (all(greaterThan(uv, vec2(0.0))) && all(lessThan(uv, vec2(1.0)))) {
      vec2 cell = vec2(float(v_look.z & 15u), float(v_look.z >> 4u));
      float ink = texture(u_labels, (cell + vec2(uv.x, 1.0 - uv.y)) / 16.0).r;
      symbol.rgb = mix(symbol.rgb, u_ink * symbol.a, ink * inside);
    }
  }
  if (silent) { // grey, with a dashed ring: no news
    float dash = smoothstep(0.32, 0.4, abs(fract(atan(v_q.y, v_q.x) * ${(8 / (2 * Math.PI)).toFixed(6)}) - 0.5));
    float ring = (1.0 - smoothstep(-soft, soft, abs(round_ - 1.05) - max(0.09, soft * 0.7))) * (1.0 - dash);
    symbol = vec4(u_stale, 1.0) * ring + symbol * (1.0 - ring);
  }
  if (symbol.a <= 0.003) discard;
  color = symbol * u_opacity;
}`;
