package tiles_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/golden"
	"twind/layers"
	"twind/tiles"
)

func TestTileJSON(t *testing.T) {
	c := newCatalog()
	c.change("parks", func(l *layers.Layer) {
		l.MinZoom, l.MaxZoom, l.Attribution = 8, 12, "© Parks"
		l.Description = layers.Text{EN: "All parks."}
		l.Schema = append(l.Schema[:2:2], layers.Property{Name: "open", Type: layers.Boolean}, layers.Property{Name: "since", Type: layers.Date}, layers.Property{Name: "trees", Type: layers.Integer})
	})
	c.features["parks"] = nil
	s, _ := service(t, c)
	for name, ids := range map[string][]layers.ID{"parks": {"parks"}, "two": {"buildings", "parks"}} {
		doc, err := s.TileJSON(t.Context(), tiles.Request{Layers: ids}, "https://city.example/tiles/x/{z}/{x}/{y}.mvt?properties=name")
		require.NoError(t, err)
		b, err := json.MarshalIndent(doc, "", "  ")
		require.NoError(t, err)
		golden.Equal(t, "testdata/"+name+".tilejson", string(b)+"\n")
	}
	_, err := s.TileJSON(t.Context(), tiles.Request{Layers: []layers.ID{"nothing"}}, "")
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.TileJSON(t.Context(), tiles.Request{}, "")
	require.ErrorIs(t, err, layers.ErrInvalid)
	_, err = s.TileJSON(t.Context(), tiles.Request{Layers: []layers.ID{"parks", "parks"}}, "")
	require.ErrorIs(t, err, layers.ErrInvalid)
}
