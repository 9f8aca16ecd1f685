package crs

import "math"

// mercator is the Mercator projection (EPSG methods 9804 and 9805; with e = 0
// also 1024, Web Mercator).
type mercator struct {
	lon0, e float64
	a       float64 // a·k0, metres
}

func (p *mercator) forward(lon, lat float64) (x, y float64) {
	if math.Abs(lat) >= math.Pi/2 {
		return math.NaN(), math.NaN()
	}
	return p.a * wrap(lon-p.lon0), p.a * math.Asinh(conformal(math.Tan(lat), p.e))
}

func (p *mercator) inverse(x, y float64) (lon, lat float64) {
	if !(math.Abs(x) <= p.a*math.Pi*(1+1e-9)) || math.Abs(y) > 20*p.a {
		return math.NaN(), math.NaN()
	}
	return wrap(x/p.a + p.lon0), math.Atan(geodetic(math.Sinh(y/p.a), p.e))
}
