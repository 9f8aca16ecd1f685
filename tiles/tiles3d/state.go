package tiles3d

import (
	"slices"
	"strconv"

	"twind/layers/snapshot"
)

// state is a layer as one reader sees it at one revision: which cells have what.
// It is immutable.
type state struct {
	model model
	salt  uint64 // of all that shapes contents besides the features
	nodes []node // by key; every node's ancestors down from the root are there
	byKey map[uint64]int32
	root  int32 // −1: nothing is drawn
	index [2]*segIndex
}

// node is a cell with content, or with some below it.
type node struct {
	cell     Cell
	count    int // features that stand in it
	detailed int // of them, those whose faces are known
	sum      uint64
	bound    bound // of these
	parts    [2]part
	children []int32

	whole    bound  // with all below
	wholeSum uint64 // likewise
	total    int    // nodes with content in the subtree
}

// part is what one segment of the view has in a cell.
type part struct{ from, to uint32 } // of its index's features

// newState merges the indexes of a view's segments.
func newState(m model, salt uint64, segments []snapshot.SegmentView, indexes []*segIndex) *state {
	s := &state{model: m, salt: salt, byKey: map[uint64]int32{}, root: -1}
	for k, x := range indexes {
		s.index[k] = x
		v := &segments[k]
		whole := v.Len() == v.N
		for i := range x.cells {
			s.merge(k, v, x, &x.cells[i], whole)
		}
	}
	s.link()
	return s
}

// merge adds a cell of a segment's index, without its dead features.
func (s *state) merge(k int, v *snapshot.SegmentView, x *segIndex, c *indexCell, whole bool) {
	count, sum, detailed := int(c.to-c.from), c.sum, int(c.detailed)
	if !whole {
		for _, i := range x.features[c.from:c.to] {
			if !v.Alive(int(i)) {
				count--
				if e, ok := s.model.measure(v.Segment, int(i)); ok {
					sum -= mark(v.Segment, int(i), &e)
					if e.detailed {
						detailed--
					}
				}
			}
		}
	}
	if count == 0 {
		return
	}
	n := &s.nodes[s.node(cellOfKey(c.key))]
	n.count += count
	n.sum += sum
	n.detailed += detailed
	n.bound.add(c.bound)
	n.parts[k] = part{c.from, c.to}
}

// node finds or makes the node of a cell.
func (s *state) node(c Cell) int32 {
	key := c.key()
	i, ok := s.byKey[key]
	if !ok {
		i = int32(len(s.nodes))
		s.byKey[key] = i
		s.nodes = append(s.nodes, node{cell: c, bound: emptyBound})
	}
	return i
}

// link makes the tree: ancestors up to the first cell that holds everything,
// and what each has below it.
func (s *state) link() {
	if len(s.nodes) == 0 {
		return
	}
	for i := 0; i < len(s.nodes); i++ { // grows
		if c := s.nodes[i].cell; c.Level > TopLevel {
			s.node(c.Parent())
		}
	}
	for top := s.tops(); len(top) > 1; top = s.tops() {
		for _, c := range top {
			s.node(c.Parent())
		}
	}
	slices.SortFunc(s.nodes, func(a, b node) int { return compareKeys(a.cell.key(), b.cell.key()) })
	for i := range s.nodes {
		n := &s.nodes[i]
		s.byKey[n.cell.key()] = int32(i)
		n.whole, n.wholeSum = n.bound, mix(n.sum^mix(uint64(n.count)))
		if n.count > 0 {
			n.total = 1
		}
	}
	for i := len(s.nodes) - 1; i > 0; i-- { // children come after parents
		n := &s.nodes[i]
		p := &s.nodes[s.byKey[n.cell.Parent().key()]]
		p.children = append(p.children, int32(i))
		p.whole.add(n.whole)
		p.wholeSum += mix(n.wholeSum ^ n.cell.key())
		p.total += n.total
	}
	for i := range s.nodes {
		slices.Sort(s.nodes[i].children)
	}
	s.root = 0
}

func compareKeys(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// tops are the cells of the first level that has any.
func (s *state) tops() (list []Cell) {
	for i := range s.nodes {
		c := s.nodes[i].cell
		if len(list) > 0 && c.Level < list[0].Level {
			list = list[:0]
		}
		if len(list) == 0 || c.Level == list[0].Level {
			list = append(list, c)
		}
	}
	return list
}

// find is the node of a cell, or nil.
func (s *state) find(c Cell) *node {
	i, ok := s.byKey[c.key()]
	if !ok {
		return nil
	}
	return &s.nodes[i]
}

// revision names the content of a cell for ever.
func (s *state) revision(n *node) string { return s.name(n.sum, uint64(n.count)) }

// treeRevision names the tileset of a cell and all contents below it.
func (s *state) treeRevision(n *node) string { return s.name(n.wholeSum, 1<<63) }

// wholeRevision names the layer's tilesets; "" when nothing is drawn.
func (s *state) wholeRevision() string {
	if s.root < 0 {
		return ""
	}
	return s.treeRevision(&s.nodes[s.root])
}

func (s *state) name(sum, more uint64) string {
	return strconv.FormatUint(mix(s.salt^mix(sum^mix(more))), 36)
}
