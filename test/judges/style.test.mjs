// MapLibre's own validator reads every style.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { json, server } from './server.mjs';

let twind;
before(async () => { twind = await server(); });
after(async () => { await twind.close(); });

test('the styles of the city are valid in both themes', async () => {
  for (const theme of ['light', 'dark']) {
    const style = await json(`${twind.url}/styles/city-${theme}.json`);
    assert.deepEqual(validateStyleMin(style), []);
    assert.ok(style.layers.length > 20, `${style.layers.length} style layers`);
    assert.equal(style.glyphs, undefined, 'no glyph server is needed');
    for (const [id, source] of Object.entries(style.sources)) {
      const folder = source.type === 'raster' ? 'raster' : 'tiles';
      assert.ok(source.url.startsWith(`${twind.url}/${folder}/`), `${id} has an absolute TileJSON URL`);
    }
  }
});

test('the style of each layer is valid', async () => {
  const config = await json(`${twind.url}/viewer/config.json`);
  const fixed = config.layers.filter((l) => !l.live);
  assert.ok(fixed.length >= 16, `${fixed.length} layers with tiles`);
  for (const layer of fixed) {
    for (const name of [layer.id, `${layer.id}-dark`]) {
      const style = await json(`${twind.url}/styles/${name}.json`);
      assert.deepEqual(validateStyleMin(style), [], name);
      assert.ok(style.layers.some((l) => l['source-layer'] === layer.id), `${name} draws its layer`);
    }
  }
});
