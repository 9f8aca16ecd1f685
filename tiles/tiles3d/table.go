package tiles3d

import (
	"twind/layers"
	"twind/layers/snapshot"
	"twind/tiles/gltf"
)

// IDProperty is the property of a content's table that holds the features' ids.
const IDProperty = "id"

// Properties that say, as 1 or 0, that something of a feature was not recorded.
const (
	HeightAssumed    = "heightAssumed"    // of buildings
	ElevationAssumed = "elevationAssumed" // of pipes and parts
)

// table makes the attributes of a content, and keeps its memory.
type table struct {
	gltf    gltf.Table
	columns []columnBuffer
}

// columnBuffer is the memory of one column.
type columnBuffer struct {
	text   []byte
	ends   []uint32
	ints   []int64
	floats []float64
	null   []bool
	codes  []uint16
	names  []string
}

// A text is an enumeration where it has few values for many rows.
const (
	maxNames   = 24
	rowsAName  = 4
	maxNameLen = 80
)

// enum tries to tell column k by numbers of distinct texts.
func (c *columnBuffer) enum(b *batch, k int) bool {
	c.codes, c.names = c.codes[:0], c.names[:0]
	for _, r := range b.refs {
		text := textOf(raw(b.segment(r), k, int(r.feature)))
		if isNull(b.segment(r), k, int(r.feature)) {
			c.codes = append(c.codes, 0)
			continue
		}
		at := -1
		for i := range c.names {
			if c.names[i] == string(text) {
				at = i
				break
			}
		}
		if at < 0 {
			if at = len(c.names); at == maxNames || len(text) == 0 || len(text) > maxNameLen {
				return false
			}
			c.names = append(c.names, string(text))
		}
		c.codes = append(c.codes, uint16(at))
	}
	return len(c.names)*rowsAName <= len(b.refs)
}

// make fills the table with the features of a batch: ids, the columns that are not
// null everywhere and, under a name, which features have something assumed.
func (t *table) make(b *batch, l *layers.Layer, columns []int, assumed string) *gltf.Table {
	for len(t.columns) < len(columns)+2 {
		t.columns = append(t.columns, columnBuffer{})
	}
	t.gltf = gltf.Table{Name: string(l.Kind), Rows: len(b.refs), Properties: append(t.gltf.Properties[:0], t.columns[0].ids(b))}
	for k, c := range columns {
		if p, ok := t.columns[k+1].values(b, &l.Schema[c], c); ok {
			if p.Name == IDProperty {
				p.Name = IDProperty + "_"
			}
			t.gltf.Properties = append(t.gltf.Properties, p)
		}
	}
	if assumed != "" {
		t.gltf.Properties = append(t.gltf.Properties, t.columns[len(columns)+1].flags(assumed, b.assumed))
	}
	return &t.gltf
}

func (c *columnBuffer) ids(b *batch) gltf.Property {
	c.text, c.ends = c.text[:0], c.ends[:0]
	for _, r := range b.refs {
		c.text = append(c.text, b.segment(r).ID(int(r.feature))...)
		c.ends = append(c.ends, uint32(len(c.text)))
	}
	return gltf.Property{Name: IDProperty, Type: gltf.String, Text: c.text, Ends: c.ends}
}

// flags is a column of truth values, as numbers: see truth.
func (c *columnBuffer) flags(name string, list []bool) gltf.Property {
	c.ints = c.ints[:0]
	for _, v := range list {
		c.ints = append(c.ints, truth(v))
	}
	return gltf.Property{Name: name, Type: gltf.Int64, Ints: c.ints}
}

// truth is 1 or 0: the type BOOLEAN of 3D metadata has no null, and not every
// client reads it.
func truth(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// values is column k of the features; false when all are null.
func (c *columnBuffer) values(b *batch, p *layers.Property, k int) (gltf.Property, bool) {
	c.null = c.null[:0]
	nulls := 0
	for _, r := range b.refs {
		null := isNull(b.segment(r), k, int(r.feature))
		if null {
			nulls++
		}
		c.null = append(c.null, null)
	}
	if nulls == len(b.refs) {
		return gltf.Property{}, false
	}
	out := gltf.Property{Name: p.Name, Unit: p.Unit}
	if nulls > 0 {
		out.Null = c.null
	}
	switch p.Type {
	case layers.Boolean:
		c.ints = c.ints[:0]
		for _, r := range b.refs {
			c.ints = append(c.ints, truth(boolOf(raw(b.segment(r), k, int(r.feature)))))
		}
		out.Type, out.Ints = gltf.Int64, c.ints
	case layers.Integer:
		c.ints = c.ints[:0]
		for _, r := range b.refs {
			c.ints = append(c.ints, integerOf(raw(b.segment(r), k, int(r.feature))))
		}
		out.Type, out.Ints = gltf.Int64, c.ints
	case layers.Number:
		c.floats = c.floats[:0]
		for _, r := range b.refs {
			c.floats = append(c.floats, numberOf(raw(b.segment(r), k, int(r.feature))))
		}
		out.Type, out.Floats = gltf.Float64, c.floats
	default:
		if c.enum(b, k) {
			out.Type, out.Codes, out.Names = gltf.Enum, c.codes, c.names
			break
		}
		c.text, c.ends = c.text[:0], c.ends[:0]
		for _, r := range b.refs {
			c.text = append(c.text, textOf(raw(b.segment(r), k, int(r.feature)))...)
			c.ends = append(c.ends, uint32(len(c.text)))
		}
		out.Type, out.Text, out.Ends = gltf.String, c.text, c.ends
	}
	return out, true
}

func isNull(s *snapshot.Segment, c, i int) bool { return c >= len(s.Columns) || s.Columns[c][i] == 0 }
