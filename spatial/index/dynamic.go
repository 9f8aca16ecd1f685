package index

import (
	"math"
	"slices"

	"github.com/tidwall/rtree"

	"twind/spatial/tile"
)

// Dynamic is an R-tree that can change. One writer at a time may call Insert,
// Delete and Copy; a copy that nobody changes is safe for concurrent reading.
type Dynamic struct{ tree rtree.RTreeG[uint32] }

func corners(b tile.WorldBox) (lo, hi [2]float64) {
	return [2]float64{float64(b.MinX), float64(b.MinY)}, [2]float64{float64(b.MaxX), float64(b.MaxY)}
}

func worldBox(lo, hi [2]float64) tile.WorldBox {
	return tile.WorldBox{MinX: uint32(lo[0]), MinY: uint32(lo[1]), MaxX: uint32(hi[0]), MaxY: uint32(hi[1])}
}

// Insert adds an item. Its box must not be empty.
func (d *Dynamic) Insert(box tile.WorldBox, item uint32) {
	lo, hi := corners(box)
	d.tree.Insert(lo, hi, item)
}

// Delete removes an item that was inserted with this box.
func (d *Dynamic) Delete(box tile.WorldBox, item uint32) {
	lo, hi := corners(box)
	d.tree.Delete(lo, hi, item)
}

// Copy returns a tree with the same items in constant time. It writes to its
// receiver: only the writer may call it.
func (d *Dynamic) Copy() *Dynamic { return &Dynamic{*d.tree.Copy()} }

// Len is the number of items.
func (d *Dynamic) Len() int { return d.tree.Len() }

// Search appends to dst the items whose boxes intersect box, in ascending order,
// and returns the longer slice.
func (d *Dynamic) Search(box tile.WorldBox, dst []uint32) []uint32 {
	lo, hi := corners(box)
	first := len(dst)
	d.tree.Search(lo, hi, func(_, _ [2]float64, item uint32) bool {
		dst = append(dst, item)
		return true
	})
	slices.Sort(dst[first:])
	return dst
}

// Nearby calls yield with the items in order of their distance, equal distances
// in no order, until yield returns false or the distance exceeds limit.
func (d *Dynamic) Nearby(m Metric, limit float64, yield func(item uint32, distance float64) bool) {
	// The tree gives items by their bounds; those whose distance is known wait
	// here until nothing nearer can come.
	known := candidates.Get().(*queue)
	defer func() { candidates.Put(known) }()
	known.reset()
	flush := func(bound float64) bool {
		for len(*known) > 0 && (*known)[0].distance <= bound {
			c, _ := known.pop()
			if !yield(c.item, c.distance) {
				return false
			}
		}
		return true
	}
	done := false
	d.tree.Nearby(func(lo, hi [2]float64, _ uint32, _ bool) float64 {
		return m.Bound(worldBox(lo, hi))
	}, func(_, _ [2]float64, item uint32, bound float64) bool {
		if bound > limit {
			return false
		}
		// What is exactly as near as the bound waits, for equals may follow.
		if done = !flush(math.Nextafter(bound, math.Inf(-1))); done {
			return false
		}
		if distance := m.Distance(item); distance <= limit {
			known.push(candidate{distance, item, -1})
		}
		return true
	})
	if !done {
		flush(math.Inf(1))
	}
}
