import type { LayerSpecification } from 'maplibre-gl';

/** From this pitch on, in degrees, buildings stand before what lies behind them; below it one looks at a plan. */
export const leaningFrom = 20;

/** Whether a style layer draws what stands up to face the viewer: names and symbols of places, not what lies on the ground. */
function upright({ type, layout, paint }: LayerSpecification): boolean {
  if (type === 'symbol') return ((layout ?? {}) as Record<string, unknown>)['symbol-placement'] !== 'line';
  return type === 'circle' && ((paint ?? {}) as Record<string, unknown>)['circle-pitch-alignment'] !== 'map';
}

/**
 * The style layer that solids are drawn before; undefined when they come last. In a plan all symbols are seen,
 * so solids come before the first of them. Where the map leans, solids hide what lies on the ground behind
 * them, and only names and places stand over them.
 */
export function solidsBefore(layers: readonly LayerSpecification[], leaning: boolean): string | undefined {
  if (!leaning) return layers.find(({ type }) => type === 'symbol' || type === 'circle')?.id;
  const last = layers.findLastIndex(layer => !upright(layer));
  return layers[last + 1]?.id;
}
