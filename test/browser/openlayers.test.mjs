// OpenLayers in a real browser reads the server's WMTS: the capabilities, the grids
// and the tiles of each, on a page of another origin.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { startServer } from './server.mjs';

const script = fileURLToPath(new URL('node_modules/ol/dist/ol.js', import.meta.url));

/** Lower Manhattan, degrees. */
const place = [-74.0112, 40.7073];

/** A page with OpenLayers, of another origin than the server's, and the faults that it meets. */
async function openPage(browser) {
  const faults = [];
  const desk = createServer((_, response) =>
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><link rel="icon" href="data:,"><div id="map" style="width:640px;height:420px"></div>'),
  );
  await new Promise(resolve => desk.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage({ viewport: { width: 700, height: 500 } });
  page.on('pageerror', error => faults.push(error.message));
  page.on('console', message => message.type() === 'error' && faults.push(message.text()));
  page.on('response', response => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));
  await page.goto(`http://127.0.0.1:${desk.address().port}/`);
  await page.addScriptTag({ path: script });
  return { page, faults, close: () => page.close().finally(() => desk.close()) };
}

/** In the page: reads the capabilities of a server. */
async function readCapabilities(url) {
  // OpenLayers does not know the system: it is that of degrees, latitude first.
  const cgcs2000 = new ol.proj.Projection({
    code: 'EPSG:4490', units: 'degrees', axisOrientation: 'neu', global: true, extent: [-180, -90, 180, 90],
    metersPerUnit: (Math.PI * 6378137) / 180,
  });
  ol.proj.addProjection(cgcs2000);
  ol.proj.addEquivalentProjections([ol.proj.get('EPSG:4326'), cgcs2000]);
  const answer = await fetch(`${url}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities`);
  window.capabilities = new ol.format.WMTSCapabilities().read(await answer.text());
}

describe('OpenLayers', { timeout: 600_000 }, () => {
  let server;
  let browser;
  let tab;
  let page;
  let faults;

  before(async () => {
    server = await startServer();
    browser = await launch();
    tab = await openPage(browser);
    ({ page, faults } = tab);
    await page.evaluate(readCapabilities, server.url);
  });
  after(async () => {
    await tab?.close();
    await browser?.close();
    await server?.close();
  });

  it('reads the capabilities', async () => {
    const { version, layers, sets } = await page.evaluate(() => ({
      version: capabilities.version,
      layers: capabilities.Contents.Layer.map(layer => layer.Identifier),
      sets: capabilities.Contents.TileMatrixSet.map(set => [set.Identifier.replace(/_.*/, ''), set.SupportedCRS]),
    }));
    assert.equal(version, '1.0.0');
    for (const id of ['buildings', 'streets', 'demo_buildings']) assert.ok(layers.includes(id), `${id} of ${layers}`);
    assert.ok(!layers.includes('vehicles'), 'live layers have no tiles');
    assert.deepEqual(Object.fromEntries(sets), {
      WebMercatorQuad: 'urn:ogc:def:crs:EPSG::3857', WorldCRS84Quad: 'urn:ogc:def:crs:OGC:1.3:CRS84', CGCS2000Quad: 'urn:ogc:def:crs:EPSG::4490',
    });
  });

  for (const [set, code] of [['WebMercatorQuad', 'EPSG:3857'], ['WorldCRS84Quad', 'CRS:84'], ['CGCS2000Quad', 'EPSG:4490']]) {
    for (const encoding of ['KVP', 'REST']) {
      it(`draws vector tiles of ${set} by ${encoding}`, async () => {
        faults.length = 0;
        const drawn = await page.evaluate(draw, { set, encoding, place });
        assert.equal(drawn.encoding, encoding);
        assert.equal(ol(code), ol(drawn.code));
        assert.ok(drawn.features.length > 20, `${drawn.features.length} buildings`);
        assert.ok(drawn.painted > 0.05, `${drawn.painted} of the map is painted`);
        const item = await (await fetch(`${server.url}/ogc/collections/buildings/items/${drawn.features[0].id}`)).json();
        const all = item.geometry.coordinates.flat(item.geometry.type === 'MultiPolygon' ? 2 : 1);
        const box = [0, 1].flatMap(axis => [Math.min(...all.map(p => p[axis])), Math.max(...all.map(p => p[axis]))]);
        const unit = 360 / 2 ** drawn.zoom / 4096;
        const [west, east, south, north] = box;
        [west, south, east, north].forEach((v, i) =>
          assert.ok(Math.abs(v - drawn.features[0].extent[i]) <= unit, `${v} is drawn at ${drawn.features[0].extent[i]}`));
        assert.deepEqual(faults, []);
      });
    }
  }
});

describe('OpenLayers on images', { timeout: 300_000 }, () => {
  it('draws a raster layer where it lies', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twind-images-'));
    const run = (program, ...args) => execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    // A red square of 4 km in Web Mercator around Lower Manhattan.
    run('gdal_create', '-of', 'GTiff', '-outsize', '837', '837', '-bands', '3', '-burn', '200', '-burn', '60', '-burn', '30', '-ot', 'Byte',
      '-a_srs', 'EPSG:3857', '-a_ullr', '-8240000', '4972000', '-8236000', '4968000', 'red.tif');
    run('gdal_translate', '-q', '-of', 'MBTILES', 'red.tif', 'red.mbtiles');
    run('gdaladdo', '-q', 'red.mbtiles', '2', '4', '8');
    const server = await startServer({ config: `archives:\n  - {id: red, source: ${join(folder, 'red.mbtiles')}, title: {en: Red ground}}\n` });
    const browser = await launch();
    const tab = await openPage(browser);
    try {
      await tab.page.evaluate(readCapabilities, server.url);
      for (const encoding of ['KVP', 'REST']) {
        const seen = await tab.page.evaluate(paint, encoding);
        assert.equal(seen.middle.join(), seen.inside.join(), 'one colour from edge to edge');
        [200, 60, 30, 255].forEach((v, i) => assert.ok(Math.abs(v - seen.middle[i]) <= 4, `${seen.middle} is the red of the image`));
        assert.deepEqual(seen.outside, [0, 0, 0, 0], 'nothing beside the image');
      }
      assert.deepEqual(tab.faults, []);
    } finally {
      await tab.close();
      await browser.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** In the page: draws the images and tells colours in the middle, just inside and just outside their eastern edge. */
async function paint(encoding) {
  const options = ol.source.WMTS.optionsFromCapabilities(capabilities, { layer: 'red', requestEncoding: encoding });
  const layer = new ol.layer.Tile({ source: new ol.source.WMTS({ ...options, crossOrigin: 'anonymous' }) });
  const view = new ol.View({ projection: options.projection, center: [-8238000, 4970000], resolution: 10 });
  document.getElementById('map').innerHTML = '';
  const map = new ol.Map({ target: 'map', layers: [layer], view, controls: [], pixelRatio: 1 });
  await new Promise(resolve => map.once('rendercomplete', resolve));
  const at = position => {
    const [x, y] = map.getPixelFromCoordinate(position);
    return [...document.querySelector('#map canvas').getContext('2d').getImageData(Math.round(x), Math.round(y), 1, 1).data];
  };
  const seen = { middle: at([-8238000, 4970000]), inside: at([-8236060, 4970000]), outside: at([-8235940, 4970000]) };
  map.setTarget(null);
  return seen;
}

/** One name for the systems that are the same. */
function ol(code) {
  return ['CRS:84', 'urn:ogc:def:crs:OGC:1.3:CRS84'].includes(code) ? 'CRS:84' : code;
}

/** In the page: draws the buildings of a tile matrix set and tells what is on the map. */
async function draw({ set, encoding, place }) {
  const layer = capabilities.Contents.Layer.find(layer => layer.Identifier === 'buildings');
  const link = layer.TileMatrixSetLink.find(link => link.TileMatrixSet.replace(/_.*/, '') === set);
  const options = ol.source.WMTS.optionsFromCapabilities(capabilities, {
    layer: 'buildings', matrixSet: link.TileMatrixSet, format: 'application/vnd.mapbox-vector-tile', requestEncoding: encoding,
  });
  const wmts = new ol.source.WMTS(options);
  const source = new ol.source.VectorTile({
    format: new ol.format.MVT(), projection: options.projection, tileGrid: options.tileGrid, tileUrlFunction: wmts.getTileUrlFunction(),
  });
  const tiles = new ol.layer.VectorTile({ source, style: { 'fill-color': '#ff0000', 'stroke-color': '#ff0000' } });
  const zoom = 16;
  const view = new ol.View({
    projection: options.projection, center: ol.proj.transform(place, 'EPSG:4326', options.projection),
    resolution: options.tileGrid.getResolution(options.tileGrid.getMatrixIds().length - 1),
  });
  document.getElementById('map').innerHTML = '';
  const map = new ol.Map({ target: 'map', layers: [tiles], view, controls: [], pixelRatio: 1 });
  await new Promise(resolve => map.once('rendercomplete', resolve));
  const [width, height] = map.getSize();
  // Buildings that lie in one tile, away from the buffers of its neighbours, which cut.
  const z = options.tileGrid.getMatrixIds().length - 1;
  const coord = options.tileGrid.getTileCoordForCoordAndZ(view.getCenter(), z);
  const tile = options.tileGrid.getTileCoordExtent(coord);
  const extent = ol.extent.buffer(tile, -(tile[2] - tile[0]) / 32);
  const all = tiles.getFeaturesInExtent(extent).filter(feature => {
    const e = feature.getExtent();
    return e[0] > extent[0] && e[1] > extent[1] && e[2] < extent[2] && e[3] < extent[3];
  });
  let painted = 0;
  for (const canvas of document.querySelectorAll('#map canvas')) {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) if (data[i] > 200 && data[i + 3] > 200) painted++;
  }
  map.setTarget(null);
  return {
    encoding: wmts.getRequestEncoding(), code: options.projection.getCode(), zoom, painted: painted / (width * height),
    features: all.map(feature => ({ id: feature.getId() ?? feature.get('id'), extent: ol.proj.transformExtent(feature.getExtent(), options.projection, 'EPSG:4326') })),
  };
}
