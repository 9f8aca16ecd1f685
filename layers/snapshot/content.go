package snapshot

import (
	"twind/layers"
	"twind/spatial"
	"twind/spatial/index"
	"twind/spatial/tile"
)

// content is what a layer holds, as its one writer changes it: a base, the rows
// that replaced or joined it, and which rows of both are dead. View shows a state
// of it that later changes do not touch.
type content struct {
	base     *base // referenced
	deadBase rowSetWriter

	rows     *appender
	births   []uint64 // one a row: see Ref order in scan.go
	table    *rowTable
	tree     *index.Dynamic
	deadRows rowSetWriter

	touched *touched
	columns [][]uint32 // of the base, one a property of the layer as it is now
	extent  spatial.Envelope
}

// newContent takes over the caller's reference of the base.
func newContent(b *base, schema []layers.Property) *content {
	c := &content{
		base: b, rows: newAppender(schema, newDictionary()), table: newRowTable(0), tree: new(index.Dynamic),
		touched: b.touches, extent: b.meta.extent(), columns: b.Columns,
	}
	c.widen(schema)
	return c
}

// find is the living feature with this id.
func (c *content) find(id string) (Ref, bool) {
	if i, ok := c.table.find(&c.rows.seg, id); ok {
		return Ref{1, uint32(i)}, !c.deadRows.set.has(uint32(i))
	}
	if i, ok := c.base.ids.find(&c.base.Segment, id); ok {
		return Ref{0, uint32(i)}, !c.deadBase.set.has(uint32(i))
	}
	return Ref{}, false
}

func (c *content) segment(r Ref) *Segment {
	if r.Segment == 0 {
		return &c.base.Segment
	}
	return &c.rows.seg
}

// kill removes a living feature and returns where it was.
func (c *content) kill(r Ref) (tile.WorldBox, spatial.Envelope) {
	s := c.segment(r)
	box := s.Box[r.Feature]
	if r.Segment == 0 {
		c.deadBase.add(r.Feature)
	} else {
		c.deadRows.add(r.Feature)
		if box != EmptyBox {
			c.tree.Delete(box, r.Feature)
		}
	}
	return box, s.Envelope(int(r.Feature))
}

// put adds a feature or replaces the one with its id, as of revision r, and
// returns the envelope of the old and the new place. schema is the layer's.
func (c *content) put(f *layers.Feature, r layers.Revision) (spatial.Envelope, error) {
	place := spatial.EmptyEnvelope()
	old, had := c.find(f.ID)
	if err := c.rows.add(f); err != nil {
		return place, err
	}
	if err := c.rows.derive(); err != nil {
		return place, err
	}
	if had {
		box, env := c.kill(old)
		c.touched = c.touched.with(box, r)
		place = env
	}
	s := &c.rows.seg
	row := s.N - 1
	c.births = append(c.births, c.birth(f.ID, row))
	c.enter(row)
	if box := s.Box[row]; box != EmptyBox {
		c.tree.Insert(box, uint32(row))
		c.touched = c.touched.with(box, r)
	}
	env := s.Envelope(row)
	c.extent = c.extent.Union(env)
	return place.Union(env), nil
}

// birth is the place of a new row in the order of scans: that of the base's row
// or of the first row with the same id, dead or alive.
func (c *content) birth(id string, row int) uint64 {
	if i, ok := c.base.ids.find(&c.base.Segment, id); ok {
		return uint64(i)
	}
	before := c.rows.seg
	before.N = row
	if i, ok := c.table.find(&before, id); ok {
		return c.births[i]
	}
	return uint64(c.base.N) + uint64(row)
}

// enter puts a row into the table of ids, a larger one if it is full.
func (c *content) enter(row int) {
	s := &c.rows.seg
	if c.table.add(s.ID(row), row) {
		return
	}
	c.table = newRowTable(2 * s.N)
	for i := range s.N {
		c.table.add(s.ID(i), i)
	}
}

// remove takes a feature away, as of revision r, and returns where it was.
func (c *content) remove(id string, r layers.Revision) spatial.Envelope {
	ref, ok := c.find(id)
	if !ok {
		return spatial.EmptyEnvelope()
	}
	box, env := c.kill(ref)
	c.touched = c.touched.with(box, r)
	return env
}

// feature fills f with a feature of a schema.
func (c *content) feature(r Ref, schema []layers.Property, f *layers.Feature) {
	c.segment(r).Feature(int(r.Feature), schema, f)
}

// widen gives columns to properties that joined the schema after the base or some
// rows were made: they are null there.
func (c *content) widen(schema []layers.Property) {
	c.rows.schema = schema
	for len(c.rows.seg.Columns) < len(schema) {
		c.rows.seg.Columns = append(c.rows.seg.Columns, make([]uint32, c.rows.seg.N))
	}
	if missing := len(schema) - len(c.columns); missing > 0 {
		nulls := make([]uint32, c.base.N)
		c.columns = append(make([][]uint32, 0, len(schema)), c.columns...)
		for range missing {
			c.columns = append(c.columns, nulls)
		}
	}
}

// view is the state as it is now. It holds a reference of the base and one of its own.
func (c *content) view(l *layers.Layer, identity string, revision layers.Revision) *View {
	c.base.retain()
	v := &View{
		layer: l, identity: identity + "." + c.base.meta.Salt, revision: revision, base: c.base,
		births: c.births, table: c.table, touched: c.touched, extent: c.extent,
	}
	v.baseSegment = c.base.Segment
	v.baseSegment.Columns = c.columns
	rows := c.rows.segment()
	v.segments[0] = SegmentView{Segment: &v.baseSegment, origin: &c.base.Segment, packed: c.base.packed, dead: c.deadBase.version()}
	v.segments[1] = SegmentView{Segment: rows, origin: rows, dynamic: c.tree.Copy(), dead: c.deadRows.version()}
	v.refs.Store(1)
	return v
}

// place is the place of a feature in the order of scans.
func (c *content) place(r Ref) uint64 {
	if r.Segment == 0 {
		return uint64(r.Feature)
	}
	return c.births[r.Feature]
}
