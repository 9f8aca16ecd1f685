import { attributions } from '../app/attributions';
import { useStore } from '../app/context';

/** Who is to be named for what the map shows. */
export function MapSources() {
  const store = useStore();
  const shown = [...store.config.layers, ...store.config.bases].filter(
    ({ id }) => !store.hidden.value.has(id),
  );
  const names = attributions(shown, store.camera.value, window.innerWidth / 2);
  return <p class="map-sources">{[...names, 'MapLibre'].join(' · ')}</p>;
}
