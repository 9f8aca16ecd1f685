// The operator's screen in a real browser, over the demo city: alarms raised by
// real readings, seen to in one page and told in another; help near them; replay;
// and what moves, followed.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { launch, newPage, until } from './browser.mjs';
import { startServer } from './server.mjs';

describe('the operator’s screen', { timeout: 600_000 }, () => {
  let server;
  let browser;
  let tabs = [];
  /** A street lamp's record, and the camera nearest to it by its own measure. */
  let camera;
  const rule = 'browser-test-tilt';

  before(async () => {
    server = await startServer();
    browser = await launch();
    const { features } = await json('/ogc/collections/demo_parts/items?limit=1&filter=' + encodeURIComponent("class_code = '0136'"));
    camera = features[0];
    await send('PUT', `/live/rules/${rule}`, {
      title: { zh: '测试倾斜', en: 'Test tilt' },
      kind: 'threshold',
      source: 'observations',
      layer: 'demo_parts',
      property: 'test_tilt',
      above: 10,
      severity: 'critical',
      class: 'test-tilt',
    });
  });
  after(async () => {
    await send('DELETE', `/live/rules/${rule}`);
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    for (const tab of tabs) await tab.close();
    tabs = [];
  });

  const json = async path => {
    const response = await fetch(server.url + path);
    assert.equal(response.status, 200, path);
    return response.json();
  };
  const send = async (method, path, body) => {
    const response = await fetch(server.url + path, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response;
  };
  /** A reading of the camera's tilt, or another part's, as a sensor would send it. */
  const tilt = (value, id = camera.id) =>
    send('POST', '/live/observations', {
      layer: 'demo_parts',
      id: String(id),
      property: 'test_tilt',
      phenomenonTime: new Date().toISOString(),
      result: value,
    });
  /** Where there is no city, so that software drawing is quick. */
  const nowhere = 'lang=en&theme=dark#map=15/10/10';
  const screen = async (query = nowhere, size = { width: 1280, height: 720 }) => {
    const tab = await newPage(browser, server.url, size);
    tabs.push(tab);
    await tab.page.goto(`${server.url}/?screen=wall&${query}`);
    await until(tab.page, () => window.twind?.store.opened.value === true, null, 60_000);
    return tab;
  };
  /** Raises eight alarms twice, so that the queue is longer than its room. */
  const fillQueue = async () => {
    const { features } = await json('/ogc/collections/demo_parts/items?limit=8');
    for (const value of [0, 20, 0, 30]) for (const { id } of features) await tilt(value, id);
  };
  /** What is cut in the rows of the queue that are seen, and what room their list leaves below. */
  const queueLooks = () => {
    const list = document.querySelector('.queue-list');
    const room = list.parentElement.getBoundingClientRect();
    const rows = [...list.children];
    const seen = rows.filter(row => row.getBoundingClientRect().bottom <= room.bottom + 1);
    const cut = seen.flatMap(row => {
      const state = row.querySelector('.alarm-state');
      const edge = state.getBoundingClientRect().right + 1;
      const count = row.querySelector('.alarm-count');
      return [
        ...[...state.children].filter(part => !part.matches('.alarm-owner') && part.getBoundingClientRect().right > edge),
        ...(count && count.getBoundingClientRect().right > row.querySelector('.alarm-subject').getBoundingClientRect().left ? [count] : []),
      ].map(part => part.textContent);
    });
    const last = seen.at(-1)?.getBoundingClientRect().bottom ?? 0;
    return { rows: rows.length, whole: seen.length, cut, spare: Math.abs(room.bottom - last) };
  };
  const mine = tab => tab.page.locator('.alarm', { hasText: 'Test tilt' });
  const clean = () => {
    for (const tab of tabs) assert.deepEqual(tab.faults, []);
  };

  it('shows an alarm of a reading, acknowledged and closed here and told in another page', async () => {
    const [here, there] = [await screen(), await screen()];
    await here.page.locator('.queue h2').waitFor();
    await tilt(0);
    await tilt(42);
    const alarm = mine(here);
    await alarm.waitFor();
    await mine(there).waitFor();
    assert.match(await alarm.textContent(), /New/);
    assert.match(await alarm.textContent(), /42 > 10/);
    assert.equal(await alarm.getAttribute('class').then(names => names.includes('critical')), true);
    assert.equal(
      await here.page.locator('.queue-list .alarm').first().getAttribute('data-alarm'),
      await alarm.getAttribute('data-alarm'),
      'the newest is first',
    );
    await here.page.locator('.class-row', { hasText: 'Test tilt' }).or(here.page.locator('.class-rest')).first().waitFor();
    await until(here.page, () => {
      const counts = [...document.querySelectorAll('.class-count')].map(count => Number.parseInt(count.textContent, 10));
      return counts.reduce((a, b) => a + b, 0) === Number(document.querySelector('.classes .head-count').textContent);
    });
    await here.page.getByLabel('Desk', { exact: true }).fill('Desk 7');
    await alarm.getByRole('button', { name: 'Acknowledge' }).click();
    await mine(there).getByText('Acknowledged').waitFor();
    await mine(there).getByText('Desk 7').waitFor();
    const before = await json('/live/alarms?class=test-tilt');
    assert.deepEqual([before.alarms[0].state, before.alarms[0].owner], ['acknowledged', 'Desk 7']);

    await mine(there).getByRole('button', { name: 'Close', exact: true }).click();
    await there.page.getByPlaceholder('What was done').fill('It stands again');
    await there.page.keyboard.press('Enter');
    await mine(here).waitFor({ state: 'detached' });
    await mine(there).waitFor({ state: 'detached' });
    const after = await json('/live/alarms?class=test-tilt');
    assert.deepEqual([after.alarms[0].state, after.alarms[0].note], ['closed', 'It stands again']);
    clean();
  });

  it('flies to an alarm and lists what is near it', async () => {
    const tab = await screen('lang=en&theme=light#map=15/28.3/112.9');
    await tilt(0);
    await tilt(55);
    const marker = tab.page.locator(`[data-marker="${await mine(tab).getAttribute('data-alarm')}"]`);
    await marker.waitFor({ state: 'attached' });
    assert.equal(await marker.evaluate(element => element.tabIndex), -1, 'the keys do not reach what is out of view');
    await mine(tab).locator('.alarm-body').click();
    const [lon, lat] = camera.geometry.coordinates;
    await until(
      tab.page,
      ([lon, lat]) => {
        const { lng, lat: y } = window.twind.map.getCenter();
        return !window.twind.map.isMoving() && Math.abs(lng - lon) < 1e-4 && Math.abs(y - lat) < 1e-4;
      },
      [lon, lat],
    );
    await marker.waitFor();
    assert.equal(await marker.evaluate(element => element.tabIndex), 0);
    const cameras = tab.page.locator('.help', { hasText: 'Nearest cameras' }).locator('.help-row');
    await cameras.first().waitFor();
    assert.equal(await cameras.first().getAttribute('data-neighbour'), `demo_parts/${camera.id}`);
    assert.equal(await cameras.first().locator('.help-distance').textContent(), '0 m');
    const metres = (await cameras.locator('.help-distance').allTextContents()).map(text => Number.parseFloat(text));
    assert.equal(metres.length, 4);
    assert.deepEqual(metres, [...metres].sort((a, b) => a - b));
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('.focus').waitFor({ state: 'detached' });
    await mine(tab).getByRole('button', { name: 'Close', exact: true }).click();
    await tab.page.keyboard.press('Enter');
    await mine(tab).waitFor({ state: 'detached' });
    clean();
  });

  it('shows city events with the time that is left, overdue in words', async () => {
    const tab = await screen();
    const at = minutes => new Date(Date.now() + minutes * 60_000).toISOString();
    const report = (id, title, minutes) => ({
      id,
      class: 'test',
      state: 'accepted',
      time: at(-90),
      title: { zh: title, en: title },
      source: '12345',
      deadlines: { closed: at(minutes) },
    });
    await send('POST', '/live/events', [report('browser-late', 'Lamp is dark', -62.5), report('browser-due', 'Bin is full', 125.5)]);
    const late = tab.page.locator('[data-case="browser-late"]');
    await late.waitFor();
    assert.match(await late.textContent(), /Lamp is dark.*Overdue 1 h 2 min.*12345.*Accepted/);
    assert.match(await tab.page.locator('[data-case="browser-due"]').textContent(), /Bin is full2 h 5 min left/);
    const order = await tab.page.locator('[data-case]').evaluateAll(rows => rows.map(row => row.dataset.case));
    assert.ok(order.indexOf('browser-late') < order.indexOf('browser-due'), order.join());
    await send('POST', '/live/events', { id: 'browser-late', class: 'test', time: at(0), state: 'closed' });
    await late.waitFor({ state: 'detached' });
    await send('POST', '/live/events', { id: 'browser-due', class: 'test', time: at(0), state: 'rejected' });
    clean();
  });

  it('goes to the past and back, and says so', async () => {
    const tab = await screen('lang=en&theme=dark#map=12/40.6/-73.9');
    await until(tab.page, () => window.twind.store.feed.recorded);
    await tab.page.getByRole('button', { name: 'REPLAY' }).click();
    const banner = tab.page.locator('.replay-banner');
    await banner.waitFor();
    assert.match(await banner.textContent(), /^REPLAY .* 1×/);
    await tab.page.getByLabel('Speed').selectOption('10');
    await until(tab.page, () => window.twind.store.feed.replaying?.speed === 10);
    const span = await tab.page.getByLabel('Time', { exact: true }).evaluate(slider => ({ min: Number(slider.min), max: Number(slider.max) }));
    assert.equal(span.max - span.min, 600_000);
    await tab.page.getByLabel('Time', { exact: true }).fill(String(Math.round((span.min + 480_000) / 1000) * 1000));
    await until(tab.page, at => Math.abs(window.twind.store.feed.replaying?.at - at) < 30_000, span.min + 480_000);
    await tab.page.getByRole('button', { name: 'Pause' }).click();
    await until(tab.page, () => window.twind.store.feed.replaying?.state === 'paused');
    await tab.page.getByText('The alarms stay live during the replay.').waitFor();
    assert.equal(await tab.page.locator('.clock .badge.replay').count(), 1);
    await tab.page.getByRole('button', { name: 'Back to live' }).click();
    await banner.waitFor({ state: 'detached' });
    await until(tab.page, () => window.twind.store.feed.replaying === undefined && window.twind.store.counts.value.get('vehicles')?.live > 0);
    clean();
  });

  it('keeps what it follows in the middle, until Esc', async () => {
    // Much slower than the demo's: nothing else moves where it drives.
    const tab = await screen('lang=en&theme=dark#map=16.5/40.6000/-73.9000');
    const drive = i =>
      send('POST', '/live/positions', {
        layer: 'vehicles',
        id: 'browser-followed',
        time: new Date().toISOString(),
        lon: -73.9 + i * 0.0002,
        lat: 40.6,
        course: 90,
        speed: 12,
      });
    await drive(0);
    await until(tab.page, () => window.twind.city.placeOf('vehicles', 'browser-followed'));
    const { x, y } = await tab.page.evaluate(() => {
      const { map, city } = window.twind;
      const point = map.project(city.placeOf('vehicles', 'browser-followed'));
      const box = map.getCanvas().getBoundingClientRect();
      return { x: point.x + box.left, y: point.y + box.top };
    });
    await tab.page.mouse.click(x, y);
    await tab.page.locator('.chosen.following').waitFor();
    for (let i = 1; i <= 5; i++) {
      await drive(i);
      await tab.page.waitForTimeout(1000);
    }
    await until(tab.page, () => {
      const { map, city } = window.twind;
      const { x, y } = map.project(city.placeOf('vehicles', 'browser-followed'));
      const off = Math.hypot(x - map.getCanvas().clientWidth / 2, y - map.getCanvas().clientHeight / 2);
      return !map.isMoving() && off < 12;
    });
    const { lng } = await tab.page.evaluate(() => window.twind.map.getCenter());
    assert.ok(lng > -73.8997, `the map moved with it: ${lng}`);
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('.chosen.following').waitFor({ state: 'detached' });
    await drive(30);
    await until(tab.page, () => window.twind.city.placeOf('vehicles', 'browser-followed')?.[0] > -73.895);
    assert.ok((await tab.page.evaluate(() => window.twind.map.getCenter().lng)) < -73.897, 'the map stays');
    clean();
  });

  it('says when the connection is lost, and recovers', async () => {
    const tab = await newPage(browser, server.url, { width: 1280, height: 720 });
    tabs.push(tab);
    const sockets = [];
    let refuse = false;
    await tab.page.routeWebSocket(/\/live/, socket => {
      if (refuse) socket.close();
      else {
        socket.connectToServer();
        sockets.push(socket);
      }
    });
    await tab.page.goto(`${server.url}/?screen=wall&${nowhere}`);
    await until(tab.page, () => window.twind?.store.opened.value === true, null, 60_000);
    await tab.page.locator('.lamp.live').waitFor();
    refuse = true;
    for (const socket of sockets) await socket.close();
    await tab.page.getByText('The connection has been lost').waitFor();
    await tab.page.getByText('these alarms are from before').waitFor();
    await tilt(0);
    await tilt(77);
    refuse = false;
    await tab.page.locator('.connection').waitFor({ state: 'detached', timeout: 30_000 });
    await mine(tab).waitFor();
    await mine(tab).getByRole('button', { name: 'Close', exact: true }).click();
    await tab.page.keyboard.press('Enter');
    await mine(tab).waitFor({ state: 'detached' });
    clean();
  });

  it('has a name for everything, fits every screen, and beeps only after a click', async () => {
    for (const [size, rems, query] of [
      [{ width: 1920, height: 1080 }, 96, 'lang=zh&theme=dark#map=15/10/10'],
      [{ width: 3840, height: 2160 }, 96, 'lang=en&theme=light#map=15/10/10'],
      [{ width: 1080, height: 1920 }, 54, 'lang=en&theme=dark#map=15/10/10'],
      [{ width: 390, height: 844 }, 390 / 14, 'lang=en&theme=dark#map=15/10/10'],
    ]) {
      const tab = await newPage(browser, server.url, size);
      tabs.push(tab);
      // The panels alone: software takes a minute for a map of eight million pixels.
      await tab.page.addInitScript(() => {
        HTMLCanvasElement.prototype.getContext = () => null;
      });
      await tab.page.goto(`${server.url}/?screen=wall&${query}`);
      await tab.page.locator('.source-live', { hasText: /\d/ }).first().waitFor();
      await tab.page.locator('.case').first().waitFor();
      const nameless = await tab.page.evaluate(() =>
        [...document.querySelectorAll('button, input, a, select')]
          .filter(element => element.checkVisibility())
          .filter(element => !(element.getAttribute('aria-label') || element.textContent?.trim() || element.labels?.length))
          .map(element => element.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(nameless, []);
      const outside = await tab.page.evaluate(() =>
        [...document.querySelectorAll('.wall-card, .card-head > *, .time-bar > *, .clock > *')]
          .filter(element => element.checkVisibility())
          .filter(element => {
            const box = element.getBoundingClientRect();
            const card = (element.closest('.wall-card') ?? document.body).getBoundingClientRect();
            const end = innerWidth < 600 ? Number.POSITIVE_INFINITY : innerHeight; // a telephone scrolls
            return box.right > card.right + 1 || box.bottom > card.bottom + 1 || box.right > innerWidth || box.bottom > end;
          })
          .map(element => element.className),
      );
      assert.deepEqual(outside, [], `${size.width} wide`);
      const rem = await tab.page.evaluate(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
      assert.equal(rem, size.width / rems);
      const map = await tab.page.locator('.wall-map').boundingBox();
      assert.ok(map.width > size.width * (size.width < size.height ? 0.9 : 0.4) && map.height > size.height * 0.35, JSON.stringify(map));
    }
    const [tab] = tabs;
    await fillQueue();
    for (const { page } of tabs) await until(page, () => document.querySelectorAll('.alarm-count').length >= 8);
    for (const { page } of tabs) {
      const seen = await page.evaluate(queueLooks);
      assert.deepEqual(seen.cut, [], 'of what is said of an alarm nothing but its owner gives way');
      assert.ok(seen.rows > 8 && seen.whole >= 2 && seen.spare <= 1, JSON.stringify(seen));
    }
    for (const { id } of (await json('/live/alarms?state=open&class=test-tilt')).alarms)
      await send('POST', `/live/alarms/${id}/close`, { owner: 'Test' });
    const sound = tab.page.locator('.sound');
    assert.equal(await sound.getAttribute('aria-pressed'), 'false');
    await sound.click();
    await until(tab.page, () => document.querySelector('.sound').getAttribute('aria-pressed') === 'true');
    await tab.page.locator('.sound.on').waitFor();
    clean();
  });
});
