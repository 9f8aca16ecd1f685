import type { Text } from '../i18n';

/** How urgent an alarm is, the most urgent first. */
export const severities = ['critical', 'major', 'minor', 'info'] as const;
export type Severity = (typeof severities)[number];

/** What a rule found, as far as a queue tells it. */
export interface AlarmEvidence {
  outcome?: string;
  zone?: string;
  property?: string;
  /** What crossed the limit; metres per second of fences. */
  value?: number;
  limit?: number;
  /** When the last outcome began; of silence when it was heard last. Milliseconds since 1970. */
  since?: number;
  /** Of a flood: the class that became too many, and how many in how many seconds. */
  flood?: string;
  floodCount?: number;
  floodWindow?: number;
}

/** A matter that somebody has to see to. Times are milliseconds since 1970. */
export interface Alarm {
  id: string;
  /** Number of its last version: the greater is the newer. */
  sequence: number;
  class: string;
  state: 'new' | 'acknowledged' | 'closed';
  severity: Severity;
  title: Text | undefined;
  /** What it is about; '' for nothing in particular. */
  layer: string;
  entity: string;
  /** Of this version: an acknowledgement or recovery has its own. */
  time: number;
  /** When it began. */
  since: number;
  /** How many outcomes it stands for. */
  count: number;
  /** False: a threshold is no longer crossed. */
  active: boolean;
  /** Degrees. */
  place: [lon: number, lat: number] | undefined;
  owner: string;
  note: string;
  evidence: AlarmEvidence;
}

/** The class of alarms that stand for many. */
export const floodClass = 'flood';

/** Reads an alarm as /live/alarms or the events of the live socket write it; undefined for something else. */
export function parseAlarm(value: unknown): Alarm | undefined {
  const raw = record(value);
  const id = text(raw.id);
  const state = text(raw.state);
  const time = moment(raw.time);
  if (id === '' || Number.isNaN(time)) return undefined;
  if (state !== 'new' && state !== 'acknowledged' && state !== 'closed') return undefined;
  const evidence = record(raw.evidence);
  return {
    id,
    state,
    time,
    since: beginOf(time, raw.began, evidence),
    sequence: number(raw.sequence) ?? 0,
    class: text(raw.class),
    severity: severityOf(raw, evidence),
    title: parseText(raw.title) ?? parseText(evidence.title),
    layer: text(raw.layer),
    entity: text(raw.entity),
    count: number(raw.count) ?? 1,
    active: raw.active !== false,
    place: parsePlace(raw),
    owner: text(raw.owner),
    note: text(raw.note),
    evidence: parseEvidence(evidence),
  };
}

/** Outcomes whose evidence tells since when the entity is in the zone, not since when there is an alarm. */
const cameBefore: readonly unknown[] = ['leave', 'speed'];

/**
 * When an alarm began. Versions from before the server said so tell it by the
 * evidence's since, which is that of their own outcome, or by their own time.
 */
function beginOf(time: number, began: unknown, evidence: Record<string, unknown>): number {
  const told = moment(began);
  if (!Number.isNaN(told)) return Math.min(told, time);
  const since = cameBefore.includes(evidence.outcome) ? Number.NaN : moment(evidence.since);
  return Number.isNaN(since) ? time : Math.min(since, time);
}

function severityOf(raw: Record<string, unknown>, evidence: Record<string, unknown>): Severity {
  if (raw.class === floodClass) return 'critical';
  const said = evidence.severity ?? raw.severity;
  return severities.find(severity => severity === said) ?? 'major';
}

function parseEvidence(raw: Record<string, unknown>): AlarmEvidence {
  const evidence: AlarmEvidence = {};
  for (const name of ['outcome', 'zone', 'property', 'flood'] as const)
    if (typeof raw[name] === 'string') evidence[name] = raw[name];
  for (const name of ['value', 'limit', 'floodCount', 'floodWindow'] as const)
    if (typeof raw[name] === 'number') evidence[name] = raw[name];
  const since = moment(raw.since);
  if (!Number.isNaN(since)) evidence.since = since;
  return evidence;
}

/** A place from the members lon and lat. */
export function parsePlace(raw: Record<string, unknown>): [lon: number, lat: number] | undefined {
  const lon = number(raw.lon);
  const lat = number(raw.lat);
  return lon === undefined || lat === undefined ? undefined : [lon, lat];
}

/** A text in both languages; a plain one is the same in each. */
export function parseText(value: unknown): Text | undefined {
  if (typeof value === 'string' && value !== '') return { zh: value, en: value };
  const { zh, en } = record(value);
  if (typeof zh !== 'string' && typeof en !== 'string') return undefined;
  return { ...(typeof zh === 'string' ? { zh } : {}), ...(typeof en === 'string' ? { en } : {}) };
}

export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** RFC 3339 or milliseconds since 1970 as the latter, else NaN. */
export function moment(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
