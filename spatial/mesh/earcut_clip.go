package mesh

// filter drops vertices that are repeated or on the line of their neighbours,
// from start round to end, and returns a vertex that remained.
func (t *Triangulator) filter(start, end int32) int32 {
	if start == none {
		return start
	}
	p := start
	for {
		again := false
		nd := &t.nodes[p]
		if !nd.steiner && (t.equal(p, nd.next) || t.turn(nd.prev, p, nd.next) == 0) {
			prev := nd.prev
			if t.KeepCollinear && nd.next != prev {
				t.emit(prev, p, nd.next)
			}
			t.remove(p)
			p, end = prev, prev
			if p == t.nodes[p].next {
				break
			}
			again = true
		} else {
			p = nd.next
		}
		if !again && p == end {
			break
		}
	}
	return end
}

// clip cuts ears off the ring that holds ear. The passes: 0 as it is, 1 after
// dropping needless vertices, 2 after mending local crossings; then the ring
// is split in two.
func (t *Triangulator) clip(ear int32, pass int) {
	for ear != none {
		t.index(ear)
		rest := t.clipEars(ear)
		if rest == none {
			return
		}
		switch pass {
		case 0:
			ear = t.filter(rest, rest)
		case 1:
			ear = t.mendCrossings(t.filter(rest, rest))
		default:
			t.split(rest)
			return
		}
		pass++
	}
}

// clipEars cuts until no ear is left and returns none when the ring is used up.
func (t *Triangulator) clipEars(ear int32) int32 {
	stop, walked, rare := ear, 0, 0
	for {
		nd := &t.nodes[ear]
		prev, next := nd.prev, nd.next
		if prev == next || !t.spend(1) {
			return none
		}
		if t.isEar(ear) {
			t.emit(prev, ear, next)
			t.remove(ear)
			if walked > longWalk {
				rare = beside
			}
			if ear = t.nodes[next].next; rare > 0 {
				ear = prev // where ears are rare, the next one is beside the last
				rare--
			}
			stop, walked = ear, 0
			continue
		}
		ear = next
		walked++
		if ear == stop {
			return ear
		}
	}
}

// After longWalk vertices without an ear the search goes on beside the one
// found, for so many ears; else it skips a vertex, which makes fewer slivers.
const (
	longWalk = 24
	beside   = 512
)

// mendCrossings cuts off triangles where two edges next to each other cross.
func (t *Triangulator) mendCrossings(start int32) int32 {
	p := start
	for {
		next := t.nodes[p].next
		a, b := t.nodes[p].prev, t.nodes[next].next
		if !t.equal(a, b) && t.crosses(a, p, next, b) && t.locallyInside(a, b) && t.locallyInside(b, a) {
			t.emit(a, p, b)
			t.remove(p)
			t.remove(next)
			p, start = b, b
		}
		p = t.nodes[p].next
		if p == start {
			return t.filter(p, p)
		}
	}
}

// split divides the ring along a diagonal and clips both halves.
func (t *Triangulator) split(start int32) {
	a := start
	for {
		for b := t.nodes[t.nodes[a].next].next; b != t.nodes[a].prev; b = t.nodes[b].next {
			if !t.spend(1) {
				return
			}
			if t.nodes[a].i != t.nodes[b].i && t.isDiagonal(a, b) {
				c := t.splitAt(a, b)
				a = t.filter(a, t.nodes[a].next)
				c = t.filter(c, t.nodes[c].next)
				t.clip(a, 0)
				t.clip(c, 0)
				return
			}
		}
		a = t.nodes[a].next
		if a == start {
			return
		}
	}
}

// splitAt links a with b: one ring becomes two, or two become one. It returns
// the copy of b in the other ring.
func (t *Triangulator) splitAt(a, b int32) int32 {
	a2 := t.newNode(t.nodes[a].i, t.nodes[a].x, t.nodes[a].y)
	b2 := t.newNode(t.nodes[b].i, t.nodes[b].x, t.nodes[b].y)
	an, bp := t.nodes[a].next, t.nodes[b].prev
	t.nodes[a].next, t.nodes[b].prev = b, a
	t.nodes[a2].next, t.nodes[an].prev = an, a2
	t.nodes[b2].next, t.nodes[a2].prev = a2, b2
	t.nodes[bp].next, t.nodes[b2].prev = b2, bp
	return b2
}
