package server_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// onePixel is a raster layer with one tile.
type onePixel struct {
	info server.RasterInfo
	at   tile.ID
}

func (o onePixel) Info() server.RasterInfo { return o.info }

func (o onePixel) Tile(_ context.Context, id tile.ID, format string) (server.RasterTile, error) {
	if id != o.at {
		return server.RasterTile{}, layers.Errorf(layers.ErrNotFound, "layer %s has no tile %v", o.info.ID, id)
	}
	return server.RasterTile{Bytes: []byte("pixels as " + format), ContentType: o.info.ContentType, ETag: `"p1"`}, nil
}

func TestRasterTiles(t *testing.T) {
	c := newCityWith(t, nil, func(o *server.Options) {
		o.Rasters = []server.Raster{onePixel{server.RasterInfo{
			ID: "ground", Title: "Ground", Attribution: "Survey", Bounds: spatial.Envelope{MinX: -74, MinY: 40, MaxX: -73, MaxY: 41},
			MinZoom: 2, MaxZoom: 12, TileSize: 256, ContentType: "image/png", Formats: []string{"png"}, Role: server.RoleTerrain, Encoding: "mapbox",
		}, tile.ID{Z: 3, X: 2, Y: 3}}}
	})
	a := c.get("/raster/ground/3/2/3.png").ok(200)
	require.Equal(t, "pixels as png", string(a.body))
	require.Equal(t, "image/png", a.header.Get("Content-Type"))
	require.Equal(t, "no-cache", a.header.Get("Cache-Control"))
	require.Equal(t, `"p1"`, a.header.Get("ETag"))
	require.Empty(t, c.get("/raster/ground/3/2/3.png", "If-None-Match", `"p1"`).ok(304).body)
	require.Equal(t, "13", c.do("HEAD", "/raster/ground/3/2/3.png", "").ok(200).header.Get("Content-Length"))
	require.Equal(t, "*", c.get("/raster/ground/3/2/3.png", "Origin", "https://desk.example").ok(200).header.Get("Access-Control-Allow-Origin"))

	d := c.get("/raster/ground.json").ok(200).json()
	require.Equal(t, []any{c.URL + "/raster/ground/{z}/{x}/{y}.png"}, d["tiles"])
	require.Equal(t, []any{-74.0, 40.0, -73.0, 41.0}, d["bounds"])
	require.EqualValues(t, 12, d["maxzoom"])
	require.EqualValues(t, 256, d["tileSize"])
	require.Equal(t, "mapbox", d["encoding"])
	require.Equal(t, "Survey", d["attribution"])
	require.Equal(t, []any{c.URL + "/raster/ground/{z}/{x}/{y}.png?token=a"}, c.get("/raster/ground.json?token=a").ok(200).json()["tiles"])

	c.get("/raster/ground/3/2/4.png").problem(404, "no tile 3/2/4")
	c.get("/raster/ground/3/2/3.webp").problem(404, "end in .png")
	c.get("/raster/ground/3/2/3").problem(404, "end in .png")
	c.get("/raster/sea/3/2/3.png").problem(404, `no raster layer "sea"`)
	c.get("/raster/sea.json").problem(404, `no raster layer "sea"`)
	c.get("/raster/ground").problem(404, ".json")
	c.get("/raster/ground/3/8/3.png").problem(400, "zoom 3 has 0 to 7")
	c.get("/raster/ground/1e3/2/3.png").problem(400, "whole numbers")
	c.get("/raster/ground/-1/2/3.png").problem(400, "whole numbers")
	c.get("/raster/ground/25/2/3.png").problem(400, "zoom 25")
	c.get("/raster/ground/3/2/3.png?x=1").problem(400, "Unknown query parameter")
}
