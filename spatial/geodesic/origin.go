package geodesic

import (
	"math"

	"twind/spatial"
)

// Origin is a position from which distances are measured. It is immutable and
// safe for concurrent use.
type Origin struct {
	lon, lat float64 // degrees
	sin, cos float64 // of the latitude
}

// NewOrigin is the position at a longitude and latitude in degrees.
func NewOrigin(lon, lat float64) *Origin {
	s, c := sincosDegrees(lat)
	return &Origin{lon, lat, s, c}
}

// local is a unit vector in the frame of an origin: to the east, to the north, up.
type local struct{ e, n, u float64 }

// at places a position in degrees in the origin's frame. Differences of
// coordinates are taken first, so that what is near keeps its full precision.
func (o *Origin) at(lon, lat float64) local {
	sinD, cosD := sincos((lat - o.lat) * degree)
	half := (lon - o.lon) / 2
	if half > 90 || half < -90 {
		half = math.Remainder(half, 180)
	}
	sinH, cosH := sincos(half * degree)
	cosLat := o.cos*cosD - o.sin*sinD
	hav := 2 * sinH * sinH
	return local{
		e: 2 * sinH * cosH * cosLat,
		n: sinD + o.sin*cosLat*hav,
		u: cosD - o.cos*cosLat*hav,
	}
}

// sincos is math.Sincos, faster for small angles (radians).
func sincos(a float64) (s, c float64) {
	if a > 0.02 || a < -0.02 {
		return math.Sincos(a)
	}
	q := a * a
	return a * (1 - q/6*(1-q/20*(1-q/42))), 1 - q/2*(1-q/12*(1-q/30*(1-q/56)))
}

// lonLat is the inverse of at.
func (o *Origin) lonLat(p local) (lon, lat float64) {
	h := p.u*o.cos - p.n*o.sin // along the origin's meridian, in the plane of the equator
	z := p.n*o.cos + p.u*o.sin
	return o.lon + math.Atan2(p.e, h)/degree, math.Atan2(z, math.Hypot(p.e, h)) / degree
}

// near is the cosine of the angle within which the gnomonic projection is used:
// it maps great circles to straight lines.
const near = 0.1

// Approach finds the position of a geometry that is nearest to an origin. Begin
// with Origin.Approach, feed it every path, then ask Metres.
type Approach struct {
	o      *Origin
	tan2   float64 // squared tangent of the least angle so far, +Inf if none is near
	at     local   // the position there
	lon    float64 // the same in degrees, when it is a vertex
	lat    float64
	vertex bool
	far    float64 // cosine of the least angle, when none is near
	inside bool
	odd    bool // the current polygon's rings enclose the origin an odd number of times
}

// Approach begins the search for a geometry's nearest position.
func (o *Origin) Approach() Approach {
	return Approach{o: o, tan2: math.Inf(1), far: -2}
}

func (a *Approach) take(p local) bool {
	if p.u > near {
		if t := (p.e*p.e + p.n*p.n) / (p.u * p.u); t < a.tan2 {
			a.tan2, a.at = t, p
			return true
		}
	} else if math.IsInf(a.tan2, 1) && p.u > a.far {
		a.far, a.at = p.u, p
		return true
	}
	return false
}

func (a *Approach) takeVertex(p local, lon, lat float64) {
	if a.take(p) {
		a.lon, a.lat, a.vertex = lon, lat, true
	}
}

// Points feeds positions: longitude, latitude, … in degrees.
func (a *Approach) Points(xy []float64) {
	for i := 0; i+1 < len(xy); i += 2 {
		a.takeVertex(a.o.at(xy[i], xy[i+1]), xy[i], xy[i+1])
	}
}

// Line feeds a line.
func (a *Approach) Line(xy []float64) { a.path(xy) }

// Shell feeds a polygon's outer ring and ends the polygon before it.
func (a *Approach) Shell(xy []float64) {
	a.endPolygon()
	a.odd = a.path(xy)
}

// Hole feeds an inner ring of the last shell's polygon.
func (a *Approach) Hole(xy []float64) { a.odd = a.path(xy) != a.odd }

func (a *Approach) endPolygon() {
	a.inside = a.inside || a.odd
	a.odd = false
}

// path feeds vertices and the arcs between them; it reports whether the arcs
// cross the half circle that leads from the origin north an odd number of times.
func (a *Approach) path(xy []float64) (odd bool) {
	var from local
	for i := 0; i+1 < len(xy); i += 2 {
		to := a.o.at(xy[i], xy[i+1])
		a.takeVertex(to, xy[i], xy[i+1])
		if i > 0 {
			if (from.e > 0) != (to.e > 0) && (from.n*to.e-to.n*from.e)*(to.e-from.e) > 0 {
				odd = !odd
			}
			a.edge(&from, &to)
		}
		from = to
	}
	return odd
}

// edge looks for a nearest position between the ends of an arc.
func (a *Approach) edge(p, q *local) {
	if p.u > near && q.u > near {
		px, py := p.e/p.u, p.n/p.u
		dx, dy := q.e/q.u-px, q.n/q.u-py
		t := -(px*dx + py*dy)
		d2 := dx*dx + dy*dy
		if t <= 0 || t >= d2 {
			return
		}
		// The distance of the line from the origin is |p × d| / |d|.
		cross := px*dy - py*dx
		if r := cross * cross / d2; r < a.tan2 {
			e, n := cross*dy/d2, -cross*dx/d2
			u := 1 / math.Sqrt(1+e*e+n*n)
			a.tan2, a.at, a.vertex = r, local{e * u, n * u, u}, false
		}
		return
	}
	// The foot of the perpendicular from the origin on the plane of the arc.
	ne, nn, nu := p.n*q.u-p.u*q.n, p.u*q.e-p.e*q.u, p.e*q.n-p.n*q.e
	h := math.Sqrt(ne*ne + nn*nn + nu*nu)
	if h == 0 {
		return
	}
	ne, nn, nu = ne/h, nn/h, nu/h
	k := local{-nu * ne, -nu * nn, 1 - nu*nu}
	kh := math.Sqrt(k.e*k.e + k.n*k.n + k.u*k.u)
	if kh == 0 {
		return
	}
	k = local{k.e / kh, k.n / kh, k.u / kh}
	between := func(a, b *local) bool {
		return (a.n*b.u-a.u*b.n)*ne+(a.u*b.e-a.e*b.u)*nn+(a.e*b.n-a.n*b.e)*nu >= 0
	}
	if between(p, &k) && between(&k, q) && a.take(k) {
		a.vertex = false
	}
}

// Metres is the distance of what was fed: 0 inside a polygon, +Inf when nothing
// was fed, else the geodesic's length rounded to 10⁻⁸ m.
func (a *Approach) Metres() float64 {
	a.endPolygon()
	switch {
	case a.inside:
		return 0
	case math.IsInf(a.tan2, 1) && a.far == -2:
		return math.Inf(1)
	}
	lon, lat := a.lon, a.lat
	if !a.vertex {
		lon, lat = a.o.lonLat(a.at)
	}
	return math.Round(Distance(a.o.lon, a.o.lat, lon, lat)*1e8) / 1e8
}

// Distance is the distance in metres of a geometry in degrees.
func (o *Origin) Distance(g spatial.Geometry) float64 {
	a := o.Approach()
	a.geometry(&g)
	return a.Metres()
}

func (a *Approach) geometry(g *spatial.Geometry) {
	switch g.Type.Dimension() {
	case 0:
		a.Points(g.XY)
	case 1:
		for i := range g.Ends {
			xy, _ := g.Path(i)
			a.Line(xy)
		}
	case 2:
		for p := range g.NumPolygons() {
			lo, hi := g.PolygonPaths(p)
			for r := lo; r < hi; r++ {
				xy, _ := g.Path(r)
				if r == lo {
					a.Shell(xy)
				} else {
					a.Hole(xy)
				}
			}
		}
		a.endPolygon()
	default:
		for i := range g.Members {
			a.geometry(&g.Members[i])
		}
	}
}
