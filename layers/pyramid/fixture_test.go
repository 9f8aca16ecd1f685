package pyramid

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

// still is a state of a layer that does not change.
type still struct {
	layer    *layers.Layer
	segments []snapshot.SegmentView
	revision layers.Revision
}

func (v still) Layer() *layers.Layer                       { return v.layer }
func (v still) Segments() []snapshot.SegmentView           { return v.segments }
func (v still) Identity() string                           { return "store" }
func (v still) Revision() layers.Revision                  { return v.revision }
func (v still) TileRevision(tile.WorldBox) layers.Revision { return v.revision }
func (v still) Release()                                   {}

// testLayer has the properties name, class, diameter and n.
func testLayer(kind layers.Kind) *layers.Layer {
	return &layers.Layer{ID: "l", Kind: kind, CRS: 4326, MinZoom: 8, MaxZoom: 16, Label: "name", ClassBy: "class", Schema: []layers.Property{
		{Name: "name", Type: layers.String}, {Name: "class", Type: layers.String}, {Name: "diameter", Type: layers.Integer, Unit: "mm"}, {Name: "n", Type: layers.Number},
	}}
}

func feature(id int, g spatial.Geometry, name, class string) *layers.Feature {
	text := func(s string) layers.Value {
		if s == "" {
			return layers.Value{}
		}
		return layers.StringValue(s)
	}
	return &layers.Feature{ID: fmt.Sprint(id), Geometry: g, Properties: []layers.Value{text(name), text(class), {}, {}}}
}

func newStill(t testing.TB, l *layers.Layer, list []*layers.Feature) still {
	t.Helper()
	require.NoError(t, l.Validate())
	b := snapshot.NewBuilder(l)
	for _, f := range list {
		require.NoError(t, b.Add(f))
	}
	base, err := b.Base()
	require.NoError(t, err)
	s, err := snapshot.NewSegmentView(base, true)
	require.NoError(t, err)
	return still{l, []snapshot.SegmentView{s}, 1}
}

// make1 makes a pyramid whole.
func make1(t testing.TB, v View, change ...func(*spec)) (*Pyramid, *cache) {
	t.Helper()
	spec, ok := newSpec(v.Layer())
	require.True(t, ok)
	for _, f := range change {
		f(spec)
	}
	c, err := New(Options{Views: func(layers.ID) (View, error) { return v, nil }, Dir: t.TempDir()})
	require.NoError(t, err)
	in, err := c.temporary()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, in.file.Close()) })
	m := &maker{ctx: context.Background(), spec: spec, view: v, cells: newCache(1 << 20), store: func() (*store, error) { return in, nil }}
	p, err := m.build()
	require.NoError(t, err)
	return p, m.cells
}

// cells reads all cells of a zoom.
func (p *Pyramid) all(t testing.TB, cells *cache, z uint8) (list []*Cell) {
	t.Helper()
	p.level(z).each(func(r *ref) {
		c, err := cells.get(r)
		require.NoError(t, err)
		list = append(list, c)
	})
	return list
}

// position is a place some world units off a corner in 示范城区's neighbourhood.
const cornerX, cornerY = 3_496_000_000, 1_760_000_000

func degrees(x, y float64) (lon, lat float64) { return tile.LonLat(cornerX+x, cornerY+y) }

func lineOf(xy ...float64) spatial.Geometry {
	var out []float64
	for i := 0; i < len(xy); i += 2 {
		lon, lat := degrees(xy[i], xy[i+1])
		out = append(out, lon, lat)
	}
	return spatial.NewLineString(out)
}

func pointAt(x, y float64) spatial.Geometry { return spatial.NewPoint(degrees(x, y)) }

func polygon1(xy ...float64) spatial.Geometry {
	var out []float64
	for i := 0; i < len(xy); i += 2 {
		lon, lat := degrees(xy[i], xy[i+1])
		out = append(out, lon, lat)
	}
	return spatial.NewPolygon(append(out, out[0], out[1]))
}

// house is a turned rectangle.
func house(r *rand.Rand, x, y, w, h float64) spatial.Geometry {
	a := r.Float64() * math.Pi
	c, s := math.Cos(a), math.Sin(a)
	at := func(i, k float64) (float64, float64) { return x + i*w/2*c - k*h/2*s, y + i*w/2*s + k*h/2*c }
	var xy []float64
	for _, p := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		px, py := at(p[0], p[1])
		xy = append(xy, px, py)
	}
	return polygon1(xy...)
}

// drawn is the area of a feature's polygons in a cell.
func drawn(c *Cell, f int) (sum float64) {
	s := &c.Segment
	for p := s.FeaturePath[f]; p < s.FeaturePath[f+1]; p++ {
		a := ringArea(s.World[2*s.PathVertex[p] : 2*s.PathVertex[p+1]])
		if s.PathKinds[p] == snapshot.PathHole {
			a = -a
		}
		sum += a
	}
	return sum
}
