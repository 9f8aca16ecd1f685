package grid

import "slices"

// Checker tests rings. The zero value is ready.
type Checker struct {
	edges []edgeBox
	order []uint64
}

type edgeBox struct {
	ax, ay, bx, by int32 // in the ring's direction
	ring           int32
	first, last    bool // of its ring
}

// budget bounds the pairs of edges that one check compares; beyond it the answer
// is "not sure", which callers treat as invalid. Real polygons need some tens a
// vertex; only a comb or a spiral of long edges comes near.
const budget = 256

// Valid tells whether the rings are sure to be valid polygons in the sense of
// OGC Simple Features, and strictly so: no ring touches itself or another one,
// holes lie in their shell, and no polygon lies in another's interior. Rings
// that touch in single points, which OGC allows, are reported as not valid.
func (c *Checker) Valid(r *Rings) bool {
	if len(r.Ends) == 0 || r.Hole[0] {
		return false
	}
	c.edges = c.edges[:0]
	minX, minY, maxX, maxY := r.XY[0], r.XY[1], r.XY[0], r.XY[1]
	for k := range r.Ends {
		ring := r.Ring(k)
		n := len(ring)
		if n < 6 {
			return false
		}
		ax, ay := ring[n-2], ring[n-1]
		ux, uy := ax-ring[n-4], ay-ring[n-3] // direction of the edge before
		for i := 0; i < n; i += 2 {
			bx, by := ring[i], ring[i+1]
			vx, vy := bx-ax, by-ay
			if vx == 0 && vy == 0 {
				return false
			}
			// Edges that follow each other share a vertex; they touch elsewhere
			// only by folding back.
			if int64(ux)*int64(vy) == int64(uy)*int64(vx) && int64(ux)*int64(vx)+int64(uy)*int64(vy) < 0 {
				return false
			}
			minX, maxX = min(minX, bx), max(maxX, bx)
			minY, maxY = min(minY, by), max(maxY, by)
			c.edges = append(c.edges, edgeBox{ax, ay, bx, by, int32(k), i == 0, i == n-2})
			ax, ay, ux, uy = bx, by, vx, vy
		}
	}
	if len(c.edges) <= 24 {
		if !c.apartBrute() {
			return false
		}
	} else if !c.apartSweep(minX, minY, int64(maxY)-int64(minY) > int64(maxX)-int64(minX)) {
		return false
	}
	return len(r.Ends) == 1 || nested(r)
}

// neighbours tells whether edge j follows or precedes edge i < j in one ring.
func neighbours(edges []edgeBox, i, j int) bool {
	return edges[i].ring == edges[j].ring && (j == i+1 || edges[i].first && edges[j].last)
}

func touch(a, b *edgeBox) bool {
	if max(a.ax, a.bx) < min(b.ax, b.bx) || max(b.ax, b.bx) < min(a.ax, a.bx) ||
		max(a.ay, a.by) < min(b.ay, b.by) || max(b.ay, b.by) < min(a.ay, a.by) {
		return false
	}
	d1 := cross(b.ax, b.ay, b.bx, b.by, a.ax, a.ay)
	d2 := cross(b.ax, b.ay, b.bx, b.by, a.bx, a.by)
	if d1 > 0 && d2 > 0 || d1 < 0 && d2 < 0 {
		return false
	}
	d3 := cross(a.ax, a.ay, a.bx, a.by, b.ax, b.ay)
	d4 := cross(a.ax, a.ay, a.bx, a.by, b.bx, b.by)
	return !(d3 > 0 && d4 > 0 || d3 < 0 && d4 < 0)
}

// apartBrute tells whether no two edges touch but neighbours in their vertex.
func (c *Checker) apartBrute() bool {
	e := c.edges
	for i := range e {
		for j := i + 1; j < len(e); j++ {
			if touch(&e[i], &e[j]) && !neighbours(e, i, j) {
				return false
			}
		}
	}
	return true
}

// apartSweep is apartBrute for many edges: it compares those whose ranges on one
// axis overlap.
func (c *Checker) apartSweep(minX, minY int32, alongY bool) bool {
	e := c.edges
	c.order = c.order[:0]
	for i := range e {
		low := int64(min(e[i].ax, e[i].bx)) - int64(minX)
		if alongY {
			low = int64(min(e[i].ay, e[i].by)) - int64(minY)
		}
		c.order = append(c.order, uint64(low)<<32|uint64(i))
	}
	slices.Sort(c.order)
	left := budget * len(e)
	for k, v := range c.order {
		i := int(uint32(v))
		high := int64(max(e[i].ax, e[i].bx)) - int64(minX)
		if alongY {
			high = int64(max(e[i].ay, e[i].by)) - int64(minY)
		}
		for _, w := range c.order[k+1:] {
			if int64(w>>32) > high {
				break
			}
			if left--; left < 0 {
				return false
			}
			j := int(uint32(w))
			if touch(&e[i], &e[j]) && !neighbours(e, min(i, j), max(i, j)) {
				return false
			}
		}
	}
	return true
}

// nested tells whether holes lie in their shells, not in each other, and no
// polygon in another's interior. The rings must not touch.
func nested(r *Rings) bool {
	if len(r.Ends) > maxNested {
		return false
	}
	for s := 0; s < len(r.Ends); {
		end := s + 1
		for end < len(r.Ends) && r.Hole[end] {
			end++
		}
		shell := r.Ring(s)
		for h := s + 1; h < end; h++ {
			hole := r.Ring(h)
			if locate(shell, hole[0], hole[1]) != inside {
				return false
			}
			for o := s + 1; o < end; o++ {
				if o != h && locate(r.Ring(o), hole[0], hole[1]) != outside {
					return false
				}
			}
		}
		for o := range r.Ends {
			if r.Hole[o] || o == s {
				continue
			}
			other := r.Ring(o)
			if locate(shell, other[0], other[1]) == outside {
				continue
			}
			island := false // in one of the shell's holes
			for h := s + 1; h < end && !island; h++ {
				island = locate(r.Ring(h), other[0], other[1]) == inside
			}
			if !island {
				return false
			}
		}
		s = end
	}
	return true
}

// maxNested bounds the rings that nested compares with each other.
const maxNested = 2000
