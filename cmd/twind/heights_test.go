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

// The configuration's heights become the layer's own; what does not fit is refused.
func TestHeights(t *testing.T) {
	store, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	defer store.Close()
	require.NoError(t, store.CreateLayer(t.Context(), layers.Layer{ID: "pipes", Kind: layers.KindPipe, CRS: 4326, MaxZoom: 16}))
	log := slog.New(slog.DiscardHandler)
	conf, err := config.Parse([]byte(`
heights:
  pipes: {verticalDatum: "EPSG:5737", ellipsoidOffset: -16.6, cover: 1.2, of: invert}
  gone: {cover: 1}
`))
	require.NoError(t, err)
	require.NoError(t, setHeights(t.Context(), conf, store, log))
	l, err := store.Layer(t.Context(), "pipes")
	require.NoError(t, err)
	require.Equal(t, "EPSG:5737", l.VerticalDatum)
	require.Equal(t, &layers.Heights{EllipsoidOffset: -16.6, Cover: 1.2, Of: "invert"}, l.Heights)
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, setHeights(t.Context(), conf, store, log))
	again, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head, again, "nothing changes twice")
	conf.Heights["pipes"].Of = "middle"
	require.ErrorIs(t, setHeights(t.Context(), conf, store, log), layers.ErrInvalid)
}
