package layers

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"twind/spatial"
)

// Truth is a value of three-valued logic, ordered so that And is the least and Or
// the greatest.
type Truth uint8

// The truth values. Uncertain comes of null and counts as false in the end.
const (
	False Truth = iota
	Uncertain
	True
)

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Row is what a filter is evaluated on. *Feature is one; the snapshot has another
// over its columns.
type Row interface {
	// Property is the value of property i of the layer's schema. Its text need
	// only live until the next call.
	Property(i int) Value
	// IntersectsBox tells whether the geometry shares a position with a box in
	// degrees; Uncertain without a geometry.
	IntersectsBox(box spatial.Envelope) Truth
	// IntersectsGeometry tells whether the geometry shares a position with another
	// in degrees; Uncertain without a geometry.
	IntersectsGeometry(g *spatial.Geometry) Truth
}

// Property is the feature's property i, null if it has none such.
func (f *Feature) Property(i int) Value {
	if i >= len(f.Properties) {
		return Value{}
	}
	return f.Properties[i]
}

// IntersectsBox makes *Feature a Row.
func (f *Feature) IntersectsBox(box spatial.Envelope) Truth {
	if f.Geometry.IsNull() {
		return Uncertain
	}
	return truth(f.Geometry.IntersectsEnvelope(box))
}

// IntersectsGeometry makes *Feature a Row.
func (f *Feature) IntersectsGeometry(g *spatial.Geometry) Truth {
	if f.Geometry.IsNull() {
		return Uncertain
	}
	return truth(f.Geometry.Intersects(*g))
}

// Matcher evaluates a filter on the rows of one layer, in three-valued logic as
// SQL has it. It is immutable and safe for concurrent use.
//
// Numbers are compared as numbers whatever their type, text by its bytes, false
// is less than true, dates and instants as such; text compared with a date or
// instant is read as one. What cannot be compared is unknown. In a Like pattern
// a backslash takes the next character for itself.
type Matcher struct {
	eval       func(Row) Truth
	properties []int
}

// NewMatcher prepares a filter; nil is always true. A hidden property is null to
// it. It fails with ErrInvalid when a property is not in the layer's schema.
func NewMatcher(l *Layer, f Filter, hidden ...string) (*Matcher, error) {
	c := compiler{layer: l, hidden: hidden, used: make([]bool, len(l.Schema))}
	if f == nil {
		return &Matcher{eval: func(Row) Truth { return True }}, nil
	}
	eval, err := c.compile(f, 0)
	if err != nil {
		return nil, err
	}
	m := &Matcher{eval: eval}
	for i, u := range c.used {
		if u {
			m.properties = append(m.properties, i)
		}
	}
	return m, nil
}

// Match tells whether the filter is true for the row.
func (m *Matcher) Match(r Row) bool { return m.eval(r) == True }

// Truth evaluates the filter.
func (m *Matcher) Truth(r Row) Truth { return m.eval(r) }

// Properties lists the properties that the filter looks at, ascending.
func (m *Matcher) Properties() []int { return m.properties }

type compiler struct {
	layer  *Layer
	hidden []string
	used   []bool
}

// maxFilterDepth bounds the nesting of filters that are evaluated.
const maxFilterDepth = 200

func (c *compiler) compile(f Filter, depth int) (func(Row) Truth, error) {
	if depth > maxFilterDepth {
		return nil, Errorf(ErrInvalid, "the filter is nested deeper than %d levels", maxFilterDepth)
	}
	switch f := f.(type) {
	case And:
		return c.junction(f, depth, True)
	case Or:
		return c.junction(f, depth, False)
	case Not:
		inner, err := c.compile(f.Filter, depth+1)
		return func(r Row) Truth { return True - inner(r) }, err
	case Comparison:
		v, op := newOperand(f.Value), f.Op
		if op > GreaterEqual {
			return nil, Errorf(ErrInvalid, "comparison %d is unknown", op)
		}
		return c.property(f.Property, func(p Value) Truth { return v.test(p, op) })
	case Between:
		low, high := newOperand(f.Low), newOperand(f.High)
		return c.property(f.Property, func(p Value) Truth {
			return min(low.test(p, GreaterEqual), high.test(p, LessEqual))
		})
	case In:
		vs := make([]operand, len(f.Values))
		for i, v := range f.Values {
			vs[i] = newOperand(v)
		}
		return c.property(f.Property, func(p Value) Truth {
			t := False
			for i := range vs {
				if t = max(t, vs[i].test(p, Equal)); t == True {
					break
				}
			}
			return t
		})
	case Like:
		match, err := compileLike(f.Pattern, f.FoldCase)
		if err != nil {
			return nil, err
		}
		return c.property(f.Property, func(p Value) Truth {
			if p.Type() < String {
				return Uncertain
			}
			return truth(match(p.Text()))
		})
	case IsNull:
		return c.property(f.Property, func(p Value) Truth { return truth(p.IsNull()) })
	case Intersects:
		box := f.Box
		return func(r Row) Truth { return r.IntersectsBox(box) }, nil
	case IntersectsGeometry:
		g, box := f.Geometry, f.Geometry.Envelope()
		return func(r Row) Truth {
			if t := r.IntersectsBox(box); t != True {
				return t
			}
			return r.IntersectsGeometry(&g)
		}, nil
	case GeometryIsNull:
		return func(r Row) Truth { return truth(r.IntersectsBox(spatial.Envelope{}) == Uncertain) }, nil
	case PropertyComparison:
		return c.properties(f)
	}
	return nil, Errorf(ErrInvalid, "a filter node of type %T is unknown", f)
}

// junction is And (neutral True) or Or (neutral False).
func (c *compiler) junction(members []Filter, depth int, neutral Truth) (func(Row) Truth, error) {
	evals := make([]func(Row) Truth, len(members))
	for i, m := range members {
		e, err := c.compile(m, depth+1)
		if err != nil {
			return nil, err
		}
		evals[i] = e
	}
	if neutral == True {
		return func(r Row) Truth {
			t := True
			for _, e := range evals {
				if t = min(t, e(r)); t == False {
					break
				}
			}
			return t
		}, nil
	}
	return func(r Row) Truth {
		t := False
		for _, e := range evals {
			if t = max(t, e(r)); t == True {
				break
			}
		}
		return t
	}, nil
}

func (c *compiler) property(name string, test func(Value) Truth) (func(Row) Truth, error) {
	i := c.layer.PropertyIndex(name)
	if i < 0 {
		return nil, Errorf(ErrInvalid, "layer %s has no property %.80q", c.layer.ID, name)
	}
	for _, h := range c.hidden {
		if h == name {
			t := test(Value{})
			return func(Row) Truth { return t }, nil
		}
	}
	c.used[i] = true
	return func(r Row) Truth { return test(r.Property(i)) }, nil
}

// properties compares two properties of a row.
func (c *compiler) properties(f PropertyComparison) (func(Row) Truth, error) {
	if f.Op > GreaterEqual {
		return nil, Errorf(ErrInvalid, "comparison %d is unknown", f.Op)
	}
	left, right := c.layer.PropertyIndex(f.Left), c.layer.PropertyIndex(f.Right)
	for i, name := range []string{f.Left, f.Right} {
		if []int{left, right}[i] < 0 {
			return nil, Errorf(ErrInvalid, "layer %s has no property %.80q", c.layer.ID, name)
		}
	}
	if slices.Contains(c.hidden, f.Left) || slices.Contains(c.hidden, f.Right) {
		return func(Row) Truth { return Uncertain }, nil
	}
	c.used[left], c.used[right] = true, true
	times := c.layer.Schema[left].Type != String || c.layer.Schema[right].Type != String
	return func(r Row) Truth {
		a := r.Property(left)
		a.str = strings.Clone(a.str) // the next call may take it
		o := operand{value: r.Property(right)}
		if times && a.typ >= String && o.value.typ >= String {
			o = newOperand(o.value)
		}
		return o.test(a, f.Op)
	}, nil
}

// operand is the literal of a comparison, its date read once.
type operand struct {
	value Value
	date  time.Time
	dated bool // the text is a date or an instant
}

func newOperand(v Value) operand {
	o := operand{value: v}
	if v.Type() >= String {
		o.date, o.dated = parseTime(v.Text())
	}
	return o
}

// parseTime reads a date, as its midnight in UTC, or an instant.
func parseTime(s string) (time.Time, bool) {
	layout := time.RFC3339Nano
	if len(s) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, s)
	return t, err == nil
}

// test compares a property with the operand.
func (o *operand) test(p Value, op Op) Truth {
	order, ok := o.compare(p)
	if !ok {
		return Uncertain
	}
	switch op {
	case Equal:
		return truth(order == 0)
	case NotEqual:
		return truth(order != 0)
	case Less:
		return truth(order < 0)
	case LessEqual:
		return truth(order <= 0)
	case Greater:
		return truth(order > 0)
	}
	return truth(order >= 0)
}

// compare is the order of p and the operand: negative when p is less.
func (o *operand) compare(p Value) (order int, ok bool) {
	a, b := p.Type(), o.value.Type()
	switch {
	case a == Null || b == Null:
		return 0, false
	case a == Boolean && b == Boolean:
		return int(p.num) - int(o.value.num), true
	case a == Integer && b == Integer:
		return cmp(p.Int(), o.value.Int()), true
	case (a == Integer || a == Number) && (b == Integer || b == Number):
		return compareNumbers(p, o.value), true
	case a == String && b == String:
		return strings.Compare(p.str, o.value.str), true
	case a >= String && b >= String:
		if !o.dated {
			return 0, false
		}
		t, ok := parseTime(p.str)
		if !ok {
			return 0, false
		}
		return t.Compare(o.date), true
	}
	return 0, false
}

func cmp[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareNumbers compares an integer with a number exactly: a float64 cannot
// hold every int64.
func compareNumbers(a, b Value) int {
	if a.typ == b.typ { // both Number
		return cmp(a.Float(), b.Float())
	}
	if a.typ == Number {
		return -compareNumbers(b, a)
	}
	f := b.Float()
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	n := int64(f) // toward zero
	if c := cmp(a.Int(), n); c != 0 {
		return c
	}
	return cmp(0, f-float64(n))
}

// likeToken is one character of a pattern, or a wildcard.
type likeToken struct {
	r    rune
	kind uint8
}

const (
	likeRune uint8 = iota
	likeOne        // _
	likeAny        // %
)

func compileLike(pattern string, fold bool) (func(string) bool, error) {
	if len(pattern) > 10000 {
		return nil, Errorf(ErrInvalid, "a LIKE pattern of %d bytes; at most 10000 are possible", len(pattern))
	}
	var tokens []likeToken
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
			continue
		case r == '%':
			if n := len(tokens); n == 0 || tokens[n-1].kind != likeAny {
				tokens = append(tokens, likeToken{kind: likeAny})
			}
			continue
		case r == '_':
			tokens = append(tokens, likeToken{kind: likeOne})
			continue
		}
		if fold {
			r = foldRune(r)
		}
		tokens = append(tokens, likeToken{r: r})
	}
	if escaped {
		return nil, Errorf(ErrInvalid, "the LIKE pattern %.80q ends with a backslash that takes no character for itself", pattern)
	}
	return func(s string) bool { return like(tokens, s, fold) }, nil
}

// FoldCase makes texts equal that differ only in the case of letters, as Like does
// that folds case: by Unicode's simple case folding.
func FoldCase(s string) string { return strings.Map(foldRune, s) }

// foldRune is the least rune that differs from r in case only.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// like matches with one point of return, so that its time is at most the product
// of the lengths.
func like(tokens []likeToken, s string, fold bool) bool {
	t, i := 0, 0
	star, back := -1, 0
	for i < len(s) {
		if t < len(tokens) && tokens[t].kind == likeAny {
			star, back = t, i
			t++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if fold {
			r = foldRune(r)
		}
		switch {
		case t < len(tokens) && (tokens[t].kind == likeOne || tokens[t].r == r):
			t++
			i += n
		case star >= 0:
			_, n := utf8.DecodeRuneInString(s[back:])
			back += n
			t, i = star+1, back
		default:
			return false
		}
	}
	for t < len(tokens) && tokens[t].kind == likeAny {
		t++
	}
	return t == len(tokens)
}
