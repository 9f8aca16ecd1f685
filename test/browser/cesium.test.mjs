// CesiumJS, which knows nothing of twind, loads every 3D layer, and what it picks
// has the attributes of the record.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { program, startServer } from './server.mjs';
import { visit } from './site.mjs';

const run = promisify(execFile);
const sample = name => fileURLToPath(new URL(`../../importers/cityjson/testdata/${name}`, import.meta.url));

describe('CesiumJS', { timeout: 600_000 }, () => {
  let twind;
  let visitor;
  let page;
  let faults;
  let layers;

  before(async () => {
    twind = await startServer();
    visitor = await visit('cesium.html', { width: 320, height: 240 });
    ({ page, faults } = visitor);
    layers = (await json('/viewer/config.json')).layers.filter(layer => layer.tileset);
  });
  after(async () => {
    await visitor?.close();
    await twind?.close();
  });

  const json = async path => {
    const response = await fetch(twind.url + path);
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.json();
  };
  const show = url => page.evaluate(u => window.show(u), url);
  const look = async (lon, lat, height) => {
    const seen = await page.evaluate(at => window.look(...at), [lon, lat, height]);
    assert.deepEqual(seen.faults, []);
  };
  const pick = () => page.evaluate(() => window.pick());

  const positions = c => (typeof c[0] === 'number' ? [c] : c.flatMap(positions));

  /** A place on a geometry: the middle of a line's first segment, else of the box. */
  const middle = geometry => {
    const all = positions(geometry.coordinates);
    const some = geometry.type.includes('LineString') ? all.slice(0, 2) : all;
    return [0, 1].map(k => (Math.min(...some.map(p => p[k])) + Math.max(...some.map(p => p[k]))) / 2);
  };

  /** What was picked is a record of the layer near a place, attribute by attribute. */
  const compare = async (id, picked, [lon, lat]) => {
    assert.ok(picked, `${id}: something is picked`);
    const record = await json(`/ogc/collections/${id}/items/${encodeURIComponent(picked.id)}`);
    const { schema } = layers.find(layer => layer.id === id);
    let compared = 0;
    for (const [name, value] of Object.entries(record.properties)) {
      if (value === null) continue;
      const type = schema.find(p => p.name === name)?.type;
      assert.ok(name in picked, `${id} ${picked.id}: ${name} in ${Object.keys(picked)}`);
      assert.deepEqual(picked[name], type === 'boolean' ? Number(value) : value, `${id} ${picked.id}: ${name}`);
      compared++;
    }
    const near = positions(record.geometry.coordinates).some(p => Math.abs(p[0] - lon) < 0.01 && Math.abs(p[1] - lat) < 0.01);
    assert.ok(near, `${id} ${picked.id} lies where the camera looks`);
    return compared;
  };

  it('loads every 3D layer', async () => {
    assert.ok(layers.length >= 10, `${layers.length} layers`);
    for (const layer of layers) {
      const shown = await show(layer.tileset);
      assert.equal(shown.version, '1.1');
      assert.equal(shown.extras['twind:layer'], layer.id);
      assert.ok(shown.radius > 100);
    }
    assert.deepEqual(faults, []);
  });

  it('picks a tower of Manhattan', async () => {
    const id = '278039446'; // One Liberty Plaza
    const record = await json(`/ogc/collections/buildings/items/${id}`);
    const at = middle(record.geometry);
    await show(`${twind.url}/3d/buildings/tileset.json`);
    await look(...at, 900);
    const picked = await pick();
    assert.equal(picked?.id, id);
    assert.equal(picked.height, record.properties.height);
    assert.ok((await compare('buildings', picked, at)) >= 3);
  });

  it('picks the same tower in the implicit quadtree', async () => {
    const id = '278039446';
    const at = middle((await json(`/ogc/collections/buildings/items/${id}`)).geometry);
    await show(`${twind.url}/3d/buildings/implicit/tileset.json`);
    await look(...at, 700);
    assert.equal((await pick())?.id, id);
    assert.deepEqual(faults, []);
  });

  it('picks buildings, pipes and parts of the other cities', async () => {
    for (const [id, filter, height] of [
      ['demo_buildings', 'floors>8', 400],
      ['demo_pipes', 'width>3000', 380], // the far form: instances
      ['demo_pipes', 'width>3000', 90], // the near form: tubes
      ['storm', 'diameter>700', 60],
      ['water', 'DIAMETER>500', 60],
      ['manholes', 'rim>0', 12],
      ['demo_parts', "name='路灯'", 16],
    ]) {
      const { features } = await json(`/ogc/collections/${id}/items?limit=1&filter=${encodeURIComponent(filter)}`);
      const at = middle(features[0].geometry);
      await show(`${twind.url}/3d/${id}/tileset.json?vertical=ground&filter=${encodeURIComponent(filter)}`);
      await look(at[0], at[1], height);
      const picked = await pick();
      const compared = await compare(id, picked, at);
      assert.ok(compared >= 2, `${id}: ${compared} attributes`);
    }
    assert.deepEqual(faults, []);
  });
});

// The corners of a flat roof of Zürich and of a roof of a Dutch house, from the
// source's vertices by PROJ: what is picked there, from near and from afar, is the
// building that has them.
describe('CesiumJS with LoD2', { timeout: 300_000 }, () => {
  let twind;
  let visitor;
  let page;
  let faults;

  before(async () => {
    twind = await startServer({ imports: { zurich: sample('zurich.city.json.gz'), dutch: sample('dutch.city.jsonl.gz') } });
    visitor = await visit('cesium.html', { width: 320, height: 240 });
    ({ page, faults } = visitor);
  });
  after(async () => {
    await visitor?.close();
    await twind?.close();
  });

  for (const [layer, id, lon, lat, top] of [
    ['zurich', 'UUID_5bd1cee6-b3f0-40fb-a6ae-833e88305e31', 8.56546, 47.37312, 515],
    ['dutch', '6751773', 5.3672277, 51.718429, 13],
  ]) {
    it(`picks a roof of ${layer}, near and far`, async () => {
      await page.evaluate(u => window.show(u), `${twind.url}/3d/${layer}/tileset.json`);
      const record = await (await fetch(`${twind.url}/ogc/collections/${layer}/items/${id}`)).json();
      const materials = new Set();
      for (const above of [60, 300]) {
        const seen = await page.evaluate(at => window.look(...at), [lon, lat, top + above]);
        assert.deepEqual(seen.faults, []);
        const picked = await page.evaluate(() => window.pick());
        assert.equal(picked?.id, id, `${above} m above`);
        for (const [name, value] of Object.entries(record.properties)) {
          if (value !== null) assert.deepEqual(picked[name], typeof value === 'boolean' ? Number(value) : value, name);
        }
        const loaded = await page.evaluate(() => window.contents());
        assert.equal(loaded.some(uri => uri.includes('.lod2.glb')), above === 60, `${loaded}`);
        for (const uri of loaded) materials.add(uri);
      }
      assert.ok(materials.size >= 2);
      assert.deepEqual(faults, []);
    });
  }
});

describe('CesiumJS with a folder that twind exported', { timeout: 300_000 }, () => {
  let folder;
  let visitor;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twind-export-'));
    const store = `geopackage:${join(folder, 'city.gpkg')}`;
    await run(program, ['import', sample('zurich.city.json.gz'), '--layer', 'zurich', '--kind', 'building', '--store', store]);
    await run(program, ['export', 'zurich', '--format', '3dtiles', '--output', join(folder, 'tiles'), '--store', store]);
    visitor = await visit('cesium.html', { width: 320, height: 240 }, join(folder, 'tiles'));
  });
  after(async () => {
    await visitor?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('picks a roof from near and afar, with no server of twind', async () => {
    const { page, url, faults } = visitor;
    await page.evaluate(u => window.show(u), `${url}files/tileset.json`);
    for (const above of [60, 300]) {
      const seen = await page.evaluate(at => window.look(...at), [8.56546, 47.37312, 515 + above]);
      assert.deepEqual(seen.faults, []);
      assert.equal((await page.evaluate(() => window.pick()))?.id, 'UUID_5bd1cee6-b3f0-40fb-a6ae-833e88305e31', `${above} m above`);
      const loaded = await page.evaluate(() => window.contents());
      assert.equal(loaded.some(uri => uri.includes('.lod2.glb')), above === 60, `${loaded}`);
    }
    assert.deepEqual(faults, []);
  });
});
