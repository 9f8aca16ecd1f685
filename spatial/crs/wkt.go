package crs

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of well-known text.
const (
	maxWKT      = 64 << 10 // bytes
	maxWKTDepth = 32
	maxWKTNodes = 4096
)

// node is an element of well-known text, KEYWORD["text", 12.5, WORD, CHILD[…]].
type node struct {
	keyword  string // upper case
	values   []value
	children []*node
}

// value is a text, a number or a bare word.
type value struct {
	text   string
	number float64
	isNum  bool
}

type wktParser struct {
	s     string
	i     int
	nodes int
}

// parseWKT reads one element of WKT 1 (OGC 01-009, and as Esri writes it) or
// WKT 2 (OGC 18-010r11), to the end of s.
func parseWKT(s string) (*node, error) {
	s = strings.TrimPrefix(s, "\ufeff")
	if len(s) > maxWKT {
		return nil, fmt.Errorf("%w: well-known text of %d bytes; at most %d are read", ErrUnknown, len(s), maxWKT)
	}
	p := wktParser{s: s}
	p.space()
	if strings.HasPrefix(strings.ToUpper(p.s[p.i:]), "ESRI_PE_STRING") {
		return nil, p.fail("an Esri engine string")
	}
	n, err := p.element(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(p.s) {
		return nil, p.fail("nothing more")
	}
	return n, nil
}

func (p *wktParser) fail(expected string) error {
	rest := p.s[p.i:]
	if len(rest) > 20 {
		n := 20
		for n > 0 && !utf8.RuneStart(rest[n]) {
			n--
		}
		rest = rest[:n] + "…"
	}
	if rest == "" {
		return fmt.Errorf("%w: well-known text ends where %s was expected", ErrUnknown, expected)
	}
	return fmt.Errorf("%w: well-known text has %q at byte %d where %s was expected", ErrUnknown, rest, p.i, expected)
}

func (p *wktParser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r', 0:
			p.i++
		default:
			return
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

func (p *wktParser) word() string {
	start := p.i
	for p.i < len(p.s) && isWord(p.s[p.i]) {
		p.i++
	}
	return p.s[start:p.i]
}

// element reads KEYWORD[…] with the cursor at the keyword.
func (p *wktParser) element(depth int) (*node, error) {
	if depth > maxWKTDepth {
		return nil, fmt.Errorf("%w: well-known text is nested deeper than %d", ErrUnknown, maxWKTDepth)
	}
	if p.nodes++; p.nodes > maxWKTNodes {
		return nil, fmt.Errorf("%w: well-known text has more than %d elements", ErrUnknown, maxWKTNodes)
	}
	n := &node{keyword: strings.ToUpper(p.word())}
	p.space()
	if n.keyword == "" || p.i >= len(p.s) || p.s[p.i] != '[' && p.s[p.i] != '(' {
		return nil, p.fail("a keyword with a bracket")
	}
	closing := byte(']')
	if p.s[p.i] == '(' {
		closing = ')'
	}
	p.i++
	for {
		p.space()
		if p.i >= len(p.s) {
			return nil, p.fail("a value")
		}
		switch c := p.s[p.i]; {
		case c == '"':
			t, err := p.quoted()
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, value{text: t})
		case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
			v, err := p.number()
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, v)
		case isWord(c):
			start := p.i
			w := p.word()
			p.space()
			if p.i < len(p.s) && (p.s[p.i] == '[' || p.s[p.i] == '(') {
				p.i = start
				child, err := p.element(depth + 1)
				if err != nil {
					return nil, err
				}
				n.children = append(n.children, child)
			} else {
				n.values = append(n.values, value{text: w})
			}
		default:
			return nil, p.fail("a value")
		}
		if len(n.values) > maxWKTNodes {
			return nil, fmt.Errorf("%w: well-known text has more than %d values in one element", ErrUnknown, maxWKTNodes)
		}
		p.space()
		if p.i >= len(p.s) {
			return nil, p.fail("a comma or a closing bracket")
		}
		switch p.s[p.i] {
		case ',':
			p.i++
		case closing:
			p.i++
			return n, nil
		default:
			return nil, p.fail("a comma or a closing bracket")
		}
	}
}

// quoted reads a text in quotes, in which two quotes stand for one.
func (p *wktParser) quoted() (string, error) {
	var b strings.Builder
	start := p.i
	p.i++
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		if c != '"' {
			b.WriteByte(c)
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == '"' {
			b.WriteByte('"')
			p.i++
			continue
		}
		return b.String(), nil
	}
	p.i = start
	return "", p.fail("a text that ends with a quote")
}

func (p *wktParser) number() (value, error) {
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E' || c >= '0' && c <= '9':
			p.i++
			continue
		}
		break
	}
	text := p.s[start:p.i]
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.i = start
		return value{}, p.fail("a number")
	}
	return value{text: text, number: v, isNum: true}, nil
}

// child is the first child of one of the keywords, or nil.
func (n *node) child(keywords ...string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		for _, k := range keywords {
			if c.keyword == k {
				return c
			}
		}
	}
	return nil
}

// name is the first value as text.
func (n *node) name() string {
	if n == nil || len(n.values) == 0 {
		return ""
	}
	return n.values[0].text
}

// number is value i as a number.
func (n *node) number(i int) (float64, bool) {
	if n == nil || i >= len(n.values) || !n.values[i].isNum {
		return 0, false
	}
	return n.values[i].number, true
}

// epsg is the EPSG code of AUTHORITY["EPSG","4547"] or ID["EPSG",4547], else 0.
func (n *node) epsg() int {
	id := n.child("AUTHORITY", "ID")
	if id == nil || len(id.values) < 2 || !strings.EqualFold(id.values[0].text, "EPSG") {
		return 0
	}
	code, err := strconv.Atoi(id.values[1].text)
	if err != nil || code < 0 {
		return 0
	}
	return code
}
