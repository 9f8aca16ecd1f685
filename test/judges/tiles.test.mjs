// Mapbox's reader decodes the tiles that MapLibre would ask for.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';
import { json, server } from './server.mjs';

let twind;
before(async () => { twind = await server(); });
after(async () => { await twind.close(); });


async function tile(layers, z, lon, lat) {
  const n = 2 ** z;
  const x = Math.floor(((lon + 180) / 360) * n);
  const s = Math.sin((lat * Math.PI) / 180);
  const y = Math.floor((0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * n);
  const r = await fetch(`${twind.url}/tiles/${layers}/${z}/${x}/${y}.mvt`);
  assert.equal(r.status, 200, `${layers} ${z}/${x}/${y}`);
  assert.equal(r.headers.get('content-type'), 'application/vnd.mapbox-vector-tile');
  assert.match(r.headers.get('etag') ?? '', /^"/);
  return { tile: new VectorTile(new PbfReader(new Uint8Array(await r.arrayBuffer()))), x, y, z };
}

test('TileJSON names each layer and where it is', async () => {
  const t = await json(`${twind.url}/tiles/buildings,streets.json`);
  assert.equal(t.tilejson, '3.0.0');
  assert.deepEqual(t.vector_layers.map((l) => l.id), ['buildings', 'streets']);
  assert.ok(t.tiles[0].startsWith(`${twind.url}/tiles/buildings,streets/{z}/{x}/{y}`));
  assert.equal(t.bounds.length, 4);
  assert.equal(t.vector_layers[0].fields.height, 'Number');
});

test('a tile of Manhattan decodes with heights, rings in order, and ids', async () => {
  const { tile: t, x, y, z } = await tile('buildings,streets', 15, -73.9857, 40.7484);
  assert.deepEqual(Object.keys(t.layers).sort(), ['buildings', 'streets']);
  const layer = t.layers.buildings;
  assert.equal(layer.version, 2);
  assert.equal(layer.extent, 4096);
  assert.ok(layer.length > 300, `${layer.length} buildings`);
  let heights = 0;
  let ids = 0;
  for (let i = 0; i < layer.length; i++) {
    const f = layer.feature(i);
    assert.equal(f.type, 3);
    const rings = f.loadGeometry();
    assert.ok(area(rings[0]) > 0, 'the first ring is a shell in tile space');
    for (const ring of rings) {
      assert.ok(ring.length >= 4);
      for (const p of ring) assert.ok(p.x >= -64 && p.y >= -64 && p.x <= 4160 && p.y <= 4160, 'clipped to the buffer');
    }
    if (typeof f.properties.height === 'number') heights++;
    if (f.id !== undefined || f.properties.id !== undefined) ids++;
    const g = f.toGeoJSON(x, y, z);
    assert.match(g.geometry.type, /Polygon$/);
  }
  assert.equal(ids, layer.length, 'every feature can be looked up');
  assert.ok(heights > layer.length * 0.9);
});

function area(ring) {
  let sum = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) sum += (ring[j].x - ring[i].x) * (ring[j].y + ring[i].y);
  return sum;
}

test('an empty tile is 204, a known one 304', async () => {
  assert.equal((await fetch(`${twind.url}/tiles/buildings/15/0/0.mvt`)).status, 204);
  const url = `${twind.url}/tiles/water/14/2539/5610.mvt`;
  const first = await fetch(url);
  assert.ok([200, 204].includes(first.status));
  const again = await fetch(url, { headers: { 'If-None-Match': first.headers.get('etag') } });
  assert.equal(again.status, 304);
});
