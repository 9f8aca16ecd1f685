// Serves a page of this folder and CesiumJS's library, as another site than twind's.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';

const types = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json', '.css': 'text/css', '.wasm': 'application/wasm' };

/** A site whose every path but those of the library, and of a folder below /files/, is the page. */
async function site(page, folder) {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const cesium = join(here, 'node_modules/cesium/Build/Cesium');
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
    let file = join(here, page);
    if (path.startsWith('/cesium/')) file = join(cesium, path.slice(8));
    else if (folder && path.startsWith('/files/')) file = join(folder, path.slice(7));
    try {
      await stat(file);
      response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
      createReadStream(file).pipe(response);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** That page in a browser, loaded, with its address and what went wrong in it so far. */
export async function visit(name, viewport, folder) {
  const faults = [];
  const pages = await site(name, folder);
  const browser = await launch();
  const close = async () => {
    await browser.close();
    pages.close();
  };
  try {
    const page = await browser.newPage({ viewport });
    page.on('pageerror', error => faults.push(error.stack ?? error.message));
    page.on('console', message => message.type() === 'error' && faults.push(message.text()));
    await page.goto(pages.url);
    await page.waitForFunction(() => window.loaded === true);
    return { page, url: pages.url, faults, close };
  } catch (error) {
    await close();
    throw error;
  }
}
