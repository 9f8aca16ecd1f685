package main

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// stored is a folder with a GeoPackage of two points and the file they came from.
func stored(t *testing.T) (dir, store, file string) {
	t.Helper()
	dir = t.TempDir()
	store, file = filepath.Join(dir, "c.gpkg"), filepath.Join(dir, "in.geojson")
	require.NoError(t, os.WriteFile(file, []byte(points), 0o600))
	status, _, errOut := twind(t, "import", file, "--layer", "parts", "--store", store)
	require.Zero(t, status, errOut)
	return dir, store, file
}

func digest(t *testing.T, path string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return sha256.Sum256(b)
}

func TestWhatIsReadOrKeptIsNeverWrittenOver(t *testing.T) {
	dir, store, file := stored(t)
	link, hard := filepath.Join(dir, "link.json"), filepath.Join(dir, "hard.json")
	require.NoError(t, os.Symlink(store, link))
	require.NoError(t, os.Link(store, hard))
	source := filepath.Join(dir, "source.json")
	require.NoError(t, os.Symlink(file, source))
	conf := filepath.Join(dir, "twind.yaml")
	require.NoError(t, os.WriteFile(conf, []byte("store: geopackage:"+store+"\nrasters:\n  - {id: dem, source: "+filepath.Join(dir, "dem.tif")+", role: dem}\narchives:\n  - {id: base, source: "+filepath.Join(dir, "base.pmtiles")+"}\n"), 0o600))
	for _, folder := range []string{"snapshots", "c.live"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o755))
	}
	before := map[string][32]byte{store: digest(t, store), file: digest(t, file), conf: digest(t, conf)}
	imports := []string{"import", file, "--layer", "q9", "--config", conf, "--mode", "replace", "--report"}
	exports := []string{"export", "parts", "--config", conf, "--format", "csv", "--output"}
	for name, want := range map[string]string{
		"c.gpkg": "is the store itself", "link.json": "is the store itself", "hard.json": "is the store itself",
		"c.gpkg-wal": "belongs to the store", "c.gpkg-shm": "belongs to the store",
		"twind.yaml": "is the configuration", "dem.tif": "is a raster of the configuration",
		"snapshots/report.json": "lies in ", "c.live/report.json": "lies in ",
	} {
		fails(t, exitUsage, append(imports, filepath.Join(dir, name)), name, want, "--report")
		fails(t, exitUsage, append(exports, filepath.Join(dir, name)), name, want, "--output")
	}
	// An archive is made anew by an export of tiles, and by nothing else.
	base := filepath.Join(dir, "base.pmtiles")
	fails(t, exitUsage, append(imports, base), "is an archive of the configuration")
	fails(t, exitUsage, append(exports, base), "is an archive of the configuration")
	status, _, errOut := twind(t, "export", "parts", "--config", conf, "--output", base)
	require.Zero(t, status, errOut)
	for _, name := range []string{"in.geojson", "source.json"} {
		fails(t, exitUsage, append(imports, filepath.Join(dir, name)), "one of the files to import", "--report")
		fails(t, exitUsage, append(imports, filepath.Join(dir, name), "--dry-run"), "one of the files to import")
	}
	for path, sum := range before {
		require.Equal(t, sum, digest(t, path), path)
	}
	_, err := os.Lstat(link)
	require.NoError(t, err)
	fails(t, exitFailed, []string{"export", "q9", "--store", store, "--output", filepath.Join(dir, "x.csv")}, "q9") // nothing was imported
}

func TestAReportDoesNotTakeAPartOfAShapefile(t *testing.T) {
	dir := t.TempDir()
	for _, ext := range []string{".shp", ".dbf"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "roads"+ext), []byte("not read"), 0o600))
	}
	for _, ext := range []string{".shp", ".dbf", ".prj"} {
		fails(t, exitUsage, []string{"import", filepath.Join(dir, "roads.shp"), "--layer", "roads", "--store", filepath.Join(dir, "c.gpkg"), "--report", filepath.Join(dir, "roads"+ext)}, "roads"+ext, "one of the files to import")
	}
	require.NoFileExists(t, filepath.Join(dir, "roads.prj"))
	require.NoFileExists(t, filepath.Join(dir, "c.gpkg"))
}

func TestExportWritesToLinksPipesAndStandardOutput(t *testing.T) {
	dir, store, _ := stored(t)
	link := filepath.Join(dir, "link.geojson")
	require.NoError(t, os.Symlink("far.geojson", link))
	for range 2 { // the link's end is made, then replaced
		status, _, errOut := twind(t, "export", "parts", "--store", store, "--output", link)
		require.Zero(t, status, errOut)
	}
	to, err := os.Readlink(link)
	require.NoError(t, err, "the link stays")
	require.Equal(t, "far.geojson", to)
	whole, err := os.ReadFile(filepath.Join(dir, "far.geojson"))
	require.NoError(t, err)

	for _, name := range []string{"tiles.pmtiles", "copy.gpkg", "rows.csv.gz"} {
		require.NoError(t, os.Symlink("far."+name, filepath.Join(dir, name)))
		status, out, errOut := twind(t, "export", "parts", "--store", store, "--output", filepath.Join(dir, name))
		require.Zero(t, status, errOut)
		require.NotContains(t, out, " 0 bytes")
		_, err := os.Readlink(filepath.Join(dir, name))
		require.NoError(t, err, name)
		info, err := os.Stat(filepath.Join(dir, "far."+name))
		require.NoError(t, err)
		require.Positive(t, info.Size())
	}

	pipe := filepath.Join(dir, "pipe.geojson")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	read := make(chan []byte)
	go func() {
		b, _ := os.ReadFile(pipe)
		read <- b
	}()
	status, out, errOut := twind(t, "export", "parts", "--store", store, "--output", pipe)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "2 features")
	require.Equal(t, string(whole), string(<-read))
	info, err := os.Lstat(pipe)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeNamedPipe, "the pipe stays")
	for _, format := range []string{"gpkg", "pmtiles"} {
		fails(t, exitUsage, []string{"export", "parts", "--store", store, "--format", format, "--output", pipe}, "takes bytes in order")
	}

	for _, name := range []string{"-", "/dev/stdout"} {
		status, out, errOut = twind(t, "export", "parts", "--store", store, "--format", "geojson", "--output", name)
		require.Zero(t, status, errOut)
		require.Equal(t, string(whole), out)
		require.Contains(t, errOut, "2 features")
		for _, format := range []string{"gpkg", "pmtiles", "3dtiles"} {
			fails(t, exitUsage, []string{"export", "parts", "--store", store, "--format", format, "--output", name}, "name a")
		}
		fails(t, exitUsage, []string{"export", "parts", "--store", store, "--output", name}, "--format geojson")
	}
	require.NoFileExists(t, "-")
}

func TestAReportGoesThroughALinkAndToStandardOutput(t *testing.T) {
	dir, store, file := stored(t)
	link := filepath.Join(dir, "report.json")
	require.NoError(t, os.Symlink("elsewhere.json", link))
	status, _, errOut := twind(t, "import", file, "--layer", "parts", "--store", store, "--report", link)
	require.Zero(t, status, errOut)
	_, err := os.Readlink(link)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "elsewhere.json"))
	status, out, errOut := twind(t, "import", file, "--layer", "parts", "--store", store, "--report", "-")
	require.Zero(t, status, errOut)
	var report map[string]any
	require.NoError(t, json.NewDecoder(strings.NewReader(out)).Decode(&report))
	require.EqualValues(t, 2, report["unchanged"])
}
