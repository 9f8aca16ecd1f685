import type { Config } from '../config/config';
import { contrast } from '../theme/contrast';
import { palettes, type Theme } from '../theme/tokens';
import type { LiveLook } from './liveLayer';

/** How the live layers are drawn in a theme, from their legends. */
export function liveLooks(config: Config, theme: Theme): LiveLook[] {
  const palette = palettes[theme];
  return config.layers
    .filter(layer => layer.live)
    .map(layer => {
      const entry = layer.legend[0];
      const color = hexOr(entry?.color[theme], palette.accent);
      const symbol =
        entry?.symbol ?? (layer.kind === 'train' ? 'square' : layer.kind === 'vehicle' ? 'arrow' : 'circle');
      return { id: layer.id, symbol, color, ink: inkOn(color) };
    });
}

/** The letters' colour that reads best on a colour: near black or white. */
export function inkOn(color: string): string {
  return contrast(color, '#0c1422') >= contrast(color, '#ffffff') ? '#0c1422' : '#ffffff';
}

function hexOr(color: string | undefined, fallback: string): string {
  return color && /^#[0-9a-f]{6}$/i.test(color) ? color : fallback;
}
