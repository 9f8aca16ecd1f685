import type { FeatureCollection } from 'geojson';
import type {
  ExpressionSpecification,
  FilterSpecification,
  LayerSpecification,
  SourceSpecification,
} from 'maplibre-gl';
import type { Palette, Theme } from '../theme/tokens';
import { conditionColor } from './looks';

/** Any of these of a cluster's members wants attention. */
const warnings: ExpressionSpecification = ['case', ['==', ['get', 'condition'], 'warning'], 1, 0];
const empty: FeatureCollection = { type: 'FeatureCollection', features: [] };

/** The sources of the overlay: what is well or silent, what is in alarm, and lines. */
export const sources: Record<string, SourceSpecification> = {
  'twind-readings': {
    type: 'geojson',
    data: empty,
    cluster: true,
    clusterRadius: 44,
    clusterMaxZoom: 15,
    maxzoom: 18,
    clusterProperties: { warnings: ['+', warnings] },
  },
  'twind-readings-alarms': {
    type: 'geojson',
    data: empty,
    cluster: true,
    clusterRadius: 26,
    clusterMaxZoom: 13,
    maxzoom: 18,
  },
  'twind-readings-lines': { type: 'geojson', data: empty, maxzoom: 18 },
};

const clustered: FilterSpecification = ['has', 'point_count'];
const single: FilterSpecification = ['!', ['has', 'point_count']];

/** The style layers of the overlay in a theme, from the lowest. */
export function readingLayers(theme: Theme, palette: Palette, scale: number): LayerSpecification[] {
  return [
    ...lineLayers(palette, scale),
    ...calmLayers(palette, scale),
    ...alarmLayers(theme, palette, scale),
  ];
}

function lineLayers(palette: Palette, scale: number): LayerSpecification[] {
  const color: ExpressionSpecification = [
    'match',
    ['get', 'condition'],
    'alarm',
    palette.alarm,
    'warning',
    palette.warning,
    'normal',
    palette.good,
    palette.stale,
  ];
  const width = (from: number, to: number): ExpressionSpecification => [
    'interpolate',
    ['exponential', 1.5],
    ['zoom'],
    14,
    from * scale,
    20,
    to * scale,
  ];
  const quiet: FilterSpecification = ['in', ['get', 'condition'], ['literal', ['stale', 'offline']]];
  const common = { type: 'line', source: 'twind-readings-lines', minzoom: 14 } as const;
  return [
    {
      ...common,
      id: 'twind-readings-line-halo',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': palette.halo, 'line-width': width(5, 16), 'line-opacity': 0.7 },
    },
    {
      ...common,
      id: 'twind-readings-line',
      filter: ['!', quiet] as FilterSpecification,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': color, 'line-width': width(2.5, 9) },
    },
    {
      ...common,
      id: 'twind-readings-line-quiet',
      filter: quiet,
      paint: { 'line-color': palette.stale, 'line-width': width(2.5, 9), 'line-dasharray': [1.6, 1.2] },
    },
  ];
}

function calmLayers(palette: Palette, scale: number): LayerSpecification[] {
  const source = 'twind-readings';
  const radius: ExpressionSpecification = [
    '+',
    8 * scale,
    ['*', 3.4 * scale, ['log10', ['get', 'point_count']]],
  ];
  const ring: ExpressionSpecification = [
    'case',
    ['>', ['get', 'warnings'], 0],
    palette.warning,
    conditionColor('normal', palette),
  ];
  return [
    {
      id: 'twind-readings-disc',
      type: 'circle',
      source,
      minzoom: 9,
      filter: clustered,
      paint: {
        'circle-radius': radius,
        'circle-color': palette.panel,
        'circle-opacity': 0.86,
        'circle-stroke-color': ring,
        'circle-stroke-width': 1.5 * scale,
        'circle-stroke-opacity': 0.9,
      },
    },
    {
      id: 'twind-readings-count',
      type: 'symbol',
      source,
      minzoom: 9,
      filter: clustered,
      layout: {
        'text-field': ['get', 'point_count_abbreviated'],
        'text-font': ['Twind Sans'],
        'text-size': 11.5 * scale,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': palette.text },
    },
    {
      id: 'twind-readings-symbol',
      type: 'symbol',
      source,
      minzoom: 13,
      filter: single,
      layout: {
        ...symbolLayout(scale),
        'icon-size': ['interpolate', ['linear'], ['zoom'], 14, 0.66, 16.5, 0.86, 18, 1],
      },
      paint: labelPaint(palette, scale, palette.text),
    },
  ];
}

function alarmLayers(theme: Theme, palette: Palette, scale: number): LayerSpecification[] {
  const source = 'twind-readings-alarms';
  const layout = symbolLayout(scale);
  return [
    {
      id: 'twind-readings-alarm',
      type: 'symbol',
      source,
      minzoom: 7,
      layout: {
        ...layout,
        'icon-image': ['coalesce', ['get', 'icon'], `reading-${theme}-dot-alarm`],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 10, 0.85, 16, 1.1],
        'icon-allow-overlap': true,
        'icon-ignore-placement': false,
        'text-field': [
          'case',
          clustered as ExpressionSpecification,
          ['concat', '× ', ['get', 'point_count']],
          ['get', 'label'],
        ],
      },
      paint: labelPaint(palette, scale, palette.alarm),
    },
  ];
}

function symbolLayout(scale: number): NonNullable<Extract<LayerSpecification, { type: 'symbol' }>['layout']> {
  return {
    'icon-image': ['get', 'icon'],
    'icon-padding': 1,
    'symbol-sort-key': ['get', 'rank'],
    'text-field': ['step', ['zoom'], '', 16.2, ['get', 'label']],
    'text-font': ['Twind Sans'],
    'text-size': 12.5 * scale,
    'text-variable-anchor': ['left', 'right', 'top', 'bottom'],
    'text-radial-offset': 1.25,
    'text-justify': 'auto',
    'text-optional': true,
    'text-padding': 2,
  };
}

function labelPaint(palette: Palette, scale: number, color: string) {
  return {
    'text-color': color,
    'text-halo-color': palette.halo,
    'text-halo-width': 1.6 * scale,
  };
}
