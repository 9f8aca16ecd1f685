package sensorthings

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultTop     = 100
	maxTop         = 10_000
	maxQueryBytes  = 64 << 10
	maxExpandDepth = 6
	maxExpandItems = 64
)

// options are the query options of one collection.
type options struct {
	filter    expression
	orderBy   []order
	selected  map[string]bool // nil: everything
	expand    []*expansion
	top, skip int
	topGiven  bool
	count     bool
	dataArray bool
	raw       [][2]string // as they were given, but $top and $skip
}

type order struct {
	by   expression
	desc bool
}

// expansion is a relation that is shown whole.
type expansion struct {
	relation int
	options  *options
}

// parseQuery reads the options of a URL; what does not begin with $ is not one.
func parseQuery(raw string, k kind) (*options, error) {
	if len(raw) > maxQueryBytes {
		return nil, bad("The query has %d bytes: at most %d are taken.", len(raw), maxQueryBytes)
	}
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		name, text, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, bad("The query is not percent-encoded: %s.", short(part))
		}
		if !strings.HasPrefix(name, "$") {
			continue
		}
		if text, err = url.QueryUnescape(text); err != nil {
			return nil, bad("%s is not percent-encoded.", short(name))
		}
		pairs = append(pairs, [2]string{name, text})
	}
	return parseOptions(pairs, k, 0)
}

func parseOptions(pairs [][2]string, k kind, depth int) (*options, error) {
	o := &options{top: defaultTop}
	seen := map[string]bool{}
	for _, pair := range pairs {
		if seen[pair[0]] {
			return nil, bad("%s is given twice.", short(pair[0]))
		}
		seen[pair[0]] = true
		if err := o.set(pair[0], pair[1], k, depth); err != nil {
			return nil, err
		}
		if pair[0] != "$top" && pair[0] != "$skip" {
			o.raw = append(o.raw, pair)
		}
	}
	return o, nil
}

func (o *options) set(name, text string, k kind, depth int) (err error) {
	switch name {
	case "$filter":
		o.filter, err = parseFilter(text, k)
	case "$orderby":
		o.orderBy, err = parseOrder(text, k)
	case "$select":
		err = o.choose(text, k)
	case "$expand":
		err = o.expandAll(text, k, depth)
	case "$top":
		o.topGiven = true
		o.top, err = whole(name, text)
		o.top = min(o.top, maxTop)
	case "$skip":
		o.skip, err = whole(name, text)
	case "$count":
		if text != "true" && text != "false" {
			return bad("$count is %q: expected true or false.", short(text))
		}
		o.count = text == "true"
	case "$resultFormat":
		if text != "dataArray" || k != observations || depth > 0 {
			return bad("$resultFormat is %q: expected dataArray, of Observations.", short(text))
		}
		o.dataArray = true
	default:
		return bad("There is no query option %s.", short(name))
	}
	return err
}

func whole(name, text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, bad("%s is %q: expected a whole number from 0.", name, short(text))
	}
	return int(n), nil
}

func parseOrder(text string, k kind) ([]order, error) {
	if len(text) > maxExpressionBytes {
		return nil, bad("$orderby has %d bytes: at most %d are taken.", len(text), maxExpressionBytes)
	}
	p := &parser{text: text, kind: k}
	var out []order
	for {
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		if n.many != nil {
			return nil, p.fail("$orderby cannot follow a to-many relation")
		}
		out = append(out, order{n.eval, p.keyword("asc", "desc") == "desc"})
		if !p.symbol(',') {
			break
		}
	}
	if p.blanks(); p.at < len(p.text) {
		return nil, p.fail("$orderby goes on with %q", short(p.text[p.at:]))
	}
	return out, nil
}

func (o *options) choose(text string, k kind) error {
	o.selected = map[string]bool{}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "@iot.id" {
			name = "id"
		}
		if name != "id" && name != "@iot.selfLink" && k.member(name) < 0 && k.relation(name) < 0 {
			return bad("%s has no member %q to select.", article(definitions[k].one), short(name))
		}
		o.selected[name] = true
	}
	return nil
}

// expandAll reads A,B/C,D($select=x;$expand=E).
func (o *options) expandAll(text string, k kind, depth int) error {
	items, err := split(text, ',')
	if err != nil {
		return err
	}
	if len(items) > maxExpandItems {
		return bad("$expand has %d items: at most %d are taken.", len(items), maxExpandItems)
	}
	for _, item := range items {
		path, inner, has := strings.Cut(item, "(")
		if has {
			if inner, has = strings.CutSuffix(strings.TrimSpace(inner), ")"); !has {
				return bad("$expand has text after a parenthesis: %s.", short(item))
			}
		}
		if err := o.expandPath(strings.TrimSpace(path), inner, k, depth); err != nil {
			return err
		}
	}
	return nil
}

// expandPath adds A/B/C, whose last name has the options.
func (o *options) expandPath(path, inner string, k kind, depth int) error {
	if depth >= maxExpandDepth {
		return bad("$expand nests deeper than %d.", maxExpandDepth)
	}
	name, rest, more := strings.Cut(path, "/")
	r := k.relation(name)
	if r < 0 {
		return bad("%s has no relation %q to expand.", article(definitions[k].one), short(name))
	}
	to := definitions[k].relations[r].to
	x := o.expansion(r)
	if more {
		return x.options.expandPath(rest, inner, to, depth+1)
	}
	if inner == "" {
		return nil
	}
	parts, err := split(inner, ';')
	if err != nil {
		return err
	}
	var pairs [][2]string
	for _, part := range parts {
		n, v, _ := strings.Cut(part, "=")
		pairs = append(pairs, [2]string{strings.TrimSpace(n), v})
	}
	given, err := parseOptions(pairs, to, depth+1)
	if err != nil {
		return err
	}
	for _, before := range x.options.expand {
		if !slices.ContainsFunc(given.expand, func(g *expansion) bool { return g.relation == before.relation }) {
			given.expand = append(given.expand, before)
		}
	}
	x.options = given
	return nil
}

// expansion is the one of a relation, made where it is missing.
func (o *options) expansion(relation int) *expansion {
	for _, x := range o.expand {
		if x.relation == relation {
			return x
		}
	}
	x := &expansion{relation, &options{top: defaultTop}}
	o.expand = append(o.expand, x)
	return x
}

// split cuts a text where it is neither quoted nor in parentheses.
func split(text string, at byte) ([]string, error) {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == at && depth == 0:
			out = append(out, text[from:i])
			from = i + 1
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 || quoted {
		return nil, bad("Parentheses or quotes are not closed in %s.", short(text))
	}
	return append(out, text[from:]), nil
}
