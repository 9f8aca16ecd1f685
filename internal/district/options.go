package district

import (
	"math"

	"twind/layers"
)

// The default centre of the district, degrees of CGCS2000.
const (
	Lon = 112.98
	Lat = 28.20
)

// Options of a district. Zero fields take the defaults named.
type Options struct {
	Seed          uint64  // 20261121
	Lon, Lat      float64 // centre, degrees; Lon, Lat
	Width, Height float64 // metres east–west and north–south; 3000. At least 1000, at most 30000
}

// The bounds of a district's sides, metres.
const (
	minSide = 1000
	maxSide = 30000
)

// EnsureDefaults fills what is zero.
func (o *Options) EnsureDefaults() {
	if o.Seed == 0 {
		o.Seed = 20261121
	}
	if o.Lon == 0 && o.Lat == 0 {
		o.Lon, o.Lat = Lon, Lat
	}
	if o.Width == 0 {
		o.Width = 3000
	}
	if o.Height == 0 {
		o.Height = 3000
	}
}

// Validate reports the first fault; it fails with layers.ErrInvalid.
func (o *Options) Validate() error {
	for _, side := range []float64{o.Width, o.Height} {
		if !(side >= minSide && side <= maxSide) {
			return layers.Errorf(layers.ErrInvalid, "a district of %g by %g m: expected sides of %d to %d m", o.Width, o.Height, minSide, maxSide)
		}
	}
	if !(math.Abs(o.Lon) <= 179 && math.Abs(o.Lat) <= 70) {
		return layers.Errorf(layers.ErrInvalid, "a district at %g, %g: expected a longitude within ±179 and a latitude within ±70 degrees", o.Lon, o.Lat)
	}
	return nil
}
