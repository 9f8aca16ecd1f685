// What a frame costs the page's main thread while 100,000 vehicles report once a
// second and every one is shown: processor time of JavaScript by Chromium's own
// trace, on the thread's clock, so that other processes do not count. The calls
// that draw are taken away: software that stands in for a graphics card would need
// seconds for each frame, and those are not JavaScript's. Everything else is as
// ever, uploads to the card too. --picture draws one frame, and measures nothing.
//
//	node crowd.mjs [--count 100000] [--seconds 20] [--picture FILE.png]
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { launch, newPage, until } from './browser.mjs';
import { Fleet, fleetConfig } from './fleet.mjs';
import { startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '20' },
    picture: { type: 'string' },
  },
});
const count = Number(values.count);
/** What Chromium does once a frame, after its scripts. */
const frameEnd = 'PrePaint';

const server = await startServer({ config: fleetConfig });
const fleet = new Fleet(server.url, count);
await fleet.introduce();
const browser = await launch();
try {
  const tab = await newPage(browser, server.url, { width: 1280, height: 800 });
  if (!values.picture)
    await tab.page.addInitScript(() => {
      for (const name of ['drawArrays', 'drawElements', 'drawArraysInstanced', 'drawElementsInstanced']) WebGL2RenderingContext.prototype[name] = () => {};
    });
  await tab.page.goto(`${server.url}/?lang=en&theme=dark&entities=all&bookmark=city`);
  fleet.start();
  await until(tab.page, n => (window.twind?.store.feed?.columns('vehicles')?.size ?? 0) >= n, count, 120_000);
  await tab.page.waitForTimeout(5000);
  if (values.picture) await writeFile(values.picture, await tab.page.screenshot({ timeout: 180_000 }));
  else await measure(tab.page);
  for (const fault of [...tab.faults, ...fleet.refused]) console.error(fault);
  if (tab.faults.length > 0 || fleet.refused.length > 0) process.exitCode = 1;
} finally {
  await fleet.stop();
  await browser.close();
  await server.close();
}

async function measure(page) {
  const sent = fleet.sent;
  const began = performance.now();
  const frames = await traced(page, Number(values.seconds) * 1000);
  const rate = ((fleet.sent - sent) / (performance.now() - began)) * 1000;
  const shown = await page.evaluate(() => {
    const { state, size } = window.twind.store.feed.columns('vehicles');
    return state.subarray(0, size).reduce((n, s) => n + (s === 1 ? 1 : 0), 0);
  });
  const load = (await readFile('/proc/loadavg', 'utf8')).split(' ')[0];
  const line = list => {
    const ms = list.toSorted((a, b) => a - b);
    const at = share => (ms[Math.min(ms.length - 1, Math.floor(share * ms.length))] ?? Number.NaN).toFixed(2);
    return `mean ${(ms.reduce((a, b) => a + b, 0) / ms.length).toFixed(2)}, median ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, most ${at(1)} (${ms.length})`;
  };
  console.log(`${shown} vehicles shown, ${(frames.length / Number(values.seconds)).toFixed(1)} frames/s, ${rate.toFixed(0)} positions/s, load ${load}; JavaScript, ms of the thread's processor time:
a frame, all of it      ${line(frames.map(f => f.all))}
drawing                 ${line(frames.map(f => f.draw))}
frames with a message   ${line(frames.filter(f => f.messages > 0).map(f => f.all))}
one message             ${line(frames.filter(f => f.messages > 0).map(f => f.taking / f.messages))}`);
}

/** The frames of a page for a while: what ran from one picture to the next. */
async function traced(page, ms) {
  await browser.startTracing(page, { categories: ['-*', 'devtools.timeline', 'disabled-by-default-v8.gc'] });
  await page.waitForTimeout(ms);
  const events = JSON.parse((await browser.stopTracing()).toString()).traceEvents.filter(e => e.ph === 'X' && e.tdur !== undefined);
  const threads = new Map();
  for (const e of events) if (e.name === 'FireAnimationFrame') threads.set(e.tid, (threads.get(e.tid) ?? 0) + 1);
  const [main] = [...threads.entries()].sort((a, b) => b[1] - a[1])[0] ?? []; // the thread that animates
  // What V8 marks between tasks counts; what it marks within a call is counted with it.
  const scripts = ['FunctionCall', 'FireAnimationFrame', 'TimerFire', 'EvaluateScript', 'RunMicrotasks', 'MinorGC', 'MajorGC', 'V8.GC_MC_INCREMENTAL'];
  const frames = [];
  const nothing = { all: 0, draw: 0, taking: 0, messages: 0 };
  let frame = { ...nothing };
  let end = 0;
  const wanted = new Set([...scripts, frameEnd]);
  for (const e of events.filter(x => x.tid === main && wanted.has(x.name)).sort((x, y) => x.ts - y.ts || y.dur - x.dur)) {
    if (e.name === frameEnd) {
      if (frame.draw > 0) {
        frames.push(frame);
        frame = { ...nothing };
      }
      continue;
    }
    if (e.ts < end) continue; // counted with what it runs in
    end = e.ts + e.dur;
    const took = e.tdur / 1000;
    frame.all += took;
    if (e.name === 'FireAnimationFrame') frame.draw += took;
    else if (e.name === 'FunctionCall' && /onmessage/.test(e.args?.data?.functionName ?? '') && took > 0.5) {
      frame.taking += took;
      frame.messages++;
    }
  }
  return frames.slice(1);
}
