package spatial

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/stretchr/testify/require"
)

func TestIntersectsEnvelopeCases(t *testing.T) {
	box := Envelope{0, 0, 1, 1}
	line := func(xy ...float64) Geometry { return NewLineString(xy) }
	shell := []float64{-5, -5, 6, -5, 6, 6, -5, 6, -5, -5}
	for _, c := range []struct {
		name string
		g    Geometry
		want bool
	}{
		{"null", Geometry{}, false},
		{"point in", NewPoint(.5, .5), true},
		{"point on the corner", NewPoint(1, 1), true},
		{"point out", NewPoint(1.0000001, 1), false},
		{"line through", line(-1, .5, 2, .5), true},
		{"line past a corner", line(.5, 2, 2, .6), false},
		{"line touching a corner", line(0, 2, 2, 0), true},
		{"line just past a corner", line(0, 2, 2, math.Nextafter(0, 1)), false},
		{"polygon around", NewPolygon(shell), true},
		{"box in the hole", NewPolygon(shell, []float64{-1, -1, -1, 2, 2, 2, 2, -1, -1, -1}), false},
		{"hole's corner in the box", NewPolygon(shell, []float64{.5, .5, -1, 2, 2, 2, 2, -1, .5, .5}), true},
		{"collection", Geometry{Type: GeometryCollection, Members: []Geometry{NewPoint(9, 9), line(-1, .5, 2, .5)}}, true},
		{"empty collection", Geometry{Type: GeometryCollection}, false},
	} {
		require.Equal(t, c.want, c.g.IntersectsEnvelope(box), c.name)
		require.False(t, c.g.IntersectsEnvelope(EmptyEnvelope()))
	}
}

// On random shapes with many coincidences the answer is that of simplefeatures.
func TestIntersectsEnvelopeEqualsSimpleFeatures(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	pick := func() float64 { return float64(rng.IntN(9)) }
	hits := 0
	for range 4000 {
		e := EmptyEnvelope().Add(pick(), pick()).Add(pick(), pick())
		var g Geometry
		var want geom.Geometry
		if rng.IntN(2) == 0 {
			xy := []float64{pick(), pick(), pick(), pick(), pick(), pick()}
			g = NewLineString(xy)
			l := geom.NewLineString(geom.NewSequence(xy, geom.DimXY))
			if l.Validate() != nil {
				continue
			}
			want = l.AsGeometry()
		} else {
			n := 3 + rng.IntN(5)
			var xy []float64
			for k := range n {
				s, c := math.Sincos(2 * math.Pi * float64(k) / float64(n))
				r := 1 + float64(rng.IntN(4))
				xy = append(xy, math.Round(4+r*c), math.Round(4+r*s))
			}
			xy = append(xy, xy[0], xy[1])
			p := geom.NewPolygon([]geom.LineString{geom.NewLineString(geom.NewSequence(xy, geom.DimXY))})
			if p.Validate() != nil {
				continue
			}
			g, want = NewPolygon(xy), p.AsGeometry()
		}
		box := geom.NewEnvelope(geom.XY{X: e.MinX, Y: e.MinY}, geom.XY{X: e.MaxX, Y: e.MaxY}).AsGeometry()
		answer := geom.Intersects(want, box)
		require.Equal(t, answer, g.IntersectsEnvelope(e), "%v and %v", g, e)
		if answer {
			hits++
		}
	}
	require.Greater(t, hits, 500)
}

func TestOrientationIsExact(t *testing.T) {
	// Positions on a line that rounding moves to one side or the other.
	a, b := 0.5, 12.0
	for i := range 64 {
		x := a + float64(i)*0x1p-53
		require.Equal(t, 0, Orientation(b, b, 24, 24, x, x))
		require.Equal(t, 1, Orientation(b, b, 24, 24, x, math.Nextafter(x, 1)))
		require.Equal(t, -1, Orientation(b, b, 24, 24, math.Nextafter(x, 1), x))
	}
	require.Zero(t, Orientation(0, 0, 1, 1, math.Inf(1), 2))
}
