import { useEffect, useRef } from 'preact/hooks';
import { useStore } from '../app/context';
import type { LayerConfig } from '../config/config';
import { formatNumber } from '../format/number';
import { textIn } from '../i18n';
import { palettes } from '../theme/tokens';
import { TextButton } from '../ui/Button';
import { Swatch } from '../ui/Swatch';

/** Legend, opacity and origin of a layer. */
export function LayerDetails({ layer }: { layer: LayerConfig }) {
  const store = useStore();
  const words = store.words.value;
  const language = store.language.value;
  const theme = store.theme.value;
  const title = textIn(layer.title, language, layer.id);
  const opacity = store.opacity.value.get(layer.id) ?? 1;
  const first = layer.legend[0];
  const details = useRef<HTMLDivElement>(null);
  // Those of the lowest row open below the end of the list.
  useEffect(() => details.current?.scrollIntoView({ block: 'nearest' }), []);
  return (
    <div class="layer-details" ref={details}>
      <ul class="legend">
        {layer.legend.map((entry, i) => (
          <li key={i}>
            <Swatch symbol={entry.symbol} color={entry.color[theme]} />
            <span>{textIn(entry.label, language, title)}</span>
          </li>
        ))}
        {layer.live && first && (
          <>
            {first.symbol === 'arrow' && (
              <li>
                <Swatch symbol="circle" color={first.color[theme]} />
                <span>{words.legend.standing}</span>
              </li>
            )}
            <li>
              <Swatch
                symbol={first.symbol === 'arrow' ? 'circle' : first.symbol}
                color={palettes[theme].stale}
                stale
              />
              <span>{words.legend.stale}</span>
            </li>
          </>
        )}
      </ul>
      <label class="opacity">
        <span>{words.layers.opacity}</span>
        <input
          type="range"
          min="10"
          max="100"
          step="5"
          value={Math.round(opacity * 100)}
          aria-valuetext={`${Math.round(opacity * 100)} %`}
          onInput={event => store.setOpacity(layer.id, Number(event.currentTarget.value) / 100)}
        />
        <output>{Math.round(opacity * 100)} %</output>
      </label>
      {!layer.live && store.camera.value.zoom < layer.minZoom && <p class="quiet">{words.layers.closer}</p>}
      {layer.live && <p class="quiet">{words.layers.objects(formatNumber(layer.count, language))}</p>}
      {layer.owner && (
        <p class="quiet">
          {words.layers.owner}: {layer.owner}
        </p>
      )}
      {layer.attribution && (
        <p class="quiet">
          {words.layers.source}: {layer.attribution}
        </p>
      )}
      {layer.bbox && (
        <TextButton icon="target" onClick={() => layer.bbox && store.goToBox(layer.bbox)}>
          {words.layers.zoomTo}
        </TextButton>
      )}
    </div>
  );
}
