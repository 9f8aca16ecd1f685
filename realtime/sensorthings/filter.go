package sensorthings

import (
	"context"
	"strconv"
)

const (
	maxExpressionBytes = 16 << 10
	maxExpressionDepth = 64
)

// expression is a compiled one; it reads the store, whose lock the caller holds.
type expression func(c *evaluation, e *entity) value

// evaluation is the state of one use of expressions.
type evaluation struct {
	s    *Store
	ctx  context.Context
	pick value // what a path over to-many relations stands for now
}

// node is a part of an expression. many gives the values of a path that leads
// over a to-many relation: the predicate above holds if it does for one of them.
type node struct {
	eval expression
	many func(c *evaluation, e *entity) []value
	null bool    // the literal null
	text *string // of a literal
}

type parser struct {
	text  string
	at    int
	kind  kind
	depth int
}

// parseFilter compiles a $filter for the entities of a kind.
func parseFilter(text string, k kind) (expression, error) {
	p := &parser{text: text, kind: k}
	if len(text) > maxExpressionBytes {
		return nil, bad("$filter has %d bytes: at most %d are taken.", len(text), maxExpressionBytes)
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.at < len(p.text) {
		return nil, p.fail("$filter goes on with %q", short(p.text[p.at:]))
	}
	return n.eval, nil
}

func (p *parser) fail(format string, args ...any) error {
	return bad(format+" (at character "+strconv.Itoa(p.at+1)+").", args...)
}

func (p *parser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '@' || c == '.' || c == ':' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (p *parser) peekWord() string {
	p.blanks()
	i := p.at
	for i < len(p.text) && isWord(p.text[i]) {
		i++
	}
	return p.text[p.at:i]
}

// keyword takes a word if it is one of those.
func (p *parser) keyword(words ...string) string {
	w := p.peekWord()
	for _, k := range words {
		if w == k {
			p.at += len(w)
			return w
		}
	}
	return ""
}

func (p *parser) symbol(c byte) bool {
	p.blanks()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) or() (node, error) {
	return p.chain(p.and, "or", func(a, b value) value {
		if isTrue(a) || isTrue(b) {
			return truth(true)
		}
		return unknown(a, b, false)
	})
}

func (p *parser) and() (node, error) {
	return p.chain(p.not, "and", func(a, b value) value {
		if isFalse(a) || isFalse(b) {
			return truth(false)
		}
		return unknown(a, b, true)
	})
}

func isTrue(v value) bool  { return v.typ == typeTruth && v.truth }
func isFalse(v value) bool { return v.typ == typeTruth && !v.truth }

// unknown is null if one side is, as in SQL.
func unknown(a, b value, both bool) value {
	if a.typ != typeTruth || b.typ != typeTruth {
		return value{}
	}
	return truth(both)
}

func (p *parser) chain(next func() (node, error), word string, join func(a, b value) value) (node, error) {
	left, err := next()
	if err != nil || p.keyword(word) == "" {
		return left, err
	}
	parts := []expression{left.closed()}
	for {
		right, err := next()
		if err != nil {
			return node{}, err
		}
		parts = append(parts, right.closed())
		if p.keyword(word) == "" {
			break
		}
	}
	return node{eval: func(c *evaluation, e *entity) value {
		sum := parts[0](c, e)
		for _, part := range parts[1:] {
			sum = join(sum, part(c, e))
		}
		return sum
	}}, nil
}

// closed is true if the node is for one of the values of its path.
func (n node) closed() expression {
	if n.many == nil {
		return n.eval
	}
	return func(c *evaluation, e *entity) value {
		outer := c.pick
		defer func() { c.pick = outer }()
		for _, v := range n.many(c, e) {
			c.pick = v
			if isTrue(n.eval(c, e)) {
				return truth(true)
			}
		}
		return truth(false)
	}
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxExpressionDepth {
		return p.fail("The expression nests deeper than %d", maxExpressionDepth)
	}
	return nil
}

func (p *parser) not() (node, error) {
	if p.keyword("not") == "" {
		return p.comparison()
	}
	if err := p.deeper(); err != nil {
		return node{}, err
	}
	defer func() { p.depth-- }()
	inner, err := p.not()
	if err != nil {
		return node{}, err
	}
	eval := inner.closed()
	return node{eval: func(c *evaluation, e *entity) value {
		v := eval(c, e)
		if v.typ != typeTruth {
			return value{}
		}
		return truth(!v.truth)
	}}, nil
}

func (p *parser) comparison() (node, error) {
	left, err := p.sum()
	if err != nil {
		return node{}, err
	}
	op := p.keyword("eq", "ne", "lt", "le", "gt", "ge")
	if op == "" {
		return left, nil
	}
	right, err := p.sum()
	if err != nil {
		return node{}, err
	}
	if left.null || right.null {
		return isNullNode(op, left, right), nil
	}
	return p.combine([]node{left, right}, func(v []value) value { return related(op, v[0], v[1]) }, true)
}

// isNullNode is eq null and ne null; other comparisons with null hold for none.
func isNullNode(op string, left, right node) node {
	if left.null {
		left = right
	}
	n := node{many: left.many, eval: func(c *evaluation, e *entity) value {
		null := left.eval(c, e).typ == typeNull
		return truth(op == "eq" && null || op == "ne" && !null)
	}}
	return node{eval: n.closed()}
}

// combine makes a node of a function of others. A predicate closes over the
// to-many path of its arguments.
func (p *parser) combine(args []node, fn func([]value) value, predicate bool) (node, error) {
	var out node
	for _, a := range args {
		if a.many != nil && out.many != nil {
			return node{}, p.fail("A comparison can follow one path over to-many relations, here are two")
		}
		if a.many != nil {
			out.many = a.many
		}
	}
	out.eval = func(c *evaluation, e *entity) value {
		var few [3]value
		values := few[:0]
		for _, a := range args {
			values = append(values, a.eval(c, e))
		}
		return fn(values)
	}
	if predicate {
		return node{eval: out.closed()}, nil
	}
	return out, nil
}

func (p *parser) sum() (node, error) { return p.arithmetic(p.product, "add", "sub") }
func (p *parser) product() (node, error) {
	return p.arithmetic(p.signed, "mul", "div", "mod")
}

func (p *parser) arithmetic(next func() (node, error), ops ...string) (node, error) {
	left, err := next()
	for err == nil {
		op := p.keyword(ops...)
		if op == "" {
			return left, nil
		}
		if err = p.deeper(); err != nil { // each step nests one closure
			break
		}
		var right node
		if right, err = next(); err == nil {
			left, err = p.combine([]node{left, right}, func(v []value) value { return calculate(op, v[0], v[1]) }, false)
		}
	}
	return node{}, err
}

func (p *parser) signed() (node, error) {
	if !p.symbol('-') {
		return p.primary()
	}
	if err := p.deeper(); err != nil {
		return node{}, err
	}
	defer func() { p.depth-- }()
	n, err := p.signed()
	if err != nil {
		return node{}, err
	}
	return p.combine([]node{n}, func(v []value) value {
		if v[0].typ != typeNumber {
			return value{}
		}
		return number(-v[0].number)
	}, false)
}
