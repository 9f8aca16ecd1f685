package pyramid

import (
	"math"

	"twind/layers/snapshot"
	"twind/spatial/grid"
	"twind/spatial/simplify"
)

// geometry is the paths of one feature in the making.
type geometry struct {
	kinds  []snapshot.PathKind
	ends   []uint32 // in vertices
	xy     []uint32
	pinned []bool
	convex bool // one ring that is sure to be valid

	snapped []uint32
	pins    []bool
	keep    []bool
	rings   grid.Rings
	checker grid.Checker
}

func (g *geometry) reset() {
	g.kinds, g.ends, g.xy, g.pinned, g.convex = g.kinds[:0], g.ends[:0], g.xy[:0], g.pinned[:0], false
}

// close ends the path whose vertices were appended.
func (g *geometry) close(kind snapshot.PathKind) {
	for len(g.pinned) < len(g.xy)/2 {
		g.pinned = append(g.pinned, false)
	}
	g.kinds = append(g.kinds, kind)
	g.ends = append(g.ends, uint32(len(g.xy)/2))
}

// round is an ordinate on a grid of a power of two, halves up, within the world.
func round(v uint32, step uint64) uint32 {
	return uint32(min((uint64(v)+step/2)&^(step-1), math.MaxUint32))
}

// snap fills snapped and pins with a path on the grid, without repeated vertices.
func (g *geometry) snap(xy []uint32, pinned func(v int) bool, step uint64) {
	g.snapped, g.pins = g.snapped[:0], g.pins[:0]
	for i := 0; i+1 < len(xy); i += 2 {
		x, y := round(xy[i], step), round(xy[i+1], step)
		pin := pinned != nil && pinned(i/2)
		if n := len(g.snapped); n > 0 && g.snapped[n-2] == x && g.snapped[n-1] == y {
			g.pins[n/2-1] = g.pins[n/2-1] || pin
			continue
		}
		g.snapped, g.pins = append(g.snapped, x, y), append(g.pins, pin)
	}
}

func (g *geometry) marks(n int) []bool {
	if cap(g.keep) < n {
		g.keep = make([]bool, n+n/2)
	}
	g.keep = g.keep[:n]
	clear(g.keep)
	return g.keep
}

// take appends the snapped vertices that are kept.
func (g *geometry) take() {
	for i, k := range g.keep {
		if k {
			g.xy = append(g.xy, g.snapped[2*i], g.snapped[2*i+1])
			g.pinned = append(g.pinned, g.pins[i])
		}
	}
}

// ring appends a closed ring, simplified; it reports false, and appends nothing,
// when less than a triangle is left of it.
func (g *geometry) ring(kind snapshot.PathKind, xy []uint32, pinned func(int) bool, step uint64, tolerance float64) bool {
	g.snap(xy, pinned, step)
	n := len(g.snapped) / 2
	if n < 4 {
		return false
	}
	g.pins[0] = g.pins[0] || g.pins[n-1]
	g.pins[n-1] = g.pins[0]
	simplify.Ring(g.snapped, g.pins, tolerance, g.marks(n))
	before := len(g.xy)
	g.take()
	// A ring that does not begin at a kept vertex is closed by hand.
	if last := len(g.xy); last > before && (g.xy[before] != g.xy[last-2] || g.xy[before+1] != g.xy[last-1]) {
		g.xy, g.pinned = append(g.xy, g.xy[before], g.xy[before+1]), append(g.pinned, g.pinned[before/2])
	}
	if len(g.xy)-before < 8 || ringArea(g.xy[before:]) == 0 {
		g.xy, g.pinned = g.xy[:before], g.pinned[:before/2]
		return false
	}
	g.close(kind)
	return true
}

// line appends a line, simplified; it reports false when it is a dot.
func (g *geometry) line(xy []uint32, step uint64, tolerance float64) bool {
	g.snap(xy, nil, step)
	n := len(g.snapped) / 2
	if n < 2 {
		return false
	}
	simplify.Line(g.snapped, tolerance, g.marks(n))
	g.take()
	g.close(snapshot.PathLine)
	return true
}

// simpleFrom is the segment's SimpleFrom for a cell of a zoom: 0 when the rings
// are sure to be valid on its grid, else never.
func (g *geometry) simpleFrom(z uint8) uint8 {
	if g.convex {
		return 0
	}
	shift := uint(0)
	if z < 20 {
		shift = 20 - uint(z)
	}
	g.rings.Reset()
	polygons, lo := false, uint32(0)
	for p, kind := range g.kinds {
		hi := g.ends[p]
		if kind != snapshot.PathShell && kind != snapshot.PathHole {
			return polygonOnly(polygons)
		}
		polygons = true
		begin := len(g.rings.XY)
		for v := lo; v+1 < hi; v++ {
			x, y := int64(g.xy[2*v]>>shift)-int64(g.xy[0]>>shift), int64(g.xy[2*v+1]>>shift)-int64(g.xy[1]>>shift)
			if max(x, -x, y, -y) >= grid.MaxExtent/2 {
				return snapshot.NeverSimple
			}
			if n := len(g.rings.XY); n == begin || int32(x) != g.rings.XY[n-2] || int32(y) != g.rings.XY[n-1] {
				g.rings.XY = append(g.rings.XY, int32(x), int32(y))
			}
		}
		if !g.rings.Close(kind == snapshot.PathHole) {
			return snapshot.NeverSimple
		}
		lo = hi
	}
	if polygons && !g.checker.Valid(&g.rings) {
		return snapshot.NeverSimple
	}
	return 0
}

// polygonOnly is SimpleFrom where other paths stand beside polygons.
func polygonOnly(polygons bool) uint8 {
	if polygons {
		return snapshot.NeverSimple
	}
	return 0
}
