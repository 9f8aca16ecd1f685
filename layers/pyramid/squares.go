package pyramid

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// squares collect the polygons that are merged.
type squares struct {
	side  uint64
	limit int // of squares
	at    map[squareKey]int
	list  []merged
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
		s.at = make(map[squareKey]int, 1024)
	}
	if _, ok := s.at[m.squareKey]; !ok && len(s.list) >= s.limit {
		s.double()
		m.square = square{m.x / 2, m.y / 2}
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
		m.square = square{m.x / 2, m.y / 2}
		s.sum(m)
	}
}

// drawSquares draws, for each square, the largest polygon as a rectangle that has
// the area of all: where it stands and turned as it is, so that a city looks like
// one and not like a screen.
func (b *builder) drawSquares() {
	list := b.squares.list
	slices.SortFunc(list, func(m, o merged) int {
		return cmp.Or(cmp.Compare(m.y, o.y), cmp.Compare(m.x, o.x), bytes.Compare(b.text(m.value), b.text(o.value)))
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
			g.convex = true
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
	g.convex = x0 < x1 && y0 < y1
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
	ux, uy = 1, 0
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
