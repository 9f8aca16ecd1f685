import type { StyleSpecification } from 'maplibre-gl';

/** Hues from here over 0° to there are red, in degrees. */
const reds = { from: 338, to: 25 } as const;
/** Colours greyer than this are no signal. */
const signal = 0.35;
/** What is left of a red's saturation. */
const left = 0.22;

/**
 * A copy of a style whose reds are quiet: where red means alarm, subway lines and
 * power pipes are a greyish rose of the same lightness.
 */
export function quietReds(style: StyleSpecification): StyleSpecification {
  return {
    ...style,
    layers: style.layers.map(layer => ({
      ...layer,
      paint: quietIn(layer.paint),
    })) as StyleSpecification['layers'],
  };
}

function quietIn(value: unknown): unknown {
  if (typeof value === 'string') return quietRed(value);
  if (Array.isArray(value)) return value.map(quietIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, quietIn(inner)]));
}

/** A colour #rrggbb, quiet if it is red; other texts come back as they are. */
export function quietRed(text: string): string {
  const digits = /^#([0-9a-f]{6})$/i.exec(text)?.[1];
  if (!digits) return text;
  const value = Number.parseInt(digits, 16);
  const channels = [value >> 16, (value >> 8) & 255, value & 255] as const;
  const [most, least] = [Math.max(...channels), Math.min(...channels)];
  const middle = (most + least) / 2;
  const saturation = most === least ? 0 : (most - least) / (255 - Math.abs(most + least - 255));
  const hue = hueOf(channels, most, least);
  if (saturation < signal || (hue > reds.to && hue < reds.from)) return text;
  const hex = channels.map(channel =>
    Math.round(middle + ((channel - middle) * left) / saturation)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${hex.join('')}`;
}

/** Degrees from 0 (red) over 120 (green) and 240 (blue). */
function hueOf([red, green, blue]: readonly [number, number, number], most: number, least: number): number {
  if (most === least) return 0;
  const span = most - least;
  if (most === red) return (((green - blue) / span) * 60 + 360) % 360;
  if (most === green) return ((blue - red) / span) * 60 + 120;
  return ((red - green) / span) * 60 + 240;
}
