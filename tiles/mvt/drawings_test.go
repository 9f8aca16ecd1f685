package mvt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

// mixedBase makes a base of n features of all kinds and sizes around here: plain
// rings and lines, shapes with holes and several parts, points, collections, some
// far larger than a tile, some without geometry.
func mixedBase(tb testing.TB, n int) *drawer {
	tb.Helper()
	rng := rand.New(rand.NewPCG(31, 32))
	l := &layers.Layer{ID: "mixed", CRS: 4326, MaxZoom: 24, Schema: []layers.Property{{Name: "name", Type: layers.String}, {Name: "class", Type: layers.Integer}}}
	return newDrawer(tb, l, func(yield func(*layers.Feature) bool) {
		for i := range n {
			f := &layers.Feature{ID: fmt.Sprint(i + 1), Geometry: anything(rng), Properties: []layers.Value{
				layers.StringValue(fmt.Sprint("no. ", i)), layers.IntValue(rng.Int64N(9))}}
			if i%50 == 7 {
				f.ID = fmt.Sprint("x", i)
			}
			if !yield(f) {
				return
			}
		}
	})
}

func anything(rng *rand.Rand) spatial.Geometry {
	x, y := rng.Float64()*12000-4000, rng.Float64()*12000-4000
	size := math.Exp(rng.Float64()*8 - 1)
	path := make([]float64, 0, 60)
	for range 2 + rng.IntN(28) {
		path = append(path, x+size*rng.NormFloat64(), y+size*rng.NormFloat64())
	}
	switch rng.IntN(14) {
	case 12, 13: // about as wide as a tile and its buffer
		id := around()[rng.IntN(20)]
		from, to := -64+60*rng.Float64(), 4160-60*rng.Float64()
		x, y, w, h := from, from, to-from, (to-from)*rng.Float64()
		if rng.IntN(2) == 0 {
			x, y, w, h = y, to-w, h, w
		}
		corners := box(x, y, w, h)
		first := 2 * rng.IntN(4)
		ring := degrees(id, closed(append(corners[first:], corners[:first]...))...)
		if rng.IntN(2) == 0 {
			return spatial.NewLineString(ring)
		}
		return spatial.NewPolygon(ring)
	case 0, 1, 2:
		return shape(rng, x, y, size)
	case 3:
		lon, lat := lonLat(here, x, y)
		return spatial.NewPoint(lon, lat)
	case 4:
		return spatial.Geometry{}
	case 5:
		lon, lat := lonLat(here, x, y)
		return spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{line(path...), spatial.NewPoint(lon, lat)}}
	case 6, 7, 8:
		return line(path...)
	}
	return polygon(box(x, y, size, size*rng.Float64()+1))
}

// around is tiles that hold parts of mixedBase, at zooms below and above, and above the last that is kept.
func around() (ids []tile.ID) {
	for _, z := range []uint8{12, 13, 14, 15, 16, 20, 21} {
		lon, lat := lonLat(here, 1500, 1700)
		id := tile.Of(lon, lat, z)
		for dx := range uint32(2) {
			for dy := range uint32(2) {
				ids = append(ids, tile.ID{Z: z, X: id.X + dx, Y: id.Y + dy})
			}
		}
	}
	return ids
}

func newDrawings(tb testing.TB, limit int64) *Drawings {
	tb.Helper()
	d, err := NewDrawings(limit, nil)
	require.NoError(tb, err)
	return d
}

// sourceIn is a base's features in a tile, all its columns, coarsened or not.
func sourceIn(d *drawer, id tile.ID, coarsen uint8) []tiles.Source {
	s := d.source
	s.Runs = []tiles.Run{{Segment: d.base, Features: d.view.Search(tiles.Box(id), nil)}}
	s.Coarsen = coarsen
	return []tiles.Source{s}
}

// Tiles have the same bytes whether nothing of them was drawn before, all was, or
// what was has been let go, by one encoder or by several at a time.
func TestKeptDrawingsAreTheSame(t *testing.T) {
	base := mixedBase(t, 900)
	ids := around()
	var want [][]byte
	filled := 0
	for _, id := range ids {
		b, _ := new(Encoder).AppendTile(nil, id, sourceIn(base, id, 0))
		want = append(want, b)
		filled += min(1, len(b))
	}
	require.Greater(t, filled, 20)
	for name, limit := range map[string]int64{"nothing is kept": 0, "each is let go at once": 1, "some stay": 40_000, "all stay": 1 << 30} {
		d := newDrawings(t, limit)
		var group sync.WaitGroup
		for g := range 2 {
			e := d.NewEncoder()
			rng := rand.New(rand.NewPCG(5, uint64(g)))
			group.Go(func() {
				for range 3 {
					for _, k := range rng.Perm(len(ids)) {
						b, _ := e.AppendTile(nil, ids[k], sourceIn(base, ids[k], 0))
						if string(b) != string(want[k]) {
							t.Errorf("%s: tile %v differs", name, ids[k])
						}
					}
				}
			})
		}
		group.Wait()
		require.LessOrEqual(t, d.bytes.Load(), limit, name)
		require.Equal(t, limit == 1 || limit == 40_000, d.gone.Load() > 0, name)
		require.Equal(t, limit > 1, d.bytes.Load() > 0, name)
	}
}

// Coarsened tiles and those of degrees neither use nor add to what is kept.
func TestOnlyFullTilesAreKept(t *testing.T) {
	base := mixedBase(t, 600)
	d := newDrawings(t, 1<<20)
	e := d.NewEncoder()
	lon, lat := lonLat(here, 1500, 1700)
	degrees := tile.Geographic.Of(lon, lat, 13)
	for range 3 {
		e.AppendTile(nil, here, sourceIn(base, here, 1))
		e.AppendTile(nil, degrees, sourceIn(base, degrees, 0))
		require.Zero(t, d.bytes.Load())
	}
	e.AppendTile(nil, here, sourceIn(base, here, 0))
	require.NotZero(t, d.bytes.Load())
	want, _ := new(Encoder).AppendTile(nil, here, sourceIn(base, here, 1))
	got, _ := e.AppendTile(nil, here, sourceIn(base, here, 1))
	require.Equal(t, want, got)
}

// Views of one base that show other columns share what is drawn; edits keep none.
func TestDrawingsBelongToTheBase(t *testing.T) {
	base := mixedBase(t, 600)
	d := newDrawings(t, 1<<20)
	e := d.NewEncoder()
	for range patchSize { // even if the tile shows but one feature of a patch
		e.AppendTile(nil, here, sourceIn(base, here, 0))
	}
	kept := d.bytes.Load()
	require.NotZero(t, kept)
	other := *base.base
	other.Columns = nil
	e.AppendTile(nil, here, []tiles.Source{{Name: "other", Runs: []tiles.Run{{Segment: &other, Features: base.view.Search(tiles.Box(here), nil)}}}})
	require.Equal(t, kept, d.bytes.Load())
	require.Len(t, d.bases, 1)

	b := snapshot.NewBuilder(&layers.Layer{ID: "edits", CRS: 4326, MaxZoom: 24})
	for k := range 200 {
		require.NoError(t, b.Add(&layers.Feature{ID: fmt.Sprint(k), Geometry: polygon(box(float64(k), 100, 50, 50))}))
	}
	s := sourceOf(&layers.Layer{ID: "edits"}, b.Edits())
	e.AppendTile(nil, here, []tiles.Source{s})
	require.Equal(t, kept, d.bytes.Load())
}

// What was drawn of a base goes with it.
func TestDrawingsGoWithTheirBase(t *testing.T) {
	d := newDrawings(t, 1<<20)
	stays := mixedBase(t, 600)
	func() {
		e := d.NewEncoder()
		e.AppendTile(nil, here, sourceIn(stays, here, 0))
		kept := d.bytes.Load()
		goes := mixedBase(t, 600)
		e.AppendTile(nil, here, sourceIn(goes, here, 0))
		require.Greater(t, d.bytes.Load(), kept)
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		d.mu.RLock()
		defer d.mu.RUnlock()
		return len(d.bases) == 1
	}, 10*time.Second, 10*time.Millisecond)
	d.mu.RLock()
	defer d.mu.RUnlock()
	var bytes int64
	for _, k := range d.clock {
		bytes += k.sheet.slots[k.k].patch.Load().bytes()
	}
	require.Equal(t, bytes, d.bytes.Load())
	require.NotZero(t, bytes)
	runtime.KeepAlive(stays)
}

// Once what tiles show is drawn, nothing is allocated.
func TestKeptDrawingsDoNotAllocate(t *testing.T) {
	base := mixedBase(t, 600)
	s := sourceIn(base, here, 0)
	e := newDrawings(t, 1<<20).NewEncoder()
	var buf []byte
	draw := func() { buf, _ = e.AppendTile(buf[:0], here, s) }
	for range patchSize { // even if the tile shows but one feature of a patch
		draw()
	}
	require.Zero(t, testing.AllocsPerRun(10, draw))
}

// The metrics tell what is kept, and a second store of the same names is refused.
func TestDrawingsAreMeasured(t *testing.T) {
	r := prometheus.NewRegistry()
	d, err := NewDrawings(1<<20, r)
	require.NoError(t, err)
	base := mixedBase(t, 600)
	d.NewEncoder().AppendTile(nil, here, sourceIn(base, here, 0))
	families, err := r.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
	}
	require.Equal(t, map[string]float64{"twind_tile_drawings_bytes": float64(d.bytes.Load()), "twind_tile_drawings_evictions_total": 0}, values)
	require.NotZero(t, d.bytes.Load())
	_, err = NewDrawings(1<<20, r)
	require.Error(t, err)
}
