package pyramid

import (
	"bytes"
	"cmp"
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
		in := b.inputs[p.input]
		b.geom.reset()
		shells := b.simplified(p.candidate, factor)
		if shells == 0 {
			b.merge(p.candidate, p.area, 1)
			continue
		}
		b.put(RoleFeature, p.candidate, 1, p.area, func(column int) uint32 { return b.value(p.candidate, column) })
		_ = in
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
	area, x, y float64 // the sum, and the sums of the middles weighed by it
	count      uint32
	most       float64   // the largest
	of         candidate // which that is
}

// merge adds a polygon to its square.
func (b *builder) merge(c candidate, area float64, count uint32) {
	x, y := center(b.inputs[c.input].seg.Box[c.feature])
	b.squares.add(merged{squareKey{squareAt(x, y, b.squares.side), b.value(c, b.s.merge)}, area, area * float64(x), area * float64(y), count, area, c})
}

func (s *squares) add(m merged) {
	if s.at == nil {
		s.at = map[squareKey]int{}
	}
	k, ok := s.at[m.squareKey]
	if !ok {
		if len(s.list) >= maxSquares {
			s.double()
			m.square = square{m.square.x / 2, m.square.y / 2}
			s.add(m)
			return
		}
		s.at[m.squareKey] = len(s.list)
		s.list = append(s.list, m)
		return
	}
	o := &s.list[k]
	o.area, o.x, o.y, o.count = o.area+m.area, o.x+m.x, o.y+m.y, o.count+m.count
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
		if k, ok := s.at[m.squareKey]; ok {
			o := &s.list[k]
			o.area, o.x, o.y, o.count = o.area+m.area, o.x+m.x, o.y+m.y, o.count+m.count
			if m.most > o.most {
				o.most, o.of = m.most, m.of
			}
			continue
		}
		s.at[m.squareKey] = len(s.list)
		s.list = append(s.list, m)
	}
}

// drawSquares draws each sum as a rectangle of its area about its middle, within
// its square while it fits.
func (b *builder) drawSquares() {
	list := b.squares.list
	slices.SortFunc(list, func(m, o merged) int {
		return cmp.Or(cmp.Compare(m.square.y, o.square.y), cmp.Compare(m.square.x, o.square.x), bytes.Compare(b.text(m.value), b.text(o.value)))
	})
	if len(list) == 0 {
		return
	}
	column := b.derived(Merged)
	side := float64(b.squares.side)
	for i := range list {
		m := &list[i]
		x, y := m.middle(side)
		if m.area <= 0 { // polygons without area: a dot
			cx, cy := center(b.inputs[m.of.input].seg.Box[m.of.feature])
			x, y = float64(cx), float64(cy)
		}
		b.rectangle(x, y, m.area, square{m.square.x, m.square.y}, side)
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

// middle is the middle of what was merged.
func (m *merged) middle(side float64) (x, y float64) {
	if m.area > 0 {
		return m.x / m.area, m.y / m.area
	}
	return (float64(m.square.x) + .5) * side, (float64(m.square.y) + .5) * side
}

// rectangle makes the geometry at hand a rectangle of an area about a position, of
// whole grid units, in its square if it fits there.
func (b *builder) rectangle(x, y, area float64, in square, side float64) {
	u := float64(unit(b.z))
	w, h := wholeSides(area / (u * u))
	w, h = w*u, h*u
	place := func(at, width float64, k uint32) (uint32, uint32) {
		lo := at - width/2
		if width <= side {
			lo = max(float64(k)*side, min(lo, (float64(k)+1)*side-width))
		}
		low := uint64(max(0, min(lo, float64(tile.WorldSize)-width))) &^ (uint64(u) - 1)
		return uint32(low), uint32(min(low+uint64(width), tile.WorldSize-1))
	}
	x0, x1 := place(x, w, in.x)
	y0, y1 := place(y, h, in.y)
	g := &b.geom
	g.reset()
	if x0 == x1 || y0 == y1 {
		return
	}
	g.xy = append(g.xy, x0, y0, x1, y0, x1, y1, x0, y1, x0, y0)
	g.close(snapshot.PathShell)
}

// wholeSides is the sides of a rectangle, nearly a square, of about an area.
func wholeSides(area float64) (w, h float64) {
	w = 1
	for (w+.5)*(w+.5) <= area {
		w++
	}
	h = max(1, float64(int(area/w+.5)))
	return w, h
}
