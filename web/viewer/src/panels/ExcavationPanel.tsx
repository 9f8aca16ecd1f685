import { useStore } from '../app/context';
import { download } from '../app/process';
import { type Contents, type Excavated, type ExcavatedTotal, sizeOf } from '../excavation/contents';
import { depths } from '../excavation/excavation';
import { kindInWords } from '../excavation/kinds';
import { formatNumber } from '../format/number';
import { IconButton, TextButton } from '../ui/Button';

/** Rows that the table shows; the CSV has all. */
const shownRows = 300;

/** What lies in the pit that the user draws: depth, totals, table and CSV. */
export function ExcavationPanel() {
  const store = useStore();
  const tool = store.excavation;
  const phase = tool.phase.value;
  if (phase === 'off' || store.selection.value || store.measuring.phase.value !== 'off') return null;
  const words = store.words.value.excavation;
  return (
    <section class="feature excavation card" aria-label={words.label}>
      <header class="panel-head feature-head">
        <div class="feature-name">
          <h2>{words.label}</h2>
        </div>
        <IconButton icon="close" label={words.close} onClick={() => store.excavate(false)} />
      </header>
      <div class="panel-body">
        <DepthSlider />
        {phase === 'drawing' ? <Drawing /> : <Found />}
        {phase === 'open' && store.bodiesLoading.value && (
          <p class="sentence quiet bodies-loading" role="status">
            {words.bodies}
          </p>
        )}
      </div>
      {phase === 'open' && (
        <footer class="panel-foot">
          <TextButton icon="copy" onClick={() => void download(tool.table(), 'excavation.csv')}>
            {words.csv}
          </TextButton>
          <TextButton icon="retry" onClick={() => store.excavate(true)}>
            {words.again}
          </TextButton>
        </footer>
      )}
    </section>
  );
}

function DepthSlider() {
  const store = useStore();
  const words = store.words.value.excavation;
  const depth = store.excavation.depth.value;
  return (
    <label class="excavation-depth">
      <span>{words.depth}</span>
      <input
        type="range"
        min={depths.min}
        max={depths.max}
        step={depths.step}
        value={depth}
        onInput={event => store.excavation.setDepth(event.currentTarget.valueAsNumber)}
      />
      <output>{formatNumber(depth, store.language.value, 1)} m</output>
    </label>
  );
}

function Drawing() {
  const store = useStore();
  const words = store.words.value.excavation;
  const corners = store.excavation.corners.value;
  return (
    <>
      <p class="sentence">{words.hint}</p>
      {corners > 0 && <p class="sentence quiet">{words.corners(String(corners))}</p>}
    </>
  );
}

function Found() {
  const store = useStore();
  const words = store.words.value;
  const answer = store.excavation.answer.value;
  if (answer.phase === 'failed')
    return (
      <p class="sentence" role="alert">
        {answer.sentence || words.excavation.failed}{' '}
        <button type="button" class="link" onClick={() => void store.excavation.read()}>
          {words.app.retry}
        </button>
      </p>
    );
  if (!answer.contents) return <p class="sentence">{words.excavation.loading}</p>;
  return <Inventory contents={answer.contents} busy={answer.phase === 'loading'} />;
}

function Inventory({ contents, busy }: { contents: Contents; busy: boolean }) {
  const store = useStore();
  const words = store.words.value.excavation;
  const language = store.language.value;
  const number = (value: number, digits = 0) => formatNumber(value, language, digits);
  const kindOf = (total: ExcavatedTotal) =>
    [store.title(total.layer), kindInWords(total, store.config.layers, language)].filter(Boolean).join(' · ');
  const { items, totals } = contents;
  return (
    <div class="excavation-found" aria-busy={busy}>
      <p class="sentence">{words.pit(number(contents.area), number(contents.volume))}</p>
      {items.length === 0 && <p class="sentence">{words.empty}</p>}
      {totals.length > 0 && (
        <table class="excavation-table">
          <thead>
            <tr>
              <th>{words.totals}</th>
              <th class="figure">{words.count}</th>
              <th class="figure">{words.length} (m)</th>
            </tr>
          </thead>
          <tbody>
            {totals.map(total => (
              <tr key={`${total.layer}/${total.kind ?? ''}/${total.kindName ?? ''}`}>
                <td>{kindOf(total)}</td>
                <td class="figure">{number(total.count)}</td>
                <td class="figure">{total.length > 0 ? total.length.toFixed(2) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {items.length > 0 && (
        <table class="excavation-table">
          <thead>
            <tr>
              <th>{words.what}</th>
              <th>{words.size}</th>
              <th class="figure" title={words.coverHint}>
                {words.cover} (m)
              </th>
              <th class="figure">{words.length} (m)</th>
            </tr>
          </thead>
          <tbody>
            {items.slice(0, shownRows).map(item => (
              <Row key={`${item.layer}/${item.id}`} item={item} />
            ))}
          </tbody>
        </table>
      )}
      {items.length > shownRows && (
        <p class="sentence quiet">{words.more(number(items.length - shownRows))}</p>
      )}
    </div>
  );
}

function Row({ item }: { item: Excavated }) {
  const store = useStore();
  const words = store.words.value.excavation;
  const kind = kindInWords(item, store.config.layers, store.language.value);
  const pick = () => store.pick([{ layer: item.layer, id: item.id, live: false, properties: {} }]);
  return (
    <tr>
      <td>
        <button type="button" class="link" onClick={pick}>
          {item.name || item.id}
        </button>
        <span class="quiet">
          {[item.part || kind || store.title(item.layer), item.material].filter(Boolean).join(' · ')}
        </span>
      </td>
      <td class="excavation-size">{sizeOf(item)}</td>
      <td class="figure">
        {coverOf(item)}
        {item.assumed && <span class="quiet">{words.assumed}</span>}
        {(item.depthMin ?? 0) < 0 && <span class="quiet">{words.above}</span>}
      </td>
      <td class="figure">{item.length?.toFixed(2) ?? ''}</td>
    </tr>
  );
}

/** The ground above a pipe, of a point its depth. */
function coverOf({ depthMin, depthMax, length }: Excavated): string {
  if (depthMin === undefined || depthMax === undefined) return '';
  const [low, high] = [depthMin.toFixed(2), depthMax.toFixed(2)];
  return length === undefined || low === high ? high : `${low} – ${high}`;
}
