package geodesic

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
)

// vec is the position on the unit sphere, the plain way.
func vec(lon, lat float64) [3]float64 {
	sa, ca := math.Sincos(lat * degree)
	so, co := math.Sincos(lon * degree)
	return [3]float64{ca * co, ca * so, sa}
}

// sampled walks each arc in small steps and takes the nearest step on the sphere.
func sampled(lon, lat float64, xy []float64, steps int) (angle float64) {
	o := vec(lon, lat)
	angle = math.Inf(1)
	dist := func(p [3]float64) float64 {
		return math.Atan2(math.Sqrt(sq(o[1]*p[2]-o[2]*p[1])+sq(o[2]*p[0]-o[0]*p[2])+sq(o[0]*p[1]-o[1]*p[0])), o[0]*p[0]+o[1]*p[1]+o[2]*p[2])
	}
	for i := 2; i+1 < len(xy); i += 2 {
		a, b := vec(xy[i-2], xy[i-1]), vec(xy[i], xy[i+1])
		for k := range steps + 1 {
			t := float64(k) / float64(steps)
			p := [3]float64{a[0] + t*(b[0]-a[0]), a[1] + t*(b[1]-a[1]), a[2] + t*(b[2]-a[2])}
			h := math.Sqrt(sq(p[0]) + sq(p[1]) + sq(p[2]))
			angle = math.Min(angle, dist([3]float64{p[0] / h, p[1] / h, p[2] / h}))
		}
	}
	return angle
}

func sq(v float64) float64 { return v * v }

func TestNearestPositionOfArcsEqualsSampling(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for i := range 400 {
		scale := []float64{0.01, 1, 30, 120}[i%4]
		lat0 := rng.Float64()*170 - 85
		lon0 := rng.Float64()*360 - 180
		xy := make([]float64, 0, 8)
		for range 4 {
			xy = append(xy, lon0+scale*(rng.Float64()-.5), max(-89, min(89, lat0+scale*(rng.Float64()-.5))))
		}
		lon, lat := lon0+scale*(rng.Float64()-.5), max(-89, min(89, lat0+scale*(rng.Float64()-.5)))
		o := NewOrigin(lon, lat)
		a := o.Approach()
		a.Line(xy)
		p := a.at
		got := math.Atan2(math.Hypot(p.e, p.n), p.u)
		want := sampled(lon, lat, xy, 4000)
		step := 2 * scale * degree / 4000
		require.LessOrEqual(t, want, math.Hypot(got, step)+1e-12, "scale %g from %g %g to %v", scale, lon, lat, xy)
		require.LessOrEqual(t, got, want+1e-12, "sampling cannot be nearer")
		require.LessOrEqual(t, o.Bound(spatial.NewLineString(xy).Envelope()), a.Metres())
	}
}

func TestInsideIsZeroAndHolesAreOutside(t *testing.T) {
	shell := []float64{-74.01, 40.70, -73.99, 40.70, -73.99, 40.72, -74.01, 40.72, -74.01, 40.70}
	hole := []float64{-74.005, 40.705, -74.005, 40.715, -73.995, 40.715, -73.995, 40.705, -74.005, 40.705}
	g := spatial.NewPolygon(shell, hole)
	require.Zero(t, NewOrigin(-74.008, 40.71).Distance(g))
	require.InDelta(t, Distance(-74, 40.71, -73.995, 40.71), NewOrigin(-74, 40.71).Distance(g), 0.001)
	require.InDelta(t, Distance(-73.98, 40.71, -73.99, 40.71), NewOrigin(-73.98, 40.71).Distance(g), 0.001)
	two := spatial.NewPolygon(shell, hole, []float64{-74.001, 40.709, -73.999, 40.709, -73.999, 40.711, -74.001, 40.711, -74.001, 40.709})
	two.Type, two.Parts = spatial.MultiPolygon, []int32{2, 3}
	require.Zero(t, NewOrigin(-74, 40.71).Distance(two), "an island in the hole")
	collection := spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{g, g}}
	require.Zero(t, NewOrigin(-74.008, 40.71).Distance(collection), "twice inside is inside")
}

func TestInsideAgreesWithThePlaneOnSmallPolygons(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	inside := 0
	for range 3000 {
		n := 3 + rng.IntN(8)
		lon0, lat0 := rng.Float64()*350-175, rng.Float64()*140-70
		var xy []float64
		for k := range n {
			s, c := math.Sincos(2 * math.Pi * float64(k) / float64(n))
			r := 1e-4 * (0.2 + rng.Float64())
			xy = append(xy, lon0+r*c, lat0+r*s)
		}
		xy = append(xy, xy[0], xy[1])
		lon, lat := lon0+2e-4*(rng.Float64()-.5), lat0+2e-4*(rng.Float64()-.5)
		odd := false
		for i := 2; i+1 < len(xy); i += 2 {
			if (xy[i-2] > lon) != (xy[i] > lon) && (lat < xy[i-1]+(xy[i+1]-xy[i-1])*(lon-xy[i-2])/(xy[i]-xy[i-2])) {
				odd = !odd
			}
		}
		d := NewOrigin(lon, lat).Distance(spatial.NewPolygon(xy))
		if odd {
			inside++
			require.Zero(t, d)
		} else {
			require.Positive(t, d)
		}
	}
	require.Greater(t, inside, 500)
}

// A polygon across the antimeridian is what its arcs enclose, the shorter way.
func TestAcrossTheAntimeridianAndAtThePole(t *testing.T) {
	fiji := spatial.NewPolygon([]float64{179.5, -17, -179.5, -17, -179.5, -16, 179.5, -16, 179.5, -17})
	require.Zero(t, NewOrigin(180, -16.5).Distance(fiji))
	require.Zero(t, NewOrigin(-180, -16.5).Distance(fiji))
	require.InDelta(t, Distance(179, -16.5, 179.5, -16.5), NewOrigin(179, -16.5).Distance(fiji), 5)
	require.Zero(t, NewOrigin(179, -16.5).Bound(fiji.Envelope()))
	pole := spatial.NewPolygon([]float64{0, 89, 90, 89, 180, 89, -90, 89, 0, 89})
	require.Zero(t, NewOrigin(12, 89.9).Distance(pole))
	require.InDelta(t, 0.5/360*40008e3, NewOrigin(0, 88.5).Distance(pole), 1000)
}

func TestNothingIsInfinitelyFar(t *testing.T) {
	require.True(t, math.IsInf(NewOrigin(0, 0).Distance(spatial.Geometry{Type: spatial.MultiPolygon}), 1))
}

// The bound holds for random geometries all over the world.
func FuzzBoundIsBelowDistance(f *testing.F) {
	f.Add(-74.0, 40.7, -73.99, 40.71, -73.98, 40.70)
	f.Add(179.9, 10.0, -179.9, 10.0, 170.0, -80.0)
	f.Add(0.0, 89.0, 100.0, 89.5, -120.0, 88.0)
	f.Fuzz(func(t *testing.T, lon, lat, x1, y1, x2, y2 float64) {
		for _, v := range []float64{lon, x1, x2} {
			if !(v >= -180 && v <= 180) {
				t.Skip()
			}
		}
		for _, v := range []float64{lat, y1, y2} {
			if !(v >= -90 && v <= 90) {
				t.Skip()
			}
		}
		g := spatial.NewLineString([]float64{x1, y1, x2, y2})
		o := NewOrigin(lon, lat)
		d, b := o.Distance(g), o.Bound(g.Envelope())
		if !(b <= d+1e-6) || math.IsNaN(d) {
			t.Fatalf("bound %g over distance %g", b, d)
		}
	})
}

func BenchmarkApproach(b *testing.B) {
	b.ReportAllocs()
	o := NewOrigin(-73.98, 40.75)
	xy := []float64{-73.99, 40.751, -73.9901, 40.751, -73.9901, 40.7511, -73.99, 40.7511, -73.99, 40.751}
	for range b.N {
		a := o.Approach()
		a.Shell(xy)
		if a.inside {
			b.Fatal()
		}
	}
}

func BenchmarkBound(b *testing.B) {
	b.ReportAllocs()
	o := NewOrigin(-73.98, 40.75)
	for range b.N {
		o.Bound(spatial.Envelope{MinX: -73.97, MinY: 40.74, MaxX: -73.96, MaxY: 40.745})
	}
}
