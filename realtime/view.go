package realtime

import (
	"hash/fnv"

	"twind/layers"
)

// noTile is the place of an entity that a view does not show.
const noTile = tileKey(1<<32 - 1)

// view is a layer as readers with one filter and one policy see it. Its layer's
// mu guards it.
type view struct {
	name    string // key in layer.views
	id      uint32 // of name: viewers that resume give it back
	filter  string // its text; "" for none
	matcher matcher
	row     row // scratch of admits
	policy  layers.Policy
	since   uint64 // open when it was made: nobody resumes from before
	refs    int    // subscriptions
	idle    uint64 // open when refs became 0

	slots  []viewSlot
	tiles  map[tileKey]*liveTile
	dirty  []*liveTile // those that changed in the open sequence
	count  [numStates]int
	newest int64 // ms since 1970: when the last position was received
	extra  map[frameKey][]byte
	cells  map[uint8]*aggregate // by the cells' zoom
}

// viewSlot is where a view shows an entity.
type viewSlot struct {
	tile    *liveTile // nil: not shown
	entered uint64    // sequence at which it came into the tile
	at      uint32    // index in the tile's members
}

// frameKey names a frame of this tick that is not the common one.
type frameKey struct {
	tile   tileKey
	format format
	base   uint64
}

// liveTile is one tile of a view.
type liveTile struct {
	key     tileKey
	members []uint32 // slots
	points  []place  // of each of members, side by side for searches
	last    uint64   // sequence of the last change
	recent  []uint32 // slots that changed in sequence last; some twice, some gone since
	left    []departure
	frame   [numFormats]cachedFrame
}

// place is where an entity stands in its tile, in fractions of its width from the
// north-west corner.
type place struct{ x, y float32 }

// departure is a slot that left a tile.
type departure struct {
	seq  uint64
	slot uint32
	id   string
}

// cachedFrame is the frame from base to seq; its bytes are shared by viewers and never change.
type cachedFrame struct {
	seq, base uint64
	bytes     []byte
}

func newView(l *layer, name, filter string, m matcher, policy layers.Policy) *view {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	v := &view{
		name: name, id: h.Sum32(), filter: filter, matcher: m, policy: policy, since: l.open,
		tiles: map[tileKey]*liveTile{}, extra: map[frameKey][]byte{}, cells: map[uint8]*aggregate{},
	}
	for i, id := range l.id {
		v.grow()
		if id != "" && v.admits(l, uint32(i)) {
			v.place(l, uint32(i), l.e[i].key)
		}
	}
	return v
}

// grow makes room for one more slot.
func (v *view) grow() {
	v.slots = append(v.slots, viewSlot{})
}

// total is the number of entities shown.
func (v *view) total() int { return v.count[StateLive] + v.count[StateStale] + v.count[StateOffline] }

// admits tells whether the view shows an entity.
func (v *view) admits(l *layer, slot uint32) bool {
	v.row = row{l, slot}
	return v.matcher.admits(&v.row)
}

// touch notes that a tile changed.
func (v *view) touch(l *layer, t *liveTile) {
	if t.last != l.open {
		t.last = l.open
		t.recent = t.recent[:0]
		v.dirty = append(v.dirty, t)
	}
}

// place moves an entity to a tile, or out of the view with noTile; a move
// within the tile only marks it.
func (v *view) place(l *layer, slot uint32, k tileKey) {
	at := &v.slots[slot]
	old := at.tile
	if k != noTile {
		v.newest = max(v.newest, l.received[slot])
	}
	if old != nil && old.key == k {
		old.points[at.at] = place{l.e[slot].fx, l.e[slot].fy}
		v.touch(l, old)
		old.recent = append(old.recent, slot)
		return
	}
	if old != nil {
		last := len(old.members) - 1
		moved := old.members[last]
		old.members[at.at] = moved
		v.slots[moved].at = at.at
		old.points[at.at] = old.points[last]
		old.members, old.points = old.members[:last], old.points[:last]
		old.left = append(old.left, departure{l.open, slot, l.id[slot]})
		v.touch(l, old)
		at.tile = nil
		v.count[l.e[slot].state]--
	}
	if k == noTile {
		return
	}
	t := v.tiles[k]
	if t == nil {
		t = &liveTile{key: k}
		v.tiles[k] = t
	}
	at.tile, at.at, at.entered = t, uint32(len(t.members)), l.open
	t.members = append(t.members, slot)
	t.points = append(t.points, place{l.e[slot].fx, l.e[slot].fy})
	v.count[l.e[slot].state]++
	v.touch(l, t)
	t.recent = append(t.recent, slot)
}

// sweep forgets departures that nobody can resume from, and tiles without anything.
func (v *view) sweep(oldest uint64) {
	for k, t := range v.tiles {
		n := 0
		for n < len(t.left) && t.left[n].seq <= oldest {
			n++
		}
		if n > 0 {
			t.left = append(t.left[:0], t.left[n:]...)
			if len(t.left) == 0 {
				t.left = nil
			}
		}
		if len(t.members) == 0 && len(t.left) == 0 {
			delete(v.tiles, k)
		}
	}
	for z, a := range v.cells {
		if a.used <= oldest {
			delete(v.cells, z)
		}
	}
}

// visit calls fn for each tile in the window.
func (v *view) visit(w Window, fn func(*liveTile)) {
	if w.area() <= len(v.tiles) {
		for y := w.Y; y < w.Y+w.H; y++ {
			for i := uint32(0); i < w.W; i++ {
				if t := v.tiles[keyOf((w.X+i)&(1<<w.Z-1), y)]; t != nil {
					fn(t)
				}
			}
		}
		return
	}
	for k, t := range v.tiles {
		if w.containsKey(k) {
			fn(t)
		}
	}
}

// countIn is the number of entities in the window.
func (v *view) countIn(w Window) int {
	n := 0
	v.visit(w, func(t *liveTile) { n += len(t.members) })
	return n
}
