package crs

import "math"

// Helmert is a shift between datums with seven parameters by way of geocentric
// coordinates, small angles taken as such, in the position-vector convention
// (EPSG method 1033): it leads from the datum to WGS 84. The zero value shifts
// nothing.
type Helmert struct {
	DX, DY, DZ float64 // metres
	RX, RY, RZ float64 // microradians
	Scale      float64 // parts per million
}

// Shifts to WGS 84 by the EPSG dataset, both with a stated accuracy of 1 m.
var (
	// EPSG:4833, "Amersfoort to WGS 84 (4)": there in the coordinate-frame
	// convention, whose angles have the other sign. What remains to the official
	// RDNAPTRANS, which corrects by a grid, is at most 0.25 m.
	shiftAmersfoort = Helmert{DX: 565.4171, DY: 50.3319, DZ: 465.5524, RX: -1.9342, RY: 1.6677, RZ: -9.1019, Scale: 4.0725}
	// EPSG:1676, "CH1903+ to WGS 84 (1)".
	shiftCH1903Plus = Helmert{DX: 674.374, DY: 15.056, DZ: 405.346}
)

func (h *Helmert) apply(x, y, z float64) (float64, float64, float64) {
	m := 1 + h.Scale*1e-6
	rx, ry, rz := h.RX*1e-6, h.RY*1e-6, h.RZ*1e-6
	return h.DX + m*(x-rz*y+ry*z), h.DY + m*(rz*x+y-rx*z), h.DZ + m*(-ry*x+rx*y+z)
}

// undo is the exact inverse of apply, by fixed point: the angles are so small
// that each step wins five digits.
func (h *Helmert) undo(x, y, z float64) (u, v, w float64) {
	u, v, w = x-h.DX, y-h.DY, z-h.DZ
	for range 4 {
		p, q, r := h.apply(u, v, w)
		u, v, w = u+x-p, v+y-q, w+z-r
	}
	return u, v, w
}

// geocentric is the place of a position in degrees and metres above the ellipsoid.
func (e Ellipsoid) geocentric(lon, lat, height float64) (x, y, z float64) {
	sl, cl := math.Sincos(lon * degree)
	sp, cp := math.Sincos(lat * degree)
	e2 := e.e2()
	n := e.SemiMajor / math.Sqrt(1-e2*sp*sp)
	return (n + height) * cp * cl, (n + height) * cp * sl, (n*(1-e2) + height) * sp
}

// geographic is the inverse of geocentric near the ellipsoid, by Bowring's
// formula (Survey Review 1976, 1985).
func (e Ellipsoid) geographic(x, y, z float64) (lon, lat, height float64) {
	e2, f := e.e2(), e.flattening()
	a, b := e.SemiMajor, e.SemiMajor*(1-f)
	p := math.Hypot(x, y)
	s, c := math.Sincos(math.Atan2(z, p*(1-f)))
	for range 2 {
		phi := math.Atan2(z+e2/(1-e2)*b*s*s*s, p-e2*a*c*c*c)
		lat = phi
		s, c = math.Sincos(math.Atan2((1-f)*math.Sin(phi), math.Cos(phi)))
	}
	sp, cp := math.Sincos(lat)
	height = p*cp + z*sp - a*math.Sqrt(1-e2*sp*sp)
	return math.Atan2(y, x) / degree, lat / degree, height
}

// toWGS84 shifts degrees of the datum, taken on its ellipsoid.
func (d *Datum) toWGS84(lon, lat float64) (float64, float64) {
	x, y, z := d.Shift.apply(d.Ellipsoid.geocentric(lon, lat, 0))
	lon, lat, _ = WGS84.geographic(x, y, z)
	return lon, lat
}

// fromWGS84 is the inverse of toWGS84: the position on the datum's ellipsoid, so
// that there and back is the same place to less than 0.01 mm.
func (d *Datum) fromWGS84(lon, lat float64) (u, v float64) {
	height := 0.0
	for range 4 {
		x, y, z := d.Shift.undo(WGS84.geocentric(lon, lat, height))
		var above float64
		if u, v, above = d.Ellipsoid.geographic(x, y, z); math.Abs(above) < 1e-4 {
			break
		}
		height -= above
	}
	return u, v
}
