import type { FeatureCollection } from 'geojson';
import type {
  ExpressionSpecification,
  FilterSpecification,
  LayerSpecification,
  SourceSpecification,
} from 'maplibre-gl';
import type { Palette, Theme } from '../theme/tokens';
import { conditionColor } from './looks';
import type { Condition } from './readings';

/** The zoom from which values stand beside symbols. */
export const labelZoom = 16.2;

/** How the ids of the layers begin that frame lines. */
export const framePrefix = 'twind-readings-line-';

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
    ...calmLayers(theme, palette, scale),
    ...alarmLayers(theme, palette, scale),
  ];
}

/** Pipes keep the colour of their kind: lines are framed in the colour of their condition. */
function lineLayers(palette: Palette, scale: number): LayerSpecification[] {
  const width = (from: number, to: number): ExpressionSpecification => [
    'interpolate',
    ['exponential', 1.5],
    ['zoom'],
    14,
    from * scale,
    20,
    to * scale,
  ];
  const are = (...conditions: Condition[]): FilterSpecification => [
    'in',
    ['get', 'condition'],
    ['literal', conditions],
  ];
  const common = { type: 'line', source: 'twind-readings-lines', minzoom: 14 } as const;
  const gap = width(3, 14);
  const urgent: ExpressionSpecification = [
    'match',
    ['get', 'condition'],
    'alarm',
    palette.alarm,
    palette.warning,
  ];
  return [
    {
      ...common,
      id: `${framePrefix}normal`,
      filter: are('normal'),
      paint: {
        'line-color': palette.good,
        'line-gap-width': gap,
        'line-width': width(0.7, 1.6),
        'line-opacity': 0.85,
      },
    },
    {
      ...common,
      id: `${framePrefix}quiet`,
      filter: are('stale', 'offline'),
      paint: {
        'line-color': palette.stale,
        'line-gap-width': gap,
        'line-width': width(1.2, 2.5),
        'line-dasharray': [3, 2],
      },
    },
    {
      ...common,
      id: `${framePrefix}halo`,
      filter: are('alarm', 'warning'),
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': palette.halo, 'line-width': width(6, 22), 'line-opacity': 0.8 },
    },
    {
      ...common,
      id: `${framePrefix}urgent`,
      filter: are('alarm', 'warning'),
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': urgent, 'line-width': width(3.5, 14) },
    },
  ];
}

function calmLayers(theme: Theme, palette: Palette, scale: number): LayerSpecification[] {
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
        'circle-pitch-scale': 'viewport', // as large as its number, however far
        'circle-color': palette.panel,
        'circle-opacity': 0.86,
        'circle-stroke-color': ring,
        'circle-stroke-width': 1.5 * scale,
        'circle-stroke-opacity': ['case', ['>', ['get', 'warnings'], 0], 1, 0.6],
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
    ...objectLayers('twind-readings', theme, palette, scale),
  ];
}

function alarmLayers(theme: Theme, palette: Palette, scale: number): LayerSpecification[] {
  return objectLayers('twind-readings-alarms', theme, palette, scale);
}

/** Symbols of objects, and beside them their values as plates. */
function objectLayers(source: string, theme: Theme, palette: Palette, scale: number): LayerSpecification[] {
  const alarms = source === 'twind-readings-alarms';
  const sizes = (far: number, near: number): ExpressionSpecification => [
    'interpolate',
    ['linear'],
    ['zoom'],
    alarms ? 10 : 14,
    far,
    alarms ? 16 : 17.5,
    near,
  ];
  const label: ExpressionSpecification = ['get', 'label'];
  return [
    {
      id: `${source}-value`,
      type: 'symbol',
      source,
      minzoom: alarms ? 12 : labelZoom,
      filter: ['all', single as ExpressionSpecification, ['!=', label, '']],
      layout: {
        'icon-image': plateId(theme),
        'icon-text-fit': 'both',
        'symbol-sort-key': ['get', 'rank'],
        'text-field': label,
        'text-font': ['Twind Sans'],
        'text-size': 12.5 * scale,
        'text-anchor': 'left',
        'text-offset': [1.8, 0],
        'text-padding': 0,
        'icon-padding': 1,
      },
      paint: { 'text-color': alarms ? palette.alarm : palette.text },
    },
    {
      id: `${source}-symbol`,
      type: 'symbol',
      source,
      minzoom: alarms ? 7 : 13,
      ...(alarms ? {} : { filter: single }),
      layout: {
        'icon-image': ['coalesce', ['get', 'icon'], `reading-${theme}-dot-alarm`],
        'icon-size': alarms ? sizes(0.85, 1.1) : sizes(0.66, 1),
        'icon-allow-overlap': alarms,
        'icon-padding': 1,
        'symbol-sort-key': ['get', 'rank'],
        ...(alarms
          ? {
              'text-field': [
                'case',
                clustered as ExpressionSpecification,
                ['concat', '× ', ['get', 'point_count']],
                '',
              ],
              'text-font': ['Twind Sans'],
              'text-size': 12.5 * scale,
              'text-anchor': 'left',
              'text-offset': [1.4, 0],
              'text-optional': true,
            }
          : {}),
      },
      paint: {
        'icon-opacity': alarms ? 1 : calmOpacity,
        'text-color': palette.alarm,
        'text-halo-color': palette.halo,
        'text-halo-width': 1.6 * scale,
      },
    },
  ];
}

/** From afar what is well stays in the background. */
const calmOpacity: ExpressionSpecification = [
  'interpolate',
  ['linear'],
  ['zoom'],
  14.5,
  ['match', ['get', 'condition'], 'normal', 0.62, 1],
  16.5,
  1,
];

/** The image behind values. */
export function plateId(theme: Theme): string {
  return `reading-${theme}-plate`;
}
