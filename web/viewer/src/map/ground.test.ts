import type { LayerSpecification } from 'maplibre-gl';
import { describe, expect, it } from 'vitest';
import { solidsBefore } from './ground';

const layer = (id: string, type: string, more: object = {}) => ({ id, type, ...more }) as LayerSpecification;

const style = [
  layer('ground', 'background'),
  layer('pipes', 'line'),
  layer('manholes', 'circle', { paint: { 'circle-pitch-alignment': 'map' } }),
  layer('manholes-icon', 'symbol'),
  layer('pipes-label', 'symbol', { layout: { 'symbol-placement': 'line' } }),
  layer('buildings-solid', 'fill-extrusion'),
  layer('stations', 'circle'),
  layer('stations-label', 'symbol', { layout: { 'text-field': 'x' } }),
];

describe('solidsBefore', () => {
  it('shows all symbols in a plan', () => {
    expect(solidsBefore(style, false)).toBe('manholes');
  });

  it('hides what lies on the ground behind buildings where the map leans, not the names of places', () => {
    expect(solidsBefore(style, true)).toBe('stations');
  });

  it('is last where nothing stands over solids', () => {
    expect(solidsBefore(style.slice(0, 3), true)).toBeUndefined();
    expect(solidsBefore(style.slice(0, 2), false)).toBeUndefined();
    expect(solidsBefore([], true)).toBeUndefined();
  });
});
