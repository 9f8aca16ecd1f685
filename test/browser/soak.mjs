// A server and a page under load for a long time: does their memory grow?
//
//	node soak.mjs [--seconds 7200]
//
// 2,000 vehicles report once a second, and some leave for good and others come;
// viewers connect, look and leave; the page moves about, and its theme changes.
// Every few seconds garbage is collected on both sides and what is left is
// measured; the line of least squares after a third of the time says whether it
// grows.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { launch, newPage } from './browser.mjs';
import { Fleet } from './fleet.mjs';
import { startServer } from './server.mjs';
import { trend } from './trend.mjs';

const MB = 1 << 20;

/**
 * How much each may grow from the first third on, whatever the time: as much as it
 * may differ from one sample to another. What leaks a kilobyte a message, or a
 * connection a second, grows more within minutes.
 */
export const bounds = { goHeap: 2 * MB, rssAnon: 12 * MB, goroutines: 15, jsHeap: 3 * MB };

/**
 * @param {{seconds: number, leak?: (page: import('playwright-core').Page) => Promise<void>, log?: (line: string) => void}} options leak: done to the page once a sample, to see that it is found
 * @returns {Promise<{measures: Record<string, {mean: number, slope: number, growth: number}>, faults: string[], positions: number, viewers: number}>}
 */
export async function soak({ seconds, leak, log = () => {} }) {
  const debug = `127.0.0.1:${await freePort()}`;
  const server = await startServer({
    config: `debug: ${debug}
live: [{id: vehicles, kind: vehicle, period: 1s, stale: 3s, offline: 8s, removed: 15s, label: line}]
bookmarks: [{id: city, title: {zh: 城市, en: City}, center: [-74, 40.7], zoom: 13.2}]
history: {default: 1h, maxBytes: 256MiB}
`,
  });
  const fleet = new Fleet(server.url, 2000, 12);
  const browser = await launch();
  const samples = { goHeap: [], rssAnon: [], goroutines: [], jsHeap: [] };
  let viewers = 0;
  try {
    await fleet.introduce();
    const tab = await newPage(browser, server.url, { width: 480, height: 320 });
    await tab.open('/?lang=en&theme=dark&bookmark=city');
    const cdp = await tab.page.context().newCDPSession(tab.page);
    await cdp.send('HeapProfiler.enable');
    const visitors = await newPage(browser, server.url);
    await visitors.page.goto(`${server.url}/favicon.svg`); // of the server's origin, without the viewer
    fleet.start(200);

    const begun = performance.now();
    const elapsed = () => (performance.now() - begun) / 1000;
    const every = Math.min(30, Math.max(2, seconds / 60));
    for (let n = 0; elapsed() < seconds; n++) {
      viewers += await visit(visitors.page, server.url);
      fleet.replace(10);
      await wander(tab.page, n);
      await leak?.(tab.page);
      await new Promise(resolve => setTimeout(resolve, Math.max(0, (n + 1) * every - elapsed()) * 1000));
      await cdp.send('HeapProfiler.collectGarbage');
      const at = elapsed();
      const take = (name, value) => samples[name].push({ at, value });
      take('jsHeap', (await cdp.send('Runtime.getHeapUsage')).usedSize);
      take('goHeap', await liveHeap(debug));
      take('goroutines', await goroutines(debug));
      take('rssAnon', await anonymous(server.pid));
      if (n % 10 === 0) log(`${at.toFixed(0)} s: ${Object.entries(samples).map(([name, list]) => `${name} ${show(name, list.at(-1).value)}`).join(', ')}`);
    }
    await fleet.stop();
    const shown = await tab.page.evaluate(() => window.twind.store.feed.columns('vehicles')?.size ?? 0);
    const measures = Object.fromEntries(
      Object.entries(samples).map(([name, list]) => [name, trend(list.filter(s => s.at > seconds / 3))]),
    );
    const icon = fault => fault.includes('/favicon.ico'); // which browsers ask for beside a picture
    const faults = [...tab.faults, ...visitors.faults.filter(fault => !icon(fault)), ...fleet.refused];
    if (shown === 0) faults.push('the page shows no vehicles');
    return { measures, faults, positions: fleet.sent, viewers };
  } finally {
    await fleet.stop();
    await browser.close();
    await server.close();
  }
}

/** A measure as people read it. */
export function show(name, value) {
  return name === 'goroutines' ? value.toFixed(1) : `${(value / MB).toFixed(2)} MB`;
}

/** One line for each measure. */
export function report({ measures, positions, viewers }) {
  const lines = Object.entries(measures).map(
    ([name, m]) =>
      `${name.padEnd(10)} ${show(name, m.mean)}, slope ${show(name, m.slope * 3600)} an hour, growth ${show(name, m.growth)} of ${show(name, bounds[name])} allowed`,
  );
  return [`${positions} positions, ${viewers} viewers that came and went`, ...lines].join('\n');
}

/** Viewers that look for a second and leave. */
function visit(page, url) {
  return page.evaluate(
    address =>
      Promise.all(
        Array.from(
          { length: 5 },
          (_, i) =>
            new Promise(resolve => {
              const socket = new WebSocket(address);
              socket.binaryType = 'arraybuffer';
              socket.onopen = () =>
                socket.send(JSON.stringify({ type: 'subscribe', bbox: [-74.02 + i * 0.005, 40.68, -73.98, 40.72], zoom: 14, layers: ['vehicles'] }));
              setTimeout(() => {
                socket.onclose = () => resolve(1);
                socket.close();
              }, 1000);
            }),
        ),
      ).then(all => all.length),
    `${url.replace('http', 'ws')}/live`,
  );
}

/** Moves the page's camera, and now and then changes its theme. */
function wander(page, n) {
  return page.evaluate(step => {
    const places = [
      [-74, 40.7, 13.2],
      [-74.03, 40.72, 14],
      [-73.97, 40.68, 12.6],
      [-74.01, 40.69, 15],
    ];
    const [lon, lat, zoom] = places[step % places.length];
    window.twind.map.jumpTo({ center: [lon, lat], zoom });
    if (step % 7 === 6) window.twind.store.setTheme(step % 2 ? 'dark' : 'light');
  }, n);
}

async function liveHeap(debug) {
  const text = await (await fetch(`http://${debug}/debug/pprof/heap?gc=1&debug=1`)).text();
  return Number(/# HeapAlloc = (\d+)/.exec(text)[1]);
}

async function goroutines(debug) {
  const text = await (await fetch(`http://${debug}/debug/pprof/goroutine?debug=1`)).text();
  return Number(/total (\d+)/.exec(text)[1]);
}

/** Memory of a process that is not of files, bytes. */
async function anonymous(pid) {
  return Number(/RssAnon:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '7200' }, leak: { type: 'boolean' } } });
  const leak = page => page.evaluate(() => void (window.leaked ??= []).push(Array.from({ length: 50_000 }, () => Math.random())));
  const result = await soak({ seconds: Number(values.seconds), log: console.log, ...(values.leak && { leak }) });
  console.log(report(result));
  const grown = Object.entries(result.measures).filter(([name, m]) => m.growth > bounds[name]);
  for (const [name] of grown) console.error(`${name} grows`);
  for (const fault of result.faults) console.error(fault);
  if (grown.length > 0 || result.faults.length > 0) process.exitCode = 1;
}
