// The tool that opens the ground: a polygon drawn by clicks, what is seen in the
// pit, and what the server says lies there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { difference, launch, newPage, pixels, until } from './browser.mjs';
import { startServer } from './server.mjs';

/** A crossing of the model district, where pipes of many kinds meet. */
const crossing = '#map=18.6/28.19905/112.98011/-20/55';
/** Where the corners are clicked, in pixels of a page of 1000 × 640. */
const corners = [
  [380, 250],
  [550, 260],
  [540, 400],
  [360, 410],
];

describe('excavation', { timeout: 600_000 }, () => {
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

  const answer = () =>
    until(tab.page, () => {
      const a = window.twind.store.excavation.answer.value;
      return a.phase === 'ready' && a.contents;
    });

  /** Draws the pit as a user does. */
  const draw = async () => {
    await tab.page.getByRole('button', { name: 'Excavate: draw a pit' }).click();
    for (const [x, y] of corners) {
      await tab.page.mouse.move(x, y);
      await tab.page.mouse.click(x, y);
      await tab.page.waitForTimeout(350); // two quick clicks would be a double click
    }
    await tab.page.keyboard.press('Enter');
    return answer();
  };

  it('opens the ground where it is drawn, shows what lies there and lists it', async () => {
    await tab.open(`/?lang=en&theme=light${crossing}`);
    await tab.page.getByRole('banner').getByRole('button', { name: 'Hide layers' }).click();
    const clip = { x: 395, y: 285, width: 130, height: 100 };
    const closed = await pixels(tab.page, clip);
    const named = box =>
      tab.page.evaluate(({ x, y, width, height }) => {
        const { map } = window.twind;
        const along = map.getStyle().layers.filter(({ type, layout }) => type === 'symbol' && layout['symbol-placement'] === 'line');
        const layers = along.map(({ id }) => id);
        return map.queryRenderedFeatures([[x, y], [x + width, y + height]], { layers }).length;
      }, box);
    const contents = await draw();
    assert.ok(contents.items.length > 5, `${contents.items.length} things in the pit`);
    assert.equal(await tab.page.evaluate(() => window.twind.store.selection.value), undefined, 'drawing picks nothing');

    // The list is the server's, and the table shows it.
    const { ring } = await tab.page.evaluate(() => window.twind.city.pit);
    const response = await fetch(`${server.url}/ogc/processes/excavation/execution`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ inputs: { polygon: { type: 'Polygon', coordinates: [[...ring, ring[0]]] }, depth: 3 } }),
    });
    assert.deepEqual((await response.json()).items, contents.items);
    const panel = tab.page.getByRole('region', { name: 'Excavation' });
    const pipe = contents.items.find(item => item.layer === 'demo_pipes');
    const row = panel.locator('tr', { hasText: pipe.name });
    assert.ok((await row.innerText()).includes(pipe.length.toFixed(2)), 'the length is in the table');

    // Bodies are seen in the pit, and only there.
    const picked = await until(tab.page, () => {
      const found = new Set();
      for (let x = 395; x < 525; x += 5)
        for (let y = 285; y < 385; y += 5) {
          const hit = window.twind.city.solidAt(x, y);
          if (hit?.layer === 'demo_pipes') found.add(hit.id);
        }
      return found.size > 0 && [...found];
    });
    for (const id of picked)
      assert.ok(
        contents.items.some(item => item.id === id),
        `${id} is drawn in the pit and in the list`,
      );
    const outside = await tab.page.evaluate(() => {
      for (let x = 60; x < 340; x += 8)
        for (let y = 200; y < 600; y += 8) if (window.twind.city.solidAt(x, y)?.layer === 'demo_pipes') return true;
      return false;
    });
    assert.equal(outside, false, 'no pipe is picked through the ground');
    await tab.page.waitForTimeout(1000);
    const open = await pixels(tab.page, clip);
    assert.ok(difference(closed, open) > 0.8, 'the map is gone within the pit');
    const over = async () => [await named(clip), await named({ x: 0, y: 0, width: 1000, height: 640 })];
    let [left, all] = await over();
    for (let i = 0; i < 60 && (left > 0 || all === 0); i++) {
      await tab.page.waitForTimeout(500);
      [left, all] = await over();
    }
    assert.equal(left, 0, 'no names of pipes and streets lie over the pit');
    assert.ok(all > 0, 'beside it they do');

    // Deeper, there is not less.
    await panel.getByRole('slider').fill('8');
    await until(tab.page, n => window.twind.store.excavation.answer.value.contents?.volume > n, contents.volume * 2);
    assert.ok((await answer()).items.length >= contents.items.length);

    const download = tab.page.waitForEvent('download');
    await panel.getByRole('button', { name: 'Download CSV' }).click();
    const table = await readFile(await (await download).path(), 'utf8');
    assert.ok(table.startsWith('\ufefflayer,id,name,kind'), table.slice(0, 60));
    assert.equal(table.trim().split('\r\n').length - 1, (await answer()).items.length);

    await row.getByRole('button').click();
    await tab.page.getByRole('region', { name: 'What is picked' }).waitFor();
    await tab.page.keyboard.press('Escape');
    await panel.waitFor();
    await tab.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    let differs = 1;
    for (let i = 0; i < 60 && differs >= 0.05; i++) {
      await tab.page.waitForTimeout(1000);
      differs = difference(closed, await pixels(tab.page, clip));
    }
    assert.ok(differs < 0.05, `the ground is not closed again: ${differs}`);
    assert.deepEqual(tab.faults, []);
  });

  it('says what is wrong with an outline that crosses itself', async () => {
    await tab.open(`/?lang=en&theme=dark${crossing}`);
    await tab.page.evaluate(() => {
      const at = (x, y) => [112.98 + x * 1e-4, 28.199 + y * 1e-4];
      window.twind.store.excavation.dig([at(0, 0), at(3, 2), at(3, 0), at(0, 3)]);
    });
    const panel = tab.page.getByRole('region', { name: 'Excavation' });
    await panel.getByRole('alert').waitFor();
    assert.match(await panel.getByRole('alert').innerText(), /crosses or touches itself near 112\.98/);
    assert.ok(tab.faults.every(fault => fault.includes('400')), tab.faults.join('\n'));
    // Escape while drawing ends the tool.
    await panel.getByRole('button', { name: 'Close the pit' }).click();
    await tab.page.getByRole('button', { name: 'Excavate: draw a pit' }).click();
    await tab.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
  });
});
