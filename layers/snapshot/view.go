package snapshot

import (
	"sync/atomic"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// Ref names a feature within one view: a segment of View.Segments and the
// feature's number in it. It means nothing in another view.
type Ref struct{ Segment, Feature uint32 }

// View is one layer at one revision. It is immutable and safe for concurrent
// use until Release.
type View struct {
	layer    *layers.Layer
	identity string
	revision layers.Revision

	base        *base // referenced
	baseSegment Segment
	segments    [2]SegmentView // base, edits
	births      []uint64       // one a row of the edits
	table       *rowTable
	touched     *touched
	extent      spatial.Envelope
	refs        atomic.Int64
}

// acquire adds a reference; it fails once the last one is gone.
func (v *View) acquire() bool {
	for {
		n := v.refs.Load()
		if n == 0 {
			return false
		}
		if v.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends the caller's use of the view and of everything taken from its
// segments. Each View is released once by whom it was given to.
func (v *View) Release() {
	if n := v.refs.Add(-1); n == 0 {
		v.base.release()
	} else if n < 0 {
		panic("snapshot: a view was released twice")
	}
}

// Layer is the layer's description, which must not be changed.
func (v *View) Layer() *layers.Layer { return v.layer }

// Revision is the last change of the store that concerned this layer and is in
// the view; two views of a layer with one revision hold the same.
func (v *View) Revision() layers.Revision { return v.revision }

// Identity names the history that the view belongs to: the store, and the reading
// of the layer from it that the snapshot began with. With it, the layer's id and a
// TileRevision the content of a tile is named for ever, even when the store is put
// back to an older state. It lives as long as the snapshot's folder does.
func (v *View) Identity() string { return v.identity }

// Len counts the features.
func (v *View) Len() int { return v.segments[0].Len() + v.segments[1].Len() }

// Extent is the box of all features in degrees; empty without geometries. After
// deletions it may be larger than the features need, until the base is rebuilt.
func (v *View) Extent() spatial.Envelope { return v.extent }

// Segments is the base and, where there are any, the edits, for readers of
// columns such as the tile encoder. They are valid until Release.
func (v *View) Segments() []SegmentView {
	if v.segments[1].N == 0 {
		return v.segments[:1]
	}
	return v.segments[:]
}

// Feature fills f with a feature, exact coordinates, in f's own memory, which it
// reuses.
func (v *View) Feature(ref Ref, f *layers.Feature) {
	v.segments[ref.Segment].Feature(int(ref.Feature), v.layer.Schema, f)
}

// ID is the feature's id.
func (v *View) ID(ref Ref) string { return string(v.segments[ref.Segment].ID(int(ref.Feature))) }

// Envelope is the feature's exact box in degrees; empty without vertices.
func (v *View) Envelope(ref Ref) spatial.Envelope {
	return v.segments[ref.Segment].Envelope(int(ref.Feature))
}

// Find looks a feature up by its id.
func (v *View) Find(id string) (Ref, bool) {
	if i, ok := v.table.find(v.segments[1].Segment, id); ok {
		return Ref{1, uint32(i)}, v.segments[1].Alive(i)
	}
	if i, ok := v.base.ids.find(&v.baseSegment, id); ok {
		return Ref{0, uint32(i)}, v.segments[0].Alive(i)
	}
	return Ref{}, false
}

// TileRevision is the revision of the last change that touched the box: what was
// or is drawn in it has not changed since, and an edit elsewhere does not raise
// it. A change of the layer's description, or a reload of the layer, touches
// everything. The answer may be greater than needed after a restart, never less.
func (v *View) TileRevision(box tile.WorldBox) layers.Revision { return v.touched.at(box) }
