import { type ComponentChildren, Fragment } from 'preact';
import { useStore } from '../app/context';
import { formatMoment } from '../format/age';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { alarmReading, alarmSubject } from './alarmText';
import { DueTime } from './Cases';
import { useWall } from './context';
import { formatDistance, type Neighbour, nearestReach, neighbourName, type Search } from './nearest';
import { SeveritySign } from './SeveritySign';

/** What is looked at, and who and what is near it. */
export function FocusCard() {
  const wall = useWall();
  const focus = wall.focus.value;
  if (!focus) return null;
  const words = wall.words.value.focus;
  return (
    <section class="focus wall-card" aria-label={words.label}>
      <header class="focus-head">
        {focus.kind === 'alarm' ? <AlarmFacts /> : <CaseFacts />}
        <IconButton icon="close" label={words.close} onClick={() => wall.lookAway()} />
      </header>
      {focus.place ? (
        <div class="focus-help">
          <Help title={words.vehicles} search={wall.vehicles.value} />
          <Help title={words.cameras} search={wall.cameras.value} />
        </div>
      ) : (
        <p class="sentence">{words.noPlace}</p>
      )}
    </section>
  );
}

function Facts({ kind, title, children }: { kind: string; title: string; children?: ComponentChildren }) {
  return (
    <div class="focus-facts">
      <p class="focus-kind">{kind}</p>
      <h2>{title}</h2>
      <p class="focus-line">{children}</p>
    </div>
  );
}

function AlarmFacts() {
  const wall = useWall();
  const store = useStore();
  const words = wall.words.value;
  void wall.alarms.value; // its state may change
  const focus = wall.focus.value;
  const alarm = wall.alarm(focus?.id ?? '');
  if (!focus) return null;
  if (!alarm)
    return (
      <Facts kind={words.focus.alarm} title={focus.title}>
        {words.queue.state.closed}
      </Facts>
    );
  const parts = [
    alarmSubject(alarm, store),
    alarmReading(alarm, store, words, wall.now.value),
    formatMoment(alarm.since, store.language.value, wall.now.value),
    alarm.note,
  ];
  return (
    <>
      <SeveritySign severity={alarm.severity} label={words.severity[alarm.severity]} />
      <Facts
        kind={[words.severity[alarm.severity], words.queue.state[alarm.state], alarm.owner]
          .filter(Boolean)
          .join(' · ')}
        title={focus.title}
      >
        {parts.filter(Boolean).join(' · ')}
      </Facts>
    </>
  );
}

function CaseFacts() {
  const wall = useWall();
  const words = wall.words.value;
  void wall.cases.value;
  const focus = wall.focus.value;
  if (!focus) return null;
  const item = wall.case(focus.id);
  if (!item)
    return (
      <Facts kind={words.focus.event} title={focus.title}>
        {words.cases.state.closed}
      </Facts>
    );
  const language = wall.store.language.value;
  return (
    <Facts
      kind={[words.focus.event, words.cases.state[item.state], item.source, item.owner]
        .filter(Boolean)
        .join(' · ')}
      title={focus.title}
    >
      <DueTime item={item} />
      {[formatMoment(item.time, language, wall.now.value), item.title ? item.text : '']
        .filter(Boolean)
        .map(part => (
          <Fragment key={part}> · {part}</Fragment>
        ))}
    </Facts>
  );
}

function Help({ title, search }: { title: string; search: Search }) {
  const wall = useWall();
  const words = wall.words.value.focus;
  return (
    <div class="help">
      <h3>{title}</h3>
      {search.phase === 'searching' && <p class="quiet">{words.searching}</p>}
      {search.phase === 'failed' && <p class="quiet">{words.failed}</p>}
      {search.phase === 'ready' && search.list.length === 0 && (
        <p class="quiet">{words.none(nearestReach / 1000)}</p>
      )}
      {search.phase === 'ready' && (
        <ul>
          {search.list.map(neighbour => (
            <HelpRow key={`${neighbour.layer}/${neighbour.id}`} neighbour={neighbour} />
          ))}
        </ul>
      )}
    </div>
  );
}

function HelpRow({ neighbour }: { neighbour: Neighbour }) {
  const wall = useWall();
  const store = useStore();
  const words = wall.words.value.focus;
  const name = neighbourName(store.layer(neighbour.layer), neighbour, store.language.value);
  const label = neighbour.live ? words.follow(name) : words.show(name);
  return (
    <li>
      <button
        type="button"
        class="help-row"
        data-neighbour={`${neighbour.layer}/${neighbour.id}`}
        aria-label={`${label}, ${formatDistance(neighbour.metres)}`}
        title={label}
        onClick={() => wall.show(neighbour)}
      >
        <Icon name={neighbour.live ? 'follow' : 'target'} size={18} />
        <span class="help-name">
          {name} {name !== neighbour.id && <span class="quiet">{neighbour.id}</span>}
        </span>
        <span class="help-distance">{formatDistance(neighbour.metres)}</span>
      </button>
    </li>
  );
}
