package tiles

import (
	"slices"

	"twind/layers"
)

// plan is a request understood against the layers' descriptions.
type plan struct {
	sources []sourcePlan
}

type sourcePlan struct {
	layer   *layers.Layer
	shown   bool   // at this zoom
	columns []int  // of the properties that the tile carries
	match   *match // nil: all rows
	reduce  generalization
	schema  []layers.Property // of the columns: the layer's, and derived ones of its cells
	cells   []shownCell       // not nil: what the tile shows instead of the layer's own segments
	dropped int               // features that nothing in the cells stands for
}

// newPlan fails with layers.ErrInvalid for names that no layer has, and with
// layers.ErrNotFound for layers that the reader must not see.
func newPlan(r *Request, views viewList, found generalized) (*plan, error) {
	p := &plan{sources: make([]sourcePlan, len(views))}
	for _, name := range r.Properties {
		if !slices.ContainsFunc(views, func(v View) bool { return v.Layer().PropertyIndex(name) >= 0 }) {
			return nil, layers.Errorf(layers.ErrInvalid, "properties: none of the layers has a property %.80q; the schema lists them", name)
		}
	}
	for i, v := range views {
		l, policy := v.Layer(), r.policy(i)
		s := &p.sources[i]
		*s = sourcePlan{layer: l, schema: l.Schema, shown: r.Tile.Z >= l.MinZoom}
		for c := range l.Schema {
			name := l.Schema[c].Name
			if r.Properties != nil && !slices.Contains(r.Properties, name) || slices.Contains(policy.Hidden, name) {
				continue
			}
			s.columns = append(s.columns, c)
		}
		var err error
		switch {
		case found.has(i):
			if err = s.take(&found[i].Found, r.Properties); err != nil {
				return nil, err
			}
			continue
		case !r.Exact && !found.own(i):
			s.reduce = generalizationAt(l, r.Tile.Z)
		}
		if s.match, err = newMatch(l, r.Filter, policy); err != nil {
			return nil, err
		}
		if found.own(i) {
			if err = s.make(v, r, policy.Hidden); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// checkZoom fails with ErrZoom when none of the layers has tiles at the zoom.
// Layers that end at a lower zoom than others of the same tile go on with them.
func checkZoom(views viewList, z uint8) error {
	first, last := uint8(255), uint8(0)
	for _, v := range views {
		first, last = min(first, v.Layer().MinZoom), max(last, v.Layer().MaxZoom)
	}
	if z < first || z > last {
		return zoomError{layers.Errorf(layers.ErrNotFound, "zoom %d has no tiles; these layers have them at %d to %d", z, first, last)}
	}
	return nil
}

// zoomError is both ErrZoom and the error it holds.
type zoomError struct{ error }

func (e zoomError) Unwrap() []error { return []error{ErrZoom, e.error} }
