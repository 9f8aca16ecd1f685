package tiles

import (
	"math"

	"twind/spatial/tile"
)

// samples is how many features of a layer are asked where they are, to find where
// to look first.
const samples = 256

// sample is where a feature is, in world units, and from which zoom it is drawn.
type sample struct {
	x, y    float64
	minZoom uint8
}

// worldRect is a box in world units, not rounded.
type worldRect struct{ x0, y0, x1, y1 float64 }

func (b worldRect) middle() (x, y float64) { return (b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2 }

// sampled are features of the views that the reader may know of.
func (r *Request) sampled(views viewList) []sample {
	var out []sample
	for i, v := range views {
		if p := r.policy(i); p.Deny || p.Rows != nil {
			continue // a place would tell of rows that are hidden
		}
		total, minZoom := 0, v.Layer().MinZoom
		for _, s := range v.Segments() {
			total += s.N
		}
		for _, s := range v.Segments() {
			s.Sample(samples*s.N/max(1, total), func(x, y uint32) {
				out = append(out, sample{float64(x), float64(y), minZoom})
			})
		}
	}
	return out
}

// opening finds where to look first: at the zoom that shows the extent in about
// two tiles, the feature nearest to its middle. Where there is none near the
// middle, as between two towns far apart, it is that of where the most are.
func opening(extent worldRect, minZoom, maxZoom uint8, all []sample) (x, y float64, z uint8) {
	for {
		z = overview(extent, minZoom, maxZoom)
		x, y = extent.middle()
		drawn := drawnAt(all, z)
		if len(drawn) == 0 {
			return x, y, z
		}
		near := nearest(drawn, x, y)
		if math.Hypot(near.x-x, near.y-y) <= tileWidth(z)/4 {
			return near.x, near.y, z
		}
		if z == maxZoom {
			most := densest(drawn, z)
			x, y = rectOf(most).middle()
			near = nearest(most, x, y)
			return near.x, near.y, z
		}
		// They are in half the extent at most: the next zoom is a deeper one.
		all = densest(drawn, z+1)
		extent = rectOf(all)
	}
}

// overview is the deepest zoom that shows an extent in about two tiles.
func overview(e worldRect, minZoom, maxZoom uint8) uint8 {
	z := minZoom
	for z < maxZoom && max(e.x1-e.x0, e.y1-e.y0) < tileWidth(z+1)*2 {
		z++
	}
	return z
}

// tileWidth is in world units.
func tileWidth(z uint8) float64 { return math.Ldexp(1, 32-int(z)) }

// drawnAt are the samples that are drawn at a zoom, or all if none is.
func drawnAt(all []sample, z uint8) []sample {
	var out []sample
	for _, s := range all {
		if s.minZoom <= z {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// nearest is that of some samples, of which there is one at least.
func nearest(list []sample, x, y float64) sample {
	best, least := list[0], math.Inf(1)
	for _, s := range list {
		if d := math.Hypot(s.x-x, s.y-y); d < least {
			best, least = s, d
		}
	}
	return best
}

// densest are the samples in the tile of a zoom that has the most; the first of
// equal ones.
func densest(list []sample, z uint8) []sample {
	of := func(s sample) [2]float64 {
		return [2]float64{math.Floor(s.x / tileWidth(z)), math.Floor(s.y / tileWidth(z))}
	}
	count := map[[2]float64]int{}
	most := 0
	for _, s := range list {
		count[of(s)]++
		most = max(most, count[of(s)])
	}
	var best [2]float64
	for _, s := range list {
		if best = of(s); count[best] == most {
			break
		}
	}
	var out []sample
	for _, s := range list {
		if of(s) == best {
			out = append(out, s)
		}
	}
	return out
}

func rectOf(list []sample) worldRect {
	b := worldRect{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, s := range list {
		b.x0, b.x1 = min(b.x0, s.x), max(b.x1, s.x)
		b.y0, b.y1 = min(b.y0, s.y), max(b.y1, s.y)
	}
	return b
}

// degrees is a world position in degrees, to 7 digits, within bounds.
func degrees(x, y float64, bounds [4]float64) (lon, lat float64) {
	lon, lat = tile.LonLat(x, y)
	round := func(v float64) float64 { return math.Round(v*1e7) / 1e7 }
	return max(bounds[0], min(bounds[2], round(lon))), max(bounds[1], min(bounds[3], round(lat)))
}
