package index

import (
	"sync"

	"twind/spatial/tile"
)

// Metric measures from the place that a nearest search starts at.
type Metric interface {
	// Bound is at most the distance of anything inside the box.
	Bound(box tile.WorldBox) float64
	// Distance is the distance of an item, at least the bound of its box; +Inf leaves it out.
	Distance(item uint32) float64
}

// Nearby calls yield with the items in order of their distance, equal distances
// in no order, until yield returns false or the distance exceeds limit.
func (p *Packed) Nearby(m Metric, limit float64, yield func(item uint32, distance float64) bool) {
	if len(p.leaves) == 0 {
		return
	}
	q := candidates.Get().(*queue)
	defer func() { candidates.Put(q) }()
	q.reset()
	q.push(candidate{m.Bound(p.box(p.levels, 0)), 0, int8(p.levels)})
	for {
		c, ok := q.pop()
		if !ok || c.distance > limit {
			return
		}
		switch {
		case c.level < 0:
			if !yield(c.item, c.distance) {
				return
			}
		case c.level == 0:
			if d := m.Distance(c.item); d <= limit {
				q.push(candidate{d, c.item, -1})
			}
		default:
			lo, hi := p.children(int(c.level), int(c.item))
			for ; lo < hi; lo++ {
				if b := m.Bound(p.box(int(c.level)-1, lo)); b <= limit {
					q.push(candidate{b, uint32(lo), c.level - 1})
				}
			}
		}
	}
}

// candidate is a node or leaf under its bound, or an item (level −1) under its
// exact distance.
type candidate struct {
	distance float64
	item     uint32
	level    int8
}

// queue is a binary heap, the least distance first.
type queue []candidate

var candidates = sync.Pool{New: func() any { return new(queue) }}

func (q *queue) reset() { *q = (*q)[:0] }

func (q *queue) push(c candidate) {
	h := append(*q, c)
	*q = h
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent].distance <= h[i].distance {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

func (q *queue) pop() (candidate, bool) {
	h := *q
	if len(h) == 0 {
		return candidate{}, false
	}
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if h[c].distance < h[least].distance {
				least = c
			}
		}
		if least == i {
			return top, true
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
