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

/** Silence on an open connection after which what one sees is called stale, in ms. */
export const silence = 4000;

/**
 * @param lastNews performance.now() of the last news from the server, NaN before the first
 * @param now performance.now()
 */
export function badgeOf(
  status: LiveStatus,
  lastNews: number,
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
      const away = formatAge(now - (Number.isNaN(lastNews) ? status.since : lastNews), language);
      return { kind: 'reconnecting', word: words.reconnecting, age: away, hint: words.waiting(away) };
    }
    default: {
      if (Number.isNaN(lastNews))
        return { kind: 'connecting', word: words.connecting, age: '', hint: words.connecting };
      const age = formatAge(now - lastNews, language);
      const kind = now - lastNews > silence ? 'stale' : 'live';
      return { kind, word: words[kind], age, hint: words.age(age) };
    }
  }
}
