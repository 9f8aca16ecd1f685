package tiles_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/cql2"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

// town is n points around a place, a hundredth of a degree apart.
func town(name string, lon, lat float64, n int) (out []*layers.Feature) {
	for i := range n {
		at := func(from float64, steps int) float64 { return math.Round(from*100+float64(steps)) / 100 }
		out = append(out, &layers.Feature{ID: fmt.Sprint(name, i), Geometry: spatial.NewPoint(at(lon, i%5), at(lat, i/5)), Properties: make([]layers.Value, 2)})
	}
	return out
}

// TestCenterIsWhereFeaturesAre opens layers of far parts: at the center and zoom that
// TileJSON names there is a tile with features.
func TestCenterIsWhereFeaturesAre(t *testing.T) {
	small, large := town("a", 100, 20, 10), town("b", 120, 40, 30)
	for name, c := range map[string]struct {
		features         []*layers.Feature
		minZoom, maxZoom uint8
		extent           spatial.Envelope
		near             []*layers.Feature
	}{
		"two towns":              {append(small[:10:10], large...), 0, 16, spatial.Envelope{MinX: 100, MinY: 20, MaxX: 120.04, MaxY: 40.05}, large},
		"from a deep zoom":       {append(small[:10:10], large...), 12, 16, spatial.Envelope{MinX: 100, MinY: 20, MaxX: 120.04, MaxY: 40.05}, large},
		"at one zoom":            {append(small[:10:10], large...), 9, 9, spatial.Envelope{MinX: 100, MinY: 20, MaxX: 120.04, MaxY: 40.05}, large},
		"of one feature each":    {append(small[:1:1], large[0]), 3, 16, spatial.Envelope{MinX: 100, MinY: 20, MaxX: 120, MaxY: 40}, append(small[:1:1], large[0])},
		"a town":                 {small, 0, 16, spatial.Envelope{MinX: 100, MinY: 20, MaxX: 100.04, MaxY: 20.01}, small},
		"what is left of larger": {small, 0, 16, spatial.Envelope{MinX: 100, MinY: 20, MaxX: 120.04, MaxY: 40.05}, small},
		"on both sides of 180°":  {append(town("c", -179.9, 0, 3), town("d", 179.9, 0, 9)...), 0, 14, spatial.Envelope{MinX: -179.9, MinY: 0, MaxX: 179.94, MaxY: 0.01}, town("d", 179.9, 0, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			catalog := newCatalog()
			catalog.change("parks", func(l *layers.Layer) { l.MinZoom, l.MaxZoom = c.minZoom, c.maxZoom })
			catalog.features["parks"], catalog.extent = c.features, &c.extent
			s, _ := service(t, catalog)
			doc, err := s.TileJSON(t.Context(), tiles.Request{Layers: []layers.ID{"parks"}}, "")
			require.NoError(t, err)
			lon, lat, z := doc.Center[0], doc.Center[1], uint8(doc.Center[2])
			require.Contains(t, placesOf(c.near), [2]float64{lon, lat})
			require.GreaterOrEqual(t, z, c.minZoom)
			require.LessOrEqual(t, z, c.maxZoom)
			require.False(t, get(t, s, tiles.Request{Layers: []layers.ID{"parks"}, Tile: tile.Of(lon, lat, z)}).Empty)
			require.Equal(t, [4]float64{c.extent.MinX, c.extent.MinY, c.extent.MaxX, c.extent.MaxY}, doc.Bounds)
		})
	}
}

func placesOf(list []*layers.Feature) (out [][2]float64) {
	for _, f := range list {
		out = append(out, [2]float64{f.Geometry.XY[0], f.Geometry.XY[1]})
	}
	return out
}

// TestCenterTellsNothingOfHiddenRows gives a reader who may not see all rows the
// middle, and the places of the other layers only.
func TestCenterTellsNothingOfHiddenRows(t *testing.T) {
	c := newCatalog()
	rows, err := cql2.ParseText("name = 'a'", c.layers["buildings"])
	require.NoError(t, err)
	center := func(r tiles.Request) [2]float64 {
		s, _ := service(t, c)
		doc, err := s.TileJSON(t.Context(), r, "")
		require.NoError(t, err)
		return [2]float64(doc.Center[:2])
	}
	middle := [2]float64{-73.975, 40.7500188}
	one := tiles.Request{Layers: []layers.ID{"buildings"}}
	require.NotEqual(t, middle, center(one))
	one.Policies = []layers.Policy{{Rows: rows}}
	require.Equal(t, middle, center(one))
	one.Policies = []layers.Policy{{Hidden: []string{"name"}}}
	require.NotEqual(t, middle, center(one), "places are no secret")
	both := tiles.Request{Layers: []layers.ID{"buildings", "parks"}, Policies: []layers.Policy{{Rows: rows}, {}}}
	require.Equal(t, center(tiles.Request{Layers: []layers.ID{"parks"}}), center(both))
}
