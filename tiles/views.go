package tiles

import (
	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

// View is one published state of one layer: a *snapshot.View.
type View interface {
	Layer() *layers.Layer
	Extent() spatial.Envelope
	Segments() []snapshot.SegmentView
	// Identity tells one store from another.
	Identity() string
	// TileRevision is the revision of the last change that touched the box.
	TileRevision(box tile.WorldBox) layers.Revision
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

// viewList is the views of one request.
type viewList []View

func (l viewList) release() {
	for _, v := range l {
		v.Release()
	}
}

// open references the views of the layers, all or none.
func (f Views) open(ids []layers.ID) (viewList, error) {
	list := make(viewList, 0, len(ids))
	for _, id := range ids {
		v, err := f(id)
		if err != nil {
			list.release()
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
