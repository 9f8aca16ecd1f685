package server

import (
	"fmt"

	"twind/layers"
	"twind/layers/cql2"
)

// The encodings of a filter.
const (
	cql2Text = "cql2-text"
	cql2JSON = "cql2-json"
)

// filterParams are the parameters of a filter, after OGC API Features Part 3 §8.
var filterParams = []string{"filter", "filter-lang", "filter-crs"}

// filter reads the filter of a request for features of a layer; nil is none.
func (p params) filter(l *layers.Layer) (layers.Filter, error) {
	if v, ok := p["filter-crs"]; ok && v != crs84 {
		return nil, fail(400, fmt.Sprintf("filter-crs %q is not offered; use %s.", cut(v, 100), crs84))
	}
	parse := cql2.ParseText
	switch v, ok := p["filter-lang"]; {
	case !ok || v == cql2Text:
	case v == cql2JSON:
		parse = cql2.ParseJSON
	default:
		return nil, fail(400, fmt.Sprintf("filter-lang %q is not read; use %s or %s.", cut(v, 40), cql2Text, cql2JSON))
	}
	text, ok := p["filter"]
	if !ok {
		return nil, nil
	}
	return parse(text, l)
}

// filterOfAll reads one filter for features of several layers, which must mean
// the same in each.
func (p params) filterOfAll(list []*layers.Layer) (layers.Filter, error) {
	var f layers.Filter
	for i, l := range list {
		g, err := p.filter(l)
		if err != nil {
			return nil, err
		}
		if i > 0 && cql2.Format(f) != cql2.Format(g) {
			return nil, fail(400, fmt.Sprintf("The filter means different things in layers %s and %s; ask for them one by one.", list[0].ID, l.ID))
		}
		f = g
	}
	return f, nil
}
