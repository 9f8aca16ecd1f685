import type { Language } from '../i18n';
import type { CaseState } from './cityCase';
import { wallEn } from './words.en';
import { wallZh } from './words.zh';

/** The texts of the operator's screen. */
export interface WallWords {
  title: string;
  desk: string;
  clock: { replay: string; live: string };
  sources: {
    title: string;
    live: string;
    stale: string;
    offline: string;
    none: string;
    sensors(layer: string): string;
    trend: string;
    waiting: string;
  };
  classes: {
    title: string;
    none: string;
    summary(fresh: number, acknowledged: number): string;
    more(count: number): string;
  };
  queue: {
    title: string;
    none: string;
    away: string;
    unknown: string;
    waiting: string;
    present: string;
    more(count: number): string;
    acknowledge: string;
    close: string;
    closeNote: string;
    cancel: string;
    confirm: string;
    state: { new: string; acknowledged: string; closed: string };
    by(owner: string): string;
    back: string;
    repeated(count: number): string;
    flood(count: number): string;
    floodOf(name: string, count: number, seconds: number): string;
    refused(reason: string): string;
    conflict: string;
  };
  token: { label: string; wanted: string; wrong: string; enter: string };
  severity: { critical: string; major: string; minor: string; info: string };
  sound: { on: string; off: string; blocked: string };
  owner: { label: string; hint: string; fallback: string };
  cases: {
    title: string;
    none: string;
    left(time: string): string;
    overdue(time: string): string;
    noDeadline: string;
    more(count: number): string;
    overdueCount(count: number): string;
    state: Record<CaseState, string>;
  };
  focus: {
    label: string;
    close: string;
    alarm: string;
    event: string;
    vehicles: string;
    cameras: string;
    none(kilometres: number): string;
    searching: string;
    failed: string;
    noPlace: string;
    value: string;
    limit: string;
    follow(name: string): string;
    show(name: string): string;
  };
  follow: { following: string; leave: string; lost: string };
  replay: {
    label: string;
    live: string;
    replay: string;
    toLive: string;
    play: string;
    pause: string;
    speed: string;
    slider: string;
    span: string;
    spans: Record<'m10' | 'h1' | 'h6' | 'h24', string>;
    ended: string;
    none: string;
    waiting: string;
    banner(time: string, speed: string): string;
  };
  connection: { lost(age: string): string; closed: string };
  /** Classes that rules give without one of their own, and outcomes. */
  classNames: Record<string, string>;
  outcomes: Record<string, string>;
  /** Of what was heard last at a time. */
  silentSince(time: string): string;
  units: {
    seconds(count: number): string;
    minutes(count: number): string;
    hours(hours: number, minutes: number): string;
    days(days: number, hours: number): string;
  };
}

export const wallWords: Record<Language, WallWords> = { zh: wallZh, en: wallEn };
