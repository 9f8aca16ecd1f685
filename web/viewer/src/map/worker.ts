import { setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';

/** Tells MapLibre where its worker is: a file of this server, as the Content-Security-Policy asks. */
export function installWorker(): void {
  setWorkerUrl(workerUrl);
}
