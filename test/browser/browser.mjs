// Chromium as the tests use it, and pages that note everything a user should
// never meet: errors, requests to other hosts, violations of the policy.
import { chromium } from 'playwright-core';

const args = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

export function launch() {
  return chromium.launch({ executablePath: process.env.TWIND_CHROMIUM ?? '/usr/bin/chromium', headless: true, args });
}

/**
 * A page that looks at a server.
 * @returns page, what went wrong so far, and open, which goes to a path and waits until the map is drawn
 */
export async function newPage(browser, url, { width = 1000, height = 640, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: 'en-GB', colorScheme: 'dark', ...options });
  const page = await context.newPage();
  const faults = [];
  const host = new URL(url).host;
  page.on('console', message => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', error => faults.push(`error: ${error.stack ?? error.message}`));
  page.on('request', request => {
    const to = new URL(request.url());
    if (!['data:', 'blob:'].includes(to.protocol) && to.host !== host) faults.push(`request to another host: ${request.url()}`);
  });
  page.on('websocket', socket => {
    if (new URL(socket.url()).host !== host) faults.push(`socket to another host: ${socket.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', event =>
      console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sourceFile ?? ''}`),
    );
  });
  const open = async path => {
    await page.goto(url + path);
    await ready(page);
  };
  return { page, faults, open, close: () => context.close() };
}

/** Waits until the first tiles of the map are drawn. */
export async function ready(page, timeout = 180_000) {
  await page.waitForFunction(() => window.twind?.store.ready.value === true, null, { timeout });
}

/**
 * Waits until a function of the page gives something truthy, and returns that. On a busy machine a frame in
 * software takes seconds, so it is patient, and it does not ask so often that nothing is drawn meanwhile.
 */
export async function until(page, predicate, argument, timeout = 60_000) {
  const handle = await page.waitForFunction(predicate, argument, { timeout, polling: 100 });
  return handle.jsonValue();
}

/** The pixels of a part of the page, made smaller by `scale`: width, height and RGBA bytes. */
export async function pixels(page, clip, scale = 1) {
  const png = await page.screenshot({ clip, animations: 'disabled', timeout: 180_000 });
  const { width, height, base64 } = await page.evaluate(async ([text, scale]) => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let binary = '';
    for (let i = 0; i < data.length; i += 8192) binary += String.fromCharCode(...data.subarray(i, i + 8192));
    return { width: canvas.width, height: canvas.height, base64: btoa(binary) };
  }, [png.toString('base64'), scale]);
  return { width, height, data: Buffer.from(base64, 'base64') };
}

/** The share of pixels that differ between two pictures by more than a shade. */
export function difference(a, b) {
  let differing = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    const d = Math.max(
      Math.abs(a.data[i] - b.data[i]),
      Math.abs(a.data[i + 1] - b.data[i + 1]),
      Math.abs(a.data[i + 2] - b.data[i + 2]),
    );
    if (d > 10) differing++;
  }
  return differing / (a.data.length / 4);
}

/** The share of pixels near a colour #rrggbb. */
export function share(picture, hex, tolerance = 28) {
  const want = [1, 3, 5].map(at => Number.parseInt(hex.slice(at, at + 2), 16));
  let near = 0;
  for (let i = 0; i < picture.data.length; i += 4) {
    if (want.every((value, c) => Math.abs(picture.data[i + c] - value) <= tolerance)) near++;
  }
  return near / (picture.data.length / 4);
}
