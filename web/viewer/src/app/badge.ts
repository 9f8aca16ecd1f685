import { formatAge } from '../format/age';
import type { Dictionary, Language } from '../i18n';
import type { LiveStatus } from '../live/feed';

/** What the connection badge shows; each kind has a shape and a word of its own, not only a colour. */
export interface Badge {
  kind: 'connecting' | 'live' | 'stale' | 'reconnecting' | 'closed';
  word: string;
  /** The age of what one sees, or how long the connection has been away; '' for none. */
  age: string;
  hint: string;
}

/** Age in ms from which what one sees is called stale, though the connection is open. */
export const silence = 5000;

/**
 * @param seen what is on the screen: performance.now() of the last word from the
 * server, NaN before the first, and the age of the newest position shown in ms, NaN without one
 * @param now performance.now()
 */
export function badgeOf(
  status: LiveStatus,
  seen: { lastNews: number; newest: number },
  now: number,
  language: Language,
  words: Dictionary['live'],
): Badge {
  switch (status.phase) {
    case 'connecting':
      return { kind: 'connecting', word: words.connecting, age: '', hint: words.connecting };
    case 'closed':
      return {
        kind: 'closed',
        word: status.reason === '' ? words.none : words.closed,
        age: '',
        hint: status.reason || words.none,
      };
    case 'reconnecting': {
      const away = formatAge(now - (Number.isNaN(seen.lastNews) ? status.since : seen.lastNews), language);
      return { kind: 'reconnecting', word: words.reconnecting, age: away, hint: words.waiting(away) };
    }
    default: {
      if (Number.isNaN(seen.lastNews))
        return { kind: 'connecting', word: words.connecting, age: '', hint: words.connecting };
      const old = Math.max(now - seen.lastNews, Number.isNaN(seen.newest) ? 0 : seen.newest);
      const age = formatAge(old, language);
      const kind = old > silence ? 'stale' : 'live';
      return { kind, word: words[kind], age, hint: words.age(age) };
    }
  }
}
