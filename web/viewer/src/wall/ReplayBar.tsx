import { useStore } from '../app/context';
import { formatMoment } from '../format/age';
import { Icon } from '../ui/Icon';
import { useWall } from './context';
import { type Span, spans, speeds } from './replayControl';
import { formatSpan } from './timeLeft';

/** The bar of time: LIVE, or where in the recording one is and how fast it goes. */
export function ReplayBar() {
  const store = useStore();
  const wall = useWall();
  const words = wall.words.value.replay;
  const inReplay = wall.inReplay.value;
  const recorded = store.feed?.recorded ?? false;
  void store.status.value; // what the server can do comes with the connection
  if (!recorded && !inReplay)
    return (
      <footer class="time-bar wall-card">
        <LiveLamp />
        <p class="quiet">{store.status.value.phase === 'live' ? words.none : ''}</p>
      </footer>
    );
  return (
    <section class={`time-bar wall-card${inReplay ? ' active' : ''}`} aria-label={words.label}>
      <LiveLamp />
      <PlayButton />
      <TimeSlider />
      <SpeedChoice />
      <SpanChoice />
    </section>
  );
}

/** Says LIVE or REPLAY; in a replay it leads back. */
function LiveLamp() {
  const wall = useWall();
  const words = wall.words.value.replay;
  if (wall.inReplay.value)
    return (
      <button type="button" class="lamp back" onClick={() => wall.replay.toLive()}>
        <Icon name="retry" size={20} />
        {words.toLive}
      </button>
    );
  return (
    <span class="lamp live" role="status">
      <span class="lamp-shape" aria-hidden="true" />
      {words.live}
    </span>
  );
}

function PlayButton() {
  const wall = useWall();
  const words = wall.words.value.replay;
  const replaying = wall.replaying.value;
  const playing = replaying?.state === 'playing';
  const label = !replaying ? words.replay : playing ? words.pause : words.play;
  return (
    <button
      type="button"
      class="play"
      onClick={() => (replaying ? wall.replay.toggle(replaying) : wall.replay.begin(wall.now.value))}
    >
      <Icon name={playing ? 'pause' : 'play'} size={20} />
      {label}
    </button>
  );
}

function TimeSlider() {
  const wall = useWall();
  const language = wall.store.language.value;
  const { replay } = wall;
  const words = wall.words.value;
  const now = wall.now.value;
  const { from, to } = replay.reach(now);
  const replaying = wall.replaying.value;
  const at = Math.min(to, Math.max(from, replay.held.value ?? replaying?.at ?? to));
  const say = (ms: number) => formatMoment(ms, language, now);
  const inReplay = wall.inReplay.value;
  return (
    <div class="slider">
      <span class="slider-end">{inReplay ? say(from) : `−${formatSpan(to - from, words.units)}`}</span>
      <div class="slider-track">
        <input
          type="range"
          aria-label={words.replay.slider}
          aria-valuetext={say(at)}
          min={from}
          max={to}
          step={1000}
          value={at}
          style={{ '--done': `${(100 * (at - from)) / Math.max(1, to - from)}%` }}
          onInput={event => replay.drag(Number(event.currentTarget.value), now)}
          onChange={() => replay.drop()}
        />
        {inReplay && (
          <output class="slider-at" style={{ left: `${(100 * (at - from)) / Math.max(1, to - from)}%` }}>
            {say(at)}
          </output>
        )}
      </div>
      <span class="slider-end">{inReplay ? say(to) : words.clock.live}</span>
    </div>
  );
}

function SpeedChoice() {
  const wall = useWall();
  return (
    <label class="replay-choice">
      <span>{wall.words.value.replay.speed}</span>
      <select
        value={String(wall.replay.speed.value)}
        onChange={event => wall.replay.setSpeed(Number(event.currentTarget.value))}
      >
        {speeds.map(speed => (
          <option key={speed} value={String(speed)}>
            {speed}×
          </option>
        ))}
      </select>
      <Icon name="chevron" size={16} />
    </label>
  );
}

function SpanChoice() {
  const wall = useWall();
  const words = wall.words.value.replay;
  return (
    <label class="replay-choice">
      <span>{words.span}</span>
      <select
        value={wall.replay.span.value}
        onChange={event => wall.replay.setSpan(event.currentTarget.value as Span, wall.now.value)}
      >
        {(Object.keys(spans) as Span[]).map(span => (
          <option key={span} value={span}>
            {words.spans[span]}
          </option>
        ))}
      </select>
      <Icon name="chevron" size={16} />
    </label>
  );
}
