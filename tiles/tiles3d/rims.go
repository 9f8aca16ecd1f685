package tiles3d

import (
	"math"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
)

// Reach of the ground that covers of manholes tell, and how fine they are sorted.
const (
	rimReach = 250.0    // metres beyond which a rim says nothing of the ground
	rimCell  = 1. / 512 // degrees, about 200 m
	rimsUsed = 6
)

// rims is the ground as the covers of manholes and other nodes show it: between
// them the mean of the nearest, weighted by the inverse square of the distance. It
// is immutable.
type rims struct {
	cells map[[2]int32][]rim
	key   uint64
}

type rim struct{ lon, lat, height float64 }

// add reads the rims of a layer of nodes: its property, else the heights of its
// points, which are those of the ground.
func (r *rims) add(v View) {
	c := column(v.Layer(), nil, true, "rim", "ground_elevation", "地面高程")
	for _, s := range v.Segments() {
		exact, heights := s.Exact(), s.Heights()
		for i := range s.N {
			if !s.Alive(i) || !hasPath(s.Segment, i, snapshot.PathPoints) {
				continue
			}
			lo, _ := s.Vertices(i)
			h := numberOf(raw(s.Segment, c, i))
			if c < 0 && s.Flags[i]&snapshot.FlagHeights != 0 {
				h = heights[lo]
			}
			if !(math.Abs(h) < maxElevation) || h == 0 { // 0 stands for unknown in many records
				continue
			}
			p := rim{exact[2*lo], exact[2*lo+1], h}
			k := rimCellOf(p.lon, p.lat)
			r.cells[k] = append(r.cells[k], p)
			r.key += mix(math.Float64bits(p.lon) ^ mix(math.Float64bits(p.lat)^mix(math.Float64bits(h))))
		}
	}
}

func rimCellOf(lon, lat float64) [2]int32 {
	return [2]int32{int32(math.Floor(lon / rimCell)), int32(math.Floor(lat / rimCell))}
}

// Height implements Ground.
func (r *rims) Height(lon, lat float64) (float64, bool) {
	if len(r.cells) == 0 {
		return 0, false
	}
	const perDegree = 111_195.0
	scale := math.Cos(lat * math.Pi / 180)
	at := rimCellOf(lon, lat)
	wide := int32(math.Ceil(rimReach / (rimCell * perDegree * max(scale, 0.05))))
	tall := int32(math.Ceil(rimReach / (rimCell * perDegree)))
	var near [rimsUsed]struct{ square, height float64 }
	n := 0
	for x := at[0] - wide; x <= at[0]+wide; x++ {
		for y := at[1] - tall; y <= at[1]+tall; y++ {
			for _, p := range r.cells[[2]int32{x, y}] {
				dx, dy := (p.lon-lon)*scale*perDegree, (p.lat-lat)*perDegree
				d := dx*dx + dy*dy
				if d > rimReach*rimReach || n == rimsUsed && d >= near[n-1].square {
					continue
				}
				k := min(n, rimsUsed-1)
				for ; k > 0 && near[k-1].square > d; k-- {
					near[k] = near[k-1]
				}
				near[k].square, near[k].height = d, p.height
				n = min(n+1, rimsUsed)
			}
		}
	}
	sum, weight := 0.0, 0.0
	for _, p := range near[:n] {
		w := 1 / (p.square + 1e-4) // at a rim itself it alone decides
		sum += w * p.height
		weight += w
	}
	return sum / weight, n > 0
}

// ground is what a scene stands on: the elevation model where it knows, else rims.
type ground struct {
	model Ground // may be nil
	rims  *rims  // may be nil
	name  string // of its state
}

// Height implements Ground.
func (g *ground) Height(lon, lat float64) (float64, bool) {
	if g.model != nil {
		if h, ok := g.model.Height(lon, lat); ok {
			return h, true
		}
	}
	if g.rims == nil {
		return 0, false
	}
	return g.rims.Height(lon, lat)
}

// rimLayers are the layers whose points tell the ground.
func rimLayers(list []layers.Layer) (ids []layers.ID) {
	for i := range list {
		l := &list[i]
		if l.Kind != layers.KindNode || l.Live != nil {
			continue
		}
		if column(l, nil, true, "rim", "ground_elevation", "地面高程") >= 0 {
			ids = append(ids, l.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
