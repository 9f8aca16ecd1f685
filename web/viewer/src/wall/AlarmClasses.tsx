import { textIn } from '../i18n';
import { className } from './alarmText';
import { useWall } from './context';

const mostRows = 8;

/** How many alarms are open, by class. */
export function AlarmClasses() {
  const wall = useWall();
  const words = wall.words.value;
  const language = wall.store.language.value;
  const classes = wall.classes.value;
  const most = Math.max(1, ...classes.map(({ fresh, acknowledged }) => fresh + acknowledged));
  return (
    <section class="wall-card classes" aria-labelledby="classes-title">
      <h2 id="classes-title">
        {words.classes.title}
        <span class="head-count">{wall.alarms.value.length}</span>
      </h2>
      {classes.length === 0 && (
        <p class="sentence">{wall.source.value === 'waiting' ? words.queue.waiting : words.classes.none}</p>
      )}
      <ul>
        {classes.slice(0, mostRows).map(({ class: name, title, fresh, acknowledged }) => (
          <li class="class-row" key={name} title={words.classes.summary(fresh, acknowledged)}>
            <span class="class-name">{textIn(title, language, className(name, words))}</span>
            <span class="class-count">
              {fresh + acknowledged}
              <span class="visually-hidden"> ({words.classes.summary(fresh, acknowledged)})</span>
            </span>
            <span class="class-bar" aria-hidden="true">
              {fresh > 0 && <span class="class-fresh" style={{ width: `${(100 * fresh) / most}%` }} />}
              {acknowledged > 0 && (
                <span class="class-acknowledged" style={{ width: `${(100 * acknowledged) / most}%` }} />
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
