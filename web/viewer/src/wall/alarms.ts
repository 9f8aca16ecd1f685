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
