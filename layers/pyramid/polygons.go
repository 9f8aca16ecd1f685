package pyramid

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// polygon is one that is drawn by itself.
type polygon struct {
	candidate
	area float64 // as the layer has it
}

// limitPolygons orders the polygons, the largest first, and merges those beyond
// what a cell may hold.
func (b *builder) limitPolygons() {
	slices.SortStableFunc(b.polygons, func(x, y polygon) int { return cmp.Compare(y.area, x.area) })
	for n := len(b.polygons); n > maxPolygons; n-- {
		p := b.polygons[n-1]
		count := uint32(1)
		if in := b.inputs[p.input]; in.cell != nil {
			count = in.cell.Count[p.feature]
		}
		b.merge(p.candidate, p.area, count)
		b.polygons = b.polygons[:n-1]
	}
}

// drawPolygons simplifies within half a pixel, or as much more as the bound of
// vertices asks for. What less than a triangle is left of is merged.
func (b *builder) drawPolygons() {
	factor := 1.0
	for b.countVertices(factor) > maxVertices && factor < 1<<12 {
		factor *= 2
	}
	for _, p := range b.polygons {
		b.geom.reset()
		shells := b.simplified(p.candidate, factor)
		if shells == 0 {
			b.merge(p.candidate, p.area, 1)
			continue
		}
		b.put(RoleFeature, p.candidate, 1, p.area, func(column int) uint32 { return b.value(p.candidate, column) })
	}
}

// countVertices is what all polygons come to.
func (b *builder) countVertices(factor float64) (n int) {
	raw := 0
	for _, p := range b.polygons {
		lo, hi := b.inputs[p.input].seg.Vertices(int(p.feature))
		raw += hi - lo
	}
	if raw <= maxVertices {
		return raw
	}
	for _, p := range b.polygons {
		b.geom.reset()
		b.simplified(p.candidate, factor)
		n += len(b.geom.xy) / 2
	}
	return n
}

// simplified appends a feature's paths to the geometry at hand and counts the
// shells that are left. Parts and holes below a quarter of a square pixel are left
// out, if a larger shell stays.
func (b *builder) simplified(c candidate, factor float64) (shells int) {
	in, g := b.inputs[c.input], &b.geom
	step := snapUnits * unit(b.z) * uint64(factor)
	tolerance := pixel(b.z) / 2 * factor
	least := pixel(b.z) * pixel(b.z) / 4
	alone := in.shells(c.feature) == 1
	open := false // the last shell is drawn
	for p := in.seg.FeaturePath[c.feature]; p < in.seg.FeaturePath[c.feature+1]; p++ {
		xy := in.path(p)
		switch kind := in.seg.PathKinds[p]; kind {
		case snapshot.PathShell:
			if open = (alone || ringArea(xy) >= least) && g.ring(kind, xy, b.pinned(in, p, xy), step, tolerance); open {
				shells++
			}
		case snapshot.PathHole:
			if open && ringArea(xy) >= least {
				g.ring(kind, xy, b.pinned(in, p, xy), step, tolerance)
			}
		case snapshot.PathLine:
			g.line(xy, step, tolerance)
		case snapshot.PathPoints:
			for i := 0; i+1 < len(xy); i += 2 {
				g.xy = append(g.xy, round(xy[i], step), round(xy[i+1], step))
			}
			if len(xy) > 0 {
				g.close(kind)
			}
		}
	}
	return shells
}

func (in *input) shells(f uint32) (n int) {
	for p := in.seg.FeaturePath[f]; p < in.seg.FeaturePath[f+1]; p++ {
		if in.seg.PathKinds[p] == snapshot.PathShell {
			n++
		}
	}
	return n
}

// pinned tells which vertices of a path must stay; nil when none.
func (b *builder) pinned(in *input, p uint32, xy []uint32) func(int) bool {
	if !b.s.shared {
		return nil
	}
	if in.cell != nil {
		first := in.seg.PathVertex[p]
		return func(v int) bool { return in.cell.Pinned[first+uint32(v)] }
	}
	return func(v int) bool { return b.pins.has(xy[2*v], xy[2*v+1]) }
}

// pins knows the vertices where borders of the layer's polygons meet: those that
// have other neighbours in one ring than in another.
type pins struct {
	all  bool // too many to be told apart: every vertex
	seen map[uint64]corner
}

type corner struct {
	a, b   uint64 // the neighbours, a the lesser
	pinned bool
}

func (p *pins) has(x, y uint32) bool {
	return p == nil || p.all || p.seen[uint64(x)<<32|uint64(y)].pinned
}

// findPins looks at the polygons and at all that touch their boxes.
func (b *builder) findPins(v Source) *pins {
	boxes := snapshot.EmptyBox
	for _, c := range b.polygons {
		grow(&boxes, b.inputs[c.input].seg.Box[c.feature])
	}
	p := &pins{seen: map[uint64]corner{}}
	vertices := 0
	segments := v.Segments()
	for k := range segments {
		s := &segments[k]
		for _, i := range s.Search(boxes, nil) {
			if b.keep != nil && !b.keep(s.Segment, int(i)) {
				continue
			}
			lo, hi := s.Vertices(int(i))
			if vertices += hi - lo; vertices > maxShared {
				return &pins{all: true}
			}
			for path := s.FeaturePath[i]; path < s.FeaturePath[i+1]; path++ {
				if kind := s.PathKinds[path]; kind == snapshot.PathShell || kind == snapshot.PathHole {
					p.add(s.World[2*s.PathVertex[path] : 2*s.PathVertex[path+1]])
				}
			}
		}
	}
	return p
}

// add enters the vertices of a closed ring.
func (p *pins) add(xy []uint32) {
	open := p.distinct(xy)
	n := len(open)
	for n > 1 && open[n-1] == open[0] {
		n--
	}
	for i := range n {
		before, after := open[(i+n-1)%n], open[(i+1)%n]
		c := corner{a: min(before, after), b: max(before, after)}
		if old, ok := p.seen[open[i]]; ok {
			c.pinned = old.pinned || old.a != c.a || old.b != c.b
		}
		p.seen[open[i]] = c
	}
}

// distinct is the ring's vertices without repeated ones.
func (p *pins) distinct(xy []uint32) []uint64 {
	list := make([]uint64, 0, len(xy)/2)
	for i := 0; i+1 < len(xy); i += 2 {
		v := uint64(xy[i])<<32 | uint64(xy[i+1])
		if n := len(list); n == 0 || list[n-1] != v {
			list = append(list, v)
		}
	}
	return list
}

// squares collect the polygons that are merged.
type squares struct {
	side uint64
	at   map[squareKey]int
	list []merged
}

type squareKey struct {
	square
	value uint32 // of the property that polygons are merged by
}

// merged is what is merged in one square.
type merged struct {
	squareKey
	area  float64 // the sum
	count uint32
	most  float64   // the largest
	of    candidate // which that is
}

// merge adds a polygon to its square.
func (b *builder) merge(c candidate, area float64, count uint32) {
	x, y := center(b.inputs[c.input].seg.Box[c.feature])
	b.squares.add(merged{squareKey{squareAt(x, y, b.squares.side), b.value(c, b.s.merge)}, area, count, area, c})
}

func (s *squares) add(m merged) {
	if s.at == nil {
		s.at = map[squareKey]int{}
	}
	if _, ok := s.at[m.squareKey]; !ok && len(s.list) >= maxSquares {
		s.double()
		m.square = square{m.square.x / 2, m.square.y / 2}
	}
	s.sum(m)
}

func (s *squares) sum(m merged) {
	k, ok := s.at[m.squareKey]
	if !ok {
		s.at[m.squareKey] = len(s.list)
		s.list = append(s.list, m)
		return
	}
	o := &s.list[k]
	o.area, o.count = o.area+m.area, o.count+m.count
	if m.most > o.most {
		o.most, o.of = m.most, m.of
	}
}

// double joins four squares to one.
func (s *squares) double() {
	old := s.list
	s.side, s.list, s.at = 2*s.side, nil, map[squareKey]int{}
	for _, m := range old {
		m.square = square{m.square.x / 2, m.square.y / 2}
		s.sum(m)
	}
}

// drawSquares draws, for each square, the largest polygon as a rectangle that has
// the area of all: where it stands and turned as it is, so that a city looks like
// one and not like a screen.
func (b *builder) drawSquares() {
	list := b.squares.list
	slices.SortFunc(list, func(m, o merged) int {
		return cmp.Or(cmp.Compare(m.square.y, o.square.y), cmp.Compare(m.square.x, o.square.x), bytes.Compare(b.text(m.value), b.text(o.value)))
	})
	if len(list) == 0 {
		return
	}
	column := b.derived(Merged)
	for i := range list {
		m := &list[i]
		b.rectangle(m)
		role := RoleMerged
		if m.count == 1 {
			role = RoleFeature
		}
		if !b.put(role, m.of, m.count, m.area, func(column int) uint32 { return b.mergedValue(m, column) }) {
			continue
		}
		if m.count > 1 {
			s := &b.cell.Segment
			s.Columns[column][s.N-1] = b.number(b.count(m.count))
		}
	}
}

// mergedValue is a property of merged polygons: of the largest, what they are
// merged or classed by; of a single one everything.
func (b *builder) mergedValue(m *merged, column int) uint32 {
	if m.count == 1 || column == b.s.class || column == b.s.merge {
		return b.value(m.of, column)
	}
	return 0
}

func (b *builder) text(k uint32) []byte {
	if k == 0 {
		return nil
	}
	return b.texts.list[k-1]
}

// maxAspect bounds the sides of the rectangles of merged polygons.
const maxAspect = 3

// rectangle makes the geometry at hand the rectangle that stands for merged polygons.
func (b *builder) rectangle(m *merged) {
	in := b.inputs[m.of.input]
	cx, cy := center(in.seg.Box[m.of.feature])
	ux, uy, aspect := in.bearing(m.of.feature)
	w := math.Sqrt(m.area * aspect)
	h := 0.0
	if w > 0 {
		h = m.area / w
	}
	u := float64(unit(b.z))
	g := &b.geom
	g.reset()
	if min(w, h) >= 3*u {
		for _, c := range [5][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}, {-1, -1}} {
			x := float64(cx) + c[0]*w/2*ux - c[1]*h/2*uy
			y := float64(cy) + c[0]*w/2*uy + c[1]*h/2*ux
			g.xy = append(g.xy, onGrid(x, u), onGrid(y, u))
		}
		if ringArea(g.xy) > 0 {
			g.close(snapshot.PathShell)
			return
		}
		g.reset()
	}
	// Too small to be turned: whole grid units.
	nx, ny := wholeSides(m.area / (u * u))
	x0, x1 := place1(float64(cx), nx*u, u)
	y0, y1 := place1(float64(cy), ny*u, u)
	g.xy = append(g.xy, x0, y0, x1, y0, x1, y1, x0, y1, x0, y0)
	g.close(snapshot.PathShell)
}

// onGrid is an ordinate rounded to grid units, within the world.
func onGrid(v, u float64) uint32 {
	return uint32(max(0, min(math.Round(v/u)*u, tile.WorldSize-1)))
}

// place1 is an interval of a width, of whole grid units, about a position.
func place1(at, width, u float64) (lo, hi uint32) {
	low := max(0, min(math.Round((at-width/2)/u)*u, tile.WorldSize-width))
	return uint32(low), uint32(min(low+width, tile.WorldSize-1))
}

// bearing is the direction of a polygon's longest edge, a unit vector, and how much
// longer the polygon is along it than across.
func (in *input) bearing(f uint32) (ux, uy, aspect float64) {
	ux, uy, aspect = 1, 0, 1
	var ring []uint32
	longest := 0.0
	for p := in.seg.FeaturePath[f]; p < in.seg.FeaturePath[f+1]; p++ {
		if in.seg.PathKinds[p] != snapshot.PathShell {
			continue
		}
		xy := in.path(p)
		for i := 2; i+1 < len(xy); i += 2 {
			dx, dy := float64(xy[i])-float64(xy[i-2]), float64(xy[i+1])-float64(xy[i-1])
			if d := dx*dx + dy*dy; d > longest {
				longest, ring = d, xy
				d = math.Sqrt(d)
				ux, uy = dx/d, dy/d
			}
		}
	}
	if len(ring) < 8 {
		return 1, 0, 1
	}
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for i := 0; i+1 < len(ring); i += 2 {
		x, y := float64(ring[i])-float64(ring[0]), float64(ring[i+1])-float64(ring[1])
		for k, v := range [2]float64{x*ux + y*uy, y*ux - x*uy} {
			lo[k], hi[k] = min(lo[k], v), max(hi[k], v)
		}
	}
	if hi[1] <= lo[1] {
		return ux, uy, maxAspect
	}
	return ux, uy, max(1./maxAspect, min((hi[0]-lo[0])/(hi[1]-lo[1]), maxAspect))
}

// wholeSides is the sides of a rectangle, nearly a square, of about an area; whole
// numbers from 1.
func wholeSides(area float64) (w, h float64) {
	w = max(1, math.Round(math.Sqrt(area)))
	return w, max(1, math.Round(area/w))
}
