package mesh

import (
	"math"

	"twind/spatial/grid"
)

// mender makes valid polygons of rings that cross or overlap themselves.
type mender struct {
	repairer       grid.Repairer
	rings, patched grid.Rings
}

// steps is how many steps of the grid the wider side of a footprint takes: 2 mm
// for one of 260 m.
const steps = 1 << 17

// mend replaces the cleaned rings by valid ones, several polygons one after the
// other: parts holds the exclusive end of each, in rings. It reports false, and
// changes nothing, when the rings cross too often or nothing is left.
func (e *Extruder) mend() bool {
	loX, loY, hiX, hiY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := 0; i < len(e.xy); i += 2 {
		loX, hiX = min(loX, e.xy[i]), max(hiX, e.xy[i])
		loY, hiY = min(loY, e.xy[i+1]), max(hiY, e.xy[i+1])
	}
	scale := steps / max(hiX-loX, hiY-loY)
	if !(scale > 0) || math.IsInf(scale, 0) {
		return false
	}
	m := &e.mender
	m.rings.Reset()
	m.patched.Reset()
	e.eachRing(func(from, end int32) {
		for i := 2 * from; i < 2*end; i += 2 {
			m.rings.XY = append(m.rings.XY, int32(math.Round((e.xy[i]-loX)*scale)), int32(math.Round((e.xy[i+1]-loY)*scale)))
		}
		m.rings.Close(from > 0)
	})
	if !m.repairer.Repair(&m.patched, &m.rings) || m.patched.Len() == 0 {
		return false
	}
	e.xy, e.ends, e.parts = e.xy[:0], e.ends[:0], e.parts[:0]
	for i := range m.patched.Len() {
		if i > 0 && !m.patched.Hole[i] {
			e.parts = append(e.parts, int32(i))
		}
		ring := m.patched.Ring(i)
		for k := 0; k < len(ring); k += 2 {
			e.xy = append(e.xy, loX+float64(ring[k])/scale, loY+float64(ring[k+1])/scale)
		}
		e.ends = append(e.ends, int32(len(e.xy)/2))
	}
	e.parts = append(e.parts, int32(m.patched.Len()))
	return true
}

// mended draws the cleaned part after mending its rings.
func (e *Extruder) mended(to Sinks, base, top float64) bool {
	if !e.mend() {
		return false
	}
	xy, ends := e.xy, e.ends
	drawn := false
	ring, vertex := int32(0), int32(0)
	e.single = e.single[:0]
	for _, end := range e.parts {
		e.single = e.single[:0]
		for _, v := range ends[ring:end] {
			e.single = append(e.single, v-vertex)
		}
		e.xy, e.ends = xy[2*vertex:2*ends[end-1]], e.single
		e.cuts, _ = e.tri.Triangulate(e.cuts[:0], e.xy, e.ends)
		if len(e.cuts) > 0 {
			e.prism(to, base, top)
			drawn = true
		}
		ring, vertex = end, ends[end-1]
	}
	e.xy, e.ends = xy, ends
	return drawn
}
