import { fetchJson, HttpError } from '../app/http';
import type { LiveFeed } from '../live/feed';
import { type Alarm, parseAlarm, record } from './alarm';
import { type CityCase, parseCase } from './cityCase';

/** failed: what is held is from before. */
export type SourceState = 'waiting' | 'ready' | 'failed';

export interface EventListener {
  /** @param whole the list is all that is open */
  alarms(list: readonly Alarm[], whole: boolean): void;
  cases(list: readonly CityCase[], whole: boolean): void;
  state(state: SourceState): void;
}

const everyMs = 2000;

/** Reads open alarms and city events. */
export class EventReader {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly request = new AbortController();

  constructor(
    readonly feed: LiveFeed | undefined,
    private readonly listener: EventListener,
  ) {
    void this.read();
  }

  readAgain(): void {
    clearTimeout(this.timer);
    void this.read();
  }

  dispose(): void {
    this.request.abort();
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    try {
      const [alarms, cases] = await Promise.all([
        fetchJson('/live/alarms?state=open&limit=2000', this.request.signal),
        fetchJson('/live/events?state=open&kind=case&limit=2000', this.request.signal).catch(error => {
          if (error instanceof HttpError && error.status < 500) return undefined;
          throw error;
        }),
      ]);
      this.listener.alarms(list(record(alarms).alarms, parseAlarm), true);
      this.listener.cases(list(record(cases).events, parseCase), true);
      this.listener.state('ready');
    } catch {
      if (this.request.signal.aborted) return;
      this.listener.state('failed');
    }
    this.timer = setTimeout(() => void this.read(), everyMs);
  }
}

function list<T>(value: unknown, parse: (item: unknown) => T | undefined): T[] {
  return Array.isArray(value) ? value.flatMap(item => parse(item) ?? []) : [];
}
