// Writes docs/images/{bookmark}-{theme}.png at 1920 × 1080 from the demo city, and
// wall-{theme}.png, the operator's screen with an alarm in hand; with --wall FOLDER
// that at both sizes in both languages and themes.
//
//   node screenshots.mjs [--out FOLDER] [--lang zh|en] [--wall FOLDER] [BOOKMARK … | PICTURE … | wall]
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

/** Pits, with cameras, and lines of sections, which turn the camera to themselves. */
const pits = {
  kamloops: { camera: '#map=19.2/50.67362/-120.33448/-15/55', ring: [[-120.33473, 50.6735], [-120.33429, 50.6735], [-120.33429, 50.67378], [-120.33473, 50.67378]] },
  district: { camera: '#map=19/28.19905/112.98012/-20/58', ring: [[112.97997, 28.19892], [112.9803, 28.19892], [112.9803, 28.1992], [112.97997, 28.1992]] },
};
const sections = {
  kamloops: [[-120.3346, 50.6733], [-120.3342, 50.673393]], // across a street: storm and sanitary side by side
  district: [[112.97995, 28.19925], [112.98028, 28.19925]],
};

/** Straight down. */
const plans = {
  kamloops: '#map=16.3/50.67420/-120.33300/0/0',
  district: '#map=16.3/28.20030/112.98060/0/0',
};

/** Cameras close enough that pipes are bodies. */
const solids = {
  kamloops: '#map=18.6/50.67395/-120.33360/-15/62',
  district: '#map=18.4/28.20030/112.98060/-20/62',
};

const server = await startServer();
const browser = await launch();
try {
  const { bookmarks } = await (await fetch(`${server.url}/viewer/config.json`)).json();
  for (const { id } of bookmarks) {
    // The Chinese district is shown to those who read Chinese.
    const lang = values.lang ?? (id === 'district' ? 'zh' : 'en');
    const picture = (name, theme, query, view) =>
      wanted(id, `${id}-${name}`) && shoot(values.out, `${id}-${name}`, `/?lang=${lang}&theme=${theme}${query}`, 1920, 1080, view);
    for (const theme of ['dark', 'light']) await picture(theme, theme, `&bookmark=${id}`);
    const solid = solids[id];
    if (!solid) continue;
    await picture('above-light', 'light', plans[id], {});
    await picture('underground', 'dark', solid, { underground: true });
    await picture('excavation-light', 'light', pits[id].camera, { pit: pits[id].ring });
    await picture('section-light', 'light', solid, { section: sections[id] });
  }
  if (positionals.length === 0 || positionals.includes('wall')) {
    await shootWall(values.out, 'wall-dark', 'lang=zh&theme=dark', 3840, 2160, 2 / 3);
    await shootWall(values.out, 'wall-light', 'lang=en&theme=light', 1920, 1080);
  }
  if (values.wall)
    for (const [width, height] of [[1920, 1080], [3840, 2160]])
      for (const lang of ['zh', 'en'])
        for (const theme of ['dark', 'light'])
          await shootWall(values.wall, `wall-${width}-${lang}-${theme}`, `lang=${lang}&theme=${theme}`, width, height);
} finally {
  await browser.close();
  await server.close();
}

/** Whether a picture of a bookmark is to be taken. */
function wanted(bookmark, picture) {
  return positionals.length === 0 || positionals.includes(bookmark) || positionals.includes(picture);
}

/** The operator's screen, looking at an alarm of the model district. */
async function shootWall(folder, name, query, width, height, scale = 1) {
  const tab = await newPage(browser, server.url, { width, height });
  try {
    await tab.page.goto(`${server.url}/?screen=wall&bookmark=district&${query}`);
    await tab.page.waitForFunction(() => window.twind?.store.opened.value, null, { timeout: 180_000 });
    const alarm = await districtAlarm(); // one comes every minute or so
    const row = tab.page.locator(`[data-alarm="${alarm.id}"]`);
    await row.locator('.alarm-body').click({ timeout: 60_000 });
    await tab.page.locator('.help-row').first().waitFor({ timeout: 60_000 });
    await tab.page.waitForFunction(() => !window.twind.map.isMoving() && window.twind.map.areTilesLoaded(), null, { timeout: 180_000 });
    await tab.page.waitForTimeout(width > 2000 ? 14_000 : 9000);
    await save(tab, folder, name, width, height, scale);
  } finally {
    await tab.close();
  }
}

/** The newest open alarm of the model district. */
async function districtAlarm() {
  for (let i = 0; i < 120; i++) {
    const { alarms } = await (await fetch(`${server.url}/live/alarms?state=open`)).json();
    const found = alarms.find(({ layer, lon }) => layer?.startsWith('demo_') && lon !== undefined);
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 2000));
  }
  throw new Error('the demo raised no alarm in four minutes');
}

async function save(tab, folder, name, width, height, scale = 1) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.png`), encodePng8(await pixels(tab.page, { x: 0, y: 0, width, height }, scale)));
  console.log(join(folder, `${name}.png`));
  for (const fault of tab.faults) console.error(`${name}: ${fault}`);
  if (tab.faults.length > 0) process.exitCode = 1;
}

/** One picture, taken when everything in view is drawn. */
async function shoot(folder, name, path, width, height, view) {
  const tab = await newPage(browser, server.url, { width, height });
  try {
    await tab.open(path);
    if (view)
      await tab.page.evaluate(({ underground, pit, section }) => {
        const { store } = window.twind;
        store.setLayersOpen(false);
        if (underground) store.setUnderground(true);
        if (section) store.section.cut(...section);
        if (!pit) return;
        store.excavation.setDepth(4);
        store.excavation.dig(pit);
      }, view);
    await tab.page.waitForTimeout(1500); // a camera that turns
    await tab.page.waitForFunction(() => !window.twind.map.isMoving() && !window.twind.store.bodiesLoading.value, null, { timeout: 120_000 });
    await tab.page.waitForFunction(() => window.twind.map.areTilesLoaded() && window.twind.store.status.value.phase !== 'connecting', null, {
      timeout: 120_000,
    });
    await tab.page.waitForTimeout(width > 2000 || view ? 14_000 : 9000); // labels fade in, entities arrive; slow without a graphics card
    await save(tab, folder, name, width, height);
  } finally {
    await tab.close();
  }
}
