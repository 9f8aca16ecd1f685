package mesh

import (
	"cmp"
	"math"
	"slices"
)

// bridgeHoles links every hole with the shell, from the left to the right.
func (t *Triangulator) bridgeHoles(outer int32, ends []int32) int32 {
	if len(ends) < 2 {
		return outer
	}
	t.holes = t.holes[:0]
	for k := 1; k < len(ends); k++ {
		list := t.ring(ends[k-1], ends[k], false)
		if list == none {
			continue
		}
		if t.nodes[list].next == list {
			t.nodes[list].steiner = true
		}
		t.holes = append(t.holes, t.leftmost(list))
	}
	slices.SortStableFunc(t.holes, t.byPlace)
	for _, hole := range t.holes {
		outer = t.bridgeHole(hole, outer)
	}
	return outer
}

// byPlace orders holes by their leftmost vertex: x, y, then the slope of the
// edge that leaves it, for holes that touch there.
func (t *Triangulator) byPlace(a, b int32) int {
	na, nb := &t.nodes[a], &t.nodes[b]
	if c := cmp.Or(cmp.Compare(na.x, nb.x), cmp.Compare(na.y, nb.y)); c != 0 {
		return c
	}
	ra, rb := &t.nodes[na.next], &t.nodes[nb.next]
	return cmp.Compare((ra.y-na.y)/(ra.x-na.x), (rb.y-nb.y)/(rb.x-nb.x))
}

func (t *Triangulator) leftmost(start int32) int32 {
	best := start
	for p := t.nodes[start].next; p != start; p = t.nodes[p].next {
		a, b := &t.nodes[p], &t.nodes[best]
		if a.x < b.x || a.x == b.x && a.y < b.y {
			best = p
		}
	}
	return best
}

func (t *Triangulator) bridgeHole(hole, outer int32) int32 {
	bridge := t.findBridge(hole, outer)
	if bridge == none {
		return outer
	}
	back := t.splitAt(bridge, hole)
	t.filter(back, t.nodes[back].next)
	return t.filter(bridge, t.nodes[bridge].next)
}

// findBridge finds a vertex of the ring that the hole's leftmost vertex sees.
func (t *Triangulator) findBridge(hole, outer int32) int32 {
	m, qx, done := t.leftHit(hole, outer)
	if m == none || done {
		return m
	}
	// The ray hit an edge at qx, with end m. Vertices in the triangle of hole,
	// hit and m may hide m: take the one of least angle to the ray.
	hx, hy := t.nodes[hole].x, t.nodes[hole].y
	stop, mx, my := m, t.nodes[m].x, t.nodes[m].y
	ax, cx := qx, hx
	if hy < my {
		ax, cx = hx, qx
	}
	least := math.Inf(1)
	for p := m; ; {
		if !t.spend(1) {
			return none
		}
		nd := &t.nodes[p]
		if hx >= nd.x && nd.x >= mx && hx != nd.x && inTriangle(ax, hy, mx, my, cx, hy, nd.x, nd.y) {
			tan := math.Abs(hy-nd.y) / (hx - nd.x)
			if t.locallyInside(p, hole) && (tan < least || tan == least && t.nearer(p, m)) {
				m, least = p, tan
			}
		}
		if p = nd.next; p == stop {
			return m
		}
	}
}

// nearer tells whether p is the better of two bridges at the same angle.
func (t *Triangulator) nearer(p, m int32) bool {
	np, nm := &t.nodes[p], &t.nodes[m]
	return np.x > nm.x || np.x == nm.x &&
		t.turn(nm.prev, m, np.prev) < 0 && t.turn(np.next, m, nm.next) < 0
}

// leftHit shoots a ray to the left from the hole and returns the left end of
// the nearest edge hit and where it was; done when the two touch.
func (t *Triangulator) leftHit(hole, outer int32) (m int32, qx float64, done bool) {
	m, qx = none, math.Inf(-1)
	if t.equal(hole, outer) {
		return outer, 0, true
	}
	hx, hy := t.nodes[hole].x, t.nodes[hole].y
	for p := outer; ; {
		if !t.spend(1) {
			return none, 0, true
		}
		next := t.nodes[p].next
		a, b := &t.nodes[p], &t.nodes[next]
		if b.x == hx && b.y == hy {
			return next, 0, true
		}
		if hy <= a.y && hy >= b.y && a.y != b.y {
			x := a.x + (hy-a.y)*(b.x-a.x)/(b.y-a.y)
			if x <= hx && x > qx {
				qx, m = x, next
				if a.x < b.x {
					m = p
				}
				if x == hx {
					return m, qx, true // the hole touches the edge
				}
			}
		}
		if p = next; p == outer {
			return m, qx, false
		}
	}
}
