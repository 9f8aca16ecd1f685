import { badgeOf } from '../app/badge';
import { useStore } from '../app/context';

/** The state of the live connection in words, with the age of what one sees. */
export function LiveBadge() {
  const store = useStore();
  const words = store.words.value.live;
  const badge = badgeOf(
    store.status.value,
    {
      lastNews: store.feed?.lastNews ?? Number.NaN,
      newest: store.newestAge(),
      replaying: store.feed?.replaying,
    },
    store.clock.value,
    store.language.value,
    words,
  );
  return (
    <div class={`badge ${badge.kind}`} role="status" aria-live="off" title={badge.hint}>
      <span class="badge-shape" aria-hidden="true" />
      <span class="badge-word">{badge.word}</span>
      {badge.age && <span class="badge-age">{badge.age}</span>}
    </div>
  );
}
