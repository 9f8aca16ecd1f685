// Package simplify leaves vertices out of lines and rings, within a tolerance,
// by the method of Douglas and Peucker (Cartographica 10, 1973).
//
//	ring ── pinned vertices (where borders meet) ──▶ arcs ── each on its own ──▶ kept vertices
//
// What is kept of an arc depends on the arc's vertices alone, not on the way it is
// walked: two rings that share an arc between pinned vertices still share it
// afterwards. The functions have no state and are safe for concurrent use.
package simplify

// longArc is the number of vertices from which on an arc is cut at vertices that
// their position picks, so that the work stays about linear.
const longArc = 4096

// Line marks in keep the vertices of a line that stay: its ends, and what is
// needed to keep all others within the tolerance. xy has two ordinates a vertex,
// keep one entry; keep must be all false.
func Line(xy []uint32, tolerance float64, keep []bool) {
	n := len(xy) / 2
	if n == 0 {
		return
	}
	keep[0], keep[n-1] = true, true
	arc(xy, 0, n-1, tolerance, keep)
}

// Ring is Line for a closed ring, whose first vertex is repeated at the end and
// counts as one with the last. pinned marks vertices that stay; nil is none. A
// ring without pinned vertices keeps the one that is first by x, then y, and the
// one farthest from it.
func Ring(xy []uint32, pinned []bool, tolerance float64, keep []bool) {
	n := len(xy)/2 - 1 // open
	if n < 3 {
		for i := range keep {
			keep[i] = true
		}
		return
	}
	start := -1
	for i := range n {
		if pinned != nil && pinned[i] {
			keep[i] = true
			if start < 0 {
				start = i
			}
		}
	}
	if start < 0 {
		start = 0
		for i := 1; i < n; i++ {
			if before(xy, i, start) {
				start = i
			}
		}
		keep[start] = true
	}
	// The arcs, on a copy that begins at a vertex that stays.
	turned := make([]uint32, 0, len(xy))
	turned = append(append(turned, xy[2*start:2*n]...), xy[:2*start+2]...)
	marks := make([]bool, n+1)
	for i := range n {
		marks[i] = keep[(start+i)%n]
	}
	marks[n] = true
	for lo := 0; lo < n; {
		hi := lo + 1
		for !marks[hi] {
			hi++
		}
		if turned[2*lo] == turned[2*hi] && turned[2*lo+1] == turned[2*hi+1] && hi > lo+2 {
			far := farthest(turned, lo, hi)
			marks[far] = true
			arc(turned, lo, far, tolerance, marks)
			arc(turned, far, hi, tolerance, marks)
		} else {
			arc(turned, lo, hi, tolerance, marks)
		}
		lo = hi
	}
	for i := range n {
		keep[(start+i)%n] = marks[i]
	}
	keep[n] = keep[0]
}

// before orders vertices by x, then y.
func before(xy []uint32, a, b int) bool {
	if xy[2*a] != xy[2*b] {
		return xy[2*a] < xy[2*b]
	}
	return xy[2*a+1] < xy[2*b+1]
}

// farthest is the vertex between lo and hi that is farthest from lo, of equals the
// first by position.
func farthest(xy []uint32, lo, hi int) int {
	best, far := -1.0, lo+1
	for i := lo + 1; i < hi; i++ {
		dx, dy := float64(xy[2*i])-float64(xy[2*lo]), float64(xy[2*i+1])-float64(xy[2*lo+1])
		if d := dx*dx + dy*dy; d > best || d == best && before(xy, i, far) {
			best, far = d, i
		}
	}
	return far
}

// arc marks what stays between two vertices that do.
func arc(xy []uint32, lo, hi int, tolerance float64, keep []bool) {
	if hi-lo > longArc {
		first := lo
		for i := lo + 1; i < hi; i++ {
			if picked(xy[2*i], xy[2*i+1]) {
				keep[i] = true
				peucker(xy, first, i, tolerance, keep)
				first = i
			}
		}
		lo = first
	}
	peucker(xy, lo, hi, tolerance, keep)
}

// picked holds for one position of 512.
func picked(x, y uint32) bool {
	h := (uint64(x)<<32 | uint64(y)) * 0x9E3779B97F4A7C15
	h ^= h >> 29
	h *= 0xD6E8FEB86659FD93
	return h>>55 == 0
}

func peucker(xy []uint32, lo, hi int, tolerance float64, keep []bool) {
	limit := tolerance * tolerance
	var buf [64][2]int
	stack := append(buf[:0], [2]int{lo, hi})
	for len(stack) > 0 {
		lo, hi := stack[len(stack)-1][0], stack[len(stack)-1][1]
		stack = stack[:len(stack)-1]
		if hi-lo < 2 {
			continue
		}
		a, b := lo, hi
		if before(xy, b, a) {
			a, b = b, a // the same numbers whichever way the arc is walked
		}
		ax, ay := float64(xy[2*a]), float64(xy[2*a+1])
		dx, dy := float64(xy[2*b])-ax, float64(xy[2*b+1])-ay
		length := dx*dx + dy*dy
		best, far := -1.0, 0
		for i := lo + 1; i < hi; i++ {
			px, py := float64(xy[2*i])-ax, float64(xy[2*i+1])-ay
			if length > 0 {
				t := max(0, min(1, (px*dx+py*dy)/length))
				px, py = px-t*dx, py-t*dy
			}
			if d := px*px + py*py; d > best || d == best && before(xy, i, far) {
				best, far = d, i
			}
		}
		if best > limit {
			keep[far] = true
			stack = append(stack, [2]int{lo, far}, [2]int{far, hi})
		}
	}
}
