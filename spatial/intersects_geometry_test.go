package spatial

import (
	"math/rand/v2"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/stretchr/testify/require"
)

func TestGeometriesIntersect(t *testing.T) {
	square := NewPolygon([]float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, []float64{4, 4, 4, 6, 6, 6, 6, 4, 4, 4})
	inHole := NewPolygon([]float64{4.5, 4.5, 5.5, 4.5, 5.5, 5.5, 4.5, 5.5, 4.5, 4.5})
	lines := Geometry{Type: MultiLineString, XY: []float64{50, 50, 60, 60, 5, 5, 5.5, 5.5}, Ends: []int32{2, 4}}
	for name, c := range map[string]struct {
		a, b Geometry
		want bool
	}{
		"point in polygon":           {NewPoint(1, 1), square, true},
		"point on border":            {NewPoint(10, 3), square, true},
		"point in hole":              {NewPoint(5, 5), square, false},
		"point on hole":              {NewPoint(4, 5), square, true},
		"point outside":              {NewPoint(11, 3), square, false},
		"points":                     {NewPoint(1, 2), Geometry{Type: MultiPoint, XY: []float64{0, 0, 1, 2}}, true},
		"points apart":               {NewPoint(1, 2), NewPoint(1, 2.0000001), false},
		"point on line":              {NewPoint(1, 1), NewLineString([]float64{0, 0, 3, 3}), true},
		"point beside line":          {NewPoint(1, 1.0000000000000002), NewLineString([]float64{0, 0, 3, 3}), false},
		"point after line":           {NewPoint(4, 4), NewLineString([]float64{0, 0, 3, 3}), false},
		"lines cross":                {NewLineString([]float64{0, 0, 2, 2}), NewLineString([]float64{0, 2, 2, 0}), true},
		"lines touch":                {NewLineString([]float64{0, 0, 2, 2}), NewLineString([]float64{1, 1, 2, 0}), true},
		"lines overlap":              {NewLineString([]float64{0, 0, 2, 2}), NewLineString([]float64{1, 1, 5, 5}), true},
		"lines in one line, apart":   {NewLineString([]float64{0, 0, 2, 2}), NewLineString([]float64{3, 3, 5, 5}), false},
		"lines parallel":             {NewLineString([]float64{0, 0, 2, 2}), NewLineString([]float64{0, 1, 2, 3}), false},
		"line in polygon":            {NewLineString([]float64{1, 1, 2, 2}), square, true},
		"line in hole":               {NewLineString([]float64{5, 5, 5.5, 5.5}), square, false},
		"second line in hole":        {lines, square, false},
		"line through":               {NewLineString([]float64{-1, 5, 11, 5}), square, true},
		"polygon in polygon":         {NewPolygon([]float64{1, 1, 2, 1, 2, 2, 1, 1}), square, true},
		"polygon in hole":            {inHole, square, false},
		"polygon around":             {NewPolygon([]float64{-9, -9, 99, -9, 99, 99, -9, 99, -9, -9}), square, true},
		"polygons share an edge":     {NewPolygon([]float64{10, 0, 20, 0, 20, 10, 10, 10, 10, 0}), square, true},
		"polygons apart":             {NewPolygon([]float64{11, 0, 20, 0, 20, 10, 11, 0}), square, false},
		"collection":                 {Geometry{Type: GeometryCollection, Members: []Geometry{NewPoint(5, 5), NewPoint(1, 1)}}, square, true},
		"collection of nothing":      {Geometry{Type: GeometryCollection}, square, false},
		"nothing":                    {Geometry{Type: Polygon}, square, false},
		"absent":                     {Geometry{}, square, false},
		"collection with collection": {Geometry{Type: GeometryCollection, Members: []Geometry{inHole}}, Geometry{Type: GeometryCollection, Members: []Geometry{NewPoint(5, 5)}}, true},
	} {
		require.Equal(t, c.want, c.a.Intersects(c.b), name)
		require.Equal(t, c.want, c.b.Intersects(c.a), "%s, the other way", name)
	}
}

// TestGeometriesIntersectAsElsewhere compares with another implementation on
// small integers, where all touch and overlap often.
func TestGeometriesIntersectAsElsewhere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := func() float64 { return float64(r.IntN(8)) }
	triangle := func() []float64 {
		for {
			a := []float64{n(), n(), n(), n(), n(), n()}
			if Orientation(a[0], a[1], a[2], a[3], a[4], a[5]) != 0 {
				return append(a, a[0], a[1])
			}
		}
	}
	line := func() []float64 {
		for {
			a := []float64{n(), n(), n(), n(), n(), n()}
			if a[0] != a[2] || a[1] != a[3] {
				return a
			}
		}
	}
	sequence := func(xy []float64) geom.Sequence { return geom.NewSequence(xy, geom.DimXY) }
	random := func() (Geometry, geom.Geometry) {
		switch r.IntN(4) {
		case 0:
			x, y := n(), n()
			return NewPoint(x, y), geom.XY{X: x, Y: y}.AsPoint().AsGeometry()
		case 1:
			xy := line()
			return NewLineString(xy), geom.NewLineString(sequence(xy)).AsGeometry()
		case 2: // a frame of width 1
			shell, hole := []float64{0, 0, 7, 0, 7, 7, 0, 7, 0, 0}, []float64{1, 1, 1, 6, 6, 6, 6, 1, 1, 1}
			return NewPolygon(shell, hole), geom.NewPolygon([]geom.LineString{geom.NewLineString(sequence(shell)), geom.NewLineString(sequence(hole))}).AsGeometry()
		}
		xy := triangle()
		return NewPolygon(xy), geom.NewPolygon([]geom.LineString{geom.NewLineString(sequence(xy))}).AsGeometry()
	}
	met := 0
	for range 2000 {
		a, wantA := random()
		b, wantB := random()
		want := geom.Intersects(wantA, wantB)
		require.Equal(t, want, a.Intersects(b), "%v and %v", wantA.AsText(), wantB.AsText())
		if want {
			met++
		}
	}
	require.Greater(t, met, 400)
	require.Less(t, met, 1900)
}
