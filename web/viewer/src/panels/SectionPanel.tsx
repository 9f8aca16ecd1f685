import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../app/context';
import { download } from '../app/process';
import type { Store } from '../app/store';
import { sizeOf } from '../excavation/contents';
import { kindInWords } from '../excavation/kinds';
import { formatLength } from '../measure/units';
import { layOut } from '../section/drawing';
import { type Crossing, type CutBuilding, isPipe, type Profile } from '../section/profile';
import { IconButton, TextButton } from '../ui/Button';
import { Choice } from '../ui/Choice';

/** The drawing of the section that the user cuts, with a table and CSV. */
export function SectionPanel() {
  const store = useStore();
  const tool = store.section;
  const phase = tool.phase.value;
  if (phase === 'off') return null;
  const words = store.words.value.section;
  return (
    <section
      class={`section-panel card${phase === 'drawing' ? ' section-hint' : ''}`}
      aria-label={words.label}
    >
      <header class="panel-head">
        <h2>{words.label}</h2>
        {phase === 'open' && (
          <div class="section-tools">
            <Choice
              label={words.scale}
              options={[
                { id: 'depth', text: words.depth },
                { id: 'elevation', text: words.elevation },
              ]}
              chosen={tool.scale.value}
              choose={scale => {
                tool.scale.value = scale;
              }}
            />
            <TextButton icon="copy" onClick={() => void download(tool.table(), 'section.csv')}>
              {words.csv}
            </TextButton>
            <TextButton icon="retry" onClick={() => store.cutSection(true)}>
              {words.again}
            </TextButton>
          </div>
        )}
        <IconButton icon="close" label={words.close} onClick={() => store.cutSection(false)} />
      </header>
      {phase === 'drawing' ? <p class="sentence">{words.hint}</p> : <Found />}
    </section>
  );
}

function Found() {
  const store = useStore();
  const words = store.words.value;
  const answer = store.section.answer.value;
  if (answer.phase === 'failed')
    return (
      <p class="sentence" role="alert">
        {answer.sentence || words.section.failed}{' '}
        <button type="button" class="link" onClick={() => void store.section.read()}>
          {words.app.retry}
        </button>
      </p>
    );
  if (!answer.profile) return <p class="sentence">{words.section.loading}</p>;
  return <Sheet profile={answer.profile} />;
}

function Sheet({ profile }: { profile: Profile }) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<{ width: number; height: number } | undefined>();
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div class="section-sheet">
      <div class="section-drawing" ref={box}>
        {size && size.width > 120 && <DrawingOf profile={profile} {...size} />}
      </div>
      <Table profile={profile} />
    </div>
  );
}

function DrawingOf({ profile, width, height }: { profile: Profile; width: number; height: number }) {
  const store = useStore();
  const words = store.words.value.section;
  const theme = store.theme.value;
  const language = store.language.value;
  const scale = store.section.scale.value;
  const d = layOut(profile, scale, width, height);
  const picked = store.selection.value;
  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={words.drawing(
        formatLength(profile.length, 'metric', language),
        String(profile.items.length),
      )}
    >
      {d.heights.map(value => (
        <g key={value} class="section-grid">
          <line x1={d.left} x2={d.right} y1={d.y(value)} y2={d.y(value)} />
          <text x={d.left - 6} y={d.y(value) + 4} text-anchor="end">
            {scale === 'depth' ? (value === 0 ? '0' : value > 0 ? `+${value}` : `${-value}`) : value}
          </text>
        </g>
      ))}
      {d.distances.map(value => (
        <g key={value} class="section-grid">
          <line x1={d.x(value)} x2={d.x(value)} y1={d.top} y2={d.bottom} />
          <text x={d.x(value)} y={d.bottom + 15} text-anchor="middle">
            {value}
          </text>
        </g>
      ))}
      <text class="section-unit" x={d.left - 6} y={13} text-anchor="end">
        m
      </text>
      <text class="section-unit" x={d.left} y={13}>
        {scale === 'depth' ? words.depthAxis : words.elevationAxis}
      </text>
      <polygon class="section-earth" points={`${d.ground} ${d.right},${d.bottom} ${d.left},${d.bottom}`} />
      {d.buildings.map(({ item, x, width: wide, y }) => {
        const { id, name } = profile.buildings[item] as CutBuilding;
        return (
          <rect
            key={`${id}/${x}`}
            class="section-building"
            x={x}
            y={d.top - 4}
            width={wide}
            height={y - d.top + 4}
          >
            <title>{name || id}</title>
          </rect>
        );
      })}
      <polyline class="section-ground" points={d.ground} />
      {d.shapes.map(shape => {
        const item = profile.items[shape.item] as Crossing;
        const { x, y, rx, ry, form } = shape;
        const chosen = picked?.layer === item.layer && picked.id === item.id;
        const pick = () => store.pick([{ layer: item.layer, id: item.id, live: false, properties: {} }]);
        return (
          // biome-ignore lint/a11y/useSemanticElements: SVG has no button; the table beside has some.
          <g
            key={shape.item}
            class={`section-item${chosen ? ' picked' : ''}${item.assumed ? ' assumed' : ''}`}
            role="button"
            tabIndex={0}
            onClick={pick}
            onKeyDown={event => event.key === 'Enter' && pick()}
          >
            <title>{told(item, kindInWords(item, store.config.layers, store.language.value), store)}</title>
            {form === 'ellipse' ? (
              <ellipse cx={x} cy={y} rx={rx} ry={ry} fill={item.color[theme]} />
            ) : (
              <rect
                class={form === 'shaft' ? 'section-shaft' : ''}
                x={x - rx}
                y={y - ry}
                width={2 * rx}
                height={2 * ry}
                {...(form === 'box' ? { fill: item.color[theme] } : { stroke: item.color[theme] })}
              />
            )}
            {shape.labelled && (
              <text x={x} y={y - ry - 4} text-anchor="middle">
                {sizeOf(item)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

function told(item: Crossing, kind: string, store: Store): string {
  const parts = [item.name || item.id, item.part || kind || store.title(item.layer), sizeOf(item)];
  if (item.depth !== undefined) parts.push(`${store.words.value.section.cover} ${item.depth.toFixed(2)} m`);
  return parts.filter(Boolean).join(' · ');
}

function Table({ profile }: { profile: Profile }) {
  const store = useStore();
  const words = store.words.value.section;
  const pipes = profile.items.filter(isPipe);
  const kindOf = (item: Crossing) => kindInWords(item, store.config.layers, store.language.value);
  if (profile.items.length === 0) return <p class="sentence section-table">{words.empty}</p>;
  return (
    <div class="section-table">
      <table class="excavation-table">
        <thead>
          <tr>
            <th class="figure">{words.at}</th>
            <th>{words.what}</th>
            <th>{words.size}</th>
            <th class="figure">{words.cover} (m)</th>
            <th class="figure">{words.invert}</th>
          </tr>
        </thead>
        <tbody>
          {pipes.map((item, i) => (
            <tr key={`${item.layer}/${item.id}/${i}`}>
              <td class="figure">{item.at.toFixed(2)}</td>
              <td>
                <button
                  type="button"
                  class="link"
                  onClick={() =>
                    store.pick([{ layer: item.layer, id: item.id, live: false, properties: {} }])
                  }
                >
                  {item.name || item.id}
                </button>
                <span class="quiet">
                  {[kindOf(item) || store.title(item.layer), item.assumed ? words.assumed : '']
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </td>
              <td class="excavation-size">{sizeOf(item)}</td>
              <td class="figure">{item.depth?.toFixed(2) ?? ''}</td>
              <td class="figure">{item.invert?.toFixed(2) ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
