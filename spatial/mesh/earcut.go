package mesh

import (
	"math"
	"slices"
)

// Triangulator cuts polygons with holes into triangles by ear clipping (the
// method of Mapbox's earcut: bridges to holes, local repair of crossings, splits
// by diagonals as a last resort), with a grid of the vertices that are not
// convex where there are many. Any input ends: crossed,
// clockwise, spiked, empty and touching rings give the best triangles there
// are, and the deviation tells how good these are. The zero value is ready.
type Triangulator struct {
	// KeepCollinear emits a triangle of no area where a vertex lies on the line
	// between its neighbours, so that the triangles meet edge to edge at every
	// vertex of the rings (what closed solids need). Without, such vertices are
	// left out where possible.
	KeepCollinear bool
	// Work bounds the vertices looked at in one polygon; 0 means
	// 500,000 + 1,000 a vertex + 4 for each vertex and ring, which rings that do
	// not cross stay far below. Beyond it the rest is left out.
	Work int

	nodes []node
	holes []int32
	grid  reflexGrid
	xy    []float64
	dst   []uint32
	work  int

	originX, originY float64
}

// node is a vertex in a doubly linked ring; links are indexes of nodes.
type node struct {
	x, y       float64
	prev, next int32
	i          uint32 // vertex in the input
	cell       int32  // of the grid, while it is made
	steiner    bool
	gone       bool
}

const (
	none = int32(-1)
	// gridAbove is the number of vertices from which on the grid pays.
	gridAbove = 60
	// MaxVertices is the most a polygon may have, all rings together.
	MaxVertices = 1 << 26
)

// Triangulate appends triangles to dst: three vertex numbers each, counter-
// clockwise (y up) whatever the order of the rings. xy holds two ordinates a
// vertex (any plane unit); ends the exclusive end, in vertices, of each ring,
// shell first; rings may be closed (first vertex repeated) or open. deviation
// is |area of the triangles − area of the polygon| / area of the polygon: about
// 1e-15 for valid polygons, larger the worse the rings are, and 0 when both
// areas are nought. Vertices that are not finite make the result empty, with
// deviation 1.
func (t *Triangulator) Triangulate(dst []uint32, xy []float64, ends []int32) (triangles []uint32, deviation float64) {
	if !t.begin(xy, ends) {
		return dst, 1
	}
	t.dst, t.xy = dst, xy
	outer := t.ring(0, ends[0], true)
	if outer != none && t.nodes[outer].next != t.nodes[outer].prev {
		t.clip(t.bridgeHoles(outer, ends), 0)
	}
	from := len(dst)
	dst, t.dst, t.xy = t.dst, nil, nil
	return dst, deviationOf(dst[from:], xy, ends)
}

// begin checks the rings.
func (t *Triangulator) begin(xy []float64, ends []int32) bool {
	n := len(xy) / 2
	if len(ends) == 0 || n > MaxVertices || int(ends[len(ends)-1]) > n || ends[0] < 0 || !slices.IsSorted(ends) || !finite(xy[:2*ends[len(ends)-1]]) {
		return false
	}
	t.nodes = t.nodes[:0]
	t.work = t.Work
	if t.work == 0 {
		t.work = 500_000 + 1_000*n + 4*n*len(ends)
	}
	if n > 0 {
		t.originX, t.originY = xy[0], xy[1]
	}
	t.grid.inv = 0
	return true
}

func finite(v []float64) bool {
	for _, x := range v {
		if !(math.Abs(x) <= math.MaxFloat64/4) {
			return false
		}
	}
	return true
}

// spend counts vertices looked at and tells whether there is work left.
func (t *Triangulator) spend(n int) bool {
	t.work -= n
	return t.work > 0
}

// ring links the vertices from…to in the wished orientation and returns the
// last, or none.
func (t *Triangulator) ring(from, to int32, ccw bool) int32 {
	if to <= from {
		return none
	}
	last := none
	if (ringArea(t.xy[2*from:2*to]) > 0) == ccw {
		for i := from; i < to; i++ {
			last = t.insert(i, last)
		}
	} else {
		for i := to - 1; i >= from; i-- {
			last = t.insert(i, last)
		}
	}
	if n := t.nodes[last].next; last != n && t.equal(last, n) {
		t.remove(last)
		last = n
	}
	return last
}

// ringArea is twice the signed area, positive counter-clockwise.
func ringArea(xy []float64) float64 {
	n := len(xy)
	if n < 2 {
		return 0
	}
	ox, oy := xy[0], xy[1]
	sum := 0.0
	jx, jy := xy[n-2]-ox, xy[n-1]-oy
	for i := 0; i+1 < n; i += 2 {
		x, y := xy[i]-ox, xy[i+1]-oy
		sum += (jx - x) * (y + jy)
		jx, jy = x, y
	}
	return sum
}

func (t *Triangulator) insert(i, last int32) int32 {
	p := t.newNode(uint32(i), t.xy[2*i]-t.originX, t.xy[2*i+1]-t.originY)
	if last == none {
		t.nodes[p].prev, t.nodes[p].next = p, p
		return p
	}
	next := t.nodes[last].next
	t.nodes[p].next, t.nodes[p].prev = next, last
	t.nodes[next].prev = p
	t.nodes[last].next = p
	return p
}

func (t *Triangulator) newNode(i uint32, x, y float64) int32 {
	p := int32(len(t.nodes))
	t.nodes = append(t.nodes, node{x: x, y: y, i: i})
	return p
}

func (t *Triangulator) remove(p int32) {
	nd := &t.nodes[p]
	nd.gone = true
	t.nodes[nd.next].prev = nd.prev
	t.nodes[nd.prev].next = nd.next
}

func (t *Triangulator) emit(a, b, c int32) {
	t.dst = append(t.dst, t.nodes[a].i, t.nodes[b].i, t.nodes[c].i)
}

// deviationOf compares the area of triangles with that of the rings.
func deviationOf(triangles []uint32, xy []float64, ends []int32) float64 {
	area, from := 0.0, int32(0)
	for k, to := range ends {
		a := math.Abs(ringArea(xy[2*from : 2*to]))
		if k > 0 {
			a = -a
		}
		area += a
		from = to
	}
	got := 0.0
	for i := 0; i+2 < len(triangles); i += 3 {
		a, b, c := 2*triangles[i], 2*triangles[i+1], 2*triangles[i+2]
		got += math.Abs((xy[b]-xy[a])*(xy[c+1]-xy[a+1]) - (xy[c]-xy[a])*(xy[b+1]-xy[a+1]))
	}
	switch {
	case got == area:
		return 0
	case area == 0:
		return 1
	}
	return math.Abs(got-area) / math.Abs(area)
}
