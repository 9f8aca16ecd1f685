import type { WallState } from './wallState';

/** Why nothing is known of alarms and cases; undefined where they are read, so that none means that there are none. */
export function nothingHeard({ source, words }: Pick<WallState, 'source' | 'words'>): string | undefined {
  if (source.value === 'waiting') return words.value.queue.waiting;
  return source.value === 'none' ? words.value.queue.unknown : undefined;
}
