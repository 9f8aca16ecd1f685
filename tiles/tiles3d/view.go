package tiles3d

import (
	"twind/layers"
	"twind/layers/snapshot"
)

// View is one published state of one layer: a *snapshot.View.
type View interface {
	Layer() *layers.Layer
	Segments() []snapshot.SegmentView
	// Identity tells one store, and one reading of a layer, from another.
	Identity() string
	// Revision is that of the last change; two views with one revision and one
	// identity hold the same.
	Revision() layers.Revision
	Release()
}

// Views finds the current view of a layer, referenced for the caller, who must
// release it; it fails with layers.ErrNotFound.
type Views func(layers.ID) (View, error)

// From makes Views of a catalog, such as a *snapshot.Catalog.
func From[V View](catalog interface {
	View(layers.ID) (V, error)
}) Views {
	return func(id layers.ID) (View, error) {
		v, err := catalog.View(id)
		if err != nil {
			return nil, err
		}
		return v, nil
	}
}

// Ground tells heights of the ground. It is safe for concurrent use.
type Ground interface {
	// Height is the height in metres of the layers' vertical datum at a position
	// in degrees; false where it is not known.
	Height(lon, lat float64) (metres float64, ok bool)
}

var _ View = (*snapshot.View)(nil)
