package tiles

import (
	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
)

// match tests rows of segments against a filter and the rows that a policy
// shows. It belongs to one rendering.
type match struct {
	row          columnRow
	rows, filter *layers.Matcher
}

// newMatch makes the test that a row must pass, or nil if all do. It fails with
// layers.ErrInvalid when the filter names a property that the layer has not; one
// that is hidden from the reader is null to it.
func newMatch(l *layers.Layer, f layers.Filter, p layers.Policy) (*match, error) {
	if f == nil && p.Rows == nil {
		return nil, nil
	}
	m := &match{row: columnRow{schema: l.Schema, kept: make([][]keptValue, len(l.Schema))}}
	var err error
	if m.rows, err = layers.NewMatcher(l, p.Rows); err != nil {
		return nil, err
	}
	if m.filter, err = layers.NewMatcher(l, f, p.Hidden...); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *match) passes(s *snapshot.Segment, i int) bool {
	m.row.at(s, i)
	return m.rows.Match(&m.row) && m.filter.Match(&m.row)
}

// columnRow is one row of a segment as a filter sees it. It keeps the values it
// decoded last, since neighbours often share them.
type columnRow struct {
	schema   []layers.Property
	segment  *snapshot.Segment
	i        int
	kept     [][]keptValue // by property, and by the low bits of the value's number
	geometry spatial.Geometry
}

const keptValues = 32

type keptValue struct {
	number uint32 // 0 is none
	value  layers.Value
}

func (r *columnRow) at(s *snapshot.Segment, i int) {
	if r.segment != s {
		r.segment = s
		clear(r.kept)
	}
	r.i = i
}

// Property implements layers.Row.
func (r *columnRow) Property(c int) layers.Value {
	if c >= len(r.segment.Columns) {
		return layers.Value{}
	}
	k := r.segment.Columns[c][r.i]
	if k == 0 {
		return layers.Value{}
	}
	if r.kept[c] == nil {
		r.kept[c] = make([]keptValue, keptValues)
	}
	kept := &r.kept[c][k%keptValues]
	if kept.number != k {
		*kept = keptValue{k, r.segment.Property(c, r.i, r.schema[c].Type)}
	}
	return kept.value
}

// IntersectsBox implements layers.Row.
func (r *columnRow) IntersectsBox(box spatial.Envelope) layers.Truth {
	if r.segment.Type[r.i] == uint8(spatial.Unknown) {
		return layers.Uncertain
	}
	if !r.segment.Envelope(r.i).Intersects(box) {
		return layers.False
	}
	r.segment.Geometry(r.i, &r.geometry)
	if r.geometry.IntersectsEnvelope(box) {
		return layers.True
	}
	return layers.False
}

// IntersectsGeometry implements layers.Row.
func (r *columnRow) IntersectsGeometry(g *spatial.Geometry) layers.Truth {
	if r.segment.Type[r.i] == uint8(spatial.Unknown) {
		return layers.Uncertain
	}
	r.segment.Geometry(r.i, &r.geometry)
	if r.geometry.Intersects(*g) {
		return layers.True
	}
	return layers.False
}
