//go:build proof

package load

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// The city: 60 × 60 km around a centre, in degrees.
const (
	centreLon, centreLat = -74.0, 40.7
	degLon, degLat       = 0.711, 0.540
)

// fleet is vehicles that drive through the city.
type fleet struct {
	lon, lat, course, speed []float64 // degrees, degrees, degrees, m/s
}

func newFleet(n int, rng *rand.Rand) *fleet {
	f := &fleet{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := range n {
		f.lon[i] = centreLon + (rng.Float64()-.5)*degLon
		f.lat[i] = centreLat + (rng.Float64()-.5)*degLat
		f.course[i], f.speed[i] = rng.Float64()*360, rng.Float64()*20
	}
	return f
}

// drive moves vehicles from to to−1 on by a second and turns them back at the
// city's border.
func (f *fleet) drive(from, to int, rng *rand.Rand) {
	for i := from; i < to; i++ {
		sin, cos := math.Sincos(f.course[i] * math.Pi / 180)
		f.lat[i] += f.speed[i] * cos / 111_200
		f.lon[i] += f.speed[i] * sin / 84_400
		if math.Abs(f.lon[i]-centreLon) > degLon/2 || math.Abs(f.lat[i]-centreLat) > degLat/2 {
			f.course[i] = math.Mod(f.course[i]+180, 360)
		} else {
			f.course[i] = math.Mod(f.course[i]+rng.Float64()*10-5+360, 360)
		}
	}
}

// appendLines appends vehicles from to to−1 as NDJSON, as of a time.
func (f *fleet) appendLines(b []byte, from, to int, at time.Time) []byte {
	for i := from; i < to; i++ {
		b = append(b, `{"layer":"vehicles","id":"vehicle-`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `","time":"`...)
		b = at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
		b = append(b, `","lon":`...)
		b = strconv.AppendFloat(b, f.lon[i], 'f', 7, 64)
		b = append(b, `,"lat":`...)
		b = strconv.AppendFloat(b, f.lat[i], 'f', 7, 64)
		b = append(b, `,"course":`...)
		b = strconv.AppendFloat(b, f.course[i], 'f', 1, 64)
		b = append(b, `,"speed":`...)
		b = strconv.AppendFloat(b, f.speed[i], 'f', 1, 64)
		b = append(b, `,"properties":{"line":"`...)
		b = strconv.AppendInt(b, int64(i%20), 10)
		b = append(b, `","load":`...)
		b = strconv.AppendInt(b, int64(i%7), 10)
		b = append(b, "}}\n"...)
	}
	return b
}
