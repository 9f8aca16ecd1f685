import {
  Map as MapLibreMap,
  type MapMouseEvent,
  ScaleControl,
  type StyleSpecification,
  type VectorTileSource,
} from 'maplibre-gl';
import type { BBox, Config } from '../config/config';
import type { Language } from '../i18n';
import { CellsOverlay } from '../live/cellsOverlay';
import type { LiveFeed } from '../live/feed';
import { GroundUnder } from '../live/groundUnder';
import { type LiveHit, LiveLayer } from '../live/liveLayer';
import { liveLooks } from '../live/looks';
import type { Readings } from '../readings/readings';
import { ReadingsOverlay } from '../readings/readingsOverlay';
import { fetchShape } from '../readings/shapes';
import { depthOf, type SectionLine } from '../section/profile';
import type { Pit } from '../solids/pitGeometry';
import type { Cut } from '../solids/sectionScene';
import type { SolidsLayer } from '../solids/solidsLayer';
import { palettes, type Theme } from '../theme/tokens';
import type { Camera } from '../url/state';
import { type Card, type Covered, cameraOf, goTo, goToBox, outFromUnder } from './camera';
import { DepthMarks } from './depthMarks';
import { FailedTiles } from './failedTiles';
import { leaningFrom, solidsBefore } from './ground';
import { highlightLayers, ownLayer } from './highlight';
import { clusterAt, type Pick, pickAt } from './picking';
import { quietReds } from './quietReds';
import { type Change, TileRefresher } from './refresher';
import { SecondClick } from './secondClick';
import { bearingOf, type Side, sideOf, trenchOf, trenchWidth } from './sectionView';
import { type Corner, Sketch, type SketchEvents } from './sketch';
import { cityLayerOf, dimmed, present } from './style';
import type { TileId } from './tiles';

/** What a map shows when it opens. */
export interface CityMapOptions {
  container: HTMLElement;
  config: Config;
  feed: LiveFeed | undefined;
  /** What sensors say of the city's objects. */
  readings: Readings;
  language(): Language;
  theme: Theme;
  camera: Camera;
  hidden: ReadonlySet<string>;
  opacity: ReadonlyMap<string, number>;
  /** Factor on texts and symbols: 1 at a desk. */
  scale: number;
  /** Red means alarm on this screen: the map's own reds are quiet. */
  redMeansAlarm: boolean;
  /** Words for the map's own regions, for those who do not see it. */
  label: string;
  /** Looks below the ground: see CityMap.setUnderground. */
  underground: boolean;
}

/** Zoom below which a crowd is shown as counts: its symbols would only cover the map. */
const fromAfar = 12.5;

/** From this zoom on it is seen how high entities are. */
const heightsFrom = 14.5;

/** The kinds of layers that lie under the ground. */
const below = new Set(['pipe', 'node']);

/** A tile as errors carry it. */
interface Tile {
  tileID: { canonical: TileId };
}

/** What a map tells its page. */
export interface CityMapEvents {
  /** A click: the live entity hit, if any, and the features below, best first. */
  pick(entity: LiveHit | undefined, picks: Pick[], place: [lon: number, lat: number]): void;
  camera(camera: Camera): void;
  /** The tiles of a layer cannot be read; a style cannot, when layer is undefined. */
  error(layer: string | undefined): void;
  /** A layer's tiles arrive again. */
  recovered(layer: string): void;
  /** The style is there; tiles come in. */
  styled(): void;
  /** Bodies in view are on their way, or all there. */
  bodies(loading: boolean): void;
  /** Every tile in view is drawn. */
  ready(): void;
  /** The graphics card was taken away: make a new map. */
  lost(): void;
  /** The user took the camera from the entity it followed. */
  unfollowed(): void;
}

/** One feature or entity that the map emphasises. */
export interface Emphasis {
  layer: string;
  id: string;
  live: boolean;
}

/**
 * The map of the city: MapLibre with the server's style by theme, the live
 * entities over it, one emphasised feature, and fresh tiles after changes.
 */
export class CityMap {
  readonly map: MapLibreMap;
  private readonly live: LiveLayer | undefined;
  private readonly cells: CellsOverlay | undefined;
  private readonly readings: ReadingsOverlay;
  private readonly stopConditions: () => void;
  private readonly refresher: TileRefresher;
  private readonly hidden: Set<string>;
  private readonly opacity: Map<string, number>;
  private style: StyleSpecification | undefined;
  private theme: Theme;
  private emphasis: Emphasis | undefined;
  private styleLoaded = false;
  private readonly failed = new FailedTiles();
  private styleRequest: AbortController | undefined;
  private readonly stopChanges: (() => void) | undefined;
  private viewTimer: ReturnType<typeof setTimeout> | undefined;
  private following: { layer: string; id: string } | undefined;
  private solids: SolidsLayer | undefined;
  private underground: boolean;
  private pit: Pit | undefined;
  private digging = false;
  private section: Omit<Cut, 'side'> | undefined;
  private side: Side | undefined;
  private marks: DepthMarks | undefined;
  private readonly ground = new GroundUnder();
  /** Asks again for those that come into view after the camera stood still. */
  private readonly heightsTimer = setInterval(() => this.raiseEntities(), 20_000);
  private drawing: Sketch | undefined;
  private standing = false;
  private leaning = false;
  private toDraw = false;
  private disposed = false;

  constructor(
    private readonly options: CityMapOptions,
    private readonly events: CityMapEvents,
  ) {
    const { config, feed, camera } = options;
    this.theme = options.theme;
    this.underground = options.underground;
    this.hidden = new Set(options.hidden);
    this.opacity = new Map(options.opacity);
    this.map = new MapLibreMap({
      container: options.container,
      center: [camera.lon, camera.lat],
      zoom: camera.zoom,
      bearing: camera.bearing,
      pitch: camera.pitch,
      minZoom: 2,
      maxZoom: 21,
      maxPitch: 78,
      attributionControl: false,
      fadeDuration: 160,
      canvasContextAttributes: {
        antialias: true,
        contextType: 'webgl2',
        powerPreference: 'high-performance',
      },
      renderWorldCopies: false,
      refreshExpiredTiles: false,
      // Tiles keep the numbers that the server knows them by, so that a change finds them.
      zoomLevelsToOverscale: 24,
      // Labels come from the page's own font, so nothing is fetched for them.
      localIdeographFontFamily: false,
      locale: { 'Map.Title': options.label },
    });
    this.map.addControl(new ScaleControl({ maxWidth: 120 * options.scale, unit: 'metric' }), 'bottom-left');
    this.refresher = new TileRefresher(
      this.map,
      id => config.layers.find(layer => layer.id === id),
      id => this.reload(id),
    );
    this.stopConditions = options.readings.on(layer => this.recolour(layer));
    this.readings = new ReadingsOverlay(this.map, {
      readings: options.readings,
      lines: new Set(
        config.layers.filter(({ geometryType }) => /line/i.test(geometryType)).map(({ id }) => id),
      ),
      visible: layer => !this.hidden.has(layer),
      language: options.language,
      shape: async (layer, feature, signal) => {
        const items = config.layers.find(({ id }) => id === layer)?.items;
        return items === undefined ? undefined : fetchShape(items, feature, signal);
      },
      scale: options.scale,
    });
    if (feed) {
      this.live = new LiveLayer(feed, liveLooks(config, this.theme), this.liveTheme());
      for (const layer of config.layers)
        if (layer.live) this.live.show(layer.id, !this.hidden.has(layer.id), this.opacity.get(layer.id) ?? 1);
      this.cells = new CellsOverlay(
        this.map,
        feed,
        liveLooks(config, this.theme),
        layer => !this.hidden.has(layer),
      );
      this.stopChanges = feed.onChange(change => {
        this.refresh(change);
        this.readings.changed(change.layer, change.ids);
      });
    }
    this.listen();
    this.sendView();
    void this.setTheme(options.theme);
    void this.raiseSolids();
  }

  dispose(): void {
    this.disposed = true;
    this.sketch(undefined);
    this.marks?.dispose();
    this.ground.dispose();
    clearInterval(this.heightsTimer);
    this.styleRequest?.abort();
    this.stopChanges?.();
    this.cells?.dispose();
    this.readings.dispose();
    this.stopConditions();
    clearTimeout(this.viewTimer);
    this.refresher.dispose();
    this.solids?.onRemove();
    this.map.remove();
  }

  /** Draws the style of a theme; sources are kept, so only colours change. */
  async setTheme(theme: Theme): Promise<void> {
    this.theme = theme;
    this.styleRequest?.abort();
    const request = new AbortController();
    this.styleRequest = request;
    try {
      const response = await fetch(this.options.config.styles[theme], { signal: request.signal });
      if (!response.ok) throw new Error(`style: ${response.status}`);
      const style = (await response.json()) as StyleSpecification;
      this.style = this.options.redMeansAlarm ? quietReds(style) : style;
    } catch {
      if (!request.signal.aborted) this.events.error(undefined);
      return;
    }
    if (!request.signal.aborted) this.drawStyle();
  }

  /** Draws the server's style as this user sees it now. */
  private drawStyle(): void {
    if (!this.style) return;
    const opening = this.opening();
    const shown = present(this.style, {
      hidden: this.hidden,
      opacity: this.opacity,
      scale: this.options.scale,
      dense: this.layersOfKind('pipe', 'node', 'part'),
      ...(this.solids ? { solid: new Set(this.solids.layers) } : {}),
      ...(this.underground ? { underground: this.belowGround() } : {}),
      ...(this.standing ? { standing: this.standingLayers() } : {}),
      ...(this.standing && !this.underground ? { nameless: this.layersOfKind('node') } : {}),
      ...(opening && this.solids ? { pit: { ring: opening.ring, layers: this.dugLayers() } } : {}),
    });
    this.map.setStyle(shown, { diff: true, validate: false });
    // A difference is applied at once; where there is none to make, style.load follows.
    if (this.styleLoaded && this.map.getStyle()) this.settle();
  }

  /** Draws the style once after all layers of a group were switched. */
  private drawStyleSoon(): void {
    if (this.toDraw) return;
    this.toDraw = true;
    queueMicrotask(() => {
      this.toDraw = false;
      if (!this.disposed) this.drawStyle();
    });
  }

  /** The layers under the ground, and the streets' names to find one's way by. */
  private belowGround(): Set<string> {
    return new Set(
      this.options.config.layers.filter(({ kind, live }) => live || below.has(kind)).map(({ id }) => id),
    );
  }

  /** The layers whose bodies are seen in a pit. */
  private dugLayers(): Set<string> {
    const dug = this.options.config.layers.filter(({ kind, tileset }) => below.has(kind) && tileset !== '');
    return new Set(dug.map(({ id }) => id));
  }

  /** The layers of parts that stand on the ground as models. */
  private standingLayers(): Set<string> {
    const parts = this.options.config.layers.filter(({ kind, tileset }) => kind === 'part' && tileset !== '');
    return new Set(parts.map(({ id }) => id));
  }

  private layersOfKind(...kinds: string[]): Set<string> {
    return new Set(this.options.config.layers.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id));
  }

  /** Symbols lie down when the map is tilted and close: models take their place. */
  private readonly stand = (): void => {
    const standing = this.solids !== undefined && this.map.getPitch() >= 40 && this.map.getZoom() >= 16.5;
    if (standing === this.standing) return;
    this.standing = standing;
    this.drawStyle();
  };

  /** Where the map leans, buildings hide what lies on the ground behind them. */
  private readonly lean = (): void => {
    const leaning = this.map.getPitch() >= leaningFrom;
    if (leaning === this.leaning) return;
    this.leaning = leaning;
    this.placeSolids();
  };

  /** Puts solids, and the frames of pipes that have readings, at their place among the style's layers. */
  private placeSolids(): void {
    const { map, solids, style } = this;
    if (!style || !this.styleLoaded) return;
    const leaning = this.leaning && !this.underground;
    const present = style.layers.filter(({ id }) => map.getLayer(id));
    const before = solidsBefore(present, leaning);
    if (solids && map.getLayer(solids.id)) map.moveLayer(solids.id, before);
    else if (solids) map.addLayer(solids, before);
    this.readings.placeLines(leaning && solids ? solids.id : solidsBefore(present, false));
  }

  /** Looks below the ground: the city above turns into a ghost, and pipes are solid bodies. */
  setUnderground(underground: boolean): void {
    if (this.underground === underground) return;
    this.underground = underground;
    this.showSolids();
    this.drawStyle();
  }

  /** The user is about to open the ground: what lies in it is fetched meanwhile. */
  prepareToDig(digging: boolean): void {
    if (this.digging === digging) return;
    this.digging = digging;
    this.showSolids();
  }

  /** Opens the ground, or closes it: pipes and what belongs to them are seen in the pit. */
  setPit(pit: Pit | undefined): void {
    const outline = pit?.ring !== this.pit?.ring;
    this.pit = pit;
    this.solids?.setPit(pit);
    this.showSolids();
    if (outline) this.drawStyle();
  }

  /** Cuts the scene along a line, or makes it whole again: what is in front of it is not drawn. */
  setSection(section: Omit<Cut, 'side'> | undefined): void {
    this.section = section;
    this.side = undefined;
    this.cutSection();
    if (!section) this.solids?.setSection(undefined);
    this.marks?.dispose();
    this.marks =
      section &&
      new DepthMarks(this.map, section.line, depthOf(section.items), corner => this.pixelOf(corner));
    this.drawStyle();
  }

  /** Turns the camera to a section, its left end at the left. */
  lookAtSection(line: SectionLine): void {
    const [[lon1, lat1], [lon2, lat2]] = line;
    const bearing = bearingOf(line) + (sideOf(line, this.map.getBearing()) === 1 ? 0 : 180);
    const camera = this.map.cameraForBounds(
      [
        [Math.min(lon1, lon2), Math.min(lat1, lat2)],
        [Math.max(lon1, lon2), Math.max(lat1, lat2)],
      ],
      { bearing, padding: { left: 320, right: 200, top: 160, bottom: 320 }, maxZoom: 20 },
    );
    this.following = undefined;
    this.map.easeTo({
      center: [(lon1 + lon2) / 2, (lat1 + lat2) / 2],
      zoom: Math.max(15, Math.min(20, camera?.zoom ?? this.map.getZoom())),
      bearing,
      pitch: 70,
      duration: 1200,
    });
  }

  /** The side that is cut away follows the camera. */
  private readonly cutSection = (): void => {
    const { section } = this;
    if (!section) return;
    const side = sideOf(section.line, this.map.getBearing());
    if (side === this.side) return;
    this.side = side;
    this.solids?.setSection({ ...section, side });
    this.drawStyle();
  };

  /** What is open: a pit, or the trench of a section. */
  private opening(): { ring: readonly (readonly [number, number])[] } | undefined {
    const { section, side } = this;
    if (!section || !side) return this.pit;
    return { ring: trenchOf(section.line, side, trenchWidth(depthOf(section.items))) };
  }

  /** Lets the user draw a figure, during which clicks pick nothing; undefined ends it. */
  sketch(events: SketchEvents | undefined): void {
    this.drawing?.dispose();
    this.drawing =
      events &&
      new Sketch(
        this.map,
        {
          cornerAt: (x, y, onSolids) => this.cornerAt(x, y, onSolids),
          pixelOf: corner => this.pixelOf(corner),
        },
        {
          ...events,
          done: corners => {
            this.secondClick.ended();
            events.done(corners);
          },
        },
      );
  }

  /** Shows the corners of a figure that was ended before. */
  restoreSketch(corners: readonly Corner[]): void {
    this.drawing?.restore(corners);
  }

  /** What the sketch says has changed. */
  redrawSketch(): void {
    this.drawing?.redraw();
  }

  /** The place at a point of the canvas: of the solid that is seen there, else on the ground. */
  private cornerAt(x: number, y: number, onSolids: boolean): Corner | undefined {
    const place = onSolids ? this.solids?.placeAt(x, y) : undefined;
    if (place) return place;
    const { lng, lat } = this.map.unproject([x, y]);
    return Math.abs(lat) < 85 ? [lng, lat] : undefined;
  }

  private pixelOf([lon, lat, height = 0]: Corner): { x: number; y: number } | undefined {
    return this.solids?.pixelOf(lon, lat, height) ?? this.map.project([lon, lat]);
  }

  /** Entities that carry heights stand at them, once the ground in view is known. */
  private readonly raiseEntities = (): void => {
    const { live, ground } = this;
    if (!live || this.map.getZoom() < heightsFrom || !live.elevated) return;
    const bounds = this.map.getBounds();
    const box: BBox = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    void ground.look(box).then(known => {
      if (!known || this.disposed) return;
      live.stand((lon, lat, z) => {
        const below = ground.height(lon, lat);
        return below === undefined ? 0 : z - below;
      });
    });
  };

  /** Bodies take the colours of their readings' conditions. */
  private recolour(layer: string): void {
    const objects = this.options.readings.objects(layer);
    this.solids?.setConditions(layer, new Map([...objects].map(([id, { condition }]) => [id, condition])));
  }

  /** Fetches what draws solids, and draws the layers that have a tileset with it. */
  private async raiseSolids(): Promise<void> {
    // Heights from the ground itself, since the map is flat.
    const layers = this.options.config.layers
      .filter(({ tileset }) => tileset !== '')
      .map(({ id, kind, tileset }) => ({ id, kind, tileset: withQuery(tileset, 'vertical=ground') }));
    if (layers.length === 0) return;
    let module: typeof import('../solids/solidsLayer');
    try {
      module = await import('../solids/solidsLayer');
    } catch {
      return; // the style's own extrusions go on
    }
    if (this.disposed) return;
    this.solids = new module.SolidsLayer(layers, this.theme, loading => this.events.bodies(loading));
    for (const layer of this.solids.layers) this.recolour(layer);
    this.solids.setPit(this.pit);
    this.side = undefined;
    this.cutSection();
    this.showSolids();
    this.lean();
    this.drawStyle();
    this.stand();
  }

  /** The solid that is drawn at a point of the canvas, in CSS pixels. */
  solidAt(x: number, y: number): { layer: string; id: string } | undefined {
    return this.solids?.hit(x, y);
  }

  /** What is held of each layer of solids. */
  get solidsHeld(): Record<string, { contents: number; visible: number }> {
    return this.solids?.held ?? {};
  }

  private showSolids(): void {
    for (const { id, kind, tileset } of this.options.config.layers) {
      if (tileset === '') continue;
      const inPlace = below.has(kind) === this.underground || kind === 'part';
      const shown = !this.hidden.has(id);
      const dug = shown && (this.pit !== undefined || this.digging) && below.has(kind);
      this.solids?.show(id, inPlace && shown, this.opacity.get(id) ?? 1, dug);
    }
  }

  /** Puts what is the viewer's own over the server's style. */
  private settle(): void {
    const looks = liveLooks(this.options.config, this.theme);
    this.solids?.setTheme(this.theme);
    if (this.live && !this.map.getLayer(this.live.id)) this.map.addLayer(this.live);
    this.live?.restyle(looks, this.liveTheme());
    this.cells?.dress(looks, this.liveTheme());
    this.readings.dress(this.theme, palettes[this.theme]);
    this.placeSolids();
    this.drawEmphasis();
  }

  show(layer: string, visible: boolean): void {
    if (visible) this.hidden.delete(layer);
    else this.hidden.add(layer);
    this.live?.show(layer, visible, this.opacity.get(layer) ?? 1);
    this.cells?.drawSoon();
    this.readings.drawSoon();
    this.showSolids();
    this.drawStyleSoon();
    this.sendView();
  }

  fadeTo(layer: string, opacity: number): void {
    this.opacity.set(layer, opacity);
    this.live?.show(layer, !this.hidden.has(layer), opacity);
    this.showSolids();
    for (const part of this.parts(layer)) {
      for (const [property, value] of dimmed(part, opacity)) {
        this.map.setPaintProperty(part.id, property as 'fill-opacity', value);
      }
    }
  }

  emphasise(emphasis: Emphasis | undefined): void {
    this.emphasis = emphasis;
    this.live?.select(emphasis?.live ? emphasis : undefined);
    this.solids?.select(emphasis?.live ? undefined : emphasis);
    this.drawEmphasis();
  }

  /** Keeps the camera over an entity until the user moves the map; undefined stops. */
  follow(entity: { layer: string; id: string } | undefined): void {
    this.following = entity;
    const place = entity && this.live?.place(entity.layer, entity.id);
    if (place) this.map.easeTo({ center: place, zoom: Math.max(this.map.getZoom(), 15.5), duration: 900 });
  }

  goTo(camera: Camera): void {
    this.following = undefined;
    goTo(this.map, camera);
  }

  goToBox(box: BBox, covered: Covered): void {
    this.following = undefined;
    goToBox(this.map, box, covered);
  }

  /** Brings a place out from under a card. */
  uncover(place: [lon: number, lat: number], card: Card): void {
    if (this.following || this.map.isMoving()) return;
    const offset = outFromUnder(this.map.project(place), card);
    if (offset) this.map.panBy(offset, { duration: 400, essential: false });
  }

  /** Where an entity is shown now, in degrees. */
  placeOf(layer: string, id: string): [lon: number, lat: number] | undefined {
    return this.live?.place(layer, id);
  }

  refresh(change: Change): void {
    this.refresher.add(change);
    this.solids?.refresh(change.layer);
  }

  /** Reads a layer's tiles again, all of them. */
  reload(layer: string): void {
    const source = this.map.getSource<VectorTileSource>(layer);
    if (!source) return;
    if (source.tiles === undefined) {
      // Its TileJSON did not come.
      this.failed.take(layer);
      source.setUrl(source.url);
      return;
    }
    // Failed tiles first and by name: as part of "all" the map would wait for them for ever (MapLibre 6.17).
    const failed = this.failed.take(layer);
    if (failed.length > 0) this.map.refreshTiles(layer, failed);
    this.map.refreshTiles(layer);
  }

  private liveTheme() {
    const { halo, stale, selected, panel, text } = palettes[this.theme];
    return { halo, stale, selected, panel, text, scale: this.options.scale };
  }

  private parts(layer: string) {
    if (!this.styleLoaded) return [];
    return (this.style?.layers ?? []).filter(
      part => cityLayerOf(part) === layer && this.map.getLayer(part.id),
    );
  }

  private drawEmphasis(): void {
    if (!this.style || !this.styleLoaded) return;
    for (const layer of this.map.getStyle().layers) {
      const metadata = layer.metadata as Record<string, unknown> | undefined;
      if (metadata?.[ownLayer] && !metadata['twind:keep']) this.map.removeLayer(layer.id);
    }
    const { emphasis } = this;
    if (!emphasis || emphasis.live || this.hidden.has(emphasis.layer)) return;
    const color = palettes[this.theme].selected;
    const before = this.live && this.map.getLayer(this.live.id) ? this.live.id : undefined;
    const solid = this.solids?.layers.includes(emphasis.layer);
    for (const layer of highlightLayers(
      this.style.layers.filter(({ type }) => !solid || type !== 'fill-extrusion'),
      emphasis.layer,
      emphasis.id,
      color,
      this.options.scale,
    )) {
      this.map.addLayer(layer, before);
    }
  }

  private listen(): void {
    const { map, events } = this;
    map.on('style.load', () => {
      this.styleLoaded = true;
      this.settle();
      events.styled();
    });
    map.on('resize', () => this.sendViewSoon());
    map.on('render', this.watchReady);
    map.on('moveend', this.stand);
    map.on('move', this.cutSection);
    map.on('move', this.lean);
    map.on('moveend', this.raiseEntities);
    map.on('moveend', () => {
      events.camera(cameraOf(map));
      this.sendViewSoon();
    });
    map.on('move', () => this.sendViewSoon());
    map.on('click', event => this.click(event));
    map.on('mousemove', event => this.hover(event));
    map.on('render', () => this.keepFollowing());
    for (const gesture of ['dragstart', 'wheel'] as const) map.on(gesture, () => this.stopFollowing());
    map.on('webglcontextlost', () => {
      this.solids?.onRemove(); // nothing may ask for a frame any more
      events.lost();
    });
    map.on('error', event => {
      const { sourceId, tile } = event as { sourceId?: string; tile?: Tile };
      // An image has no tiles where it does not reach: the map asks by its box.
      const absent = (event.error as { status?: number } | undefined)?.status === 404;
      if (absent && sourceId !== undefined && this.map.getSource(sourceId)?.type === 'raster') return;
      if (sourceId === undefined || !this.named(sourceId)) return; // nobody misses shades of the ground
      if (this.failed.add(sourceId, tile?.tileID.canonical)) events.error(sourceId);
    });
    map.on('sourcedata', event => {
      const id = event.tile?.tileID?.canonical;
      if (id && this.failed.came(event.sourceId, id)) events.recovered(event.sourceId);
    });
  }

  /** Whether users know a source by a title. */
  private named(source: string): boolean {
    const { layers, bases } = this.options.config;
    return [...layers, ...bases].some(({ id }) => id === source);
  }

  /** Ready once the style's tiles in view are there. The map is never idle while entities move, so it is asked. */
  private readonly watchReady = (): void => {
    if (!this.styleLoaded || !this.style) return; // the viewer's own sources may change at any time
    if (!Object.keys(this.style.sources).every(id => this.map.isSourceLoaded(id))) return;
    this.map.off('render', this.watchReady);
    this.events.ready();
  };

  private click(event: MapMouseEvent): void {
    if (this.drawing || this.secondClick.is(event.originalEvent)) return;
    const { x, y } = event.point;
    const [entity] = this.live?.hits(x, y, 14 * this.options.scale) ?? [];
    const solid = this.solidAt(x, y);
    const picks = pickAt(this.map, x, y).filter(pick => pick.layer !== solid?.layer || pick.id !== solid.id);
    if (solid) picks.splice(picks[0]?.reading ? 1 : 0, 0, { ...solid, properties: {} });
    const cluster = entity || solid ? undefined : clusterAt(this.map, x, y);
    if (cluster) {
      this.map.easeTo({ center: cluster, zoom: this.map.getZoom() + 2 });
      return;
    }
    this.events.pick(entity, picks, [event.lngLat.lng, event.lngLat.lat]);
  }

  private readonly secondClick = new SecondClick();
  private hoverAt = 0;

  private hover(event: MapMouseEvent): void {
    const now = performance.now();
    if (this.drawing || now - this.hoverAt < 80 || this.map.isMoving()) return;
    this.hoverAt = now;
    const { x, y } = event.point;
    const over =
      (this.live?.hits(x, y, 10 * this.options.scale).length ?? 0) > 0 ||
      pickAt(this.map, x, y).length > 0 ||
      clusterAt(this.map, x, y) !== undefined;
    this.map.getCanvas().classList.toggle('map-over', over);
  }

  private keepFollowing(): void {
    if (!this.following || this.map.isMoving()) return;
    const place = this.live?.place(this.following.layer, this.following.id);
    if (place) this.map.setCenter(place);
  }

  private stopFollowing(): void {
    if (!this.following) return;
    this.following = undefined;
    this.events.unfollowed();
  }

  private sendViewSoon(): void {
    this.viewTimer ??= setTimeout(() => this.sendView(), 250);
  }

  private sendView(): void {
    clearTimeout(this.viewTimer);
    this.viewTimer = undefined;
    const { feed, config } = this.options;
    if (!feed) return;
    const bounds = this.map.getBounds();
    feed.view({
      bbox: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()],
      zoom: this.map.getZoom(),
      maxEntities: this.map.getZoom() < fromAfar ? 600 : 20_000,
      layers: config.layers.filter(layer => !layer.live || !this.hidden.has(layer.id)).map(layer => layer.id),
    });
  }
}

function withQuery(url: string, query: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}
