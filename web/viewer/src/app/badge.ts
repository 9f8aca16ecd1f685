import { formatAge } from '../format/age';
import type { Dictionary, Language } from '../i18n';
import type { LiveStatus, Replaying } from '../live/feed';

/** What the connection badge shows; each kind has a shape and a word of its own, not only a colour. */
export interface Badge {
  kind: 'connecting' | 'live' | 'stale' | 'reconnecting' | 'closed' | 'replay';
  word: string;
  /** The age of what one sees, the time of a replay, or how long the connection has been away; '' for none. */
  age: string;
  hint: string;
}

/** Age in ms from which what one sees is called stale, though the connection is open. */
export const silence = 5000;

/**
 * @param seen what is on the screen: performance.now() of the last word from the
 * server, NaN before the first, the age of the newest position shown in ms, NaN without one, and
 * where the replay is, if it is one
 * @param now performance.now()
 */
export function badgeOf(
  status: LiveStatus,
  seen: { lastNews: number; newest: number; replaying?: Replaying | undefined },
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
      if (seen.replaying) return replayBadge(seen.replaying, language, words);
      const old = Math.max(now - seen.lastNews, Number.isNaN(seen.newest) ? 0 : seen.newest);
      const age = formatAge(old, language);
      const kind = old > silence ? 'stale' : 'live';
      return { kind, word: words[kind], age, hint: words.age(age) };
    }
  }
}

/** The past is never to be taken for the present: it has a word, a frame and a clock of its own. */
function replayBadge(replaying: Replaying, language: Language, words: Dictionary['live']): Badge {
  const time = new Date(replaying.at).toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB', {
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return {
    kind: 'replay',
    word: words.replay,
    age: time,
    hint: words.replayed(time, String(replaying.speed)),
  };
}
