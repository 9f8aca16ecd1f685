// Flies through the city for a while and measures whether the page's memory stays
// bounded: heap after a collection, and what three.js holds on the graphics card.
//
//   node flythrough.mjs [--minutes 30] [--every 15] [--city manhattan|district]
//
// TWIND_URL names a running server; without it, one is started from bin/twind. It
// prints a line a sample and the slopes by least squares over the second half, when
// caches are full, and fails where the heap grows by more than 3 MB a minute there.
import { parseArgs } from 'node:util';
import { launch, newPage } from './browser.mjs';
import { startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    every: { type: 'string', default: '15' },
    city: { type: 'string', default: 'manhattan' },
  },
});
const minutes = Number(values.minutes);
const every = Number(values.every) * 1000;

/** Loops that are flown: places and bearings. */
const loops = {
  manhattan: [
    [-74.013, 40.705, 29],
    [-73.99, 40.73, 29],
    [-73.975, 40.755, 60],
    [-73.955, 40.78, 200],
    [-73.985, 40.75, 210],
    [-74.005, 40.72, 180],
  ],
  district: [
    [112.972, 28.196, 0],
    [112.98, 28.2, 90],
    [112.988, 28.204, 180],
    [112.976, 28.203, 270],
  ],
};
const loop = loops[values.city];
if (!loop) throw new Error(`--city ${values.city}: expected ${Object.keys(loops).join(' or ')}`);

const server = await startServer();
const browser = await launch();
try {
  const tab = await newPage(browser, server.url, { width: 800, height: 500 });
  const { page } = tab;
  const [lon, lat] = loop[0];
  await page.goto(`${server.url}/?lang=en&theme=dark#map=15.5/${lat}/${lon}/0/60`);
  await page.waitForFunction(() => window.twind?.store.ready.value, null, { timeout: 240_000 });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  const samples = [];
  const start = performance.now();
  let leg = 0;
  let next = start + every;
  while (performance.now() - start < minutes * 60_000) {
    leg++;
    const [x, y, bearing] = loop[leg % loop.length];
    await page.evaluate(
      ([center, turn]) =>
        new Promise(resolve => {
          const { map } = window.twind;
          map.once('moveend', resolve);
          map.easeTo({ center, bearing: turn, zoom: 15 + Math.random(), pitch: 60, duration: 4000, essential: true });
        }),
      [[x, y], bearing],
    );
    if (performance.now() < next) continue;
    next += every;
    await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await cdp.send('Runtime.getHeapUsage');
    const held = await page.evaluate(() => {
      const { solids, solidsHeld } = window.twind.city;
      const { memory } = solids.renderer.info;
      const contents = Object.values(solidsHeld).reduce((sum, layer) => sum + layer.contents, 0);
      return { contents, geometries: memory.geometries, textures: memory.textures };
    });
    const sample = { minute: (performance.now() - start) / 60_000, heap: usedSize / 2 ** 20, ...held };
    samples.push(sample);
    console.log(
      `${sample.minute.toFixed(1)} min: heap ${sample.heap.toFixed(1)} MB, ${held.contents} contents, ${held.geometries} geometries, ${held.textures} textures`,
    );
  }
  const late = samples.slice(Math.floor(samples.length / 2));
  const slopes = Object.fromEntries(['heap', 'contents', 'geometries', 'textures'].map(name => [name, slope(late, name)]));
  console.log(
    `${leg} legs; slopes a minute over the second half: heap ${slopes.heap.toFixed(2)} MB, contents ${slopes.contents.toFixed(2)}, geometries ${slopes.geometries.toFixed(2)}, textures ${slopes.textures.toFixed(2)}`,
  );
  for (const fault of tab.faults) console.error(fault);
  if (tab.faults.length > 0 || !(slopes.heap < 3)) process.exitCode = 1;
} finally {
  await browser.close();
  await server.close();
}

/** The slope of a column by least squares, a minute. */
function slope(list, name) {
  const n = list.length;
  const mx = list.reduce((sum, s) => sum + s.minute, 0) / n;
  const my = list.reduce((sum, s) => sum + s[name], 0) / n;
  const top = list.reduce((sum, s) => sum + (s.minute - mx) * (s[name] - my), 0);
  const bottom = list.reduce((sum, s) => sum + (s.minute - mx) ** 2, 0);
  return n > 1 ? top / bottom : Number.NaN;
}
