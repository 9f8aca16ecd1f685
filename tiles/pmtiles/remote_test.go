package pmtiles_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles/pmtiles"
)

// shelf serves one file as range requests need it, counts them, and lies when told.
type shelf struct {
	*httptest.Server
	mu    sync.Mutex
	body  []byte
	tag   string
	lie   func(w http.ResponseWriter, r *http.Request) bool // true: answered
	asked atomic.Int64
}

func newShelf(t *testing.T, body []byte) *shelf {
	s := &shelf{body: body, tag: `"one"`}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		body, tag, lie := s.body, s.tag, s.lie
		s.mu.Unlock()
		if lie != nil && lie(w, r) {
			return
		}
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(body))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shelf) set(body []byte, tag string, lie func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body, s.tag, s.lie = body, tag, lie
}

func (s *shelf) open(t *testing.T, o pmtiles.ReaderOptions) (*pmtiles.Reader, error) {
	t.Helper()
	src, err := pmtiles.OpenRemote(t.Context(), s.URL+"/city.pmtiles?key=secret", pmtiles.RemoteOptions{Backoff: time.Millisecond, Timeout: 2 * time.Second})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { src.Close() })
	return pmtiles.NewReader(t.Context(), src, o)
}

// content has a length of its own, so that directories do not compress to nothing.
func content(name string, id tile.ID) string {
	return name + " " + id.String() + strings.Repeat(".", int((id.X*2654435761^id.Y*40503)>>7%200))
}

// archives holds what archive made, by its arguments.
var archives sync.Map

// archive is one of n tiles with ids 21, 23, …
func archive(t *testing.T, n int, name string) []byte {
	t.Helper()
	key := fmt.Sprint(n, name)
	if b, ok := archives.Load(key); ok {
		return slices.Clone(b.([]byte))
	}
	var list []tile.ID
	for i := range uint64(n) {
		at, _ := pmtiles.TileOf(21 + 2*i)
		list = append(list, at)
	}
	b, err := os.ReadFile(written(t, list, func(id tile.ID) string { return content(name, id) }, pmtiles.WriterOptions{}))
	require.NoError(t, err)
	archives.Store(key, b)
	return slices.Clone(b)
}

func TestRemoteAsksForNoMoreThanItNeeds(t *testing.T) {
	s := newShelf(t, archive(t, 20_000, "a"))
	r, err := s.open(t, pmtiles.ReaderOptions{TileBytes: 1 << 20})
	require.NoError(t, err)
	require.EqualValues(t, 1, s.asked.Load(), "header, root directory and metadata with one request")
	require.Positive(t, r.Header().LeavesLength)
	at, _ := pmtiles.TileOf(36_021)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			b, err := r.Tile(context.Background(), at)
			if err != nil || string(b) != content("a", at) {
				t.Errorf("tile: %q, %v", b, err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 3, s.asked.Load(), "one leaf directory and one tile, however many ask")
	next, _ := pmtiles.TileOf(36_023)
	_, err = r.Tile(t.Context(), next)
	require.NoError(t, err)
	require.EqualValues(t, 4, s.asked.Load(), "the leaf directory is known")
	none, _ := pmtiles.TileOf(36_022)
	_, err = r.Tile(t.Context(), none)
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.EqualValues(t, 4, s.asked.Load())
}

func TestRemoteReplaced(t *testing.T) {
	for _, tag := range []string{`"one"`, `W/"weak"`, ""} {
		s := newShelf(t, archive(t, 3000, "a"))
		s.set(s.body, tag, nil)
		r, err := s.open(t, pmtiles.ReaderOptions{})
		require.NoError(t, err)
		last, _ := pmtiles.TileOf(21 + 2*2999)
		if tag == "" {
			s.set(append(archive(t, 3000, "b"), 0), "", nil) // told by its size
		} else {
			s.set(archive(t, 3000, "b"), `"two"`, nil)
		}
		_, err = r.Tile(t.Context(), last)
		require.ErrorIs(t, err, pmtiles.ErrChanged, "tag %s", tag)
	}
}

func TestRemoteThatLies(t *testing.T) {
	body := archive(t, 3000, "a")
	answer := func(status int, header map[string]string, body []byte) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			for k, v := range header {
				w.Header().Set(k, v)
			}
			w.WriteHeader(status)
			_, _ = w.Write(body)
			return true
		}
	}
	for name, c := range map[string]struct {
		lie  func(http.ResponseWriter, *http.Request) bool
		want string
	}{
		"whole file":        {answer(200, nil, body), "ignores range requests"},
		"other range":       {answer(206, map[string]string{"Content-Range": "bytes 5-10/4000"}, body[5:11]), `the server sent "bytes 5-10/4000"`},
		"no range":          {answer(206, nil, body[:16384]), `the server sent ""`},
		"too much":          {answer(206, map[string]string{"Content-Range": "bytes 0-99999/100000"}, nil), "the server sent"},
		"no size":           {answer(206, map[string]string{"Content-Range": "bytes 0-16383/*"}, body[:16384]), "does not tell the file's size"},
		"cut off":           {answer(206, map[string]string{"Content-Range": "bytes 0-16383/20000", "Content-Length": "16384"}, body[:100]), "ended after 100 of 16384 bytes"},
		"compressed":        {answer(206, map[string]string{"Content-Range": "bytes 0-16383/20000", "Content-Encoding": "gzip"}, body[:16384]), "compresses (gzip)"},
		"gone":              {answer(404, nil, nil), "404 Not Found"},
		"forbidden":         {answer(403, nil, nil), "403 Forbidden"},
		"broken":            {answer(502, nil, nil), "502 Bad Gateway"},
		"another format":    {answer(206, map[string]string{"Content-Range": "bytes 0-16383/20000"}, make([]byte, 16384)), "not a PMTiles archive"},
		"no body at all":    {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, "cannot be read"},
		"shorter than said": {answer(206, map[string]string{"Content-Range": fmt.Sprintf("bytes 0-999/%d", 1000)}, body[:1000]), "the file is cut off"},
	} {
		s := newShelf(t, body)
		s.set(body, "", c.lie)
		_, err := s.open(t, pmtiles.ReaderOptions{})
		require.ErrorContains(t, err, c.want, name)
		require.NotContains(t, err.Error(), "secret", name)
		require.LessOrEqual(t, s.asked.Load(), int64(3), name)
	}
}

func TestRemoteRetriesThenPauses(t *testing.T) {
	s := newShelf(t, archive(t, 3000, "a"))
	r, err := s.open(t, pmtiles.ReaderOptions{})
	require.NoError(t, err)
	var left atomic.Int64
	left.Store(2)
	s.set(s.body, `"one"`, func(w http.ResponseWriter, _ *http.Request) bool {
		if left.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	last, _ := pmtiles.TileOf(21 + 2*2999)
	b, err := r.Tile(t.Context(), last)
	require.NoError(t, err, "the third attempt is answered")
	require.Equal(t, content("a", last), string(b))
	left.Store(1 << 30)
	_, err = r.Tile(t.Context(), last)
	require.ErrorIs(t, err, layers.ErrUnavailable)
	asked := s.asked.Load()
	for range 50 {
		_, err = r.Tile(t.Context(), last)
		require.ErrorContains(t, err, "asked again soon")
	}
	require.Equal(t, asked, s.asked.Load(), "a server that does not answer is left alone for a while")
}

func TestRemoteAddress(t *testing.T) {
	for _, a := range []string{"ftp://h/a", "http://", "a.pmtiles", "http://h\x00"} {
		_, err := pmtiles.OpenRemote(t.Context(), a, pmtiles.RemoteOptions{})
		require.ErrorIs(t, err, layers.ErrInvalid, a)
	}
}
