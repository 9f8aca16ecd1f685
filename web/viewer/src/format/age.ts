import { dictionaries, type Language } from '../i18n';

/**
 * An age in words: tenths of a second below 10 s, then whole seconds, minutes,
 * hours, days. Ages below zero (a clock ahead of ours) count as zero.
 */
export function formatAge(ms: number, language: Language): string {
  const units = dictionaries[language].units;
  const seconds = Math.max(0, Number.isFinite(ms) ? ms / 1000 : 0);
  if (seconds < 9.95) return `${seconds.toFixed(1)} ${units.second}`;
  if (seconds < 59.5) return `${Math.round(seconds)} ${units.second}`;
  if (seconds < 3570) return `${Math.round(seconds / 60)} ${units.minute}`;
  if (seconds < 84600) return `${Math.round(seconds / 3600)} ${units.hour}`;
  return `${Math.round(seconds / 86400)} ${units.day}`;
}

/** A moment as local time of day, with the date where it is not today's. */
export function formatMoment(ms: number, language: Language, now = Date.now()): string {
  const tag = language === 'zh' ? 'zh-CN' : 'en-GB';
  const moment = new Date(ms);
  if (Number.isNaN(moment.getTime())) return '';
  const time = new Intl.DateTimeFormat(tag, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  }).format(moment);
  if (moment.toDateString() === new Date(now).toDateString()) return time;
  return `${formatDay(moment, tag)} ${time}`;
}

function formatDay(day: Date, tag: string): string {
  return new Intl.DateTimeFormat(tag, { year: 'numeric', month: 'short', day: 'numeric' }).format(day);
}

/** A day of the calendar, from RFC 3339 `YYYY-MM-DD`; other texts come back as they are. */
export function formatDate(text: string, language: Language): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return text;
  const day = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return formatDay(day, language === 'zh' ? 'zh-CN' : 'en-GB');
}
