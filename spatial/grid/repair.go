package grid

// MaxRepairExtent bounds the ordinates that Repair takes, in size.
const MaxRepairExtent = 1 << 18

// Repairer makes valid polygons of rings that are not. The zero value is ready.
//
// It computes the arrangement of all edges by snap rounding (Hobby, "Practical
// segment intersection with finite precision output", 1999): every vertex and
// every crossing, rounded, is a hot pixel, and each edge is led through the
// middle of each hot pixel that it passes. The pieces meet at their ends only.
// Then the faces that belong to the polygons are found by winding numbers and
// their borders put together again.
//
// A position is inside when shells wind around it more often than holes do, in
// size: |ΣS| > |ΣH|, all shells turned one way and all holes the same way. For
// valid polygons that is their interior, islands in holes included; overlapping
// parts are united, both lobes of a bowtie are kept, and what a hole covers
// outside its shell is nothing.
type Repairer struct {
	edges []edge     // of the input, the lower end (by x, then y) first
	turns []windings // of each of them: what crossing it from right to left adds
	pairs pairFinder
	hot   []uint64 // hot pixels by x, then y; see pack
	along []int32  // hot pixels of one edge
	parts []piece  // between hot pixels, unique

	rot   []int32    // half-edges by origin and direction
	place []int32    // of each half-edge in rot
	first []int32    // of each node in rot; one more at the end
	wind  []windings // left of each half-edge
	known []bool     // of each node: wind is set around it
	used  []bool     // of each half-edge: in a walk
	queue []int32
	walk  []int32 // nodes
	seat  []int32 // of each node in walk, plus 1
	rows  rows

	tmp    Rings
	boxes  []ringBox // of each ring of tmp; area is signed, shell −1 while unknown
	groups []uint64
}

// windings counts how often shells and holes wind around a position.
type windings struct{ shells, holes int32 }

func (w windings) plus(d windings) windings {
	return windings{w.shells + d.shells, w.holes + d.holes}
}

func (w windings) minus() windings { return windings{-w.shells, -w.holes} }

func (w windings) inside() bool { return max(w.shells, -w.shells) > max(w.holes, -w.holes) }

// Repair appends to dst the valid polygons (as OGC Simple Features has it, with
// rings that may touch in points) that src's rings enclose: shells positive,
// holes negative, each shell followed by its holes, no three vertices in a line.
// Edges move by half a unit at most where they pass another vertex so closely,
// else what is valid stays as it is. It reports false, and dst is as it was, when the edges cross so often that the work would not be
// bounded; coarser rings mend that.
func (r *Repairer) Repair(dst, src *Rings) bool {
	r.collect(src)
	if !r.findHotPixels() || !r.cut() {
		return false
	}
	r.link()
	r.windAll()
	r.walkFaces()
	r.emit(dst)
	return true
}

// collect lists the edges of the rings, all of them turned the positive way.
func (r *Repairer) collect(src *Rings) {
	r.edges, r.turns = r.edges[:0], r.turns[:0]
	for k := range src.Ends {
		ring := src.Ring(k)
		w := windings{shells: 1}
		if src.Hole[k] {
			w = windings{holes: 1}
		}
		if Area2(ring) < 0 {
			w = w.minus()
		}
		n := len(ring)
		ax, ay := ring[n-2], ring[n-1]
		for i := 0; i < n; i += 2 {
			bx, by := ring[i], ring[i+1]
			switch {
			case ax < bx || ax == bx && ay < by:
				r.edges = append(r.edges, edge{ax, ay, bx, by})
				r.turns = append(r.turns, w)
			case ax > bx || ay > by:
				r.edges = append(r.edges, edge{bx, by, ax, ay})
				r.turns = append(r.turns, w.minus())
			}
			ax, ay = bx, by
		}
	}
}
