import type { Config, LayerConfig } from '../config/config';

/** A layer for tests; what is not given is empty. */
export function testLayer(given: Partial<LayerConfig> & { id: string }): LayerConfig {
  return {
    title: { zh: `${given.id}层`, en: given.id },
    kind: 'feature',
    geometryType: '',
    count: 0,
    bbox: null,
    minZoom: 0,
    maxZoom: 14,
    provenance: '',
    owner: '',
    attribution: '',
    live: false,
    readOnly: false,
    label: '',
    group: '',
    schema: [],
    legend: [],
    tilejson: '',
    tileset: '',
    items: `http://host/ogc/collections/${given.id}/items`,
    ...given,
  };
}

/** A city for tests. */
export function testConfig(layers: LayerConfig[], given: Partial<Config> = {}): Config {
  return {
    title: { zh: '城', en: 'City' },
    version: 'test',
    live: '',
    bookmarks: [],
    groups: [],
    styles: { light: '/light.json', dark: '/dark.json' },
    layers,
    bases: [],
    ...given,
  };
}
