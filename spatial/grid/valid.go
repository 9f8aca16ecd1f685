package grid

import (
	"cmp"
	"slices"
)

// Checker tests rings. The zero value is ready.
type Checker struct {
	edges []edge
	place []place // of each edge in its ring
	pairs pairFinder
	boxes []ringBox
}

type place struct {
	ring        int32
	first, last bool
}

// budget bounds the pairs of edges that one check compares, for each edge;
// beyond it the answer is "not sure", which callers treat as invalid. Real
// polygons need some tens; only a comb or a spiral of long edges comes near.
const budget = 256

// brute is the number of edges up to which all pairs are compared.
const brute = 24

// Valid tells whether the rings are sure to be valid polygons in the sense of
// OGC Simple Features, and strictly so: no ring touches itself or another one,
// holes lie in their shell, and no polygon lies in another's interior. Rings
// that touch in single points, which OGC allows, are reported as not valid.
func (c *Checker) Valid(r *Rings) bool {
	if len(r.Ends) == 0 || r.Hole[0] || !c.collect(r) {
		return false
	}
	if len(c.edges) <= brute {
		if !c.apartBrute() {
			return false
		}
	} else if !c.apart() {
		return false
	}
	return len(r.Ends) == 1 || c.nested(r)
}

// collect lists the edges; it reports false on the faults that need no
// comparison: too few vertices, an edge without length, one that folds back on
// the edge before it.
func (c *Checker) collect(r *Rings) bool {
	c.edges, c.place = c.edges[:0], c.place[:0]
	for k := range r.Ends {
		ring := r.Ring(k)
		n := len(ring)
		if n < 6 {
			return false
		}
		ax, ay := ring[n-2], ring[n-1]
		ux, uy := ax-ring[n-4], ay-ring[n-3]
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
			c.edges = append(c.edges, edge{ax, ay, bx, by})
			c.place = append(c.place, place{int32(k), i == 0, i == n-2})
			ax, ay, ux, uy = bx, by, vx, vy
		}
	}
	return true
}

// neighbours tells whether two edges follow each other in one ring.
func (c *Checker) neighbours(i, j int) bool {
	i, j = min(i, j), max(i, j)
	return c.place[i].ring == c.place[j].ring && (j == i+1 || c.place[i].first && c.place[j].last)
}

// touch tells whether two segments whose envelopes meet share a position.
func touch(a, b *edge) bool {
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
	for i := range c.edges {
		a := &c.edges[i]
		minX, maxX := min(a.ax, a.bx), max(a.ax, a.bx)
		minY, maxY := min(a.ay, a.by), max(a.ay, a.by)
		for j := i + 1; j < len(c.edges); j++ {
			b := &c.edges[j]
			if max(b.ax, b.bx) < minX || min(b.ax, b.bx) > maxX || max(b.ay, b.by) < minY || min(b.ay, b.by) > maxY {
				continue
			}
			if touch(a, b) && !c.neighbours(i, j) {
				return false
			}
		}
	}
	return true
}

// apart is apartBrute for many edges.
func (c *Checker) apart() bool {
	apart := true
	done := c.pairs.each(c.edges, budget*len(c.edges), func(i, j int) bool {
		apart = !touch(&c.edges[i], &c.edges[j]) || c.neighbours(i, j)
		return apart
	})
	return apart && done
}

// ringBox is a ring's envelope and its place in the nesting of rings.
type ringBox struct {
	minX, minY, maxX, maxY int32
	ring, shell            int32 // number; that of its own shell
	shells, holes          int32 // that contain it
	area                   int64 // size, doubled
	parent                 int32 // the smallest ring that contains it, −1 none
	parentArea             int64
}

// nested tells whether rings that do not touch are nested as polygons are: a
// shell in nothing or directly in a hole, a hole directly in its own shell.
func (c *Checker) nested(r *Rings) bool {
	c.boxes = c.boxes[:0]
	shell := int32(0)
	for k := range r.Ends {
		if !r.Hole[k] {
			shell = int32(k)
		}
		ring := r.Ring(k)
		b := ringBox{minX: ring[0], minY: ring[1], maxX: ring[0], maxY: ring[1], ring: int32(k), shell: shell, parent: -1}
		for i := 2; i < len(ring); i += 2 {
			b.minX, b.maxX = min(b.minX, ring[i]), max(b.maxX, ring[i])
			b.minY, b.maxY = min(b.minY, ring[i+1]), max(b.maxY, ring[i+1])
		}
		b.area = Area2(ring)
		b.area = max(b.area, -b.area)
		c.boxes = append(c.boxes, b)
	}
	slices.SortFunc(c.boxes, func(a, b ringBox) int { return cmp.Compare(a.minX, b.minX) })
	left := budget * len(c.boxes)
	for i := range c.boxes {
		a := &c.boxes[i]
		for j := i + 1; j < len(c.boxes); j++ {
			b := &c.boxes[j]
			if b.minX > a.maxX {
				break
			}
			if left--; left < 0 {
				return false
			}
			c.contains(r, a, b)
			c.contains(r, b, a)
		}
	}
	for i := range c.boxes {
		b := &c.boxes[i]
		if b.ring == b.shell {
			if b.shells != b.holes {
				return false
			}
		} else if b.shells != b.holes+1 || b.parent != b.shell {
			return false
		}
	}
	return true
}

// contains notes in b when ring a contains it.
func (c *Checker) contains(r *Rings, a, b *ringBox) {
	if b.minX <= a.minX || b.maxX >= a.maxX || b.minY <= a.minY || b.maxY >= a.maxY {
		return
	}
	ring := r.Ring(int(b.ring))
	if locate(r.Ring(int(a.ring)), ring[0], ring[1]) != inside {
		return
	}
	if a.ring == a.shell {
		b.shells++
	} else {
		b.holes++
	}
	if b.parent < 0 || a.area < b.parentArea {
		b.parent, b.parentArea = a.ring, a.area
	}
}
