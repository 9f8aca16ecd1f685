import { useState } from 'preact/hooks';
import { textIn } from '../i18n';
import { firstClasses } from './alarms';
import { className } from './alarmText';
import { useWall } from './context';
import { nothingHeard } from './nothingHeard';
import { classesThatFit, gapOf, useMeasured } from './wholeRows';

/** How many alarms are open, by class: as many rows as there is room for, the last for all others. */
export function AlarmClasses() {
  const wall = useWall();
  const words = wall.words.value;
  const language = wall.store.language.value;
  const classes = wall.classes.value;
  const [room, setRoom] = useState(Number.POSITIVE_INFINITY);
  const list = useMeasured<HTMLUListElement>(element =>
    setRoom(
      classesThatFit(
        classes.length,
        element.clientHeight,
        element.firstElementChild?.getBoundingClientRect().height ?? 0,
        element.querySelector('.class-bar')?.getBoundingClientRect().height ?? 0,
        gapOf(element),
      ),
    ),
  );
  const { first, rest } = firstClasses(classes, room);
  const most = Math.max(1, ...classes.map(({ fresh, acknowledged }) => fresh + acknowledged));
  return (
    <section class="wall-card classes" aria-labelledby="classes-title">
      <h2 id="classes-title">
        {words.classes.title}
        <span class="head-count">{wall.alarms.value.length}</span>
      </h2>
      {classes.length === 0 && <p class="sentence">{nothingHeard(wall) ?? words.classes.none}</p>}
      <ul ref={list}>
        {first.map(({ class: name, title, fresh, acknowledged }) => (
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
        {rest.classes > 0 && (
          <li class="class-row class-rest" title={words.classes.summary(rest.fresh, rest.acknowledged)}>
            <span class="class-name">{words.classes.more(rest.classes)}</span>
            <span class="class-count">{rest.fresh + rest.acknowledged}</span>
          </li>
        )}
      </ul>
    </section>
  );
}
