package mvt

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

// here is the tile that most tests draw in: a zoom at which the grid is far
// coarser than world units.
var here = tile.ID{Z: 14, X: 4823, Y: 6160}

// lonLat is a position on a tile's grid in degrees.
func lonLat(id tile.ID, x, y float64) (lon, lat float64) {
	unit := float64(int64(1)<<(32-id.Z)) / tiles.GridSize
	return tile.LonLat((float64(id.X)*tiles.GridSize+x)*unit, (float64(id.Y)*tiles.GridSize+y)*unit)
}

// degrees turns positions on a tile's grid into degrees, paths closed as they are.
func degrees(id tile.ID, xy ...float64) []float64 {
	out := make([]float64, len(xy))
	for i := 0; i < len(xy); i += 2 {
		out[i], out[i+1] = lonLat(id, xy[i], xy[i+1])
	}
	return out
}

func line(xy ...float64) spatial.Geometry { return spatial.NewLineString(degrees(here, xy...)) }

// closed closes a ring.
func closed(ring []float64) []float64 {
	return append(append([]float64(nil), ring...), ring[0], ring[1])
}

// polygon is a polygon of open rings on here's grid, the shell first.
func polygon(rings ...[]float64) spatial.Geometry {
	var list [][]float64
	for _, r := range rings {
		list = append(list, degrees(here, closed(r)...))
	}
	return spatial.NewPolygon(list...)
}

// multi joins polygons.
func multi(polygons ...spatial.Geometry) spatial.Geometry {
	m := spatial.Geometry{Type: spatial.MultiPolygon}
	for _, p := range polygons {
		for i := range p.Ends {
			xy, _ := p.Path(i)
			m.XY = append(m.XY, xy...)
			m.Ends = append(m.Ends, int32(len(m.XY)/2))
		}
		m.Parts = append(m.Parts, int32(len(m.Ends)))
	}
	return m
}

func box(x, y, w, h float64) []float64 {
	return []float64{x, y, x + w, y, x + w, y + h, x, y + h}
}

// source makes a source of features without properties, with ids 1, 2, 3 …
func source(t testing.TB, gs ...spatial.Geometry) tiles.Source {
	t.Helper()
	l := &layers.Layer{ID: "things", CRS: 4326, MaxZoom: 24}
	b := snapshot.NewBuilder(l)
	for i, g := range gs {
		require.NoError(t, b.Add(&layers.Feature{ID: fmt.Sprint(i + 1), Geometry: g}))
	}
	return sourceOf(l, b.Edits())
}

// sourceOf is all features and columns of segments.
func sourceOf(l *layers.Layer, segments ...*snapshot.Segment) tiles.Source {
	s := tiles.Source{Name: string(l.ID), Schema: l.Schema}
	for c := range l.Schema {
		s.Columns = append(s.Columns, c)
	}
	for _, seg := range segments {
		r := tiles.Run{Segment: seg}
		for i := range seg.N {
			r.Features = append(r.Features, uint32(i))
		}
		s.Runs = append(s.Runs, r)
	}
	return s
}

// drawer draws tiles of one base, found in its index, in memory that it keeps.
type drawer struct {
	base    *snapshot.Segment
	view    snapshot.SegmentView
	source  tiles.Source
	encoder Encoder
	buf     []byte
}

func newDrawer(tb testing.TB, l *layers.Layer, features iter.Seq[*layers.Feature]) *drawer {
	tb.Helper()
	b := snapshot.NewBuilder(l)
	for f := range features {
		require.NoError(tb, b.Add(f))
	}
	base, err := b.Base()
	require.NoError(tb, err)
	view, err := snapshot.NewSegmentView(base, true)
	require.NoError(tb, err)
	return &drawer{base: base, view: view, source: sourceOf(l, base)}
}

// draw fills buf with a tile.
func (d *drawer) draw(id tile.ID) (stats tiles.Stats) {
	r := &d.source.Runs[0]
	r.Features = d.view.Search(tiles.Box(id), r.Features[:0])
	d.buf, stats = d.encoder.AppendTile(d.buf[:0], id, []tiles.Source{d.source})
	return stats
}

func encode(t testing.TB, id tile.ID, sources ...tiles.Source) *Tile {
	t.Helper()
	b, _ := new(Encoder).AppendTile(nil, id, sources)
	d, err := Decode(b)
	require.NoError(t, err)
	require.Empty(t, d.Faults)
	return d
}

// drawn is the geometry lines of a tile's text, rings from their smallest vertex on.
func drawn(d *Tile) []string {
	for i := range d.Layers {
		for k := range d.Layers[i].Features {
			if f := &d.Layers[i].Features[k]; f.Type == Polygon {
				for n, ring := range f.Parts {
					f.Parts[n] = fromSmallest(ring)
				}
			}
		}
	}
	var out []string
	for _, s := range strings.Split(d.Text(), "\n") {
		if strings.HasPrefix(s, "    ") {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

func fromSmallest(ring []Position) []Position {
	first := 0
	for i, p := range ring {
		if q := ring[first]; p.X < q.X || p.X == q.X && p.Y < q.Y {
			first = i
		}
	}
	return append(append([]Position(nil), ring[first:]...), ring[:first]...)
}

// multiPolygon is a feature's polygons for simplefeatures, an independent judge
// of validity.
func multiPolygon(f *Feature) (geom.Geometry, error) {
	var b strings.Builder
	b.WriteString("MULTIPOLYGON(")
	for i, part := range f.Parts {
		switch {
		case Area2(part) < 0:
			b.WriteString(",(")
		case i == 0:
			b.WriteString("((")
		default:
			b.WriteString("),((")
		}
		for _, p := range part {
			fmt.Fprintf(&b, "%d %d,", p.X, p.Y)
		}
		fmt.Fprintf(&b, "%d %d)", part[0].X, part[0].Y)
	}
	b.WriteString("))")
	return geom.UnmarshalWKT(b.String())
}

// requireSound fails unless every feature is as the specification wants it:
// in the tile, no vertex repeated, polygons valid and oriented.
func requireSound(t testing.TB, d *Tile) {
	t.Helper()
	names := map[string]bool{}
	for i := range d.Layers {
		l := &d.Layers[i]
		require.False(t, names[l.Name])
		names[l.Name] = true
		require.EqualValues(t, 2, l.Version)
		require.EqualValues(t, tiles.GridSize, l.Extent)
		require.NotEmpty(t, l.Features)
		for k := range l.Features {
			f := &l.Features[k]
			require.NotEmpty(t, f.Parts)
			for _, part := range f.Parts {
				for n, p := range part {
					require.True(t, p.X >= -tiles.Buffer && p.X <= tiles.GridSize+tiles.Buffer && p.Y >= -tiles.Buffer && p.Y <= tiles.GridSize+tiles.Buffer, "%v", p)
					if n > 0 {
						require.NotEqual(t, part[n-1], p)
					}
				}
			}
			if f.Type != Polygon {
				continue
			}
			require.Positive(t, Area2(f.Parts[0]))
			for _, part := range f.Parts {
				require.NotZero(t, Area2(part))
				require.NotEqual(t, part[0], part[len(part)-1])
			}
			_, err := multiPolygon(f)
			require.NoError(t, err)
		}
	}
}
