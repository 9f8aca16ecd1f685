import { ShapeUtils, Vector2 } from 'three';
import { mercator } from '../map/tiles';
import { Anchor } from './placing';

/** A pit as the user draws it: an open ring of corners in degrees, and its depth below the ground in metres. */
export interface Pit {
  ring: readonly (readonly [lon: number, lat: number])[];
  depth: number;
}

/** Triangles of a part of a pit: positions in the flat frame around the anchor, and normals. */
export interface PitPart {
  positions: Float32Array;
  normals: Float32Array;
}

/** The bodies of a pit. The lid lies on the ground, the floor at the depth, walls between them. */
export interface PitGeometry {
  anchor: Anchor;
  lid: PitPart;
  floor: PitPart;
  walls: PitPart;
  /** The corners in the flat frame, counter-clockwise, and the floor's z. */
  corners: readonly Vector2[];
  bottom: number;
}

const world = 40075016.685578488;

/** Makes the bodies of a pit; undefined for a ring without area. */
export function pitGeometry({ ring, depth }: Pit): PitGeometry | undefined {
  const first = ring[0];
  if (!first || ring.length < 3) return undefined;
  const anchor = new Anchor(first[0], first[1]);
  let corners = ring.map(([lon, lat]) => {
    const [x, y] = mercator(lon, lat);
    return new Vector2((x - anchor.x) * world, (anchor.y - y) * world);
  });
  const area = ShapeUtils.area(corners);
  if (Math.abs(area) < 1e-3) return undefined;
  if (area < 0) corners = corners.reverse();
  const triangles = ShapeUtils.triangulateShape(corners, []);
  const bottom = -depth * anchor.stretch;
  return {
    anchor,
    lid: level(corners, triangles, 0),
    floor: level(corners, triangles, bottom),
    walls: walls(corners, bottom),
    corners,
    bottom,
  };
}

function level(corners: readonly Vector2[], triangles: readonly number[][], z: number): PitPart {
  const positions: number[] = [];
  for (const triangle of triangles)
    for (const k of triangle) {
      const { x, y } = corners[k] as Vector2;
      positions.push(x, y, z);
    }
  const normals = positions.map((_, i) => (i % 3 === 2 ? 1 : 0));
  return { positions: new Float32Array(positions), normals: new Float32Array(normals) };
}

/** Walls between the ground and the floor; their normals look into the pit. Corners run counter-clockwise. */
function walls(corners: readonly Vector2[], bottom: number): PitPart {
  const positions: number[] = [];
  const normals: number[] = [];
  corners.forEach((a, k) => {
    const b = corners[(k + 1) % corners.length] as Vector2;
    const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
    const inward = [-(b.y - a.y) / length, (b.x - a.x) / length, 0];
    for (const [p, z] of [
      [a, 0],
      [b, 0],
      [b, bottom],
      [a, 0],
      [b, bottom],
      [a, bottom],
    ] as const) {
      positions.push(p.x, p.y, z);
      normals.push(...inward);
    }
  });
  return { positions: new Float32Array(positions), normals: new Float32Array(normals) };
}

/** Whether a place in the flat frame around the pit's anchor lies in the pit, with a hand's breadth of floor. */
export function inPit({ corners, bottom }: PitGeometry, x: number, y: number, z: number): boolean {
  if (z > 0.5 || z < bottom - 0.1) return false;
  let inside = false;
  corners.forEach((a, k) => {
    const b = corners[(k + 1) % corners.length] as Vector2;
    if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
  });
  return inside;
}
