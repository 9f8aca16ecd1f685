package crs

import "math"

// gaussSphere is Gauss's conformal sphere, on which a strip about one latitude
// keeps its scale: the first step of the Dutch and of the Swiss projection (EPSG
// guidance note 7-2, §3.2.4; swisstopo, "Formulas and constants for the
// calculation of the Swiss conformal cylindrical projection", §3).
type gaussSphere struct {
	e, lon0    float64
	n, k       float64 // isometric latitudes: n·ψ + k
	sin0, cos0 float64 // of the origin's latitude on the sphere
	radius     float64 // metres, times the scale at the origin
}

func newGaussSphere(el Ellipsoid, lat0, lon0, k0 float64) gaussSphere {
	e2 := el.e2()
	s, c := math.Sincos(lat0)
	g := gaussSphere{e: math.Sqrt(e2), lon0: lon0, n: math.Sqrt(1 + e2/(1-e2)*c*c*c*c), radius: k0 * el.SemiMajor * math.Sqrt(1-e2) / (1 - e2*s*s)}
	g.sin0 = s / g.n
	g.cos0 = math.Sqrt(1 - g.sin0*g.sin0)
	g.k = math.Atanh(g.sin0) - g.n*math.Asinh(conformal(math.Tan(lat0), g.e))
	return g
}

// onto is the difference of longitude and the latitude on the sphere; ok is false
// a quarter of the Earth away.
func (g *gaussSphere) onto(lon, lat float64) (l, b float64, ok bool) {
	d := wrap(lon - g.lon0)
	if !(math.Abs(d) < math.Pi/2 && math.Abs(lat) < math.Pi/2) {
		return 0, 0, false
	}
	return g.n * d, math.Atan(math.Sinh(g.n*math.Asinh(conformal(math.Tan(lat), g.e)) + g.k)), true
}

func (g *gaussSphere) off(l, b float64) (lon, lat float64) {
	psi := (math.Asinh(math.Tan(b)) - g.k) / g.n
	return wrap(l/g.n + g.lon0), math.Atan(geodetic(math.Sinh(psi), g.e))
}

// obliqueStereographic is EPSG method 9809, the double stereographic projection
// of the Netherlands.
type obliqueStereographic struct{ gaussSphere }

func (p *obliqueStereographic) forward(lon, lat float64) (x, y float64) {
	l, b, ok := p.onto(lon, lat)
	if !ok {
		return math.NaN(), math.NaN()
	}
	sl, cl := math.Sincos(l)
	sb, cb := math.Sincos(b)
	f := 1 + sb*p.sin0 + cb*p.cos0*cl
	if f < 1 { // beyond a quarter of the Earth
		return math.NaN(), math.NaN()
	}
	f = 2 * p.radius / f
	return f * cb * sl, f * (sb*p.cos0 - cb*p.sin0*cl)
}

func (p *obliqueStereographic) inverse(x, y float64) (lon, lat float64) {
	rho := math.Hypot(x, y)
	if !(rho <= 2*p.radius) {
		return math.NaN(), math.NaN()
	}
	if rho == 0 {
		return p.off(0, math.Asin(p.sin0))
	}
	s, c := math.Sincos(2 * math.Atan(rho/(2*p.radius)))
	b := math.Asin(c*p.sin0 + y*s*p.cos0/rho)
	return p.off(math.Atan2(x*s, rho*p.cos0*c-y*p.sin0*s), b)
}

// swissObliqueMercator is the Swiss conformal cylindrical projection by the
// rigorous formulas of Rosenmund. EPSG describes it as the Hotine oblique
// Mercator (method 9815) with azimuth and skew of 90°, which is the same within
// Switzerland to less than a millimetre.
type swissObliqueMercator struct{ gaussSphere }

func (p *swissObliqueMercator) forward(lon, lat float64) (x, y float64) {
	l, b, ok := p.onto(lon, lat)
	if !ok {
		return math.NaN(), math.NaN()
	}
	sl, cl := math.Sincos(l)
	sb, cb := math.Sincos(b)
	return p.radius * math.Atan2(cb*sl, p.sin0*sb+p.cos0*cb*cl), p.radius * math.Atanh(p.cos0*sb-p.sin0*cb*cl)
}

func (p *swissObliqueMercator) inverse(x, y float64) (lon, lat float64) {
	if !(math.Abs(x) < p.radius*math.Pi/2 && math.Abs(y) < 3*p.radius) {
		return math.NaN(), math.NaN()
	}
	sl, cl := math.Sincos(x / p.radius)
	t := math.Sinh(y / p.radius) // tangent of the latitude about the oblique axis
	sb := t / math.Hypot(1, t)
	cb := 1 / math.Hypot(1, t)
	b := math.Asin(p.cos0*sb + p.sin0*cb*cl)
	return p.off(math.Atan2(sl, p.cos0*cl-p.sin0*t), b)
}
