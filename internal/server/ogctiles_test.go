package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/server"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/mvt"
)

// The tests named A.n follow the abstract test of that number in OGC API – Tiles
// Part 1 (20-057) Annex A, as its public test suite reads it.

const relTilesets = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-"

// grids are the tile matrix sets with what the city's building row is in: matrix,
// row and the two columns of its zoom 14, and the matrices that the layer has.
var grids = map[string]struct {
	uri, crs, axes string
	first, last    int
	matrix, row    int
}{
	"WebMercatorQuad": {"http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad", "http://www.opengis.net/def/crs/EPSG/0/3857", "[X Y]", 0, 16, 14, 6160},
	"WorldCRS84Quad":  {"http://www.opengis.net/def/tilematrixset/OGC/1.0/WorldCRS84Quad", "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "[Lon Lat]", 0, 15, 13, 2243},
	"CGCS2000Quad":    {"urn:x-twind:def:tilematrixset:CGCS2000Quad", "http://www.opengis.net/def/crs/EPSG/0/4490", "[Lat Lon]", 1, 16, 14, 2243},
}

// suiteAccept is what the public suite sends with its requests for tiles.
const suiteAccept = "text/html, image/gif, image/jpeg, */*; q=0.2"

// path is the part of an absolute link of the city's server that get takes.
func (c *city) path(href any) string {
	c.t.Helper()
	p, ok := strings.CutPrefix(href.(string), c.URL)
	require.True(c.t, ok, "%v is absolute", href)
	return p
}

// withRel are the addresses of the links whose rel begins with a prefix.
func withRel(v map[string]any, prefix string) (hrefs []string) {
	for _, l := range v["links"].([]any) {
		if l := l.(map[string]any); strings.HasPrefix(l["rel"].(string), prefix) {
			hrefs = append(hrefs, l["href"].(string))
		}
	}
	return hrefs
}

// tilesetLists are the addresses of all lists of tilesets: the landing page's
// and those of the collections.
func (c *city) tilesetLists() []string {
	c.t.Helper()
	hrefs := withRel(c.get("/ogc").ok(200).json(), relTilesets)
	require.Len(c.t, hrefs, 1)
	for _, col := range c.get("/ogc/collections").ok(200).json()["collections"].([]any) {
		hrefs = append(hrefs, withRel(col.(map[string]any), relTilesets)...)
	}
	require.Greater(c.t, len(hrefs), 1, "collections have tiles")
	for i := range hrefs {
		hrefs[i] = c.path(hrefs[i])
	}
	return hrefs
}

// fillIn replaces the variables of a tile's address.
func fillIn(template string, matrix any, row, col float64) string {
	return strings.NewReplacer("{tileMatrix}", fmt.Sprint(matrix), "{tileRow}", strconv.FormatFloat(row, 'f', 0, 64), "{tileCol}", strconv.FormatFloat(col, 'f', 0, 64)).Replace(template)
}

// everyTileset calls f with each item of each list.
func (c *city) everyTileset(f func(item map[string]any, template string)) {
	c.t.Helper()
	for _, list := range c.tilesetLists() {
		items := c.get(list).ok(200).json()["tilesets"].([]any)
		require.Len(c.t, items, len(grids))
		for _, it := range items {
			item := it.(map[string]any)
			l := links(item)["item"]
			require.NotNil(c.t, l)
			f(item, c.path(l["href"]))
		}
	}
}

func TestA1ConformanceClasses(t *testing.T) {
	c := newCity(t, nil)
	classes := c.get("/ogc/conformance").ok(200).json()["conformsTo"]
	for _, class := range []string{"core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "collections-selection", "mvt", "oas30"} {
		require.Contains(t, classes, "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"+class)
	}
}

func TestA2TilesetsAndTheirTileMatrixSet(t *testing.T) {
	c := newCity(t, nil)
	c.everyTileset(func(item map[string]any, template string) {
		id := item["tileMatrixSetId"].(string)
		want, ok := grids[id]
		require.True(t, ok, id)
		require.Equal(t, want.uri, item["tileMatrixSetURI"])
		require.Equal(t, want.crs, item["crs"])
		require.Equal(t, "vector", item["dataType"])
		require.Contains(t, template, "/tiles/"+id+"/")
		set := c.get(c.path(links(item)["http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"]["href"])).ok(200).json()
		require.Equal(t, item["tileMatrixSetURI"], set["uri"])
		require.Equal(t, item["crs"], set["crs"])
		require.Equal(t, want.axes, fmt.Sprint(set["orderedAxes"]))
	})
}

func TestA3To5TemplatesNameMatrixRowAndColumn(t *testing.T) {
	c := newCity(t, nil)
	c.everyTileset(func(item map[string]any, template string) {
		require.True(t, strings.HasSuffix(template, "/{tileMatrix}/{tileRow}/{tileCol}"), template)
		l := links(item)["item"]
		require.Equal(t, true, l["templated"])
		require.Equal(t, "application/vnd.mapbox-vector-tile", l["type"])
	})
}

func TestA6TilesOfTheDataAreThere(t *testing.T) {
	c := newCity(t, nil)
	for _, p := range []string{"/ogc/collections/buildings/tiles", "/ogc/tiles"} {
		for id, g := range grids {
			for col := 4824; col <= 4825; col++ {
				a := c.get(fmt.Sprintf("%s/%s/%d/%d/%d", p, id, g.matrix, g.row, col), "Accept", suiteAccept).ok(200)
				require.Equal(t, "application/vnd.mapbox-vector-tile", a.header.Get("Content-Type"))
				d, err := mvt.Decode(a.body)
				require.NoError(t, err)
				require.Equal(t, "buildings", d.Layers[0].Name)
				require.NotEmpty(t, d.Layers[0].Features)
				if id == "WebMercatorQuad" {
					require.Equal(t, c.get(fmt.Sprintf("/tiles/buildings/14/%d/6160.mvt", col)).ok(200).body, a.body, "row before column")
				}
			}
		}
	}
	c.everyTileset(func(item map[string]any, template string) {
		limits := item["tileMatrixSetLimits"].([]any)
		g := grids[item["tileMatrixSetId"].(string)]
		require.Len(t, limits, g.last-g.first+1)
		for i, l := range limits {
			l := l.(map[string]any)
			require.Equal(t, strconv.Itoa(g.first+i), l["tileMatrix"])
			a := c.get(fillIn(template, l["tileMatrix"], l["maxTileRow"].(float64), l["minTileCol"].(float64)), "Accept", suiteAccept)
			require.Contains(t, []int{200, 204}, a.status)
		}
	})
}

func TestA7TilesOutsideTheLimitsAreNotThere(t *testing.T) {
	c := newCity(t, nil)
	c.everyTileset(func(item map[string]any, template string) {
		c.get(fillIn(template, 14, 2147483647, 2147483647), "Accept", suiteAccept).problem(404, "outside tile matrix 14")
		for _, l := range item["tileMatrixSetLimits"].([]any) {
			l := l.(map[string]any)
			m := l["tileMatrix"]
			row0, row1, col0, col1 := l["minTileRow"].(float64), l["maxTileRow"].(float64), l["minTileCol"].(float64), l["maxTileCol"].(float64)
			for _, out := range [][2]float64{{row0 - 1, col0}, {row1 + 1, col0}, {row0, col0 - 1}, {row0, col1 + 1}} {
				if out[0] < 0 || out[1] < 0 {
					continue
				}
				c.get(fillIn(template, m, out[0], out[1]), "Accept", suiteAccept).problem(404, "outside")
			}
		}
		g := grids[item["tileMatrixSetId"].(string)]
		c.get(fillIn(template, 17, 0, 0)).problem(404, fmt.Sprintf("%d to %d", g.first, g.last))
		if g.first > 0 {
			c.get(fillIn(template, g.first-1, 0, 0)).problem(404, "no tile matrix")
		}
		for _, m := range []string{"25", "-1", "01", "1e1", "z"} {
			c.get(fillIn(template, m, 0, 0)).problem(404, "no tile matrix")
		}
		for _, n := range []string{"-1", "1e3", "01", "x", "1.5", "99999999999", "+1"} {
			c.get(strings.NewReplacer("{tileMatrix}", "14", "{tileRow}", n, "{tileCol}", "0").Replace(template)).problem(400, "whole numbers")
		}
	})
}

func TestLimitsHoldEveryTileWithData(t *testing.T) {
	c := newCity(t, nil)
	// A building alone, far from the row: the limits have room without data.
	body := `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[-73.9,40.75],[-73.8995,40.75],[-73.8995,40.7505],[-73.9,40.7505],[-73.9,40.75]]]},"properties":{"name":"Far"}}`
	c.do("POST", "/ogc/collections/buildings/items", body, "Content-Type", "application/geo+json").ok(201)
	for _, it := range c.get("/ogc/collections/buildings/tiles").ok(200).json()["tilesets"].([]any) {
		item := it.(map[string]any)
		seen := map[int]int{}
		limits := item["tileMatrixSetLimits"].([]any)
		for _, l := range limits[len(limits)-6 : len(limits)-1] {
			c.statuses(seen, item["tileMatrixSetId"].(string), l.(map[string]any))
		}
		require.GreaterOrEqual(t, seen[200], 2*(2+1), "two tiles of the row and the one alone, at two zooms")
		require.Positive(t, seen[204])
		require.Greater(t, seen[404], 100)
	}
}

// statuses counts the answers in the limits of a matrix and two tiles around them,
// where nothing is outside.
func (c *city) statuses(seen map[int]int, set string, l map[string]any) {
	c.t.Helper()
	limit := func(name string) float64 { return l[name].(float64) }
	for row := max(0, limit("minTileRow")-2); row <= limit("maxTileRow")+2; row++ {
		for col := max(0, limit("minTileCol")-2); col <= limit("maxTileCol")+2; col++ {
			status := c.get(fillIn("/ogc/collections/buildings/tiles/"+set+"/{tileMatrix}/{tileRow}/{tileCol}", l["tileMatrix"], row, col)).status
			seen[status]++
			if row >= limit("minTileRow") && row <= limit("maxTileRow") && col >= limit("minTileCol") && col <= limit("maxTileCol") {
				require.Contains(c.t, []int{200, 204}, status)
				continue
			}
			require.Equal(c.t, 404, status)
			if set != "WebMercatorQuad" {
				continue
			}
			if xyz := c.get(fmt.Sprintf("/tiles/buildings/%s/%.0f/%.0f.mvt", l["tileMatrix"], col, row)).status; xyz != 400 {
				require.Equal(c.t, 204, xyz, "nothing is outside")
			}
		}
	}
}

func TestA9ListsOfTilesets(t *testing.T) {
	c := newCity(t, nil)
	for _, p := range c.tilesetLists() {
		for _, q := range []string{"", "?f=json"} {
			v := c.get(p + q).ok(200).json()
			all := ""
			for _, l := range v["links"].([]any) {
				all += l.(map[string]any)["href"].(string) + " "
			}
			require.Contains(t, all, "/tiles")
			require.Contains(t, all, "f=json")
			for _, item := range v["tilesets"].([]any) {
				require.NotEmpty(t, item.(map[string]any)["tileMatrixSetURI"])
			}
		}
		c.get(p+"?f=html").problem(400, "not offered")
		c.get(p+"?x=1").problem(400, "Unknown query parameter")
	}
}

func TestA10TheLandingPageLinksTilesets(t *testing.T) {
	c := newCity(t, nil)
	l := links(c.get("/ogc").ok(200).json())
	require.Equal(t, "/ogc/tiles", c.path(l[relTilesets+"vector"]["href"]))
	require.Equal(t, "/ogc/tileMatrixSets", c.path(l["http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"]["href"]))
}

func TestA12And13CollectionsLinkTilesets(t *testing.T) {
	c := newCity(t, nil)
	for _, v := range c.get("/ogc/collections").ok(200).json()["collections"].([]any) {
		col := v.(map[string]any)
		hrefs := withRel(col, relTilesets)
		require.Equal(t, withRel(c.get("/ogc/collections/"+col["id"].(string)).ok(200).json(), relTilesets), hrefs)
		if col["twind:live"] == true {
			require.Empty(t, hrefs)
			c.get("/ogc/collections/"+col["id"].(string)+"/tiles").problem(404, "live")
			continue
		}
		require.Equal(t, []string{c.URL + "/ogc/collections/" + col["id"].(string) + "/tiles"}, hrefs)
		c.get(c.path(hrefs[0])).ok(200)
	}
}

var pathVariable = regexp.MustCompile(`\{(\w+)\}`)

func TestA23TheAPIIsCompleteOpenAPI(t *testing.T) {
	c := newCity(t, nil)
	require.NotContains(t, links(c.get("/ogc").ok(200).json())["service-desc"]["type"], " ")
	doc := c.get("/ogc/api").ok(200).json()
	require.Regexp(t, `^3\.0\.\d+$`, doc["openapi"])
	var resolve func(v any) map[string]any
	resolve = func(v any) map[string]any {
		o := v.(map[string]any)
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		at := any(doc)
		for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(map[string]any)[step]
			require.NotNil(t, at, ref)
		}
		return resolve(at)
	}
	ids := map[string]string{}
	for path, v := range doc["paths"].(map[string]any) {
		item := v.(map[string]any)
		shared, _ := item["parameters"].([]any)
		for method, v := range item {
			if method == "parameters" || method == "servers" {
				continue
			}
			o := v.(map[string]any)
			id := o["operationId"].(string)
			require.Empty(t, ids[id], "operationId %s is unique", id)
			ids[id] = path
			declared := map[string]bool{}
			own, _ := o["parameters"].([]any)
			for _, p := range append(append([]any{}, shared...), own...) {
				p := resolve(p)
				key := p["in"].(string) + " " + p["name"].(string)
				require.False(t, declared[key], "%s of %s stands once", key, id)
				declared[key] = true
				require.NotNil(t, p["schema"])
				if p["in"] == "path" {
					require.Equal(t, true, p["required"])
					require.Contains(t, path, "{"+p["name"].(string)+"}")
				}
			}
			for _, m := range pathVariable.FindAllStringSubmatch(path, -1) {
				require.True(t, declared["path "+m[1]], "%s declares %s", id, m[1])
			}
			require.NotEmpty(t, o["responses"])
			for code, answer := range o["responses"].(map[string]any) {
				require.Regexp(t, `^[1-5]\d\d$`, code)
				require.NotEmpty(t, resolve(answer)["description"], "%s %s", id, code)
			}
		}
	}
	tile := doc["paths"].(map[string]any)["/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"].(map[string]any)["get"].(map[string]any)
	require.Subset(t, tile["responses"], map[string]any{"400": map[string]any{"$ref": "#/components/responses/problem400"}, "404": map[string]any{"$ref": "#/components/responses/problem404"}})
	require.Contains(t, tile["responses"], "204")
}

func TestA24OperationIDs(t *testing.T) {
	c := newCity(t, nil)
	want := map[string]string{
		"/tiles":                            ".dataset.vector.getTileSetsList",
		"/collections/{collectionId}/tiles": ".collection.vector.getTileSetsList",
	}
	for _, kind := range []string{"dataset", "collection"} {
		list := "/tiles"
		if kind == "collection" {
			list = "/collections/{collectionId}/tiles"
		}
		want[list+"/{tileMatrixSetId}"] = "." + kind + ".vector.getTileSet"
		want[list+"/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"] = "." + kind + ".vector.getTile"
	}
	want["/tileMatrixSets"], want["/tileMatrixSets/{tileMatrixSetId}"] = "getTileMatrixSetsList", "getTileMatrixSet"
	paths := c.get("/ogc/api").ok(200).json()["paths"].(map[string]any)
	for p, suffix := range want {
		require.Contains(t, paths, p)
		id := paths[p].(map[string]any)["get"].(map[string]any)["operationId"].(string)
		require.True(t, strings.HasSuffix(id, suffix), "%s: %s", p, id)
	}
}

func TestTileMatrixSets(t *testing.T) {
	c := newCity(t, nil)
	list := c.get("/ogc/tileMatrixSets?f=json").ok(200).json()["tileMatrixSets"].([]any)
	require.Len(t, list, len(grids))
	want := map[string]map[string]any{ // zoom 14 of each, as the register prints it
		"WebMercatorQuad": {"id": "14", "scaleDenominator": 34123.6733415965, "cellSize": 9.55462853564703, "pointOfOrigin": []any{-20037508.3427892, 20037508.3427892}, "matrixWidth": 16384.0, "matrixHeight": 16384.0},
		"WorldCRS84Quad":  {"id": "14", "scaleDenominator": 17061.8366707982, "cellSize": 4.29153442382812e-05, "pointOfOrigin": []any{-180.0, 90.0}, "matrixWidth": 32768.0, "matrixHeight": 16384.0},
		"CGCS2000Quad":    {"id": "15", "scaleDenominator": 17061.8366707982, "cellSize": 4.29153442382812e-05, "pointOfOrigin": []any{90.0, -180.0}, "matrixWidth": 32768.0, "matrixHeight": 16384.0},
	}
	for _, it := range list {
		item := it.(map[string]any)
		v := c.get(c.path(links(item)["self"]["href"])).ok(200).json()
		require.Equal(t, item["crs"], v["crs"])
		m := v["tileMatrices"].([]any)[14].(map[string]any)
		for name, value := range map[string]any{"cornerOfOrigin": "topLeft", "tileWidth": 256.0, "tileHeight": 256.0} {
			require.Equal(t, value, m[name])
			delete(m, name)
		}
		require.Equal(t, want[v["id"].(string)], m)
	}
	for _, p := range []string{"/ogc/tileMatrixSets/LINZAntarticaMapTilegrid", "/ogc/tiles/worldcrs84quad", "/ogc/collections/buildings/tiles/webmercatorquad", "/ogc/tiles/c/1/0/0"} {
		c.get(p).problem(404, "no tile matrix set")
	}
	c.get("/ogc/tileMatrixSets?f=xml").problem(400, "not offered")
	c.get("/ogc/tileMatrixSets/WebMercatorQuad?f=xml").problem(400, "not offered")
	for _, p := range []string{"/ogc/collections/nothing/tiles", "/ogc/collections/buildings,vehicles/tiles", "/ogc/collections/nothing/tiles/WebMercatorQuad", "/ogc/collections/nothing/tiles/WebMercatorQuad/0/0/0"} {
		c.get(p).problem(404, "no layer")
	}
}

func TestTilesetMetadata(t *testing.T) {
	c := newCity(t, nil)
	v := c.get("/ogc/collections/buildings/tiles/WebMercatorQuad", "Accept-Language", "zh-CN").ok(200).json()
	require.Equal(t, "建筑", v["title"])
	require.Equal(t, []any{"application/vnd.mapbox-vector-tile"}, v["mediaTypes"])
	box := v["boundingBox"].(map[string]any)
	require.InDeltaSlice(t, []any{-74.0, 40.7}, box["lowerLeft"], 1e-9)
	require.InDeltaSlice(t, []any{-73.9755, 40.7005}, box["upperRight"], 1e-9)
	center := v["centerPoint"].(map[string]any)
	require.InDeltaSlice(t, []any{-73.9875, 40.7005}, center["coordinates"], 1e-6, "a corner of the building in the middle")
	z, err := strconv.Atoi(center["tileMatrix"].(string))
	require.NoError(t, err)
	require.InDelta(t, 13, z, 1, "the row is 0.0245° long: a tile of zoom 14 has 0.022°")
	layer := v["layers"].([]any)[0].(map[string]any)
	require.Equal(t, "buildings", layer["id"])
	require.EqualValues(t, 2, layer["geometryDimension"])
	require.Equal(t, "0", layer["minTileMatrix"])
	require.Equal(t, "16", layer["maxTileMatrix"])
	properties := layer["propertiesSchema"].(map[string]any)["properties"].(map[string]any)
	require.Len(t, properties, 5)
	require.Equal(t, "number", properties["height"].(map[string]any)["type"])

	q := "?properties=name,levels&filter=" + url.QueryEscape("name <> '{tileRow}' AND levels < 2")
	v = c.get("/ogc/collections/buildings/tiles/WebMercatorQuad" + q + "&f=json").ok(200).json()
	template := c.path(links(v)["item"]["href"])
	require.Equal(t, 1, strings.Count(template, "{tileRow}"), "the filter's braces are encoded")
	require.Len(t, v["layers"].([]any)[0].(map[string]any)["propertiesSchema"].(map[string]any)["properties"], 2)
	a := c.get(fillIn(template, 14, 6160, 4824))
	require.Equal(t, c.get("/tiles/buildings/14/4824/6160.mvt"+q).body, a.body)
	c.get("/ogc/collections/buildings/tiles/WebMercatorQuad?filter=colour%3D1").problem(400, "has no property")
	c.get("/ogc/collections/buildings/tiles/WebMercatorQuad/14/6160/4824?properties=colour").problem(400, "colour")
	c.get("/ogc/collections/buildings/tiles/WebMercatorQuad/14/6160/4824?f=png").problem(400, "not offered")
	c.get("/ogc/collections/buildings/tiles/WebMercatorQuad/14/6160/4824?f=mvt").ok(200)
	c.get("/ogc/collections/buildings/tiles/WebMercatorQuad/14/6160/4824?collections=buildings").problem(400, "Unknown query parameter")
}

// TestCenterIsWhereSomethingIs opens a layer of two far parts where its descriptions
// say, in every grid: there is a tile with features.
func TestCenterIsWhereSomethingIs(t *testing.T) {
	c := newCity(t, nil)
	_, err := c.store.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "buildings", &layers.Feature{ID: "far", Geometry: square(10, -20, 0.0005), Properties: make([]layers.Value, len(buildingsLayer.Schema))})
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.get("/ogc/collections/buildings/items/far").status == 200 }, 20*time.Second, 10*time.Millisecond)
	for set, grid := range map[string]tile.Grid{"WebMercatorQuad": tile.Mercator, "WorldCRS84Quad": tile.Geographic, "CGCS2000Quad": tile.Geographic} {
		v := c.get("/ogc/collections/buildings/tiles/" + set).ok(200).json()
		at := v["centerPoint"].(map[string]any)
		p := at["coordinates"].([]any)
		require.InDelta(t, -73.98775, p[0], 0.02, "most are in Manhattan")
		z, err := strconv.Atoi(at["tileMatrix"].(string))
		require.NoError(t, err)
		if set == "WorldCRS84Quad" {
			z++ // its matrix 0 is of two tiles
		}
		id := grid.Of(p[0].(float64), p[1].(float64), uint8(z))
		require.NotEmpty(t, c.get(fmt.Sprintf("/ogc/collections/buildings/tiles/%s/%s/%d/%d", set, at["tileMatrix"], id.Y, id.X)).ok(200).body, set)
	}
	doc := c.get("/tiles/buildings.json").ok(200).json()
	p := doc["center"].([]any)
	id := tile.Of(p[0].(float64), p[1].(float64), uint8(p[2].(float64)))
	require.NotEmpty(t, c.get(fmt.Sprintf("/tiles/buildings/%d/%d/%d.mvt", id.Z, id.X, id.Y)).ok(200).body)
	require.Greater(t, id.Z, uint8(10), "a zoom that shows them")
}

// addLayers gives the city n more layers of one building each and tiles at zooms
// 10 to 12, in a row from Greenwich eastwards, just north of the equator.
func (c *city) addLayers(n int) {
	c.t.Helper()
	ctx := c.t.Context()
	for i := range n {
		l := buildingsLayer
		l.ID, l.MinZoom, l.MaxZoom = moreLayer(i), 10, 12
		require.NoError(c.t, c.store.CreateLayer(ctx, l))
	}
	rev, err := c.store.Update(ctx, func(tx layers.Tx) error {
		for i := range n {
			f := &layers.Feature{ID: "1", Geometry: square(0.001*float64(i), 0.001, 0.0005), Properties: make([]layers.Value, len(buildingsLayer.Schema))}
			if err := tx.Insert(ctx, moreLayer(i), f); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(c.t, err)
	require.NoError(c.t, c.catalog.Refresh(ctx, rev))
}

func moreLayer(i int) layers.ID { return layers.ID(fmt.Sprintf("more%02d", i)) }

func names(t *testing.T, b []byte) (list []string) {
	d, err := mvt.Decode(b)
	require.NoError(t, err)
	for _, l := range d.Layers {
		list = append(list, l.Name)
	}
	return list
}

func TestCollectionsAreSelected(t *testing.T) {
	c := newCity(t, nil)
	c.addLayers(3)
	tileset := c.get("/ogc/tiles/WebMercatorQuad?collections=more02,more00").ok(200).json()
	require.Len(t, tileset["layers"], 2)
	require.Len(t, tileset["tileMatrixSetLimits"], 3, "zooms 10 to 12")
	template := c.path(links(tileset)["item"]["href"])
	require.Equal(t, []string{"more02", "more00"}, names(t, c.get(fillIn(template, 12, 2047, 2048)).ok(200).body), "in the order they are named")
	c.get(fillIn(template, 9, 255, 256)).problem(404, "10 to 12")
	c.get("/ogc/tiles/WebMercatorQuad/12/2047/2048?collections=" + url.QueryEscape(c.URL+"/ogc/collections/more01")).ok(200)
	require.Equal(t, []string{"more00", "more01", "more02"}, names(t, c.get("/ogc/tiles/WebMercatorQuad/12/2047/2048").ok(200).body))
	c.get("/ogc/tiles/WebMercatorQuad/14/8191/8192").ok(200) // layers that end go on while others of the tile do
	require.Equal(t, []string{"buildings"}, names(t, c.get("/ogc/tiles/WebMercatorQuad/14/6160/4824").ok(200).body))
	c.get("/ogc/tiles/WebMercatorQuad/9/255/256").problem(404, "outside the limits") // nothing there is shown at 9
	for q, part := range map[string]string{"nothing": "no layer", "": "no layer", "vehicles": "live"} {
		c.get("/ogc/tiles/WebMercatorQuad/12/2047/2048?collections="+q).problem(404, part)
	}
	c.get("/ogc/tiles/WebMercatorQuad?collections=more00,more00").problem(400, "twice")
	c.get("/ogc/tiles/WebMercatorQuad?collections="+strings.Repeat("more00,", 500)).problem(400, "at most 32")
}

func TestATileOfMoreLayersThanOneRenderingHolds(t *testing.T) {
	c := newCity(t, nil)
	c.Config.Handler.(*server.Server).SetLayersPerTile(2)
	c.addLayers(4) // with the buildings three renderings
	require.Len(t, c.get("/ogc/tiles/WebMercatorQuad").ok(200).json()["layers"], 5)
	p := "/ogc/tiles/WebMercatorQuad/12/2047/2048"
	a := c.get(p, "Accept-Encoding", "gzip").ok(200)
	require.Equal(t, []string{"more00", "more01", "more02", "more03"}, names(t, a.body))
	etag := a.header.Get("ETag")
	c.get(p, "If-None-Match", etag).ok(304)
	c.do("PATCH", "/ogc/collections/more03/items/1", `{"properties":{"name":"new"}}`).ok(200)
	require.NotEqual(t, etag, c.get(p, "If-None-Match", etag).ok(200).header.Get("ETag"))
	require.Equal(t, []string{"buildings"}, names(t, c.get("/ogc/tiles/WebMercatorQuad/14/6160/4824?properties=name").ok(200).body))
	c.get("/ogc/tiles/WebMercatorQuad/12/2047/2047").ok(200) // the buffer is within the limits
}

func TestTilesAreCompressedAndRevalidated(t *testing.T) {
	c := newCity(t, nil)
	p := "/ogc/collections/buildings/tiles/WebMercatorQuad/14/6160/4824"
	plain := c.get(p).ok(200)
	a := c.get(p, "Accept-Encoding", "gzip").ok(200)
	require.Equal(t, "gzip", a.header.Get("Content-Encoding"))
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, plain.body, b)
	c.get(p, "Accept-Encoding", "gzip", "If-None-Match", a.header.Get("ETag")).ok(304)
	require.Empty(t, c.do("HEAD", p, "").ok(200).body)
	c.do("POST", p, "").problem(405, "POST")
}

func TestALayerWithoutFeaturesHasEmptyTilesEverywhere(t *testing.T) {
	c := newCity(t, func(conf *config.Config) { conf.Title = layers.Text{EN: "Test city"} })
	l := buildingsLayer
	l.ID, l.GeometryType = "empty", spatial.Unknown
	require.NoError(t, c.store.CreateLayer(t.Context(), l))
	require.Eventually(t, func() bool { return c.get("/ogc/collections/empty").status == 200 }, 5*time.Second, 20*time.Millisecond)
	v := c.get("/ogc/collections/empty/tiles/WebMercatorQuad").ok(200).json()
	require.Equal(t, map[string]any{"tileMatrix": "2", "minTileRow": 0.0, "maxTileRow": 3.0, "minTileCol": 0.0, "maxTileCol": 3.0}, v["tileMatrixSetLimits"].([]any)[2])
	require.NotContains(t, v, "boundingBox")
	c.get("/ogc/collections/empty/tiles/WebMercatorQuad/2/3/3").ok(204)
	c.get("/ogc/collections/empty/tiles/WebMercatorQuad/2/4/3").problem(404, "outside")
}
