package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles/mvt"
	"twind/tiles/pmtiles"
)

const twoParts = `{"type":"FeatureCollection","features":[
{"type":"Feature","id":"w","properties":{"name":"西"},"geometry":{"type":"Point","coordinates":[113.0001,28.2001]}},
{"type":"Feature","id":"e","properties":{"name":"东"},"geometry":{"type":"Point","coordinates":[113.9999,28.2001]}}]}`

// TestExportTiles exports layers to PMTiles and reads them back.
func TestExportTiles(t *testing.T) {
	dir := t.TempDir()
	store := "geopackage:" + filepath.Join(dir, "city.gpkg")
	for _, id := range []string{"parts", "places"} {
		status, _, errOut := twind(t, "import", write(t, "points.geojson", twoParts), "--layer", id, "--store", store)
		require.Zero(t, status, errOut)
	}
	to := filepath.Join(dir, "out.pmtiles")
	status, out, errOut := twind(t, "export", "parts", "places", "--output", to, "--store", store, "--min-zoom", "8", "--max-zoom", "12")
	require.Zero(t, status, errOut)
	require.Contains(t, out, "tiles of parts, places, zooms 8 to 12")
	r := readArchive(t, to)
	h := r.Header()
	require.Equal(t, []uint8{8, 12}, []uint8{h.MinZoom, h.MaxZoom})
	require.Equal(t, pmtiles.Gzip, h.Tiles)
	require.InDelta(t, 113.0001, h.Bounds.MinX, 1e-6)
	require.InDelta(t, 113.9999, h.Bounds.MaxX, 1e-6)
	m := r.Metadata()
	require.Len(t, m.VectorLayers, 2)
	require.Equal(t, "places", m.VectorLayers[1].ID)
	require.Equal(t, "String", m.VectorLayers[0].Fields["name"])
	id := tile.Of(113.9999, 28.2001, 12)
	b, err := r.Tile(t.Context(), id)
	require.NoError(t, err)
	raw, err := pmtiles.Expand(b, h.Tiles, 1<<20)
	require.NoError(t, err)
	decoded, err := mvt.Decode(raw)
	require.NoError(t, err)
	require.Len(t, decoded.Layers, 2, "%+v", m)
	require.ElementsMatch(t, []mvt.Property{{Key: "id", Value: "e"}, {Key: "name", Value: "东"}}, decoded.Layers[0].Features[0].Properties)
	_, err = r.Tile(t.Context(), tile.ID{Z: 12, X: id.X - 5, Y: id.Y})
	require.ErrorIs(t, err, layers.ErrNotFound, "land between the two is empty")

	status, _, errOut = twind(t, "export", "parts", "--format", "pmtiles", "--output", to, "--store", store, "--bbox", "113.5,28,114.5,28.5")
	require.Zero(t, status, errOut)
	r = readArchive(t, to)
	_, err = r.Tile(t.Context(), tile.Of(113.0001, 28.2001, 12))
	require.ErrorIs(t, err, layers.ErrNotFound, "outside of the box")
	_, err = r.Tile(t.Context(), id)
	require.NoError(t, err)

	none := filepath.Join(dir, "none.pmtiles")
	fails(t, exitUsage, []string{"export", "parts", "places", "--format", "csv", "--output", none, "--store", store}, "export them one by one")
	fails(t, exitUsage, []string{"export", "parts", "--format", "csv", "--bbox", "1,2,3,4", "--output", none, "--store", store}, "--format pmtiles")
	fails(t, exitUsage, []string{"export", "parts", "--bbox", "1,2,3", "--output", none, "--store", store}, "four numbers")
	fails(t, exitUsage, []string{"export", "parts", "--bbox", "5,2,3,4", "--output", none, "--store", store}, "west < east")
	fails(t, exitUsage, []string{"export", "parts", "--output", none + ".gz", "--store", store}, "one by one")
	fails(t, exitUsage, []string{"export", "parts", "--min-zoom", "23", "--output", none, "--store", store}, "choose --min-zoom")
	fails(t, exitFailed, []string{"export", "parts", "--bbox", "-4,-3,3,4", "--output", none, "--store", store}, "nothing to write")
	fails(t, exitFailed, []string{"export", "parts", "parts", "--output", none, "--store", store}, "twice")
	left, err := filepath.Glob(filepath.Join(dir, "*none*"))
	require.NoError(t, err)
	require.Empty(t, left)
	left, err = filepath.Glob(filepath.Join(dir, ".twind-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestCredits(t *testing.T) {
	require.Equal(t, "A; B; C", credits("A; B · A · C;B"))
	require.Empty(t, credits(""))
}

func readArchive(t *testing.T, path string) *pmtiles.Reader {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o644, info.Mode().Perm())
	src, err := pmtiles.OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { src.Close() })
	r, err := pmtiles.NewReader(t.Context(), src, pmtiles.ReaderOptions{})
	require.NoError(t, err)
	return r
}
