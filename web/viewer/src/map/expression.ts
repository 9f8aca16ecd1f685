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
