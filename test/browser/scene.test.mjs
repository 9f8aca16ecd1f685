// The scene in three dimensions and its tools: measuring, sections, heights of what
// moves, conditions on bodies, and that an edit is seen at once and nothing is
// fetched twice.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { difference, launch, newPage, pixels, ready, share, until } from './browser.mjs';
import { startServer } from './server.mjs';

/** A crossing of the model district, where pipes of many kinds meet. */
const crossing = '#map=18.6/28.19905/112.98011/-20/55';
/** Lower Manhattan, close enough that single buildings fill the picture. */
const close = '#map=17.2/40.70730/-74.01120/0/45';

describe('the scene and its tools', { timeout: 1_500_000 }, () => {
  let server;
  let browser;
  let tab;
  before(async () => {
    server = await startServer();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    tab = await newPage(browser, server.url);
  });
  afterEach(async () => {
    await tab.close();
  });

  const clean = () => assert.deepEqual(tab.faults, []);
  const solid = (layer, least = 1) =>
    until(tab.page, ([id, n]) => (window.twind.city.solidsHeld[id]?.visible ?? 0) >= n, [layer, least], 180_000);
  const settled = () => until(tab.page, () => window.twind.store.bodiesLoading.value === false, null, 180_000);
  const send = (path, method, body, type = 'application/json') =>
    fetch(server.url + path, { method, headers: { 'Content-Type': type }, body: JSON.stringify(body) }).then(async response => {
      assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
    });
  const patch = (layer, id, properties) =>
    send(`/ogc/collections/${layer}/items/${encodeURIComponent(id)}`, 'PATCH', { properties }, 'application/merge-patch+json');
  const click = async points => {
    for (const [x, y] of points) {
      await tab.page.mouse.move(x, y);
      await tab.page.waitForTimeout(120);
      await tab.page.mouse.click(x, y);
      await tab.page.waitForTimeout(350); // two quick clicks would be a double click
    }
  };

  it('measures lengths, areas and heights, the last on solids', async () => {
    await tab.open(`/?lang=en&theme=light${close}`);
    await tab.page.getByRole('banner').getByRole('button', { name: 'Hide layers' }).click();
    await solid('buildings', 2);
    await settled();
    await tab.page.getByRole('button', { name: 'Measure lengths, areas and heights' }).click();
    const panel = tab.page.getByRole('region', { name: 'Measure' });
    const figures = () => tab.page.evaluate(() => window.twind.store.measuring.figures.value);
    await click([
      [200, 250],
      [330, 300],
      [300, 420],
    ]);
    assert.equal((await figures()).legs, 2);
    await tab.page.mouse.move(220, 440);
    await until(tab.page, () => window.twind.store.measuring.figures.value.legs === 3);
    assert.match(await tab.page.locator('.sketch-words').innerText(), /^\d+\.\d\d m$/);
    await tab.page.keyboard.press('Backspace');
    await tab.page.keyboard.press('Enter');
    await until(tab.page, () => window.twind.store.measuring.phase.value === 'done');
    const { length, legs } = await figures();
    assert.equal(legs, 1);
    assert.ok((await panel.innerText()).includes(`${length.toFixed(2)} m`), await panel.innerText());
    assert.equal(await tab.page.evaluate(() => window.twind.store.selection.value), undefined, 'measuring picks nothing');

    await panel.getByRole('button', { name: 'Area' }).click();
    await click([
      [200, 250],
      [330, 300],
    ]);
    await tab.page.mouse.dblclick(300, 420);
    await until(tab.page, () => window.twind.store.measuring.phase.value === 'done');
    assert.ok((await figures()).area > 10);
    assert.match(await panel.innerText(), /m²[\s\S]*WGS 84/);
    await panel.getByRole('button', { name: 'Imperial' }).click();
    assert.match(await panel.innerText(), /ft²|ac/);

    // From a roof to the ground: the difference is the height that the pointer tells on the roof.
    await panel.getByRole('button', { name: 'Metric' }).click();
    await panel.getByRole('button', { name: 'Height', exact: true }).click();
    const places = await until(tab.page, () => {
      const { city } = window.twind;
      let roof;
      let street;
      for (let x = 120; x < 600; x += 12)
        for (let y = 120; y < 560; y += 12) {
          const hit = city.solidAt(x, y);
          if (!hit) street ??= [x, y];
          else if (hit.layer === 'buildings') roof ??= [x, y];
        }
      return roof && street && { roof, street };
    });
    await click([places.street, places.roof]);
    await until(tab.page, () => window.twind.store.measuring.phase.value === 'done');
    const { rise, heights } = await figures();
    assert.equal(heights[0], 0, 'on the ground');
    assert.ok(heights[1] > 1 && Math.abs(rise - heights[1]) < 1e-9, JSON.stringify([rise, heights]));
    await tab.page.keyboard.press('Escape');
    assert.equal(await tab.page.evaluate(() => window.twind.store.measuring.corners.value), 0, 'Escape forgets the figure');
    await tab.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    clean();
  });

  it('cuts a vertical section: the scene opens, the drawing and the table are the server’s', async () => {
    await tab.open(`/?lang=en&theme=dark${crossing}`);
    await tab.page.getByRole('banner').getByRole('button', { name: 'Hide layers' }).click();
    await tab.page.getByRole('button', { name: 'Cut a vertical section' }).click();
    await click([
      [330, 300],
      [640, 330],
    ]);
    const profile = await until(tab.page, () => {
      const a = window.twind.store.section.answer.value;
      return a.phase === 'ready' && a.profile;
    });
    assert.ok(profile.items.length > 3, `${profile.items.length} things in the section`);
    const line = await tab.page.evaluate(() => window.twind.city.section.line);
    const response = await fetch(`${server.url}/ogc/processes/section/execution`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ inputs: { line: { type: 'LineString', coordinates: line } } }),
    });
    assert.deepEqual((await response.json()).items, profile.items);
    const panel = tab.page.getByRole('region', { name: 'Section' });
    await panel.getByRole('img').waitFor();
    assert.equal(await panel.locator('.section-item').count(), profile.items.length);
    await until(tab.page, () => window.twind.map.getPitch() > 65 && !window.twind.map.isMoving());
    const side = () => tab.page.evaluate(() => window.twind.city.side);
    assert.equal(await side(), 1, 'its left end is at the left');
    await tab.page.evaluate(() => window.twind.map.jumpTo({ bearing: window.twind.map.getBearing() + 180 }));
    assert.equal(await side(), -1, 'from behind, the other side is cut away');
    await panel.getByRole('button', { name: 'Elevation' }).click();
    const download = tab.page.waitForEvent('download');
    await panel.getByRole('button', { name: 'Download CSV' }).click();
    const table = await readFile(await (await download).path(), 'utf8');
    assert.ok(table.startsWith('\ufeffat_m,layer,id'), table.slice(0, 60));
    assert.equal(table.trim().split('\r\n').length - 1, profile.items.length);

    // An edit is in the drawing at once.
    const pipe = profile.items.find(item => item.layer === 'demo_pipes' && item.top !== undefined);
    const { properties } = await (await fetch(`${server.url}/ogc/collections/demo_pipes/items/${pipe.id}`)).json();
    await patch('demo_pipes', pipe.id, { start_depth: 7.5, end_depth: 7.5 });
    await until(tab.page, id => window.twind.store.section.answer.value.profile?.items.some(i => i.id === id && i.depth > 6), pipe.id);
    await patch('demo_pipes', pipe.id, { start_depth: properties.start_depth, end_depth: properties.end_depth });
    await tab.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    clean();
  });

  it('hides what lies on the ground behind the buildings before it, and picks what is seen', async () => {
    await tab.open('/?lang=en&theme=light#map=17.4/50.67395/-120.33360/-15/68');
    await tab.page.getByRole('banner').getByRole('button', { name: 'Hide layers' }).click();
    await tab.page.evaluate(() => window.twind.store.readings.show(false));
    await solid('buildings', 2);
    await settled();
    const order = () => tab.page.evaluate(() => window.twind.map.getLayersOrder());
    await until(tab.page, () => window.twind.map.getLayersOrder().indexOf('twind-solids') > window.twind.map.getLayersOrder().indexOf('manholes'));
    // Manholes in the middle of the picture whose place is behind a wall.
    const behind = await until(tab.page, () => {
      const { map, city } = window.twind;
      const found = map.queryRenderedFeatures([[150, 200], [850, 600]], { layers: ['manholes', 'catchbasins'] });
      const places = found.map(({ geometry }) => map.project(geometry.coordinates)).map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }));
      const hidden = places.filter(({ x, y }) => [-8, 0, 8].every(dx => [-8, 0, 8].every(dy => city.solidAt(x + dx, y + dy)?.layer === 'buildings')));
      return hidden.length >= 3 && hidden.slice(0, 5);
    });
    const look = () => Promise.all(behind.map(({ x, y }) => pixels(tab.page, { x: x - 6, y: y - 6, width: 12, height: 12 })));
    const shown = await look();
    await tab.page.evaluate(() => ['manholes', 'catchbasins'].forEach(layer => window.twind.store.showLayer(layer, false)));
    await tab.page.waitForTimeout(1500);
    const without = await look();
    shown.forEach((picture, k) => assert.ok(difference(picture, without[k]) < 0.05, `a wall, and no manhole, at ${JSON.stringify(behind[k])}`));
    await tab.page.mouse.click(behind[0].x, behind[0].y);
    await until(tab.page, () => window.twind.store.selection.value?.layer === 'buildings');
    // In a plan every symbol is seen.
    await tab.page.evaluate(() => window.twind.map.jumpTo({ pitch: 0 }));
    const plan = await order();
    assert.ok(plan.indexOf('twind-solids') < plan.indexOf('manholes'));
    clean();
  });

  it('puts what moves at its height above the ground', async () => {
    const post = () =>
      send('/live/positions', 'POST', { layer: 'vehicles', id: 'drone', time: new Date().toISOString(), lon: 112.9801, lat: 28.19905, z: 150 });
    await post();
    await tab.open(`/?lang=en&theme=dark${crossing}`);
    const height = () =>
      tab.page.evaluate(() => {
        const { city, store } = window.twind;
        const slot = store.feed.columns('vehicles')?.slotOf('drone') ?? -1;
        return slot < 0 ? undefined : city.live.drawn.get('vehicles').tracks.shown(slot, performance.now() / 1000).z;
      });
    let got;
    for (let i = 0; i < 240 && !(got > 0); i++) {
      await post();
      await tab.page.evaluate(() => window.twind.map.fire('moveend'));
      await tab.page.waitForTimeout(500);
      got = await height();
    }
    const response = await fetch(`${server.url}/ogc/processes/section/execution`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ inputs: { line: { type: 'LineString', coordinates: [[112.9801, 28.19905], [112.9802, 28.19905]] }, layers: [] } }),
    });
    const ground = (await response.json()).ground[0].elevation;
    const expected = (150 - ground) / Math.cos((28.19905 * Math.PI) / 180);
    assert.ok(Math.abs(got - expected) < 2, `${got} m above the ground in the map's frame, and not ${expected}`);
    clean();
  });

  it('recolours a body by its readings, within a second and without fetching it again', async t => {
    await tab.open(`/?lang=en&theme=light${close}`);
    await tab.page.getByRole('banner').getByRole('button', { name: 'Hide layers' }).click();
    await solid('buildings', 2);
    await settled();
    const seen = await until(tab.page, () => {
      const { city } = window.twind;
      for (let x = 300; x < 700; x += 20)
        for (let y = 200; y < 500; y += 20) {
          const ids = [0, 8, 16].flatMap(d => city.solidAt(x + d, y + d)?.id ?? []);
          if (ids.length === 3 && new Set(ids).size === 1) return { id: ids[0], x, y };
        }
      return null;
    });
    const clip = { x: seen.x, y: seen.y, width: 16, height: 16 };
    const fetched = [];
    tab.page.on('request', request => request.url().includes('.glb') && fetched.push(request.url()));
    const red = async () => {
      const picture = await pixels(tab.page, clip);
      return share(picture, '#c42b2b', 60) + share(picture, '#6c1818', 60);
    };
    const before = await red();
    const passed = await tab.page.evaluate(
      ({ id }) =>
        new Promise(resolve => {
          const { store, map } = window.twind;
          const reading = { layer: 'buildings', feature: id, property: 'tilt', name: {}, value: 3, unit: '', time: Date.now(), received: Date.now() };
          const start = performance.now();
          map.once('render', () => resolve(performance.now() - start));
          store.readings.take('buildings', [{ ...reading, state: 'live', level: 'alarm' }], false);
        }),
      seen,
    );
    t.diagnostic(`a reading recolours a body in ${passed.toFixed(0)} ms`);
    const alarm = await red();
    assert.ok(alarm > before + 0.3, `share of red ${before.toFixed(2)}, then ${alarm.toFixed(2)}`);
    assert.deepEqual(fetched, [], 'no content is fetched for it');
    clean();
  });

  it('shows an edit in the open scene, and fetches nothing twice on the way and back', async t => {
    await tab.open(`/?lang=en&theme=light${close}`);
    await solid('buildings', 2);
    await settled();
    const id = await until(tab.page, () => {
      for (let x = 400; x < 800; x += 20)
        for (let y = 200; y < 500; y += 20) {
          const hit = window.twind.city.solidAt(x, y);
          if (hit?.layer === 'buildings') return hit.id;
        }
      return null;
    });
    // The top of the building is read from the scene itself.
    const top = () =>
      tab.page.evaluate(wanted => {
        const city = window.twind.city.solids.cities.find(c => c.layer.id === 'buildings');
        for (const model of city.current.models.values()) {
          const row = model.ids?.rows.get(wanted);
          if (row === undefined) continue;
          for (const { geometry } of model.group.children) {
            const { feature, top: tops } = geometry.attributes;
            for (let i = 0; i < (feature?.count ?? 0); i++) if (feature.getX(i) === row) return tops.getX(i);
          }
        }
        return undefined;
      }, id);
    const was = await top();
    assert.ok(was > 0, `the building stands ${was} m high`);
    const times = [];
    for (const height of [611, 622, 633]) {
      const start = performance.now();
      await patch('buildings', id, { height });
      while (Math.abs(((await top()) ?? 0) - height) > 0.5) {
        assert.ok(performance.now() - start < 60_000, `the scene shows ${await top()} m, not ${height}`);
        await tab.page.waitForTimeout(20);
      }
      times.push(performance.now() - start);
    }
    t.diagnostic(`an edit is in the scene after ${times.map(ms => ms.toFixed(0)).join(', ')} ms`);
    await patch('buildings', id, { height: was });
    await until(tab.page, () => window.twind.city.solids.cities.every(c => !c.next), null, 30_000);

    // There and back again: an address names a revision, so each is asked for once.
    const contents = new Map();
    tab.page.on('request', request => {
      const url = request.url();
      if (url.includes('.glb')) contents.set(url, (contents.get(url) ?? 0) + 1);
    });
    await tab.page.evaluate(() => performance.setResourceTimingBufferSize(5000));
    const before = new Set(await tab.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name).filter(name => name.includes('.glb'))));
    for (const lon of [-74.0, -73.98, -74.0, -74.0112]) {
      await tab.page.evaluate(async x => {
        const { map } = window.twind;
        map.jumpTo({ center: [x, 40.72], zoom: 15.5 });
        for (let i = 0; i < 2; i++) await new Promise(resolve => map.once('render', resolve)); // which ask for contents
      }, lon);
      await tab.page.waitForTimeout(1500);
      await settled();
    }
    const twice = [...contents].filter(([url, n]) => n > 1 || before.has(url)).map(([url]) => url);
    t.diagnostic(`${contents.size} contents on the way and back, ${twice.length} of them asked for again`);
    assert.ok(contents.size > 5, `${contents.size} contents`);
    const network = await tab.page.evaluate(
      urls =>
        performance
          .getEntriesByType('resource')
          .filter(({ name, transferSize }) => urls.includes(name) && transferSize > 0)
          .map(({ name }) => name),
      [...contents.keys()],
    );
    assert.equal(new Set(network).size, network.length, 'no content crosses the network twice');
    clean();
  });

  it('opens the demo with at most 6 MB over the wire, code and fonts apart', async t => {
    const first = await newPage(browser, server.url, { width: 1920, height: 1080 });
    try {
      const parts = new Map();
      const counted = [];
      const count = async request => {
        const { pathname } = new URL(request.url());
        if (['document', 'script', 'stylesheet', 'font'].includes(request.resourceType()) || pathname.startsWith('/fonts/')) return;
        const { responseBodySize, responseHeadersSize } = await request.sizes();
        const part = pathname.split('/').slice(1, 3).join('/');
        parts.set(part, (parts.get(part) ?? 0) + responseBodySize + responseHeadersSize);
      };
      first.page.on('requestfinished', request => counted.push(count(request)));
      await first.open('/?lang=en&theme=dark');
      const loaded = () => {
        const { map, city, store } = window.twind;
        return (city.solidsHeld.buildings?.visible ?? 0) > 8 && !store.bodiesLoading.value && map.areTilesLoaded();
      };
      await until(first.page, loaded, null, 240_000);
      await Promise.all(counted);
      const sum = [...parts.values()].reduce((a, b) => a + b, 0);
      const largest = [...parts].sort((a, b) => b[1] - a[1]).slice(0, 3);
      t.diagnostic(`the first view is ${(sum / 1e6).toFixed(2)} MB: ${largest.map(([part, n]) => `${part} ${(n / 1e6).toFixed(2)}`).join(', ')} …`);
      assert.ok(parts.get('3d/buildings') > 100_000, 'contents are counted');
      assert.ok(sum <= 6e6, `${sum} bytes`);
      assert.deepEqual(first.faults, []);
    } finally {
      await first.close();
    }
  });

  it('falls back to a flat map with a sentence where WebGL 2 is missing', async () => {
    await tab.page.addInitScript(() => {
      const { getContext } = HTMLCanvasElement.prototype;
      HTMLCanvasElement.prototype.getContext = function (type, ...more) {
        return type === 'webgl2' ? null : getContext.call(this, type, ...more);
      };
    });
    await tab.page.goto(`${server.url}/?lang=en&theme=light${close}`);
    await tab.page.getByText('This browser cannot draw the map').waitFor();
    await tab.page.getByText('the city is shown as a flat map').waitFor();
    // Buildings are drawn, and one is picked where it is.
    const place = await until(tab.page, () => {
      const canvas = document.querySelector('.plain-map');
      const context = canvas?.getContext('2d');
      for (let x = 450; context && x < 900; x += 9)
        for (let y = 120; y < 400; y += 9) {
          const [r, g, b] = context.getImageData(x, y, 1, 1).data;
          if (r === 0xe4 && g === 0xdf && b === 0xd5) return [x, y];
        }
      return null;
    });
    await tab.page.mouse.click(...place);
    await tab.page.getByRole('region', { name: 'What is picked' }).waitFor();
    assert.equal(await tab.page.evaluate(() => document.querySelectorAll('.plain-map').length), 1);
    clean();
  });

  it('comes back with its bodies and its figures after the graphics card was lost', async () => {
    await tab.open(`/?lang=en&theme=light${close}`);
    await solid('buildings', 2);
    await tab.page.evaluate(() => {
      const { store, map } = window.twind;
      store.measure(true);
      store.measuring.start('length');
      store.measuring.end([[-74.012, 40.707], [-74.01, 40.708]]);
      window.lostMap = map;
      map.getCanvas().getContext('webgl2').getExtension('WEBGL_lose_context').loseContext();
    });
    await until(tab.page, () => window.twind && window.twind.map !== window.lostMap, null, 180_000);
    await ready(tab.page);
    await solid('buildings', 2);
    assert.match(await tab.page.locator('.sketch-words').innerText(), /^2\d\d\.\d\d m$/);
    clean();
  });
});
