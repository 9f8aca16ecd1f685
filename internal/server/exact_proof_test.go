//go:build proof

package server_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/tiles"
	"twind/tiles/mvt"
)

// Over HTTP, generalize=off draws a tile of as many features as it may whole, and
// refuses one more with the number and what to do; by default the same tile is
// drawn with fewer.
func TestExactTileIsBounded(t *testing.T) {
	c := newCity(t, nil)
	ctx := t.Context()
	l := layers.Layer{ID: "trees", Kind: layers.KindPart, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16}
	require.NoError(t, c.store.CreateLayer(ctx, l))
	fill := func(n int) {
		done, err := c.store.Load(ctx, l.ID, layers.Replace, func(yield func(*layers.Feature, error) bool) {
			for i := range n {
				at := spatial.NewPoint(-73.99+1e-4*float64(i%250), 40.70+1e-4*float64(i/250))
				if !yield(&layers.Feature{ID: strconv.Itoa(i + 1), Geometry: at}, nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		require.NoError(t, c.catalog.Refresh(ctx, done.Revision))
	}
	const path = "/tiles/trees/9/150/192.mvt"

	fill(tiles.MaxExact)
	a := c.get(path + "?generalize=off").ok(200)
	require.Empty(t, a.header.Get("Twind-Generalized"))
	d, err := mvt.Decode(a.body)
	require.NoError(t, err)
	require.Len(t, d.Layers[0].Features, tiles.MaxExact)

	fill(tiles.MaxExact + 1)
	c.get(path+"?generalize=off").problem(400, "tile 9/150/192 holds 50001 features, too many to be drawn ungeneralised (at most 50000); ask for a deeper zoom")
	require.Equal(t, "true", c.get(path).ok(200).header.Get("Twind-Generalized"))
	c.get("/tiles/trees/14/4825/6159.mvt?generalize=off").ok(200)
}
