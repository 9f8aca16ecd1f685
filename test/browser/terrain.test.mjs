// CesiumJS loads the terrain, and the heights that it samples of it are those that
// the server answers one by one.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startServer } from './server.mjs';
import { visit } from './site.mjs';

describe('terrain in CesiumJS', { timeout: 300_000 }, () => {
  let twind;
  let visitor;
  let page;
  let faults;

  before(async () => {
    twind = await startServer();
    visitor = await visit('terrain.html', { width: 640, height: 480 });
    ({ page, faults } = visitor);
  });
  after(async () => {
    await visitor?.close();
    await twind?.close();
  });

  for (const [id, lon, lat] of [
    ['nanaimo_ground', -124.05, 49.14],
    ['demo_ground', 112.98, 28.2],
  ]) {
    it(`shows ${id} and samples its heights`, async () => {
      const shown = await page.evaluate(url => window.show(url), `${twind.url}/terrain/${id}`);
      assert.equal(shown.normals, true);
      assert.deepEqual(await page.evaluate(at => window.look(...at), [lon, lat, 6000]), []);
      if (process.env.TERRAIN_SHOTS) await page.screenshot({ path: `${process.env.TERRAIN_SHOTS}/${id}.png` });
      const positions = [];
      for (let i = 0; i < 24; i++) positions.push([lon + ((i % 6) - 3) * 0.0017, lat + (Math.floor(i / 6) - 2) * 0.0013]);
      const sampled = await page.evaluate(list => window.sample(list), positions);
      for (const [i, [x, y]] of positions.entries()) {
        const response = await fetch(`${twind.url}/raster/${id}/elevation?lon=${x}&lat=${y}`);
        const { ellipsoidal } = await response.json();
        // The finest level's mesh is within 60 cm of the model's heights, between
        // which triangles and the bilinear surface differ.
        assert.ok(Math.abs(sampled[i] - ellipsoidal) < 2.5, `${sampled[i]} and ${ellipsoidal} at ${x}, ${y}`);
      }
      assert.deepEqual(faults, []);
    });
  }
});
