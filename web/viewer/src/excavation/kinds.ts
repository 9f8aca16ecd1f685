import type { LayerConfig } from '../config/config';
import { type Language, textIn } from '../i18n';

/** What an item says of its kind. */
interface OfKind {
  layer: string;
  kind?: string;
  kindName?: string;
}

/**
 * The kind of a pipe or node in words: its own name, else what the legend of its
 * layer, or of a layer of pipes, calls its code ("Gas (RQ)"), else the code.
 */
export function kindInWords(item: OfKind, layers: readonly LayerConfig[], language: Language): string {
  const { kind } = item;
  if (item.kindName) return item.kindName;
  if (!kind) return '';
  const own = layers.filter(({ id }) => id === item.layer);
  const pipes = layers.filter(layer => layer.kind === 'pipe' && layer.id !== item.layer);
  for (const { legend } of [...own, ...pipes]) {
    const entry = legend.find(({ label }) => endsWithCode(label.zh, kind) || endsWithCode(label.en, kind));
    if (entry) return textIn(entry.label, language, kind);
  }
  return kind;
}

/** Whether a label ends with a code, as 燃气 RQ and Gas (RQ) do. */
function endsWithCode(label: string | undefined, code: string): boolean {
  return label !== undefined && (label.endsWith(` ${code}`) || label.endsWith(`(${code})`));
}
