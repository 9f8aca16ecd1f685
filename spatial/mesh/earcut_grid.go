package mesh

import (
	"math"
	"slices"
)

// reflexGrid holds the vertices of a ring that are not convex by square cells:
// only these can lie in an ear. Those that are cut off or have become convex
// are thrown out when they are met.
type reflexGrid struct {
	minX, minY, inv float64 // corner, and cells a unit; inv is 0 without a grid
	columns, rows   int32
	start           []int32 // one a cell and one more: where its vertices begin
	end             []int32 // one a cell: where those that remain end
	items           []int32 // nodes
}

// cellsPerVertex makes about so many cells a vertex of the ring.
const cellsPerVertex = 2

// index sorts the reflex vertices of the ring into cells.
func (t *Triangulator) index(start int32) {
	g := &t.grid
	g.inv = 0
	n := 0
	minX, minY, maxX, maxY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for p := start; ; {
		nd := &t.nodes[p]
		minX, maxX = min(minX, nd.x), max(maxX, nd.x)
		minY, maxY = min(minY, nd.y), max(maxY, nd.y)
		n++
		if p = nd.next; p == start {
			break
		}
	}
	t.work -= n
	w, h := maxX-minX, maxY-minY
	if n <= gridAbove || !(w > 0) || !(h > 0) {
		return
	}
	inv := math.Sqrt(cellsPerVertex * float64(n) / (w * h))
	g.columns, g.rows = int32(min(w*inv, 1<<14))+1, int32(min(h*inv, 1<<14))+1
	if int(g.columns)*int(g.rows) > 4*n+1<<10 || math.IsInf(inv, 0) || !(inv > 0) {
		return // a sliver of a ring
	}
	g.minX, g.minY, g.inv = minX, minY, inv
	t.fill(start)
}

// fill sorts by counting.
func (t *Triangulator) fill(start int32) {
	g := &t.grid
	cells := int(g.columns) * int(g.rows)
	g.start = slices.Grow(g.start[:0], cells+1)[:cells+1]
	clear(g.start)
	g.items = g.items[:0]
	for p := start; ; {
		nd := &t.nodes[p]
		if t.turn(nd.prev, p, nd.next) >= 0 {
			nd.cell = g.cell(nd.x, nd.y)
			g.start[nd.cell+1]++
			g.items = append(g.items, p)
		} else {
			nd.cell = none
		}
		if p = nd.next; p == start {
			break
		}
	}
	for c := range cells {
		g.start[c+1] += g.start[c]
	}
	g.end = append(g.end[:0], g.start[:cells]...)
	g.items = g.items[:0]
	g.items = slices.Grow(g.items, int(g.start[cells]))[:g.start[cells]]
	for p := start; ; {
		nd := &t.nodes[p]
		if c := nd.cell; c != none {
			g.items[g.end[c]] = p
			g.end[c]++
		}
		if p = nd.next; p == start {
			break
		}
	}
}

func (g *reflexGrid) column(x float64) int32 {
	return int32(min(max((x-g.minX)*g.inv, 0), float64(g.columns-1)))
}

func (g *reflexGrid) row(y float64) int32 {
	return int32(min(max((y-g.minY)*g.inv, 0), float64(g.rows-1)))
}

func (g *reflexGrid) cell(x, y float64) int32 { return g.row(y)*g.columns + g.column(x) }

// ear is a candidate triangle a b c with its box.
type ear struct {
	a, b, c                int32
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
		a: a, b: b, c: c, ax: na.x, ay: na.y, bx: nb.x, by: nb.y, cx: nc.x, cy: nc.y,
		x0: min(na.x, nb.x, nc.x), y0: min(na.y, nb.y, nc.y),
		x1: max(na.x, nb.x, nc.x), y1: max(na.y, nb.y, nc.y),
	}
	if t.grid.inv > 0 {
		return t.freeInGrid(&e)
	}
	seen := 0
	for p := nc.next; p != a; p = t.nodes[p].next {
		seen++
		if t.blocks(&e, p) {
			t.work -= seen
			return false
		}
	}
	t.work -= seen
	return true
}

// freeInGrid looks at the cells that the ear touches, row by row.
func (t *Triangulator) freeInGrid(e *ear) bool {
	g := &t.grid
	r0, r1 := g.row(e.y0), g.row(e.y1)
	narrow := r1-r0 < 2
	for r := r0; r <= r1; r++ {
		x0, x1 := e.x0, e.x1
		if !narrow {
			x0, x1 = e.reach(g.minY+float64(r)/g.inv, g.minY+float64(r+1)/g.inv, 1e-9/g.inv)
		}
		c := r * g.columns
		for k := c + g.column(x0); k <= c+g.column(x1); k++ {
			t.work--
			if g.start[k] != g.end[k] && t.cellBlocks(e, k) {
				return false
			}
		}
	}
	return true
}

// reach is the extent in x of the ear between two heights, widened by slack.
func (e *ear) reach(lo, hi, slack float64) (x0, x1 float64) {
	x0, x1 = math.Inf(1), math.Inf(-1)
	lo, hi = lo-slack, hi+slack
	edge := func(ax, ay, bx, by float64) {
		if ay > by {
			ax, ay, bx, by = bx, by, ax, ay
		}
		if by < lo || ay > hi {
			return
		}
		pa, pb := ax, bx
		if ay < lo {
			pa = ax + (bx-ax)*(lo-ay)/(by-ay)
		}
		if by > hi {
			pb = ax + (bx-ax)*(hi-ay)/(by-ay)
		}
		x0, x1 = min(x0, pa, pb), max(x1, pa, pb)
	}
	edge(e.ax, e.ay, e.bx, e.by)
	edge(e.bx, e.by, e.cx, e.cy)
	edge(e.cx, e.cy, e.ax, e.ay)
	return max(x0-slack, e.x0), min(x1+slack, e.x1)
}

// cellBlocks tells whether a vertex of the cell lies in the ear.
func (t *Triangulator) cellBlocks(e *ear, cell int32) bool {
	g := &t.grid
	for i := g.start[cell]; i < g.end[cell]; {
		t.work--
		p := g.items[i]
		nd := &t.nodes[p]
		if nd.gone {
			g.end[cell]--
			g.items[i] = g.items[g.end[cell]]
			continue
		}
		if p != e.a && p != e.b && p != e.c && t.blocks(e, p) {
			return true
		}
		i++
	}
	return false
}

// blocks tells whether the vertex lies in the ear and is not convex itself.
func (t *Triangulator) blocks(e *ear, p int32) bool {
	nd := &t.nodes[p]
	return nd.x >= e.x0 && nd.x <= e.x1 && nd.y >= e.y0 && nd.y <= e.y1 &&
		(nd.x != e.ax || nd.y != e.ay) &&
		inTriangle(e.ax, e.ay, e.bx, e.by, e.cx, e.cy, nd.x, nd.y) &&
		t.turn(nd.prev, p, nd.next) >= 0
}
