// Buildings with the faces of their bodies (LoD2): imported from CityJSON, read by
// Khronos' validator, Cesium's tools and loaders.gl.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from '@loaders.gl/core';
import { Tiles3DLoader } from '@loaders.gl/3d-tiles';
import { findings } from './gltf.mjs';
import { program, serve } from './server.mjs';
import { bytes, contents } from './tileset.mjs';

const run = promisify(execFile);
const tools = fileURLToPath(new URL('node_modules/.bin/3d-tiles-tools', import.meta.url));
const sample = (name) => fileURLToPath(new URL(`../../importers/cityjson/testdata/${name}`, import.meta.url));
const layers = { zurich: 'zurich.city.json.gz', dutch: 'dutch.city.jsonl.gz', delft: 'delft.city.json.gz' };

let folder;
let store;
let twind;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twind-bodies-'));
  store = `geopackage:${join(folder, 'city.gpkg')}`;
  for (const [layer, file] of Object.entries(layers)) await run(program, ['import', sample(file), '--layer', layer, '--kind', 'building', '--store', store]);
  twind = await serve(store);
});
after(async () => {
  await twind?.close();
  await rm(folder, { recursive: true, force: true });
});

const all = async (url) => {
  const list = [];
  for await (const c of contents(url)) list.push(c);
  return list;
};
const tileset = (layer) => `${twind.url}/3d/${layer}/tileset.json`;
const detailed = ({ uri }) => new URL(uri).pathname.endsWith('.lod2.glb');

test('contents with faces replace those with footprints', async () => {
  for (const [layer, count] of [['zurich', 4], ['dutch', 2], ['delft', 0]]) {
    const list = await all(tileset(layer));
    assert.equal(list.filter(detailed).length, count, layer);
    const replaced = list.filter((c) => c.tile.refine === 'REPLACE');
    assert.equal(replaced.length, count, layer);
    for (const { tile, uri } of replaced) {
      assert.equal(tile.children.length, 1, uri);
      assert.equal(tile.children[0].content.uri, tile.content.uri.replace('.glb', '.lod2.glb'));
      assert.ok(tile.children[0].geometricError < tile.geometricError, uri);
    }
    for (const c of list) assert.deepEqual(await findings(c.bytes, c.uri), [], c.uri);
    const report = JSON.parse(new TextDecoder().decode(await bytes(`${twind.url}/3d/${layer}/report.json`)));
    assert.equal(report.drawn, report.features, layer);
    assert.deepEqual(report.faults, [], layer);
  }
});

test('loaders.gl and 3d-tiles-tools read roofs and walls', async () => {
  const [content] = (await all(tileset('dutch'))).filter(detailed);
  const { gltf } = await load(content.uri, Tiles3DLoader, { '3d-tiles': { loadGLTF: true } });
  assert.deepEqual(gltf.materials.map((m) => m.name).sort(), ['ground', 'roof', 'wall']);
  assert.ok(gltf.materials.every((m) => m.doubleSided));
  const glb = join(folder, 'content.glb');
  await writeFile(glb, content.bytes);
  await run(tools, ['analyze', '-i', glb, '-o', join(folder, 'analysis'), '-f']);
});

test('the export is converted by 3d-tiles-tools', async () => {
  const out = join(folder, 'export');
  await run(program, ['export', 'zurich', '--format', '3dtiles', '--output', out, '--store', store]);
  const { root } = JSON.parse(await readFile(join(out, 'tileset.json'), 'utf8'));
  assert.ok(root);
  await run(tools, ['convert', '-i', join(out, 'tileset.json'), '-o', join(folder, 'zurich.3tz')]);
  assert.ok((await stat(join(folder, 'zurich.3tz'))).size > 5000);
  assert.ok((await readFile(join(folder, 'zurich.3tz'))).includes('.lod2.glb'));
});
