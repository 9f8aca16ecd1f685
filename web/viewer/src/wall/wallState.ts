import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Store } from '../app/store';
import type { LiveCounts, Replaying } from '../live/feed';
import { metresBetween } from '../map/camera';
import { type Alarm, floodClass } from './alarm';
import { type ClassCount, compareAlarms, countByClass, roused, succeedAlarm } from './alarms';
import { changeAlarm, type Outcome } from './changeAlarm';
import { type CityCase, caseEnded, compareCases, isOverdue } from './cityCase';
import { EventReader, type SourceState } from './eventReader';
import { FloodWatch } from './flood';
import { Ledger } from './ledger';
import { type Neighbour, nearestCameras, nearestVehicles, type Search } from './nearest';
import { loadWallPreferences, longestOwner, saveWallPreferences } from './preferences';
import { ReplayControl } from './replayControl';
import { AlarmSound } from './sound';
import { countSensors, sensorGroup } from './sources';
import { Trend } from './trend';
import { type WallWords, wallWords } from './words';

/** What the operator looks at: an alarm or a city event. */
export interface Focus {
  kind: 'alarm' | 'case';
  id: string;
  /** How it was when it was opened: it may be closed meanwhile. */
  title: string;
  place: [lon: number, lat: number] | undefined;
}

/** Why a change of an alarm was not saved. */
export interface Refusal {
  id: string;
  reason: string;
  /** The server asks for a token; tries again with the one that there is now. */
  unlock?: () => Promise<boolean>;
}

/** Zoom at which a place is looked at, at a desk. */
const closeUp = 17;
/** Farther than this, in metres, the camera jumps. */
const flight = 80_000;

/**
 * The state of the operator's screen beside the store's: alarms, city events,
 * what is looked at, sound. It runs for days: every list is bounded, and dispose
 * ends every timer and listener.
 */
export class WallState {
  /** Milliseconds since 1970 on the server's present clock, once a second. */
  readonly now: Signal<number> = signal(Date.now());
  readonly words: ReadonlySignal<WallWords>;
  readonly alarms: Signal<readonly Alarm[]> = signal([]);
  readonly cases: Signal<readonly CityCase[]> = signal([]);
  readonly classes: ReadonlySignal<ClassCount[]>;
  readonly overdue: ReadonlySignal<number>;
  /** Whether alarms and events are read. */
  readonly source: Signal<SourceState> = signal('waiting');
  /** Alarms that came while the page looks on: they pulse. */
  readonly fresh: Signal<ReadonlySet<string>> = signal(new Set());
  /** New alarms in the last ten minutes while that is a flood, else 0. */
  readonly flood: Signal<number> = signal(0);
  readonly focus: Signal<Focus | undefined> = signal(undefined);
  readonly vehicles: Signal<Search> = signal({ phase: 'searching' });
  readonly cameras: Signal<Search> = signal({ phase: 'searching' });
  /** Why the last change of an alarm was not saved. */
  readonly refused: Signal<Refusal | undefined> = signal(undefined);
  /** Where the replay is; undefined in the present. */
  readonly replaying: Signal<Replaying | undefined> = signal(undefined);
  readonly inReplay: ReadonlySignal<boolean>;
  readonly replay: ReplayControl;
  readonly owner: Signal<string>;
  readonly sound: AlarmSound;
  /** Readings by state, of each group of layers. */
  readonly sensors: Signal<ReadonlyMap<string, LiveCounts>> = signal(new Map());
  /** Live entities of each source over the last minutes. */
  readonly trends = new Map<string, Trend>();

  private readonly alarmLedger = new Ledger<Alarm>(
    ({ state }) => state === 'closed',
    compareAlarms,
    succeedAlarm,
    undefined,
    roused,
  );
  private readonly caseLedger = new Ledger<CityCase>(({ state }) => caseEnded(state), compareCases);
  private readonly floodWatch = new FloodWatch();
  private readonly events: EventReader;
  private readonly storage: Storage | undefined;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly stops: (() => void)[] = [];
  private search: AbortController | undefined;
  private began = false;

  constructor(
    readonly store: Store,
    storage: Storage | undefined,
  ) {
    this.storage = storage;
    const preferences = loadWallPreferences(storage);
    this.owner = signal(preferences.owner);
    this.words = computed(() => wallWords[store.language.value]);
    this.classes = computed(() => countByClass(this.alarms.value));
    this.overdue = computed(() => this.cases.value.filter(item => isOverdue(item, this.now.value)).length);
    this.inReplay = computed(
      () => this.replaying.value !== undefined || this.replay.window.value !== undefined,
    );
    this.replay = new ReplayControl(store.feed);
    this.sound = new AlarmSound(window);
    if (preferences.sound) this.sound.set(true);
    this.timer = setInterval(() => this.tick(), 1000);
    this.tick();
    this.events = new EventReader(store.feed, {
      alarms: (list, whole) => this.takeAlarms(list, whole),
      cases: (list, whole) => this.takeCases(list, whole),
      state: state => {
        this.source.value = state;
      },
    });
    this.stops.push(
      effect(() => {
        void store.clock.value;
        this.replaying.value = store.feed?.replaying;
      }),
      // A moving thing that is picked is followed.
      effect(() => {
        if (store.selection.value?.live) store.follow(true);
      }),
      effect(() => {
        for (const [id, count] of store.counts.value) this.sample(id, count.live);
      }),
    );
  }

  dispose(): void {
    clearInterval(this.timer);
    this.events.dispose();
    this.search?.abort();
    this.sound.dispose();
    this.replay.dispose();
    for (const stop of this.stops) stop();
  }

  /** The name that acknowledgements carry. */
  get ownerName(): string {
    return this.owner.value.trim() || this.words.value.owner.fallback;
  }

  setOwner(name: string): void {
    this.owner.value = name.slice(0, longestOwner);
    this.remember();
  }

  setSound(on: boolean): void {
    this.sound.set(on);
    this.remember();
  }

  /** Adds a value to a source's curve. */
  sample(id: string, live: number): void {
    if (this.inReplay.peek()) return; // what is counted then is the past
    let trend = this.trends.get(id);
    if (!trend) {
      trend = new Trend();
      this.trends.set(id, trend);
    }
    trend.add(live, performance.now());
  }

  alarm(id: string): Alarm | undefined {
    return this.alarmLedger.get(id);
  }

  case(id: string): CityCase | undefined {
    return this.caseLedger.get(id);
  }

  /** Acknowledges or closes an alarm under this desk's name. */
  async change(id: string, action: 'acknowledge' | 'close', note = ''): Promise<boolean> {
    this.refused.value = undefined;
    const outcome: Outcome = await changeAlarm(id, action, this.ownerName, note);
    if (outcome.alarm) this.takeAlarms([outcome.alarm], false);
    else
      this.refused.value = {
        id,
        reason: outcome.conflict ? this.words.value.queue.conflict : outcome.reason,
        ...(outcome.locked ? { unlock: () => this.change(id, action, note) } : {}),
      };
    return outcome.alarm !== undefined;
  }

  /** Flies to an alarm or event and looks for help near it. */
  look(focus: Focus): void {
    this.focus.value = focus;
    this.store.pick([]);
    if (!focus.place) return;
    this.flyTo(focus.place);
    void this.findHelp(focus.place);
  }

  lookAway(): void {
    this.search?.abort();
    this.focus.value = undefined;
  }

  /** Looks for the nearest vehicles and cameras. */
  async findHelp(place: [lon: number, lat: number]): Promise<void> {
    this.search?.abort();
    const search = new AbortController();
    this.search = search;
    const ask = async (into: Signal<Search>, found: Promise<Neighbour[]>) => {
      into.value = { phase: 'searching' };
      try {
        const list = await found;
        if (!search.signal.aborted) into.value = { phase: 'ready', list };
      } catch {
        if (!search.signal.aborted) into.value = { phase: 'failed' };
      }
    };
    await Promise.all([
      ask(this.vehicles, nearestVehicles(this.store.config, place, search.signal)),
      ask(this.cameras, nearestCameras(this.store.config, place, search.signal)),
    ]);
  }

  /** Shows a neighbour on the map; a moving one is followed. */
  show(neighbour: Neighbour): void {
    const { layer, id, live, properties, place } = neighbour;
    this.flyTo(place);
    this.store.pick([{ layer, id, live, properties, place }]);
    if (live) this.store.follow(true);
  }

  private flyTo(place: [lon: number, lat: number]): void {
    const map = this.store.shown.value?.map;
    if (!map) return;
    this.store.follow(false);
    this.store.bookmark.value = undefined;
    const zoom = Math.max(map.getZoom(), closeUp + Math.log2(this.store.scale));
    const here = map.getCenter();
    if (metresBetween([here.lng, here.lat], place) > flight) map.jumpTo({ center: place, zoom });
    else map.flyTo({ center: place, zoom, duration: 1400, essential: false });
  }

  private tick(): void {
    const { feed } = this.store;
    // A replay has its own clock; deadlines and ages are of the present.
    const server = feed && !feed.replaying ? feed.serverNow() : Number.NaN;
    if (!Number.isNaN(server)) this.clockOffset = server - Date.now();
    this.now.value = Date.now() + this.clockOffset;
    this.flood.value = this.floodWatch.count(this.now.value);
    this.countSensors();
  }

  private countSensors(): void {
    const { readings } = this.store;
    const revision = readings.revision.peek();
    if (revision !== this.counted) {
      this.counted = revision;
      this.sensors.value = countSensors(readings, layer => sensorGroup(this.store, layer));
    }
    for (const [id, { live }] of this.sensors.peek()) this.sample(`sensors/${id}`, live);
  }

  private clockOffset = 0;
  /** The revision of the readings that were counted last. */
  private counted = -1;

  private takeAlarms(list: readonly Alarm[], whole: boolean): void {
    const told = this.alarmLedger.take(list, whole);
    this.alarms.value = this.alarmLedger.list();
    for (const alarm of told)
      if (alarm.class !== floodClass) this.floodWatch.note(whole ? raisedAt(alarm) : alarm.time);
    const held = [...this.fresh.value].filter(id => this.alarmLedger.get(id)?.state === 'new');
    if (this.began) {
      const news = told.filter(({ state }) => state === 'new');
      held.push(...news.map(({ id }) => id));
      const [loudest] = [...news].sort((a, b) => rank(a) - rank(b));
      if (loudest) this.sound.play(loudest.severity);
    }
    this.fresh.value = new Set(held);
    this.began ||= whole;
    this.flood.value = this.floodWatch.count(this.now.value);
  }

  private takeCases(list: readonly CityCase[], whole: boolean): void {
    this.caseLedger.take(list, whole);
    this.cases.value = this.caseLedger.list();
  }

  private remember(): void {
    saveWallPreferences(this.storage, {
      owner: this.owner.value,
      sound: this.sound.state.value !== 'off',
    });
  }
}

/** When it was raised: a stay that is told late began before. */
function raisedAt({ state, count, time, since }: Alarm): number {
  return state === 'new' && count <= 1 ? time : since;
}

function rank({ severity }: Alarm): number {
  return ['critical', 'major', 'minor', 'info'].indexOf(severity);
}
