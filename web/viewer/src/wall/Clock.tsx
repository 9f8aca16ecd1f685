import { useStore } from '../app/context';
import { tags, textIn } from '../i18n';
import { LiveBadge } from '../panels/LiveBadge';
import { useWall } from './context';

/** What time it is, or what time is shown, and how fresh what one sees is. */
export function Clock() {
  const store = useStore();
  const wall = useWall();
  const words = wall.words.value;
  const replaying = wall.replaying.value;
  const language = store.language.value;
  const tag = language === 'zh' ? 'zh-CN' : 'en-GB';
  const moment = new Date(replaying ? replaying.at : wall.now.value);
  const time = moment.toLocaleTimeString(tag, { hour12: false });
  const day = moment.toLocaleDateString(tag, {
    year: 'numeric',
    month: language === 'zh' ? 'long' : 'short',
    day: 'numeric',
    weekday: language === 'zh' ? 'long' : 'short',
  });
  return (
    <section class="wall-card clock" lang={tags[language]}>
      <h1 class="clock-city">{textIn(store.config.title, language, words.title)}</h1>
      <time class="clock-time" dateTime={moment.toISOString()}>
        <span class="visually-hidden">{replaying ? words.clock.replay : words.clock.live} </span>
        {time}
      </time>
      <div class="clock-foot">
        <span class="clock-day">{day}</span>
        <LiveBadge />
      </div>
    </section>
  );
}
