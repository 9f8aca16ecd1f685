package district

import (
	"math"
	"strconv"

	"twind/layers"
	"twind/spatial"
)

// streets calls yield for each stretch of street between two crossings, whose
// ends are those of the streets it meets.
func (d *District) streets(yield func(*layers.Feature) bool) {
	pl := d.plan
	id, more := 0, true
	pl.pieces(func(p piece) {
		if !more {
			return
		}
		id++
		l := pl.street(p)
		from, to := pl.ends(p)
		n := max(1, int(math.Ceil((to-from)/bend)))
		var xy []float64
		length := 0.0
		last := along(p.vertical, l.at, from, 0)
		for k := range n + 1 {
			at := along(p.vertical, l.at, from+float64(float64(k)/float64(n)*(to-from)), 0)
			if k == n {
				at = along(p.vertical, l.at, to, 0)
			}
			lon, lat := pl.lonLat(at)
			xy = append(xy, lon, lat)
			length += pl.length(last, at)
			last = at
		}
		across := pl.vs
		if !p.vertical {
			across = pl.us
		}
		c := &classes[l.class]
		more = yield(&layers.Feature{ID: strconv.Itoa(id), Geometry: spatial.NewLineString(xy), Properties: []layers.Value{
			layers.StringValue(l.name), layers.StringValue(c.name), layers.FloatValue(2 * c.half), layers.IntValue(c.lanes), layers.IntValue(c.maxspeed),
			layers.FloatValue(math.Round(length*100) / 100), layers.StringValue(across[p.from].name), layers.StringValue(across[p.to].name),
		}})
	})
}
