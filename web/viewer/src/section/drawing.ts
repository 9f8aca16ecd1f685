import { isPipe, type Profile } from './profile';
import type { Scale } from './section';

/** A drawing of a section in pixels: x by the distance, y by depth or elevation. */
export interface Drawing {
  x(at: number): number;
  y(value: number): number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** Values with a line across. */
  heights: number[];
  distances: number[];
  /** The ground as the points of a polyline. */
  ground: string;
  shapes: Shape[];
  /** Where buildings stand, by their place in the profile: from the ground at y up, as far as there is paper. */
  buildings: { item: number; x: number; width: number; y: number }[];
}

/** One thing in the drawing; pixels. */
export interface Shape {
  /** Its place in the profile's items. */
  item: number;
  x: number;
  y: number;
  rx: number;
  ry: number;
  form: 'ellipse' | 'box' | 'shaft';
  /** There is room for its words. */
  labelled: boolean;
}

/** Things are drawn this large at least, in pixels. */
const least = 2.5;
const margin = { left: 46, right: 14, top: 24, bottom: 22 };

/** Lays a profile out in a box of pixels. */
export function layOut(profile: Profile, scale: Scale, width: number, height: number): Drawing {
  const elevations = profile.ground.flatMap(({ elevation }) => elevation ?? []);
  const over = scale === 'elevation' && elevations.length > 0;
  const base = over ? (elevations[0] as number) : 0;
  const groundAt = profile.ground.map(({ at, elevation }) => ({ at, value: over ? (elevation ?? base) : 0 }));
  const bounds = profile.items.map(item => boundsOf(profile, item, over, base));
  let low = Math.min(...groundAt.map(g => g.value), ...bounds.map(([bottom]) => bottom));
  let high = Math.max(...groundAt.map(g => g.value), ...bounds.map(([, top]) => top));
  const air = Math.max(0.4, (high - low) * 0.08);
  [low, high] = [Math.min(low, high - 2) - air, high + air];
  const [left, right, top, bottom] = [margin.left, width - margin.right, margin.top, height - margin.bottom];
  const x = (at: number) => left + (at / profile.length) * (right - left);
  const y = (value: number) => top + ((high - value) / (high - low)) * (bottom - top);
  const shapes = profile.items.map((item, i): Shape => {
    const [foot, head] = bounds[i] as [number, number];
    const ry = Math.max(least, (y(foot) - y(head)) / 2);
    const rx = Math.max(least, ((item.wide ?? 0) / profile.length) * (right - left) * 0.5);
    const form = !isPipe(item) ? 'shaft' : item.width !== undefined ? 'box' : 'ellipse';
    return { item: i, x: x(item.at), y: (y(foot) + y(head)) / 2, rx, ry, form, labelled: false };
  });
  label(shapes, profile);
  return {
    x,
    y,
    left,
    right,
    top,
    bottom,
    heights: ticks(low, high, Math.max(2, Math.floor((bottom - top) / 22))),
    distances: ticks(0, profile.length, Math.max(2, Math.floor((right - left) / 70))),
    ground: groundAt.map(g => `${x(g.at).toFixed(1)},${y(g.value).toFixed(1)}`).join(' '),
    shapes,
    buildings: profile.buildings.map(({ from, to }, item) => ({
      item,
      x: x(from),
      width: Math.max(1, x(to) - x(from)),
      y: y(over ? groundOf(profile, (from + to) / 2, base) : 0),
    })),
  };
}

/** The lowest and highest value of a thing. */
function boundsOf(
  profile: Profile,
  item: Profile['items'][number],
  over: boolean,
  base: number,
): [low: number, high: number] {
  const { top, invert, depth = 0, tall = 0, ground } = item;
  if (!isPipe(item)) {
    const head = over ? (ground ?? base) : 0;
    return [head - Math.min(depth, 40), head];
  }
  if (over && top !== undefined && invert !== undefined) return [invert, top];
  const head = (over ? groundOf(profile, item.at, base) : 0) - depth;
  return [head - tall, head];
}

/** The ground at a distance, from the nearest sample. */
function groundOf({ ground }: Profile, at: number, base: number): number {
  let best: { at: number; elevation: number | null } | undefined;
  for (const sample of ground) if (!best || Math.abs(sample.at - at) < Math.abs(best.at - at)) best = sample;
  return best?.elevation ?? base;
}

/** Words are put above things from left to right, where none stand yet: they take 44 × 12 pixels. */
function label(shapes: Shape[], profile: Profile): void {
  const taken: { x: number; y: number }[] = [];
  const ranked = [...shapes].sort((a, b) => b.rx * b.ry - a.rx * a.ry);
  for (const shape of ranked) {
    if (!isPipe(profile.items[shape.item] as Profile['items'][number])) continue;
    const at = { x: shape.x, y: shape.y - shape.ry };
    if (taken.some(t => Math.abs(t.x - at.x) < 46 && Math.abs(t.y - at.y) < 13)) continue;
    taken.push(at);
    shape.labelled = true;
  }
}

/** Round values between two, at most some: by 1, 2 or 5 times a power of ten, whole metres at least. */
export function ticks(from: number, to: number, most: number): number[] {
  const wanted = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1e-9)));
  const step = Math.max(1, [1, 2, 5, 10].map(n => n * power).find(s => s >= wanted) ?? power * 10);
  const out: number[] = [];
  for (let v = Math.ceil(from / step) * step; v <= to + 1e-9; v += step) out.push(Number(v.toFixed(6)) + 0);
  return out;
}
