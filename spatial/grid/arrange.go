package grid

import (
	"cmp"
	"slices"
)

// piece is a part of one or more edges between two hot pixels, a < b by number,
// which crosses no other piece. Crossing it from its right to its left side adds w.
type piece struct {
	a, b int32
	w    windings
}

// pack keeps the order by x, then y.
func pack(x, y int32) uint64 { return uint64(uint32(x)^1<<31)<<32 | uint64(uint32(y)^1<<31) }

func unpack(p uint64) (x, y int32) {
	return int32(uint32(p>>32) ^ 1<<31), int32(uint32(p) ^ 1<<31)
}

// repairBudget bounds the comparisons of one Repair: some tens of milliseconds.
const repairBudget = 1 << 24

// findHotPixels lists all ends and rounded crossings of edges.
func (r *Repairer) findHotPixels() bool {
	r.hot = r.hot[:0]
	for i := range r.edges {
		e := &r.edges[i]
		r.hot = append(r.hot, pack(e.ax, e.ay), pack(e.bx, e.by))
	}
	done := r.pairs.each(r.edges, repairBudget, func(i, j int) bool {
		if x, y, ok := crossing(&r.edges[i], &r.edges[j]); ok {
			r.hot = append(r.hot, pack(x, y))
		}
		return len(r.hot) < repairBudget
	})
	if !done || len(r.hot) >= repairBudget {
		return false
	}
	slices.Sort(r.hot)
	r.hot = slices.Compact(r.hot)
	return true
}

// crossing is the position, rounded, where two edges cross in their interiors.
func crossing(e, f *edge) (x, y int32, ok bool) {
	c1, c2 := cross(e.ax, e.ay, e.bx, e.by, f.ax, f.ay), cross(e.ax, e.ay, e.bx, e.by, f.bx, f.by)
	if c1 >= 0 && c2 >= 0 || c1 <= 0 && c2 <= 0 {
		return 0, 0, false
	}
	d1, d2 := cross(f.ax, f.ay, f.bx, f.by, e.ax, e.ay), cross(f.ax, f.ay, f.bx, f.by, e.bx, e.by)
	if d1 >= 0 && d2 >= 0 || d1 <= 0 && d2 <= 0 {
		return 0, 0, false
	}
	den := d1 - d2
	fx := int64(e.ax)*den + int64(e.bx-e.ax)*d1
	fy := int64(e.ay)*den + int64(e.by-e.ay)*d1
	return int32(divRound(fx, den)), int32(divRound(fy, den)), true
}

// divRound is a/b rounded to the nearest, halves up.
func divRound(a, b int64) int64 {
	if b < 0 {
		a, b = -a, -b
	}
	return floorDiv(2*a+b, 2*b)
}

// floorDiv is a/b rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// passes tells whether an edge, whose envelope holds (x, y), meets the pixel
// around (x, y): a square of width 1 to which its left and lower sides belong
// and the others do not.
func passes(e *edge, x, y int32) bool {
	if e.ax == e.bx || e.ay == e.by {
		return true
	}
	// Doubled, so that the corners are whole numbers.
	ax, ay, bx, by := 2*e.ax, 2*e.ay, 2*e.bx, 2*e.by
	up := by > ay
	minX, minY, maxX, maxY := 2*x-1, 2*y-1, 2*x+1, 2*y+1
	upperLeft := cross(ax, ay, bx, by, minX, maxY)
	if upperLeft == 0 {
		return !up
	}
	upperRight := cross(ax, ay, bx, by, maxX, maxY)
	if upperRight == 0 {
		return up
	}
	if upperLeft > 0 != (upperRight > 0) {
		return true
	}
	lowerLeft := cross(ax, ay, bx, by, minX, minY)
	if lowerLeft == 0 || lowerLeft > 0 != (upperLeft > 0) {
		return true
	}
	lowerRight := cross(ax, ay, bx, by, maxX, minY)
	if lowerRight == 0 {
		return !up
	}
	return lowerLeft > 0 != (lowerRight > 0)
}

// cut leads the edges through their hot pixels and unites equal pieces.
func (r *Repairer) cut() bool {
	r.parts = r.parts[:0]
	left := repairBudget
	for i := range r.edges {
		e := &r.edges[i]
		if left = r.follow(e, left); left < 0 {
			return false
		}
		for k := 1; k < len(r.along); k++ {
			a, b, w := r.along[k-1], r.along[k], r.turns[i]
			if a > b {
				a, b, w = b, a, w.minus()
			}
			r.parts = append(r.parts, piece{a, b, w})
		}
	}
	slices.SortFunc(r.parts, func(p, q piece) int {
		return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b))
	})
	n := 0
	for i := 0; i < len(r.parts); {
		p := r.parts[i]
		for i++; i < len(r.parts) && r.parts[i].a == p.a && r.parts[i].b == p.b; i++ {
			p.w = p.w.plus(r.parts[i].w)
		}
		if p.w != (windings{}) {
			r.parts[n] = p
			n++
		}
	}
	r.parts = r.parts[:n]
	return true
}

// follow fills along with the hot pixels that an edge passes, from its lower end
// to its upper, and takes its work from the budget.
func (r *Repairer) follow(e *edge, budget int) int {
	r.along = r.along[:0]
	low, high := min(e.ay, e.by), max(e.ay, e.by)
	lo, _ := slices.BinarySearch(r.hot, pack(e.ax, low))
	hi, _ := slices.BinarySearch(r.hot, pack(e.bx, high)+1)
	if hi-lo <= 64 || int64(hi-lo) <= 16*(int64(e.bx)-int64(e.ax)) {
		for k := lo; k < hi; k++ {
			if x, y := unpack(r.hot[k]); y >= low && y <= high && passes(e, x, y) {
				r.along = append(r.along, int32(k))
			}
		}
		budget -= hi - lo
	} else {
		for x := e.ax; x <= e.bx; x++ { // column by column
			from, to := low, high
			if e.ax < e.bx {
				dx, dy := int64(e.bx)-int64(e.ax), int64(e.by)-int64(e.ay)
				y1 := int32(int64(e.ay) + floorDiv(dy*(2*(int64(x)-int64(e.ax))-1), 2*dx))
				y2 := int32(int64(e.ay) + floorDiv(dy*(2*(int64(x)-int64(e.ax))+1), 2*dx))
				from, to = max(low, min(y1, y2)-1), min(high, max(y1, y2)+2)
			}
			k, _ := slices.BinarySearch(r.hot, pack(x, from))
			for ; k < hi; k++ {
				hx, hy := unpack(r.hot[k])
				if hx != x || hy > to {
					break
				}
				if passes(e, hx, hy) {
					r.along = append(r.along, int32(k))
				}
				budget--
			}
			budget -= 4
		}
	}
	if e.by < e.ay { // hot pixels come by x and, in one column, upward: turn around
		for i := 0; i < len(r.along); {
			j := i + 1
			for j < len(r.along) && r.hot[r.along[j]]>>32 == r.hot[r.along[i]]>>32 {
				j++
			}
			slices.Reverse(r.along[i:j])
			i = j
		}
	}
	return budget
}
