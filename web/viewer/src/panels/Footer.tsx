import { useStore } from '../app/context';
import { formatPosition } from '../format/number';

/** Where the camera stands, and who is to be named for what it shows. */
export function Footer() {
  const store = useStore();
  const { lon, lat, zoom } = store.camera.value;
  const digits = Math.max(2, Math.min(5, Math.ceil(zoom / 3)));
  const sources = new Set<string>();
  for (const layer of store.config.layers) {
    if (layer.attribution && !store.hidden.value.has(layer.id)) sources.add(layer.attribution);
  }
  return (
    <footer class="foot">
      <span class="foot-place">
        {formatPosition(lon, lat, digits)} · z{zoom.toFixed(1)}
      </span>
      <span class="foot-sources">{[...sources, 'MapLibre'].join(' · ')}</span>
    </footer>
  );
}
