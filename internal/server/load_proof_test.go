//go:build proof

package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/district"
	"twind/internal/server"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// million is a server with the generated million of buildings in a GeoPackage.
type million struct {
	store   layers.Store
	catalog *snapshot.Catalog
	layer   layers.Layer
	addr    string // of the server
	cold    string // of one whose cache keeps nothing
	places  []place
	visible time.Duration // from the end of the import to the first tile
}

// place is a building: its id and where it is.
type place struct {
	id       string
	lon, lat float64
}

func (p place) tile(z uint8) string {
	id := tile.Of(p.lon, p.lat, z)
	return fmt.Sprintf("/tiles/%s/%d/%d/%d.mvt", district.ScaleBuildings, id.Z, id.X, id.Y)
}

func newMillion(b *testing.B) *million {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	dir := b.TempDir()
	store, err := geopackage.Open(ctx, filepath.Join(dir, "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(b, err)
	m := &million{store: store, layer: district.ScaleLayers()[0]}
	log := slog.New(slog.DiscardHandler)
	m.catalog, err = snapshot.Open(ctx, store, snapshot.Options{Dir: filepath.Join(dir, "snapshots"), Log: log})
	require.NoError(b, err)
	done := make(chan struct{})
	go func() { _ = m.catalog.Run(ctx); close(done) }()
	b.Cleanup(func() {
		cancel()
		<-done
		require.NoError(b, m.catalog.Close())
		require.NoError(b, store.Close())
	})
	m.addr, m.cold = m.serve(b, ctx, 0), m.serve(b, ctx, 1)

	// As twind import does it, while the server runs.
	require.NoError(b, store.CreateLayer(ctx, m.layer))
	rng := rand.New(rand.NewPCG(3, 4))
	_, err = store.Load(ctx, m.layer.ID, layers.Replace, func(yield func(*layers.Feature, error) bool) {
		for f := range (district.Scale{}).Features(m.layer.ID) {
			if rng.IntN(250) == 0 {
				x, y := f.Geometry.Envelope().Center()
				m.places = append(m.places, place{f.ID, x, y})
			}
			if !yield(f, nil) {
				return
			}
		}
	})
	require.NoError(b, err)
	commit := time.Now()
	c := dial(b, m.addr)
	for c.get(b, m.places[0].tile(16), "").status != http.StatusOK {
		time.Sleep(5 * time.Millisecond)
	}
	m.visible = time.Since(commit)
	return m
}

// serve starts a server; a cache of 0 bytes is the default one.
func (m *million) serve(b *testing.B, ctx context.Context, cache int64) string {
	b.Helper()
	metrics := prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	service, err := tiles.New(tiles.Options{Views: tiles.From(m.catalog), NewEncoder: mvt.New, CacheBytes: cache, Registerer: metrics})
	require.NoError(b, err)
	s, err := server.New(server.Options{
		Context: ctx, Store: m.store, Catalog: m.catalog, Log: log, Metrics: metrics, Version: "test", Tiles: service,
		Hub:    realtime.New(realtime.Options{Codec: wire.NewCodec(), Log: log, Registerer: metrics}),
		Viewer: fstest.MapFS{"index.html": {}}, Config: config.Config{Addr: "127.0.0.1:0"},
	})
	require.NoError(b, err)
	addr := listen(b, s.HTTP())
	b.Cleanup(func() { require.NoError(b, service.Close()) })
	return addr
}

// listen has a server answer on a free port until the benchmark ends.
func listen(b *testing.B, s *http.Server) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	go func() { _ = s.Serve(ln) }()
	b.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}

// loadClient is one connection; it parses no more of an answer than it must, so
// that what is measured is the server.
type loadClient struct {
	conn net.Conn
	r    *bufio.Reader
	host string
	out  []byte
}

// reply is what a loadClient reads of an answer.
type reply struct {
	status int
	etag   string
	size   int
}

func dial(b *testing.B, addr string) *loadClient {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	b.Cleanup(func() { conn.Close() })
	return &loadClient{conn: conn, r: bufio.NewReaderSize(conn, 1<<16), host: addr}
}

func (c *loadClient) get(b *testing.B, path, etag string) reply {
	c.out = fmt.Appendf(c.out[:0], "GET %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip\r\n", path, c.host)
	if etag != "" {
		c.out = fmt.Appendf(c.out, "If-None-Match: %s\r\n", etag)
	}
	return c.send(b, append(c.out, "\r\n"...))
}

func (c *loadClient) patch(b *testing.B, path, body string) reply {
	c.out = fmt.Appendf(c.out[:0], "PATCH %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/merge-patch+json\r\nContent-Length: %d\r\n\r\n%s", path, c.host, len(body), body)
	return c.send(b, c.out)
}

// send sends a whole request and reads its answer, which has a length or no body.
func (c *loadClient) send(b *testing.B, request []byte) (a reply) {
	fail := func(err error) {
		if err != nil {
			b.Errorf("load client: %v", err)
			panic(err)
		}
	}
	_, err := c.conn.Write(request)
	fail(err)
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		fail(err)
		switch {
		case first:
			a.status, err = strconv.Atoi(string(line[9:12]))
			fail(err)
		case len(line) == 2:
			_, err := c.r.Discard(a.size)
			fail(err)
			return a
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			a.size, err = strconv.Atoi(string(line[16 : len(line)-2]))
			fail(err)
		case bytes.HasPrefix(line, []byte("Etag: ")):
			a.etag = string(line[6 : len(line)-2])
		}
	}
}

// load has so many clients send the next of the requests as soon as the last is
// answered, for a time; it gives the times of all, ascending.
func load(b *testing.B, addr string, clients int, requests [][]byte, status int, d time.Duration) (times []time.Duration) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(d)
	for k := range clients {
		c := dial(b, addr)
		wg.Go(func() {
			var own []time.Duration
			for i := k * len(requests) / clients; ; i++ {
				begin := time.Now()
				if begin.After(end) {
					break
				}
				if a := c.send(b, requests[i%len(requests)]); a.status != status {
					b.Errorf("status %d, expected %d", a.status, status)
					break
				}
				own = append(own, time.Since(begin))
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, own...)
		})
	}
	wg.Wait()
	slices.Sort(times)
	return times
}

func percentile(sorted []time.Duration, p float64) float64 {
	return float64(sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Microseconds()) / 1000
}

// requests makes one of each path, with the ETag that it has if known.
func (m *million) requests(paths []string, etags []string) (list [][]byte) {
	for i, p := range paths {
		r := "GET " + p + " HTTP/1.1\r\nHost: " + m.addr + "\r\nAccept-Encoding: gzip\r\n"
		if etags != nil {
			r += "If-None-Match: " + etags[i] + "\r\n"
		}
		list = append(list, []byte(r+"\r\n"))
	}
	return list
}

// BenchmarkHTTP measures the server over HTTP on this machine's processors, which
// the clients share. Ratios compare it with a bare net/http handler that writes the
// same bytes under the same headers, in turns.
func BenchmarkHTTP(b *testing.B) {
	m := newMillion(b)
	b.Run("import", func(b *testing.B) { b.ReportMetric(m.visible.Seconds(), "s-commit-to-first-tile") })
	b.Run("uncached/z16", func(b *testing.B) { m.uncached(b, 16) })
	b.Run("uncached/z14", func(b *testing.B) { m.uncached(b, 14) })
	b.Run("cached/z16", func(b *testing.B) { m.cached(b, 16, false) })
	b.Run("cached/z14", func(b *testing.B) { m.cached(b, 14, false) })
	b.Run("not modified", func(b *testing.B) { m.cached(b, 16, true) })
	b.Run("edit", m.edit)
}

func (m *million) uncached(b *testing.B, z uint8) {
	var paths []string
	for _, p := range m.places {
		if t := p.tile(z); len(paths) < 1000 && !slices.Contains(paths, t) {
			paths = append(paths, t)
		}
	}
	requests := m.requests(paths, nil)
	load(b, m.cold, 4, requests, http.StatusOK, 500*time.Millisecond)
	times := load(b, m.cold, 4, requests, http.StatusOK, 3*time.Second)
	b.ReportMetric(percentile(times, 0.5), "ms-p50")
	b.ReportMetric(percentile(times, 0.99), "ms-p99")
	b.ReportMetric(float64(len(times))/3, "req/s")
}

// cached compares answers from the cache, or those that say "not modified".
func (m *million) cached(b *testing.B, z uint8, notModified bool) {
	const n = 32
	bodies, headers := map[string][]byte{}, map[string]http.Header{}
	var paths, etags []string
	for _, p := range m.places {
		path := p.tile(z)
		if len(paths) == n || bodies[path] != nil {
			continue
		}
		for range 20 { // hot tiles are compressed again: until that is done
			a := getTile(b, "http://"+m.addr+path)
			bodies[path], headers[path] = a.body, a.header
			time.Sleep(2 * time.Millisecond)
		}
		paths, etags = append(paths, path), append(etags, headers[path].Get("ETag"))
	}
	bare := listen(b, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for k, v := range headers[r.URL.Path] {
			h[k] = v
		}
		if notModified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(bodies[r.URL.Path])
	})})
	status := http.StatusOK
	if !notModified {
		etags = nil
	} else {
		status = http.StatusNotModified
	}
	requests := m.requests(paths, etags)
	if notModified {
		for _, h := range headers {
			h.Del("Content-Length")
			h.Del("Content-Type")
			h.Del("Content-Encoding")
		}
	}
	var ours, theirs []time.Duration
	var ratios []float64
	for range 7 {
		o, t := load(b, m.addr, 4, requests, status, 400*time.Millisecond), load(b, bare, 4, requests, status, 400*time.Millisecond)
		ratios = append(ratios, float64(len(o))/float64(len(t)))
		ours, theirs = append(ours, o...), append(theirs, t...)
	}
	slices.Sort(ours)
	slices.Sort(ratios)
	b.ReportMetric(float64(len(ours))/7/0.4, "req/s")
	b.ReportMetric(float64(len(theirs))/7/0.4, "bare-req/s")
	b.ReportMetric(100*ratios[len(ratios)/2], "%-of-bare")
	b.ReportMetric(percentile(ours, 0.99), "ms-p99")
}

type tileAnswer struct {
	body   []byte
	header http.Header
}

func getTile(b *testing.B, url string) tileAnswer {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	require.NoError(b, err)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(b, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, resp.StatusCode)
	resp.Header.Del("Date")
	return tileAnswer{body, resp.Header}
}

// edit measures from the sending of a PATCH to the arrival of the tile that shows it.
func (m *million) edit(b *testing.B) {
	c := dial(b, m.addr)
	for _, z := range []uint8{14, 16} {
		var times []time.Duration
		for i, p := range m.places[:300] {
			path := p.tile(z)
			old := c.get(b, path, "")
			require.Equal(b, http.StatusOK, old.status)
			begin := time.Now()
			a := c.patch(b, fmt.Sprintf("/ogc/collections/%s/items/%s", m.layer.ID, p.id), fmt.Sprintf(`{"properties":{"floors":%d}}`, 100+int(z)+i))
			require.Equal(b, http.StatusOK, a.status)
			for c.get(b, path, old.etag).status == http.StatusNotModified {
				time.Sleep(500 * time.Microsecond)
			}
			times = append(times, time.Since(begin))
		}
		slices.Sort(times)
		b.ReportMetric(percentile(times, 0.5), fmt.Sprintf("ms-z%d-p50", z))
		b.ReportMetric(percentile(times, 0.99), fmt.Sprintf("ms-z%d-p99", z))
	}
}
