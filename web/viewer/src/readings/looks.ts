import type { Palette } from '../theme/tokens';
import type { Condition } from './readings';

/** The colour of a condition. Red is an alarm and nothing else. */
export function conditionColor(condition: Condition, palette: Palette): string {
  switch (condition) {
    case 'alarm':
      return palette.alarm;
    case 'warning':
      return palette.warning;
    case 'normal':
      return palette.good;
    default:
      return palette.stale;
  }
}

/** What a symbol shows inside its ring. */
export type Glyph = 'drop' | 'gauge' | 'flow' | 'tilt' | 'gas' | 'power' | 'heat' | 'fill' | 'dot';

const glyphs: Record<string, Glyph> = {
  water_level: 'drop',
  level: 'drop',
  rain: 'drop',
  pressure: 'gauge',
  gas_pressure: 'gauge',
  flow: 'flow',
  cover_tilt: 'tilt',
  tilt: 'tilt',
  methane: 'gas',
  gas: 'gas',
  power: 'power',
  leakage: 'power',
  current: 'power',
  voltage: 'power',
  temperature: 'heat',
  fill: 'fill',
};

/** The glyph of a property; a dot for those that nobody thought of. */
export function glyphOf(property: string): Glyph {
  return glyphs[property] ?? 'dot';
}

/** Every glyph. */
export const allGlyphs: readonly Glyph[] = [
  'drop',
  'gauge',
  'flow',
  'tilt',
  'gas',
  'power',
  'heat',
  'fill',
  'dot',
];

/** Every condition. */
export const allConditions: readonly Condition[] = ['normal', 'warning', 'alarm', 'stale', 'offline'];

/** The side of a symbol in CSS pixels at a desk. */
export const symbolSize = 28;

/** Strokes on a field of 24 × 24, centred at 12, 12; the ring has a radius of 10.5. */
const paths: Record<Glyph, { d: string; filled?: boolean }> = {
  drop: { d: 'M12 6.6c2 2.6 3.6 4.5 3.6 6.6a3.6 3.6 0 0 1-7.2 0c0-2.1 1.6-4 3.6-6.6z' },
  gauge: { d: 'M7.4 15a5 5 0 1 1 9.2 0M12 13.2l2.6-3.2' },
  flow: { d: 'M6.8 10c1.7-1.7 3.5-1.7 5.2 0s3.5 1.7 5.2 0M6.8 14c1.7-1.7 3.5-1.7 5.2 0s3.5 1.7 5.2 0' },
  tilt: { d: 'M6.8 15.6h10.4M7.4 13.4l8.4-5' },
  gas: {
    d: 'M12 6.5c.4 2.3 3.4 3.6 3.4 6.7a3.4 3.4 0 0 1-6.8 0c0-1.4.7-2.2 1.4-3 .1 1 .5 1.5 1 1.8-.1-2 .2-4 1-5.5z',
  },
  power: { d: 'M13 6.6 8.8 12.8h3l-.8 4.7 4.3-6.4h-3z' },
  heat: { d: 'M12 7v6.2M12 13.2a1.9 1.9 0 1 0 .01 0M14.6 8h1.4M14.6 10.5h1.4' },
  fill: { d: 'M8 8h8M8.7 8l.6 8.6h5.4l.6-8.6M9.1 12.6h5.8' },
  dot: { d: 'M12 9.6a2.4 2.4 0 1 0 .01 0z', filled: true },
};

/** What a symbol is drawn with. */
export interface SymbolColors {
  panel: string;
  halo: string;
  text: string;
}

/**
 * Draws one symbol: a disc with a ring that tells the condition by colour and by
 * shape. Normal is a thin ring; a warning a thick one with a corner mark; an alarm
 * a filled disc; stale a dashed ring; offline a dashed ring that is struck out.
 */
export function drawSymbol(
  context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D,
  size: number,
  glyph: Glyph,
  condition: Condition,
  colors: SymbolColors & { ring: string },
): void {
  const unit = size / 26; // 24 × 24 with a bit of air
  context.setTransform(unit, 0, 0, unit, unit, unit);
  const disc = new Path2D('M12 1.5a10.5 10.5 0 1 0 .01 0z');
  const alarm = condition === 'alarm';
  const quiet = condition === 'stale' || condition === 'offline';
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.strokeStyle = colors.halo;
  context.lineWidth = 3;
  context.stroke(disc);
  context.fillStyle = alarm ? colors.ring : colors.panel;
  context.fill(disc);
  context.strokeStyle = alarm ? colors.halo : colors.ring;
  context.lineWidth = condition === 'normal' ? 1.6 : condition === 'warning' ? 2.8 : 1.8;
  context.setLineDash(quiet ? [3.3, 3.3] : []);
  if (!alarm) context.stroke(disc);
  context.setLineDash([]);
  const ink = alarm ? colors.panel : quiet ? colors.ring : colors.text;
  context.strokeStyle = ink;
  context.fillStyle = ink;
  context.lineWidth = 1.5;
  const { d, filled } = paths[glyph];
  if (filled) context.fill(new Path2D(d));
  else context.stroke(new Path2D(d));
  if (condition === 'offline') {
    context.strokeStyle = colors.ring;
    context.lineWidth = 1.8;
    context.stroke(new Path2D('M5 19 19 5'));
  }
  if (condition === 'warning' || alarm) drawMark(context, colors, alarm);
}

/** The mark of what wants attention, at the upper right: a triangle, or in an alarm a diamond. */
function drawMark(
  context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D,
  colors: SymbolColors & { ring: string },
  alarm: boolean,
): void {
  const mark = new Path2D(alarm ? 'M19.5 0l4.5 4.5-4.5 4.5L15 4.5z' : 'M19.5.4 24 8.2h-9z');
  context.strokeStyle = colors.halo;
  context.lineWidth = 1.6;
  context.stroke(mark);
  context.fillStyle = alarm ? colors.panel : colors.ring;
  context.fill(mark);
  context.strokeStyle = alarm ? colors.ring : colors.panel;
  context.lineWidth = 1.3;
  context.stroke(new Path2D(alarm ? 'M19.5 2.4v2.3M19.5 6.5v.01' : 'M19.5 3.3v2M19.5 6.9v.01'));
}

/** The plate that values stand on: it stretches in its middle. */
export function drawPlate(palette: Pick<Palette, 'panel' | 'line'>) {
  const [side, radius] = [24, 8];
  const context = new OffscreenCanvas(side, side).getContext('2d');
  if (!context) return undefined;
  context.beginPath();
  context.roundRect(1, 1, side - 2, side - 2, radius);
  context.globalAlpha = 0.88;
  context.fillStyle = palette.panel;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = palette.line;
  context.lineWidth = 1.5;
  context.stroke();
  const stretch: [number, number][] = [[radius + 2, side - radius - 2]];
  const content: [number, number, number, number] = [8, 4, side - 8, side - 4];
  const options = { pixelRatio: 2, stretchX: stretch, stretchY: stretch, content };
  return { image: context.getImageData(0, 0, side, side), options };
}
