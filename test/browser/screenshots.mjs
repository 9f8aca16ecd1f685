// Writes docs/images/{bookmark}-{theme}.png at 1920 × 1080 from the demo city,
// and with --wall FOLDER the operator's screen at 3840 × 2160.
//
//   node screenshots.mjs [--out FOLDER] [--lang zh|en] [--wall FOLDER] [BOOKMARK …]
//
// TWIND_URL names a running server; without it, one is started from bin/twind.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch, newPage, pixels } from './browser.mjs';
import { encodePng8 } from './png8.mjs';
import { startServer } from './server.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: fileURLToPath(new URL('../../docs/images', import.meta.url)) },
    lang: { type: 'string' },
    wall: { type: 'string' },
  },
});

/** Cameras close enough that pipes are bodies. */
const solids = {
  kamloops: '#map=18.6/50.67395/-120.33360/-15/62',
  district: '#map=18.4/28.20030/112.98060/-20/62',
};

const server = await startServer();
const browser = await launch();
try {
  const { bookmarks } = await (await fetch(`${server.url}/viewer/config.json`)).json();
  const wanted = bookmarks.filter(({ id }) => positionals.length === 0 || positionals.includes(id));
  for (const { id } of wanted) {
    for (const theme of ['dark', 'light']) {
      // The Chinese district is shown to those who read Chinese.
      const lang = values.lang ?? (id === 'district' ? 'zh' : 'en');
      await shoot(values.out, `${id}-${theme}`, `/?lang=${lang}&theme=${theme}&bookmark=${id}`, 1920, 1080);
    }
    const solid = solids[id];
    if (solid) await shoot(values.out, `${id}-underground`, `/?lang=${id === 'district' ? 'zh' : 'en'}&theme=dark${solid}`, 1920, 1080, 'underground');
    if (values.wall) await shoot(values.wall, `${id}-wall`, `/?lang=zh&theme=dark&bookmark=${id}&screen=wall`, 3840, 2160);
  }
} finally {
  await browser.close();
  await server.close();
}

/** One picture, taken when everything in view is drawn. */
async function shoot(folder, name, path, width, height, view) {
  const tab = await newPage(browser, server.url, { width, height });
  try {
    await tab.open(path);
    if (view === 'underground')
      await tab.page.evaluate(() => {
        window.twind.store.setLayersOpen(false);
        window.twind.store.setUnderground(true);
      });
    await tab.page.waitForFunction(() => window.twind.map.areTilesLoaded() && window.twind.store.status.value.phase !== 'connecting', null, {
      timeout: 120_000,
    });
    await tab.page.waitForTimeout(width > 2000 || view ? 14_000 : 9000); // labels fade in, entities arrive; slow without a graphics card
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${name}.png`), encodePng8(await pixels(tab.page, { x: 0, y: 0, width, height })));
    console.log(join(folder, `${name}.png`));
    for (const fault of tab.faults) console.error(`${name}: ${fault}`);
    if (tab.faults.length > 0) process.exitCode = 1;
  } finally {
    await tab.close();
  }
}
