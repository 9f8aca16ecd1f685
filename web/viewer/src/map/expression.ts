import type { ExpressionSpecification } from 'maplibre-gl';

/** A number of a style, or an expression that gives one. */
export type Amount = number | ExpressionSpecification;

/**
 * A style's amount times a factor. Curves over zoom must stay the outermost
 * expression, so their outputs are multiplied one by one.
 */
export function multiply(amount: unknown, factor: number): Amount {
  if (typeof amount === 'number') return amount * factor;
  if (!Array.isArray(amount)) return factor;
  if (factor === 1) return amount as ExpressionSpecification;
  switch (amount[0]) {
    case 'interpolate':
    case 'interpolate-hcl':
    case 'interpolate-lab':
      return amount.map((part, i) =>
        i >= 4 && i % 2 === 0 ? multiply(part, factor) : part,
      ) as ExpressionSpecification;
    case 'step':
      return amount.map((part, i) =>
        i >= 2 && i % 2 === 0 ? multiply(part, factor) : part,
      ) as ExpressionSpecification;
    default:
      return ['*', factor, amount as ExpressionSpecification];
  }
}

/** A curve or steps over zoom that come later by so many levels; anything else as it is. */
export function shiftZoom(amount: unknown, by: number): unknown {
  if (!Array.isArray(amount)) return amount;
  const [kind] = amount;
  const steps = kind === 'step';
  if (!steps && !String(kind).startsWith('interpolate')) return amount;
  const input = amount[steps ? 1 : 2];
  if (!Array.isArray(input) || input[0] !== 'zoom') return amount;
  return amount.map((part, i) => (i >= 3 && i % 2 === 1 && typeof part === 'number' ? part + by : part));
}
