//go:build proof

package tiles_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
	"twind/layers/pyramid"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// generalizable is a packed layer as a pyramid reads it.
type generalizable struct{ *packed }

func (g generalizable) Revision() layers.Revision { return 1 }

type bigCity map[layers.ID]generalizable

func (c bigCity) View(id layers.ID) (generalizable, error) {
	v, ok := c[id]
	if !ok {
		return v, layers.ErrNotFound
	}
	v.held.Add(1)
	return v, nil
}

// levels makes the pyramid of a layer and waits for it.
func (c bigCity) levels(t testing.TB, id layers.ID) *pyramid.Catalog {
	t.Helper()
	p, err := pyramid.New(pyramid.Options{Views: pyramid.Views(c), Dir: t.TempDir()})
	require.NoError(t, err)
	p.Changed(id)
	v := c[id]
	at := tile.Of(v.extent.MinX, v.extent.MinY, tiles.FullZoom(v.layer)-1)
	for {
		if _, ok := p.Find(t.Context(), v, at, tiles.Box(at)); ok {
			return p
		}
		time.Sleep(time.Millisecond)
	}
}

// generate adds a layer of 示范城区.
func (c realCity) generate(t *testing.T, d *district.District, l layers.Layer) {
	t.Helper()
	b := snapshot.NewBuilder(&l)
	extent := spatial.EmptyEnvelope()
	for f := range d.Features(l.ID) {
		require.NoError(t, b.Add(f))
		extent = extent.Union(f.Geometry.Envelope())
	}
	base, err := b.Base()
	require.NoError(t, err)
	s, err := snapshot.NewSegmentView(base, true)
	require.NoError(t, err)
	c[l.ID] = &packed{view{&l, []snapshot.SegmentView{s}, func(tile.WorldBox) layers.Revision { return 1 }, new(atomic.Int64), nil}, extent}
}

// Every tile of the demo's layers from zoom 0 to the ungeneralised zoom is well
// formed and below 500 KB, and says that it is generalised.
func TestEveryGeneralizedTileOfTheDemo(t *testing.T) {
	plainCity := realCity{}
	d, err := district.New(district.Options{})
	require.NoError(t, err)
	for _, l := range district.Layers() {
		plainCity.generate(t, d, l)
	}
	for _, id := range []layers.ID{"storm", "sanitary", "manholes", "catchbasins"} {
		plainCity.load(t, id, "kamloops/"+string(id)+".geojson")
	}
	plainCity.load(t, "buildings", "new-york/buildings.geojson")
	plainCity.load(t, "streets", "new-york/streets.geojson")
	plainCity.load(t, "subway", "new-york/subway.geojson")
	plainCity.load(t, "stations", "new-york/stations.geojson")
	plainCity.load(t, "precincts", "new-york/precincts.geojson")
	c := bigCity{}
	for id, v := range plainCity {
		l := *v.layer
		l.MinZoom, l.MaxZoom = 0, max(l.MaxZoom, 14)
		v.layer = &l
		c[id] = generalizable{v}
	}
	for id, v := range c {
		p := c.levels(t, id)
		s, err := tiles.New(tiles.Options{Views: tiles.From(c), Pyramids: p, NewEncoder: mvt.New})
		require.NoError(t, err)
		for z := range tiles.FullZoom(v.layer) {
			nw, se := tile.Of(v.extent.MinX, v.extent.MaxY, z), tile.Of(v.extent.MaxX, v.extent.MinY, z)
			largest, features, dropped := 0, 0, 0
			for x := nw.X; x <= se.X; x++ {
				for y := nw.Y; y <= se.Y; y++ {
					got, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{id}, Tile: tile.ID{Z: z, X: x, Y: y}, AcceptEncoding: "gzip"})
					require.NoError(t, err)
					if got.Empty {
						continue
					}
					require.True(t, got.Generalized)
					require.LessOrEqual(t, len(got.Bytes), 500_000)
					features += len(decode(t, got).Layers[0].Features)
					largest, dropped = max(largest, len(got.Bytes)), dropped+got.Dropped
				}
			}
			t.Logf("%s z%d: largest %d bytes, %d features, %d left out", id, z, largest, features, dropped)
		}
		require.NoError(t, s.Close())
		require.NoError(t, p.Close())
	}
}
