package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/spatial"
)

// TestRulesKnowTheLayersOfTheStore puts rules on a layer that is missing, on a
// static one, and lets the missing one come.
func TestRulesKnowTheLayersOfTheStore(t *testing.T) {
	dir := t.TempDir()
	store, err := geopackage.Open(t.Context(), filepath.Join(dir, "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	defer store.Close()
	require.NoError(t, store.CreateLayer(t.Context(), layers.Layer{ID: "pipes", Kind: layers.KindPipe, CRS: 4326, MaxZoom: 16}))
	catalog, err := snapshot.Open(t.Context(), store, snapshot.Options{})
	require.NoError(t, err)
	defer catalog.Close()
	hub := realtime.New(realtime.Options{})
	log := slog.New(slog.DiscardHandler)
	conf := config.Config{Data: dir}
	recorded, journal, err := openHistory(conf, log, nil)
	require.NoError(t, err)
	defer recorded.Close()
	observatory := newObservatory(catalog, journal, log)
	watched, err := openRules(t.Context(), conf, recorded, catalog, hub, observatory, log, nil)
	require.NoError(t, err)
	defer watched.Close()

	put := func(id, body string) string {
		s, _, err := watched.Put(t.Context(), id, []byte(body))
		require.NoError(t, err)
		return s.Problem
	}
	require.Contains(t, put("lost", `{"kind":"silence","layer":"buses"}`), "there is no layer buses")
	require.Contains(t, put("still", `{"kind":"silence","layer":"pipes"}`), "layer pipes is not live")
	require.Empty(t, put("full", `{"kind":"threshold","source":"observations","layer":"pipes","property":"level","above":1}`))

	require.NoError(t, store.CreateLayer(t.Context(), layers.Layer{ID: "buses", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{}}))
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, catalog.Refresh(t.Context(), head))
	require.NoError(t, followLiveLayers(catalog, hub))
	s, err := watched.Get("lost")
	require.NoError(t, err)
	require.Empty(t, s.Problem)

	// What nobody has heard of yet.
	unseen := map[string]string{
		"bus":    put("bus", `{"kind":"silence","layer":"buses","feature":"b1"}`),
		"pipe":   put("pipe", `{"kind":"threshold","source":"observations","layer":"pipes","feature":"p1","property":"level","above":1}`),
		"stream": put("stream", `{"kind":"threshold","source":"observations","datastream":"pipes/p1/level","above":1}`),
	}
	for id, problem := range unseen {
		require.Contains(t, problem, "has not been seen yet", id)
	}
	applied, err := hub.Apply(t.Context(), []realtime.Position{{Layer: "buses", ID: "b1", Time: time.Now(), Lon: 113, Lat: 28}})
	require.NoError(t, err)
	require.Equal(t, 1, applied.Accepted)
	applied, err = observatory.Apply(t.Context(), []realtime.Observation{{Layer: "pipes", Feature: "p1", Property: "level", Time: time.Now().UnixMilli(), Number: 1}})
	require.NoError(t, err)
	require.Equal(t, 1, applied.Accepted)
	for id := range unseen {
		s, err := watched.Get(id)
		require.NoError(t, err)
		require.Empty(t, s.Problem, id)
	}
}
