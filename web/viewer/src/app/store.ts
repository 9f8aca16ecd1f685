import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Map as MapLibreMap } from 'maplibre-gl';
import type { BBox, Bookmark, Config, LayerConfig } from '../config/config';
import { parseConfig } from '../config/parse';
import { Excavation } from '../excavation/excavation';
import { type Dictionary, dictionaries, type Language, textIn } from '../i18n';
import type { LiveCounts, LiveFeed, LiveStatus } from '../live/feed';
import { type Card, type Covered, metresBetween } from '../map/camera';
import type { CityMap } from '../map/cityMap';
import { cameraOfBox, type PlainMap } from '../map/plainMap';
import { Measuring } from '../measure/measuring';
import { sayFigures } from '../measure/words';
import { Readings } from '../readings/readings';
import { Section } from '../section/section';
import type { Theme } from '../theme/tokens';
import { type Preferences, savePreferences } from '../url/preferences';
import { type Camera, formatUrl } from '../url/state';
import { fetchJson, HttpError } from './http';
import { itemUrl, type Selection, sameSelection } from './selection';

declare global {
  interface Window {
    twind?: { map: MapLibreMap; city: CityMap; store: Store };
  }
}

/** A message to the user that stays until dismissed or mended. */
export interface Notice {
  key: string;
  text(words: Dictionary, language: Language): string;
  retry?: () => void;
}

/** The attributes of what is picked, as the server has them. */
export type Details =
  | { phase: 'loading' }
  | { phase: 'ready'; properties: Record<string, unknown> }
  | { phase: 'gone' }
  | { phase: 'failed' };

/** How a store begins. */
export interface StoreOptions {
  config: Config;
  feed: LiveFeed | undefined;
  language: Language;
  theme: Theme;
  camera: Camera;
  bookmark: string | undefined;
  wall: boolean;
  /** Panels are sheets over the map. */
  narrow: boolean;
  scale: number;
  preferences: Preferences;
  storage: Storage | undefined;
}

/**
 * The state of the page as signals, and what the user can do to it. Components
 * read signals and call methods; the map is told by the methods.
 */
export class Store {
  readonly config: Config;
  readonly feed: LiveFeed | undefined;
  readonly wall: boolean;
  readonly scale: number;
  readonly language: Signal<Language>;
  readonly theme: Signal<Theme>;
  readonly words: ReadonlySignal<Dictionary>;
  readonly hidden: Signal<ReadonlySet<string>>;
  readonly opacity: Signal<ReadonlyMap<string, number>>;
  readonly camera: Signal<Camera>;
  readonly bookmark: Signal<string | undefined>;
  readonly layersOpen: Signal<boolean>;
  readonly selection: Signal<Selection | undefined> = signal(undefined);
  readonly alternatives: Signal<readonly Selection[]> = signal([]);
  readonly details: Signal<Details> = signal({ phase: 'loading' });
  readonly following: Signal<boolean> = signal(false);
  /** The tool that opens the ground. */
  readonly excavation = new Excavation();
  /** The tool that cuts the city along a line. */
  readonly section = new Section();
  /** The tool that measures. */
  readonly measuring = new Measuring({
    say: (figures, quantity, pointer) =>
      sayFigures(figures, quantity, pointer, {
        words: this.words.value.measure,
        language: this.language.value,
        units: this.measuring.units.value,
      }),
  });
  /** Bodies of the 3D scene in view are on their way. */
  readonly bodiesLoading: Signal<boolean> = signal(false);
  /** The map looks below the ground. */
  readonly underground: Signal<boolean> = signal(false);
  /** What sensors say of the city's objects. */
  readonly readings = new Readings();
  readonly status: Signal<LiveStatus>;
  /** performance.now(), four times a second. */
  readonly clock: Signal<number> = signal(performance.now());
  readonly counts: Signal<ReadonlyMap<string, LiveCounts>> = signal(new Map());
  readonly notices: Signal<readonly Notice[]> = signal([]);
  /** The map is drawn, every tile in view included. */
  readonly ready: Signal<boolean> = signal(false);
  /** There is something to see: the curtain goes up, and stays up. */
  readonly opened: Signal<boolean> = signal(false);
  /** Objects of each static layer, as last told by the server. */
  readonly objects: Signal<ReadonlyMap<string, number>>;
  /** What panels cover of the map, in pixels. */
  covered: Covered = { left: 0, right: 0, top: 0, bottom: 0 };

  /** The map that is shown; undefined while it is made again. */
  readonly shown: Signal<CityMap | undefined> = signal(undefined);
  /** The flat map of a browser without WebGL 2, which has no tools. */
  readonly flat: Signal<PlainMap | undefined> = signal(undefined);
  private map: CityMap | undefined;
  private detailsRequest: AbortController | undefined;
  private readonly storage: Storage | undefined;
  private countTimer: ReturnType<typeof setTimeout> | undefined;
  private urlTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StoreOptions) {
    this.config = options.config;
    this.feed = options.feed;
    this.wall = options.wall;
    this.scale = options.scale;
    this.storage = options.storage;
    this.language = signal(options.language);
    this.theme = signal(options.theme);
    this.words = computed(() => dictionaries[this.language.value]);
    this.hidden = signal(new Set(options.preferences.hidden ?? []));
    this.opacity = signal(new Map(Object.entries(options.preferences.opacity ?? {})));
    this.camera = signal(options.camera);
    this.bookmark = signal(options.bookmark);
    this.layersOpen = signal(!(options.preferences.panelClosed ?? (options.wall || options.narrow)));
    this.objects = signal(new Map(options.config.layers.map(({ id, count }) => [id, count])));
    this.status = signal(options.feed?.status ?? { phase: 'closed', reason: '' });
    this.followFeed();
  }

  layer(id: string): LayerConfig | undefined {
    return [...this.config.layers, ...this.config.bases].find(layer => layer.id === id);
  }

  title(id: string): string {
    return textIn(this.layer(id)?.title, this.language.value, id);
  }

  /** The age in ms of the newest position among the live layers shown; NaN without one. */
  newestAge(): number {
    let newest = Number.NaN;
    for (const { id, live } of this.config.layers) {
      if (!live || this.hidden.value.has(id)) continue;
      const age = this.feed?.age(id) ?? Number.NaN;
      if (!(age > newest)) newest = Number.isNaN(age) ? newest : age;
    }
    return newest;
  }

  /** The map that shows this state; undefined while it is made again. */
  attach(map: CityMap | undefined): void {
    this.map = map;
    this.shown.value = map;
    // For the browser's console and for browser tests.
    if (map) window.twind = { map: map.map, city: map, store: this };
    else delete window.twind;
    this.excavation.attach(map);
    this.section.attach(map);
    this.measuring.attach(map);
    if (!map) this.ready.value = false;
    else if (this.selection.value) map.emphasise(this.selection.value);
  }

  setLanguage(language: Language): void {
    this.language.value = language;
    this.remember();
  }

  setTheme(theme: Theme): void {
    this.theme.value = theme;
    void this.map?.setTheme(theme);
    this.remember();
  }

  setUnderground(underground: boolean): void {
    this.underground.value = underground;
    this.map?.setUnderground(underground);
  }

  /** Lets the user draw a pit, or closes it. */
  excavate(on: boolean): void {
    if (!on) {
      this.excavation.close();
      return;
    }
    this.measuring.close();
    this.section.close();
    this.pick([]);
    this.setUnderground(false);
    this.excavation.draw();
  }

  /** Lets the user draw a section, or closes it. */
  cutSection(on: boolean): void {
    if (!on) {
      this.section.close();
      return;
    }
    this.measuring.close();
    this.excavation.close();
    this.pick([]);
    this.setUnderground(false);
    this.section.draw();
  }

  /** Lets the user measure, or ends that. */
  measure(on: boolean): void {
    if (!on) {
      this.measuring.close();
      return;
    }
    if (this.excavation.phase.value === 'drawing') this.excavation.close();
    if (this.section.phase.value === 'drawing') this.section.close();
    this.pick([]);
    this.measuring.start();
  }

  showLayer(id: string, visible: boolean): void {
    const hidden = new Set(this.hidden.value);
    if (visible) hidden.delete(id);
    else hidden.add(id);
    this.hidden.value = hidden;
    this.map?.show(id, visible);
    this.remember();
  }

  setOpacity(id: string, opacity: number): void {
    const all = new Map(this.opacity.value);
    if (opacity >= 1) all.delete(id);
    else all.set(id, opacity);
    this.opacity.value = all;
    this.map?.fadeTo(id, opacity);
    this.remember();
  }

  setLayersOpen(open: boolean): void {
    this.layersOpen.value = open;
    this.remember();
  }

  /** Opens a bookmark. */
  open(bookmark: Bookmark): void {
    this.bookmark.value = bookmark.id;
    this.following.value = false;
    this.map?.goTo(cameraOfBookmark(bookmark, screenSize()));
    this.writeUrl();
  }

  /** Moves the camera, as an address asks. */
  goTo(camera: Camera): void {
    this.following.value = false;
    this.moveFlat(camera);
    this.map?.goTo(camera);
  }

  /** Brings a box into view; a box as wide as a country is answered by the bookmark in it. */
  goToBox(box: BBox): void {
    this.following.value = false;
    if (metresBetween([box[0], box[1]], [box[2], box[3]]) > 300_000) {
      const inside = this.config.bookmarks.find(
        ({ center: [lon, lat] }) => lon >= box[0] && lon <= box[2] && lat >= box[1] && lat <= box[3],
      );
      if (inside) {
        this.open(inside);
        return;
      }
    }
    const { width, height } = screenSize();
    this.moveFlat(cameraOfBox(box, width, height));
    this.map?.goToBox(box, this.covered);
  }

  /** Picks the first of some candidates; none clears the selection. */
  pick(candidates: readonly Selection[]): void {
    const [first, ...others] = candidates;
    this.alternatives.value = others;
    this.select(first);
  }

  /** Brings what was picked on the map out from under a card that opened over it. */
  uncover(card: Card): void {
    const place = this.selection.value?.place;
    if (place) this.map?.uncover(place, card);
  }

  /** Picks another of the candidates under the last click. */
  pickAlternative(selection: Selection): void {
    const before = this.selection.value;
    const others = this.alternatives.value.filter(other => !sameSelection(other, selection));
    this.alternatives.value = before ? [before, ...others] : others;
    this.select(selection);
  }

  /** Reads the attributes of what is picked. */
  async readDetails(quiet = false): Promise<void> {
    const selection = this.selection.value;
    this.detailsRequest?.abort();
    if (!selection) return;
    const request = new AbortController();
    this.detailsRequest = request;
    if (!quiet) this.details.value = { phase: 'loading' };
    try {
      const item = await fetchJson(itemUrl(this.config, selection), request.signal);
      if (request.signal.aborted) return;
      this.details.value = { phase: 'ready', properties: propertiesOf(item) };
    } catch (error) {
      if (request.signal.aborted) return;
      if (error instanceof HttpError && (error.status === 404 || error.status === 410))
        this.details.value = { phase: 'gone' };
      else if (!quiet) this.details.value = { phase: 'failed' };
    }
  }

  follow(on: boolean): void {
    this.following.value = on;
    const selection = this.selection.value;
    this.map?.follow(on && selection?.live ? selection : undefined);
  }

  /** Where the picked entity is shown now, in degrees. */
  placeOf(selection: Selection): [lon: number, lat: number] | undefined {
    return this.map?.placeOf(selection.layer, selection.id);
  }

  zoomBy(steps: number): void {
    const camera = this.camera.value;
    this.moveFlat({ ...camera, zoom: camera.zoom + steps });
    this.map?.map.easeTo({ zoom: this.map.map.getZoom() + steps, duration: 250 });
  }

  northUp(): void {
    this.map?.map.easeTo({ bearing: 0, duration: 400 });
  }

  tilt(pitch: number): void {
    this.map?.map.easeTo({ pitch, duration: 500 });
  }

  moved(camera: Camera): void {
    this.camera.value = camera;
    this.writeUrl();
  }

  notify(notice: Notice): void {
    this.notices.value = [...this.notices.value.filter(({ key }) => key !== notice.key), notice];
  }

  dismiss(key: string): void {
    if (this.notices.value.some(notice => notice.key === key))
      this.notices.value = this.notices.value.filter(notice => notice.key !== key);
  }

  reloadLayer(id: string): void {
    this.dismiss(`tiles/${id}`);
    this.map?.reload(id);
  }

  private moveFlat(camera: Camera): void {
    if (this.flat.value) this.moved(this.flat.value.moveTo(camera));
  }

  private select(selection: Selection | undefined): void {
    if (sameSelection(this.selection.value, selection)) {
      if (selection) void this.readDetails(true);
      return;
    }
    this.following.value = false;
    this.map?.follow(undefined);
    this.selection.value = selection;
    this.map?.emphasise(selection);
    void this.readDetails();
  }

  private followFeed(): void {
    setInterval(() => {
      this.clock.value = performance.now();
    }, 250);
    setInterval(() => {
      if (this.selection.value?.live) void this.readDetails(true);
    }, 5000);
    const { feed } = this;
    if (!feed) return;
    feed.onStatus(status => {
      this.status.value = status;
    });
    feed.onChange(change => {
      this.countSoon();
      const kind = this.layer(change.layer)?.kind;
      if (kind === 'pipe' || kind === 'node' || kind === 'part') {
        void this.excavation.read();
        void this.section.read();
      }
      const selection = this.selection.value;
      if (!selection || selection.live || selection.layer !== change.layer) return;
      if (!change.ids || change.ids.includes(selection.id)) void this.readDetails(true);
    });
    feed.readings?.(
      this.config.layers.filter(layer => !layer.live).map(({ id }) => id),
      (layer, changed, reset) => this.readings.take(layer, changed, reset),
    );
    const live = this.config.layers.filter(layer => layer.live);
    setInterval(() => {
      const counts = new Map<string, LiveCounts>();
      for (const { id } of live) {
        const count = feed.counts(id);
        if (count) counts.set(id, { ...count });
      }
      this.counts.value = counts;
    }, 1000);
  }

  /** Asks for the layers' counts again, a while after a change. */
  private countSoon(): void {
    this.countTimer ??= setTimeout(() => {
      this.countTimer = undefined;
      fetchJson('/viewer/config.json').then(
        answer => {
          this.objects.value = new Map(parseConfig(answer).layers.map(({ id, count }) => [id, count]));
        },
        () => {
          // The old counts stand; the next change asks again.
        },
      );
    }, 3000);
  }

  private remember(): void {
    savePreferences(this.storage, {
      language: this.language.value,
      theme: this.theme.value,
      hidden: [...this.hidden.value],
      opacity: Object.fromEntries(this.opacity.value),
      panelClosed: !this.layersOpen.value,
    });
    this.writeUrl();
  }

  private writeUrl(): void {
    clearTimeout(this.urlTimer);
    this.urlTimer = setTimeout(() => {
      const state = {
        language: this.language.value,
        theme: this.theme.value,
        camera: this.camera.value,
        ...(this.bookmark.value === undefined ? {} : { bookmark: this.bookmark.value }),
        ...(this.wall ? { screen: 'wall' as const } : {}),
      };
      history.replaceState(null, '', formatUrl(state, location.search));
    }, 300);
  }
}

/** The camera of a bookmark: its zoom is meant for 1920 × 1080; other screens show the same part of the city. */
export function cameraOfBookmark(bookmark: Bookmark, screen: { width: number; height: number }): Camera {
  const [lon, lat] = bookmark.center;
  const size = Math.min(screen.width / 1920, screen.height / 1080);
  const zoom = bookmark.zoom + Math.min(2, Math.max(-0.5, Math.log2(size)));
  return { lon, lat, zoom, bearing: bookmark.bearing, pitch: bookmark.pitch };
}

/** The size of the page in CSS pixels. */
export function screenSize(): { width: number; height: number } {
  return { width: window.innerWidth, height: window.innerHeight };
}

function propertiesOf(item: unknown): Record<string, unknown> {
  if (
    typeof item === 'object' &&
    item !== null &&
    'properties' in item &&
    typeof item.properties === 'object' &&
    item.properties !== null
  ) {
    return item.properties as Record<string, unknown>;
  }
  return {};
}
