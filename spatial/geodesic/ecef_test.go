package geodesic

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The first three are the ends of the axes; the others are of PROJ 9
// (cct +proj=cart +ellps=WGS84).
func TestECEF(t *testing.T) {
	for _, c := range []struct {
		lon, lat, h float64
		want        Vec3
	}{
		{0, 0, 0, Vec3{6378137, 0, 0}},
		{90, 0, 100, Vec3{0, 6378237, 0}},
		{12, 90, 0, Vec3{0, 0, 6356752.314245}},
		{-74.0445, 40.6892, 33.5, Vec3{1331347.635848, -4656607.771132, 4136335.239145}},
		{116.3913, 39.9075, 50, Vec3{-2177753.178505, 4388728.463457, 4070144.571656}},
	} {
		got := ECEF(c.lon, c.lat, c.h)
		for i := range got {
			require.InDelta(t, c.want[i], got[i], 1e-6, "%v axis %d", c, i)
		}
	}
}

func TestGeodeticInvertsECEF(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		lon, lat, h := r.Float64()*360-180, math.Asin(2*r.Float64()-1)*180/math.Pi, r.Float64()*20000-1000
		lon2, lat2, h2 := Geodetic(ECEF(lon, lat, h))
		require.InDelta(t, lat, lat2, 1e-13*90+1e-12)
		require.InDelta(t, h, h2, 1e-8)
		require.InDelta(t, 0, math.Remainder(lon-lon2, 360), 1e-11)
	}
	for _, lat := range []float64{90, -90, 0} {
		_, lat2, h := Geodetic(ECEF(0, lat, 12))
		require.InDelta(t, lat, lat2, 1e-12)
		require.InDelta(t, 12, h, 1e-8)
	}
}

func TestLocalFrame(t *testing.T) {
	l := NewLocal(-74, 40.7, 10)
	x, y, z := l.Place(-74, 40.7, 15)
	require.InDelta(t, 0, x, 1e-8)
	require.InDelta(t, 0, y, 1e-8)
	require.InDelta(t, 5, z, 1e-8)
	// A kilometre to the east and to the north is what the geodesic measures, and
	// the ground falls away by d²/2R.
	const step = 0.01
	x, y, z = l.Place(-74+step, 40.7, 10)
	d := Distance(-74, 40.7, -74+step, 40.7)
	require.InDelta(t, d, math.Hypot(x, y), 0.003)
	require.Greater(t, x, 0.0)
	require.InDelta(t, -d*d/2/6378137, z, 0.01)
	x, y, _ = l.Place(-74, 40.7+step, 10)
	require.InDelta(t, 0, x, 1e-6)
	require.InDelta(t, Distance(-74, 40.7, -74, 40.7+step), y, 0.003)
	// To inverts From.
	p := l.To(123.25, -456.5, 78.125)
	x, y, z = l.From(p)
	require.InDelta(t, 123.25, x, 1e-8)
	require.InDelta(t, -456.5, y, 1e-8)
	require.InDelta(t, 78.125, z, 1e-8)
	// Right-handed and of unit length.
	require.InDelta(t, 1, l.East.Norm(), 1e-15)
	cross := Vec3{l.East[1]*l.North[2] - l.East[2]*l.North[1], l.East[2]*l.North[0] - l.East[0]*l.North[2], l.East[0]*l.North[1] - l.East[1]*l.North[0]}
	require.InDelta(t, 1, cross.Dot(l.Up), 1e-15)
}
