package server_test

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/layers/geopackage"
)

// Whoever asks for many features at once gets room for them or is told to come
// again; small pages and single features go on.
func TestLargeAnswersAreBounded(t *testing.T) {
	c := newCity(t, nil)
	s := c.Config.Handler.(*server.Server)
	release := s.TakeAllRoom(20 * time.Millisecond)
	a := c.get("/ogc/collections/buildings/items?limit=1000")
	a.problem(503, "ask for fewer features at a time with limit=")
	require.Equal(t, "10", a.header.Get("Retry-After"))
	require.Equal(t, 200, c.get("/ogc/collections/buildings/items?limit=10").status)
	require.Equal(t, 200, c.get("/ogc/collections/buildings/items/10").status)
	release()
	require.Equal(t, 200, c.get("/ogc/collections/buildings/items?limit=1000").status)
}

// Answers that nobody reads keep their bytes in memory: those on their way are
// bounded too, whatever asked for them, and others are told to come again. Small
// answers and tiles go on.
func TestAnswersOnTheirWayAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.gpkg")
	makeCity(t, path)
	store, err := geopackage.Open(t.Context(), path, geopackage.Options{})
	require.NoError(t, err)
	const large = 12 << 20 // more than a system's buffers take
	_, err = store.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "buildings", &layers.Feature{ID: "zz", Geometry: square(-73, 40, 0.1), Properties: []layers.Value{layers.StringValue(strings.Repeat("x", large)), {}, {}, {}, {}}})
	})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	c := openCity(t, path, t.TempDir(), nil, nil)
	s := c.Config.Handler.(*server.Server)
	s.SetRoomToSend(2*large + large/2)
	s.SetPatience(time.Minute, 1<<20)

	const item, list = "/ogc/collections/buildings/items/zz", "/ogc/collections/buildings/items?limit=2000"
	for _, p := range []string{item, list} { // two who do not read
		conn, err := net.Dial("tcp", c.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", p)
		require.NoError(t, err)
	}
	metrics := func() string { return string(c.get("/metrics").body) }
	require.Eventually(t, func() bool {
		return regexp.MustCompile(`twind_http_large_answer_bytes\{state="sent"\} 2\.5\d*e\+07`).MatchString(metrics())
	}, 20*time.Second, 20*time.Millisecond)
	require.Contains(t, metrics(), `twind_http_large_answer_bytes{state="made"} 0`, "who reads slowly keeps nobody from making")
	a := c.get(item)
	a.problem(503, "Too many large answers are on their way")
	require.Equal(t, "10", a.header.Get("Retry-After"))
	require.Contains(t, metrics(), `twind_http_large_answers_refused_total{state="sent"} 1`)
	c.get("/ogc/collections/buildings/items/10").ok(200)
	c.get("/ogc/collections/buildings/items?limit=1000&bbox=-74,40.6,-73.9,40.8").ok(200) // which is none of zz
	c.get("/tiles/buildings/14/4824/6160.mvt").ok(200)
	require.Equal(t, 200, c.do("HEAD", item, "").status)
}
