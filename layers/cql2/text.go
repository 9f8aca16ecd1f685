package cql2

import (
	"slices"
	"strings"

	"twind/layers"
	"twind/spatial"
)

// ParseText reads a filter in CQL2 text for features of a layer. It fails with
// layers.ErrInvalid; an empty text is invalid too.
func ParseText(text string, l *layers.Layer) (layers.Filter, error) {
	return parseText(text, l, standard)
}

func parseText(source string, l *layers.Layer, limit limits) (layers.Filter, error) {
	p := parser{builder: builder{src: source, layer: l, limit: limit}}
	if err := p.checkSource(); err != nil {
		return nil, err
	}
	p.advance()
	if p.tok.kind == end {
		return nil, layers.Errorf(layers.ErrInvalid, "the filter is empty; leave it out or write one such as %s", "height > 20")
	}
	f, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.unexpected("AND, OR or the end")
	}
	return f, nil
}

type parser struct {
	builder
	tok token
}

func (p *parser) advance() { p.tok = lex(p.src, p.tok.to) }

// peek is the token after tok.
func (p *parser) peek() token { return lex(p.src, p.tok.to) }

func (p *parser) unexpected(want string) error {
	switch p.tok.kind {
	case broken:
		return p.fail(p.tok.at, "%s", p.tok.text)
	case sign:
		return p.arithmetic(p.tok.at, p.tok.text)
	case end:
		return p.fail(p.tok.at, "the filter ends where %s was expected", want)
	}
	if p.tok.is("div") {
		return p.arithmetic(p.tok.at, p.tok.text)
	}
	return p.fail(p.tok.at, "%s stands where %s was expected", p.tok, want)
}

// take passes a keyword if it stands here.
func (p *parser) take(keyword string) bool {
	if !p.tok.is(keyword) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) isPunct(s string) bool { return p.tok.kind == punct && p.tok.text == s }

func (p *parser) expect(s string) error {
	if !p.isPunct(s) {
		return p.unexpected(s)
	}
	p.advance()
	return nil
}

// expression reads terms joined by OR.
func (p *parser) expression(depth int) (layers.Filter, error) {
	f, err := p.term(depth)
	if err != nil || !p.tok.is("or") {
		return f, err
	}
	or := layers.Or{f}
	for p.tok.is("or") {
		if err := p.count(p.tok.at, 1); err != nil {
			return nil, err
		}
		p.advance()
		if f, err = p.term(depth); err != nil {
			return nil, err
		}
		or = append(or, f)
	}
	return or, nil
}

// term reads factors joined by AND.
func (p *parser) term(depth int) (layers.Filter, error) {
	f, err := p.factor(depth)
	if err != nil || !p.tok.is("and") {
		return f, err
	}
	and := layers.And{f}
	for p.tok.is("and") {
		if err := p.count(p.tok.at, 1); err != nil {
			return nil, err
		}
		p.advance()
		if f, err = p.factor(depth); err != nil {
			return nil, err
		}
		and = append(and, f)
	}
	return and, nil
}

func (p *parser) factor(depth int) (layers.Filter, error) {
	if err := p.checkDepth(p.tok.at, depth); err != nil {
		return nil, err
	}
	if p.tok.is("not") {
		if err := p.count(p.tok.at, 1); err != nil {
			return nil, err
		}
		p.advance()
		f, err := p.factor(depth + 1)
		if err != nil {
			return nil, err
		}
		return layers.Not{Filter: f}, nil
	}
	if p.isPunct("(") {
		p.advance()
		f, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		return f, p.expect(")")
	}
	if p.tok.kind == word {
		next := p.peek()
		if (p.tok.is("true") || p.tok.is("false")) && !continues(next) {
			f := truth(p.tok.is("true"))
			if err := p.count(p.tok.at, 1); err != nil {
				return nil, err
			}
			p.advance()
			return f, nil
		}
		if (p.tok.is("s_intersects") || p.tok.is("s_disjoint")) && next.kind == punct && next.text == "(" {
			return p.spatial(depth)
		}
	}
	return p.predicate(depth)
}

// continues tells whether a literal before the token is part of a predicate.
func continues(t token) bool {
	return t.kind == operator || t.kind == sign || slices.ContainsFunc([]string{"is", "in", "like", "between", "not"}, t.is)
}

func (p *parser) predicate(depth int) (layers.Filter, error) {
	x, err := p.operand(depth)
	if err != nil {
		return nil, err
	}
	at := p.tok.at
	if p.tok.kind == operator {
		op := layers.Op(slices.Index(operators[:], p.tok.text))
		p.advance()
		y, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		return p.compare(at, x, op, y)
	}
	not := p.take("is")
	if not {
		not = p.take("not")
		if !p.take("null") {
			return nil, p.unexpected("NULL")
		}
		f, err := p.isNull(at, x)
		return p.negated(f, not, err)
	}
	not = p.take("not")
	switch {
	case p.take("like"):
		pattern, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		f, err := p.like(at, x, pattern)
		return p.negated(f, not, err)
	case p.take("between"):
		low, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		if !p.take("and") {
			return nil, p.unexpected("AND of BETWEEN")
		}
		high, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		f, err := p.between(at, x, low, high)
		return p.negated(f, not, err)
	case p.take("in"):
		list, err := p.list(depth)
		if err != nil {
			return nil, err
		}
		f, err := p.in(at, x, list)
		return p.negated(f, not, err)
	}
	if x.typ == layers.Boolean && x.isProperty() && (p.tok.kind == end || p.isPunct(")") || p.tok.kind == word) && !not {
		return nil, p.fail(x.at, "a property alone is no condition; write %s = TRUE", identifier(x.property))
	}
	return nil, p.unexpected("=, <>, <, <=, >, >=, LIKE, IN, BETWEEN or IS")
}

func (p *parser) negated(f layers.Filter, not bool, err error) (layers.Filter, error) {
	if err != nil || !not {
		return f, err
	}
	return negate(f), nil
}

func (p *parser) list(depth int) ([]operand, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []operand
	for !p.isPunct(")") {
		if len(list) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if len(list) > p.limit.nodes {
			break // counted where the list is used
		}
		o, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	if len(list) > p.limit.nodes {
		return list, nil
	}
	return list, p.expect(")")
}

// operand reads a property or a literal.
func (p *parser) operand(depth int) (operand, error) {
	t := p.tok
	switch {
	case t.kind == text:
		p.advance()
		return literal(t.at, layers.StringValue(t.text)), nil
	case t.kind == quoted:
		p.advance()
		return p.property(t.at, t.text)
	case t.kind == number || t.kind == sign && (t.text == "-" || t.text == "+"):
		s, err := p.signed()
		if err != nil {
			return operand{}, err
		}
		return p.number(t.at, s)
	case t.kind == punct && t.text == "(":
		return operand{}, p.fail(t.at, "arithmetic in parentheses is not offered; compare with the computed number")
	case t.kind != word:
		return operand{}, p.unexpected("a property or a value")
	}
	if next := p.peek(); next.kind == punct && next.text == "(" && !isReserved(t.text) {
		return p.function(depth)
	}
	p.advance()
	switch {
	case t.is("true"):
		return literal(t.at, layers.BoolValue(true)), nil
	case t.is("false"):
		return literal(t.at, layers.BoolValue(false)), nil
	case t.is("null"):
		return operand{}, p.fail(t.at, "NULL is no value to compare with; write IS NULL or IS NOT NULL")
	case isReserved(t.text):
		p.tok = t
		return operand{}, p.unexpected("a property or a value")
	}
	if isGeometry(t.text) {
		return p.featureGeometry(t.at, t.text), nil
	}
	return p.property(t.at, t.text)
}

// signed reads a number and its sign.
func (p *parser) signed() (string, error) {
	s := ""
	if p.tok.kind == sign && (p.tok.text == "-" || p.tok.text == "+") {
		if p.tok.text == "-" {
			s = "-"
		}
		if next := p.peek(); next.kind != number && next.kind != broken {
			return "", p.arithmetic(p.tok.at, p.tok.text)
		}
		p.advance()
	}
	if p.tok.kind != number {
		return "", p.unexpected("a number")
	}
	s += p.tok.text
	p.advance()
	return s, nil
}

// function reads a literal or operand that is written as a call.
func (p *parser) function(depth int) (operand, error) {
	name := p.tok
	p.advance()
	p.advance() // (
	switch {
	case name.is("date") || name.is("timestamp"):
		t := p.tok
		if t.kind != text {
			return operand{}, p.unexpected("text in single quotes")
		}
		p.advance()
		literal := p.date
		if name.is("timestamp") {
			literal = p.timestamp
		}
		o, err := literal(t.at, t.text)
		if err != nil {
			return o, err
		}
		o.at = name.at
		return o, p.expect(")")
	case name.is("casei"):
		if err := p.checkDepth(name.at, depth+1); err != nil {
			return operand{}, err
		}
		o, err := p.operand(depth + 1)
		if err != nil {
			return o, err
		}
		if o, err = p.caseI(name.at, o); err != nil {
			return o, err
		}
		return o, p.expect(")")
	}
	if _, ok := spatial.ParseType(name.text); ok || name.is("bbox") {
		return operand{}, p.fail(name.at, "%s is a geometry, which only S_INTERSECTS and S_DISJOINT take", strings.ToUpper(name.text))
	}
	return operand{}, p.refused(name.at, name.text)
}

// reserved words are no properties unless in double quotes.
var reserved = []string{"and", "or", "not", "like", "in", "between", "is", "null", "true", "false", "div"}

func isReserved(s string) bool { return slices.Contains(reserved, strings.ToLower(s)) }

// spatial reads S_INTERSECTS(a, b) or S_DISJOINT(a, b).
func (p *parser) spatial(depth int) (layers.Filter, error) {
	name := p.tok
	p.advance()
	p.advance() // (
	x, err := p.shape(depth)
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	y, err := p.shape(depth)
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return p.intersects(name.at, strings.ToUpper(name.text), x, y)
}
