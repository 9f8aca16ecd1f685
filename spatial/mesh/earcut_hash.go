package mesh

import "slices"

// zEntry is a vertex with its place on the z-order curve.
type zEntry struct {
	z uint32
	p int32
}

// indexCurve links the vertices of a ring in the order of the z-curve.
func (t *Triangulator) indexCurve(start int32) {
	t.order = t.order[:0]
	for p := start; ; {
		nd := &t.nodes[p]
		nd.z = t.zOrder(nd.x, nd.y)
		t.order = append(t.order, zEntry{nd.z, p})
		if p = nd.next; p == start {
			break
		}
	}
	t.sortOrder()
	prev := none
	for _, e := range t.order {
		t.nodes[e.p].prevZ, t.nodes[e.p].nextZ = prev, none
		if prev != none {
			t.nodes[prev].nextZ = e.p
		}
		prev = e.p
	}
}

// sortOrder sorts stably by z: by radix when there are many.
func (t *Triangulator) sortOrder() {
	if len(t.order) < 512 {
		slices.SortStableFunc(t.order, func(a, b zEntry) int { return int(a.z) - int(b.z) })
		return
	}
	t.spare = slices.Grow(t.spare[:0], len(t.order))[:len(t.order)]
	from, to := t.order, t.spare
	for shift := 0; shift < 32; shift += 8 {
		var at [257]int
		for _, e := range from {
			at[(e.z>>shift)&255+1]++
		}
		for i := range 256 {
			at[i+1] += at[i]
		}
		for _, e := range from {
			k := (e.z >> shift) & 255
			to[at[k]] = e
			at[k]++
		}
		from, to = to, from
	}
	// four passes: the result is in t.order again
}

// zOrder is the place of a position on the z-curve over 2^15 × 2^15 cells.
func (t *Triangulator) zOrder(x, y float64) uint32 {
	return spread((x-t.minX)*t.invSize) | spread((y-t.minY)*t.invSize)<<1
}

// spread puts a zero bit between the bits of v, held to 0…32767.
func spread(v float64) uint32 {
	u := uint32(min(max(v, 0), 32767))
	u = (u | u<<8) & 0x00FF00FF
	u = (u | u<<4) & 0x0F0F0F0F
	u = (u | u<<2) & 0x33333333
	return (u | u<<1) & 0x55555555
}

// ear is a candidate triangle a b c with its box.
type ear struct {
	a, c                   int32
	ax, ay, bx, by, cx, cy float64
	x0, y0, x1, y1         float64
}

// isEar tells whether the corner at b is convex and no other vertex of the
// ring lies in its triangle.
func (t *Triangulator) isEar(b int32) bool {
	nb := &t.nodes[b]
	a, c := nb.prev, nb.next
	if t.turn(a, b, c) >= 0 {
		return false
	}
	na, nc := &t.nodes[a], &t.nodes[c]
	e := ear{
		a: a, c: c, ax: na.x, ay: na.y, bx: nb.x, by: nb.y, cx: nc.x, cy: nc.y,
		x0: min(na.x, nb.x, nc.x), y0: min(na.y, nb.y, nc.y),
		x1: max(na.x, nb.x, nc.x), y1: max(na.y, nb.y, nc.y),
	}
	if t.invSize > 0 {
		return t.freeByHash(b, &e)
	}
	seen := 0
	for p := nc.next; p != a; p = t.nodes[p].next {
		seen++
		if t.blocks(&e, p) {
			return false
		}
	}
	t.work -= seen
	return true
}

func (t *Triangulator) freeByHash(b int32, e *ear) bool {
	minZ, maxZ := t.zOrder(e.x0, e.y0), t.zOrder(e.x1, e.y1)
	seen := 1
	defer func() { t.work -= seen }()
	p, n := t.nodes[b].prevZ, t.nodes[b].nextZ
	for p != none && t.nodes[p].z >= minZ || n != none && t.nodes[n].z <= maxZ {
		seen++
		if p != none && t.nodes[p].z >= minZ {
			if t.blocksAway(e, p) {
				return false
			}
			p = t.nodes[p].prevZ
		}
		if n != none && t.nodes[n].z <= maxZ {
			if t.blocksAway(e, n) {
				return false
			}
			n = t.nodes[n].nextZ
		}
	}
	return true
}

func (t *Triangulator) blocksAway(e *ear, p int32) bool {
	return p != e.a && p != e.c && t.blocks(e, p)
}

// blocks tells whether the vertex lies in the ear and is not convex itself.
func (t *Triangulator) blocks(e *ear, p int32) bool {
	nd := &t.nodes[p]
	return nd.x >= e.x0 && nd.x <= e.x1 && nd.y >= e.y0 && nd.y <= e.y1 &&
		(nd.x != e.ax || nd.y != e.ay) &&
		inTriangle(e.ax, e.ay, e.bx, e.by, e.cx, e.cy, nd.x, nd.y) &&
		t.turn(nd.prev, p, nd.next) >= 0
}
