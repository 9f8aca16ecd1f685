import type { BBox, LayerConfig } from '../config/config';
import type { Camera } from '../url/state';

/** Those to be named for the layers that may be in view, each once, in the layers' order; ";" parts names. */
export function attributions(layers: readonly LayerConfig[], camera: Camera, widthPixels: number): string[] {
  // Generous: a tilted map shows far more than its scale says.
  const reach = (((360 / 2 ** camera.zoom) * widthPixels) / 512) * 2;
  const names = new Set<string>();
  for (const { attribution, bbox } of layers) {
    if (bbox && !near(bbox, camera, reach)) continue;
    for (const name of attribution.split(';')) if (name.trim()) names.add(name.trim());
  }
  // "MTA" beside "MTA, NYC Open Data" says nothing more.
  const all = [...names];
  return all.filter(
    name => !all.some(other => other !== name && other.split(',').some(part => part.trim() === name)),
  );
}

function near([west, south, east, north]: BBox, { lon, lat }: Camera, reach: number): boolean {
  return lon + reach >= west && lon - reach <= east && lat + reach >= south && lat - reach <= north;
}
