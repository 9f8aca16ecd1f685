import { textIn } from '../i18n';
import { Icon } from '../ui/Icon';
import { className } from './alarmText';
import { type CityCase, isOverdue } from './cityCase';
import { useWall } from './context';
import { nothingHeard } from './nothingHeard';
import { formatSpan } from './timeLeft';
import { useWholeRows } from './wholeRows';

const mostRows = 40;

/** The city events that are not mended yet, by what is due first. */
export function Cases() {
  const wall = useWall();
  const list = useWholeRows();
  const words = wall.words.value.cases;
  const cases = wall.cases.value;
  const overdue = wall.overdue.value;
  return (
    <section class={`wall-card cases${cases.length === 0 ? ' empty' : ''}`} aria-labelledby="cases-title">
      <header class="card-head">
        <h2 id="cases-title">
          {words.title}
          <span class="head-count">{cases.length}</span>
        </h2>
        {overdue > 0 && (
          <span class="overdue-count">
            <Icon name="warning" size={18} />
            {words.overdueCount(overdue)}
          </span>
        )}
      </header>
      {cases.length === 0 && <p class="sentence">{nothingHeard(wall) ?? words.none}</p>}
      <div class="rows-room">
        <ol class="case-list" ref={list}>
          {cases.slice(0, mostRows).map(item => (
            <CaseRow key={item.id} item={item} />
          ))}
        </ol>
      </div>
      {cases.length > mostRows && <p class="queue-more">{words.more(cases.length - mostRows)}</p>}
    </section>
  );
}

function CaseRow({ item }: { item: CityCase }) {
  const wall = useWall();
  const words = wall.words.value;
  const focused = wall.focus.value?.kind === 'case' && wall.focus.value.id === item.id;
  const title = caseTitle(item, wall.store.language.value, className(item.class, words));
  return (
    <li class={`case${focused ? ' focused' : ''}`} data-case={item.id}>
      <button
        type="button"
        class="case-body"
        aria-pressed={focused}
        onClick={() => wall.look({ kind: 'case', id: item.id, title, place: item.place })}
      >
        <span class="case-title">{title}</span>
        <DueTime item={item} />
        <span class="case-class">{[item.source, item.owner].filter(Boolean).join(' · ')}</span>
        <span class="case-state">{words.cases.state[item.state]}</span>
      </button>
    </li>
  );
}

/** What a case is called: its title, else its text, else its class. */
export function caseTitle(item: CityCase, language: 'zh' | 'en', fallback: string): string {
  return textIn(item.title, language, item.text || fallback);
}

/** The time left to the deadline; what is overdue has a sign and a word, not only a colour. */
export function DueTime({ item }: { item: CityCase }) {
  const wall = useWall();
  const words = wall.words.value;
  const now = wall.now.value;
  if (Number.isNaN(item.due)) return <span class="due">{words.cases.noDeadline}</span>;
  const span = formatSpan(Math.abs(item.due - now), words.units);
  if (isOverdue(item, now))
    return (
      <span class="due overdue">
        <Icon name="warning" size={16} />
        {words.cases.overdue(span)}
      </span>
    );
  return <span class="due">{words.cases.left(span)}</span>;
}
