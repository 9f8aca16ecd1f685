package mvt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

// onGrid is a position in degrees on the grid of a Geographic tile, not rounded.
func onGrid(id tile.ID, lon, lat float64) (x, y float64) {
	unit := 360 / math.Ldexp(tiles.GridSize, int(id.Z))
	return (lon+180)/unit - float64(id.X)*tiles.GridSize, (90-lat)/unit - float64(id.Y)*tiles.GridSize
}

// fromGrid is the inverse of onGrid.
func fromGrid(id tile.ID, x, y float64) (lon, lat float64) {
	unit := 360 / math.Ldexp(tiles.GridSize, int(id.Z))
	return (float64(id.X)*tiles.GridSize+x)*unit - 180, 90 - (float64(id.Y)*tiles.GridSize+y)*unit
}

// Every vertex is on the nearest unit at every zoom, the deepest and the poles
// included: world coordinates, rounded to 9 mm and ending at 85°, could not do it.
func TestGeographicPositionsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 490))
	for z := uint8(1); z <= tile.MaxZoom; z++ {
		for range 200 {
			lon, lat := rng.Float64()*360-180, rng.Float64()*180-90
			id := tile.Geographic.Of(lon, lat, z)
			d := encode(t, id, source(t, spatial.NewPoint(lon, lat)))
			p := d.Layers[0].Features[0].Parts[0][0]
			x, y := onGrid(id, lon, lat)
			require.LessOrEqual(t, math.Abs(float64(p.X)-x), 0.5001, "%v: %v %v", id, lon, lat)
			require.LessOrEqual(t, math.Abs(float64(p.Y)-y), 0.5001, "%v: %v %v", id, lon, lat)
		}
	}
}

func TestGeographicTilesReachThePoles(t *testing.T) {
	// A square from 86° to 88° north, where Web Mercator has no place, and a line
	// from the equator to the pole.
	square := spatial.NewPolygon([]float64{10, 86, 12, 86, 12, 88, 10, 88, 10, 86})
	meridian := spatial.NewLineString([]float64{11, 0, 11, 90})
	id := tile.ID{Z: 6, Grid: tile.Geographic, X: 33, Y: 0} // 5.625° from 5.625° east, 84.375° to 90° north
	d := encode(t, id, source(t, square, meridian))
	requireSound(t, d)
	at := func(lon, lat float64) Position {
		x, y := onGrid(id, lon, lat)
		return Position{X: int64(math.Round(x)), Y: int64(math.Round(y))}
	}
	edge := Position{X: tiles.GridSize + tiles.Buffer, Y: at(0, 88).Y}
	require.ElementsMatch(t, []Position{at(10, 86), at(10, 88), edge, {X: edge.X, Y: at(0, 86).Y}}, d.Layers[0].Features[0].Parts[0])
	require.Contains(t, d.Layers[0].Features[1].Parts[0], at(11, 90), "the pole itself")
	// The search finds what lies there: boxes in world units end at 85°.
	b := snapshot.NewBuilder(&layers.Layer{ID: "things", CRS: 4326, MaxZoom: 24})
	for i, g := range []spatial.Geometry{square, meridian} {
		require.NoError(t, b.Add(&layers.Feature{ID: fmt.Sprint(i), Geometry: g}))
	}
	view, err := snapshot.NewSegmentView(b.Edits(), false)
	require.NoError(t, err)
	require.Len(t, view.Search(tiles.Box(id), nil), 2)
	require.Len(t, view.Search(tiles.Box(tile.ID{Z: 6, Grid: tile.Geographic, X: 33, Y: 8}), nil), 1, "45° north: the line alone")
	require.Empty(t, view.Search(tiles.Box(tile.ID{Z: 6, Grid: tile.Geographic, X: 33, Y: 20}), nil))
}

// stars are polygons with a hole each, some of them twice as a multi-polygon,
// around the corner of four tiles.
func stars(rng *rand.Rand, id tile.ID, n int) (list []spatial.Geometry) {
	ring := func(cx, cy, size float64, n int) []float64 {
		var xy []float64
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			d := size * (0.2 + 0.8*rng.Float64())
			lon, lat := fromGrid(id, cx+d*cos, cy+d*sin)
			xy = append(xy, lon, lat)
		}
		return closed(xy)
	}
	one := func() spatial.Geometry {
		size := math.Pow(2, 1+rng.Float64()*9)
		cx, cy := rng.Float64()*500-250, rng.Float64()*500-250
		return spatial.NewPolygon(ring(cx, cy, size, 5+rng.IntN(20)), ring(cx, cy, size/6, 4))
	}
	for i := range n {
		if i%5 == 0 {
			list = append(list, multi(one(), one()))
		} else {
			list = append(list, one())
		}
	}
	return list
}

// Clipped, snapped and repaired polygons are valid, and what lies in the buffers
// of two tiles is the same in both.
func TestGeographicPolygonsAreSound(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	repaired := 0
	for range 30 {
		z := uint8(8 + rng.IntN(14))
		n := 1 << z
		id := tile.ID{Z: z, Grid: tile.Geographic, X: uint32(1 + rng.IntN(n-1)), Y: uint32(1 + rng.IntN(n/2-1))}
		src := source(t, stars(rng, id, 25)...)
		var e Encoder
		var around []*Tile
		for k := range uint32(4) {
			b, stats := e.AppendTile(nil, tile.ID{Z: z, Grid: tile.Geographic, X: id.X - k%2, Y: id.Y - k/2}, []tiles.Source{src})
			repaired += stats.Repaired
			d, err := Decode(b)
			require.NoError(t, err)
			require.Empty(t, d.Faults)
			requireSound(t, d)
			around = append(around, d)
		}
		require.Equal(t, inStrip(around[0], 0), inStrip(around[1], tiles.GridSize), "%v and its western neighbour", id)
	}
	require.Positive(t, repaired)
}

// inStrip is the vertices inside the strip that two neighbours share, relative to
// the seam at x, of the shapes that no border has changed.
func inStrip(d *Tile, seam int64) map[string]bool {
	out := map[string]bool{}
	for i := range d.Layers {
		for k := range d.Layers[i].Features {
			f := &d.Layers[i].Features[k]
			within := f.ID%5 != 1 // the parts of one feature may be cut apart
			var key string
			for _, part := range f.Parts {
				for _, p := range part {
					within = within && p.X > seam-tiles.Buffer && p.X < seam+tiles.Buffer && p.Y > -tiles.Buffer && p.Y < tiles.GridSize+tiles.Buffer
				}
				for _, p := range fromSmallest(part) {
					key += fmt.Sprint(p.X-seam, p.Y, " ")
				}
			}
			if within {
				out[fmt.Sprint(f.ID, " ", key)] = true
			}
		}
	}
	return out
}

// A segment without exact coordinates, as generalised geometry is, is drawn from
// world units: at the zooms that it is for, within a unit of the exact one.
func TestGeographicFromWorldUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 300 {
		z := uint8(2 + rng.IntN(13))
		lon, lat := rng.Float64()*360-180, (rng.Float64()*2-1)*tile.MaxLatitude
		id := tile.Geographic.Of(lon, lat, z)
		f := newFrame(id, 0)
		wx, wy := tile.WorldOf(lon, lat)
		x, y := f.at(&snapshot.Segment{World: []uint32{wx, wy}}, 0)
		wantX, wantY := onGrid(id, lon, lat)
		require.LessOrEqual(t, math.Abs(float64(x)-wantX), 0.51, "%v: %v %v", id, lon, lat)
		require.LessOrEqual(t, math.Abs(float64(y)-wantY), 0.51, "%v: %v %v", id, lon, lat)
	}
}

// Polygons of such a segment are clipped and repaired as others are.
func TestGeographicPolygonsFromWorldUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 3))
	repaired := 0
	for range 20 {
		z := uint8(6 + rng.IntN(9))
		n := 1 << z
		id := tile.ID{Z: z, Grid: tile.Geographic, X: uint32(rng.IntN(n)), Y: uint32(n/8 + rng.IntN(n/4))}
		src := source(t, stars(rng, id, 25)...)
		s := src.Runs[0].Segment
		src.Runs[0].Segment = &snapshot.Segment{ // all but the exact coordinates
			N: s.N, Box: s.Box, Type: s.Type, Flags: s.Flags, FeaturePath: s.FeaturePath, PathKinds: s.PathKinds, PathVertex: s.PathVertex, World: s.World,
			SimpleFrom: s.SimpleFrom, ValueOffset: s.ValueOffset, IDOffset: s.IDOffset, IDBytes: s.IDBytes, Number: s.Number, Revision: s.Revision,
		}
		b, stats := new(Encoder).AppendTile(nil, id, []tiles.Source{src})
		repaired += stats.Repaired
		d, err := Decode(b)
		require.NoError(t, err)
		require.NotEmpty(t, d.Layers)
		requireSound(t, d)
	}
	require.Positive(t, repaired)
}

func TestGeographicTilesAllocateNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	id := tile.ID{Z: 14, Grid: tile.Geographic, X: 4823, Y: 2243}
	src := []tiles.Source{source(t, stars(rng, id, 60)...)}
	var e Encoder
	var buf []byte
	for _, coarsen := range []uint8{0, 1} {
		src[0].Coarsen = coarsen
		draw := func() { buf, _ = e.AppendTile(buf[:0], id, src) }
		draw()
		require.NotEmpty(t, buf)
		require.Zero(t, testing.AllocsPerRun(20, draw))
	}
}

// The same features are in the Mercator tile and in the Geographic ones that
// cover it.
func TestGeographicTilesHoldTheSameFeatures(t *testing.T) {
	_, features := block(t, 3000)
	var gs []spatial.Geometry
	for _, f := range features {
		gs = append(gs, f.Geometry)
	}
	src := source(t, gs...)
	seen := map[uint64]bool{}
	collect := func(id tile.ID, into map[uint64]bool) {
		for _, l := range encode(t, id, src).Layers {
			for k := range l.Features {
				into[l.Features[k].ID] = true
			}
		}
	}
	e := here.Envelope()
	west, east := tile.Geographic.Of(e.MinX, e.MaxY, 15), tile.Geographic.Of(e.MaxX, e.MinY, 15)
	for y := west.Y; y <= east.Y; y++ {
		for x := west.X; x <= east.X; x++ {
			collect(tile.ID{Z: 15, Grid: tile.Geographic, X: x, Y: y}, seen)
		}
	}
	mercator := map[uint64]bool{}
	collect(here, mercator)
	require.NotEmpty(t, mercator)
	for id := range mercator {
		require.True(t, seen[id] || !inside(src, id, e), "feature %d", id)
	}
}

// inside tells whether a feature of a source lies in an envelope, not in its buffer.
func inside(src tiles.Source, number uint64, e spatial.Envelope) bool {
	seg := src.Runs[0].Segment
	i := slices.Index(seg.Number, number)
	b := seg.Envelope(i)
	return b.MinX > e.MinX && b.MinY > e.MinY && b.MaxX < e.MaxX && b.MaxY < e.MaxY
}

// BenchmarkGeographic draws the same place in both grids.
func BenchmarkGeographic(b *testing.B) {
	l, features := block(b, 40_000)
	d := newDrawer(b, l, slices.Values(features))
	var stats tiles.Stats
	for _, id := range benchTiles {
		lon, lat := id.Envelope().Center()
		geographic := tile.Geographic.Of(lon, lat, id.Z)
		b.Run(fmt.Sprintf("z%d", id.Z), func(b *testing.B) {
			each := [2]float64{math.Inf(1), math.Inf(1)} // ns a feature, the best of many
			for range 60 {
				for k, id := range []tile.ID{id, geographic} {
					begin := time.Now()
					stats = d.draw(id)
					each[k] = min(each[k], float64(time.Since(begin).Nanoseconds())/float64(stats.Features))
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				d.draw(geographic)
			}
			b.ReportMetric(float64(stats.Features), "features")
			b.ReportMetric(each[0], "mercator-ns/feature")
			b.ReportMetric(each[1], "geographic-ns/feature")
			b.ReportMetric(each[1]/each[0], "ratio")
		})
	}
}
