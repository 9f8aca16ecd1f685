// The reader of the format's authors reads what twind export writes, and finds
// in it what the server serves.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';
import { Compression, PMTiles, TileType, tileIdToZxy } from 'pmtiles';
import { server } from './server.mjs';

// file reads a file by ranges, as the browser's reader does over HTTP.
function file(path) {
  const fd = openSync(path, 'r');
  return {
    reads: 0,
    getKey: () => path,
    async getBytes(offset, length) {
      this.reads++;
      const b = Buffer.alloc(length);
      const n = readSync(fd, b, 0, length, offset);
      return { data: b.buffer.slice(b.byteOffset, b.byteOffset + n) };
    },
    close: () => closeSync(fd),
  };
}

// features lists a tile's features as text, in an order of their own.
function features(data) {
  const { layers } = new VectorTile(new PbfReader(new Uint8Array(data)));
  const list = [];
  for (const [name, layer] of Object.entries(layers)) {
    for (let i = 0; i < layer.length; i++) {
      const f = layer.feature(i);
      const properties = Object.entries(f.properties).sort(([a], [b]) => (a < b ? -1 : 1));
      list.push(JSON.stringify([name, f.id ?? null, f.type, properties, f.loadGeometry()]));
    }
  }
  return list.sort();
}

let twind;
const dir = mkdtempSync(join(tmpdir(), 'twind-pmtiles-'));
before(async () => { twind = await server(); });
after(async () => {
  await twind.close();
  rmSync(dir, { recursive: true, force: true });
});

test('the archive of two layers holds the tiles that are served', async (t) => {
  if (!twind.data) return t.diagnostic('a server given by TWIND_URL has no store to export from');
  const path = join(dir, 'city.pmtiles');
  const binary = fileURLToPath(new URL('../../bin/twind', import.meta.url));
  const run = spawnSync(binary, ['export', 'buildings', 'streets', '--output', path, '--store', `geopackage:${join(twind.data, 'demo.gpkg')}`, '--bbox', '-74.02,40.70,-73.96,40.76'], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const source = file(path);
  const archive = new PMTiles(source);
  const header = await archive.getHeader();
  assert.equal(header.specVersion, 3);
  assert.equal(header.tileType, TileType.Mvt);
  assert.equal(header.tileCompression, Compression.Gzip);
  assert.equal(header.clustered, true);
  assert.ok(header.minLon >= -74.0201 && header.maxLat <= 40.7601);
  const metadata = await archive.getMetadata();
  assert.deepEqual(metadata.vector_layers.map((l) => l.id), ['buildings', 'streets']);
  assert.equal(metadata.vector_layers[0].fields.height, 'Number');

  let compared = 0;
  for (let z = header.minZoom; z <= header.maxZoom; z++) {
    const n = 2 ** z;
    const x = Math.floor(((-73.9857 + 180) / 360) * n);
    const s = Math.sin((40.7484 * Math.PI) / 180);
    const y = Math.floor((0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * n);
    const stored = await archive.getZxy(z, x, y);
    const url = `${twind.url}/tiles/buildings,streets/${z}/${x}/${y}.mvt`;
    let served = await fetch(url);
    // A server that has just started draws lower zooms of the features themselves.
    for (let i = 0; i < 60 && stored && served.status === 200 && features(await served.clone().arrayBuffer()).length !== features(stored.data).length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      served = await fetch(url);
    }
    if (served.status === 204) {
      assert.equal(stored, undefined);
      continue;
    }
    const want = features(await served.arrayBuffer());
    const got = features(stored.data);
    assert.equal(got.length, want.length, `features of tile ${z}/${x}/${y}`);
    assert.equal(got.findIndex((f, i) => f !== want[i]), -1, `tile ${z}/${x}/${y}`);
    compared += want.length;
  }
  assert.ok(compared > 1000, `${compared} features compared`);
  assert.equal(await archive.getZxy(header.maxZoom, 0, 0), undefined);
  assert.deepEqual(tileIdToZxy(19078479), [12, 3423, 1763]);
  source.close();
});
