package postgis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"twind/layers"
	"twind/spatial"
)

// arguments collects the bound parameters of a statement.
type arguments []any

// add binds a value and returns its placeholder.
func (a *arguments) add(v any) string {
	*a = append(*a, v)
	return fmt.Sprintf("$%d", len(*a))
}

// Limits of a filter, after which it is refused.
const (
	maxFilterDepth = 64
	maxFilterNodes = 10_000
)

// translator turns a filter into an SQL condition with the three-valued logic
// that both have: a comparison with null is unknown.
type translator struct {
	store  *Store
	src    *source
	hidden []string // properties that are null to this filter
	args   *arguments
	nodes  int
}

// where is the SQL condition of a query, without the envelope, which needs exact
// coordinates and is tested in Go.
func (s *Store) where(src *source, q layers.Query, args *arguments) (string, error) {
	conditions := []string{"true"}
	if q.IDs != nil {
		ids := q.IDs
		if src.public != nil {
			ids = src.public.keys(ids)
		}
		conditions = append(conditions, fmt.Sprintf(src.key, args.add(ids)))
	}
	if e := q.Envelope; e != nil && src.extent != "" {
		c := nowhere(s, src.extent)
		if !e.IsEmpty() {
			c += " OR " + s.overlaps(src, q, args)
		}
		conditions = append(conditions, "("+c+")")
	}
	for _, f := range []struct {
		filter layers.Filter
		hidden []string
	}{{q.Policy.Rows, nil}, {q.Filter, q.Policy.Hidden}} {
		if f.filter == nil {
			continue
		}
		t := translator{store: s, src: src, hidden: f.hidden, args: args}
		c, err := t.condition(f.filter, 0)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, c)
	}
	return strings.Join(conditions, " AND "), nil
}

func (t *translator) condition(f layers.Filter, depth int) (string, error) {
	if t.nodes++; t.nodes > maxFilterNodes || depth > maxFilterDepth {
		return "", layers.Errorf(layers.ErrInvalid, "the filter is too large: at most %d conditions, nested %d deep", maxFilterNodes, maxFilterDepth)
	}
	switch f := f.(type) {
	case layers.And:
		return t.join(f, " AND ", "true", depth)
	case layers.Or:
		return t.join(f, " OR ", "false", depth)
	case layers.Not:
		c, err := t.condition(f.Filter, depth+1)
		return "(NOT " + c + ")", err
	case layers.Comparison:
		p, err := t.property(f.Property)
		if err != nil {
			return "", err
		}
		return t.compare(p, f.Op, f.Value)
	case layers.In:
		p, err := t.property(f.Property)
		if err != nil {
			return "", err
		}
		if t.nodes += len(f.Values); t.nodes > maxFilterNodes {
			return "", layers.Errorf(layers.ErrInvalid, "the filter is too large: at most %d values", maxFilterNodes)
		}
		if len(f.Values) == 0 {
			return "false", nil
		}
		any := make([]string, len(f.Values))
		for i, v := range f.Values {
			if any[i], err = t.compare(p, layers.Equal, v); err != nil {
				return "", err
			}
		}
		return "(" + strings.Join(any, " OR ") + ")", nil
	case layers.Between:
		p, err := t.property(f.Property)
		if err != nil {
			return "", err
		}
		low, err := t.compare(p, layers.GreaterEqual, f.Low)
		if err != nil {
			return "", err
		}
		high, err := t.compare(p, layers.LessEqual, f.High)
		return "(" + low + " AND " + high + ")", err
	case layers.Like:
		p, err := t.property(f.Property)
		if err != nil {
			return "", err
		}
		if !isText(p.typ) {
			return "", layers.Errorf(layers.ErrInvalid, "property %q is %v: LIKE needs text", f.Property, p.typ)
		}
		if err := checkString(f.Pattern); err != nil {
			return "", err
		}
		pattern := t.args.add(f.Pattern) + "::text"
		if f.FoldCase {
			return fmt.Sprintf(`(lower(%s COLLATE "und-x-icu") COLLATE "C" LIKE lower(%s COLLATE "und-x-icu") COLLATE "C" ESCAPE '')`, p.text(), pattern), nil
		}
		return fmt.Sprintf(`(%s COLLATE "C" LIKE %s ESCAPE '')`, p.text(), pattern), nil
	case layers.IsNull:
		p, err := t.property(f.Property)
		return "(" + p.sql + " IS NULL)", err
	case layers.Intersects:
		// Unknown for a feature that is nowhere.
		is := "false"
		if !f.Box.IsEmpty() {
			is = t.store.sql("{g}.st_intersects(%s, %s::bytea::{g}.geometry)", t.src.geometry, t.args.add(appendEWKB(nil, boxGeometry(f.Box), t.src.layer.CRS)))
		}
		return fmt.Sprintf("(CASE WHEN %s THEN NULL ELSE %s END)", nowhere(t.store, t.src.geometry), is), nil
	}
	return "", layers.Errorf(layers.ErrUnsupported, "a filter of type %T", f)
}

// nowhere is the condition that a geometry is null or empty; each of twind's own
// tables has an index of such rows.
func nowhere(s *Store, geometry string) string {
	return s.sql("%[1]s IS NULL OR {g}.st_isempty(%[1]s)", geometry)
}

// boxGeometry is a box as a polygon, or a line or point where it has no area. It
// is cut at ±1000 degrees, where no feature is.
func boxGeometry(e spatial.Envelope) spatial.Geometry {
	cut := func(v float64) float64 { return max(-1000, min(1000, v)) }
	x0, y0, x1, y1 := cut(e.MinX), cut(e.MinY), cut(e.MaxX), cut(e.MaxY)
	switch {
	case x0 == x1 && y0 == y1:
		return spatial.NewPoint(x0, y0)
	case x0 == x1 || y0 == y1:
		return spatial.NewLineString([]float64{x0, y0, x1, y1})
	}
	return spatial.NewPolygon([]float64{x0, y0, x1, y0, x1, y1, x0, y1, x0, y0})
}

func (t *translator) join(members []layers.Filter, operator, empty string, depth int) (string, error) {
	if len(members) == 0 {
		return empty, nil
	}
	parts := make([]string, len(members))
	for i, m := range members {
		var err error
		if parts[i], err = t.condition(m, depth+1); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, operator) + ")", nil
}

// operand is a property in a condition.
type operand struct {
	name string
	sql  string
	typ  layers.ValueType
}

func isText(t layers.ValueType) bool {
	return t == layers.String || t == layers.Date || t == layers.DateTime
}

// text is the operand as layers.Value.Text gives it.
func (o operand) text() string {
	if o.typ == layers.Date {
		return "to_char(" + o.sql + ", 'YYYY-MM-DD')"
	}
	return o.sql
}

func (t *translator) property(name string) (operand, error) {
	i := t.src.layer.PropertyIndex(name)
	if i < 0 {
		return operand{}, layers.Errorf(layers.ErrInvalid, "layer %s has no property %q", t.src.layer.ID, name)
	}
	typ := t.src.layer.Schema[i].Type
	if slices.Contains(t.hidden, name) {
		return operand{name, "NULL::" + columnType(typ), typ}, nil
	}
	return operand{name, t.src.values[i], typ}, nil
}

var operators = [...]string{layers.Equal: "=", layers.NotEqual: "<>", layers.Less: "<", layers.LessEqual: "<=", layers.Greater: ">", layers.GreaterEqual: ">="}

// compare compares numbers as float64 unless both are integers, text by bytes.
func (t *translator) compare(p operand, op layers.Op, v layers.Value) (string, error) {
	if int(op) >= len(operators) {
		return "", layers.Errorf(layers.ErrInvalid, "comparison %d is unknown", op)
	}
	format := "(%s " + operators[op] + " %s)"
	vt := v.Type()
	number := func(t layers.ValueType) bool { return t == layers.Integer || t == layers.Number }
	switch {
	case vt == layers.Null:
		return "NULL::boolean", nil
	case p.typ == layers.Boolean && vt == layers.Boolean:
		return fmt.Sprintf(format, p.sql, t.args.add(v.Bool())+"::boolean"), nil
	case p.typ == layers.Integer && vt == layers.Integer:
		return fmt.Sprintf(format, p.sql, t.args.add(v.Int())+"::bigint"), nil
	case number(p.typ) && number(vt):
		return fmt.Sprintf(format, p.sql+"::float8", t.args.add(v.Float())+"::float8"), nil
	case isText(p.typ) && isText(vt):
		if err := checkString(v.Text()); err != nil {
			return "", err
		}
		return fmt.Sprintf(format, p.text()+` COLLATE "C"`, t.args.add(v.Text())+"::text"), nil
	}
	return "", layers.Errorf(layers.ErrInvalid, "property %q is %v and cannot be compared with %q, which is %v", p.name, p.typ, v.String(), vt)
}

// checkString refuses what a text of PostgreSQL cannot hold.
func checkString(s string) error {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return layers.Errorf(layers.ErrInvalid, "the text %.40q holds a zero byte", s)
	}
	if strings.ToValidUTF8(s, "") != s {
		return layers.Errorf(layers.ErrInvalid, "the text %.40q is not UTF-8", s)
	}
	return nil
}

// parseDate reads a Date; PostgreSQL has no year 0.
func parseDate(s string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil || d.Year() < 1 {
		return d, layers.Errorf(layers.ErrInvalid, "%.40q is not a date: expected a day such as 2026-11-21 of the years 1 to 9999", s)
	}
	return d, nil
}
