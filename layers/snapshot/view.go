package snapshot

import (
	"context"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// Ref names a feature within one view: a segment of View.Segments and the
// feature's number in it. It means nothing in another view.
type Ref struct{ Segment, Feature uint32 }

// Neighbour is a feature and its distance in metres on the WGS 84 spheroid.
type Neighbour struct {
	Ref
	ID     string
	Metres float64
}

// View is one layer at one revision. It is immutable and safe for concurrent
// use until Release.
type View struct {
	layer    *layers.Layer
	revision layers.Revision
	segments []SegmentView
}

// Layer is the layer's description, which must not be changed.
func (v *View) Layer() *layers.Layer { return v.layer }

// Revision is the last change of the store that concerned this layer and is in the view.
func (v *View) Revision() layers.Revision { return v.revision }

// Identity tells the store; with the layer's id and a TileRevision it names the
// content of a tile for ever.
func (v *View) Identity() string { return "" }

// Len counts the features.
func (v *View) Len() int { return 0 }

// Extent is the box of all features in degrees; empty without geometries. After
// deletions it may be larger than the features need, until the base is rebuilt.
func (v *View) Extent() spatial.Envelope { return spatial.EmptyEnvelope() }

// Segments is the base and the edits, for readers of columns such as the tile encoder.
func (v *View) Segments() []SegmentView { return v.segments }

// Release ends the caller's use of the view and of everything taken from its segments.
func (v *View) Release() {}

// Feature fills f with a feature, in f's own memory, which it reuses.
func (v *View) Feature(ref Ref, f *layers.Feature) {
	v.segments[ref.Segment].Feature(int(ref.Feature), v.layer.Schema, f)
}

// Find looks a feature up by its id.
func (v *View) Find(id string) (Ref, bool) { return Ref{}, false }

// Search calls yield with each feature whose exact envelope intersects env (in
// degrees, borders included), in the order of Scan, until yield returns false.
func (v *View) Search(env spatial.Envelope, yield func(Ref) bool) {}

// Scan calls yield with each feature that matches q, in an order that is the same
// for views of one base. The feature and its slices are lent until yield returns;
// an error of yield ends the scan and is returned.
func (v *View) Scan(ctx context.Context, q layers.Query, yield func(*layers.Feature) error) error {
	return layers.Errorf(layers.ErrUnsupported, "not built yet")
}

// Nearest is the k features nearest to a position in degrees, at most maxMetres
// away (0: any distance), by distance, equal distances by id.
func (v *View) Nearest(lon, lat float64, k int, maxMetres float64) []Neighbour { return nil }

// Within is the features at most so many metres away from a position in degrees,
// by distance, equal distances by id.
func (v *View) Within(lon, lat, metres float64) []Neighbour { return nil }

// TileRevision is the revision of the last change that touched the box: what was
// or is drawn in it has not changed since. It is the tile cache's key, together
// with Identity and the layer's id.
func (v *View) TileRevision(box tile.WorldBox) layers.Revision { return v.revision }
