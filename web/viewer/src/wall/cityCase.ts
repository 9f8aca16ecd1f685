import type { Text } from '../i18n';
import { moment, parsePlace, parseText, record, text } from './alarm';

/** The states of a case in the order of its life; the last two end it. */
export const caseStates = [
  'new',
  'accepted',
  'dispatched',
  'handling',
  'handled',
  'verified',
  'closed',
  'rejected',
] as const;
export type CaseState = (typeof caseStates)[number];

/** A city event: what somebody reported by a hotline and the city has to mend in time. */
export interface CityCase {
  id: string;
  /** Number of its last version: the greater is the newer. */
  sequence: number;
  class: string;
  state: CaseState;
  title: Text | undefined;
  text: string;
  source: string;
  owner: string;
  /** Milliseconds since 1970. */
  time: number;
  /** When its next state is due, milliseconds since 1970; NaN without a deadline. */
  due: number;
  place: [lon: number, lat: number] | undefined;
}

/** Reads a case as /live/events writes it; undefined for something else. */
export function parseCase(value: unknown): CityCase | undefined {
  const raw = record(value);
  const id = text(raw.id);
  const time = moment(raw.time);
  const state = caseStates.find(known => known === raw.state);
  if (id === '' || Number.isNaN(time) || !state) return undefined;
  return {
    id,
    time,
    state,
    sequence: typeof raw.sequence === 'number' ? raw.sequence : 0,
    class: text(raw.class),
    title: parseText(raw.title),
    text: text(raw.text),
    source: text(raw.source),
    owner: text(raw.owner),
    due: moment(raw.due),
    place: parsePlace(raw),
  };
}

/** Whether nothing more is to be done. */
export function caseEnded(state: CaseState): boolean {
  return state === 'closed' || state === 'rejected';
}

/** Whether the deadline of a case has passed. */
export function isOverdue(item: CityCase, now: number): boolean {
  return item.due < now;
}

/** The order of work: what is longest overdue first, then what is due next; what has no deadline by age. */
export function compareCases(a: CityCase, b: CityCase): number {
  const [dueA, dueB] = [a.due, b.due].map(due => (Number.isNaN(due) ? Number.POSITIVE_INFINITY : due));
  if (dueA !== dueB) return (dueA as number) < (dueB as number) ? -1 : 1;
  return b.time - a.time || (a.id < b.id ? -1 : 1);
}
