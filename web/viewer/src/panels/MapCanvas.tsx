import { effect, untracked } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../app/context';
import type { Selection } from '../app/selection';
import { cameraOfBookmark, type Store, screenSize } from '../app/store';
import { CityMap } from '../map/cityMap';
import { PlainMap } from '../map/plainMap';
import { tileNotices } from './Notices';

/** Milliseconds that tiles may take before what there is of the map is shown. */
const patience = 2500;

type Fault = 'webgl' | 'failed';

/** The map, made again when the graphics card was taken away. */
export function MapCanvas() {
  const store = useStore();
  const words = store.words.value;
  const container = useRef<HTMLDivElement>(null);
  const [life, setLife] = useState(0);
  const [fault, setFault] = useState<Fault | undefined>();
  const [lost, setLost] = useState(false);
  const [partial, setPartial] = useState(false);

  // A new life makes a new map.
  useEffect(() => {
    const element = container.current;
    if (!element) return undefined;
    if (!hasWebGL2()) {
      store.opened.value = true;
      setFault('webgl');
      return plain(store, element, setPartial);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let curtain: ReturnType<typeof setTimeout> | undefined;
    let map: CityMap;
    try {
      map = new CityMap(
        {
          container: element,
          config: store.config,
          feed: store.feed,
          readings: store.readings,
          language: () => store.language.peek(),
          theme: store.theme.peek(),
          camera: store.camera.peek(),
          hidden: store.hidden.peek(),
          opacity: store.opacity.peek(),
          scale: store.scale,
          redMeansAlarm: store.wall,
          label: words.map.label,
          underground: store.underground.peek(),
        },
        {
          pick(entity, picks, place) {
            const candidates: Selection[] = picks.map(pick => ({ ...pick, live: false, place }));
            if (entity)
              candidates.unshift({
                layer: entity.layer,
                id: entity.id,
                live: true,
                properties: store.feed?.columns(entity.layer)?.properties(entity.slot) ?? {},
                place,
              });
            store.pick(candidates);
          },
          camera: camera => store.moved(camera),
          styled() {
            curtain = setTimeout(() => {
              store.opened.value = true;
            }, patience);
          },
          bodies(loading) {
            store.bodiesLoading.value = loading;
          },
          ready() {
            store.ready.value = true;
            store.opened.value = true;
            setLost(false);
          },
          error(layer) {
            if (layer === undefined) {
              store.opened.value = true;
              store.notify({ key: 'style', text: w => w.map.failed, retry: () => setLife(n => n + 1) });
            } else {
              store.notify({
                key: `${tileNotices}${layer}`,
                text: w => w.map.tiles(store.title(layer)),
                retry: () => store.reloadLayer(layer),
              });
            }
          },
          recovered: layer => store.dismiss(`${tileNotices}${layer}`),
          lost() {
            setLost(true);
            timer = setTimeout(() => setLife(n => n + 1), 800);
          },
          unfollowed() {
            store.following.value = false;
          },
        },
      );
    } catch {
      store.opened.value = true;
      setFault('failed');
      return undefined;
    }
    setFault(undefined);
    store.dismiss('style');
    store.attach(map);
    return () => {
      clearTimeout(timer);
      clearTimeout(curtain);
      store.attach(undefined);
      map.dispose();
    };
  }, [life]);

  return (
    <>
      <div class="map" ref={container} />
      {lost && !fault && <p class="map-message card">{words.map.lost}</p>}
      {fault && (
        <div class={`map-message card${fault === 'webgl' ? ' map-aside' : ''}`} role="alert">
          <p>{fault === 'webgl' ? words.map.noWebGL : words.map.failed}</p>
          {fault === 'webgl' && <p class="quiet">{words.map.plain}</p>}
          {fault === 'webgl' && partial && <p data-partial>{words.map.partial}</p>}
          <button type="button" class="primary" onClick={() => setLife(life + 1)}>
            {words.app.retry}
          </button>
        </div>
      )}
    </>
  );
}

function hasWebGL2(): boolean {
  try {
    const context = document.createElement('canvas').getContext('webgl2');
    context?.getExtension('WEBGL_lose_context')?.loseContext();
    return context !== null;
  } catch {
    return false;
  }
}

/** The map of a browser without WebGL 2: flat, and still. Returns how it ends. */
function plain(store: Store, container: HTMLElement, partial: (some: boolean) => void): () => void {
  const map = new PlainMap({
    container,
    layers: store.config.layers,
    camera: store.camera.peek(),
    theme: () => store.theme.peek(),
    hidden: () => store.hidden.peek(),
    moved: camera => store.moved(camera),
    partial,
    pick: found => store.pick(found ? [{ ...found, live: false }] : []),
  });
  store.flat.value = map;
  const stops = [
    effect(() => {
      store.theme.value;
      map.draw();
    }),
    effect(() => {
      store.hidden.value;
      map.moveTo(untracked(() => store.camera.value));
    }),
    effect(() => {
      const bookmark = store.config.bookmarks.find(({ id }) => id === store.bookmark.value);
      if (bookmark) map.moveTo(cameraOfBookmark(bookmark, screenSize()));
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    store.flat.value = undefined;
    map.dispose();
  };
}
