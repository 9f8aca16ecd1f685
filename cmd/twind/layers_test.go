package main

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
)

func TestLayersAreTitledListedAndDropped(t *testing.T) {
	_, store, file := stored(t)
	listed := func() string {
		status, out, errOut := twind(t, "layers", "--store", store)
		require.Zero(t, status, errOut)
		return out
	}
	require.Regexp(t, `(?m)^LAYER +KIND +FEATURES +GEOMETRY +TITLE$`, listed())
	require.Regexp(t, `(?m)^parts +feature +2 +Point Z +Parts$`, listed(), "a title is made of the id")
	importing := func(flags ...string) {
		status, _, errOut := twind(t, append([]string{"import", file, "--store", store}, flags...)...)
		require.Zero(t, status, errOut)
	}
	importing("--layer", "parts", "--title", "雨水井")
	require.Regexp(t, `(?m) 雨水井$`, listed(), "an existing layer is titled, in both languages")
	importing("--layer", "parts", "--title-en", "Storm wells", "--title-zh", "雨水井")
	require.Regexp(t, `(?m) Storm wells / 雨水井$`, listed())
	importing("--layer", "parts", "--title", "雨水井", "--title-en", "Wells")
	require.Regexp(t, `(?m) Wells / 雨水井$`, listed(), "one language otherwise")
	importing("--layer", "parts", "--title-en", "Drains")
	require.Regexp(t, `(?m) Drains / 雨水井$`, listed(), "the other language stays")
	importing("--layer", "parts")
	require.Regexp(t, `(?m) Drains / 雨水井$`, listed(), "without a flag the title stays")
	importing("--layer", "new", "--title", "New ones", "--kind", "node")
	require.Regexp(t, `(?m)^new +node +2 +Point Z +New ones$`, listed())
	fails(t, exitUsage, []string{"import", file, "--store", store, "--layer", "parts", "--title", "a\nb"}, "--title")
	fails(t, exitUsage, []string{"import", file, "--store", store, "--layer", "parts", "--title", " "}, "--title")

	status, out, errOut := twind(t, "drop", "new", "--store", store, "--dry-run")
	require.Zero(t, status, errOut)
	require.Contains(t, out, "layer new (New ones) would be removed from "+store+", with 2 features")
	require.Contains(t, listed(), "New ones")
	status, out, errOut = twind(t, "drop", "new", "--store", store)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "layer new (New ones) was removed from "+store+", with 2 features")
	require.NotContains(t, listed(), "New ones")
	status, out, errOut = twind(t, "check", "--store", store)
	require.Zero(t, status, out+errOut)

	for _, flags := range [][]string{nil, {"--dry-run"}} {
		fails(t, exitFailed, append([]string{"drop", "new", "--store", store}, flags...), `no layer "new"`)
		none := filepath.Join(t.TempDir(), "none.gpkg")
		fails(t, exitFailed, append([]string{"drop", "new", "--store", none}, flags...), "none.gpkg")
		require.NoFileExists(t, none)
	}
	fails(t, exitUsage, []string{"drop", "Größe", "--store", store}, "layer id")
	live := write(t, "twind.yaml", "store: geopackage:"+store+"\nlive:\n  - {id: buses}\n")
	fails(t, exitUsage, []string{"drop", "buses", "--config", live}, "live:")
}

func TestARunningServerNoticesADrop(t *testing.T) {
	_, store, _ := stored(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out, errOut lockedBuffer
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--store", store}, &out, &errOut) }()
	defer func() {
		cancel()
		require.Zero(t, <-done, errOut.String())
	}()
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	require.Eventually(t, func() bool { return address.MatchString(out.String()) }, 30*time.Second, 10*time.Millisecond, "%s", &errOut)
	statusOf := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address.FindString(out.String())+path, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		return resp.StatusCode
	}
	paths := []string{"/ogc/collections/parts", "/ogc/collections/parts/items", "/tiles/parts.json"}
	for _, path := range paths {
		require.Equal(t, 200, statusOf(path), path)
	}
	status, _, dropErr := twind(t, "drop", "parts", "--store", store)
	require.Zero(t, status, dropErr)
	for _, path := range paths {
		require.Eventually(t, func() bool { return statusOf(path) == 404 }, 10*time.Second, 20*time.Millisecond, path)
	}
}

func TestLayersInPostgreSQLAreTitledListedAndDropped(t *testing.T) {
	dsn := pgtest.DSN(t)
	status, _, errOut := twind(t, "import", write(t, "a.geojson", points), "--layer", "wells", "--title-en", "Wells", "--title-zh", "水井", "--store", dsn)
	require.Zero(t, status, errOut)
	status, out, errOut := twind(t, "layers", "--store", dsn)
	require.Zero(t, status, errOut)
	require.Regexp(t, `(?m)^wells +feature +2 +Point Z +Wells / 水井$`, out)
	status, out, errOut = twind(t, "drop", "wells", "--store", dsn, "--dry-run")
	require.Zero(t, status, errOut)
	require.Contains(t, out, "layer wells (Wells / 水井) would be removed from the PostgreSQL store, with 2 features")
	status, out, errOut = twind(t, "drop", "wells", "--store", dsn)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "was removed from the PostgreSQL store, with 2 features")
	fails(t, exitFailed, []string{"drop", "wells", "--store", dsn}, "wells")
	status, out, errOut = twind(t, "layers", "--store", dsn)
	require.Zero(t, status, errOut)
	require.NotContains(t, out, "wells")
}
