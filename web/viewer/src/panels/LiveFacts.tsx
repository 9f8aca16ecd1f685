import { useStore } from '../app/context';
import type { Selection } from '../app/selection';
import { formatAge, formatMoment } from '../format/age';
import { formatCourse, formatPosition, formatSpeed } from '../format/number';
import { State } from '../live/feed';

/** What is known of a live entity now: state and age, speed, course, position. */
export function LiveFacts({ selection }: { selection: Selection }) {
  const store = useStore();
  void store.clock.value; // drawn anew four times a second
  const words = store.words.value;
  const language = store.language.value;
  const columns = store.feed?.columns(selection.layer);
  const slot = columns?.slotOf(selection.id) ?? -1;
  if (!columns || slot < 0) return null;
  const state = columns.state[slot];
  const time = columns.time[slot] ?? Number.NaN;
  const age = formatAge((store.feed?.serverNow() ?? Number.NaN) - time, language);
  const speed = columns.speed[slot] ?? Number.NaN;
  const course = columns.course[slot] ?? Number.NaN;
  const kind = state === State.live ? 'live' : state === State.stale ? 'stale' : 'offline';
  const word = { live: words.live.moving, stale: words.live.staleEntity, offline: words.live.offlineEntity }[
    kind
  ];
  const place = store.placeOf(selection) ?? [columns.lon[slot] ?? 0, columns.lat[slot] ?? 0];
  return (
    <div class="facts">
      <p class={`fact-state ${kind}`}>
        <span class="state-shape" aria-hidden="true" />
        {word} · {formatMoment(time, language)} · {age}
      </p>
      <div class="fact-row">
        <div class="fact">
          <span class="fact-value">
            {Number.isNaN(speed) ? words.feature.empty : formatSpeed(speed, language)}
          </span>
          <span class="quiet">{words.feature.speed}</span>
        </div>
        <div class="fact">
          <span class="fact-value">
            {Number.isNaN(course) ? words.feature.empty : formatCourse(course, language)}
          </span>
          <span class="quiet">{words.feature.course}</span>
        </div>
      </div>
      <p class="quiet fact-place">{formatPosition(place[0], place[1], 5)}</p>
    </div>
  );
}
