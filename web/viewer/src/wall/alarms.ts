import type { Text } from '../i18n';
import type { Alarm } from './alarm';

/** The order of the queue: what began last is first, whatever was done about it since. */
export function compareAlarms(a: Alarm, b: Alarm): number {
  return b.since - a.since || b.sequence - a.sequence || (a.id < b.id ? -1 : 1);
}

/** A later version of an alarm began when the first did. */
export function succeedAlarm(held: Alarm, next: Alarm): Alarm {
  return next.since > held.since ? { ...next, since: held.since } : next;
}

/** Somebody had acknowledged it, and it is so again. */
export function roused(held: Alarm, next: Alarm): boolean {
  return held.state !== 'new' && next.state === 'new';
}

/** Open alarms of one class. */
export interface ClassCount {
  class: string;
  /** What its newest alarm is called. */
  title: Text | undefined;
  fresh: number;
  acknowledged: number;
}

/** Open alarms by class, the most frequent first; the alarms are given newest first. */
export function countByClass(alarms: readonly Alarm[]): ClassCount[] {
  const counts = new Map<string, ClassCount>();
  for (const alarm of alarms) {
    let count = counts.get(alarm.class);
    if (!count) {
      count = { class: alarm.class, title: alarm.title, fresh: 0, acknowledged: 0 };
      counts.set(alarm.class, count);
    }
    if (alarm.state === 'new') count.fresh++;
    else count.acknowledged++;
  }
  return [...counts.values()].sort(
    (a, b) => b.fresh + b.acknowledged - a.fresh - a.acknowledged || (a.class < b.class ? -1 : 1),
  );
}

/** The classes that are left out of a list, and the alarms in them. */
export interface Rest {
  classes: number;
  fresh: number;
  acknowledged: number;
}

/** The classes that a list of some rows names; where not all do, its last row is for the rest. */
export function firstClasses(
  counts: readonly ClassCount[],
  rows: number,
): { first: readonly ClassCount[]; rest: Rest } {
  const first = counts.length > rows ? counts.slice(0, Math.max(0, rows - 1)) : counts;
  const rest: Rest = { classes: 0, fresh: 0, acknowledged: 0 };
  for (const { fresh, acknowledged } of counts.slice(first.length)) {
    rest.classes++;
    rest.fresh += fresh;
    rest.acknowledged += acknowledged;
  }
  return { first, rest };
}
