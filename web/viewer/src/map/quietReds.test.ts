import type { StyleSpecification } from 'maplibre-gl';
import { describe, expect, it } from 'vitest';
import { luminance, parseHex } from '../theme/contrast';
import { palettes } from '../theme/tokens';
import { quietRed, quietReds } from './quietReds';

describe('quietRed', () => {
  it.each(['#ee352e', '#d42428', '#e05259', '#ff6319', '#ff0000'])('takes the signal out of %s', color => {
    const quiet = quietRed(color);
    const [r, g, b] = parseHex(quiet);
    expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThan(64);
    expect(r, 'it still is of a reddish grey').toBeGreaterThanOrEqual(Math.max(g, b));
    expect(luminance(quiet)).toBeGreaterThan(luminance(color) * 0.6);
  });

  it.each(['#00933c', '#2850ad', '#ffffff', '#808080', '#fccc0a', '#b933ad', 'red', 'name', '#12345'])(
    'leaves %s as it is',
    color => expect(quietRed(color)).toBe(color),
  );

  it('leaves no colour of the map that could be taken for an alarm', () => {
    for (const { alarm } of Object.values(palettes)) expect(quietRed(alarm)).not.toBe(alarm);
  });
});

describe('quietReds', () => {
  it('goes through expressions, and changes nothing but colours', () => {
    const style = {
      version: 8,
      sources: {},
      layers: [
        { id: 'ground', type: 'background', paint: { 'background-color': '#0c1422' } },
        {
          id: 'subway',
          type: 'line',
          source: 's',
          paint: {
            'line-color': ['match', ['get', 'line'], '1', '#ee352e', '4', '#00933c', '#808183'],
            'line-width': 3,
          },
        },
      ],
    } as unknown as StyleSpecification;
    const before = structuredClone(style);
    const quiet = quietReds(style);
    expect(quiet.layers[0]).toEqual(style.layers[0]);
    expect(quiet.layers[1]?.paint).toEqual({
      'line-color': ['match', ['get', 'line'], '1', quietRed('#ee352e'), '4', '#00933c', '#808183'],
      'line-width': 3,
    });
    expect(style, 'the server’s style is not touched').toEqual(before);
  });
});
