package geopackage

import (
	"math"
	"strconv"
	"strings"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// selectList is the columns of a row in the order that readRow expects: fid,
// geometry, id, properties. A column that is missing in the file is NULL.
func (t *table) selectList(prefix string) string {
	var b strings.Builder
	b.WriteString(prefix + q(t.fid) + ", " + prefix + q(t.geom) + ", " + t.idOf(prefix))
	for _, c := range t.columns {
		if c == "" {
			b.WriteString(", NULL")
		} else {
			b.WriteString(", " + prefix + q(c))
		}
	}
	return b.String()
}

// firstProperty is the column of the first property in a row of selectList.
const firstProperty = 3

// readRow fills f from a row of readList, reusing its slices; a geometry that
// cannot be read is null then, and the error, ErrCorrupt, says why; the revision
// is the caller's matter.
func (t *table) readRow(r *sqlite.Stmt, f *layers.Feature) (fid int64, err error) {
	fid = r.ColumnInt64(0)
	f.ID = r.ColumnText(2)
	if e := decodeBlob(r.ColumnRawBlob(1), &f.Geometry); e != nil {
		f.Geometry = spatial.Geometry{}
		err = layers.Errorf(layers.ErrCorrupt, "feature %s of layer %s: %w", f.ID, t.layer.ID, e)
	}
	f.Properties = f.Properties[:0]
	for i := range t.layer.Schema {
		f.Properties = append(f.Properties, readValue(r, firstProperty+i, t.layer.Schema[i].Type))
	}
	f.Surfaces = t.readSurfaces(r, f.Surfaces)
	return fid, err
}

// readValue reads a column as a property of type t. Other programs may have
// put anything there: what is not of the type and cannot be read as it without
// loss is null.
func readValue(r *sqlite.Stmt, col int, t layers.ValueType) layers.Value {
	class := r.ColumnType(col)
	if class == sqlite.Null || class == sqlite.Blob {
		return layers.Value{}
	}
	switch t {
	case layers.Boolean:
		if class == sqlite.Integer {
			return layers.BoolValue(r.ColumnInt64(col) != 0)
		}
	case layers.Integer:
		switch class {
		case sqlite.Integer:
			return layers.IntValue(r.ColumnInt64(col))
		case sqlite.Float:
			if v := r.ColumnFloat(col); v == math.Trunc(v) && math.Abs(v) < 1<<63 {
				return layers.IntValue(int64(v))
			}
		}
	case layers.Number:
		if class != sqlite.Text {
			return layers.FloatValue(r.ColumnFloat(col))
		}
	case layers.DateTime:
		return layers.TextValue(t, instant(r.ColumnText(col)))
	default:
		return layers.TextValue(t, r.ColumnText(col))
	}
	return layers.Value{}
}

// bindValue binds a property of type t.
func bindValue(s *sqlite.Stmt, param int, t layers.ValueType, v layers.Value) error {
	switch v.Type() {
	case layers.Null:
		return s.BindNull(param)
	case layers.Boolean:
		return s.BindBool(param, v.Bool())
	case layers.Integer:
		if t == layers.Number {
			return s.BindFloat(param, v.Float())
		}
		return s.BindInt64(param, v.Int())
	case layers.Number:
		return s.BindFloat(param, v.Float())
	case layers.DateTime:
		return s.BindText(param, storedInstant(instant(v.Text())))
	}
	return s.BindText(param, v.Text())
}

// stored is the value as it is read back after it was written as type t.
func stored(t layers.ValueType, v layers.Value) layers.Value {
	switch {
	case v.Type() == layers.Number || t == layers.Number && v.Type() == layers.Integer:
		return layers.FloatValue(v.Float() + 0) // SQLite does not keep the sign of zero
	case v.Type() == layers.DateTime:
		return layers.TextValue(t, instant(v.Text()))
	}
	return v
}

// fidOf is the integer key that an id stands for in a table without id column.
func fidOf(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == id
}

// whereID is the SQL condition that finds a feature by its id, and its parameter.
func (t *table) whereID(id string) (string, any) {
	if t.id != "" {
		return q(t.id) + " = ?1", id
	}
	if n, ok := fidOf(id); ok {
		return q(t.fid) + " = ?1", n
	}
	return q(t.fid) + " = ?1", nil // = NULL: nothing
}

// revisionOf is the revision of a row: its last line in the log, or the layer's
// last load.
func (t *table) revisionOf(c *sqlite.Conn, fid int64) (layers.Revision, error) {
	n, err := c.Int(`SELECT max(seq) FROM twind_changes WHERE layer = ? AND fid = ?`, string(t.layer.ID), fid)
	return max(layers.Revision(n), t.base), err
}
