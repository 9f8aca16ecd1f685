package main

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/geopackage"
)

// The configuration's generalisation becomes the layer's own; what does not fit is refused.
func TestGeneralize(t *testing.T) {
	store, log := pipeStore(t), slog.New(slog.DiscardHandler)
	conf, err := config.Parse([]byte(`
generalization:
  pipes: {fullZoom: 13, rankBy: dn, ranks: [{least: 600, from: 9}, {from: 12}], properties: {dn: 0}}
  gone: {clusterPixels: 64}
`))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, describeLayers(t.Context(), conf, store, log))
	}
	l, err := store.Layer(t.Context(), "pipes")
	require.NoError(t, err)
	require.EqualValues(t, 13, l.FullZoom())
	g := l.Generalized()
	require.Len(t, g.Ranks, 2)
	require.EqualValues(t, 600, *g.Ranks[0].Least)
	requireUnchanged(t, store, func() error { return describeLayers(t.Context(), conf, store, log) })

	for name, bad := range map[string]*layers.Generalization{
		"a property that is not there": {RankBy: "width"},
		"ranks of nothing":             {Ranks: []layers.Rank{{From: 3}}},
		"an odd cluster":               {ClusterPixels: 33},
		"a zoom too deep":              {FullZoom: 25},
		"an area below 0":              {MinimumArea: -1},
	} {
		conf.Generalization["pipes"] = bad
		require.ErrorIs(t, describeLayers(t.Context(), conf, store, log), layers.ErrInvalid, name)
	}
}

// The configuration's heights become the layer's own; what does not fit is refused.
func TestHeights(t *testing.T) {
	store, log := pipeStore(t), slog.New(slog.DiscardHandler)
	conf, err := config.Parse([]byte(`
heights:
  pipes: {verticalDatum: "EPSG:5737", ellipsoidOffset: -16.6, cover: 1.2, of: invert}
  gone: {cover: 1}
`))
	require.NoError(t, err)
	require.NoError(t, describeLayers(t.Context(), conf, store, log))
	l, err := store.Layer(t.Context(), "pipes")
	require.NoError(t, err)
	require.Equal(t, "EPSG:5737", l.VerticalDatum)
	require.Equal(t, &layers.Heights{EllipsoidOffset: -16.6, Cover: 1.2, Of: "invert"}, l.Heights)
	requireUnchanged(t, store, func() error { return describeLayers(t.Context(), conf, store, log) })
	conf.Heights["pipes"].Of = "middle"
	require.ErrorIs(t, describeLayers(t.Context(), conf, store, log), layers.ErrInvalid)
}

// pipeStore is a store with a layer of pipes.
func pipeStore(t *testing.T) *geopackage.Store {
	store, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	require.NoError(t, store.CreateLayer(t.Context(), layers.Layer{ID: "pipes", Kind: layers.KindPipe, CRS: 4326, MaxZoom: 16, Schema: []layers.Property{{Name: "dn", Type: layers.Integer}}}))
	return store
}

// requireUnchanged runs what must not change anything any more.
func requireUnchanged(t *testing.T, store *geopackage.Store, run func() error) {
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, run())
	again, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head, again, "nothing changes twice")
}
