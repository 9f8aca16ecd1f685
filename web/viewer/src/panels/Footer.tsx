import { attributions } from '../app/attributions';
import { useStore } from '../app/context';
import { formatPosition } from '../format/number';

/** Where the camera stands, and who is to be named for what it shows. */
export function Footer() {
  const store = useStore();
  const camera = store.camera.value;
  const digits = Math.max(2, Math.min(5, Math.ceil(camera.zoom / 3)));
  const shown = [...store.config.layers, ...store.config.bases].filter(
    ({ id }) => !store.hidden.value.has(id),
  );
  return (
    <footer class="foot">
      <span class="foot-place">
        {formatPosition(camera.lon, camera.lat, digits)} · z{camera.zoom.toFixed(1)}
      </span>
      <span class="foot-sources">
        {[...attributions(shown, camera, window.innerWidth), 'MapLibre'].join(' · ')}
      </span>
    </footer>
  );
}
