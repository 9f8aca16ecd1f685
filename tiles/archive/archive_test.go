package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/archive"
	"twind/tiles/pmtiles"
)

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.Bytes()
}

// write makes an archive of zooms 0 to 2 at path.
func write(t *testing.T, path string, o pmtiles.WriterOptions, content func(tile.ID) []byte) string {
	t.Helper()
	w, err := pmtiles.Create(path, o)
	require.NoError(t, err)
	defer w.Abort()
	for id := range uint64(21) {
		at, _ := pmtiles.TileOf(id)
		if b := content(at); b != nil {
			require.NoError(t, w.Add(at, b))
		}
	}
	require.NoError(t, w.Close())
	return path
}

// vector is an archive whose tiles begin as vector tiles do; tile 2/1/1 is absent.
func vector(t *testing.T, path, name string) string {
	return write(t, path, pmtiles.WriterOptions{
		Type: pmtiles.MVT, Tiles: pmtiles.Gzip, Bounds: spatial.Envelope{MinX: 1, MinY: 2, MaxX: 3, MaxY: 4},
		Metadata: pmtiles.Metadata{Name: name, Attribution: `<a href="x">&copy; OSM</a> <script>`, VectorLayers: []pmtiles.VectorLayer{{ID: "roads", MaxZoom: 2, Fields: map[string]string{}}}},
	}, func(id tile.ID) []byte {
		if id == (tile.ID{Z: 2, X: 1, Y: 1}) {
			return nil
		}
		return zipped(name + " " + id.String())
	})
}

func opened(t *testing.T, o archive.Options) *archive.Archive {
	t.Helper()
	o.ID = "base"
	a := archive.New(o)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	require.NoError(t, a.Open(t.Context()))
	return a
}

func TestVector(t *testing.T) {
	a := opened(t, archive.Options{Source: vector(t, filepath.Join(t.TempDir(), "a.pmtiles"), "city")})
	i, ok := a.Info()
	require.True(t, ok)
	require.True(t, i.Vector())
	require.Equal(t, layers.Text{EN: "city"}, i.Title)
	require.Equal(t, "© OSM", i.Attribution, "plain text")
	require.Equal(t, spatial.Envelope{MinX: 1, MinY: 2, MaxX: 3, MaxY: 4}, i.Bounds)
	require.InDelta(t, 2, i.Center[0], 1e-9, "a center outside of the bounds is none")

	id := tile.ID{Z: 2, X: 3, Y: 1}
	stored, err := a.Tile(t.Context(), id, "gzip, br", "")
	require.NoError(t, err)
	require.Equal(t, "gzip", stored.Encoding)
	require.Equal(t, zipped("city 2/3/1"), stored.Bytes, "as stored")
	raw, err := a.Tile(t.Context(), id, "", "")
	require.NoError(t, err)
	require.Empty(t, raw.Encoding)
	require.Equal(t, "city 2/3/1", string(raw.Bytes))
	require.NotEqual(t, stored.ETag, raw.ETag, "a strong tag names the bytes")
	for _, tag := range []string{stored.ETag, raw.ETag, `"x", ` + stored.ETag} {
		known, err := a.Tile(t.Context(), id, "gzip", tag)
		require.NoError(t, err)
		require.True(t, known.NotModified, tag)
	}
	none, err := a.Tile(t.Context(), tile.ID{Z: 2, X: 1, Y: 1}, "gzip", "")
	require.NoError(t, err)
	require.True(t, none.Empty)
	none, err = a.Tile(t.Context(), tile.ID{Z: 9}, "gzip", "")
	require.NoError(t, err)
	require.True(t, none.Empty)
}

func TestRaster(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 512, 512))))
	a := opened(t, archive.Options{Title: layers.Text{ZH: "影像"}, Attribution: "Survey", Source: write(t, filepath.Join(t.TempDir(), "a.pmtiles"), pmtiles.WriterOptions{Type: pmtiles.PNG, Metadata: pmtiles.Metadata{Encoding: "terrarium"}}, func(id tile.ID) []byte {
		if id.X > 0 {
			return nil
		}
		return b.Bytes()
	})})
	i, _ := a.Info()
	require.Equal(t, []any{512, "png", "image/png", "terrarium", "Survey", "影像"}, []any{i.TileSize, i.Format(), i.ContentType(), i.Encoding, i.Attribution, i.Title.In("en")})
	got, err := a.Tile(t.Context(), tile.ID{Z: 2}, "gzip", "")
	require.NoError(t, err)
	require.Equal(t, b.Bytes(), got.Bytes)
	require.Empty(t, got.Encoding)
	_, err = a.Tile(t.Context(), tile.ID{Z: 2, X: 1}, "gzip", "")
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = a.Tile(t.Context(), tile.ID{Z: 2, Grid: tile.Geographic}, "", "")
	require.ErrorIs(t, err, layers.ErrNotFound)
}

// TestReplacedWhileServed reads without a break while the file is replaced, also
// by one that is no archive.
func TestReplacedWhileServed(t *testing.T) {
	dir := t.TempDir()
	path := vector(t, filepath.Join(dir, "a.pmtiles"), "v0")
	var log strings.Builder
	a := opened(t, archive.Options{Source: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Run(ctx) })
	stop := make(chan struct{})
	for range 4 {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := a.Tile(ctx, tile.ID{Z: 1}, "", "")
				if err != nil || !strings.HasSuffix(string(got.Bytes), " 1/0/0") {
					t.Errorf("%q %v", got.Bytes, err)
					return
				}
			}
		})
	}
	now := func() string {
		got, err := a.Tile(ctx, tile.ID{Z: 1}, "", "")
		require.NoError(t, err)
		return string(got.Bytes)
	}
	first, err := a.Tile(ctx, tile.ID{Z: 1}, "", "")
	require.NoError(t, err)
	require.NoError(t, os.Rename(vector(t, filepath.Join(dir, "b.pmtiles"), "v1"), path))
	require.Eventually(t, func() bool { return now() == "v1 1/0/0" }, 5*time.Second, 20*time.Millisecond)
	changed, err := a.Tile(ctx, tile.ID{Z: 1}, "", first.ETag)
	require.NoError(t, err)
	require.False(t, changed.NotModified)
	bad := filepath.Join(dir, "bad")
	require.NoError(t, os.WriteFile(bad, bytes.Repeat([]byte("no archive"), 100), 0o600))
	require.NoError(t, os.Rename(bad, path))
	time.Sleep(1500 * time.Millisecond)
	require.Equal(t, "v1 1/0/0", now(), "the old file is served while the new one cannot be")
	close(stop)
	cancel()
	running.Wait()
	require.Equal(t, 1, strings.Count(log.String(), "not a PMTiles archive"), "said once: %s", log.String())
}

// TestWrittenOverInPlace meets a change by reading, without Run.
func TestWrittenOverInPlace(t *testing.T) {
	dir := t.TempDir()
	path := vector(t, filepath.Join(dir, "a.pmtiles"), "v0")
	a := opened(t, archive.Options{Source: path})
	next, err := os.ReadFile(vector(t, filepath.Join(dir, "b.pmtiles"), "version one"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, next, 0o600))
	got, err := a.Tile(t.Context(), tile.ID{Z: 1}, "", "")
	require.NoError(t, err)
	require.Equal(t, "version one 1/0/0", string(got.Bytes))
	require.NoError(t, os.WriteFile(path, next[:300], 0o600))
	_, err = a.Tile(t.Context(), tile.ID{Z: 1}, "", "")
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "layer base: tile 1/0/0 cannot be read")
}

func TestRemote(t *testing.T) {
	path := vector(t, filepath.Join(t.TempDir(), "a.pmtiles"), "far")
	down := true
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.ServeFile(w, r, path)
	}))
	defer s.Close()
	a := archive.New(archive.Options{ID: "base", Source: s.URL + "/a.pmtiles", Remote: pmtiles.RemoteOptions{Backoff: time.Millisecond}})
	err := a.Open(t.Context())
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "layer base: "+s.URL+"/a.pmtiles cannot be read: the server answers 502")
	_, ok := a.Info()
	require.False(t, ok)
	_, err = a.Tile(t.Context(), tile.ID{}, "", "")
	require.ErrorIs(t, err, layers.ErrUnavailable)
	mu.Lock()
	down = false
	mu.Unlock()
	require.NoError(t, a.Open(t.Context()))
	got, err := a.Tile(t.Context(), tile.ID{Z: 1}, "", "")
	require.NoError(t, err)
	require.Equal(t, "far 1/0/0", string(got.Bytes))
	require.NoError(t, a.Close())
	require.Error(t, a.Open(t.Context()), "closed for good")
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	damaged := write(t, filepath.Join(dir, "damaged.pmtiles"), pmtiles.WriterOptions{Type: pmtiles.MVT, Tiles: pmtiles.Gzip}, func(id tile.ID) []byte {
		if id.Z == 0 {
			return zipped("whole")
		}
		return []byte("\x1f\x8b\x08 but no gzip")
	})
	a := opened(t, archive.Options{Source: damaged})
	_, err := a.Tile(t.Context(), tile.ID{Z: 1}, "", "")
	require.ErrorIs(t, err, layers.ErrUnavailable, "a damaged tile is not the client's fault, nor a 500")
	heap := zipped(strings.Repeat("\x00", 33<<20))
	bomb := opened(t, archive.Options{Source: write(t, filepath.Join(dir, "bomb.pmtiles"), pmtiles.WriterOptions{Type: pmtiles.MVT, Tiles: pmtiles.Gzip}, func(id tile.ID) []byte {
		if id.Z == 0 {
			return zipped("whole")
		}
		return heap
	})})
	_, err = bomb.Tile(t.Context(), tile.ID{Z: 1}, "", "")
	require.ErrorContains(t, err, "unpack to more than")
	for want, o := range map[string]pmtiles.WriterOptions{
		"Brotli":      {Type: pmtiles.MVT, Tiles: pmtiles.Brotli},
		"of type 5":   {Type: pmtiles.AVIF},
		"of type 6":   {Type: pmtiles.MLT},
		"of type 0; ": {Type: pmtiles.Other},
	} {
		path := write(t, filepath.Join(dir, "a.pmtiles"), o, func(tile.ID) []byte { return []byte("what is it") })
		err := archive.New(archive.Options{ID: "base", Source: path}).Open(t.Context())
		require.ErrorIs(t, err, layers.ErrUnsupported)
		require.ErrorContains(t, err, want)
	}
	for _, source := range []string{filepath.Join(dir, "none.pmtiles"), filepath.Join(dir, "none.mbtiles"), "http://127.0.0.1:1/none.pmtiles", dir} {
		err := archive.New(archive.Options{ID: "base", Source: source, Remote: pmtiles.RemoteOptions{Backoff: time.Millisecond}}).Open(t.Context())
		require.ErrorIs(t, err, layers.ErrUnavailable, source)
		require.True(t, strings.HasPrefix(err.Error(), "layer base: "), fmt.Sprint(err))
	}
}
