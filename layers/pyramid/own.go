package pyramid

import (
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// Bounds of cells that are made for one request.
const (
	MaxSearched = 2_000_000 // features of the layer in the tile
	MaxOwn      = 400_000   // of which so many may match
)

// Reach is the box whose features Own looks at for a tile that shows a box: whole
// squares, so that what is merged or clustered on the border of two tiles is the
// same in both.
func Reach(l *layers.Layer, z uint8, box tile.WorldBox) tile.WorldBox {
	g := l.Generalized()
	side := squareSide(z, max(mergePixels, uint64(g.ClusterPixels)))
	floor := func(v uint32) uint32 { return uint32(uint64(v) / side * side) }
	ceil := func(v uint32) uint32 { return uint32(min((uint64(v)/side+1)*side, tile.WorldSize) - 1) }
	return tile.WorldBox{MinX: floor(box.MinX), MinY: floor(box.MinY), MaxX: ceil(box.MaxX), MaxY: ceil(box.MaxY)}
}

// Own makes the cell of a tile that shows a box, of the features that keep holds
// for and without looking at hidden properties: for a reader who does not see the
// whole layer, or does not want to. Nothing of it is kept. It fails with
// layers.ErrInvalid above MaxSearched or MaxOwn features.
func Own(v Source, id tile.ID, box tile.WorldBox, hidden []string, keep func(seg *snapshot.Segment, feature int) bool) (*Cell, error) {
	l := v.Layer()
	s, ok := newSpec(l)
	if !ok || id.Z >= l.FullZoom() {
		return nil, layers.Errorf(layers.ErrInvalid, "layer %s is not generalised at zoom %d", l.ID, id.Z)
	}
	s.hide(hidden)
	b := newBuilder(s, id)
	searched, found := 0, 0
	b.keep = func(seg *snapshot.Segment, i int) bool {
		if searched++; searched > MaxSearched || found > MaxOwn || !keep(seg, i) {
			return false
		}
		found++
		return true
	}
	list := b.candidates(v, Reach(l, id.Z, box))
	if searched > MaxSearched || found > MaxOwn {
		return nil, layers.Errorf(layers.ErrInvalid, "the tile %v of layer %s holds too many features to be chosen among at its zoom; ask for a deeper zoom, or for less with a filter (at most %d of %d)", id, l.ID, MaxOwn, MaxSearched)
	}
	b.keep = keep
	return b.build(v, list), nil
}

// hide makes the spec do without properties.
func (s *spec) hide(names []string) {
	hidden := func(c int) bool { return c >= 0 && slices.Contains(names, s.layer.Schema[c].Name) }
	for _, c := range []*int{&s.merge, &s.class, &s.rank, &s.part} {
		if hidden(*c) {
			*c = -1
		}
	}
	s.join = slices.DeleteFunc(s.join, hidden)
	s.carry = slices.DeleteFunc(s.carry, func(c carried) bool { return hidden(c.column) })
}
