package snapshot

import "twind/layers"

// Builder makes a Segment of features. It is owned by one goroutine.
type Builder struct {
	layer *layers.Layer
	rows  *appender
}

// NewBuilder begins a segment of the layer, whose description it keeps.
func NewBuilder(l *layers.Layer) *Builder {
	return &Builder{l, newAppender(l.Schema, newDictionary())}
}

// Len counts the features added.
func (b *Builder) Len() int { return b.rows.seg.N }

// Add copies a feature into the segment. It fails with ErrInvalid when the
// feature does not fit the layer (layers.CheckFeature).
func (b *Builder) Add(f *layers.Feature) error {
	if err := layers.CheckFeature(b.layer, f); err != nil {
		return err
	}
	if err := b.rows.add(f); err != nil {
		return err
	}
	return b.rows.derive()
}

// Edits is the segment of what was added so far, in order of arrival. The
// builder may go on; the segment does not change.
func (b *Builder) Edits() *Segment { return b.rows.segment() }

// Base is the segment of what was added so far in Hilbert order, features
// without vertices at its end, made as a base file is, on the heap.
func (b *Builder) Base() (*Segment, error) {
	opened, err := b.base()
	if err != nil {
		return nil, err
	}
	return &opened.Segment, nil
}

func (b *Builder) base() (*base, error) {
	src := b.rows.segment()
	builder := newBaseBuilder(b.layer, "")
	defer builder.close()
	var f layers.Feature
	for i := range src.N {
		src.Feature(i, b.layer.Schema, &f)
		if err := builder.add(&f); err != nil {
			return nil, err
		}
	}
	var file memoryFile
	if err := builder.write(&file, &baseMeta{Layer: *b.layer}, newTouched(0)); err != nil {
		return nil, err
	}
	return openBase(file.b)
}

// Feature fills f with feature i: id, exact geometry, properties by the schema,
// surfaces and revision, all in f's own memory, which it reuses.
func (s *Segment) Feature(i int, schema []layers.Property, f *layers.Feature) {
	f.ID = string(s.ID(i))
	f.Revision = layers.Revision(s.Revision[i])
	s.Geometry(i, &f.Geometry)
	f.Surfaces = s.copySurfaces(i, f.Surfaces)
	f.Properties = f.Properties[:0]
	for c := range schema {
		f.Properties = append(f.Properties, s.Property(c, i, schema[c].Type))
	}
}

// copySurfaces is feature i's surfaces in the memory of others; nil without any.
func (s *Segment) copySurfaces(i int, memory layers.Surfaces) layers.Surfaces {
	if b := s.Surfaces(i); b != nil {
		return append(memory[:0], b...)
	}
	return nil
}

// Property is property c of feature i, of type t, in memory of its own; null
// when the segment has no such column.
func (s *Segment) Property(c, i int, t layers.ValueType) layers.Value {
	if c >= len(s.Columns) {
		return layers.Value{}
	}
	k := s.Columns[c][i]
	if k == 0 {
		return layers.Value{}
	}
	return decodeValue(s.Value(k), t, func(b []byte) string { return string(b) })
}
