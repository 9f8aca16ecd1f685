package tiles3d

import (
	"math"

	"twind/spatial/geodesic"
	"twind/spatial/tile"
)

// volumeKind is how the tiles of a layer are bounded.
type volumeKind uint8

const (
	asRegion volumeKind = iota
	asBox
)

// volume is a bounding volume of 3D Tiles 1.1 §9.2.
type volume struct {
	Region *[6]float64  `json:"region,omitempty"` // west, south, east, north in radians, heights in metres
	Box    *[12]float64 `json:"box,omitempty"`    // centre and half axes in metres, earth-centred
}

// slack is what rounding may need: boxes are stored in world units of a centimetre,
// positions in steps of one, volumes in millimetres.
const slack = 0.03

// worldUnit is the length of a world unit at the equator in metres; elsewhere one
// is shorter.
const worldUnit = 2 * math.Pi * geodesic.SemiMajor / tile.WorldSize

// region is the bound as degrees west, south, east, north and metres low, high.
// Between vertices an edge is a chord: it bows out of a region sideways and
// downwards by d²/8R.
func (b bound) region() [6]float64 {
	west, north := tile.LonLat(float64(b.box.MinX), float64(b.box.MinY))
	east, south := tile.LonLat(float64(b.box.MaxX), float64(b.box.MaxY))
	perLat := math.Pi / 180 * geodesic.LeastRadius
	perLon := perLat * math.Cos(max(math.Abs(north), math.Abs(south))*math.Pi/180)
	span := float64(b.span) * worldUnit
	bow := span * span / (8 * geodesic.LeastRadius)
	pad := b.pad + slack + bow
	dLon, dLat := pad/max(perLon, 1), pad/perLat
	return [6]float64{west - dLon, south - dLat, east + dLon, north + dLat, b.low - slack - bow, b.high + slack + bow}
}

// volume is the bound in JSON.
func (b bound) volume(kind volumeKind) volume {
	r := b.region()
	if kind == asBox && r[2]-r[0] < 0.5 && r[3]-r[1] < 0.5 {
		return volume{Box: boxAround(r)}
	}
	const rad = math.Pi / 180
	out := [6]float64{r[0] * rad, r[1] * rad, r[2] * rad, r[3] * rad, r[4], r[5]}
	for k := range 4 {
		out[k] = math.Round(out[k]*1e10) / 1e10 // 0.6 mm
	}
	out[4], out[5] = millimetres(out[4]), millimetres(out[5])
	return volume{Region: &out}
}

// boxAround is a box along east, north and up at the middle of a region, around
// all of it.
func boxAround(r [6]float64) *[12]float64 {
	frame := geodesic.NewLocal((r[0]+r[2])/2, (r[1]+r[3])/2, (r[4]+r[5])/2)
	lo, hi := [3]float64{}, [3]float64{}
	for _, lon := range []float64{r[0], (r[0] + r[2]) / 2, r[2]} {
		for _, lat := range []float64{r[1], (r[1] + r[3]) / 2, r[3]} {
			for _, h := range []float64{r[4], r[5]} {
				x, y, z := frame.Place(lon, lat, h)
				for k, v := range [3]float64{x, y, z} {
					lo[k], hi[k] = min(lo[k], v), max(hi[k], v)
				}
			}
		}
	}
	c := frame.To((lo[0]+hi[0])/2, (lo[1]+hi[1])/2, (lo[2]+hi[2])/2)
	out := [12]float64{c[0], c[1], c[2]}
	for k, axis := range []geodesic.Vec3{frame.East, frame.North, frame.Up} {
		half := axis.Scale((hi[k] - lo[k]) / 2)
		copy(out[3+3*k:], half[:])
	}
	for k := range out {
		out[k] = math.Round(out[k]*1e6) / 1e6 // an axis of some metres must not turn one of a kilometre aside
	}
	return &out
}

// millimetres rounds to them: what is said of a volume need not be longer.
func millimetres(v float64) float64 { return math.Round(v*1000) / 1000 }
