// Base maps from files: tiles that twind export wrote, a raster archive of another
// program, and an image, below an empty city.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { difference, launch, newPage, pixels, share, until } from './browser.mjs';
import { startServer } from './server.mjs';

const repository = path => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const lake = {
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      id: 'lake',
      properties: { name: 'Lake' },
      geometry: { type: 'Polygon', coordinates: [[[112.9, 28.1], [113.1, 28.1], [113.1, 28.3], [112.9, 28.3], [112.9, 28.1]]] },
    },
  ],
};

describe('base maps', { timeout: 300_000 }, () => {
  let dir;
  let server;
  let browser;
  let tab;
  const twind = (...args) => {
    const run = spawnSync(process.env.TWIND_BINARY ?? repository('bin/twind'), args, { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
  };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'twind-archives-'));
    await writeFile(join(dir, 'lake.geojson'), JSON.stringify(lake));
    const store = `geopackage:${join(dir, 'lakes.gpkg')}`;
    twind('import', join(dir, 'lake.geojson'), '--layer', 'water', '--kind', 'water', '--store', store);
    twind('export', 'water', '--output', join(dir, 'lake.pmtiles'), '--store', store);
    server = await startServer({
      config: JSON.stringify({
        archives: [
          { id: 'lakes', source: join(dir, 'lake.pmtiles'), title: { en: 'Lakes' }, attribution: 'Lake survey' },
          { id: 'toner', source: repository('tiles/pmtiles/testdata/toner.pmtiles'), title: { en: 'Toner' } },
        ],
        rasters: [{ id: 'aerial', source: repository('tiles/raster/imagery/testdata/alpha.tif'), role: 'imagery', title: { en: 'Aerial' } }],
      }),
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    tab = await newPage(browser, server.url);
  });
  afterEach(async () => {
    await tab.close();
  });

  const clip = { x: 400, y: 120, width: 560, height: 440 };
  const toggle = name => tab.page.getByRole('switch', { name: `Show ${name}`, exact: true }).click();
  const settled = () => until(tab.page, () => window.twind.map.areTilesLoaded());

  it('shows an exported archive as water, names its source, and hides it', async () => {
    await tab.open('/?theme=light&lang=en#map=10.5/28.2/113');
    await toggle('Toner');
    await settled();
    let water = 0;
    for (let i = 0; i < 40 && water < 0.5; i++) {
      await tab.page.waitForTimeout(250);
      water = share(await pixels(tab.page, clip), '#cfe2ee', 8);
    }
    assert.ok(water > 0.5, `${water} of the picture is water`);
    assert.match(await tab.page.locator('.foot-sources').innerText(), /Lake survey/);
    await toggle('Lakes');
    await tab.page.waitForTimeout(1500);
    assert.ok(share(await pixels(tab.page, clip), '#cfe2ee', 8) < 0.1, 'the archive is hidden');
    assert.deepEqual(tab.faults, []);
  });

  it('shows raster archives and images', async () => {
    await tab.open('/?theme=light&lang=en#map=13/40.7085/-74.005');
    let colours = 0;
    const saturated = picture => {
      let n = 0;
      for (let i = 0; i < picture.data.length; i += 4) {
        const [r, g, b] = picture.data.subarray(i, i + 3);
        if (Math.max(r, g, b) - Math.min(r, g, b) > 90) n++;
      }
      return n / (picture.data.length / 4);
    };
    for (let i = 0; i < 40 && colours < 0.2; i++) {
      await tab.page.waitForTimeout(250);
      colours = saturated(await pixels(tab.page, clip));
    }
    assert.ok(colours > 0.2, `${colours} of the picture is the image`);
    await toggle('Aerial');
    await tab.page.waitForTimeout(1500);
    const without = await pixels(tab.page, clip);
    assert.ok(saturated(without) < 0.02, 'the image is hidden');
    await toggle('Toner');
    await tab.page.waitForTimeout(1500);
    assert.ok(difference(without, await pixels(tab.page, clip)) > 0.5, 'below it lay the raster archive');
    assert.deepEqual(tab.faults, []);
    assert.equal(await tab.page.locator('.notice').count(), 0, 'no tile where an image ends is no failure');
  });
});
