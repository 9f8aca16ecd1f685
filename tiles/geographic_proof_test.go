//go:build proof

package tiles_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// tall tells whether a feature is no dot from north to south.
func tall(f *mvt.Feature) bool {
	least, most := int64(1<<40), int64(-1<<40)
	for _, part := range f.Parts {
		for _, p := range part {
			least, most = min(least, p.Y), max(most, p.Y)
		}
	}
	return most-least > 2
}

// Every geographic tile of New York below the ungeneralised zoom, which is drawn of
// the cells made for Web Mercator: well formed, below 500 KB, and as many features
// as the Mercator tiles of the zoom show, but for those that buffers show twice.
func TestEveryGeographicTileOfNewYork(t *testing.T) {
	plainCity := realCity{}
	plainCity.load(t, "buildings", "new-york/buildings.geojson")
	plainCity.load(t, "streets", "new-york/streets.geojson")
	plainCity.load(t, "precincts", "new-york/precincts.geojson")
	c := bigCity{}
	for id, v := range plainCity {
		l := *v.layer
		l.MinZoom = 0
		v.layer = &l
		c[id] = generalizable{v}
	}
	for id, v := range c {
		p := c.levels(t, id)
		s, err := tiles.New(tiles.Options{Views: tiles.From(c), Pyramids: p, NewEncoder: mvt.New})
		require.NoError(t, err)
		for z := uint8(1); z < tiles.FullZoom(v.layer); z++ {
			var seen [2]map[uint64]bool
			var largest [2]int
			var slowest time.Duration
			for k, g := range []tile.Grid{tile.Mercator, tile.Geographic} {
				seen[k] = map[uint64]bool{}
				nw, se := g.Of(v.extent.MinX, v.extent.MaxY, z), g.Of(v.extent.MaxX, v.extent.MinY, z)
				for x := nw.X; x <= se.X; x++ {
					for y := nw.Y; y <= se.Y; y++ {
						begin := time.Now()
						got, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{id}, Tile: tile.ID{Z: z, Grid: g, X: x, Y: y}, AcceptEncoding: "gzip"})
						require.NoError(t, err)
						slowest = max(slowest, time.Since(begin))
						if got.Empty {
							continue
						}
						require.True(t, got.Generalized)
						require.LessOrEqual(t, len(got.Bytes), 500_000)
						largest[k] = max(largest[k], len(got.Bytes))
						for _, f := range decode(t, got).Layers[0].Features {
							if f.ID != 0 && (k == 1 || tall(&f)) {
								seen[k][f.ID] = true
							}
						}
					}
				}
			}
			t.Logf("%s z%d: largest %d bytes, in Web Mercator %d; %d and %d features by id; slowest %v", id, z, largest[1], largest[0], len(seen[1]), len(seen[0]), slowest.Round(time.Millisecond))
			lost := 0
			for n := range seen[0] {
				if !seen[1][n] {
					lost++
				}
			}
			require.Zero(t, lost, "%s z%d", id, z)
		}
		require.NoError(t, s.Close())
		require.NoError(t, p.Close())
	}
}
