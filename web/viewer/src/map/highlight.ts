import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl';
import { multiply } from './expression';
import { cityLayerOf } from './style';

/** Marks the viewer's own style layers, which styles by theme do not replace. */
export const ownLayer = 'twind:viewer';

/** Marks those of them that stand for city objects with readings: their features name layer and feature. */
export const readingsLayer = 'twind:readings';

/**
 * What draws one picked feature over a style: for each style layer of its city
 * layer one that admits this feature only, in the colour of selection. A solid
 * repeats the exact shape, so that both fall on the same depth and the later wins.
 */
export function highlightLayers(
  style: readonly LayerSpecification[],
  cityLayer: string,
  id: string,
  color: string,
  scale = 1,
): LayerSpecification[] {
  const layers: LayerSpecification[] = [];
  for (const layer of style) {
    if (cityLayerOf(layer) !== cityLayer || !('source' in layer)) continue;
    const common = {
      id: `selection-${layer.id}`,
      source: layer.source,
      ...(layer['source-layer'] === undefined ? {} : { 'source-layer': layer['source-layer'] }),
      ...(layer.minzoom === undefined ? {} : { minzoom: layer.minzoom }),
      ...(layer.maxzoom === undefined ? {} : { maxzoom: layer.maxzoom }),
      metadata: { [ownLayer]: true },
      filter: withId(layer.filter, id),
    };
    switch (layer.type) {
      case 'fill-extrusion':
        layers.push({
          ...common,
          type: 'fill-extrusion',
          paint: { ...layer.paint, 'fill-extrusion-color': color },
        });
        break;
      case 'fill':
        layers.push({
          ...common,
          type: 'line',
          layout: { 'line-join': 'round' },
          paint: { 'line-color': color, 'line-width': 2.5 * scale },
        });
        break;
      case 'line':
        layers.push({
          ...common,
          type: 'line',
          layout: { 'line-cap': 'round', 'line-join': 'round' },
          paint: {
            'line-color': color,
            'line-opacity': 0.9,
            'line-width': multiply(
              ['interpolate', ['exponential', 1.5], ['zoom'], 10, 3, 16, 6, 20, 16],
              scale,
            ),
          },
        });
        break;
      case 'circle':
        layers.push({
          ...common,
          type: 'circle',
          paint: {
            'circle-radius': multiply(['interpolate', ['linear'], ['zoom'], 12, 8, 18, 13], scale),
            'circle-color': color,
            'circle-opacity': 0.15,
            'circle-stroke-color': color,
            'circle-stroke-width': 2.5 * scale,
            'circle-pitch-alignment': 'map',
          },
        });
        break;
    }
  }
  return layers;
}

/** A filter that admits one feature: its number in the tile, or the text property `id` that tiles carry for other ids. */
export function withId(filter: FilterSpecification | undefined, id: string): FilterSpecification {
  const byText: ExpressionSpecification = ['==', ['get', 'id'], id];
  const number = tileNumber(id);
  const match: ExpressionSpecification =
    number === undefined ? byText : ['any', ['==', ['id'], number], byText];
  return filter ? (['all', filter as ExpressionSpecification, match] as FilterSpecification) : match;
}

/** The number that stands for an id in tiles: canonical decimals below 2^53. */
export function tileNumber(id: string): number | undefined {
  if (!/^(0|[1-9]\d{0,15})$/.test(id)) return undefined;
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : undefined;
}
