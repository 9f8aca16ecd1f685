// Five minutes of a server and a page under load (TWIND_SOAK_SECONDS for another
// time; scripts/soak.sh runs two hours): neither grows.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bounds, report, show, soak } from './soak.mjs';
import { trend } from './trend.mjs';

describe('the line of least squares', () => {
  it('finds a slope under noise, and none where there is none', () => {
    const noise = at => 1000 * Math.sin(at * 7.3);
    const samples = slope => Array.from({ length: 100 }, (_, i) => ({ at: 2 * i, value: 1e6 + slope * 2 * i + noise(i) }));
    assert.ok(Math.abs(trend(samples(0)).growth) < 500);
    const grows = trend(samples(50));
    assert.ok(Math.abs(grows.slope - 50) < 3, `${grows.slope}`);
    assert.ok(Math.abs(grows.growth - 50 * 198) < 600, `${grows.growth}`);
  });
});

describe('a soak', { timeout: 10_000_000 }, () => {
  it('leaves memory as it was', async () => {
    const seconds = Number(process.env.TWIND_SOAK_SECONDS ?? 300);
    const result = await soak({ seconds });
    console.log(report(result));
    assert.deepEqual(result.faults, []);
    assert.ok(result.positions > seconds * 200, `${result.positions} positions in ${seconds} s`);
    assert.ok(result.viewers > seconds / 10, `${result.viewers} viewers came`);
    for (const [name, { growth }] of Object.entries(result.measures))
      assert.ok(growth <= bounds[name], `${name} grew by ${show(name, growth)}:\n${report(result)}`);
  });
});
