import type { SymbolKind } from '../config/config';

/** A symbol of the legend in its colour, on the map's own ground. */
export function Swatch({
  symbol,
  color,
  stale = false,
}: {
  symbol: SymbolKind;
  color: string;
  stale?: boolean;
}) {
  return (
    <svg
      class="swatch"
      width="1.25rem"
      height="1.25rem"
      viewBox="0 0 20 20"
      aria-hidden="true"
      focusable="false"
    >
      <Shape symbol={symbol} color={color} />
      {stale && (
        <circle
          cx="10"
          cy="10"
          r="8.600"
          fill="none"
          stroke={color}
          stroke-width="1.6"
          stroke-dasharray="3.400 3.400"
        />
      )}
    </svg>
  );
}

function Shape({ symbol, color }: { symbol: SymbolKind; color: string }) {
  switch (symbol) {
    case 'fill':
      return (
        <rect
          x="3"
          y="4"
          width="14"
          height="12"
          rx="2.500"
          fill={color}
          stroke="currentColor"
          stroke-opacity="0.25"
        />
      );
    case 'line':
      return (
        <path
          d="M2.500 14.500C7 14.500 8 5.500 17.500 5.500"
          fill="none"
          stroke={color}
          stroke-width="3"
          stroke-linecap="round"
        />
      );
    case 'arrow':
      return <path d="M10 3.200l5.200 12.600L10 12.900l-5.200 2.900z" fill={color} />;
    case 'square':
      return <rect x="4" y="4" width="12" height="12" rx="3.500" fill={color} />;
    case 'diamond':
      return <path d="M10 3l7 7-7 7-7-7z" fill={color} />;
    default:
      return <circle cx="10" cy="10" r="4.800" fill={color} />;
  }
}
