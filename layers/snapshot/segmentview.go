package snapshot

import (
	"twind/spatial/index"
	"twind/spatial/tile"
)

// SegmentView is a segment as a view shows it: its columns, its spatial index,
// and which of its features are alive. It is immutable, safe for concurrent use,
// and valid until the view is released.
type SegmentView struct {
	*Segment
	origin  *Segment       // see Origin
	packed  index.Packed   // over the features with a box, the first of the segment
	dynamic *index.Dynamic // instead of packed
	dead    rowSet
}

// NewSegmentView shows a whole segment made by Builder.Base, or by Builder.Edits
// with hilbert false, outside of a catalog.
func NewSegmentView(s *Segment, hilbert bool) (SegmentView, error) {
	v := SegmentView{Segment: s, origin: s}
	if !hilbert {
		v.dynamic = new(index.Dynamic)
		for i, b := range s.Box {
			if b != EmptyBox {
				v.dynamic.Insert(b, uint32(i))
			}
		}
		return v, nil
	}
	leaves := s.Box[:located(s.Box)]
	var err error
	v.packed, err = index.NewPacked(leaves, index.Pack(leaves))
	return v, err
}

// located is the number of boxes before the first empty one.
func located(boxes []tile.WorldBox) int {
	for n := len(boxes); n > 0; n-- {
		if boxes[n-1] != EmptyBox {
			return n
		}
	}
	return 0
}

// Search appends to dst the numbers of the features that are alive and whose Box
// intersects box, ascending, and returns the longer slice. It does not allocate
// but to grow dst.
func (v *SegmentView) Search(box tile.WorldBox, dst []uint32) []uint32 {
	first := len(dst)
	if v.dynamic != nil {
		dst = v.dynamic.Search(box, dst)
	} else {
		dst = v.packed.Search(box, dst)
	}
	if v.dead.count() == 0 {
		return dst
	}
	kept := dst[:first]
	for _, i := range dst[first:] {
		if !v.dead.has(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// Origin is equal for two views of a layer when they show the same rows in the same
// places, though perhaps others of them are dead: what was derived from the rows of
// one then serves the other. It is to be compared, not read.
func (v *SegmentView) Origin() *Segment { return v.origin }

// Alive tells whether feature i belongs to the view.
func (v *SegmentView) Alive(i int) bool { return !v.dead.has(uint32(i)) }

// Len counts the features that are alive.
func (v *SegmentView) Len() int { return v.N - v.dead.count() }
