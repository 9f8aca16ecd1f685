package sensorthings

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

func (p *parser) primary() (node, error) {
	if err := p.deeper(); err != nil {
		return node{}, err
	}
	defer func() { p.depth-- }()
	if p.symbol('(') {
		n, err := p.or()
		if err == nil && !p.symbol(')') {
			err = p.fail("A closing parenthesis is missing")
		}
		return n, err
	}
	if p.symbol('\'') {
		s, err := p.quoted()
		n := literal(textValue(s))
		n.text = &s
		return n, err
	}
	w := p.peekWord()
	if w == "" {
		return node{}, p.fail("A name, a literal or a parenthesis is expected")
	}
	if w[0] >= '0' && w[0] <= '9' {
		return p.numeral()
	}
	return p.named(w)
}

func literal(v value) node {
	return node{eval: func(*evaluation, *entity) value { return v }, null: v.typ == typeNull}
}

// quoted reads a text after its quote; two quotes stand for one.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(p.text[p.at:], '\'')
		if i < 0 {
			return "", p.fail("A text has no closing quote")
		}
		b.WriteString(p.text[p.at : p.at+i])
		p.at += i + 1
		if p.at >= len(p.text) || p.text[p.at] != '\'' {
			return b.String(), nil
		}
		b.WriteByte('\'')
		p.at++
	}
}

var (
	instantForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+ -]\d\d:?\d\d)`)
	dateForm    = regexp.MustCompile(`^\d{4}-\d\d-\d\d`)
	timeForm    = regexp.MustCompile(`^\d\d:\d\d:\d\d(\.\d{1,9})?`)
	numeralForm = regexp.MustCompile(`^\d+(\.\d+)?([eE][+-]?\d+)?`)
)

// instant reads a time; the plus of its zone may have become a blank on the way.
func (p *parser) instant() string {
	m := instantForm.FindString(p.text[p.at:])
	p.at += len(m)
	return strings.Replace(m, " ", "+", 1)
}

func (p *parser) numeral() (node, error) {
	rest := p.text[p.at:]
	if from := p.instant(); from != "" {
		if p.at < len(p.text) && p.text[p.at] == '/' {
			p.at++
			from += "/" + p.instant()
		}
		t, ok := parseTimes(from)
		if !ok {
			return node{}, p.fail("%q is no time", short(from))
		}
		return literal(value{typ: typeTimes, times: t, text: from}), nil
	}
	for _, form := range []*regexp.Regexp{dateForm, timeForm} {
		if m := form.FindString(rest); m != "" {
			p.at += len(m)
			return literal(textValue(m)), nil
		}
	}
	m := numeralForm.FindString(rest)
	p.at += len(m)
	n, err := strconv.ParseFloat(m, 64)
	if err != nil {
		return node{}, p.fail("%q is no number", short(m))
	}
	return literal(value{typ: typeNumber, number: n, text: m}), nil
}

func (p *parser) named(w string) (node, error) {
	p.at += len(w)
	if p.at < len(p.text) {
		switch p.text[p.at] {
		case '\'':
			return p.typed(w)
		case '(':
			return p.call(w)
		}
	}
	switch w {
	case "true", "false":
		return literal(value{typ: typeTruth, truth: w == "true", text: w}), nil
	case "null":
		return literal(value{}), nil
	}
	return p.path(w)
}

// typed reads geography'…' and duration'…'.
func (p *parser) typed(w string) (node, error) {
	p.at++
	s, err := p.quoted()
	if err != nil {
		return node{}, err
	}
	switch w {
	case "geography", "geometry":
		g, err := geom.UnmarshalWKT(s)
		if err != nil {
			return node{}, p.fail("%q is no well-known text of a geometry", short(s))
		}
		return literal(value{typ: typeGeometry, geometry: g}), nil
	case "duration":
		d, ok := parseDuration(s)
		if !ok {
			return node{}, p.fail("%q is no duration such as PT1H", short(s))
		}
		return literal(value{typ: typeDuration, duration: d, text: s}), nil
	}
	return node{}, p.fail("%s is no kind of literal", short(w))
}
