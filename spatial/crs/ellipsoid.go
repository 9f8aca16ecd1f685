package crs

import "math"

// Ellipsoid is an ellipsoid of revolution.
type Ellipsoid struct {
	Name              string
	SemiMajor         float64 // a, metres
	InverseFlattening float64 // 1/f; 0 is a sphere
}

// Ellipsoids by EPSG guidance note 7-1 and the definitions of their agencies.
var (
	WGS84          = Ellipsoid{"WGS 84", 6378137, 298.257223563}
	GRS80          = Ellipsoid{"GRS 1980", 6378137, 298.257222101} // CGCS2000's too, to the tenth digit
	Krassowsky1940 = Ellipsoid{"Krassowsky 1940", 6378245, 298.3}
	IAG1975        = Ellipsoid{"IAG 1975", 6378140, 298.257}
	Clarke1866     = Ellipsoid{"Clarke 1866", 6378206.4, 294.9786982138982}
	Bessel1841     = Ellipsoid{"Bessel 1841", 6377397.155, 299.1528128}
)

func (e Ellipsoid) flattening() float64 {
	if e.InverseFlattening == 0 {
		return 0
	}
	return 1 / e.InverseFlattening
}

// e2 is the first eccentricity squared.
func (e Ellipsoid) e2() float64 {
	f := e.flattening()
	return f * (2 - f)
}

// same tells whether two ellipsoids are one up to the digits that files give.
func (e Ellipsoid) same(o Ellipsoid) bool {
	return math.Abs(e.SemiMajor-o.SemiMajor) < 0.01 && math.Abs(e.InverseFlattening-o.InverseFlattening) < 2e-6
}

const degree = math.Pi / 180

// projection is the way between longitude, latitude in radians (the longitude
// counted from the prime meridian of the system) and metres from the natural
// origin, false easting and northing left out. Where there is no answer it
// returns NaN.
type projection interface {
	forward(lon, lat float64) (x, y float64)
	inverse(x, y float64) (lon, lat float64)
}

func wrap(lon float64) float64 {
	if lon >= -math.Pi && lon <= math.Pi {
		return lon
	}
	return math.Remainder(lon, 2*math.Pi)
}

// conformal is the tangent of the conformal latitude for the tangent of the
// geodetic one (Karney 2011, eq. 7–9).
func conformal(tau, e float64) float64 {
	s := math.Sinh(e * math.Atanh(e*tau/math.Hypot(1, tau)))
	return math.Hypot(1, s)*tau - s*math.Hypot(1, tau)
}

// geodetic is the inverse of conformal, by Newton's method (Karney 2011, eq. 19–21).
func geodetic(taup, e float64) float64 {
	e2 := e * e
	tau := taup / (1 - e2)
	for range 5 {
		t := conformal(tau, e)
		d := (taup - t) / math.Hypot(1, t) * (1 + (1-e2)*tau*tau) / ((1 - e2) * math.Hypot(1, tau))
		tau += d
		if math.Abs(d) <= 1e-15*max(1, math.Abs(tau)) {
			break
		}
	}
	return tau
}
