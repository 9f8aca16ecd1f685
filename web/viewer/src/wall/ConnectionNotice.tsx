import { badgeOf } from '../app/badge';
import { useStore } from '../app/context';
import { useWall } from './context';

/** A calm sentence while the connection is away; it comes back by itself. */
export function ConnectionNotice() {
  const store = useStore();
  const wall = useWall();
  const status = store.status.value;
  const words = wall.words.value.connection;
  if (status.phase === 'closed')
    return (
      <p class="connection wall-card" role="status">
        {words.closed}
      </p>
    );
  if (status.phase !== 'reconnecting') return null;
  const { age } = badgeOf(
    status,
    { lastNews: store.feed?.lastNews ?? Number.NaN, newest: Number.NaN },
    store.clock.value,
    store.language.value,
    store.words.value.live,
  );
  return (
    <p class="connection wall-card" role="status" aria-live="polite">
      {words.lost(age)}
    </p>
  );
}
