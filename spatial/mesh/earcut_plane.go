package mesh

// turn is negative when a, b, c turn to the left (y up), positive to the right
// and 0 when they are on one line; the sign is exact.
func (t *Triangulator) turn(a, b, c int32) float64 {
	p, q, r := &t.nodes[a], &t.nodes[b], &t.nodes[c]
	return -orientation(p.x, p.y, q.x, q.y, r.x, r.y)
}

func (t *Triangulator) equal(a, b int32) bool {
	return t.nodes[a].x == t.nodes[b].x && t.nodes[a].y == t.nodes[b].y
}

// inTriangle tells whether p lies in the counter-clockwise triangle or on it.
func inTriangle(ax, ay, bx, by, cx, cy, px, py float64) bool {
	return (cx-px)*(ay-py) >= (ax-px)*(cy-py) &&
		(ax-px)*(by-py) >= (bx-px)*(ay-py) &&
		(bx-px)*(cy-py) >= (cx-px)*(by-py)
}

// crosses tells whether the segments p1 q1 and p2 q2 share a position.
func (t *Triangulator) crosses(p1, q1, p2, q2 int32) bool {
	o1, o2 := sign(t.turn(p1, q1, p2)), sign(t.turn(p1, q1, q2))
	o3, o4 := sign(t.turn(p2, q2, p1)), sign(t.turn(p2, q2, q1))
	return o1 != o2 && o3 != o4 ||
		o1 == 0 && t.between(p1, p2, q1) || o2 == 0 && t.between(p1, q2, q1) ||
		o3 == 0 && t.between(p2, p1, q2) || o4 == 0 && t.between(p2, q1, q2)
}

// between tells for a q on the line of p and r whether it lies between them.
func (t *Triangulator) between(p, q, r int32) bool {
	a, b, c := &t.nodes[p], &t.nodes[q], &t.nodes[r]
	return b.x <= max(a.x, c.x) && b.x >= min(a.x, c.x) && b.y <= max(a.y, c.y) && b.y >= min(a.y, c.y)
}

func sign(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// isDiagonal tells whether a b lies wholly in the ring.
func (t *Triangulator) isDiagonal(a, b int32) bool {
	na, nb := &t.nodes[a], &t.nodes[b]
	if t.nodes[na.next].i == nb.i || t.nodes[na.prev].i == nb.i || t.crossesRing(a, b) {
		return false
	}
	if t.locallyInside(a, b) && t.locallyInside(b, a) && t.middleInside(a, b) &&
		(t.turn(na.prev, a, nb.prev) != 0 || t.turn(a, nb.prev, b) != 0) {
		return true
	}
	return t.equal(a, b) && t.turn(na.prev, a, na.next) > 0 && t.turn(nb.prev, b, nb.next) > 0
}

func (t *Triangulator) crossesRing(a, b int32) bool {
	ai, bi := t.nodes[a].i, t.nodes[b].i
	for p := a; ; {
		if !t.spend(1) {
			return true
		}
		next := t.nodes[p].next
		i, j := t.nodes[p].i, t.nodes[next].i
		if i != ai && j != ai && i != bi && j != bi && t.crosses(p, next, a, b) {
			return true
		}
		if p = next; p == a {
			return false
		}
	}
}

// locallyInside tells whether the diagonal from a to b starts into the ring.
func (t *Triangulator) locallyInside(a, b int32) bool {
	n := &t.nodes[a]
	if t.turn(n.prev, a, n.next) < 0 {
		return t.turn(a, b, n.next) >= 0 && t.turn(a, n.prev, b) >= 0
	}
	return t.turn(a, b, n.prev) < 0 || t.turn(a, n.next, b) < 0
}

// middleInside tells whether the middle of the diagonal lies in the ring.
func (t *Triangulator) middleInside(a, b int32) bool {
	px, py := (t.nodes[a].x+t.nodes[b].x)/2, (t.nodes[a].y+t.nodes[b].y)/2
	inside := false
	for p := a; ; {
		next := t.nodes[p].next
		u, v := &t.nodes[p], &t.nodes[next]
		if (u.y > py) != (v.y > py) && px < (v.x-u.x)*(py-u.y)/(v.y-u.y)+u.x {
			inside = !inside
		}
		if p = next; p == a {
			return inside
		}
	}
}
