package snapshot

import (
	"slices"
	"sync"
	"unsafe"

	"twind/layers"
	"twind/spatial"
)

// Match tells which features a reader gets: those that the policy's rows admit
// and for which the filter is true. A filter sees null in the properties that the
// policy hides. It is immutable and safe for concurrent use.
type Match struct {
	schema []layers.Property
	rows   *layers.Matcher // nil: all
	filter *layers.Matcher // nil: all
}

// NewMatch prepares a filter (nil: all) and a policy for a layer's features. It
// fails with ErrInvalid when the filter names a property that the layer has not.
func NewMatch(l *layers.Layer, f layers.Filter, p layers.Policy) (m *Match, err error) {
	m = &Match{schema: l.Schema}
	if p.Deny {
		p.Rows = layers.Or{}
	}
	if p.Rows != nil {
		if m.rows, err = layers.NewMatcher(l, p.Rows); err != nil {
			return nil, err
		}
	}
	if f != nil {
		if m.filter, err = layers.NewMatcher(l, f, p.Hidden...); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// All tells whether every feature matches.
func (m *Match) All() bool { return m.rows == nil && m.filter == nil }

// Feature tells whether feature i of a segment matches.
func (m *Match) Feature(s *Segment, i int) bool {
	if m.All() {
		return true
	}
	r := rows.Get().(*row)
	*r = row{s, i, m.schema}
	ok := (m.rows == nil || m.rows.Match(r)) && (m.filter == nil || m.filter.Match(r))
	r.s = nil
	rows.Put(r)
	return ok
}

var rows = sync.Pool{New: func() any { return new(row) }}

// row is a feature of a segment as layers.Row: its text is the segment's own and
// does not outlive the comparison.
type row struct {
	s      *Segment
	i      int
	schema []layers.Property
}

func (r *row) Property(c int) layers.Value {
	if c >= len(r.s.Columns) {
		return layers.Value{}
	}
	k := r.s.Columns[c][r.i]
	if k == 0 {
		return layers.Value{}
	}
	return decodeValue(r.s.Value(k), r.schema[c].Type, borrow)
}

// borrow is bytes as a string without copying them.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (r *row) IntersectsBox(box spatial.Envelope) layers.Truth {
	if r.s.Type[r.i] == 0 {
		return layers.Uncertain
	}
	if r.s.Intersects(r.i, box) {
		return layers.True
	}
	return layers.False
}

func (r *row) IntersectsGeometry(o *spatial.Geometry) layers.Truth {
	if r.s.Type[r.i] == 0 {
		return layers.Uncertain
	}
	var g spatial.Geometry
	r.s.Geometry(r.i, &g)
	if g.Intersects(*o) {
		return layers.True
	}
	return layers.False
}

// Intersects tells whether feature i and a box in degrees share a position, exactly.
func (s *Segment) Intersects(i int, box spatial.Envelope) bool {
	if box.IsEmpty() {
		return false
	}
	e := s.Envelope(i)
	switch {
	case !e.Intersects(box):
		return false
	case box.Contains(e):
		return true
	}
	t := spatial.NewBoxTest(box)
	for p := int(s.FeaturePath[i]); p < int(s.FeaturePath[i+1]); p++ {
		xy := s.exact[2*s.PathVertex[p] : 2*s.PathVertex[p+1]]
		switch s.PathKinds[p] {
		case PathPoints:
			t.Points(xy)
		case PathLine:
			t.Line(xy)
		case PathShell:
			t.Shell(xy)
		default:
			t.Hole(xy)
		}
	}
	return t.Intersects()
}

// hiddenColumns marks the hidden properties of a schema; nil when none is.
func hiddenColumns(schema []layers.Property, hidden []string) []bool {
	var out []bool
	for c := range schema {
		if slices.Contains(hidden, schema[c].Name) {
			if out == nil {
				out = make([]bool, len(schema))
			}
			out[c] = true
		}
	}
	return out
}
