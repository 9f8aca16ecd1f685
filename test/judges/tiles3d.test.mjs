// Khronos' validator, Cesium's tools and loaders.gl read every 3D layer.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from '@loaders.gl/core';
import { Tiles3DLoader } from '@loaders.gl/3d-tiles';
import { findings } from './gltf.mjs';
import { json, server } from './server.mjs';
import { bytes, contents } from './tileset.mjs';

const run = promisify(execFile);
const tools = fileURLToPath(new URL('node_modules/.bin/3d-tiles-tools', import.meta.url));

let twind;
let layers; // with 3D
before(async () => {
  twind = await server();
  const config = await json(`${twind.url}/viewer/config.json`);
  layers = config.layers.filter((l) => l.tileset);
});
after(async () => { await twind.close(); });

test('layers of solids, pipes and parts have a tileset', () => {
  const ids = layers.map((l) => l.id);
  for (const id of ['buildings', 'storm', 'manholes', 'water', 'demo_buildings', 'demo_pipes', 'demo_nodes', 'demo_parts']) assert.ok(ids.includes(id), `${id} in ${ids}`);
});

test('every content passes the glTF validator without errors', async () => {
  let count = 0;
  for (const layer of layers) {
    for await (const c of contents(layer.tileset)) {
      assert.deepEqual(await findings(c.bytes, c.uri), [], c.uri);
      count++;
    }
  }
  assert.ok(count > 200, `${count} contents`);
});

/** Writes a tileset and what is below one child of its root to a folder. */
async function download(layer, folder) {
  const base = layer.tileset.slice(0, layer.tileset.lastIndexOf('/') + 1);
  const local = (url) => decodeURI(url.slice(base.length)).split('?')[0];
  const save = async (url) => {
    const name = join(folder, local(url));
    await mkdir(dirname(name), { recursive: true });
    let b = await bytes(url);
    if (name.endsWith('.json')) {
      const t = JSON.parse(new TextDecoder().decode(b));
      const each = async (tile) => {
        if (tile.content) {
          await save(new URL(tile.content.uri, url).href);
          tile.content.uri = tile.content.uri.split('?')[0];
        }
        for (const child of tile.children ?? []) await each(child);
      };
      await each(t.root);
      b = JSON.stringify(t);
    }
    await writeFile(name, b);
  };
  await save(layer.tileset);
}

test('3d-tiles-tools analyzes contents and converts tilesets', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twind-3dtiles-'));
  const glb = join(folder, 'content.glb');
  try {
    for (const layer of layers.filter((l) => l.id !== 'water')) { // Nanaimo's thousands of contents would take minutes more
      const dir = join(folder, layer.id);
      await download(layer, dir);
      const file = join(folder, `${layer.id}.3tz`);
      await run(tools, ['convert', '-i', join(dir, 'tileset.json'), '-o', file]);
      assert.ok((await readFile(file)).length > 1000, layer.id);
      for await (const c of contents(layer.tileset)) {
        await writeFile(glb, c.bytes);
        await run(tools, ['analyze', '-i', glb, '-o', join(folder, layer.id), '-f']);
        const found = JSON.parse(await readFile(join(folder, layer.id, 'content.glb.glb.json'), 'utf8'));
        assert.ok(found.meshes.length > 0, layer.id);
        break;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('loaders.gl reads tilesets and contents', async () => {
  for (const layer of layers) {
    const tileset = await load(layer.tileset, Tiles3DLoader);
    assert.equal(tileset.type, 'TILES3D');
    assert.ok(tileset.root.children.length > 0 || tileset.root.content);
    let read = 0;
    for await (const c of contents(layer.tileset)) {
      const tile = await load(c.uri, Tiles3DLoader, { '3d-tiles': { loadGLTF: true } });
      assert.ok(tile.gltf, c.uri);
      assert.ok(tile.gltf.meshes.length > 0, c.uri);
      if (++read === 5) break;
    }
    assert.ok(read > 0);
  }
});
