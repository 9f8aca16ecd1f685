import type { WallWords } from './words';

/** An age or a time left in at most two units: "3 min", "2 h 05 min", "4 d 3 h". */
export function formatSpan(ms: number, words: WallWords['units']): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return words.seconds(Math.floor(Math.max(0, ms) / 1000));
  if (minutes < 60) return words.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return words.hours(hours, minutes % 60);
  return words.days(Math.floor(hours / 24), hours % 24);
}
