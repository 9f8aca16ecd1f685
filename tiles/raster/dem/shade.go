package dem

import "math"

// Light of the shaded relief: from the north-west, half-way up, as is customary.
const (
	azimuth  = 315.0 // degrees clockwise from north
	altitude = 45.0  // degrees above the horizon
)

// flat is the grey of level ground.
var flat = grey(math.Sin(altitude * math.Pi / 180))

// grey is the shade of a surface by the cosine of the angle to the light: 1 to
// 255, as gdaldem has it.
func grey(cos float64) byte {
	if cos <= 0 {
		return 1
	}
	return byte(1 + 254*cos + 0.5)
}

// horn shades the inside of a window of w·h heights that has a border of one:
// (w−2)·(h−2) greys into dst, 0 where there is no height. cell(row) is the size
// in metres of the pixels of a row of dst. Where a neighbour has no height that of
// the middle stands for it.
//
// Source: B. K. P. Horn, Hill shading and the reflectance map, Proc. IEEE 69
// (1981), with the weights of the eight neighbours that bear this name.
func horn(z []float32, w, h int, cell func(row int) float64, dst []byte) {
	az, alt := azimuth*math.Pi/180, altitude*math.Pi/180
	// The light's direction: east, north, up.
	le, ln, lu := math.Cos(alt)*math.Sin(az), math.Cos(alt)*math.Cos(az), math.Sin(alt)
	for y := 1; y < h-1; y++ {
		scale := 1 / (8 * cell(y-1))
		for x := 1; x < w-1; x++ {
			i := (y-1)*(w-2) + x - 1
			c := z[y*w+x]
			if c != c {
				dst[i] = 0
				continue
			}
			at := func(dx, dy int) float64 {
				if v := z[(y+dy)*w+x+dx]; v == v {
					return float64(v)
				}
				return float64(c)
			}
			west := at(-1, -1) + 2*at(-1, 0) + at(-1, 1)
			east := at(1, -1) + 2*at(1, 0) + at(1, 1)
			north := at(-1, -1) + 2*at(0, -1) + at(1, -1)
			south := at(-1, 1) + 2*at(0, 1) + at(1, 1)
			dx, dy := (east-west)*scale, (north-south)*scale // rise to the east and to the north
			dst[i] = grey((lu - le*dx - ln*dy) / math.Sqrt(1+dx*dx+dy*dy))
		}
	}
}

// greyAlpha makes greys pixels of grey and opacity: nothing where 0.
func greyAlpha(dst, greys []byte) {
	for i, g := range greys {
		dst[2*i], dst[2*i+1] = g, 255
		if g == 0 {
			dst[2*i+1] = 0
		}
	}
}

// overlay makes greys a layer of black and white to lie over a map: level ground
// is transparent. Over a ground of the grey of level ground it is the shaded
// relief itself.
func overlay(dst, greys []byte) {
	for i, g := range greys {
		switch {
		case g == 0:
			dst[2*i], dst[2*i+1] = 0, 0
		case g < flat:
			dst[2*i], dst[2*i+1] = 0, byte((int(flat-g)*255+int(flat)/2)/int(flat))
		default:
			dst[2*i], dst[2*i+1] = 255, byte((int(g-flat)*255+int(255-flat)/2)/int(255-flat))
		}
	}
}
