package server_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/raster/dem"
	"twind/tiles/raster/geotiff"
	"twind/tiles/raster/quantizedmesh"
)

// slopeFile is a model that rises by 100 m a degree from the west, at 50 m.
func slopeFile(t *testing.T, path string, west float32) {
	h := geotiff.Heights{Width: 100, Height: 100, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{-74, 0.01, 0, 41, 0, -0.01}}
	for i := range h.Width * h.Height {
		h.Values = append(h.Values, west+float32(i%h.Width)+0.5)
	}
	b, err := h.Append(nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".next", b, 0o600))
	require.NoError(t, os.Rename(path+".next", path))
}

func groundCity(t *testing.T) (*city, string) {
	path := filepath.Join(t.TempDir(), "ground.tif")
	slopeFile(t, path, 50)
	d, err := dem.Open(path, dem.Options{ID: "ground", VerticalDatum: "EPSG:5703", Offset: -32.5})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	a, err := tiles.NewAnswers(tiles.AnswersOptions{Name: "ground", CacheBytes: 1 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return newCityWith(t, nil, func(o *server.Options) {
		o.Grounds = []server.Ground{{ID: "ground", Model: d, Terrain: &quantizedmesh.Terrain{ID: "ground", Title: "Ground", Heights: d, Answers: a}}}
	}), path
}

func TestElevation(t *testing.T) {
	c, _ := groundCity(t)
	d := c.get("/raster/ground/elevation?lon=-73.5&lat=40.5").ok(200).json()
	require.Equal(t, map[string]any{
		"lon": -73.5, "lat": 40.5, "elevation": 100.0, "ellipsoidal": 67.5, "unit": "m", "verticalDatum": "EPSG:5703", "ellipsoidOffset": -32.5,
	}, d)
	require.Nil(t, c.get("/raster/ground/elevation?lon=10&lat=40.5").ok(200).json()["elevation"])
	c.get("/raster/ground/elevation?lon=181&lat=40.5").problem(400, "lon=181: expected degrees from -180 to 180")
	c.get("/raster/ground/elevation?lon=NaN&lat=40.5").problem(400, "lon=NaN")
	c.get("/raster/ground/elevation?lon=1").problem(400, "lat=: expected")
	c.get("/raster/ground/elevation?lon=1&lat=1&z=2").problem(400, "Unknown query parameter")
	c.get("/raster/sea/elevation?lon=1&lat=1").problem(404, `no elevation model "sea"`)
}

func TestTerrain(t *testing.T) {
	c, path := groundCity(t)
	d := c.get("/terrain/ground/layer.json").ok(200).json()
	require.Equal(t, "quantized-mesh-1.0", d["format"])
	require.Equal(t, []any{c.URL + "/terrain/ground/{z}/{x}/{y}.terrain?v={version}"}, d["tiles"])
	version := d["version"].(string)
	require.NotEmpty(t, version)

	a := c.get("/terrain/ground/0/0/0.terrain", "Accept-Encoding", "gzip").ok(200)
	require.Equal(t, "gzip", a.header.Get("Content-Encoding"))
	require.Equal(t, "application/vnd.quantized-mesh", a.header.Get("Content-Type"))
	require.Equal(t, "no-cache", a.header.Get("Cache-Control"))
	require.Contains(t, a.header.Get("Vary"), "Accept-Encoding")
	c.get("/terrain/ground/0/0/0.terrain", "Accept-Encoding", "gzip", "If-None-Match", a.header.Get("ETag")).ok(304)
	require.Equal(t, "public, max-age=31536000, immutable", c.get("/terrain/ground/0/0/0.terrain?v="+version).ok(200).header.Get("Cache-Control"))

	// Level 7 is the last; its tile holds the middle of the model.
	body := c.get("/terrain/ground/7/75/92.terrain", "Accept", "application/vnd.quantized-mesh;extensions=octvertexnormals-metadata,*/*;q=0.01", "Accept-Encoding", "identity").ok(200).body
	low := math.Float32frombits(binary.LittleEndian.Uint32(body[24:]))
	require.InDelta(t, 50-32.5, low, 50)
	plain := c.get("/terrain/ground/7/75/92.terrain", "Accept-Encoding", "identity").ok(200).body
	vertices := int(binary.LittleEndian.Uint32(plain[88:]))
	require.Len(t, body, len(plain)+5+2*vertices, "with normals")

	c.get("/terrain/ground/7/0/0.terrain").problem(404, "no tile 7/0/0")
	c.get("/terrain/ground/30/0/0.terrain").problem(404, "no tile")
	c.get("/terrain/ground/a/0/0.terrain").problem(400, "whole number")
	c.get("/terrain/ground/0/0/0.png").problem(404, ".terrain")
	c.get("/terrain/sea/layer.json").problem(404, "no elevation model")

	slopeFile(t, path, 80)
	require.NotEqual(t, version, c.get("/terrain/ground/layer.json").ok(200).json()["version"])
	c.get("/terrain/ground/0/0/0.terrain", "Accept-Encoding", "gzip", "If-None-Match", a.header.Get("ETag")).ok(200)
	require.EqualValues(t, 130, c.get("/raster/ground/elevation?lon=-73.5&lat=40.5").ok(200).json()["elevation"])
}

func TestReliefLiesUnderTheMap(t *testing.T) {
	c := newCityWith(t, nil, func(o *server.Options) {
		relief := server.RasterInfo{ID: "ground-relief", Names: layers.Text{ZH: "地形", EN: "Ground"}, MaxZoom: 12, TileSize: 256, ContentType: "image/png", Formats: []string{"png"}, Role: server.RoleRelief}
		shade := relief
		shade.ID, shade.Role = "ground-hillshade", server.RoleHillshade
		o.Rasters = []server.Raster{onePixel{relief, tile.ID{}}, onePixel{shade, tile.ID{}}}
	})
	bases := c.get("/viewer/config.json").ok(200).json()["bases"].([]any)
	require.Equal(t, map[string]any{"zh": "地形", "en": "Ground"}, bases[0].(map[string]any)["title"])
	for _, theme := range []string{"light", "dark"} {
		d := c.get("/styles/city-" + theme + ".json").ok(200).json()
		list := d["layers"].([]any)
		require.Equal(t, "ground-relief", list[1].(map[string]any)["id"], "right above the background")
		require.NotContains(t, d["sources"], "ground-hillshade", "which would hide the map")
	}
}
