import type { Geometry, Position } from 'geojson';

/** The point of a geometry that stands for it: itself, the middle of a line, of an area its box's. */
export function placeOfGeometry(geometry: Geometry): [lon: number, lat: number] | undefined {
  switch (geometry.type) {
    case 'Point':
      return pair(geometry.coordinates);
    case 'LineString':
      return middle(geometry.coordinates);
    case 'MultiLineString':
      return middle(longest(geometry.coordinates));
    case 'GeometryCollection':
      return geometry.geometries[0] && placeOfGeometry(geometry.geometries[0]);
    default:
      return centre(flatten(geometry.coordinates));
  }
}

function pair([lon, lat]: Position): [number, number] | undefined {
  return lon === undefined || lat === undefined ? undefined : [lon, lat];
}

function length(a: Position, b: Position): number {
  const wide = Math.cos((((a[1] ?? 0) + (b[1] ?? 0)) / 2) * (Math.PI / 180));
  return Math.hypot(((b[0] ?? 0) - (a[0] ?? 0)) * wide, (b[1] ?? 0) - (a[1] ?? 0));
}

function lengthOf(line: readonly Position[]): number {
  return line.reduce((sum, at, i) => sum + (i > 0 ? length(line[i - 1] ?? at, at) : 0), 0);
}

function longest(lines: readonly Position[][]): Position[] {
  return lines.reduce((best, line) => (lengthOf(line) > lengthOf(best) ? line : best), lines[0] ?? []);
}

function middle(line: readonly Position[]): [number, number] | undefined {
  let rest = lengthOf(line) / 2;
  for (const [i, b] of line.entries()) {
    const a = line[i - 1];
    if (!a) continue;
    const step = length(a, b);
    if (rest <= step && step > 0) {
      const share = rest / step;
      return [
        (a[0] ?? 0) + ((b[0] ?? 0) - (a[0] ?? 0)) * share,
        (a[1] ?? 0) + ((b[1] ?? 0) - (a[1] ?? 0)) * share,
      ];
    }
    rest -= step;
  }
  return line[0] && pair(line[0]);
}

function flatten(coordinates: readonly unknown[]): Position[] {
  return typeof coordinates[0] === 'number'
    ? [coordinates as Position]
    : coordinates.flatMap(part => flatten(part as unknown[]));
}

function centre(all: readonly Position[]): [number, number] | undefined {
  if (all.length === 0) return undefined;
  const range = (axis: 0 | 1) => {
    const values = all.map(at => at[axis] ?? 0);
    return (Math.min(...values) + Math.max(...values)) / 2;
  };
  return [range(0), range(1)];
}
