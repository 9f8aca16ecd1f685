// Terrain as @here/quantized-mesh-decoder reads it, against the heights that the
// server answers one by one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import decoder from '@here/quantized-mesh-decoder';
import { json, server } from './server.mjs';

const decode = decoder.default ?? decoder;
const full = 32767;
let s;
before(async () => {
  s = await server();
});
after(async () => {
  await s.close();
});

// tile decodes one tile: vertices as longitude, latitude (degrees) and height.
async function tile(layer, z, x, y) {
  const url = layer.tiles[0].replace('{z}', z).replace('{x}', x).replace('{y}', y).replace('{version}', layer.version);
  const r = await fetch(url, { headers: { Accept: 'application/vnd.quantized-mesh;extensions=octvertexnormals,application/octet-stream;q=0.9,*/*;q=0.01' } });
  assert.equal(r.status, 200, `${url}: ${r.status}`);
  assert.match(r.headers.get('content-type'), /^application\/vnd\.quantized-mesh/);
  assert.match(r.headers.get('cache-control'), /immutable/);
  const t = decode(await r.arrayBuffer());
  const n = t.vertexData.length / 3;
  const width = 180 / 2 ** z;
  const { minHeight, maxHeight } = t.header;
  const vertices = Array.from({ length: n }, (_, i) => [
    -180 + width * (x + t.vertexData[i] / full),
    -90 + width * (y + t.vertexData[n + i] / full),
    minHeight + ((maxHeight - minHeight) * t.vertexData[2 * n + i]) / full,
  ]);
  return { ...t, n, vertices, step: (maxHeight - minHeight) / full };
}

for (const id of ['nanaimo_ground', 'demo_ground']) {
  test(`${id} decodes, and its vertices stand on the model`, async () => {
    const layer = await json(`${s.url}/terrain/${id}/layer.json`);
    assert.equal(layer.format, 'quantized-mesh-1.0');
    assert.equal(layer.available.length, layer.maxzoom + 1);
    const offset = (await json(`${s.url}/raster/${id}/elevation?lon=0&lat=0`)).ellipsoidOffset;
    for (let z = 0; z <= layer.maxzoom; z++) {
      const [range] = layer.available[z];
      const x = Math.floor((range.startX + range.endX) / 2);
      const y = Math.floor((range.startY + range.endY) / 2);
      const t = await tile(layer, z, x, y);
      assert.ok(t.n >= 5);
      assert.equal(t.triangleIndices.length % 3, 0);
      assert.ok(Math.max(...t.triangleIndices) === t.n - 1);
      assert.equal(t.extensions.vertexNormals.length, 2 * t.n);
      if (z < layer.maxzoom) continue;
      let known = 0;
      for (let i = 0; i < t.n; i += Math.ceil(t.n / 40)) {
        const [lon, lat, h] = t.vertices[i];
        const at = await json(`${s.url}/raster/${id}/elevation?lon=${lon}&lat=${lat}`);
        if (at.elevation === null) {
          assert.ok(Math.abs(h - offset) <= t.step, 'the zero of the datum where there is no height');
          continue;
        }
        known++;
        // u and v are rounded to 1/32767 of the tile: half of that on a steep slope.
        assert.ok(Math.abs(at.ellipsoidal - h) <= 0.01 + t.step / 2 + 0.03, `${at.ellipsoidal} and ${h} at ${lon}, ${lat}`);
      }
      assert.ok(known > 3);
    }
  });
}

test('neighbours have the same points along their edges', async () => {
  const layer = await json(`${s.url}/terrain/nanaimo_ground/layer.json`);
  for (const z of [11, 13, 14]) {
    const [range] = layer.available[z];
    const x = Math.floor((range.startX + range.endX) / 2);
    const y = Math.floor((range.startY + range.endY) / 2);
    const middle = await tile(layer, z, x, y);
    for (const [other, mine, theirs, axis] of [
      [await tile(layer, z, x + 1, y), 'eastIndices', 'westIndices', 1],
      [await tile(layer, z, x, y - 1), 'southIndices', 'northIndices', 0],
    ]) {
      const a = [...middle[mine]].map((i) => middle.vertices[i]);
      const b = [...other[theirs]].map((i) => other.vertices[i]);
      assert.equal(a.length, b.length);
      for (let i = 0; i < a.length; i++) {
        assert.ok(Math.abs(a[i][axis] - b[i][axis]) < 1e-9);
        assert.ok(Math.abs(a[i][2] - b[i][2]) <= Math.max(middle.step, other.step) / 2 + 1e-6);
      }
    }
  }
});

test('Terrain-RGB and hillshade are PNG where the model is', async () => {
  for (const id of ['nanaimo_ground', 'nanaimo_ground-hillshade', 'nanaimo_ground-relief']) {
    const doc = await json(`${s.url}/raster/${id}.json`);
    assert.equal(doc.tileSize, 256);
    const n = 2 ** doc.maxzoom;
    const [lon, lat] = [(doc.bounds[0] + doc.bounds[2]) / 2, (doc.bounds[1] + doc.bounds[3]) / 2];
    const x = Math.floor(((lon + 180) / 360) * n);
    const y = Math.floor(((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * n);
    const r = await fetch(doc.tiles[0].replace('{z}', doc.maxzoom).replace('{x}', x).replace('{y}', y));
    assert.equal(r.status, 200);
    assert.equal(r.headers.get('content-type'), 'image/png');
    const b = new Uint8Array(await r.arrayBuffer());
    assert.deepEqual([...b.slice(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    assert.equal((await fetch(doc.tiles[0].replace('{z}', doc.maxzoom).replace('{x}', 0).replace('{y}', 0))).status, 404);
  }
});
