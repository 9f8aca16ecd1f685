import type { GeoJSONSource, Map as MapLibreMap } from 'maplibre-gl';
import { ownLayer } from '../map/highlight';
import { type Crowd, crowdRadius, crowds } from './crowds';
import type { LiveFeed } from './feed';
import type { LiveLook, LiveTheme } from './liveLayer';

const sourceId = 'twind-cells';
const often = 500; // ms between two drawings of the counts

/** Colours of the counts, beside those of the live layers. */
export interface CellsTheme extends LiveTheme {
  panel: string;
  text: string;
}

/**
 * Shows live layers that send counts by place, because too many entities are
 * in view: a disc with the count, larger where there are more, ringed in the
 * layer's colour.
 */
export class CellsOverlay {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private shown = false;
  private scale = 1;
  private readonly stop: () => void;

  constructor(
    private readonly map: MapLibreMap,
    private readonly feed: LiveFeed,
    private looks: readonly LiveLook[],
    private readonly visible: (layer: string) => boolean,
  ) {
    this.stop = feed.onFrame(layer => {
      if (this.shown || this.feed.cells(layer)) this.drawSoon();
    });
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.timer);
  }

  /** Adds source and layers to a new style, or gives them the colours of another theme. */
  dress(looks: readonly LiveLook[], theme: CellsTheme): void {
    this.looks = looks;
    this.scale = theme.scale;
    const { map } = this;
    if (!map.getSource(sourceId)) map.addSource(sourceId, { type: 'geojson', data: collection([]) });
    for (const id of [`${sourceId}-disc`, `${sourceId}-count`]) if (map.getLayer(id)) map.removeLayer(id);
    map.addLayer({
      id: `${sourceId}-disc`,
      type: 'circle',
      source: sourceId,
      metadata: { [ownLayer]: true, 'twind:keep': true },
      paint: {
        'circle-radius': ['get', 'radius'],
        'circle-color': theme.panel,
        'circle-opacity': 0.92,
        'circle-stroke-width': 2.5 * theme.scale,
        'circle-stroke-color': ['get', 'color'],
      },
    });
    map.addLayer({
      id: `${sourceId}-count`,
      type: 'symbol',
      source: sourceId,
      metadata: { [ownLayer]: true, 'twind:keep': true },
      layout: {
        'text-field': ['get', 'text'],
        'text-font': ['Twind Sans'],
        'text-size': 12 * theme.scale,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': theme.text },
    });
    this.draw();
  }

  /** Draws the counts again, as after a layer was switched on or off. */
  drawSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, often);
  }

  private draw(): void {
    const source = this.map.getSource<GeoJSONSource>(sourceId);
    if (!source) return;
    const features = this.looks.flatMap(({ id, color }) => {
      const cells = this.visible(id) ? this.feed.cells(id) : undefined;
      return cells ? crowds(cells, this.map.getZoom(), this.scale).map(crowd => this.disc(crowd, color)) : [];
    });
    if (features.length === 0 && !this.shown) return;
    this.shown = features.length > 0;
    source.setData(collection(features));
  }

  private disc({ lon, lat, count }: Crowd, color: string): GeoJSON.Feature {
    return {
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [lon, lat] },
      properties: { count, text: shortCount(count), radius: crowdRadius(count, this.scale), color },
    };
  }
}

/** A count in at most four characters: 950, 1.2k, 34k. */
export function shortCount(count: number): string {
  if (count < 1000) return String(count);
  const thousands = count / 1000;
  return thousands < 9.95 ? `${thousands.toFixed(1)}k` : `${Math.round(thousands)}k`;
}

function collection(features: GeoJSON.Feature[]): GeoJSON.FeatureCollection {
  return { type: 'FeatureCollection', features };
}
