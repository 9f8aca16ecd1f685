import { Icon } from '../ui/Icon';
import { AlarmRow } from './AlarmRow';
import { useWall } from './context';
import { OwnerField } from './OwnerField';
import { useWholeCard } from './wholeRows';

/** Rows that are drawn; older ones are counted. */
const mostRows = 60;

/** Of the column, the rest is for the city events. */
const queueShare = 0.6;

/** The alarms that need somebody, newest first. */
export function AlarmQueue() {
  const wall = useWall();
  const alone = wall.cases.value.length === 0; // the card below is its head then
  const list = useWholeCard(alone ? undefined : queueShare);
  const words = wall.words.value.queue;
  const alarms = wall.alarms.value;
  const source = wall.source.value;
  const flood = wall.flood.value;
  return (
    <section class="wall-card queue" aria-labelledby="queue-title">
      <header class="card-head">
        <h2 id="queue-title">
          {words.title}
          <span class="head-count">{alarms.length}</span>
        </h2>
        <OwnerField />
        <SoundButton />
      </header>
      <div class="queue-notices" role="status">
        {wall.inReplay.value && <p class="queue-notice quietly">{words.present}</p>}
        {source === 'away' && <p class="queue-notice">{words.away}</p>}
        {wall.sound.state.value === 'blocked' && <p class="queue-notice">{wall.words.value.sound.blocked}</p>}
        {flood > 0 && <p class="queue-notice flooding">{words.flood(flood)}</p>}
      </div>
      {alarms.length === 0 && source !== 'away' && (
        <p class="sentence all-clear">
          {source !== 'ready' ? (
            source === 'waiting' ? (
              words.waiting
            ) : (
              words.unknown
            )
          ) : (
            <>
              <Icon name="check" size={22} /> {words.none}
            </>
          )}
        </p>
      )}
      <div class="rows-room">
        <ol class="queue-list" ref={list}>
          {alarms.slice(0, mostRows).map(alarm => (
            <AlarmRow key={alarm.id} alarm={alarm} />
          ))}
        </ol>
      </div>
      {alarms.length > mostRows && <p class="queue-more">{words.more(alarms.length - mostRows)}</p>}
    </section>
  );
}

function SoundButton() {
  const wall = useWall();
  const words = wall.words.value.sound;
  const state = wall.sound.state.value;
  const on = state !== 'off';
  return (
    <button
      type="button"
      class={`head-button sound ${state}`}
      aria-pressed={on}
      title={state === 'blocked' ? words.blocked : undefined}
      onClick={() => wall.setSound(!on)}
    >
      <Icon name={on ? 'sound' : 'mute'} size={20} />
      <span>{on ? words.on : words.off}</span>
    </button>
  );
}
