package cql2

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"twind/layers"
	"twind/spatial"
)

// limits are MaxDepth and MaxNodes but for tests.
type limits struct{ bytes, depth, nodes int }

var standard = limits{MaxBytes, MaxDepth, MaxNodes}

// builder makes nodes of a filter and checks them against a layer. Both
// encodings read into it.
type builder struct {
	src   string
	layer *layers.Layer
	limit limits
	nodes int
}

// fail makes an error at byte at of the source.
func (b *builder) fail(at int, format string, args ...any) error {
	n := utf8.RuneCountInString(b.src[:min(at, len(b.src))]) + 1
	return layers.Errorf(layers.ErrInvalid, "filter, character %d: "+format, append([]any{n}, args...)...)
}

// checkSource refuses what is too long or no text.
func (b *builder) checkSource() error {
	if len(b.src) > b.limit.bytes {
		return layers.Errorf(layers.ErrInvalid, "the filter has %d bytes; at most %d are read", len(b.src), b.limit.bytes)
	}
	if !utf8.ValidString(b.src) {
		i := strings.IndexRune(strings.ToValidUTF8(b.src, "\ufffd"), '\ufffd')
		return b.fail(i, "the filter is not valid UTF-8 here; encode it as UTF-8")
	}
	return nil
}

// count adds nodes.
func (b *builder) count(at, n int) error {
	if b.nodes += n; b.nodes > b.limit.nodes {
		return b.fail(at, "the filter has more than %d predicates, values and vertices; ask in several requests", b.limit.nodes)
	}
	return nil
}

func (b *builder) checkDepth(at, depth int) error {
	if depth > b.limit.depth {
		return b.fail(at, "the filter is nested deeper than %d levels; write it with fewer parentheses", b.limit.depth)
	}
	return nil
}

// operand is one side of a predicate: a property or a literal, perhaps in CASEI.
type operand struct {
	at       int
	property string
	typ      layers.ValueType // of the property or literal
	value    layers.Value     // null: it is a property
	fold     bool
	geometry bool // the feature's geometry, of which only IS NULL is asked
}

func (o *operand) isProperty() bool { return o.value.IsNull() }

// property finds a property by name.
func (b *builder) property(at int, name string) (operand, error) {
	i := b.layer.PropertyIndex(name)
	if i < 0 {
		if isGeometry(name) {
			return b.featureGeometry(at, name), nil
		}
		return operand{}, b.fail(at, "layer %s has no property %q%s", b.layer.ID, shorten(name), b.hint(name))
	}
	return operand{at: at, property: name, typ: b.layer.Schema[i].Type}, nil
}

func (b *builder) featureGeometry(at int, name string) operand {
	return operand{at: at, property: name, geometry: true}
}

// hint names the property that was probably meant.
func (b *builder) hint(name string) string {
	for i := range b.layer.Schema {
		if p := b.layer.Schema[i].Name; strings.EqualFold(p, name) {
			return "; it has " + strconv.Quote(p)
		}
	}
	return "; /ogc/collections/" + string(b.layer.ID) + "/queryables lists what it has"
}

func isGeometry(name string) bool {
	return strings.EqualFold(name, "geometry") || strings.EqualFold(name, "geom")
}

func literal(at int, v layers.Value) operand { return operand{at: at, typ: v.Type(), value: v} }

// number reads a number as written.
func (b *builder) number(at int, s string) (operand, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return literal(at, layers.IntValue(n)), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return operand{}, b.fail(at, "the number %s is beyond double precision", shorten(s))
	}
	return literal(at, layers.FloatValue(f)), nil
}

// date reads a DATE literal.
func (b *builder) date(at int, s string) (operand, error) {
	v, ok := dateValue(s)
	if !ok {
		return operand{}, b.fail(at, "%q is not a date; write DATE('2026-01-31')", shorten(s))
	}
	return literal(at, v), nil
}

func dateValue(s string) (layers.Value, bool) {
	_, err := time.Parse(time.DateOnly, s)
	return layers.TextValue(layers.Date, s), err == nil
}

// timestamp reads a TIMESTAMP literal.
func (b *builder) timestamp(at int, s string) (operand, error) {
	v, ok := timestampValue(s)
	if !ok {
		return operand{}, b.fail(at, "%q is not an instant; write TIMESTAMP('2026-01-31T08:00:00Z')", shorten(s))
	}
	return literal(at, v), nil
}

// timestampValue reads an instant and gives it in UTC.
func timestampValue(s string) (layers.Value, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return layers.Value{}, false
	}
	s = t.UTC().Format(time.RFC3339Nano)
	_, err = time.Parse(time.RFC3339Nano, s) // years 0 to 9999 in UTC too
	return layers.TextValue(layers.DateTime, s), err == nil
}

// caseI puts an operand in CASEI.
func (b *builder) caseI(at int, o operand) (operand, error) {
	if o.typ != layers.String {
		return o, b.fail(at, "CASEI takes text, and %s", o.description())
	}
	o.at, o.fold = at, true
	return o, nil
}

func (o *operand) description() string {
	what := map[layers.ValueType]string{
		layers.Boolean: "a boolean", layers.Integer: "a whole number", layers.Number: "a number",
		layers.String: "text", layers.Date: "a date", layers.DateTime: "an instant",
	}[o.typ]
	if o.geometry {
		what = "the geometry"
	}
	if o.isProperty() {
		return "property " + strconv.Quote(shorten(o.property)) + " is " + what
	}
	return "this is " + what
}

// example is a literal of a type.
func example(t layers.ValueType) string {
	switch t {
	case layers.Boolean:
		return "TRUE or FALSE"
	case layers.Integer, layers.Number:
		return "a number without quotes"
	case layers.Date:
		return "DATE('2026-01-31')"
	case layers.DateTime:
		return "TIMESTAMP('2026-01-31T08:00:00Z')"
	}
	return "text in single quotes"
}

func isNumber(t layers.ValueType) bool { return t == layers.Integer || t == layers.Number }

// match makes the types of two operands equal, or numbers both. Text beside a
// property of dates is read as a date.
func (b *builder) match(x, y *operand) error {
	for _, o := range []*operand{x, y} {
		if o.geometry {
			return b.fail(o.at, "the geometry is compared by S_INTERSECTS and S_DISJOINT only; put a property of that name in double quotes")
		}
	}
	if x.fold != y.fold {
		plain := x
		if x.fold {
			plain = y
		}
		return b.fail(plain.at, "CASEI stands on one side only; put both sides in CASEI")
	}
	for range 2 {
		if x.isProperty() && y.value.Type() == layers.String {
			v, ok := layers.Value{}, false
			switch x.typ {
			case layers.Date:
				v, ok = dateValue(y.value.Text())
			case layers.DateTime:
				v, ok = timestampValue(y.value.Text())
			}
			if ok {
				y.typ, y.value = v.Type(), v
			}
		}
		x, y = y, x
	}
	if x.typ == y.typ || isNumber(x.typ) && isNumber(y.typ) {
		return nil
	}
	wrong, right := y, x
	if wrong.isProperty() && !right.isProperty() {
		wrong, right = x, y
	}
	return b.fail(wrong.at, "%s; compare it with %s", right.description(), example(right.typ))
}

// constant is TRUE or FALSE for a predicate of literals alone: f makes it of a
// property "v" that has the first literal's value.
func constant(v layers.Value, f layers.Filter) (layers.Filter, error) {
	l := &layers.Layer{ID: "constant", Schema: []layers.Property{{Name: "v", Type: v.Type()}}}
	m, err := layers.NewMatcher(l, f)
	if err != nil {
		return nil, err
	}
	return truth(m.Match(&layers.Feature{Properties: []layers.Value{v}})), nil
}

// truth is a literal of the filter language.
func truth(b bool) layers.Filter {
	if b {
		return layers.And{}
	}
	return layers.Or{}
}

var mirrored = [...]layers.Op{
	layers.Equal: layers.Equal, layers.NotEqual: layers.NotEqual, layers.Less: layers.Greater,
	layers.LessEqual: layers.GreaterEqual, layers.Greater: layers.Less, layers.GreaterEqual: layers.LessEqual,
}

var operators = [...]string{
	layers.Equal: "=", layers.NotEqual: "<>", layers.Less: "<",
	layers.LessEqual: "<=", layers.Greater: ">", layers.GreaterEqual: ">=",
}

// compare makes x op y.
func (b *builder) compare(at int, x operand, op layers.Op, y operand) (layers.Filter, error) {
	if err := b.count(at, 1); err != nil {
		return nil, err
	}
	return b.comparison(at, x, op, y)
}

func (b *builder) comparison(at int, x operand, op layers.Op, y operand) (layers.Filter, error) {
	if err := b.match(&x, &y); err != nil {
		return nil, err
	}
	if !x.isProperty() && y.isProperty() {
		x, y, op = y, x, mirrored[op]
	}
	if x.fold {
		if y.isProperty() {
			return nil, b.fail(at, "two properties in CASEI cannot be compared here; compare a property with text")
		}
		if op != layers.Equal && op != layers.NotEqual {
			return nil, b.fail(at, "%s does not take CASEI here; use =, <>, LIKE or IN", operators[op])
		}
		f, err := b.likeText(x, escape(y.value.Text()))
		if err == nil && op == layers.NotEqual {
			f = negate(f)
		}
		return f, err
	}
	switch {
	case y.isProperty():
		return layers.PropertyComparison{Left: x.property, Op: op, Right: y.property}, nil
	case x.isProperty():
		return layers.Comparison{Property: x.property, Op: op, Value: y.value}, nil
	}
	return constant(x.value, layers.Comparison{Property: "v", Op: op, Value: y.value})
}

// negate is NOT f; of a constant it is the other one.
func negate(f layers.Filter) layers.Filter { return layers.Not{Filter: f} }

// escape makes a LIKE pattern that matches exactly s.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// like makes x LIKE pattern.
func (b *builder) like(at int, x, pattern operand) (layers.Filter, error) {
	if err := b.count(at, 1); err != nil {
		return nil, err
	}
	if x.typ != layers.String {
		return nil, b.fail(x.at, "LIKE takes text, and %s", x.description())
	}
	if pattern.isProperty() || pattern.typ != layers.String {
		return nil, b.fail(pattern.at, "the pattern of LIKE is text in single quotes, and %s", pattern.description())
	}
	if err := b.match(&x, &pattern); err != nil {
		return nil, err
	}
	p := pattern.value.Text()
	if (len(p)-len(strings.TrimRight(p, `\`)))%2 == 1 {
		return nil, b.fail(pattern.at, "the pattern ends with a backslash that takes no character for itself; write two backslashes for one")
	}
	if len(p) > maxPattern {
		return nil, b.fail(pattern.at, "the pattern has %d bytes; at most %d are possible", len(p), maxPattern)
	}
	return b.likeText(x, p)
}

// maxPattern is the longest pattern that package layers evaluates.
const maxPattern = 10000

func (b *builder) likeText(x operand, pattern string) (layers.Filter, error) {
	if len(pattern) > maxPattern {
		return nil, b.fail(x.at, "text of %d bytes in CASEI; at most %d are possible", len(pattern), maxPattern)
	}
	if x.isProperty() {
		return layers.Like{Property: x.property, Pattern: pattern, FoldCase: x.fold}, nil
	}
	return constant(x.value, layers.Like{Property: "v", Pattern: pattern, FoldCase: x.fold})
}

// in makes x IN (list).
func (b *builder) in(at int, x operand, list []operand) (layers.Filter, error) {
	if err := b.count(at, 1+len(list)); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, b.fail(at, "IN has an empty list; name at least one value")
	}
	plain := x.isProperty() && !x.fold
	for i := range list {
		if err := b.match(&x, &list[i]); err != nil {
			return nil, err
		}
		plain = plain && !list[i].isProperty()
	}
	if plain {
		f := layers.In{Property: x.property, Values: make([]layers.Value, len(list))}
		for i := range list {
			f.Values[i] = list[i].value
		}
		return f, nil
	}
	or := make(layers.Or, len(list))
	for i := range list {
		var err error
		if or[i], err = b.comparison(at, x, layers.Equal, list[i]); err != nil {
			return nil, err
		}
	}
	if len(or) == 1 {
		return or[0], nil
	}
	return or, nil
}

// between makes x BETWEEN low AND high.
func (b *builder) between(at int, x, low, high operand) (layers.Filter, error) {
	if err := b.count(at, 1); err != nil {
		return nil, err
	}
	if x.fold || low.fold || high.fold {
		return nil, b.fail(at, "BETWEEN does not take CASEI")
	}
	for _, o := range []*operand{&low, &high} {
		if err := b.match(&x, o); err != nil {
			return nil, err
		}
	}
	if x.isProperty() && !low.isProperty() && !high.isProperty() {
		return layers.Between{Property: x.property, Low: low.value, High: high.value}, nil
	}
	from, err := b.comparison(at, x, layers.GreaterEqual, low)
	if err != nil {
		return nil, err
	}
	to, err := b.comparison(at, x, layers.LessEqual, high)
	if err != nil {
		return nil, err
	}
	return layers.And{from, to}, nil
}

// isNull makes x IS NULL.
func (b *builder) isNull(at int, x operand) (layers.Filter, error) {
	if err := b.count(at, 1); err != nil {
		return nil, err
	}
	if !x.isProperty() || x.fold {
		return nil, b.fail(x.at, "IS NULL takes a property's name")
	}
	if x.geometry {
		return layers.GeometryIsNull{}, nil
	}
	return layers.IsNull{Property: x.property}, nil
}

// shape is one side of a spatial predicate: the feature's geometry or a literal.
type shape struct {
	at       int
	feature  bool
	boxes    []spatial.Envelope // of a BBOX: one, or two beside the antimeridian
	geometry spatial.Geometry
}

// geometryProperty checks the name of the feature's geometry.
func (b *builder) geometryProperty(at int, name string) (shape, error) {
	if isGeometry(name) {
		return shape{at: at, feature: true}, nil
	}
	o, err := b.property(at, name)
	if err != nil {
		return shape{}, err
	}
	return shape{}, b.fail(at, "a spatial function takes the property geometry, and %s", o.description())
}

// box makes a BBOX of four numbers, or six with heights.
func (b *builder) box(at int, v []float64) (shape, error) {
	if len(v) == 6 {
		v = []float64{v[0], v[1], v[3], v[4]}
	}
	if len(v) != 4 {
		return shape{}, b.fail(at, "BBOX has %d numbers; write west, south, east, north in degrees", len(v))
	}
	for i, name := range []string{"west", "south", "east", "north"} {
		if err := b.degrees(at, name, v[i], []float64{180, 90}[i%2]); err != nil {
			return shape{}, err
		}
	}
	w, s, e, n := v[0], v[1], v[2], v[3]
	if s > n {
		return shape{}, b.fail(at, "BBOX: south is north of north; write west, south, east, north in degrees")
	}
	if err := b.count(at, 1); err != nil {
		return shape{}, err
	}
	if w > e {
		return shape{at: at, boxes: []spatial.Envelope{{MinX: w, MinY: s, MaxX: 180, MaxY: n}, {MinX: -180, MinY: s, MaxX: e, MaxY: n}}}, nil
	}
	return shape{at: at, boxes: []spatial.Envelope{{MinX: w, MinY: s, MaxX: e, MaxY: n}}}, nil
}

func (b *builder) degrees(at int, name string, v, most float64) error {
	if !(v >= -most && v <= most) {
		return b.fail(at, "%s %g is outside −%g to %g degrees; coordinates are longitude, latitude", name, v, most, most)
	}
	return nil
}

// geometry checks a literal's structure and coordinates.
func (b *builder) geometry(at int, g spatial.Geometry) (shape, error) {
	if err := b.count(at, g.NumVertices()); err != nil {
		return shape{}, err
	}
	if err := g.Check(); err != nil {
		return shape{}, b.fail(at, "%s", strings.TrimPrefix(err.Error(), "spatial: "))
	}
	if g.IsEmpty() {
		return shape{}, b.fail(at, "a geometry without positions intersects nothing")
	}
	e := g.Envelope()
	for _, x := range []float64{e.MinX, e.MaxX} {
		if err := b.degrees(at, "longitude", x, 180); err != nil {
			return shape{}, err
		}
	}
	for _, y := range []float64{e.MinY, e.MaxY} {
		if err := b.degrees(at, "latitude", y, 90); err != nil {
			return shape{}, err
		}
	}
	dropHeights(&g)
	return shape{at: at, geometry: g}, nil
}

func dropHeights(g *spatial.Geometry) {
	g.Z = nil
	for i := range g.Members {
		dropHeights(&g.Members[i])
	}
}

// intersects makes S_INTERSECTS or S_DISJOINT of two shapes, one the feature's.
func (b *builder) intersects(at int, name string, x, y shape) (layers.Filter, error) {
	if err := b.count(at, 1); err != nil {
		return nil, err
	}
	if x.feature == y.feature {
		return nil, b.fail(at, "%s takes the property geometry on one side and a literal such as BBOX(0,40,10,50) on the other", name)
	}
	if x.feature {
		x = y
	}
	var f layers.Filter
	switch len(x.boxes) {
	case 0:
		f = layers.IntersectsGeometry{Geometry: x.geometry}
	case 1:
		f = layers.Intersects{Box: x.boxes[0]}
	default:
		f = layers.Or{layers.Intersects{Box: x.boxes[0]}, layers.Intersects{Box: x.boxes[1]}}
	}
	if strings.EqualFold(name, "s_disjoint") {
		f = layers.Not{Filter: f}
	}
	return f, nil
}

// refused is the sentence for a function that is not offered.
func (b *builder) refused(at int, name string) error {
	upper := strings.ToUpper(name)
	switch {
	case upper == "ACCENTI":
		return b.fail(at, "ACCENTI is not offered; compare with CASEI or without")
	case upper == "INTERVAL":
		return b.fail(at, "INTERVAL is not offered; compare with BETWEEN, < or >")
	case strings.HasPrefix(upper, "T_"):
		return b.fail(at, "the temporal function %s is not offered; compare with =, <, >, BETWEEN and DATE('…') or TIMESTAMP('…')", shorten(name))
	case strings.HasPrefix(upper, "A_"):
		return b.fail(at, "the array function %s is not offered, as no property is an array", shorten(name))
	case strings.HasPrefix(upper, "S_"):
		return b.fail(at, "the spatial function %s is not offered; use S_INTERSECTS or S_DISJOINT", shorten(name))
	}
	return b.fail(at, "the function %s is not offered; CASEI, S_INTERSECTS and S_DISJOINT are", shorten(name))
}

// arithmetic is the sentence for an arithmetic operator.
func (b *builder) arithmetic(at int, op string) error {
	return b.fail(at, "arithmetic (%s) is not offered; compare with the computed number", shorten(op))
}
