import { execute } from '../app/process';
import type { BBox } from '../config/config';
import type { Profile } from '../section/profile';

/** The longest line in metres along which the ground is asked for; the server takes 20 km. */
const longest = 18_000;
const metresOfDegree = 111_195;

interface Sample {
  lon: number;
  lat: number;
  height: number;
}

/**
 * The ground under what is in view, for entities that carry heights over a datum: the map is flat, and they
 * stand as far above it as they are above the ground. The ground is asked for along a line to and fro over the
 * view, in one request.
 */
export class GroundUnder {
  private samples: Sample[] = [];
  private asked: AbortController | undefined;

  /** Metres of the datum at a place, from the three nearest samples; undefined where nothing is known. */
  height(lon: number, lat: number): number | undefined {
    const scale = Math.cos((lat * Math.PI) / 180);
    const near: { square: number; height: number }[] = [];
    for (const sample of this.samples) {
      const square = ((sample.lon - lon) * scale) ** 2 + (sample.lat - lat) ** 2;
      if (near.length === 3 && square >= (near[2]?.square ?? 0)) continue;
      near.push({ square, height: sample.height });
      near.sort((a, b) => a.square - b.square);
      near.length = Math.min(3, near.length);
    }
    if (near.length === 0) return undefined;
    let [sum, weight] = [0, 0];
    for (const { square, height } of near) {
      const w = 1 / (square + 1e-14);
      sum += w * height;
      weight += w;
    }
    return sum / weight;
  }

  /** Asks for the ground of a view; resolves to whether more is known. */
  async look(box: BBox): Promise<boolean> {
    const line = zigzag(box);
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    try {
      const inputs = { line: { type: 'LineString', coordinates: line }, layers: [] };
      const response = await execute('section', inputs, 'application/json', asked.signal);
      const { ground, length } = (await response.json()) as Profile;
      if (asked.signal.aborted) return false;
      this.samples = ground.flatMap(({ at, elevation }) => {
        if (elevation === null) return [];
        const [lon, lat] = along(line, at / length);
        return [{ lon, lat, height: elevation }];
      });
      return this.samples.length > 0;
    } catch {
      return false; // on the ground, then
    }
  }

  dispose(): void {
    this.asked?.abort();
  }
}

/** A line to and fro over a box that is not too long. */
export function zigzag([west, south, east, north]: BBox): [lon: number, lat: number][] {
  const middle = (south + north) / 2;
  const wide = (east - west) * metresOfDegree * Math.cos((middle * Math.PI) / 180);
  const tall = (north - south) * metresOfDegree;
  const rows = Math.max(1, Math.min(24, Math.floor((longest - tall) / Math.max(1, wide))));
  const line: [number, number][] = [];
  for (let row = 0; row < rows; row++) {
    const lat = rows === 1 ? middle : south + ((north - south) * row) / (rows - 1);
    const ends: [number, number][] = [
      [west, lat],
      [east, lat],
    ];
    line.push(...(row % 2 === 0 ? ends : ends.reverse()));
  }
  return line;
}

/** The place at a share of a line's length, in a frame that is flat enough for samples. */
function along(line: readonly (readonly [number, number])[], share: number): [lon: number, lat: number] {
  const scale = Math.cos(((line[0]?.[1] ?? 0) * Math.PI) / 180);
  const lengths = line.slice(1).map(([lon, lat], k) => {
    const [before, below] = line[k] as [number, number];
    return Math.hypot((lon - before) * scale, lat - below);
  });
  let left = share * lengths.reduce((sum, length) => sum + length, 0);
  for (const [k, length] of lengths.entries()) {
    const [a, b] = [line[k] as readonly [number, number], line[k + 1] as readonly [number, number]];
    if (left <= length || k === lengths.length - 1) {
      const t = length > 0 ? Math.min(1, left / length) : 0;
      return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
    }
    left -= length;
  }
  return [line[0]?.[0] ?? 0, line[0]?.[1] ?? 0];
}
