package shapefile

import (
	"encoding/binary"
	"fmt"
	"sort"

	"twind/spatial"
)

// ring is one ring of a polygon record.
type ring struct {
	lo, hi int32 // vertices
	area   float64
	box    spatial.Envelope
	shell  int // index of the ring that it is a hole of; itself for a shell
}

// assemble groups the rings of a record, which stand in any order, into
// polygons: shells turn clockwise, holes counterclockwise, and a hole belongs to
// the smallest shell around it (J-7855, p. 8). One ring alone is a shell however
// it turns, and so is a ring that turns like a hole and lies in no shell. Where
// no ring turns clockwise, the writer did not know the rule: then a ring is a
// hole if it lies inside an odd number of others.
func (p *shapes) assemble(g *spatial.Geometry) {
	g.Type = spatial.Polygon
	if len(g.Ends) == 1 {
		return
	}
	rings := p.rings[:0]
	lo := int32(0)
	anyShell := false
	for i, hi := range g.Ends {
		r := ring{lo: lo, hi: hi, shell: i, box: spatial.EmptyEnvelope()}
		xy := g.XY[2*lo : 2*hi]
		for k := 0; k+3 < len(xy); k += 2 {
			// relative to the first vertex, which keeps digits
			r.area += (xy[k]-xy[0])*(xy[k+3]-xy[1]) - (xy[k+2]-xy[0])*(xy[k+1]-xy[1])
		}
		for k := 0; k+1 < len(xy); k += 2 {
			r.box = r.box.Add(xy[k], xy[k+1])
		}
		anyShell = anyShell || r.area < 0
		rings = append(rings, r)
		lo = hi
	}
	p.rings = rings
	if anyShell {
		for i := range rings {
			if rings[i].area > 0 {
				rings[i].shell = p.smallestAround(g, i, func(j int) bool { return rings[j].area < 0 })
				if rings[i].shell == i {
					p.orphans++
				}
			}
		}
	} else {
		inside := make([]int, len(rings))
		for i := range rings {
			for j := range rings {
				if i != j && p.contains(g, j, i) {
					inside[i]++
				}
			}
		}
		for i := range rings {
			if inside[i]%2 == 1 {
				rings[i].shell = p.smallestAround(g, i, func(j int) bool { return inside[j]%2 == 0 })
			}
		}
	}
	p.reorder(g)
}

// smallestAround is the smallest ring that contains ring i and may be its shell;
// i itself if there is none.
func (p *shapes) smallestAround(g *spatial.Geometry, i int, may func(int) bool) int {
	best := i
	for j := range p.rings {
		if j != i && may(j) && p.contains(g, j, i) && (best == i || abs(p.rings[j].area) < abs(p.rings[best].area)) {
			best = j
		}
	}
	return best
}

func abs(v float64) float64 {
	if v < 0 {
		return -v
	}
	return v
}

// contains tells whether ring j lies around ring i: by the first vertex of i that
// is not on j's border.
func (p *shapes) contains(g *spatial.Geometry, j, i int) bool {
	in, out := p.rings[i], p.rings[j]
	if !out.box.Contains(in.box) || abs(out.area) < abs(in.area) {
		return false
	}
	for v := in.lo; v < in.hi; v++ {
		switch side(g.XY[2*out.lo:2*out.hi], g.XY[2*v], g.XY[2*v+1]) {
		case 1:
			return true
		case -1:
			return false
		}
	}
	return true // every vertex is on the border
}

// side is 1 for a point inside a ring, −1 outside, 0 on its border.
func side(xy []float64, x, y float64) int {
	inside := false
	for k := 0; k+3 < len(xy); k += 2 {
		x0, y0, x1, y1 := xy[k], xy[k+1], xy[k+2], xy[k+3]
		cross := (x1-x0)*(y-y0) - (x-x0)*(y1-y0)
		if cross == 0 && x >= min(x0, x1) && x <= max(x0, x1) && y >= min(y0, y1) && y <= max(y0, y1) {
			return 0
		}
		if (y0 > y) != (y1 > y) && (cross > 0) == (y1 > y0) {
			inside = !inside
		}
	}
	if inside {
		return 1
	}
	return -1
}

// reorder puts each shell's holes behind it and sets the polygons' ends.
func (p *shapes) reorder(g *spatial.Geometry) {
	order := make([]int, len(p.rings))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := order[a], order[b]
		if sx, sy := p.rings[x].shell, p.rings[y].shell; sx != sy {
			return sx < sy
		}
		return p.rings[x].shell == x && p.rings[y].shell != y
	})
	polygons := 0
	inOrder := true
	for i, r := range p.rings {
		if r.shell == i {
			polygons++
		}
		inOrder = inOrder && order[i] == i
	}
	if !inOrder {
		xy, z := make([]float64, 0, len(g.XY)), g.Z
		if len(z) > 0 {
			z = make([]float64, 0, len(g.Z))
		}
		ends := make([]int32, 0, len(g.Ends))
		for _, i := range order {
			r := p.rings[i]
			xy = append(xy, g.XY[2*r.lo:2*r.hi]...)
			if len(g.Z) > 0 {
				z = append(z, g.Z[r.lo:r.hi]...)
			}
			ends = append(ends, int32(len(xy)/2))
		}
		g.XY, g.Z, g.Ends = xy, z, ends
	}
	if polygons == 1 {
		return
	}
	g.Type = spatial.MultiPolygon
	for k, i := range order {
		if k > 0 && p.rings[i].shell == i {
			g.Parts = append(g.Parts, int32(k))
		}
	}
	g.Parts = append(g.Parts, int32(len(order)))
}

// patches makes a multipatch (J-7855, p. 22) a MultiPolygon with heights: strips
// and fans become their triangles, rings become polygons.
func (p *shapes) patches(b []byte, g *spatial.Geometry) string {
	var src spatial.Geometry
	n, rest, fault := p.parts(b, 4, &src)
	if fault != "" || n == 0 {
		return fault
	}
	kinds := rest[:4*len(src.Ends)]
	if fault := p.points(rest[4*len(src.Ends):], n, true, false, &src); fault != "" {
		return fault
	}
	add := func(v ...int32) {
		for _, i := range v {
			g.XY = append(g.XY, src.XY[2*i], src.XY[2*i+1])
			g.Z = append(g.Z, src.Z[i])
		}
	}
	triangle := func(a, b, c int32) {
		add(a, b, c, a)
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
		g.Parts = append(g.Parts, int32(len(g.Ends)))
	}
	lo := int32(0)
	for i, hi := range src.Ends {
		switch kind := int32(binary.LittleEndian.Uint32(kinds[4*i:])); kind {
		case 0: // triangle strip
			for v := lo; v+2 < hi; v++ {
				if (v-lo)%2 == 0 {
					triangle(v, v+1, v+2)
				} else {
					triangle(v+1, v, v+2)
				}
			}
		case 1: // triangle fan
			for v := lo + 1; v+1 < hi; v++ {
				triangle(lo, v, v+1)
			}
		case 2, 3, 4, 5: // outer ring, inner ring, first ring, ring
			for v := lo; v < hi; v++ {
				add(v)
			}
			g.Ends = append(g.Ends, int32(len(g.XY)/2))
			if kind == 3 && len(g.Parts) > 0 {
				g.Parts[len(g.Parts)-1] = int32(len(g.Ends))
			} else {
				g.Parts = append(g.Parts, int32(len(g.Ends)))
			}
		default:
			return fmt.Sprintf("part %d is of kind %d, which multipatches do not have", i, kind)
		}
		lo = hi
	}
	if len(g.Ends) > 0 {
		g.Type = spatial.MultiPolygon
	}
	return ""
}
