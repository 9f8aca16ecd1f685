import type { SectionLine } from '../section/profile';

/** Which side of a section's line the viewer is on: 1 where its left end is at the left, −1 beyond. */
export type Side = 1 | -1;

const rad = Math.PI / 180;
const metresOfDegree = 111_195;

/** Metres of a degree of longitude and of latitude, near enough for a drawing. */
function scaleAt(lat: number): [x: number, y: number] {
  return [metresOfDegree * Math.cos(lat * rad), metresOfDegree];
}

/** The direction of a line from its left end to its right: of length 1, east and north. */
function direction([[lon1, lat1], [lon2, lat2]]: SectionLine): [x: number, y: number] {
  const [sx, sy] = scaleAt(lat1);
  const [x, y] = [(lon2 - lon1) * sx, (lat2 - lat1) * sy];
  const length = Math.hypot(x, y) || 1;
  return [x / length, y / length];
}

/** The bearing at which one looks at a section with its left end at the left, degrees. */
export function bearingOf(line: SectionLine): number {
  const [x, y] = direction(line);
  return Math.atan2(-y, x) / rad; // the left normal (−y, x), clockwise from north
}

/** The side that a camera of a bearing stands on. */
export function sideOf(line: SectionLine, bearing: number): Side {
  return Math.cos((bearing - bearingOf(line)) * rad) >= 0 ? 1 : -1;
}

/** The trench in front of a section, on the viewer's side: an open ring in degrees, the line first. */
export function trenchOf(line: SectionLine, side: Side, width: number): [lon: number, lat: number][] {
  const [a, b] = line;
  const [x, y] = direction(line);
  const [sx, sy] = scaleAt(a[1]);
  // The viewer stands to the right of the line, on side 1.
  const [dx, dy] = [(side * y * width) / sx, (-side * x * width) / sy];
  return [
    [a[0], a[1]],
    [b[0], b[1]],
    [b[0] + dx, b[1] + dy],
    [a[0] + dx, a[1] + dy],
  ];
}

/** Wide enough that its wall is seen to the bottom by one who looks down a third. */
export function trenchWidth(depth: number): number {
  return Math.max(8, depth * 2.8);
}
