//go:build proof

package importers_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/layers"
)

// ogrCount asks GDAL how many features a file has, and in what box.
func ogrCount(t *testing.T, path string) (int64, []float64) {
	if strings.HasSuffix(path, ".gz") {
		path = "/vsigzip/" + path
	}
	out, err := exec.Command("ogrinfo", "-ro", "-al", "-so", path).CombinedOutput()
	require.NoError(t, err, "ogrinfo (package gdal-bin) must be installed: %s", out)
	n := regexp.MustCompile(`Feature Count: (\d+)`).FindStringSubmatch(string(out))
	require.NotNil(t, n, string(out))
	count, err := strconv.ParseInt(n[1], 10, 64)
	require.NoError(t, err)
	var b [4]float64
	box := regexp.MustCompile(`Extent: .*`).FindString(string(out))
	_, err = fmt.Sscanf(box, "Extent: (%f, %f) - (%f, %f)", &b[0], &b[1], &b[2], &b[3])
	require.NoError(t, err, box)
	return count, b[:]
}

// TestTheCityAsGDALSeesIt imports every GeoJSON of the demo city and compares
// count and box with GDAL's; a second import changes nothing.
func TestTheCityAsGDALSeesIt(t *testing.T) {
	files, err := filepath.Glob("../testdata/city/*/*.geojson.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	s := newStore(t)
	for i, path := range files {
		id := layers.ID("city" + strconv.Itoa(i))
		report, err := run(t, s, importers.Plan{Files: []string{path}, Layer: id})
		require.NoError(t, err, path)
		count, box := ogrCount(t, path)
		require.Equal(t, count, report.Read, path)
		require.Equal(t, count, report.Inserted, path)
		require.InDeltaSlice(t, box, report.Geometry.Extent, 1e-6, path)
		stats, err := s.Stats(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, count, stats.Count)
		again := importers.Plan{Files: []string{path}, Layer: id}
		report, err = run(t, s, again)
		if err == nil { // the features have ids
			require.Equal(t, count, report.Unchanged, path)
		} else {
			require.ErrorContains(t, err, "have no identifier to match them by")
		}
	}
}

// TestNanaimoAgainstGDAL imports the water network, unprojecting it from UTM,
// and compares each vertex with GDAL's.
func TestNanaimoAgainstGDAL(t *testing.T) {
	dir := t.TempDir()
	parts, err := filepath.Glob("../testdata/city/nanaimo/pipes.*")
	require.NoError(t, err)
	for _, p := range parts {
		in, err := os.Open(p)
		require.NoError(t, err)
		var r io.Reader = in
		if strings.HasSuffix(p, ".gz") {
			r, err = gzip.NewReader(in)
			require.NoError(t, err)
		}
		out, err := os.Create(filepath.Join(dir, strings.TrimSuffix(filepath.Base(p), ".gz")))
		require.NoError(t, err)
		_, err = io.Copy(out, r)
		require.NoError(t, err)
		require.NoError(t, out.Close())
		require.NoError(t, in.Close())
	}
	shp, want := filepath.Join(dir, "pipes.shp"), filepath.Join(dir, "gdal.geojsonl")
	out, err := exec.Command("ogr2ogr", "-f", "GeoJSONSeq", "-t_srs", "EPSG:4269", "-lco", "COORDINATE_PRECISION=12", want, shp).CombinedOutput()
	require.NoError(t, err, string(out))
	s := newStore(t)
	_, err = run(t, s, importers.Plan{Files: []string{shp}, Layer: "ours"})
	require.NoError(t, err)
	_, err = run(t, s, importers.Plan{Files: []string{want}, Layer: "gdals"})
	require.NoError(t, err)
	ours, gdals := byNumber(t, s, "ours"), byNumber(t, s, "gdals")
	require.Len(t, ours, 17755)
	require.Len(t, gdals, 17755)
	for i := range ours {
		require.Equal(t, gdals[i].Geometry.Ends, ours[i].Geometry.Ends)
		for k, v := range gdals[i].Geometry.XY {
			require.InDelta(t, v, ours[i].Geometry.XY[k], 2e-11) // 2 µm: GDAL rounds off nines
		}
	}
}

// byNumber reads a layer in the order in which its features were loaded.
func byNumber(t *testing.T, s layers.Store, id layers.ID) []*layers.Feature {
	list := all(t, s, id)
	out := make([]*layers.Feature, len(list))
	for _, f := range list {
		n, err := strconv.Atoi(f.ID)
		require.NoError(t, err)
		require.Less(t, n-1, len(out))
		out[n-1] = f
	}
	return out
}
