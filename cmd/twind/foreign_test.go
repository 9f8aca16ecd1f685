package main

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestForeignGeoPackage checks and exports a GeoPackage of another program: the
// file stays as it is, byte for byte, and nothing comes beside it.
func TestForeignGeoPackage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "their.gpkg")
	ogr := func(args ...string) {
		out, err := exec.Command("ogr2ogr", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	ogr("-f", "GPKG", path, write(t, "a.geojson", points), "-nln", "valves", "-lco", "FID=key")
	ogr("-update", path, write(t, "b.geojson", twoTowers), "-nln", "towers", "-nlt", "POLYGON")
	ogr("-update", path, write(t, "c.geojson", points), "-nln", "mapped", "-t_srs", "EPSG:4547")
	// A folder of snapshots of another store is no business of this one.
	require.NoError(t, os.Mkdir(filepath.Join(dir, "snapshots"), 0o700))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(before)

	out := t.TempDir()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"check"}, "no fault in 4 features"},
		{[]string{"export", "valves", "--output", filepath.Join(out, "valves.csv")}, "2 features of layer valves"},
		{[]string{"export", "valves", "--output", filepath.Join(out, "valves.gpkg")}, "2 features of layer valves"},
		{[]string{"export", "valves", "towers", "--output", filepath.Join(out, "city.pmtiles")}, "tiles"},
	} {
		status, text, errOut := twind(t, append(c.args, "--store", path)...)
		require.Zero(t, status, "%v: %s", c.args, errOut)
		require.Contains(t, text, c.says)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, sum, sha256.Sum256(after), "%v wrote into the file", c.args)
		for _, folder := range []string{dir, filepath.Join(dir, "snapshots")} {
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, e := range entries {
				require.Contains(t, []string{"their.gpkg", "snapshots"}, e.Name(), "%v", c.args)
			}
		}
	}
	csv, err := os.ReadFile(filepath.Join(out, "valves.csv"))
	require.NoError(t, err)
	require.Contains(t, string(csv), "雨水井")

	fails(t, exitFailed, []string{"export", "mapped", "--output", filepath.Join(out, "m.csv"), "--store", path}, "EPSG:4326 or 4490", "twind import")
	fails(t, exitFailed, []string{"export", "none", "--output", filepath.Join(out, "n.csv"), "--store", path}, `no layer "none"`)

	// What takes it over does so.
	status, _, errOut := twind(t, "import", write(t, "d.geojson", points), "--layer", "wells", "--store", path)
	require.Zero(t, status, errOut)
	status, text, errOut := twind(t, "check", "--store", path)
	require.Zero(t, status, errOut)
	require.Contains(t, text, "no fault in 6 features")
	require.True(t, strings.HasSuffix(strings.TrimSpace(text), "their.gpkg"), text)
}
