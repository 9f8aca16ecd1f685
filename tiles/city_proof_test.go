//go:build proof

package tiles_test

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/demo"
	"twind/layers"
	"twind/layers/geojson"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/testdata/city"
	"twind/tiles"
	"twind/tiles/mvt"
)

// packed is a view of a whole base segment.
type packed struct {
	view
	extent spatial.Envelope
}

func (p *packed) Extent() spatial.Envelope { return p.extent }

// realCity is layers of the demo city as bases.
type realCity map[layers.ID]*packed

func (c realCity) View(id layers.ID) (*packed, error) {
	c[id].held.Add(1)
	return c[id], nil
}

func (c realCity) load(t *testing.T, id layers.ID, paths ...string) {
	t.Helper()
	list := demo.Layers()
	l := &list[slices.IndexFunc(list, func(l layers.Layer) bool { return l.ID == id })]
	b := snapshot.NewBuilder(l)
	extent := spatial.EmptyEnvelope()
	for _, path := range paths {
		data, err := city.ReadFile(path)
		require.NoError(t, err)
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if line = bytes.TrimSuffix(line, []byte(",")); bytes.HasPrefix(line, []byte(`{"type":"Feature",`)) {
				f, err := geojson.ParseFeature(line, l)
				require.NoError(t, err)
				require.NoError(t, b.Add(f))
				extent = extent.Union(f.Geometry.Envelope())
			}
		}
	}
	base, err := b.Base()
	require.NoError(t, err)
	s, err := snapshot.NewSegmentView(base, true)
	require.NoError(t, err)
	c[id] = &packed{view{l, []snapshot.SegmentView{s}, func(tile.WorldBox) layers.Revision { return 1 }, new(atomic.Int64), nil}, extent}
}

// Every tile of New York's layers, from the first zoom on: none is larger than
// the bound, all are well formed, and from the full zoom on none leaves anything out.
func TestEveryTileOfNewYork(t *testing.T) {
	c := realCity{}
	c.load(t, "buildings", "new-york/buildings.geojson")
	c.load(t, "streets", "new-york/streets.geojson")
	c.load(t, "subway", "new-york/subway.geojson")
	c.load(t, "stations", "new-york/stations.geojson")
	c.load(t, "precincts", "new-york/precincts.geojson")
	drawings, err := mvt.NewDrawings(4<<20, nil)
	require.NoError(t, err)
	s, err := tiles.New(tiles.Options{Views: tiles.From(c), NewEncoder: drawings.NewEncoder})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for id, v := range c {
		for z := v.layer.MinZoom; z <= min(v.layer.MaxZoom, 15); z++ {
			nw, se := tile.Of(v.extent.MinX, v.extent.MaxY, z), tile.Of(v.extent.MaxX, v.extent.MinY, z)
			var count, largest, features, dropped int
			var slowest time.Duration
			for x := nw.X; x <= se.X; x++ {
				for y := nw.Y; y <= se.Y; y++ {
					begin := time.Now()
					got, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{id}, Tile: tile.ID{Z: z, X: x, Y: y}, AcceptEncoding: "gzip"})
					require.NoError(t, err)
					slowest = max(slowest, time.Since(begin))
					if got.Empty {
						continue
					}
					d := decode(t, got)
					count++
					features += len(d.Layers[0].Features)
					dropped += got.Dropped
					largest = max(largest, len(got.Bytes))
					require.LessOrEqual(t, len(got.Bytes), 500_000)
					if z >= tiles.FullZoom(v.layer) {
						require.False(t, got.Generalized, "%s %d/%d/%d", id, z, x, y)
					}
				}
			}
			t.Logf("%s z%d: %d tiles, largest %d bytes, %d features, %d left out, slowest %v", id, z, count, largest, features, dropped, slowest.Round(time.Millisecond))
		}
	}
}
