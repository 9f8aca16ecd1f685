import { useStore } from '../app/context';
import type { Quantity } from '../measure/figures';
import type { Units } from '../measure/units';
import { figureRows } from '../measure/words';
import { IconButton, TextButton } from '../ui/Button';
import { Choice } from '../ui/Choice';
import { CopyButton } from './CopyButton';

const quantities: readonly Quantity[] = ['length', 'area', 'height'];

/** The tool that measures: what, the figures so far, and how they are meant. */
export function MeasurePanel() {
  const store = useStore();
  const tool = store.measuring;
  const phase = tool.phase.value;
  if (phase === 'off') return null;
  const words = store.words.value.measure;
  const quantity = tool.quantity.value;
  const writing = { words, language: store.language.value, units: tool.units.value };
  const rows = figureRows(tool.figures.value, quantity, writing);
  return (
    <section class="feature measure card" aria-label={words.label}>
      <header class="panel-head feature-head">
        <div class="feature-name">
          <h2>{words.label}</h2>
        </div>
        <IconButton icon="close" label={words.close} onClick={() => store.measure(false)} />
      </header>
      <div class="panel-body">
        <Choice
          label={words.label}
          options={quantities.map(id => ({ id, text: words.quantity[id] }))}
          chosen={quantity}
          choose={id => tool.start(id)}
        />
        {rows.length === 0 ? (
          <p class="sentence">{words.hint[quantity]}</p>
        ) : (
          <dl class="measure-figures" aria-live={phase === 'done' ? 'polite' : 'off'}>
            {rows.map(({ name, value }, i) => (
              <div key={name} class={i === 0 ? 'measure-main' : ''}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        )}
        <p class="sentence quiet">
          {words.spheroid}
          {quantity === 'height' && ` ${tool.overDatum.value ? words.datum : words.noDatum}`}
        </p>
      </div>
      <footer class="panel-foot measure-foot">
        <Choice<Units>
          label={words.units}
          options={[
            { id: 'metric', text: words.metric },
            { id: 'imperial', text: words.imperial },
          ]}
          chosen={tool.units.value}
          choose={units => tool.setUnits(units)}
        />
        {rows.length > 0 && (
          <CopyButton
            label={words.copy}
            text={rows.map(({ name, value }) => `${name}\t${value}`).join('\n')}
          />
        )}
        {phase === 'done' && (
          <TextButton icon="retry" onClick={() => tool.start()}>
            {words.again}
          </TextButton>
        )}
      </footer>
    </section>
  );
}
