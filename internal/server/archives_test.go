package server_test

import (
	"bytes"
	"compress/gzip"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/archive"
	"twind/tiles/pmtiles"
)

// archived makes an archive of zooms 0 to 2 and opens it as a layer.
func archived(t *testing.T, id layers.ID, o pmtiles.WriterOptions, content func(tile.ID) []byte) *archive.Archive {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.pmtiles")
	w, err := pmtiles.Create(path, o)
	require.NoError(t, err)
	defer w.Abort()
	for n := range uint64(21) {
		at, _ := pmtiles.TileOf(n)
		if b := content(at); b != nil {
			require.NoError(t, w.Add(at, b))
		}
	}
	require.NoError(t, w.Close())
	a := archive.New(archive.Options{ID: id, Source: path, Title: layers.Text{ZH: "底图", EN: "Base"}, Attribution: "Survey"})
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	require.NoError(t, a.Open(t.Context()))
	return a
}

func TestArchives(t *testing.T) {
	vector := archived(t, "base", pmtiles.WriterOptions{
		Type: pmtiles.MVT, Tiles: pmtiles.Gzip, Bounds: spatial.Envelope{MinX: -75, MinY: 40, MaxX: -73, MaxY: 41}, Center: [3]float64{-74, 40.5, 2},
		Metadata: pmtiles.Metadata{VectorLayers: []pmtiles.VectorLayer{{ID: "water", MaxZoom: 2, Fields: map[string]string{"kind": "String"}}, {ID: "roads", MaxZoom: 2, Fields: map[string]string{}}}},
	}, func(id tile.ID) []byte {
		if id.X == 1 {
			return nil
		}
		b, err := pmtiles.Deflate(nil, []byte("\x1atile "+id.String()))
		require.NoError(t, err)
		return b
	})
	var pixels bytes.Buffer
	require.NoError(t, png.Encode(&pixels, image.NewGray(image.Rect(0, 0, 256, 256))))
	images := archived(t, "aerial", pmtiles.WriterOptions{Type: pmtiles.PNG}, func(id tile.ID) []byte {
		if id.X == 1 {
			return nil
		}
		return pixels.Bytes()
	})
	broken := archive.New(archive.Options{ID: "broken", Source: filepath.Join(t.TempDir(), "none.pmtiles")})
	c := newCityWith(t, nil, func(o *server.Options) { o.Archives = []*archive.Archive{vector, images, broken} })

	t.Run("vector tiles", func(t *testing.T) {
		a := c.get("/tiles/base/2/0/1.mvt", "Accept-Encoding", "gzip").ok(200)
		require.Equal(t, "gzip", a.header.Get("Content-Encoding"))
		require.Equal(t, "application/vnd.mapbox-vector-tile", a.header.Get("Content-Type"))
		require.Equal(t, "no-cache", a.header.Get("Cache-Control"))
		require.Equal(t, "Accept-Encoding", a.header.Get("Vary"))
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		require.NoError(t, err)
		raw, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Equal(t, "\x1atile 2/0/1", string(raw))
		plain := c.get("/tiles/base/2/0/1.pbf", "Accept-Encoding", "br", "Origin", "https://desk.example").ok(200)
		require.Equal(t, raw, plain.body)
		require.Empty(t, plain.header.Get("Content-Encoding"))
		require.Equal(t, "*", plain.header.Get("Access-Control-Allow-Origin"))
		require.Empty(t, c.get("/tiles/base/2/0/1.mvt", "If-None-Match", a.header.Get("ETag")).ok(304).body)
		require.Empty(t, c.get("/tiles/base/2/1/1.mvt").ok(204).body)
		require.Empty(t, c.get("/tiles/base/9/1/1.mvt").ok(204).body)
		c.get("/tiles/base/2/4/1.mvt").problem(400, "zoom 2 has 0 to 3")
		c.get("/tiles/base/2/0/1.png").problem(404, ".mvt or .pbf")
		c.get("/tiles/base/2/0/1.mvt?filter=height>3").problem(400, "file of finished tiles")
		c.get("/tiles/base/2/0/1.mvt?colour=red").problem(400, "Unknown query parameter")
		c.get("/tiles/buildings,base/2/0/1.mvt").problem(400, "ask for it alone")
		c.get("/tiles/base,buildings.json").problem(400, "ask for it alone")
	})

	t.Run("images", func(t *testing.T) {
		a := c.get("/raster/aerial/2/0/1.png").ok(200)
		require.Equal(t, pixels.Bytes(), a.body)
		c.get("/raster/aerial/2/0/1.png", "If-None-Match", a.header.Get("ETag")).ok(304)
		c.get("/raster/aerial/2/1/1.png").problem(404, "no tile 2/1/1")
		blank, err := png.Decode(bytes.NewReader(c.get("/raster/aerial/2/1/1.png?blank=1").ok(200).body))
		require.NoError(t, err)
		_, _, _, opacity := blank.At(0, 0).RGBA()
		require.Zero(t, opacity, "nothing to see where there is nothing")
		require.Equal(t, pixels.Bytes(), c.get("/raster/aerial/2/0/1.png?blank=1").ok(200).body)
		c.get("/raster/aerial/2/0/1.png?blank=yes").problem(400, "blank=1")
		c.get("/raster/aerial/2/0/1.jpg").problem(404, "end in .png")
		require.EqualValues(t, 256, c.get("/raster/aerial.json").ok(200).json()["tileSize"])
		require.Contains(t, string(c.get("/wmts?service=WMTS&request=GetCapabilities").ok(200).body), "<ows:Identifier>aerial</ows:Identifier>")
	})

	t.Run("descriptions", func(t *testing.T) {
		d := c.get("/tiles/base.json?token=x").ok(200).json()
		require.Equal(t, []any{c.URL + "/tiles/base/{z}/{x}/{y}.mvt?token=x"}, d["tiles"])
		require.Equal(t, []any{-75.0, 40.0, -73.0, 41.0}, d["bounds"])
		require.Equal(t, "Survey", d["attribution"])
		require.Len(t, d["vector_layers"], 2)
		bases := c.get("/viewer/config.json").ok(200).json()["bases"].([]any)
		require.Len(t, bases, 2, "what is not open is not there")
		require.Equal(t, "raster", bases[0].(map[string]any)["type"])
		require.Equal(t, "底图", bases[1].(map[string]any)["title"].(map[string]any)["zh"])
		require.Equal(t, c.URL+"/tiles/base.json", bases[1].(map[string]any)["tilejson"])
	})

	t.Run("styles", func(t *testing.T) {
		for _, theme := range []string{"light", "dark"} {
			d := c.get("/styles/city-" + theme + ".json").ok(200).json()
			sources := d["sources"].(map[string]any)
			require.Equal(t, map[string]any{"type": "vector", "url": c.URL + "/tiles/base.json"}, sources["base"])
			require.Equal(t, "raster", sources["aerial"].(map[string]any)["type"])
			require.Equal(t, c.URL+"/raster/aerial.json?blank=1", sources["aerial"].(map[string]any)["url"])
			at := map[string]int{}
			for i, l := range d["layers"].([]any) {
				at[l.(map[string]any)["id"].(string)] = i
			}
			require.Less(t, at["ground"], at["aerial"])
			require.Less(t, at["aerial"], at["base:water-area"])
			require.Less(t, at["base:water-area"], at["base:roads-line"])
			require.Less(t, at["base:roads-line"], at["buildings"], "below the city: %v", at)
		}
		require.NotContains(t, c.get("/styles/buildings.json").ok(200).json()["sources"], "base")
	})

	t.Run("a file that breaks", func(t *testing.T) {
		i, ok := vector.Info()
		require.True(t, ok)
		require.Equal(t, layers.ID("base"), i.ID)
		c.get("/tiles/broken/1/0/0.mvt").problem(404, "broken")
		c.get("/raster/broken/1/0/0.png").problem(404, "broken")
	})
}

// TestArchiveDamagedUnderTheServer answers 503 with a sentence, not 500.
func TestArchiveDamagedUnderTheServer(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.pmtiles")
	w, err := pmtiles.Create(path, pmtiles.WriterOptions{Type: pmtiles.MVT, Tiles: pmtiles.NoCompression})
	require.NoError(t, err)
	require.NoError(t, w.Add(tile.ID{}, []byte("\x1atile")))
	require.NoError(t, w.Close())
	a := archive.New(archive.Options{ID: "base", Source: path})
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	require.NoError(t, a.Open(t.Context()))
	c := newCityWith(t, nil, func(o *server.Options) { o.Archives = []*archive.Archive{a} })
	c.get("/tiles/base/0/0/0.mvt").ok(200)
	require.NoError(t, os.WriteFile(path, []byte("nonsense"), 0o600))
	c.get("/tiles/base/0/0/0.mvt").problem(503, "layer base: tile 0/0/0 cannot be read")
}
