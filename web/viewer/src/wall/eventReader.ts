import type { LiveFeed, LiveStatus } from '../live/feed';
import { type Alarm, parseAlarm, record } from './alarm';
import { type CityCase, parseCase } from './cityCase';

/** away: what is held is from before the connection was lost; none: the server tells of no events. */
export type SourceState = 'waiting' | 'ready' | 'away' | 'none';

/** What an EventReader tells. */
export interface EventListener {
  /** @param whole the list is all that is open */
  alarms(list: readonly Alarm[], whole: boolean): void;
  cases(list: readonly CityCase[], whole: boolean): void;
  state(state: SourceState): void;
}

/** Reads alarms and city events from the live connection, which goes on by itself after it was lost. */
export class EventReader {
  private readonly stops: (() => void)[] = [];
  /** The parts of all that is open, until the last has come. */
  private parts: unknown[] | undefined;
  private told = false;

  constructor(
    private readonly feed: LiveFeed | undefined,
    private readonly listener: EventListener,
  ) {
    if (!feed?.events) {
      listener.state('none');
      return;
    }
    this.stops.push(
      feed.onStatus(status => this.hearStatus(status)),
      feed.events((events, part) => this.hear(events, part)),
    );
    this.hearStatus(feed.status);
  }

  dispose(): void {
    for (const stop of this.stops) stop();
  }

  private hearStatus({ phase }: LiveStatus): void {
    if (phase === 'live') {
      if (this.feed?.tellsEvents === false) this.listener.state('none');
      else this.listener.state(this.told ? 'ready' : 'waiting');
    } else if (this.told) this.listener.state('away');
  }

  private hear(events: readonly unknown[], part: { first: boolean; last: boolean } | undefined): void {
    if (!part) {
      this.take(events, false);
      return;
    }
    if (part.first) this.parts = [];
    this.parts?.push(...events);
    if (!part.last || !this.parts) return;
    const all = this.parts;
    this.parts = undefined;
    this.told = true;
    this.take(all, true);
    this.listener.state('ready');
  }

  private take(events: readonly unknown[], whole: boolean): void {
    const alarms = ofKind(events, 'alarm', parseAlarm);
    const cases = ofKind(events, 'case', parseCase);
    if (whole || alarms.length > 0) this.listener.alarms(alarms, whole);
    if (whole || cases.length > 0) this.listener.cases(cases, whole);
  }
}

/** The events of one kind, read. */
function ofKind<T>(events: readonly unknown[], kind: string, parse: (event: unknown) => T | undefined): T[] {
  return events.flatMap(event => (record(event).kind === kind ? (parse(event) ?? []) : []));
}
