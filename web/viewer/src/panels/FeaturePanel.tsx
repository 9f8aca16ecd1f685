import { useEffect, useRef } from 'preact/hooks';
import { useStore } from '../app/context';
import { type AttributeRow, attributeRows, itemUrl, nameOf, type Selection } from '../app/selection';
import { IconButton, TextButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { CopyButton } from './CopyButton';
import { ProvenanceMark } from './LayerPanel';
import { LiveFacts } from './LiveFacts';
import { ObjectReadings } from './ObjectReadings';

/** What is picked: its name, attributes as text, and what can be done with it. */
export function FeaturePanel() {
  const store = useStore();
  const selection = store.selection.value;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    if (selection) panel.current?.scrollTo({ top: 0 });
  }, [selection]);
  if (!selection) return null;
  const words = store.words.value;
  const language = store.language.value;
  const layer = store.layer(selection.layer);
  const details = store.details.value;
  const properties = details.phase === 'ready' ? details.properties : selection.properties;
  const { known, others } = attributeRows(layer, properties, language);
  return (
    <section class="feature card" aria-label={words.feature.label} ref={panel}>
      <header class="panel-head feature-head">
        <div class="feature-name">
          <h2>{nameOf(layer, properties, language)}</h2>
          <p class="quiet">
            {store.title(selection.layer)}
            {layer && <ProvenanceMark layer={layer} />}
          </p>
        </div>
        <IconButton icon="close" label={words.app.close} onClick={() => store.pick([])} />
      </header>
      <div class="panel-body">
        {selection.live && <LiveFacts selection={selection} />}
        {!selection.live && <ObjectReadings selection={selection} />}
        <dl class="attributes">
          <div class="attribute">
            <dt>{words.feature.id}</dt>
            <dd class="feature-id">
              <span>{selection.id}</span>
              <CopyButton text={selection.id} />
            </dd>
          </div>
          {known.map(row => (
            <Attribute key={row.name} row={row} />
          ))}
        </dl>
        {others.length > 0 && (
          <details class="others" open={known.length === 0}>
            <summary>{words.feature.others(others.length)}</summary>
            <dl class="attributes">
              {others.map(row => (
                <Attribute key={row.name} row={row} />
              ))}
            </dl>
          </details>
        )}
        <DetailsState known={known.length + others.length} />
      </div>
      <footer class="panel-foot">
        {selection.live ? (
          <TextButton
            icon="follow"
            pressed={store.following.value}
            onClick={() => store.follow(!store.following.value)}
          >
            {store.following.value ? words.feature.following : words.feature.follow}
          </TextButton>
        ) : (
          <GoThere selection={selection} />
        )}
        <a class="text-button" href={itemUrl(store.config, selection)} target="_blank" rel="noreferrer">
          <Icon name="link" size={16} />
          <span>{words.feature.json}</span>
        </a>
      </footer>
      <Alternatives />
    </section>
  );
}

function Attribute({ row }: { row: AttributeRow }) {
  return (
    <div class={`attribute${row.empty ? ' empty' : ''}`}>
      <dt title={row.name}>{row.title}</dt>
      <dd>{row.value}</dd>
    </div>
  );
}

function DetailsState({ known }: { known: number }) {
  const store = useStore();
  const words = store.words.value;
  switch (store.details.value.phase) {
    case 'loading':
      return known > 0 ? null : <p class="sentence">{words.feature.loading}</p>;
    case 'gone':
      return <p class="sentence">{words.feature.gone}</p>;
    case 'failed':
      return (
        <p class="sentence">
          {words.feature.failed}{' '}
          <button type="button" class="link" onClick={() => void store.readDetails()}>
            {words.app.retry}
          </button>
        </p>
      );
    default:
      return known > 0 ? null : <p class="sentence">{words.feature.none}</p>;
  }
}

function GoThere({ selection }: { selection: Selection }) {
  const store = useStore();
  const { place } = selection;
  if (!place) return null;
  const reach = 0.0012; // degrees, about 130 m
  return (
    <TextButton
      icon="target"
      onClick={() => store.goToBox([place[0] - reach, place[1] - reach, place[0] + reach, place[1] + reach])}
    >
      {store.words.value.feature.zoomTo}
    </TextButton>
  );
}

function Alternatives() {
  const store = useStore();
  const language = store.language.value;
  const others = store.alternatives.value;
  if (others.length === 0) return null;
  return (
    <nav class="alternatives" aria-label={store.words.value.feature.more}>
      <span class="quiet">{store.words.value.feature.more}</span>
      {others.map(other => (
        <button
          type="button"
          class="chip"
          key={`${other.layer}/${other.id}`}
          onClick={() => store.pickAlternative(other)}
        >
          {nameOf(store.layer(other.layer), other.properties, language)}
        </button>
      ))}
    </nav>
  );
}
