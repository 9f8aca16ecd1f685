package snapshot

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// The bound of a feature's box is never above its distance, near and far, wide
// and narrow, at every latitude.
func TestBoundOfABoxIsBelowTheDistance(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	tight := 0
	for range 30000 {
		lon, lat := rng.Float64()*360-180, math.Asin(2*rng.Float64()-1)*180/math.Pi
		away := math.Pow(10, -5+rng.Float64()*7)
		width := math.Pow(10, -6+rng.Float64()*7)
		x := math.Max(-180, math.Min(180, lon+rng.NormFloat64()*away))
		y := math.Max(-90, math.Min(90, lat+rng.NormFloat64()*away))
		x2 := math.Max(-180, math.Min(180, x+rng.NormFloat64()*width))
		y2 := math.Max(-90, math.Min(90, y+rng.NormFloat64()*width*rng.Float64()))
		b := NewBuilder(&layers.Layer{ID: "x", CRS: 4326})
		require.NoError(t, b.Add(&layers.Feature{ID: "1", Geometry: spatial.NewLineString([]float64{x, y, x2, y2})}))
		s := SegmentView{Segment: b.Edits()}
		m := newMetric(lon, lat, &s)
		d, bound := m.Distance(0), m.Bound(s.Box[0])
		require.LessOrEqual(t, bound, d, "from %v %v to %v %v, %v %v", lon, lat, x, y, x2, y2)
		if bound > 0.9*d {
			tight++
		}
	}
	require.Greater(t, tight, 10000, "the bound is of use")
}

func TestNearestOfNonsenseIsNothing(t *testing.T) {
	v := viewOf(t, testLayer(), features(60))
	defer v.Release()
	require.Empty(t, v.Nearest(math.NaN(), 0, 5, 0))
	require.Empty(t, v.Nearest(0, 91, 5, 0))
	require.Empty(t, v.Nearest(0, 0, 0, 0))
	require.Empty(t, v.Within(0, 0, -1))
	require.Empty(t, v.Within(0, 0, math.NaN()))
	require.Len(t, v.Nearest(0, 0, 1000, 0), located(v.segments[0].Box), "what has no vertices is nowhere")
	require.Len(t, v.Within(0, 0, 3e7), located(v.segments[0].Box))
}
