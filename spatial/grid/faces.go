package grid

import (
	"cmp"
	"slices"
)

// A half-edge is numbered 2k from a to b of piece k, and 2k+1 from b to a.

func (r *Repairer) origin(h int32) int32 {
	if h&1 == 0 {
		return r.parts[h>>1].a
	}
	return r.parts[h>>1].b
}

// weight is what crossing the half-edge from right to left adds.
func (r *Repairer) weight(h int32) windings {
	w := r.parts[h>>1].w
	if h&1 == 1 {
		return windings{-w.shells, -w.holes}
	}
	return w
}

// link orders the half-edges around each node, by angle from just after west,
// in the positive sense.
func (r *Repairer) link() {
	n := 2 * len(r.parts)
	r.rot = resize(r.rot, n)
	r.place = resize(r.place, n)
	r.first = resize(r.first, len(r.hot)+1)
	for h := range r.rot {
		r.rot[h] = int32(h)
	}
	slices.SortFunc(r.rot, func(g, h int32) int {
		o, p := r.origin(g), r.origin(h)
		if o != p {
			return cmp.Compare(o, p)
		}
		ox, oy := unpack(r.hot[o])
		gx, gy := unpack(r.hot[r.origin(g^1)])
		hx, hy := unpack(r.hot[r.origin(h^1)])
		if c := cmp.Compare(sector(gx-ox, gy-oy), sector(hx-ox, hy-oy)); c != 0 {
			return c
		}
		return cmp.Compare(0, cross(ox, oy, gx, gy, hx, hy))
	})
	node := int32(0)
	for k, h := range r.rot {
		r.place[h] = int32(k)
		for o := r.origin(h); node <= o; node++ {
			r.first[node] = int32(k)
		}
	}
	for ; int(node) <= len(r.hot); node++ {
		r.first[node] = int32(n)
	}
}

// sector orders directions roughly: below, then east to above, then west.
func sector(dx, dy int32) int {
	switch {
	case dy < 0:
		return 0
	case dy == 0 && dx < 0:
		return 2
	}
	return 1
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

// windAll computes the winding numbers left of every half-edge, component by
// component from its westernmost node.
func (r *Repairer) windAll() {
	r.wind = resize(r.wind, len(r.rot))
	r.known = resize(r.known, len(r.hot))
	clear(r.known)
	r.rows.reset()
	for node := range r.hot {
		lo, hi := r.first[node], r.first[node+1]
		if r.known[node] || lo == hi {
			continue
		}
		// West of the node is outside of its component.
		w := r.rows.around(r, r.hot[node])
		r.known[node] = true
		r.queue = r.queue[:0]
		for _, h := range r.rot[lo:hi] {
			w = w.plus(r.weight(h))
			r.wind[h] = w
			r.queue = append(r.queue, h)
		}
		for len(r.queue) > 0 {
			h := r.queue[len(r.queue)-1]
			r.queue = r.queue[:len(r.queue)-1]
			t := h ^ 1
			head := r.origin(t)
			if r.known[head] {
				continue
			}
			r.known[head] = true
			w := r.wind[h].plus(r.weight(t)) // right of h is left of t
			r.wind[t] = w
			lo, hi := r.first[head], r.first[head+1]
			for k := r.next(r.place[t], lo, hi); r.rot[k] != t; k = r.next(k, lo, hi) {
				g := r.rot[k]
				w = w.plus(r.weight(g))
				r.wind[g] = w
				r.queue = append(r.queue, g)
			}
		}
	}
}

func (r *Repairer) next(k, lo, hi int32) int32 {
	if k++; k == hi {
		return lo
	}
	return k
}

// border tells whether a half-edge has the polygons on its left side only.
func (r *Repairer) border(h int32) bool {
	return r.wind[h].inside() && !r.wind[h^1].inside()
}

// walkFaces follows the borders of the faces inside, with the face to the left,
// and takes them apart where they meet themselves in a node.
func (r *Repairer) walkFaces() {
	r.tmp.Reset()
	r.boxes = r.boxes[:0]
	r.used = resize(r.used, len(r.rot))
	clear(r.used)
	r.seat = resize(r.seat, len(r.hot))
	clear(r.seat)
	for start := range r.used {
		h := int32(start)
		if r.used[h] || !r.border(h) {
			continue
		}
		from := r.tmp.Len()
		r.walk = r.walk[:0]
		for !r.used[h] {
			r.used[h] = true
			o := r.origin(h)
			if s := r.seat[o]; s > 0 {
				r.keep(s - 1)
			}
			r.walk = append(r.walk, o)
			r.seat[o] = int32(len(r.walk))
			// The next border of the same face: clockwise from the way back.
			t := h ^ 1
			head := r.origin(t)
			lo, hi := r.first[head], r.first[head+1]
			for k := r.place[t]; ; {
				if k == lo {
					k = hi
				}
				k--
				if h = r.rot[k]; r.border(h) {
					break
				}
			}
		}
		r.keep(0)
		// The one shell among the walk's rings owns its holes.
		for k := from; k < r.tmp.Len(); k++ {
			if r.boxes[k].area > 0 {
				for j := from; j < r.tmp.Len(); j++ {
					r.boxes[j].shell = int32(k)
				}
			}
		}
	}
}

// keep takes the walk's nodes from a seat on as a ring.
func (r *Repairer) keep(seat int32) {
	ring := r.walk[seat:]
	n := len(ring)
	box := ringBox{shell: -1}
	for i, node := range ring {
		r.seat[node] = 0
		px, py := unpack(r.hot[ring[(i+n-1)%n]])
		x, y := unpack(r.hot[node])
		qx, qy := unpack(r.hot[ring[(i+1)%n]])
		if i == 0 {
			box.minX, box.minY, box.maxX, box.maxY = x, y, x, y
		}
		box.minX, box.maxX = min(box.minX, x), max(box.maxX, x)
		box.minY, box.maxY = min(box.minY, y), max(box.maxY, y)
		if cross(px, py, x, y, qx, qy) != 0 {
			r.tmp.XY = append(r.tmp.XY, x, y)
		}
	}
	r.walk = r.walk[:seat]
	if r.tmp.Close(false) {
		box.area = Area2(r.tmp.Ring(r.tmp.Len() - 1))
		r.boxes = append(r.boxes, box)
	}
}

// emit finds the shells of the holes that are not joined to one and writes the
// polygons.
func (r *Repairer) emit(dst *Rings) {
	r.groups = r.groups[:0]
	for i := range r.boxes {
		b := &r.boxes[i]
		if b.shell < 0 {
			for s := range r.boxes {
				a := &r.boxes[s]
				if a.area > -b.area && a.minX <= b.minX && a.maxX >= b.maxX && a.minY <= b.minY && a.maxY >= b.maxY &&
					(b.shell < 0 || a.area < r.boxes[b.shell].area) && holds(r.tmp.Ring(s), r.tmp.Ring(i)) {
					b.shell = int32(s)
				}
			}
		}
		if b.shell >= 0 {
			hole := uint64(1) << 31
			if int(b.shell) == i {
				hole = 0
			}
			r.groups = append(r.groups, uint64(b.shell)<<32|hole|uint64(i))
		}
	}
	slices.Sort(r.groups) // each shell before its holes
	for _, g := range r.groups {
		dst.XY = append(dst.XY, r.tmp.Ring(int(g&(1<<31-1)))...)
		dst.Close(g&(1<<31) != 0)
	}
}

// holds tells whether ring b, which may touch ring a in vertices, lies inside it.
func holds(a, b []int32) bool {
	for i := 0; i < len(b); i += 2 {
		if s := locate(a, b[i], b[i+1]); s != onRing {
			return s == inside
		}
	}
	return false
}

// rows finds the winding numbers around components. It counts all pieces for the
// first few and sorts them into rows of the plane when there are more.
type rows struct {
	asked  int
	minY   int64
	height int64
	start  []int32 // of each row in pieces; one more at the end
	pieces []int32
}

const (
	rowsAfter = 16
	rowsCount = 256
)

func (w *rows) reset() { w.asked = 0 }

// around is the winding numbers just west of a node, by the ray to the east.
func (w *rows) around(r *Repairer, p uint64) (sum windings) {
	x, y := unpack(p)
	if w.asked++; w.asked <= rowsAfter {
		for i := range r.parts {
			sum = sum.plus(r.east(&r.parts[i], x, y))
		}
		return sum
	}
	if w.asked == rowsAfter+1 {
		w.sort(r)
	}
	row := (int64(y) - w.minY) * rowsCount / w.height
	for _, i := range w.pieces[w.start[row]:w.start[row+1]] {
		sum = sum.plus(r.east(&r.parts[i], x, y))
	}
	return sum
}

// east is what a piece adds to the winding numbers just west of (x, y).
func (r *Repairer) east(e *piece, x, y int32) windings {
	ax, ay := unpack(r.hot[e.a])
	bx, by := unpack(r.hot[e.b])
	switch {
	case ay <= y && y < by && cross(ax, ay, bx, by, x, y) >= 0:
		return e.w
	case by <= y && y < ay && cross(ax, ay, bx, by, x, y) <= 0:
		return e.w.minus()
	}
	return windings{}
}

func (w *rows) sort(r *Repairer) {
	low, high := int32(1<<31-1), int32(-1<<31)
	for _, p := range r.hot {
		_, y := unpack(p)
		low, high = min(low, y), max(high, y)
	}
	w.minY, w.height = int64(low), int64(high)-int64(low)+1
	span := func(e *piece) (int64, int64) {
		_, ay := unpack(r.hot[e.a])
		_, by := unpack(r.hot[e.b])
		return (int64(min(ay, by)) - w.minY) * rowsCount / w.height, (int64(max(ay, by)) - w.minY) * rowsCount / w.height
	}
	w.start = resize(w.start, rowsCount+1)
	clear(w.start)
	for i := range r.parts {
		from, to := span(&r.parts[i])
		for ; from <= to; from++ {
			w.start[from+1]++
		}
	}
	for k := 1; k <= rowsCount; k++ {
		w.start[k] += w.start[k-1]
	}
	w.pieces = resize(w.pieces, int(w.start[rowsCount]))
	for i := range r.parts {
		from, to := span(&r.parts[i])
		for ; from <= to; from++ {
			w.pieces[w.start[from]] = int32(i)
			w.start[from]++
		}
	}
	copy(w.start[1:], w.start[:rowsCount])
	w.start[0] = 0
}
