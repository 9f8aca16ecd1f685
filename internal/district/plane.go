package district

import "math"

// point is a place of the plan: u to the east and v to the north, metres from
// the centre, before the warp.
type point struct{ u, v float64 }

// plane turns places of the plan into degrees.
type plane struct {
	lon, lat   float64 // of the centre
	mLon, mLat float64 // metres of a degree at the centre
	phase      [4]float64
}

// The warp: each axis sways by warpBy metres over warpLength metres of the other.
const (
	warpBy     = 14.0
	warpLength = 2000.0
)

func newPlane(o Options) plane {
	// CGCS2000: radii of curvature of the meridian and of the prime vertical.
	const a, f = 6378137.0, 1 / 298.257222101
	const e2 = f * (2 - f)
	sin, cos := math.Sincos(o.Lat * math.Pi / 180)
	w := math.Sqrt(1 - e2*sin*sin)
	r := stream(o.Seed, forPlan, -1, -1)
	p := plane{lon: o.Lon, lat: o.Lat, mLon: a / w * cos * math.Pi / 180, mLat: a * (1 - e2) / (w * w * w) * math.Pi / 180}
	for i := range p.phase {
		p.phase[i] = r.Float64()
	}
	return p
}

// wave is smooth, of period 1 and between −1 and 1, like a sine; it is made of
// parabolas, so that every processor computes the same bits.
func wave(t float64) float64 {
	x := float64(2*(t-math.Floor(t))) - 1
	return float64(4*x) * (1 - math.Abs(x))
}

// waveSlope is the derivative of wave by t.
func waveSlope(t float64) float64 {
	x := float64(2*(t-math.Floor(t))) - 1
	return 8 - float64(16*math.Abs(x))
}

// xy is the warped place, metres east and north of the centre.
func (p *plane) xy(at point) (x, y float64) {
	return at.u + float64(warpBy*wave(at.v/warpLength+p.phase[0])), at.v + float64(warpBy*wave(at.u/warpLength+p.phase[1]))
}

// degrees places metres on the ellipsoid, rounded to 1e-8 degrees (1 mm).
func (p *plane) degrees(x, y float64) (lon, lat float64) {
	return math.Round((p.lon+x/p.mLon)*1e8) / 1e8, math.Round((p.lat+y/p.mLat)*1e8) / 1e8
}

// lonLat is the place on the map.
func (p *plane) lonLat(at point) (lon, lat float64) { return p.degrees(p.xy(at)) }

// east is the unit vector in metres that the plan's u axis points to at a place.
func (p *plane) east(at point) (x, y float64) {
	s := warpBy / warpLength * waveSlope(at.u/warpLength+p.phase[1])
	n := math.Sqrt(1 + float64(s*s))
	return 1 / n, s / n
}

// length is the distance of two places on the map, metres.
func (p *plane) length(a, b point) float64 {
	ax, ay := p.xy(a)
	bx, by := p.xy(b)
	dx, dy := bx-ax, by-ay
	return math.Sqrt(float64(dx*dx) + float64(dy*dy))
}

// ground is the height of the ground, metres: it falls to the river in the south
// and a little to the east, in gentle waves; between 40 and 60 m in a district of
// 3 km.
func (pl *plan) ground(at point) float64 {
	const low, south, east = 43.0, 0.0045, 0.0008
	h := low + float64(south*(at.v+pl.o.Height/2)) + float64(east*(pl.o.Width/2-at.u))
	h += float64(0.45 * wave(at.u/900+pl.phase[2]))
	h += float64(0.40 * wave(at.v/1100+pl.phase[3]))
	return math.Round(h*1000) / 1000
}
