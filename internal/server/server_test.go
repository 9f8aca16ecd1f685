package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/server"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial"
	"twind/tiles"
	"twind/tiles/mvt"
)

// city is a server over a real GeoPackage in a temporary folder.
type city struct {
	*httptest.Server
	t       *testing.T
	store   layers.Store
	catalog *snapshot.Catalog
	hub     *realtime.Hub
	stop    func() // ends the server and closes the file, once
}

var buildingsLayer = layers.Layer{
	ID: "buildings", Title: layers.Text{ZH: "建筑", EN: "Buildings"}, Kind: layers.KindBuilding, GeometryType: spatial.MultiPolygon,
	CRS: 4326, MinZoom: 0, MaxZoom: 16, Label: "name",
	Schema: []layers.Property{
		{Name: "name", Type: layers.String, Title: layers.Text{ZH: "名称", EN: "Name"}},
		{Name: "height", Type: layers.Number, Unit: "m"},
		{Name: "levels", Type: layers.Integer},
		{Name: "listed", Type: layers.Boolean},
		{Name: "built", Type: layers.Date},
	},
}

var vehiclesLayer = layers.Layer{
	ID: "vehicles", Title: layers.Text{ZH: "车辆", EN: "Vehicles"}, Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16,
	Provenance: layers.Generated, Live: &layers.Live{Period: 10 * time.Second},
}

// square is a building of side d degrees with its south-west corner at x, y.
func square(x, y, d float64) spatial.Geometry {
	return spatial.NewPolygon([]float64{x, y, x + d, y, x + d, y + d, x, y + d, x, y})
}

func newCity(t *testing.T, change func(*config.Config)) *city {
	t.Helper()
	return newCityWith(t, change, nil)
}

// newCityWith lets a test set options of the server.
func newCityWith(t *testing.T, change func(*config.Config), set func(*server.Options)) *city {
	t.Helper()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	makeCity(t, path)
	return openCity(t, path, t.TempDir(), change, set)
}

// makeCity makes a GeoPackage with 25 buildings.
func makeCity(t *testing.T, path string) {
	t.Helper()
	ctx := t.Context()
	store, err := geopackage.Open(ctx, path, geopackage.Options{Create: true})
	require.NoError(t, err)
	require.NoError(t, store.CreateLayer(ctx, buildingsLayer))
	require.NoError(t, store.CreateLayer(ctx, vehiclesLayer))
	_, err = store.Load(ctx, "buildings", layers.Append, func(yield func(*layers.Feature, error) bool) {
		for i := range 25 {
			f := &layers.Feature{
				ID: string(rune('0'+i/10)) + string(rune('0'+i%10)), Geometry: square(-74+0.001*float64(i), 40.7, 0.0005),
				Properties: []layers.Value{layers.StringValue("Hall " + string(rune('A'+i))), layers.FloatValue(10 + float64(i)), layers.IntValue(int64(i)), layers.BoolValue(i%2 == 0), layers.TextValue(layers.Date, "1931-05-01")},
			}
			if i == 10 {
				f.ID = "10"
			}
			if !yield(f, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.NoError(t, store.Close())
}

// openCity serves a GeoPackage that is there; its snapshot is kept in dir.
func openCity(t *testing.T, path, dir string, change func(*config.Config), set func(*server.Options)) *city {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	store, err := geopackage.Open(ctx, path, geopackage.Options{})
	require.NoError(t, err)
	metrics := prometheus.NewRegistry()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	catalog, err := snapshot.Open(ctx, store, snapshot.Options{Dir: dir, Log: log, Registerer: metrics})
	require.NoError(t, err)
	hub := realtime.New(realtime.Options{Codec: wire.NewCodec(), Log: log, Registerer: metrics})
	require.NoError(t, hub.AddLayer(vehiclesLayer))
	conf := config.Config{Addr: "127.0.0.1:0", Title: layers.Text{ZH: "测试城", EN: "Test city"}}
	if change != nil {
		change(&conf)
	}
	service, err := tiles.New(tiles.Options{Views: tiles.From(catalog), NewEncoder: mvt.New, Registerer: metrics})
	require.NoError(t, err)
	options := server.Options{
		Context: ctx, Store: store, Catalog: catalog, Hub: hub, Log: log, Metrics: metrics, Config: conf, Version: "test", Tiles: service,
		Viewer: fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>twind</title>")}, "assets/app-1234.js": {Data: []byte("export {}")}},
	}
	if set != nil {
		set(&options)
	}
	s, err := server.New(options)
	require.NoError(t, err)
	done := make(chan struct{}, 2)
	go func() { _ = catalog.Run(ctx); done <- struct{}{} }()
	go func() { _ = hub.Run(ctx); done <- struct{}{} }()
	c := &city{Server: httptest.NewServer(s), t: t, store: store, catalog: catalog, hub: hub}
	c.stop = sync.OnceFunc(func() {
		c.Close()
		cancel()
		<-done
		<-done
		require.NoError(t, service.Close())
		require.NoError(t, catalog.Close())
		require.NoError(t, store.Close())
	})
	t.Cleanup(c.stop)
	return c
}

type answer struct {
	status int
	header http.Header
	body   []byte
	t      *testing.T
}

func (c *city) do(method, path, body string, header ...string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.URL+path, strings.NewReader(body))
	require.NoError(c.t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return answer{resp.StatusCode, resp.Header, b, c.t}
}

func (c *city) get(path string, header ...string) answer { return c.do("GET", path, "", header...) }

func (a answer) json() map[string]any {
	a.t.Helper()
	var v map[string]any
	require.NoError(a.t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

// problem asserts an RFC 9457 answer whose sentence holds part.
func (a answer) problem(status int, part string) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a.body)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	v := a.json()
	require.EqualValues(a.t, status, v["status"])
	require.NotEmpty(a.t, v["title"])
	require.Contains(a.t, v["detail"], part)
}

func (a answer) ok(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", bytes.TrimSpace(a.body))
	return a
}
