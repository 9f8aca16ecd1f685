package tiles3d

import (
	"cmp"
	"math"
	"slices"

	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// measure is what decides where a feature stands.
type measure struct {
	size      float64 // metres, of its longest side
	low, high float64 // metres above the ellipsoid
	pad       float64 // metres that it reaches beyond its box in plan
	mark      uint64  // tells apart what the ground makes of it, besides low and high
	detailed  bool    // the faces of its body are known
}

// model knows how features of one layer look. It is immutable and safe for
// concurrent use.
type model interface {
	// measure is false for a feature that is not drawn.
	measure(s *snapshot.Segment, i int) (measure, bool)
	// replaced tells whether a feature is not drawn because others stand for it.
	replaced(s *snapshot.Segment, i int) bool
	// levels are those at which a feature of a size stands, n of them.
	levels(size float64) (list [2]uint8, n int)
	// replaces tells whether the tiles of a level are replaced by those below.
	replaces(level uint8) bool
	// volume is the kind of bounding volume of cells.
	volume() volumeKind
	// geometricError is that of a level's tile with tiles below, in metres.
	geometricError(c Cell) float64
	// paint draws the features of w.batch with columns of the view's layer into
	// w.writer, and notes what was wrong with them.
	paint(w *worker, v View, columns []int)
}

// segIndex is the features of one segment by cell. It does not refer to the
// columns of the segment, which may be unmapped while the index is kept.
type segIndex struct {
	cells    []indexCell // by key
	features []uint32
}

// indexCell is what one segment has in a cell.
type indexCell struct {
	key      uint64
	from, to uint32 // of segIndex.features
	sum      uint64 // of the features' marks, which makes the revision
	detailed uint32 // features whose faces are known
	bound    bound
}

// bound holds features: world units, metres above the ellipsoid, metres that they
// reach beyond the box, and the side of the widest in world units.
type bound struct {
	box            tile.WorldBox
	low, high, pad float64
	span           uint32
}

var emptyBound = bound{snapshot.EmptyBox, math.Inf(1), math.Inf(-1), 0, 0}

func (b *bound) add(o bound) {
	b.box.MinX, b.box.MinY = min(b.box.MinX, o.box.MinX), min(b.box.MinY, o.box.MinY)
	b.box.MaxX, b.box.MaxY = max(b.box.MaxX, o.box.MaxX), max(b.box.MaxY, o.box.MaxY)
	b.low, b.high, b.pad = min(b.low, o.low), max(b.high, o.high), max(b.pad, o.pad)
	b.span = max(b.span, o.span)
}

// placed is a feature in a cell.
type placed struct {
	key       uint64
	feature   uint32
	low, high float32
	mark      uint64
	detailed  bool
}

// newIndex places the features that match. Dead features are placed too unless
// alive is set, so that the index serves all views of the segment.
func newIndex(v *snapshot.SegmentView, m model, match *snapshot.Match, alive bool) *segIndex {
	list := make([]placed, 0, v.N)
	pads := map[uint64]float64{}
	for i := range v.N {
		if v.Box[i] == snapshot.EmptyBox || alive && !v.Alive(i) || !match.Feature(v.Segment, i) {
			continue
		}
		e, ok := m.measure(v.Segment, i)
		if !ok {
			continue
		}
		lon, lat := centre(v.Box[i])
		id := mark(v.Segment, i, &e)
		levels, n := m.levels(e.size)
		for _, level := range levels[:n] {
			key := CellAt(lon, lat, level).key()
			list = append(list, placed{key, uint32(i), below(e.low), above(e.high), id, e.detailed})
			if e.pad > 0 {
				pads[key] = max(pads[key], e.pad)
			}
		}
	}
	slices.SortFunc(list, func(a, b placed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.feature, b.feature)) })
	x := &segIndex{features: make([]uint32, len(list))}
	for k, p := range list {
		x.features[k] = p.feature
		if n := len(x.cells); n == 0 || x.cells[n-1].key != p.key {
			x.cells = append(x.cells, indexCell{key: p.key, from: uint32(k), bound: emptyBound})
		}
		c := &x.cells[len(x.cells)-1]
		c.to = uint32(k + 1)
		c.sum += p.mark
		if p.detailed {
			c.detailed++
		}
		box := v.Box[p.feature]
		c.bound.add(bound{box, float64(p.low), float64(p.high), 0, max(box.MaxX-box.MinX, box.MaxY-box.MinY)})
	}
	for i := range x.cells {
		x.cells[i].bound.pad = pads[x.cells[i].key]
	}
	return x
}

// below and above round to float32 away from what is between them.
func below(v float64) float32 {
	f := float32(v)
	if float64(f) > v {
		return math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

func above(v float64) float32 { return -below(-v) }

// mark tells one state of a feature, on the ground as it is, from all others: the
// sum over a cell does not depend on their order, nor on the segments that they
// are in.
func mark(s *snapshot.Segment, i int, e *measure) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range s.ID(i) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return mix(h ^ mix(uint64(s.Revision[i])) ^ mix(math.Float64bits(e.low)^mix(math.Float64bits(e.high)^mix(e.mark))))
}

// mix is the finaliser of SplitMix64, a bijection of good diffusion.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
