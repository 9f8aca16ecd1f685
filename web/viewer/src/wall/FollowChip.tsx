import { useStore } from '../app/context';
import { nameOf } from '../app/selection';
import { formatAge } from '../format/age';
import { formatSpeed } from '../format/number';
import { State } from '../live/feed';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { useWall } from './context';

/** What is picked on the map: a moving thing with its speed and age while the map follows it, or an object's name. */
export function FollowChip() {
  const store = useStore();
  const wall = useWall();
  const selection = store.selection.value;
  if (!selection) return null;
  const language = store.language.value;
  const details = store.details.value;
  const properties = details.phase === 'ready' ? details.properties : selection.properties;
  const following = store.following.value;
  const words = wall.words.value.follow;
  const name = nameOf(store.layer(selection.layer), properties, language);
  const title = store.title(selection.layer);
  return (
    <section class={`chosen wall-card${following ? ' following' : ''}`} aria-live="off">
      <Icon name={following ? 'follow' : 'target'} size={22} />
      <div class="chosen-text">
        <p class="chosen-name">
          {name.includes(title) ? name : `${title} ${name}`} <span class="quiet">{selection.id}</span>
        </p>
        <p class="chosen-line">
          {following && <strong>{words.following}</strong>}
          {selection.live && <Motion layer={selection.layer} id={selection.id} />}
          {following && <span class="quiet">{words.leave}</span>}
        </p>
      </div>
      {selection.live && !following && (
        <button type="button" class="act" onClick={() => store.follow(true)}>
          {store.words.value.feature.follow}
        </button>
      )}
      <IconButton icon="close" label={store.words.value.app.close} onClick={() => store.pick([])} />
    </section>
  );
}

function Motion({ layer, id }: { layer: string; id: string }) {
  const store = useStore();
  const wall = useWall();
  void store.clock.value; // drawn anew four times a second
  const language = store.language.value;
  const columns = store.feed?.columns(layer);
  const slot = columns?.slotOf(id) ?? -1;
  if (!columns || slot < 0) return <span class="quiet">{wall.words.value.follow.lost}</span>;
  const speed = columns.speed[slot] ?? Number.NaN;
  const state = columns.state[slot];
  const words = store.words.value.live;
  const word = state === State.live ? '' : state === State.stale ? words.staleEntity : words.offlineEntity;
  const age = formatAge(
    (store.feed?.serverNow() ?? Number.NaN) - (columns.time[slot] ?? Number.NaN),
    language,
  );
  return (
    <span class="chosen-motion">
      {[Number.isNaN(speed) ? '' : formatSpeed(speed, language), word, age].filter(Boolean).join(' · ')}
    </span>
  );
}
