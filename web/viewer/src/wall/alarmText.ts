import type { Store } from '../app/store';
import { formatMoment } from '../format/age';
import { formatSpeed } from '../format/number';
import { type Language, textIn } from '../i18n';
import { formatReading } from '../readings/amount';
import type { Alarm } from './alarm';
import type { WallWords } from './words';

/** A class in words: rules' own names for those without a class, else the class as it stands. */
export function className(name: string, words: WallWords): string {
  return words.classNames[name] ?? name;
}

/** What an alarm is about, in one line. */
export function alarmTitle(alarm: Alarm, words: WallWords, language: Language): string {
  const { flood, floodCount, floodWindow } = alarm.evidence;
  if (flood !== undefined)
    return words.queue.floodOf(
      className(flood, words),
      Math.max(alarm.count, floodCount ?? 0),
      floodWindow ?? 60,
    );
  return textIn(alarm.title, language, className(alarm.class, words));
}

/** Whom an alarm concerns, where; '' for what is not said. */
export interface Subject {
  /** The layer's title. */
  layer: string;
  entity: string;
  zone: string;
}

export function subjectOf({ layer, entity, evidence }: Alarm, store: Store): Subject {
  return { layer: layer && store.title(layer), entity, zone: evidence.zone ?? '' };
}

/** Whom it concerns, in one line: "City parts 4301020118000123 · Harbour". */
export function alarmSubject(alarm: Alarm, store: Store): string {
  const { layer, entity, zone } = subjectOf(alarm, store);
  return [[layer, entity].filter(Boolean).join(' '), zone].filter(Boolean).join(' · ');
}

/** Something that is no longer heard: a limit is crossed by a value, silence by none. */
function isSilence({ evidence: { outcome, value } }: Alarm): boolean {
  return outcome === 'raise' && value === undefined;
}

/** What is not heard, since when; '' when it is heard again. */
export function silence(alarm: Alarm, words: WallWords, language: Language, now: number): string {
  if (!alarm.active) return '';
  return words.silentSince(formatMoment(alarm.evidence.since ?? alarm.since, language, now));
}

/**
 * What was read, against which limit: "2.35 m > 2 m", or "1.8 m" when it is over; of
 * what is silent since when, "silent since 10:05:00"; '' where no value is known.
 */
export function alarmReading(alarm: Alarm, store: Store, words: WallWords, now: number): string {
  const { value, limit, outcome } = alarm.evidence;
  const language = store.language.value;
  if (isSilence(alarm)) return silence(alarm, words, language, now);
  if (value === undefined) return outcome ? (words.outcomes[outcome] ?? '') : '';
  const say = amount(alarm, store, language);
  return againstLimit(value, alarm.active ? limit : undefined, say);
}

/** A value against the limit that it crossed; alone when there is none, as when all is well again. */
export function againstLimit(
  value: number,
  limit: number | undefined,
  say: (value: number) => string,
): string {
  if (limit === undefined) return say(value);
  return `${say(value)} ${value >= limit ? '>' : '<'} ${say(limit)}`;
}

function amount(alarm: Alarm, store: Store, language: Language): (value: number) => string {
  const { property, outcome } = alarm.evidence;
  const fence = outcome === 'enter' || outcome === 'leave' || outcome === 'stay' || outcome === 'speed';
  if (fence || property === 'speed') return value => formatSpeed(value, language);
  const unit = unitOf(alarm, store) ?? '';
  return value => formatReading({ value, unit }, language);
}

/** The unit of what crossed a limit: the sensor's, else that of the layer's property. */
function unitOf({ layer, entity, evidence }: Alarm, store: Store): string | undefined {
  const reading = store.readings
    .of(layer, entity)
    ?.readings.find(({ property }) => property === evidence.property);
  return reading?.unit ?? store.layer(layer)?.schema.find(({ name }) => name === evidence.property)?.unit;
}
