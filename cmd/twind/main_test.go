package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twind runs the program as main does, to its end.
func twind(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(t.Context(), args, &o, &e)
	return status, o.String(), e.String()
}

// fails asserts a status and one line of error that holds each part.
func fails(t *testing.T, status int, args []string, parts ...string) {
	t.Helper()
	got, _, errOut := twind(t, args...)
	require.Equal(t, status, got, "twind %s: %s", strings.Join(args, " "), errOut)
	lines := strings.Split(strings.TrimSpace(errOut), "\n")
	last := lines[len(lines)-1]
	require.True(t, strings.HasPrefix(last, "twind"), "%q", last)
	for _, p := range parts {
		require.Contains(t, last, p)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(p, []byte(text), 0o600))
	return p
}

const points = `{"type":"FeatureCollection","features":[
{"type":"Feature","id":1,"geometry":{"type":"Point","coordinates":[113,28.2,45.5]},"properties":{"name":"雨水井","n":9007199254740993}},
{"type":"Feature","id":2,"geometry":{"type":"Point","coordinates":[113.1,28.3]},"properties":{"name":"阀门","n":null}}]}`

func TestVersionAndHelp(t *testing.T) {
	status, out, _ := twind(t, "version")
	require.Zero(t, status)
	require.Regexp(t, `^twind \S+\n$`, out)
	status, out, _ = twind(t, "--help")
	require.Zero(t, status)
	for _, c := range []string{"demo", "serve", "import", "export", "layers", "drop", "replay", "check", "version"} {
		require.Contains(t, out, c)
	}
}

func TestWrongUsage(t *testing.T) {
	fails(t, exitUsage, []string{"fly"}, "unexpected argument")
	fails(t, exitUsage, []string{"serve", "--colour", "red"}, "unknown flag")
	fails(t, exitUsage, []string{"serve", "--addr", "nowhere"}, "expected host:port")
	fails(t, exitUsage, []string{"serve", "--store", "oracle://x"}, "expected geopackage:PATH or postgres://")
	fails(t, exitUsage, []string{"serve", "--config", filepath.Join(t.TempDir(), "none.yaml")}, "cannot be read")
	fails(t, exitUsage, []string{"serve", "--config", write(t, "a.yaml", "colour: x\n")}, "colour")
	fails(t, exitUsage, []string{"import", write(t, "a.geojson", points)}, "--layer")
	fails(t, exitUsage, []string{"import", write(t, "a.geojson", points), "--layer", "Größe"}, "layer id")
	fails(t, exitUsage, []string{"import", write(t, "a.geojson", points), "--layer", "a", "--kind", "spaceship"}, "kind")
	fails(t, exitUsage, []string{"export", "x", "--format", "xls", "--output", "x"}, "format")
}

func TestImportExportCheck(t *testing.T) {
	dir := t.TempDir()
	store := "geopackage:" + filepath.Join(dir, "city.gpkg")
	file := write(t, "points.geojson", points)
	status, out, errOut := twind(t, "import", file, "--layer", "parts", "--store", store, "--dry-run")
	require.Zero(t, status, errOut)
	require.Contains(t, out, "2 read, 2 fit to be written, 0 refused")
	status, out, errOut = twind(t, "import", file, "--layer", "parts", "--store", store, "--report", filepath.Join(dir, "report.json"))
	require.Zero(t, status, errOut)
	require.Contains(t, out, "2 read, 2 written, 0 refused (2 inserted, 0 updated, 0 unchanged)")
	var report map[string]any
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &report))
	require.EqualValues(t, 2, report["inserted"])
	status, out, _ = twind(t, "import", file, "--layer", "parts", "--store", store)
	require.Zero(t, status)
	require.Contains(t, out, "(0 inserted, 0 updated, 2 unchanged)", "twice in a row changes nothing")

	for _, format := range []string{"geojson", "csv", "gpkg"} {
		to := filepath.Join(dir, "out."+format)
		status, out, errOut = twind(t, "export", "parts", "--format", format, "--output", to, "--store", store)
		require.Zero(t, status, errOut)
		require.Contains(t, out, "2 features")
	}
	b, err = os.ReadFile(filepath.Join(dir, "out.geojson"))
	require.NoError(t, err)
	require.Contains(t, string(b), "9007199254740993", "64 bits stay")
	require.Contains(t, string(b), "[113,28.2,45.5]")
	// What was exported is what was imported.
	status, out, errOut = twind(t, "import", filepath.Join(dir, "out.geojson"), "--layer", "parts", "--store", store)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "2 unchanged")

	// The store is not a place to export to, whatever it is called.
	link := filepath.Join(dir, "link.gpkg")
	require.NoError(t, os.Symlink(filepath.Join(dir, "city.gpkg"), link))
	for _, to := range []string{filepath.Join(dir, "city.gpkg"), link} {
		fails(t, exitUsage, []string{"export", "parts", "--format", "gpkg", "--output", to, "--store", store}, "the store itself")
	}

	status, out, errOut = twind(t, "check", "--store", store)
	require.Zero(t, status, out+errOut)
	require.Contains(t, out, "no fault in 2 features")
	fails(t, exitFailed, []string{"export", "nothing", "--format", "csv", "--output", filepath.Join(dir, "x.csv"), "--store", store}, "nothing")
	fails(t, exitFailed, []string{"check", "--store", "geopackage:" + filepath.Join(dir, "none.gpkg")}, "none.gpkg")
}

func TestADryRunAndAMissingFileMakeNoStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.gpkg")
	status, _, errOut := twind(t, "import", write(t, "a.geojson", points), "--layer", "a", "--store", "geopackage:"+path, "--dry-run")
	require.Zero(t, status, errOut)
	fails(t, exitFailed, []string{"import", filepath.Join(t.TempDir(), "none.geojson"), "--layer", "a", "--store", "geopackage:" + path}, "none.geojson")
	require.NoFileExists(t, path)
	fails(t, exitFailed, []string{"import", write(t, "broken.geojson", `{"type":"FeatureCollection","features":[{`), "--layer", "a", "--store", "geopackage:" + path}, "broken.geojson")
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Empty(t, left, "nor does an import that fails")
	status, _, errOut = twind(t, "import", write(t, "a.geojson", points), "--layer", "a", "--store", "geopackage:"+path)
	require.Zero(t, status, errOut)
	fails(t, exitFailed, []string{"import", write(t, "broken.geojson", `{"type":"FeatureCollection","features":[{`), "--layer", "b", "--store", "geopackage:" + path}, "broken.geojson")
	require.FileExists(t, path, "one that was there stays")
}

func TestAnInterruptedCommandFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	store := "geopackage:" + filepath.Join(t.TempDir(), "city.gpkg")
	require.Equal(t, exitFailed, run(ctx, []string{"import", write(t, "a.geojson", points), "--layer", "a", "--store", store}, &out, &errOut))
	require.Contains(t, errOut.String(), "interrupted")
	require.NotContains(t, out.String(), "2 written")
}

func TestImportRefusesBrokenGeoJSON(t *testing.T) {
	store := "geopackage:" + filepath.Join(t.TempDir(), "city.gpkg")
	feature := func(coordinates string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":` + coordinates + `},"properties":{}}]}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"cut off":         {points[:len(points)-40], ""},
		"NaN":             {feature(`[[[NaN,0],[1,0],[1,1],[NaN,0]]]`), ""},
		"longitude 400":   {feature(`[[[400,0],[1,0],[1,1],[400,0]]]`), "400"},
		"ring not closed": {feature(`[[[0,0],[1,0],[1,1],[0,1]]]`), "not closed"},
		"wrong nesting":   {feature(`[[0,0],[1,0],[1,1],[0,0]]`), ""},
		"no JSON":         {"hello", ""},
		"empty":           {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errOut := twind(t, "import", write(t, "a.geojson", c.text), "--layer", "a", "--store", store)
			require.Equal(t, exitFailed, status, out+errOut)
			require.Contains(t, out+errOut, c.want)
			require.Len(t, strings.Split(strings.TrimSpace(errOut), "\n"), 1, "one line: %s", errOut)
		})
	}
	fails(t, exitFailed, []string{"import", filepath.Join(t.TempDir(), "none.geojson"), "--layer", "a", "--store", store}, "none.geojson")
}

func TestStoreThatIsNoGeoPackage(t *testing.T) {
	for _, command := range []string{"serve", "check"} {
		fails(t, exitFailed, []string{command, "--store", "geopackage:" + write(t, "a.gpkg", "this is not a database, it is a text that is long enough to be one")}, "a.gpkg", "GeoPackage")
	}
}

func TestAConfigurationIsNotMadeAStore(t *testing.T) {
	for name, text := range map[string]string{"c.yaml": "", "d.yaml": "addr: 127.0.0.1:0\n", "e.txt": "", "new.yml": "-"} {
		path := write(t, name, text)
		if text == "-" {
			require.NoError(t, os.Remove(path))
		}
		for _, args := range [][]string{
			{"serve", "--addr", "127.0.0.1:0"}, {"check"}, {"layers"}, {"import", write(t, "a.geojson", points), "--layer", "a"}, {"import", write(t, "a.geojson", points), "--layer", "a", "--dry-run"},
		} {
			want := []string{path, "does not end in .gpkg"}
			if strings.HasSuffix(name, "ml") {
				want = append(want, "--config")
			}
			fails(t, exitUsage, append(args, "--store", path), want...)
		}
		if text == "-" {
			require.NoFileExists(t, path)
			continue
		}
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(b))
	}
	// A GeoPackage may have any name once it is one, and a new one's may be in capitals.
	_, store, _ := stored(t)
	other := strings.TrimSuffix(store, ".gpkg") + ".db"
	require.NoError(t, os.Rename(store, other))
	status, out, errOut := twind(t, "layers", "--store", other)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "parts")
	status, _, errOut = twind(t, "import", write(t, "a.geojson", points), "--layer", "a", "--store", filepath.Join(t.TempDir(), "NEW.GPKG"))
	require.Zero(t, status, errOut)
}

func TestDataFolderNotWritable(t *testing.T) {
	file := write(t, "file", "")
	fails(t, exitFailed, []string{"demo", "--addr", "127.0.0.1:0", "--data", filepath.Join(file, "data")}, "not writable", "--data")
}

func TestPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	addr := ln.Addr().String()
	fails(t, exitFailed, []string{"demo", "--addr", addr, "--data", t.TempDir()}, addr, "in use", "--addr")
	fails(t, exitFailed, []string{"serve", "--addr", addr, "--store", "geopackage:" + filepath.Join(t.TempDir(), "c.gpkg")}, addr, "in use", "--addr")
}

// lockedBuffer is written by the program and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestServeSeesAnotherProcessImportAndStops(t *testing.T) {
	dir := t.TempDir()
	store := "geopackage:" + filepath.Join(dir, "city.gpkg")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errOut lockedBuffer
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--store", store}, &out, &errOut) }()
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	require.Eventually(t, func() bool { return address.MatchString(out.String()) }, 30*time.Second, 10*time.Millisecond, "%s", &errOut)
	url := address.FindString(out.String())

	status, _, importErr := twind(t, "import", write(t, "points.geojson", points), "--layer", "parts", "--store", store)
	require.Zero(t, status, importErr)
	get := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	require.Eventually(t, func() bool {
		status, body := get("/ogc/collections/parts/items?limit=10")
		return status == 200 && strings.Contains(body, `"numberMatched":2`)
	}, 30*time.Second, 20*time.Millisecond, "what another process imported reaches the server")
	status, body := get("/metrics")
	require.Equal(t, 200, status)
	require.Contains(t, body, "twind_http_requests_total")
	cancel()
	select {
	case status := <-done:
		require.Zero(t, status, errOut.String())
	case <-time.After(20 * time.Second):
		t.Fatal("the server did not stop")
	}
}
