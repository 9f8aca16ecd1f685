package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles/mvt"
)

// tilesOfHalls are the tiles at a zoom that the test city's buildings lie in.
func tilesOfHalls(z uint8) (list []string) {
	first, last := tile.Of(-74, 40.7005, z), tile.Of(-74+0.025, 40.7, z)
	for x := first.X; x <= last.X; x++ {
		for y := first.Y; y <= last.Y; y++ {
			list = append(list, fmt.Sprintf("/tiles/buildings/%d/%d/%d.mvt", z, x, y))
		}
	}
	return list
}

func (c *city) etags(paths []string) map[string]string {
	c.t.Helper()
	tags := map[string]string{}
	for _, p := range paths {
		a := c.get(p)
		require.Contains(c.t, []int{200, 204}, a.status, p)
		tags[p] = a.header.Get("ETag")
		require.NotEmpty(c.t, tags[p])
	}
	return tags
}

// An edit changes the ETags of the tiles that hold the feature, at every zoom, and
// of no other; moving it, those of both places.
func TestOnlyTouchedTilesChangeTheirETag(t *testing.T) {
	c := newCity(t, nil)
	var paths []string
	for _, z := range []uint8{0, 10, 14, 16} {
		paths = append(paths, tilesOfHalls(z)...)
	}
	holds := func(path string, lon float64) bool {
		var z uint8
		var x, y uint32
		_, err := fmt.Sscanf(path, "/tiles/buildings/%d/%d/%d.mvt", &z, &x, &y)
		require.NoError(t, err)
		box := tile.ID{Z: z, X: x, Y: y}.Envelope()
		wide := box.Buffer((box.MaxX - box.MinX) / 64)
		g := square(lon, 40.7, 0.0005)
		return wide.Intersects(g.Envelope())
	}
	touched := func(before map[string]string, lons ...float64) {
		t.Helper()
		after := c.etags(paths)
		changed := 0
		for _, p := range paths {
			want := false
			for _, lon := range lons {
				want = want || holds(p, lon)
			}
			if want {
				changed++
				require.NotEqual(t, before[p], after[p], p)
				require.NotEqual(t, 304, c.get(p, "If-None-Match", before[p]).status, p)
			} else {
				require.Equal(t, before[p], after[p], p)
				require.Equal(t, 304, c.get(p, "If-None-Match", before[p]).status, p)
			}
		}
		require.Less(t, changed, len(paths))
		require.GreaterOrEqual(t, changed, 4, "one at each zoom")
	}
	before := c.etags(paths)
	c.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":99}}`).ok(200)
	touched(before, -74+0.012)

	before = c.etags(paths)
	c.do("PATCH", "/ogc/collections/buildings/items/12", `{"geometry":{"type":"MultiPolygon","coordinates":[[[[-73.979,40.7],[-73.9785,40.7],[-73.9785,40.7005],[-73.979,40.7005],[-73.979,40.7]]]]}}`).ok(200)
	touched(before, -74+0.012, -74+0.021)

	before = c.etags(paths)
	c.do("DELETE", "/ogc/collections/buildings/items/12", "").ok(204)
	touched(before, -74+0.021)

	before = c.etags(paths)
	c.do("PATCH", "/ogc/collections/buildings/items/03", `{"properties":{"height":99}}`, "If-Match", `"none"`).problem(412, "")
	require.Equal(t, before, c.etags(paths), "what was refused touches nothing")
}

// Below the ungeneralised zoom generalize=off draws what is there.
func TestGeneralizeOff(t *testing.T) {
	c := newCity(t, nil)
	count := func(query string) (n int, generalized string) {
		a := c.get("/tiles/buildings/8/75/96.mvt" + query)
		if a.status == 204 {
			return 0, a.header.Get("Twind-Generalized")
		}
		d, err := mvt.Decode(a.ok(200).body)
		require.NoError(t, err)
		require.Empty(t, d.Faults)
		return len(d.Layers[0].Features), a.header.Get("Twind-Generalized")
	}
	all, generalized := count("?generalize=off")
	require.Zero(t, generalized)
	some, generalized := count("")
	require.Equal(t, "true", generalized)
	require.NotEqual(t, all, some)
	on, _ := count("?generalize=on")
	require.Equal(t, some, on)
	c.get("/tiles/buildings/8/75/96.mvt?generalize=perhaps").problem(400, "on or off")
	doc := c.get("/tiles/buildings.json?generalize=off").ok(200).json()
	require.Contains(t, doc["tiles"].([]any)[0], "?generalize=off")
}

func TestTilesOfTooManyLayers(t *testing.T) {
	c := newCity(t, nil)
	list := func(n int, name func(int) string) string {
		names := make([]string, n)
		for i := range names {
			names[i] = name(i)
		}
		return "/tiles/" + strings.Join(names, ",")
	}
	same := func(int) string { return "buildings" }
	other := func(i int) string { return fmt.Sprint("layer-", i) }
	for _, end := range []string{"/0/0/0.mvt", ".json"} {
		c.get(list(500, other)+end).problem(400, "500 layers in one tile; at most 32")
		c.get(list(100, same)+end).problem(400, "100 layers in one tile; at most 32")
		c.get(list(32, same)+end).problem(400, "Layer buildings stands twice")
		c.get(list(2, same)+end).problem(400, "Layer buildings stands twice")
		c.get(strings.ReplaceAll(list(500, other), ",", "%2C")+end).problem(400, "500 layers")
		c.get("/tiles/,,,,"+end).problem(404, "no layer")
	}
}

func TestTilesOfHugeFilters(t *testing.T) {
	c := newCity(t, nil)
	for name, f := range map[string]struct{ filter, sentence string }{
		"100 KB of text":      {"name = '" + strings.Repeat("x", 100<<10) + "'", ""},
		"100 KB of terms":     {strings.Repeat("levels > 1 OR ", 7300) + "levels > 1", ""},
		"100 KB of digits":    {"height > " + strings.Repeat("9", 100<<10), ""},
		"100 parentheses":     {strings.Repeat("(", 100) + "levels > 1" + strings.Repeat(")", 100), "deep"},
		"100 NOTs":            {strings.Repeat("NOT (", 100) + "levels > 1" + strings.Repeat(")", 100), "deep"},
		"100,000 parentheses": {strings.Repeat("(", 100_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			query := "?filter=" + url.QueryEscape(f.filter)
			for _, path := range []string{"/tiles/buildings/0/0/0.mvt", "/tiles/buildings.json"} {
				begin := time.Now()
				a := c.get(path + query)
				a.t = t
				a.problem(400, f.sentence)
				require.Less(t, len(a.body), 1000, "the sentence does not repeat the filter")
				require.Less(t, time.Since(begin), 5*time.Second)
			}
		})
	}
}

// A client that asks for much and reads a byte a second is dropped; meanwhile the
// server's memory does not grow with what it asked for, and others are served.
func TestAClientThatReadsAByteASecondIsDropped(t *testing.T) {
	c := newCityWith(t, nil, nil)
	c.Config.Handler.(*server.Server).SetPatience(300*time.Millisecond, 10<<20)
	big := layers.Feature{ID: "big", Geometry: square(-73.9, 40.9, 0.01), Properties: []layers.Value{layers.StringValue(strings.Repeat("a long name ", 20_000)), {}, {}, {}, {}}}
	_, err := c.store.Load(t.Context(), "buildings", layers.Append, func(yield func(*layers.Feature, error) bool) { yield(&big, nil) })
	require.NoError(t, err)
	id := tile.Of(-73.895, 40.905, 14)
	path := fmt.Sprintf("/tiles/buildings/%d/%d/%d.mvt", id.Z, id.X, id.Y)
	require.Eventually(t, func() bool { return len(c.get(path).body) > 200_000 }, 10*time.Second, 10*time.Millisecond)

	conn, err := net.Dial("tcp", c.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	const requests = 400 // 100 MB, far more than the system's buffers hold
	go func() {
		w := bufio.NewWriter(conn)
		for range requests {
			fmt.Fprintf(w, "GET %s HTTP/1.1\r\nHost: twind\r\n\r\n", path)
		}
		_ = w.Flush() // fails when the server has hung up
	}()
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	one := make([]byte, 1)
	for range 20 {
		if _, err := conn.Read(one); err != nil {
			break // it has hung up
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.get("/healthz").ok(200)
	runtime.GC()
	runtime.ReadMemStats(&during)
	require.Less(t, int64(during.HeapAlloc)-int64(before.HeapAlloc), int64(16<<20))
	// What is on its way can still be read, then comes the end.
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	read, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server hung up")
	require.Less(t, read, int64(requests*200_000/2), "long before the end")
	c.get(path).ok(200)
}

// GET of a tile does not pass the router; it answers and is counted as HEAD, which
// does, and what is no tile's path is the router's.
func TestTilesFirst(t *testing.T) {
	c := newCity(t, nil)
	path := tilesOfHalls(16)[3]
	get, head := c.get(path), c.do("HEAD", path, "")
	require.Equal(t, 200, get.status)
	get.header.Del("Date")
	head.header.Del("Date")
	require.Equal(t, get.header, head.header)
	for _, method := range []string{"GET", "HEAD"} {
		require.Contains(t, string(c.get("/metrics").body), `twind_http_requests_total{method="`+method+`",route="/tiles/{layers}/{z}/{x}/{file}",status="200"} 1`)
	}
	c.do("POST", path, "").problem(405, "")
	for p, status := range map[string]int{"/tiles/buildings/1/2": 404, "/tiles/buildings/1/2/": 404, "/tiles//1/2/3.mvt": 400, "/tiles/buildings/1/2/3.mvt/4": 404} {
		require.Equal(t, status, c.get(p).status, p)
	}
	c.get("/tiles/buildings/1/2/3.png").problem(404, ".mvt or .pbf")
}
