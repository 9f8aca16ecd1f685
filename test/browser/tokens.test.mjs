// A city without anything that moves, on a server that asks for a token before it
// lets anybody write: its screens are live all the same, and an operator can sign in.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { launch, newPage, until } from './browser.mjs';
import { startServer } from './server.mjs';

const house = (x, y) => ({ type: 'Polygon', coordinates: [[[x, y], [x + 0.001, y], [x + 0.001, y + 0.001], [x, y + 0.001], [x, y]]] });
const houses = {
  type: 'FeatureCollection',
  features: [{ type: 'Feature', id: 'h1', properties: { name: 'House', height: 9 }, geometry: house(112.98, 28.2) }],
};

describe('a server with tokens and no live layer', { timeout: 300_000 }, () => {
  let dir;
  let server;
  let browser;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'twind-tokens-'));
    const file = join(dir, 'houses.geojson');
    await writeFile(file, JSON.stringify(houses));
    server = await startServer({ imports: { houses: file }, config: JSON.stringify({ tokens: [{ name: 'desk', sha256: createHash('sha256').update('sesame').digest('hex') }] }) });
    browser = await launch();
    await send('PUT', '/live/rules/heat', { kind: 'threshold', source: 'observations', layer: 'houses', property: 'heat', above: 50, severity: 'major', class: 'heat' });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const send = async (method, path, body, type = 'application/json') => {
    const headers = { 'Content-Type': type, Authorization: 'Bearer sesame' };
    const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response;
  };
  const heat = value => send('POST', '/live/observations', { layer: 'houses', id: 'h1', property: 'heat', phenomenonTime: new Date().toISOString(), result: value });
  const alarms = async () => (await (await fetch(`${server.url}/live/alarms?state=open`)).json()).alarms;

  it('tells the operator of alarms and cases, and lets who knows the token see to them', async () => {
    await send('POST', '/live/events', { id: 'c1', class: 'noise', time: new Date().toISOString(), title: { en: 'Noise' }, lon: 112.98, lat: 28.2 });
    const { page, faults, open, close } = await newPage(browser, server.url);
    try {
      await open('/?screen=wall&lang=en');
      await heat(80);
      await page.locator('.alarm').waitFor();
      await page.getByText('Noise').first().waitFor();
      assert.equal(await page.locator('.classes .head-count').innerText(), '1');
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.getByText('this server asks for a token').waitFor();
      const field = page.getByLabel('Access token');
      await field.fill('open');
      await page.getByRole('button', { name: 'Enter', exact: true }).click();
      await page.getByText('the token is not right').waitFor();
      assert.equal((await alarms())[0].state, 'new');
      await field.fill('sesame');
      await field.press('Enter');
      await page.locator('.alarm.acknowledged').waitFor();
      assert.equal(await page.locator('.token-form').count(), 0);
      assert.equal((await alarms())[0].state, 'acknowledged');
      // The tab has it from now on, also after a reload.
      await heat(10);
      await page.reload();
      await page.locator('.alarm.acknowledged').waitFor();
      await page.getByRole('button', { name: 'Close', exact: true }).click();
      await page.getByRole('button', { name: 'Close the alarm' }).click();
      await until(page, () => document.querySelectorAll('.alarm').length === 0);
      assert.deepEqual(await alarms(), []);
      assert.deepEqual(faults.filter(text => !text.includes('401')), []);
    } finally {
      await close();
    }
  });

  it('takes the token of the address, which does not stay there', async () => {
    await heat(90);
    const { page, open, close } = await newPage(browser, server.url);
    try {
      await open('/?screen=wall&lang=en#token=sesame');
      await page.locator('.alarm').waitFor();
      assert.doesNotMatch(page.url(), /sesame/);
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.locator('.alarm.acknowledged').waitFor();
    } finally {
      await close();
    }
  });

  it('shows an edit on an open map', async () => {
    const { page, open, close } = await newPage(browser, server.url);
    try {
      await open('/?lang=en#map=16/28.2/112.98');
      const asked = [];
      page.on('request', request => {
        if (request.url().includes('/tiles/houses/')) asked.push(request.url());
      });
      await send('PATCH', '/ogc/collections/houses/items/h1', { type: 'Feature', geometry: house(112.9805, 28.2005) }, 'application/merge-patch+json');
      for (let i = 0; i < 100 && asked.length === 0; i++) await page.waitForTimeout(100);
      assert.ok(asked.length > 0, 'no tile was asked for again within 10 s');
    } finally {
      await close();
    }
  });
});
