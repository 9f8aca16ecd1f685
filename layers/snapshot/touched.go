package snapshot

import (
	"twind/layers"
	"twind/spatial/index"
	"twind/spatial/tile"
)

// touched knows when a place last changed: the boxes that changes touched, each
// with its revision, and a floor below which changes are not told apart. It is
// immutable but for add, which its one writer calls on the newest version only;
// a version that was handed out before does not see what is added.
//
//	tail    the last few changes, looked through one by one
//	trees   packed R-trees, each at least treeGrowth times the size of the next,
//	        whose nodes know the newest revision below them
type touched struct {
	floor  layers.Revision
	newest layers.Revision
	tail   []touch
	trees  []*touchTree
	limit  int // of touches that are told apart exactly
}

type touch struct {
	box      tile.WorldBox
	revision layers.Revision
}

const (
	tailLength  = 256
	treeGrowth  = 4
	maxTouches  = 1 << 18
	coarseCell  = 1 << 15 // a tile of zoom 17
	coarserCell = 1 << 20 // a tile of zoom 12
)

func newTouched(floor layers.Revision) *touched {
	return &touched{floor: floor, newest: floor, limit: maxTouches}
}

// at is the last revision that touched the box.
func (t *touched) at(box tile.WorldBox) layers.Revision {
	best := t.floor
	for i := len(t.tail) - 1; i >= 0; i-- {
		if e := &t.tail[i]; e.revision > best && e.box.Intersects(box) {
			best = e.revision
		}
	}
	for _, tree := range t.trees {
		best = tree.at(box, best)
	}
	return best
}

// with is the next version, in which a change touched a box.
func (t *touched) with(box tile.WorldBox, r layers.Revision) *touched {
	n := *t
	n.newest = max(n.newest, r)
	if box == EmptyBox {
		return &n
	}
	n.tail = append(n.tail, touch{box, r})
	if len(n.tail) >= tailLength {
		n.pack()
	}
	return &n
}

// raised is the next version, in which everything changed.
func (t *touched) raised(r layers.Revision) *touched {
	return newTouched(max(r, t.newest))
}

// pack moves the tail and the smaller trees into one.
func (t *touched) pack() {
	all := append([]touch(nil), t.tail...)
	keep := len(t.trees)
	for keep > 0 && t.trees[keep-1].len() < treeGrowth*len(all) {
		keep--
		all = append(all, t.trees[keep].touches()...)
	}
	tree := newTouchTree(all)
	trees := append([]*touchTree(nil), t.trees[:keep]...)
	total := tree.len()
	for _, o := range trees {
		total += o.len()
	}
	for cell := uint32(coarseCell); total > t.limit; cell <<= 5 {
		// Too many to keep apart: round them to cells, which touches a little more.
		all = tree.touches()
		for _, o := range trees {
			all = append(all, o.touches()...)
		}
		if cell > coarserCell {
			*t = *newTouched(t.newest)
			return
		}
		for i := range all {
			all[i].box = cellsOf(all[i].box, cell)
		}
		tree, trees = newTouchTree(all), nil
		total = tree.len()
	}
	t.tail, t.trees = nil, append(trees, tree)
}

// cellsOf rounds a box outward to cells of a power of two.
func cellsOf(b tile.WorldBox, cell uint32) tile.WorldBox {
	m := cell - 1
	return tile.WorldBox{MinX: b.MinX &^ m, MinY: b.MinY &^ m, MaxX: b.MaxX | m, MaxY: b.MaxY | m}
}

// all lists every touch, for a base file.
func (t *touched) all() (boxes []tile.WorldBox, revisions []int64) {
	list := append([]touch(nil), t.tail...)
	for _, tree := range t.trees {
		list = append(list, tree.touches()...)
	}
	tree := newTouchTree(list)
	return tree.boxes, tree.revisions
}

// restoreTouched is what all listed.
func restoreTouched(floor layers.Revision, boxes []tile.WorldBox, revisions []int64) *touched {
	t := newTouched(floor)
	if len(boxes) == 0 {
		return t
	}
	list := make([]touch, len(boxes))
	for i := range boxes {
		list[i] = touch{boxes[i], layers.Revision(revisions[i])}
		t.newest = max(t.newest, layers.Revision(revisions[i]))
	}
	t.trees = []*touchTree{newTouchTree(list)}
	return t
}

// touchTree is a packed R-tree whose nodes carry the newest revision below them.
type touchTree struct {
	boxes     []tile.WorldBox
	revisions []int64
	packed    index.Packed
	newest    []int64 // one a node of packed
}

func (t *touchTree) len() int { return len(t.boxes) }

func (t *touchTree) touches() []touch {
	list := make([]touch, len(t.boxes))
	for i := range list {
		list[i] = touch{t.boxes[i], layers.Revision(t.revisions[i])}
	}
	return list
}

// newTouchTree packs touches; of equal boxes it keeps the newest.
func newTouchTree(list []touch) *touchTree {
	boxes := make([]tile.WorldBox, len(list))
	for i := range list {
		boxes[i] = list[i].box
	}
	order, located := index.Order(boxes)
	t := &touchTree{boxes: make([]tile.WorldBox, 0, located), revisions: make([]int64, 0, located)}
	for _, i := range order[:located] {
		// Equal boxes follow each other, unless others have the same centre.
		if n := len(t.boxes); n > 0 && t.boxes[n-1] == list[i].box {
			t.revisions[n-1] = max(t.revisions[n-1], int64(list[i].revision))
			continue
		}
		t.boxes, t.revisions = append(t.boxes, list[i].box), append(t.revisions, int64(list[i].revision))
	}
	t.packed, _ = index.NewPacked(t.boxes, index.Pack(t.boxes)) // the numbers fit by construction
	t.newest = index.PackMax(t.revisions)
	return t
}

// at is the newest revision of a touch that intersects the box, or best if none is newer.
func (t *touchTree) at(box tile.WorldBox, best layers.Revision) layers.Revision {
	return layers.Revision(t.packed.Max(box, t.revisions, t.newest, int64(best)))
}
