package index

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"twind/spatial/tile"
)

// FanOut is the number of children of a node of a packed tree; 16 searched faster
// than 8 and 32.
const FanOut = 16

const maxLevels = 9 // FanOut⁸ leaves are 2³²

// Packed is a static R-tree over boxes in Hilbert order. It is immutable and
// safe for concurrent use; the zero value is empty. Searching does not allocate.
type Packed struct {
	leaves []tile.WorldBox
	nodes  []tile.WorldBox // level 1 first
	begin  [maxLevels]int  // of each level in nodes; level l ends where l+1 begins
	levels int             // above the leaves
}

// NodeCount is the number of nodes above n leaves.
func NodeCount(n int) int {
	total := 0
	for n > 1 {
		n = (n + FanOut - 1) / FanOut
		total += n
	}
	return total
}

// Pack computes the nodes above leaves, which stand in Hilbert order (see
// Order) and none of which is empty.
func Pack(leaves []tile.WorldBox) []tile.WorldBox {
	nodes := make([]tile.WorldBox, 0, NodeCount(len(leaves)))
	level := leaves
	for len(level) > 1 {
		first := len(nodes)
		for i := 0; i < len(level); i += FanOut {
			b := level[i]
			for _, c := range level[i+1 : min(i+FanOut, len(level))] {
				b = tile.WorldBox{MinX: min(b.MinX, c.MinX), MinY: min(b.MinY, c.MinY), MaxX: max(b.MaxX, c.MaxX), MaxY: max(b.MaxY, c.MaxY)}
			}
			nodes = append(nodes, b)
		}
		level = nodes[first:]
	}
	return nodes
}

// NewPacked makes a tree of leaves and the nodes that Pack computed of them; it
// keeps both. It fails when their numbers do not fit. Nodes that lie about their
// leaves lose items in searches and do no other harm.
func NewPacked(leaves, nodes []tile.WorldBox) (Packed, error) {
	p := Packed{leaves: leaves, nodes: nodes}
	if uint64(len(leaves)) > math.MaxUint32 {
		return Packed{}, fmt.Errorf("index: %d boxes; at most %d are possible", len(leaves), uint32(math.MaxUint32))
	}
	if want := NodeCount(len(leaves)); len(nodes) != want {
		return Packed{}, fmt.Errorf("index: %d nodes over %d leaves, expected %d", len(nodes), len(leaves), want)
	}
	begin := 0
	for n := len(leaves); n > 1; {
		n = (n + FanOut - 1) / FanOut
		p.begin[p.levels] = begin
		p.levels++
		begin += n
	}
	p.begin[p.levels] = begin
	return p, nil
}

// Len is the number of items.
func (p *Packed) Len() int { return len(p.leaves) }

// Bounds is the box around all items; ok is false when there are none.
func (p *Packed) Bounds() (b tile.WorldBox, ok bool) {
	switch {
	case len(p.nodes) > 0:
		return p.nodes[len(p.nodes)-1], true
	case len(p.leaves) > 0:
		return p.leaves[0], true
	}
	return b, false
}

// Search appends to dst the numbers of the items whose boxes intersect box, in
// ascending order, and returns the longer slice. It allocates only to grow dst.
func (p *Packed) Search(box tile.WorldBox, dst []uint32) []uint32 {
	q := bounds{int64(box.MinX), int64(box.MinY), int64(box.MaxX), int64(box.MaxY)}
	if b, ok := p.Bounds(); !ok || q.apart(&b) != 0 {
		return dst
	}
	if p.levels == 0 {
		return append(dst, 0)
	}
	return p.search(p.levels, 0, &q, dst)
}

// search descends into node i of a level (counted from 1 above the leaves),
// which intersects q.
func (p *Packed) search(level, i int, q *bounds, dst []uint32) []uint32 {
	if q.encloses(&p.nodes[p.begin[level-1]+i]) {
		lo, hi := p.span(level, i)
		for ; lo < hi; lo++ {
			dst = append(dst, uint32(lo))
		}
		return dst
	}
	lo, hi := p.children(level, i)
	if level == 1 {
		// Every number is written, and kept by advancing past it: no branch to
		// guess wrong, which costs more than the comparisons.
		n := len(dst)
		if cap(dst)-n < FanOut {
			dst = slices.Grow(dst, FanOut)
		}
		dst = dst[:n+FanOut]
		for k := range p.leaves[lo:hi] {
			dst[n] = uint32(lo + k)
			n += 1 - q.apart(&p.leaves[lo+k])
		}
		return dst[:n]
	}
	var hit uint32
	below := p.nodes[p.begin[level-2]:]
	for k := range hi - lo {
		hit |= uint32(1-q.apart(&below[lo+k])) << k
	}
	for ; hit != 0; hit &= hit - 1 {
		dst = p.search(level-1, lo+bits.TrailingZeros32(hit), q, dst)
	}
	return dst
}

// bounds is a box whose comparisons are differences.
type bounds struct{ minX, minY, maxX, maxY int64 }

// apart is 1 when the boxes do not intersect, else 0.
func (q *bounds) apart(b *tile.WorldBox) int {
	d := (q.maxX - int64(b.MinX)) | (int64(b.MaxX) - q.minX) | (q.maxY - int64(b.MinY)) | (int64(b.MaxY) - q.minY)
	return int(uint64(d) >> 63)
}

func (q *bounds) encloses(b *tile.WorldBox) bool {
	return (int64(b.MinX)-q.minX)|(int64(b.MinY)-q.minY)|(q.maxX-int64(b.MaxX))|(q.maxY-int64(b.MaxY)) >= 0
}

// span is the half-open range of items below node i of a level.
func (p *Packed) span(level, i int) (lo, hi int) {
	lo, hi = i, i+1
	for range level {
		lo *= FanOut
		hi *= FanOut
	}
	return min(lo, len(p.leaves)), min(hi, len(p.leaves))
}

// Walk calls item with the number of each item whose box, and whose every node's
// box, keep approves of, in ascending order, until item returns false.
func (p *Packed) Walk(keep func(box tile.WorldBox) bool, item func(i uint32) bool) {
	switch {
	case p.levels > 0:
		p.walk(p.levels, 0, keep, item)
	case len(p.leaves) == 1 && keep(p.leaves[0]):
		item(0)
	}
}

func (p *Packed) walk(level, i int, keep func(box tile.WorldBox) bool, item func(i uint32) bool) bool {
	if !keep(p.box(level, i)) {
		return true
	}
	if level == 0 {
		return item(uint32(i))
	}
	lo, hi := p.children(level, i)
	for ; lo < hi; lo++ {
		if !p.walk(level-1, lo, keep, item) {
			return false
		}
	}
	return true
}

// box is the box of node i of a level, of leaf i at level 0.
func (p *Packed) box(level, i int) tile.WorldBox {
	if level == 0 {
		return p.leaves[i]
	}
	return p.nodes[p.begin[level-1]+i]
}

// children is the half-open range, in the level below, of node i's children.
func (p *Packed) children(level, i int) (lo, hi int) {
	n := len(p.leaves)
	if level > 1 {
		n = p.begin[level-1] - p.begin[level-2]
	}
	return i * FanOut, min((i+1)*FanOut, n)
}

// PackMax computes for each node of a packed tree the greatest of the values
// below it, given those of the leaves; see Packed.Max.
func PackMax(leaves []int64) []int64 {
	nodes := make([]int64, 0, NodeCount(len(leaves)))
	level := leaves
	for len(level) > 1 {
		first := len(nodes)
		for i := 0; i < len(level); i += FanOut {
			nodes = append(nodes, slices.Max(level[i:min(i+FanOut, len(level))]))
		}
		level = nodes[first:]
	}
	return nodes
}

// Max is the greatest value among the items whose boxes intersect box, or floor
// if none is greater. leaves has the items' values, nodes what PackMax made of
// them; subtrees that cannot raise the answer are not entered.
func (p *Packed) Max(box tile.WorldBox, leaves, nodes []int64, floor int64) int64 {
	if len(p.leaves) == 0 {
		return floor
	}
	q := bounds{int64(box.MinX), int64(box.MinY), int64(box.MaxX), int64(box.MaxY)}
	return p.max(p.levels, 0, &q, leaves, nodes, floor)
}

func (p *Packed) max(level, i int, q *bounds, leaves, nodes []int64, best int64) int64 {
	value, b := &leaves, &p.leaves
	at := i
	if level > 0 {
		value, b = &nodes, &p.nodes
		at += p.begin[level-1]
	}
	if (*value)[at] <= best || q.apart(&(*b)[at]) != 0 {
		return best
	}
	if level == 0 || q.encloses(&(*b)[at]) {
		return (*value)[at]
	}
	lo, hi := p.children(level, i)
	for ; lo < hi; lo++ {
		best = p.max(level-1, lo, q, leaves, nodes, best)
	}
	return best
}
