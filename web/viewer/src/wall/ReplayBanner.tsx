import { formatMoment } from '../format/age';
import { useWall } from './context';

/** Says over the map that what it shows is the past. */
export function ReplayBanner() {
  const wall = useWall();
  const replaying = wall.replaying.value;
  const words = wall.words.value.replay;
  if (!replaying) return null;
  const time = formatMoment(replaying.at, wall.store.language.value, wall.now.value);
  const state =
    replaying.state === 'ended'
      ? ` · ${words.ended}`
      : replaying.state === 'paused'
        ? ` · ${words.pause}`
        : '';
  return (
    <p class="replay-banner" role="status" aria-live="off">
      {words.banner(time, String(replaying.speed))}
      {state}
    </p>
  );
}
