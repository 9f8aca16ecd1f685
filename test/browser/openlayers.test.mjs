// OpenLayers in a real browser reads the server's WMTS: the capabilities, the grids
// and the tiles of each, on a page of another origin.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { startServer } from './server.mjs';

const script = fileURLToPath(new URL('node_modules/ol/dist/ol.js', import.meta.url));

/** Lower Manhattan, degrees. */
const place = [-74.0112, 40.7073];

describe('OpenLayers', { timeout: 600_000 }, () => {
  let server;
  let browser;
  let page;
  let desk; // where the page comes from
  const faults = [];

  before(async () => {
    server = await startServer();
    browser = await launch();
    page = await browser.newPage({ viewport: { width: 700, height: 500 } });
    page.on('pageerror', error => faults.push(error.message));
    page.on('console', message => message.type() === 'error' && faults.push(message.text()));
    page.on('response', response => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));
    desk = createServer((_, response) =>
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><link rel="icon" href="data:,"><div id="map" style="width:640px;height:420px"></div>'),
    );
    await new Promise(resolve => desk.listen(0, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${desk.address().port}/`);
    await page.addScriptTag({ path: script });
    await page.evaluate(async ({ url }) => {
      // OpenLayers does not know the system: it is that of degrees, latitude first.
      const cgcs2000 = new ol.proj.Projection({
        code: 'EPSG:4490', units: 'degrees', axisOrientation: 'neu', global: true, extent: [-180, -90, 180, 90],
        metersPerUnit: (Math.PI * 6378137) / 180,
      });
      ol.proj.addProjection(cgcs2000);
      ol.proj.addEquivalentProjections([ol.proj.get('EPSG:4326'), cgcs2000]);
      const answer = await fetch(`${url}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities`);
      window.capabilities = new ol.format.WMTSCapabilities().read(await answer.text());
    }, { url: server.url });
  });
  after(async () => {
    await browser?.close();
    desk?.close();
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
