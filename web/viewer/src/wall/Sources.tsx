import { useStore } from '../app/context';
import { formatNumber } from '../format/number';
import { Swatch } from '../ui/Swatch';
import { useWall } from './context';
import { liveSources, type Source, sensorSources } from './sources';
import { curve } from './trend';

/** How many are live, stale and offline of each source, and how that went. */
export function Sources() {
  const wall = useWall();
  const words = wall.words.value.sources;
  const sources = [
    ...liveSources(wall.store),
    ...sensorSources(wall.store, wall.sensors.value, wall.words.value),
  ];
  return (
    <section class="wall-card sources" aria-labelledby="sources-title">
      <h2 id="sources-title">{words.title}</h2>
      {sources.length === 0 && <p class="sentence">{words.none}</p>}
      <ul>
        {sources.map(source => (
          <SourceRow key={source.id} source={source} />
        ))}
      </ul>
    </section>
  );
}

function SourceRow({ source }: { source: Source }) {
  const wall = useWall();
  const language = useStore().language.value;
  const words = wall.words.value.sources;
  const { counts } = source;
  const say = (count: number) => formatNumber(count, language, 0);
  return (
    <li class="source" data-source={source.id}>
      <div class="source-head">
        <Swatch symbol={source.symbol} color={source.color} />
        <span class="source-title">{source.title}</span>
        {wall.inReplay.value && source.moves && <span class="mark">{wall.words.value.replay.replay}</span>}
        <span class="source-live">
          {counts ? say(counts.live) : '–'}
          <span class="visually-hidden"> {words.live}</span>
        </span>
      </div>
      <div class="source-foot">
        <TrendCurve id={source.id} />
        {counts ? <Share {...counts} /> : <span class="source-rest">{words.waiting}</span>}
        {counts && (
          <span class="source-rest">
            <span class={counts.stale > 0 ? 'source-stale' : ''}>
              {words.stale} {say(counts.stale)}
            </span>
            {' · '}
            {words.offline} {say(counts.offline)}
          </span>
        )}
      </div>
    </li>
  );
}

/** The shares of live, stale and offline: filled, hatched, hollow. */
function Share({ live, stale, offline }: { live: number; stale: number; offline: number }) {
  const parts = { live, stale, offline };
  return (
    <div class="share" aria-hidden="true">
      {(Object.keys(parts) as (keyof typeof parts)[]).map(
        kind =>
          parts[kind] > 0 && <span key={kind} class={`share-${kind}`} style={{ flexGrow: parts[kind] }} />,
      )}
    </div>
  );
}

const points = 60;

function TrendCurve({ id }: { id: string }) {
  const wall = useWall();
  void wall.now.value; // the curve grows by the second
  const words = wall.words.value.sources;
  const path = curve(wall.trends.get(id)?.list ?? [], points, 100, 24);
  return (
    <svg class="trend" viewBox="-1 -2 102 28" role="img" aria-label={words.trend} preserveAspectRatio="none">
      <title>{words.trend}</title>
      <path class="trend-ground" d="M0 24H100" />
      {path && <path class="trend-line" d={path} />}
    </svg>
  );
}
