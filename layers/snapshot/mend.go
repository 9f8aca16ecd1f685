package snapshot

import (
	"log/slog"

	"twind/layers"
	"twind/spatial"
)

// mender makes features of a store fit their layer's description. Twind's own
// stores refuse what does not fit; tables published in place may hold anything.
// What does not fit is shown as null and counted.
type mender struct {
	layer *layers.Layer
	log   *slog.Logger
	n     int
	first error
	id    string
}

// mend is f itself when it fits, else a copy without what does not.
func (m *mender) mend(f *layers.Feature) *layers.Feature {
	err := layers.CheckFeature(m.layer, f)
	if err == nil {
		return f
	}
	if m.n++; m.n == 1 {
		m.first, m.id = err, f.ID
	}
	fixed := *f
	if layers.CheckFeature(m.layer, &layers.Feature{Geometry: f.Geometry, Properties: make([]layers.Value, len(m.layer.Schema))}) != nil {
		fixed.Geometry = spatial.Geometry{}
	}
	if fixed.Surfaces.Check() != nil {
		fixed.Surfaces = nil
	}
	fixed.Properties = make([]layers.Value, len(m.layer.Schema))
	for c := range fixed.Properties {
		v := f.Property(c)
		if t := v.Type(); t == layers.Null || t == m.layer.Schema[c].Type || m.layer.Schema[c].Type == layers.Number && t == layers.Integer {
			fixed.Properties[c] = v
		}
	}
	return &fixed
}

// report logs what was mended.
func (m *mender) report() {
	if m.n > 0 {
		m.log.Warn("features do not fit their layer; what does not fit is shown as null", "layer", m.layer.ID, "features", m.n, "first", m.id, "reason", m.first)
	}
}
