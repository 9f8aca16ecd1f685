import type { Config, LayerConfig } from '../config/config';
import { type Dictionary, type Language, textIn } from '../i18n';

/** The layers of one city. */
export interface TreeGroup {
  id: string;
  title: string;
  layers: LayerConfig[];
}

/**
 * The layers by city, in the order of the server's groups and of the layers
 * they name; layers that no group names follow by kind, those of no group next,
 * and what is drawn below all of them last.
 */
export function layerTree(config: Config, language: Language, words: Dictionary): TreeGroup[] {
  const titles = words.groups as Record<string, string>;
  const groups = new Map<string, TreeGroup>();
  const placed = new Set<string>();
  for (const { id, title, layers } of config.groups) {
    const named = layers.flatMap(name =>
      config.layers.filter(layer => layer.id === name && !placed.has(name)),
    );
    for (const layer of named) placed.add(layer.id);
    groups.set(id, { id, title: textIn(title, language, titles[id] ?? id), layers: named });
  }
  const rest = config.layers.filter(({ id }) => !placed.has(id)).sort((a, b) => rank(a) - rank(b));
  for (const layer of rest) {
    const id = layer.group || 'other';
    let group = groups.get(id);
    if (!group) {
      group = { id, title: titles[id] ?? id, layers: [] };
      groups.set(id, group);
    }
    group.layers.push(layer);
  }
  const all = [...groups.values()].filter(({ layers }) => layers.length > 0);
  const tree = [...all.filter(({ id }) => id !== 'other'), ...all.filter(({ id }) => id === 'other')];
  if (config.bases.length > 0) tree.push({ id: 'bases', title: words.groups.bases, layers: config.bases });
  return tree;
}

/** What moves comes first, then the built city from the top down. */
const order = [
  'train',
  'vehicle',
  'event',
  'sensor',
  'building',
  'station',
  'rail',
  'street',
  'part',
  'node',
  'pipe',
  'block',
  'water',
  'cell',
  'feature',
];

function rank(layer: LayerConfig): number {
  const at = order.indexOf(layer.kind);
  return (layer.live ? 0 : 100) + (at < 0 ? order.length : at);
}

/** A layer's title in the tree, without what stands beside it anyway: its group's name, the mark of its provenance. */
export function shortTitle(title: string, group: string): string {
  const marked = title.replace(/\s*[(（](generated|estimated|生成|生成数据|推算)[)）]\s*$/i, '') || title;
  if (!marked.toLowerCase().startsWith(group.toLowerCase())) return marked;
  const rest = marked.slice(group.length).replace(/^[\s:：·,，—–-]+/, '');
  return rest === '' ? marked : rest.charAt(0).toUpperCase() + rest.slice(1);
}
