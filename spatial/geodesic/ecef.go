package geodesic

import "math"

// Vec3 is a position or direction in metres in the earth-centred, earth-fixed
// frame of WGS 84 (EPSG:4978): x to latitude 0 longitude 0, z to the north pole.
type Vec3 [3]float64

// Add is a+b.
func (a Vec3) Add(b Vec3) Vec3 { return Vec3{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

// Sub is a−b.
func (a Vec3) Sub(b Vec3) Vec3 { return Vec3{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

// Scale is a·s.
func (a Vec3) Scale(s float64) Vec3 { return Vec3{a[0] * s, a[1] * s, a[2] * s} }

// Dot is the scalar product.
func (a Vec3) Dot(b Vec3) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// Norm is the length.
func (a Vec3) Norm() float64 { return math.Sqrt(a.Dot(a)) }

// ECEF places a longitude and latitude in degrees and a height above the
// ellipsoid in metres.
func ECEF(lon, lat, height float64) Vec3 {
	sl, cl := math.Sincos(lon * (math.Pi / 180))
	sp, cp := math.Sincos(lat * (math.Pi / 180))
	n := SemiMajor / math.Sqrt(1-ecc2*sp*sp)
	r := (n + height) * cp
	return Vec3{r * cl, r * sl, (n*(1-ecc2) + height) * sp}
}

// Geodetic is the inverse of ECEF: degrees, and metres above the ellipsoid. It is
// right to a nanometre within 100 km of the surface.
func Geodetic(p Vec3) (lon, lat, height float64) {
	const b = SemiMajor * (1 - Flattening)
	r := math.Hypot(p[0], p[1])
	// Bowring's start, then Newton's steps on the reduced latitude: two leave
	// less than the rounding of float64 near the surface.
	beta := math.Atan2(p[2]*SemiMajor, r*b)
	phi := 0.0
	for range 3 {
		sb, cb := math.Sincos(beta)
		phi = math.Atan2(p[2]+ecc2/(1-ecc2)*b*sb*sb*sb, r-ecc2*SemiMajor*cb*cb*cb)
		beta = math.Atan2((1-Flattening)*math.Sin(phi), math.Cos(phi))
	}
	sp, cp := math.Sincos(phi)
	n := SemiMajor / math.Sqrt(1-ecc2*sp*sp)
	height = r*cp + p[2]*sp - n*(1-ecc2*sp*sp)
	return math.Atan2(p[1], p[0]) * (180 / math.Pi), phi * (180 / math.Pi), height
}

// Local is a tangent frame: metres to the east, to the north, and up along the
// ellipsoid's normal from an origin. Far from the origin "up" is not the local
// vertical: z falls by d²/2R at a distance d. It is immutable.
type Local struct {
	Origin          Vec3 // of the frame
	East, North, Up Vec3 // unit vectors
}

// NewLocal is the frame at a longitude and latitude in degrees and a height above
// the ellipsoid in metres.
func NewLocal(lon, lat, height float64) Local {
	sl, cl := math.Sincos(lon * (math.Pi / 180))
	sp, cp := math.Sincos(lat * (math.Pi / 180))
	return Local{
		Origin: ECEF(lon, lat, height),
		East:   Vec3{-sl, cl, 0},
		North:  Vec3{-sp * cl, -sp * sl, cp},
		Up:     Vec3{cp * cl, cp * sl, sp},
	}
}

// From is a position of the earth in the frame: east, north, up in metres.
func (l *Local) From(p Vec3) (x, y, z float64) {
	d := p.Sub(l.Origin)
	return d.Dot(l.East), d.Dot(l.North), d.Dot(l.Up)
}

// To is the inverse of From.
func (l *Local) To(x, y, z float64) Vec3 {
	return Vec3{
		l.Origin[0] + x*l.East[0] + y*l.North[0] + z*l.Up[0],
		l.Origin[1] + x*l.East[1] + y*l.North[1] + z*l.Up[1],
		l.Origin[2] + x*l.East[2] + y*l.North[2] + z*l.Up[2],
	}
}

// Place is a longitude and latitude in degrees and an ellipsoidal height in the
// frame: From(ECEF(…)).
func (l *Local) Place(lon, lat, height float64) (x, y, z float64) {
	return l.From(ECEF(lon, lat, height))
}

// Radii are the radii of curvature in metres at a latitude in degrees: of the
// meridian, and across it.
func Radii(lat float64) (meridian, across float64) {
	s := math.Sin(lat * (math.Pi / 180))
	w := 1 - ecc2*s*s
	across = SemiMajor / math.Sqrt(w)
	return across * (1 - ecc2) / w, across
}
