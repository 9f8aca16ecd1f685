//go:build proof

package importers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/geojson"
	"twind/layers"
)

// TestHintsWork runs the command that the refusal of a file names, and imports
// what it makes.
func TestHintsWork(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	source := file("source.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[113,28]},"properties":{"n":1}}]}`)
	gpkg := filepath.Join(dir, "the city's.gpkg")
	out, err := exec.CommandContext(t.Context(), "ogr2ogr", "-f", "GPKG", "-nln", "LAYER", gpkg, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	dxf := filepath.Join(dir, "drawing.dxf")
	out, err = exec.CommandContext(t.Context(), "ogr2ogr", "-f", "DXF", "-t_srs", "EPSG:4547", dxf, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, path := range []string{
		gpkg, dxf,
		file("wells.csv", "lon,lat,n\n113,28,1\n"),
		file("places.kml", `<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>a</name><Point><coordinates>113,28</coordinates></Point></Placemark></Document></kml>`),
	} {
		s := newStore(t)
		_, err := importers.Run(t.Context(), s, importers.Plan{Files: []string{path}, Layer: "a"}, geojson.Format{})
		require.ErrorIs(t, err, layers.ErrUnsupported, path)
		_, command, found := strings.Cut(err.Error(), "ogr2ogr ")
		require.True(t, found, err.Error())
		shell := exec.CommandContext(t.Context(), "sh", "-c", "rm -f out.geojson && ogr2ogr "+command)
		shell.Dir = dir
		out, err := shell.CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
		r, err := importers.Run(t.Context(), s, importers.Plan{Files: []string{filepath.Join(dir, "out.geojson")}, Layer: "a"}, geojson.Format{})
		require.NoError(t, err, path)
		require.EqualValues(t, 1, r.Inserted, path)
		require.InDelta(t, 113, r.Geometry.Extent[0], 1e-5, path)
		require.InDelta(t, 28, r.Geometry.Extent[1], 1e-5, path)
	}
}
