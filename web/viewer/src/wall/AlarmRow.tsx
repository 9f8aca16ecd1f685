import { useState } from 'preact/hooks';
import { hasToken, keepToken } from '../app/token';
import { formatMoment } from '../format/age';
import type { Alarm } from './alarm';
import { alarmReading, alarmSubject, alarmTitle, subjectOf } from './alarmText';
import { useWall } from './context';
import { SeveritySign } from './SeveritySign';
import { formatSpan } from './timeLeft';

/** One alarm of the queue: what, whom, since when, whose; and what can be done about it. */
export function AlarmRow({ alarm }: { alarm: Alarm }) {
  const wall = useWall();
  const [closing, setClosing] = useState(false);
  const words = wall.words.value;
  const { store } = wall;
  const language = store.language.value;
  const title = alarmTitle(alarm, words, language);
  const focused = wall.focus.value?.kind === 'alarm' && wall.focus.value.id === alarm.id;
  const fresh = wall.fresh.value.has(alarm.id);
  const refused = wall.refused.value?.id === alarm.id ? wall.refused.value : undefined;
  return (
    <li
      class={`alarm ${alarm.severity} ${alarm.state}${focused ? ' focused' : ''}${fresh ? ' fresh' : ''}`}
      data-alarm={alarm.id}
    >
      <button
        type="button"
        class="alarm-body"
        aria-pressed={focused}
        onClick={() => wall.look({ kind: 'alarm', id: alarm.id, title, place: alarm.place })}
      >
        <SeveritySign severity={alarm.severity} label={words.severity[alarm.severity]} />
        <span class={`alarm-title ${alarm.state}`}>{title}</span>
        <time
          class="alarm-age"
          dateTime={new Date(alarm.since).toISOString()}
          title={formatMoment(alarm.since, language)}
        >
          {formatSpan(wall.now.value - alarm.since, words.units)}
        </time>
        {alarm.count > 1 && (
          <span
            class="alarm-count"
            role="img"
            aria-label={words.queue.repeated(alarm.count)}
            title={words.queue.repeated(alarm.count)}
          >
            {`×${alarm.count < 1000 ? alarm.count : '1k+'}`}
          </span>
        )}
        <SubjectLine alarm={alarm} />
        <span class="alarm-reading">{alarmReading(alarm, store, words, wall.now.value)}</span>
      </button>
      <div class="alarm-foot">
        <p class="alarm-state">
          <span class={`state-chip ${alarm.state}`}>{words.queue.state[alarm.state]}</span>
          {alarm.active ? (
            <span class="alarm-severity">{words.severity[alarm.severity]}</span>
          ) : (
            <span class="alarm-back">{words.queue.back}</span>
          )}
          {alarm.owner && (
            <span class="alarm-owner" title={words.queue.by(alarm.owner)}>
              {alarm.owner}
            </span>
          )}
        </p>
        {alarm.state === 'new' && (
          <button type="button" class="act" onClick={() => void wall.change(alarm.id, 'acknowledge')}>
            {words.queue.acknowledge}
          </button>
        )}
        {!closing && (
          <button type="button" class="act quiet-act" onClick={() => setClosing(true)}>
            {words.queue.close}
          </button>
        )}
      </div>
      {closing && <CloseForm alarm={alarm} done={() => setClosing(false)} />}
      {refused && !refused.unlock && (
        <p class="alarm-refused" role="alert">
          {words.queue.refused(refused.reason)}
        </p>
      )}
      {refused?.unlock && <TokenForm unlock={refused.unlock} />}
    </li>
  );
}

/** Whom it concerns. An id that is too long loses its beginning: its end tells objects apart. */
function SubjectLine({ alarm }: { alarm: Alarm }) {
  const { store } = useWall();
  const { layer, entity, zone } = subjectOf(alarm, store);
  return (
    <span class="alarm-subject" title={alarmSubject(alarm, store)}>
      {layer && <span class="subject-layer">{layer} </span>}
      {entity && (
        <span class="subject-entity">
          <bdi dir="ltr">{entity}</bdi>
        </span>
      )}
      {zone && <span class="subject-zone"> · {zone}</span>}
    </span>
  );
}

/** Asks for the server's token where changes need one. */
function TokenForm({ unlock }: { unlock: () => Promise<boolean> }) {
  const wall = useWall();
  const words = wall.words.value.token;
  const [token, setToken] = useState('');
  const send = (event: Event) => {
    event.preventDefault();
    if (!token.trim()) return;
    keepToken(token.trim());
    void unlock();
  };
  return (
    <form class="token-form" onSubmit={send}>
      <p class="alarm-refused" role="alert">
        {hasToken() ? words.wrong : words.wanted}
      </p>
      <input
        type="password"
        class="close-note"
        value={token}
        placeholder={words.label}
        aria-label={words.label}
        autocomplete="off"
        // The operator asked to save something, which needs it.
        ref={element => element?.focus()}
        onInput={event => setToken(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          wall.refused.value = undefined;
        }}
      />
      <button type="submit" class="act">
        {words.enter}
      </button>
    </form>
  );
}

function CloseForm({ alarm, done }: { alarm: Alarm; done: () => void }) {
  const wall = useWall();
  const words = wall.words.value.queue;
  const [note, setNote] = useState('');
  const close = async (event: Event) => {
    event.preventDefault();
    if (await wall.change(alarm.id, 'close', note.trim())) done();
  };
  return (
    <form class="close-form" onSubmit={event => void close(event)}>
      <input
        type="text"
        class="close-note"
        value={note}
        maxLength={500}
        placeholder={words.closeNote}
        aria-label={words.closeNote}
        // The operator asked for this field by a click.
        ref={element => element?.focus()}
        onInput={event => setNote(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          done();
        }}
      />
      <button type="submit" class="act">
        {words.confirm}
      </button>
      <button type="button" class="act quiet-act" onClick={done}>
        {words.cancel}
      </button>
    </form>
  );
}
