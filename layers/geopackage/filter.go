package geopackage

import (
	"math"
	"strings"

	"twind/layers"
	"twind/spatial"
)

// condition is SQL that is true for every row a filter is true for, and perhaps
// for more: the rows it lets pass are evaluated in Go, so that a filter means
// the same for a store and for a snapshot.
type condition struct {
	sql  string
	args []any
}

var everything = condition{sql: "1"}

// and is the condition that both hold.
func (c condition) and(d condition) condition {
	switch {
	case c.sql == everything.sql:
		return d
	case d.sql == everything.sql:
		return c
	}
	return condition{c.sql + " AND " + d.sql, append(append([]any(nil), c.args...), d.args...)}
}

// maxTerms bounds the terms of one filter that go to SQL.
const maxTerms = 500

// prefilter translates what SQLite decides as package layers does: comparisons
// of numbers and of text (by its bytes), and what the R-tree narrows down. hidden properties are null.
func (t *table) prefilter(f layers.Filter, hidden []bool) condition {
	terms := maxTerms
	return t.translate(f, hidden, &terms)
}

var operators = [...]string{"=", "<>", "<", "<=", ">", ">="}

func (t *table) translate(f layers.Filter, hidden []bool, terms *int) condition {
	if *terms--; *terms < 0 {
		return everything
	}
	switch f := f.(type) {
	case layers.And:
		return t.junction(f, " AND ", hidden, terms)
	case layers.Or:
		return t.junction(f, " OR ", hidden, terms)
	case layers.Comparison:
		if int(f.Op) < len(operators) {
			return t.compare(f.Property, hidden, operators[f.Op]+" ?", f.Value)
		}
	case layers.Between:
		return t.compare(f.Property, hidden, "BETWEEN ? AND ?", f.Low, f.High)
	case layers.In:
		if *terms -= len(f.Values); *terms >= 0 && len(f.Values) > 0 {
			return t.compare(f.Property, hidden, "IN (?"+strings.Repeat(", ?", len(f.Values)-1)+")", f.Values...)
		}
	case layers.Intersects:
		return t.near(f.Box)
	case layers.IntersectsGeometry:
		return t.near(f.Geometry.Envelope())
	}
	return everything
}

// near finds the rows whose envelope may meet a box. Those without geometry do not.
func (t *table) near(e spatial.Envelope) condition {
	if !t.rtree {
		return everything
	}
	if e.IsEmpty() {
		return condition{sql: "0"}
	}
	return condition{
		sql:  q(t.fid) + " IN (SELECT id FROM " + q(t.rtreeName()) + " WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?)",
		args: []any{float64(floor32(e.MinX)), float64(ceil32(e.MaxX)), float64(floor32(e.MinY)), float64(ceil32(e.MaxY))},
	}
}

func (t *table) junction(members []layers.Filter, operator string, hidden []bool, terms *int) condition {
	if len(members) == 0 {
		return everything
	}
	var out condition
	var sql []string
	for _, m := range members {
		c := t.translate(m, hidden, terms)
		out.args = append(out.args, c.args...)
		sql = append(sql, c.sql)
	}
	out.sql = "(" + strings.Join(sql, operator) + ")"
	return out
}

// compare makes a comparison of a property with values if all are numbers or
// all are text.
func (t *table) compare(property string, hidden []bool, operation string, values ...layers.Value) condition {
	i := t.layer.PropertyIndex(property)
	if i < 0 || t.columns[i] == "" || hidden != nil && hidden[i] {
		return everything
	}
	want := t.layer.Schema[i].Type
	var c condition
	for _, v := range values {
		switch {
		case v.Type() == layers.String && want == layers.String:
			c.args = append(c.args, v.Text())
		case v.Type() == layers.Integer && want == layers.Integer:
			c.args = append(c.args, v.Int())
		case isNumber(v.Type()) && isNumber(want) && math.Abs(v.Float()) < 1<<53:
			c.args = append(c.args, v.Float())
		default:
			return everything
		}
	}
	c.sql = q(t.columns[i]) + " " + operation
	if want == layers.String {
		c.sql = q(t.columns[i]) + " COLLATE BINARY " + operation
	}
	return c
}

func isNumber(t layers.ValueType) bool { return t == layers.Integer || t == layers.Number }
