import { useState } from 'preact/hooks';
import { useStore } from '../app/context';
import { layerTree, shortTitle, type TreeGroup } from '../app/layerTree';
import type { LayerConfig } from '../config/config';
import { formatNumber } from '../format/number';
import { textIn } from '../i18n';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { Swatch } from '../ui/Swatch';
import { Switch } from '../ui/Switch';
import { LayerDetails } from './LayerDetails';
import { SensorLegend } from './SensorLegend';

/** The layers of each city with switches, counts and legend. */
export function LayerPanel() {
  const store = useStore();
  const words = store.words.value;
  if (!store.layersOpen.value) return null;
  const groups = layerTree(store.config, store.language.value, words);
  return (
    <section class="layers card" id="layers-panel" aria-label={words.layers.title}>
      <header class="panel-head">
        <h2>{words.layers.title}</h2>
        <IconButton icon="close" label={words.layers.close} onClick={() => store.setLayersOpen(false)} />
      </header>
      <div class="panel-body">
        {groups.length === 0 && <p class="sentence">{words.layers.empty}</p>}
        {groups.map(group => (
          <GroupSection key={group.id} group={group} />
        ))}
      </div>
      <SensorLegend />
    </section>
  );
}

function GroupSection({ group }: { group: TreeGroup }) {
  const store = useStore();
  const words = store.words.value;
  const [open, setOpen] = useState(true);
  const on = group.layers.filter(({ id }) => !store.hidden.value.has(id)).length;
  return (
    <section class="group">
      <header class="group-head">
        <button type="button" class="group-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span class={`chevron${open ? ' open' : ''}`}>
            <Icon name="chevron" size={14} />
          </span>
          <h3>{group.title}</h3>
        </button>
        <Switch
          on={on > 0}
          mixed={on > 0 && on < group.layers.length}
          label={words.layers.group(group.title)}
          onChange={visible => {
            for (const { id } of group.layers) store.showLayer(id, visible);
          }}
        />
      </header>
      {open && (
        <ul class="layer-list">
          {group.layers.map(layer => (
            <LayerRow key={layer.id} layer={layer} group={group.title} />
          ))}
        </ul>
      )}
    </section>
  );
}

function LayerRow({ layer, group }: { layer: LayerConfig; group: string }) {
  const store = useStore();
  const words = store.words.value;
  const language = store.language.value;
  const [open, setOpen] = useState(false);
  const title = textIn(layer.title, language, layer.id);
  const visible = !store.hidden.value.has(layer.id);
  const entry = layer.legend[0];
  return (
    <li class={`layer${visible ? '' : ' off'}`}>
      <div class="layer-row">
        <button
          type="button"
          class="layer-title"
          aria-expanded={open}
          title={words.layers.details(title)}
          onClick={() => setOpen(!open)}
        >
          {entry ? (
            <Swatch symbol={entry.symbol} color={entry.color[store.theme.value]} />
          ) : (
            <span class="swatch" />
          )}
          <span class="layer-text">
            <span class="layer-line">
              <span class="layer-name">{shortTitle(title, group)}</span>
              <ProvenanceMark layer={layer} />
            </span>
            {layer.live && <LiveCount layer={layer} />}
          </span>
          {!layer.live && layer.kind !== 'base' && (
            <span class="count">
              {formatNumber(store.objects.value.get(layer.id) ?? layer.count, language)}
            </span>
          )}
        </button>
        <Switch
          on={visible}
          label={words.layers.show(title)}
          onChange={on => store.showLayer(layer.id, on)}
        />
      </div>
      {open && <LayerDetails layer={layer} />}
    </li>
  );
}

/** Says of generated and estimated layers what they are. */
export function ProvenanceMark({ layer }: { layer: LayerConfig }) {
  const words = useStore().words.value.layers;
  if (layer.provenance === '') return null;
  const generated = layer.provenance === 'generated';
  return (
    <span class="mark" title={generated ? words.generatedHint : words.estimatedHint}>
      {generated ? words.generated : words.estimated}
    </span>
  );
}

function LiveCount({ layer }: { layer: LayerConfig }) {
  const store = useStore();
  const words = store.words.value.layers;
  const language = store.language.value;
  const counts = store.counts.value.get(layer.id);
  if (!counts)
    return <span class="count">{store.hidden.value.has(layer.id) ? words.off : words.silent}</span>;
  const silent = counts.stale + counts.offline;
  if (store.status.value.phase === 'reconnecting')
    return <span class="count">{words.lastHeard(formatNumber(counts.live + silent, language))}</span>;
  return (
    <span class="count">
      {words.live(formatNumber(counts.live, language))}
      {silent > 0 && <span class="count-stale"> · {words.stale(formatNumber(silent, language))}</span>}
    </span>
  );
}
