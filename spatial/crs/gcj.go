package crs

import "math"

// GCJ-02 is the offset system that Chinese map services must use, and BD-09
// Baidu's further offset of it. Both are published only as code; the constants
// and the series below are those of every public copy of it. They are no
// surveying systems: data that comes in them is converted at the edge and never
// stored so. All longitudes and latitudes here are degrees.

const (
	gcjA  = 6378245.0
	gcjE2 = 0.00669342162296594323
)

// InGCJ02Area tells whether the offset applies: a box around China; outside it
// GCJ-02 is WGS 84.
func InGCJ02Area(lon, lat float64) bool {
	return lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271
}

// WGS84ToGCJ02 offsets a position.
func WGS84ToGCJ02(lon, lat float64) (gcjLon, gcjLat float64) {
	if !InGCJ02Area(lon, lat) {
		return lon, lat
	}
	dLon, dLat := gcjOffset(lon, lat)
	return lon + dLon, lat + dLat
}

func gcjOffset(lon, lat float64) (dLon, dLat float64) {
	x, y := lon-105, lat-35
	root := math.Sqrt(math.Abs(x))
	wave := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	dLat = -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root + wave +
		(20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi))*2/3 +
		(160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	dLon = 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root + wave +
		(20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi))*2/3 +
		(150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3
	sin, cos := math.Sincos(lat * degree)
	w := 1 - gcjE2*sin*sin
	root = math.Sqrt(w)
	dLat = dLat * 180 / (gcjA * (1 - gcjE2) / (w * root) * math.Pi)
	dLon = dLon * 180 / (gcjA / root * cos * math.Pi)
	return dLon, dLat
}

// GCJ02ToWGS84 removes the offset by a fixed-point iteration, to less than
// 0.01 mm (one step, as many programs do, leaves up to 4.7 m).
func GCJ02ToWGS84(lon, lat float64) (wgsLon, wgsLat float64) {
	if !InGCJ02Area(lon, lat) {
		return lon, lat
	}
	wgsLon, wgsLat = lon, lat
	for range 10 {
		dLon, dLat := gcjOffset(wgsLon, wgsLat)
		nextLon, nextLat := lon-dLon, lat-dLat
		moved := math.Abs(nextLon-wgsLon) + math.Abs(nextLat-wgsLat)
		wgsLon, wgsLat = nextLon, nextLat
		if moved < 1e-12 {
			break
		}
	}
	return wgsLon, wgsLat
}

const bdTurn = math.Pi * 3000 / 180

// GCJ02ToBD09 offsets a position.
func GCJ02ToBD09(lon, lat float64) (bdLon, bdLat float64) {
	z := math.Hypot(lon, lat) + 0.00002*math.Sin(lat*bdTurn)
	theta := math.Atan2(lat, lon) + 0.000003*math.Cos(lon*bdTurn)
	sin, cos := math.Sincos(theta)
	return z*cos + 0.0065, z*sin + 0.006
}

// BD09ToGCJ02 removes the offset: the customary closed form, which leaves
// 0.22 m, refined to less than 0.01 mm.
func BD09ToGCJ02(lon, lat float64) (gcjLon, gcjLat float64) {
	x, y := lon-0.0065, lat-0.006
	z := math.Hypot(x, y) - 0.00002*math.Sin(y*bdTurn)
	theta := math.Atan2(y, x) - 0.000003*math.Cos(x*bdTurn)
	sin, cos := math.Sincos(theta)
	gcjLon, gcjLat = z*cos, z*sin
	for range 4 {
		bLon, bLat := GCJ02ToBD09(gcjLon, gcjLat)
		gcjLon += lon - bLon
		gcjLat += lat - bLat
	}
	return gcjLon, gcjLat
}

// WGS84ToBD09 goes by way of GCJ-02.
func WGS84ToBD09(lon, lat float64) (bdLon, bdLat float64) { return GCJ02ToBD09(WGS84ToGCJ02(lon, lat)) }

// BD09ToWGS84 goes by way of GCJ-02.
func BD09ToWGS84(lon, lat float64) (wgsLon, wgsLat float64) {
	return GCJ02ToWGS84(BD09ToGCJ02(lon, lat))
}
