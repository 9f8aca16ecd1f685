import type { FeatureCollection, Geometry, Point } from 'geojson';
import { type GeoJSONSource, type Map as MapLibreMap, Marker } from 'maplibre-gl';
import type { Language } from '../i18n';
import { ownLayer, readingsLayer } from '../map/highlight';
import type { Palette, Theme } from '../theme/tokens';
import { formatReading } from './amount';
import {
  allConditions,
  allGlyphs,
  conditionColor,
  drawPlate,
  drawSymbol,
  glyphOf,
  symbolSize,
} from './looks';
import { placeOfGeometry } from './places';
import { type ObjectReadings, type Readings, worseFirst } from './readings';
import { type ReadShape, Shapes } from './shapes';
import { framePrefix, labelZoom, plateId, readingLayers, sources } from './style';

/** The zoom from which lines with readings are drawn. */
const lineZoom = 14;

const patience = 80; // ms in which changes are gathered into one drawing

const worstFirst = allConditions.toSorted(worseFirst);

/** What the overlay needs of its map's owner. */
export interface ReadingsOverlayOptions {
  readings: Readings;
  /** Layers whose objects are lines. */
  lines: ReadonlySet<string>;
  visible(layer: string): boolean;
  language(): Language;
  shape: ReadShape;
  scale: number;
}

/**
 * Shows the readings of city objects: a symbol over the object with a ring that
 * tells its condition, lines in the colour of theirs, and from close by the value.
 * From afar what is well is counted by place; alarms are always seen.
 */
export class ReadingsOverlay {
  private readonly shapes: Shapes;
  private readonly stop: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawn: Record<string, string> = {};
  private alarms: Set<string> | undefined;
  private theme: Theme | undefined;
  private pulses = new Set<Marker>();

  constructor(
    private readonly map: MapLibreMap,
    private readonly options: ReadingsOverlayOptions,
  ) {
    const { readings } = options;
    this.shapes = new Shapes(options.shape, (layer, feature, shape) => {
      const place = placeOfGeometry(shape);
      if (place) readings.locate(layer, feature, place);
      this.drawSoon();
    });
    this.stop = readings.on(() => this.drawSoon());
    map.on('moveend', this.drawSoon);
  }

  dispose(): void {
    this.stop();
    this.shapes.dispose();
    clearTimeout(this.timer);
    this.map.off('moveend', this.drawSoon);
    for (const pulse of this.pulses) pulse.remove();
  }

  /** Adds sources and layers to a new style, in the colours of a theme. */
  dress(theme: Theme, palette: Palette): void {
    const { map, options } = this;
    this.theme = theme;
    this.addImages(theme, palette);
    for (const [id, source] of Object.entries(sources)) if (!map.getSource(id)) map.addSource(id, source);
    for (const layer of readingLayers(theme, palette, options.scale)) {
      if (map.getLayer(layer.id)) map.removeLayer(layer.id);
      map.addLayer({
        ...layer,
        metadata: { [ownLayer]: true, 'twind:keep': true, [readingsLayer]: true },
      });
    }
    this.drawn = {};
    this.draw();
  }

  /** Draws the frames of lines before a layer, and so below it; undefined: on top. */
  placeLines(before: string | undefined): void {
    for (const id of this.map.getLayersOrder())
      if (id.startsWith(framePrefix)) this.map.moveLayer(id, before);
  }

  /** The shapes of some features may have changed; null: of all of a layer. */
  changed(layer: string, features: readonly string[] | null): void {
    this.shapes.forget(layer, features);
    // The server says with a reading where its object is, unless it came only now.
    for (const feature of this.options.readings.placeless(layer, features)) this.shapes.want(layer, feature);
    this.drawSoon();
  }

  /** Draws again shortly, as after a layer was switched on or off. */
  readonly drawSoon = (): void => {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, patience);
  };

  private draw(): void {
    if (!this.theme) return;
    const labelled = this.view(labelZoom - 0.3);
    const drawn = this.view(lineZoom);
    const calm: Feature[] = [];
    const alarms: Feature[] = [];
    const lines: Feature[] = [];
    const alarming = new Map<string, [number, number]>();
    for (const object of this.objects()) {
      const line = this.options.lines.has(object.layer);
      const { place } = object;
      if (!place) continue;
      if (object.condition === 'alarm') {
        alarming.set(`${object.layer}\n${object.feature}`, place);
        alarms.push(this.symbol(object, place, true));
      } else calm.push(this.symbol(object, place, labelled(place)));
      if (line && drawn(place)) {
        const shape = this.shapes.get(object.layer, object.feature);
        if (shape) lines.push(featureOf(object, shape, { condition: object.condition }));
        else this.shapes.want(object.layer, object.feature);
      }
    }
    this.put('twind-readings', calm);
    this.put('twind-readings-alarms', alarms);
    this.put('twind-readings-lines', lines);
    this.pulse(alarming);
  }

  private *objects(): Generator<ObjectReadings> {
    const { readings, visible } = this.options;
    if (!readings.shown.peek()) return;
    for (const layer of readings.layerIds) if (visible(layer)) yield* readings.objects(layer).values();
  }

  /** Whether a place is in view, or soon may be, on a map as close as a zoom. */
  private view(from: number): (place: [number, number]) => boolean {
    if (this.map.getZoom() < from) return () => false;
    const bounds = this.map.getBounds();
    const [west, south, east, north] = [
      bounds.getWest(),
      bounds.getSouth(),
      bounds.getEast(),
      bounds.getNorth(),
    ];
    const [wide, high] = [(east - west) / 8, (north - south) / 8];
    return ([lon, lat]) => lon > west - wide && lon < east + wide && lat > south - high && lat < north + high;
  }

  private symbol(object: ObjectReadings, place: [number, number], labelled: boolean): Feature {
    const [first] = object.readings;
    const point: Point = { type: 'Point', coordinates: place };
    const glyph = glyphOf(first?.property ?? '');
    return featureOf(object, point, {
      icon: imageId(this.theme ?? 'dark', glyph, object.condition),
      label: first && labelled ? formatReading(first, this.options.language()) : '',
      condition: object.condition,
      rank: worstFirst.indexOf(object.condition),
    });
  }

  /** Gives a source its features if they are others than before. */
  private put(id: string, features: Feature[]): void {
    const data: FeatureCollection = { type: 'FeatureCollection', features };
    const text = JSON.stringify(data);
    if (this.drawn[id] === text) return;
    const source = this.map.getSource<GeoJSONSource>(id);
    if (!source) return;
    this.drawn[id] = text;
    source.setData(data);
  }

  /** A new alarm pulses three times; those that are there at first stand still. */
  private pulse(alarming: ReadonlyMap<string, [number, number]>): void {
    const before = this.alarms;
    this.alarms = new Set(alarming.keys());
    if (!before) return;
    for (const [key, place] of alarming) {
      if (before.has(key) || !this.map.getBounds().contains(place)) continue;
      const element = document.createElement('div');
      element.className = 'reading-pulse';
      const marker = new Marker({ element }).setLngLat(place).addTo(this.map);
      this.pulses.add(marker);
      setTimeout(() => {
        marker.remove();
        this.pulses.delete(marker);
      }, 3200);
    }
  }

  private addImages(theme: Theme, palette: Palette): void {
    const ratio = 2 * this.options.scale;
    if (!this.map.hasImage(plateId(theme))) {
      const plate = drawPlate(palette);
      if (plate) this.map.addImage(plateId(theme), plate.image, plate.options);
    }
    for (const glyph of allGlyphs) {
      for (const condition of allConditions) {
        const id = imageId(theme, glyph, condition);
        if (this.map.hasImage(id)) continue;
        const size = Math.round(symbolSize * ratio);
        const context = new OffscreenCanvas(size, size).getContext('2d');
        if (!context) continue;
        const { panel, halo, text } = palette;
        drawSymbol(context, size, glyph, condition, {
          panel,
          halo,
          text,
          ring: conditionColor(condition, palette),
        });
        this.map.addImage(id, context.getImageData(0, 0, size, size), { pixelRatio: 2 });
      }
    }
  }
}

type Feature = GeoJSON.Feature;

function featureOf(
  { layer, feature }: ObjectReadings,
  geometry: Geometry,
  properties: Record<string, unknown>,
): Feature {
  return { type: 'Feature', geometry, properties: { layer, feature, ...properties } };
}

function imageId(theme: Theme, glyph: string, condition: string): string {
  return `reading-${theme}-${glyph}-${condition}`;
}
