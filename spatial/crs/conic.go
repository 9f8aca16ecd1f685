package crs

import "math"

// lambertConic is the Lambert conformal conic projection (EPSG methods 9801 and
// 9802; Snyder, USGS Professional Paper 1395, p. 107–109).
type lambertConic struct {
	lon0, e float64
	n       float64 // cone constant
	f       float64 // a·F·k0, metres
	rho0    float64
}

// isometric is tan(π/4 − φ/2) corrected for the ellipsoid: Snyder's t.
func isometric(lat, e float64) float64 {
	taup := conformal(math.Tan(lat), e)
	if taup >= 0 {
		return 1 / (taup + math.Hypot(1, taup))
	}
	return math.Hypot(1, taup) - taup
}

// parallel is cos φ / √(1 − e² sin² φ): Snyder's m.
func parallel(lat, e float64) float64 {
	s, c := math.Sincos(lat)
	return c / math.Sqrt(1-e*e*s*s)
}

// newLambertConic takes the two standard parallels, equal for one, and a scale there.
func newLambertConic(el Ellipsoid, lat0, lon0, lat1, lat2, k0 float64) (*lambertConic, bool) {
	e := math.Sqrt(el.e2())
	p := &lambertConic{lon0: lon0, e: e}
	m1, t1 := parallel(lat1, e), isometric(lat1, e)
	if math.Abs(lat1-lat2) < 1e-10 {
		p.n = math.Sin(lat1)
	} else {
		p.n = math.Log(m1/parallel(lat2, e)) / math.Log(t1/isometric(lat2, e))
	}
	if math.IsNaN(p.n) || math.Abs(p.n) < 1e-10 || math.Abs(lat1) >= math.Pi/2 || math.Abs(lat2) >= math.Pi/2 {
		return nil, false
	}
	p.f = el.SemiMajor * k0 * m1 / (p.n * math.Pow(t1, p.n))
	p.rho0 = p.f * math.Pow(isometric(lat0, e), p.n)
	return p, true
}

func (p *lambertConic) forward(lon, lat float64) (x, y float64) {
	if math.Abs(lat) > math.Pi/2 {
		return math.NaN(), math.NaN()
	}
	rho := p.f * math.Pow(isometric(lat, p.e), p.n)
	s, c := math.Sincos(p.n * wrap(lon-p.lon0))
	return rho * s, p.rho0 - rho*c
}

func (p *lambertConic) inverse(x, y float64) (lon, lat float64) {
	sign := math.Copysign(1, p.n)
	dx, dy := sign*x, sign*(p.rho0-y)
	rho := math.Hypot(dx, dy)
	if rho == 0 {
		return p.lon0, math.Copysign(math.Pi/2, p.n)
	}
	theta := math.Atan2(dx, dy)
	if math.Abs(theta) > math.Abs(p.n)*math.Pi*(1+1e-12) {
		return math.NaN(), math.NaN()
	}
	t := math.Pow(rho/math.Abs(p.f), 1/p.n)
	return wrap(theta/p.n + p.lon0), math.Atan(geodetic((1/t-t)/2, p.e))
}

// albers is the Albers equal-area conic projection (EPSG method 9822; Snyder,
// p. 101–102).
type albers struct {
	lon0, e, a float64
	n, c, rho0 float64
	qp         float64 // q at the pole
}

// authalic is Snyder's q of a latitude, by its sine.
func authalic(sin, e float64) float64 {
	if e == 0 {
		return 2 * sin
	}
	es := e * sin
	return (1 - e*e) * (sin/(1-es*es) + math.Atanh(es)/e)
}

func newAlbers(el Ellipsoid, lat0, lon0, lat1, lat2 float64) (*albers, bool) {
	p := &albers{lon0: lon0, e: math.Sqrt(el.e2()), a: el.SemiMajor}
	m1, q1 := parallel(lat1, p.e), authalic(math.Sin(lat1), p.e)
	if math.Abs(lat1-lat2) < 1e-10 {
		p.n = math.Sin(lat1)
	} else {
		m2, q2 := parallel(lat2, p.e), authalic(math.Sin(lat2), p.e)
		p.n = (m1*m1 - m2*m2) / (q2 - q1)
	}
	if math.IsNaN(p.n) || math.Abs(p.n) < 1e-10 {
		return nil, false
	}
	p.c = m1*m1 + p.n*q1
	p.qp = authalic(1, p.e)
	p.rho0 = p.rho(authalic(math.Sin(lat0), p.e))
	return p, true
}

func (p *albers) rho(q float64) float64 { return p.a * math.Sqrt(p.c-p.n*q) / p.n }

func (p *albers) forward(lon, lat float64) (x, y float64) {
	if math.Abs(lat) > math.Pi/2 {
		return math.NaN(), math.NaN()
	}
	rho := p.rho(authalic(math.Sin(lat), p.e))
	s, c := math.Sincos(p.n * wrap(lon-p.lon0))
	return rho * s, p.rho0 - rho*c
}

func (p *albers) inverse(x, y float64) (lon, lat float64) {
	sign := math.Copysign(1, p.n)
	dx, dy := sign*x, sign*(p.rho0-y)
	theta := math.Atan2(dx, dy)
	r := math.Hypot(dx, dy) * p.n / p.a
	q := (p.c - r*r) / p.n
	if math.Abs(q) > p.qp*(1+1e-12) || math.Abs(theta) > math.Abs(p.n)*math.Pi*(1+1e-12) {
		return math.NaN(), math.NaN()
	}
	lon = wrap(theta/p.n + p.lon0)
	if math.Abs(q) >= p.qp*(1-1e-15) {
		return lon, math.Copysign(math.Pi/2, q)
	}
	s := q / 2 // the sine of the latitude, by Newton's method
	for range 20 {
		es := p.e * s
		w := 1 - es*es
		d := (q - authalic(s, p.e)) * w * w / (2 * (1 - p.e*p.e))
		s += d
		if math.Abs(d) < 1e-16 {
			break
		}
	}
	return lon, math.Asin(max(-1, min(1, s)))
}
