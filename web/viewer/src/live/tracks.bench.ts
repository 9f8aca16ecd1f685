import { bench, describe } from 'vitest';
import { type LiveColumns, State } from './feed';
import { Tracks } from './tracks';

const count = 100_000;

/** A city's traffic: as many entities as the live issue asks for. */
function traffic(): LiveColumns {
  const ids = Array.from({ length: count }, (_, i) => `v${i}`);
  return {
    layer: 'vehicles',
    size: count,
    lon: Float64Array.from(ids, (_, i) => -74 + (i % 317) * 1e-3),
    lat: Float64Array.from(ids, (_, i) => 40.7 + Math.floor(i / 317) * 1e-3),
    course: Float32Array.from(ids, (_, i) => i % 360),
    speed: Float32Array.from(ids, (_, i) => i % 15),
    time: new Float64Array(count),
    state: new Uint8Array(count).fill(State.live),
    id: slot => ids[slot] ?? '',
    label: () => '',
    slotOf: id => Number(id.slice(1)),
    properties: () => ({}),
  };
}

describe('100,000 entities', () => {
  const columns = traffic();
  const tracks = new Tracks(null, 0);
  tracks.recenter(-74, 40.7, columns, 0, 0);
  let now = 0;

  bench('take over a tick in which all moved', () => {
    now += 1;
    tracks.update(columns, null, now, now * 1000);
  });

  const tenth = Array.from({ length: count / 10 }, (_, i) => i * 10);
  bench('take over a tick in which every tenth moved', () => {
    now += 1;
    tracks.update(columns, tenth, now, now * 1000);
  });

  let sum = 0;
  bench('find what is under the pointer', () => {
    for (let slot = 0; slot < tracks.size; slot++) {
      if (tracks.state(slot) === State.free) continue;
      const shown = tracks.shown(slot, now);
      if (Math.abs(shown.x) < 10 && Math.abs(shown.y) < 10) sum += shown.x;
    }
    if (Number.isNaN(sum)) throw new Error('NaN');
  });
});
