import { describe, expect, it } from 'vitest';
import { testLayer } from '../testing/config';
import { kindInWords } from './kinds';

const entry = (zh: string, en: string) => ({
  label: { zh, en },
  color: { light: '#000', dark: '#fff' },
  symbol: 'line' as const,
});
const layers = [
  testLayer({ id: 'streets', kind: 'street', legend: [entry('高速 TX', 'Motorway (TX)')] }),
  testLayer({
    id: 'pipes',
    kind: 'pipe',
    legend: [entry('燃气 RQ', 'Gas (RQ)'), entry('通信 TX', 'Telecom (TX)')],
  }),
  testLayer({ id: 'nodes', kind: 'node' }),
];

describe('the kind of what lies in a pit', () => {
  it('of a node is named as the legend of the pipes does', () => {
    const node = { layer: 'nodes', kind: 'RQ' };
    expect(kindInWords(node, layers, 'zh')).toBe('燃气 RQ');
    expect(kindInWords(node, layers, 'en')).toBe('Gas (RQ)');
    expect(kindInWords({ layer: 'nodes', kind: 'TX' }, layers, 'en'), 'not the street').toBe('Telecom (TX)');
  });

  it('has its own name first, and its code where nobody names it', () => {
    expect(kindInWords({ layer: 'pipes', kind: 'RQ', kindName: '中压燃气' }, layers, 'en')).toBe('中压燃气');
    expect(kindInWords({ layer: 'nodes', kind: 'Q' }, layers, 'en'), 'not part of another').toBe('Q');
    expect(kindInWords({ layer: 'nodes' }, layers, 'en')).toBe('');
  });
});
