package pyramid

import "twind/layers/snapshot"

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
