package postgis

import (
	"fmt"
	"math"
	"slices"
	"strings"

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

// where is an SQL condition that is true for every row of the query's answer, and
// perhaps for more: question.match decides, so that a filter means the same to a
// store and to a snapshot.
func (s *Store) where(src *source, q layers.Query, args *arguments) string {
	conditions := []string{"true"}
	if q.IDs != nil {
		ids := slices.DeleteFunc(slices.Clone(q.IDs), func(id string) bool { return layers.CheckFeatureID(id) != nil })
		if src.public != nil {
			ids = src.public.keys(ids)
		}
		conditions = append(conditions, fmt.Sprintf(src.key, args.add(ids)))
	}
	if e := q.Envelope; e != nil && src.extent != "" {
		c := nowhere(s, src.extent)
		if !e.IsEmpty() {
			c += " OR " + s.overlaps(src, *e, args)
		}
		conditions = append(conditions, "("+c+")")
	}
	t := translator{store: s, src: src, args: args}
	if q.Policy.Rows != nil {
		conditions = append(conditions, t.translate(q.Policy.Rows, 0).sql)
	}
	if q.Filter != nil {
		t.hidden = q.Policy.Hidden
		conditions = append(conditions, t.translate(q.Filter, 0).sql)
	}
	return strings.Join(conditions, " AND ")
}

// question decides in Go which rows answer a query.
type question struct {
	envelope *spatial.Envelope
	matchers []*layers.Matcher
}

// newQuestion fails with ErrInvalid for a filter that does not fit the layer.
func newQuestion(l *layers.Layer, q layers.Query) (question, error) {
	out := question{envelope: q.Envelope}
	if q.Policy.Rows != nil {
		m, err := layers.NewMatcher(l, q.Policy.Rows)
		if err != nil {
			return out, err
		}
		out.matchers = append(out.matchers, m)
	}
	if q.Filter != nil {
		m, err := layers.NewMatcher(l, q.Filter, q.Policy.Hidden...)
		if err != nil {
			return out, err
		}
		out.matchers = append(out.matchers, m)
	}
	return out, nil
}

// match tells whether a feature, with all its properties, is in the answer. One
// without vertices is in every envelope.
func (q *question) match(f *layers.Feature) bool {
	if q.envelope != nil && !f.Geometry.IsEmpty() && !f.Geometry.Envelope().Intersects(*q.envelope) {
		return false
	}
	for _, m := range q.matchers {
		if !m.Match(f) {
			return false
		}
	}
	return true
}

// condition is a filter in SQL. An exact one has the filter's truth value, null
// for unknown; another is at least true where the filter is.
type condition struct {
	sql   string
	exact bool
}

// anything is for what SQL cannot decide as package layers does.
var anything = condition{sql: "true"}

// Nodes and depth of a filter of which SQL is made; what is beyond is left to Go.
const (
	maxSQLNodes = 1000
	maxSQLDepth = 100
)

type translator struct {
	store  *Store
	src    *source
	hidden []string // properties that are null to this filter
	args   *arguments
	nodes  int
}

func (t *translator) translate(f layers.Filter, depth int) condition {
	if t.nodes++; t.nodes > maxSQLNodes || depth > maxSQLDepth {
		return anything
	}
	switch f := f.(type) {
	case layers.And:
		return t.join(f, " AND ", "true", depth)
	case layers.Or:
		return t.join(f, " OR ", "false", depth)
	case layers.Not:
		bound := len(*t.args)
		if c := t.translate(f.Filter, depth+1); c.exact {
			return condition{"(NOT " + c.sql + ")", true}
		}
		*t.args = (*t.args)[:bound] // PostgreSQL refuses parameters that nothing uses
	case layers.Comparison:
		return t.compare(f.Property, f.Op, f.Value)
	case layers.Between:
		low, high := t.compare(f.Property, layers.GreaterEqual, f.Low), t.compare(f.Property, layers.LessEqual, f.High)
		return condition{"(" + low.sql + " AND " + high.sql + ")", low.exact && high.exact}
	case layers.In:
		if t.nodes += len(f.Values); t.nodes > maxSQLNodes || len(f.Values) == 0 {
			return anything
		}
		out := condition{exact: true}
		for i, v := range f.Values {
			c := t.compare(f.Property, layers.Equal, v)
			if i > 0 {
				out.sql += " OR "
			}
			out.sql += c.sql
			out.exact = out.exact && c.exact
		}
		out.sql = "(" + out.sql + ")"
		return out
	case layers.Like:
		if p, ok := t.property(f.Property); ok && p.typ == layers.String && !f.FoldCase && isText(f.Pattern) {
			return condition{fmt.Sprintf(`(%s COLLATE "C" LIKE %s::text ESCAPE '\')`, p.sql, t.args.add(f.Pattern)), true}
		}
	case layers.IsNull:
		if p, ok := t.property(f.Property); ok {
			return condition{"(" + p.sql + " IS NULL)", true}
		}
	case layers.IntersectsGeometry:
		if box := f.Geometry.Envelope(); t.src.extent != "" && !box.IsEmpty() {
			return condition{sql: "(" + t.store.overlaps(t.src, box, t.args) + ")"}
		}
	case layers.Intersects:
		if t.src.extent != "" && !f.Box.IsEmpty() {
			return condition{sql: "(" + t.store.overlaps(t.src, f.Box, t.args) + ")"}
		}
	}
	return anything
}

func (t *translator) join(members []layers.Filter, operator, empty string, depth int) condition {
	if len(members) == 0 {
		return condition{empty, true}
	}
	out := condition{exact: true}
	for i, m := range members {
		c := t.translate(m, depth+1)
		if i > 0 {
			out.sql += operator
		}
		out.sql += c.sql
		out.exact = out.exact && c.exact
	}
	out.sql = "(" + out.sql + ")"
	return out
}

// operand is a property in a condition.
type operand struct {
	sql string
	typ layers.ValueType
}

func (t *translator) property(name string) (operand, bool) {
	i := t.src.layer.PropertyIndex(name)
	if i < 0 || slices.Contains(t.hidden, name) {
		return operand{}, false
	}
	return operand{t.src.values[i], t.src.layer.Schema[i].Type}, true
}

var operators = [...]string{layers.Equal: "=", layers.NotEqual: "<>", layers.Less: "<", layers.LessEqual: "<=", layers.Greater: ">", layers.GreaterEqual: ">="}

func (t *translator) compare(name string, op layers.Op, v layers.Value) condition {
	p, ok := t.property(name)
	if !ok || int(op) >= len(operators) {
		return anything
	}
	is := func(op layers.Op, left string, v any, typ string) condition {
		return condition{fmt.Sprintf("(%s %s %s::%s)", left, operators[op], t.args.add(v), typ), true}
	}
	vt := v.Type()
	switch {
	case vt == layers.Null:
		return condition{"NULL::boolean", true}
	case p.typ == layers.Boolean && vt == layers.Boolean:
		return is(op, p.sql, v.Bool(), "boolean")
	case p.typ == layers.Integer && vt == layers.Integer:
		return is(op, p.sql, v.Int(), "bigint")
	case p.typ == layers.Integer && vt == layers.Number:
		// The integers on the right side of a number that is not one.
		f := v.Float()
		switch floor := math.Floor(f); {
		case f < -1<<62 || f > 1<<62:
		case floor == f:
			return is(op, p.sql, int64(f), "bigint")
		case op == layers.Less || op == layers.LessEqual:
			return is(layers.LessEqual, p.sql, int64(floor), "bigint")
		case op == layers.Greater || op == layers.GreaterEqual:
			return is(layers.Greater, p.sql, int64(floor), "bigint")
		}
	case p.typ == layers.Number && (vt == layers.Number || vt == layers.Integer && v.Int() > -1<<53 && v.Int() < 1<<53):
		return is(op, p.sql, v.Float(), "float8")
	case p.typ == layers.String && vt == layers.String && isText(v.Text()):
		return is(op, p.sql+` COLLATE "C"`, v.Text(), "text")
	case p.typ == layers.Date && vt == layers.Date:
		if d, err := parseDate(v.Text()); err == nil {
			return is(op, p.sql, d, "date")
		}
	}
	return anything
}

// nowhere is the condition that a geometry is null or empty; each of twind's own
// tables has an index of such rows.
func nowhere(s *Store, geometry string) string {
	return s.sql("%[1]s IS NULL OR {g}.st_isempty(%[1]s)", geometry)
}

// overlaps prefilters by the index: it compares boxes of float32, rounded
// outward, so what passes is tested again.
func (s *Store) overlaps(src *source, e spatial.Envelope, args *arguments) string {
	srid := src.layer.CRS
	if src.public != nil {
		if src.public.srid == 3857 {
			e = mercator(e)
		}
		srid = src.public.srid
	}
	cut := func(v float64) string { return args.add(max(-1e9, min(1e9, v))) + "::float8" }
	return s.sql("%s OPERATOR({g}.&&) {g}.st_makeenvelope(%s, %s, %s, %s, %d)", src.extent, cut(e.MinX), cut(e.MinY), cut(e.MaxX), cut(e.MaxY), srid)
}
