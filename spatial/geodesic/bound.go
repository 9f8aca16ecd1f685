package geodesic

import (
	"math"

	"twind/spatial"
)

// LeastRadius is the least radius of curvature of the spheroid, a(1−e²), that
// of the meridian at the equator: ds² ≥ LeastRadius²·(dφ² + cos²φ dλ²).
const LeastRadius = SemiMajor * (1 - ecc2)

// Bound is at most the distance in metres of any geometry whose vertices all lie
// in the envelope (degrees), although arcs bulge over it towards the poles.
func (o *Origin) Bound(e spatial.Envelope) float64 {
	width := (e.MaxX - e.MinX) * degree
	lo, hi := e.MinY, e.MaxY
	switch {
	case !(width < math.Pi) || hi-lo > 179:
		return 0 // an arc may lead around the other side of the world
	case width < 0.5:
		// The bulge is below Δλ²/16·(1+Δλ²/8…).
		b := 0.07 * width * width / degree
		if hi > 0 {
			hi = min(90, hi+b)
		}
		if lo < 0 {
			lo = max(-90, lo-b)
		}
	default:
		c := math.Cos(width / 2)
		if hi > 0 {
			hi = math.Atan(math.Tan(hi*degree)/c) / degree
		}
		if lo < 0 {
			lo = math.Atan(math.Tan(lo*degree)/c) / degree
		}
	}
	return max(0, o.boxAngle(e.MinX, lo, e.MaxX, hi)*LeastRadius*(1-1e-12)-1e-6)
}

// boxAngle is the angle to a box of longitudes and latitudes on the sphere.
func (o *Origin) boxAngle(minLon, minLat, maxLon, maxLat float64) float64 {
	west, east := math.Mod(minLon-o.lon, 360), math.Mod(o.lon-maxLon, 360)
	if west < 0 {
		west += 360
	}
	if east < 0 {
		east += 360
	}
	if west+east+maxLon-minLon > 540 || west == 0 || east == 0 {
		// The origin's meridian crosses the box.
		return max(0, minLat-o.lat, o.lat-maxLat) * degree
	}
	// Else the nearest place lies on the nearer of the two meridians.
	cos, side := math.Cos(min(west, east)*degree), math.Sin(min(west, east)*degree/2)
	angle := func(lat float64) float64 {
		half := math.Sin((lat - o.lat) * degree / 2)
		c := math.Cos(lat * degree)
		h := half*half + o.cos*c*side*side
		return 2 * math.Asin(math.Sqrt(min(1, h)))
	}
	if foot := math.Atan2(o.sin, o.cos*cos) / degree; minLat < foot && foot < maxLat {
		return angle(foot)
	}
	return min(angle(minLat), angle(maxLat))
}
