package cql2

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"twind/layers"
	"twind/layers/geojson"
)

// ParseJSON reads a filter in CQL2 JSON for features of a layer. It fails with
// layers.ErrInvalid.
func ParseJSON(text string, l *layers.Layer) (layers.Filter, error) {
	return parseJSON(text, l, standard)
}

func parseJSON(source string, l *layers.Layer, limit limits) (layers.Filter, error) {
	r := jsonReader{builder: builder{src: source, layer: l, limit: limit}}
	if err := r.checkSource(); err != nil {
		return nil, err
	}
	r.dec = json.NewDecoder(strings.NewReader(source))
	r.dec.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(v.to, "something follows the JSON of the filter; send one object")
	}
	return r.filter(v, 0)
}

type jsonReader struct {
	builder
	dec *json.Decoder
}

// value is a JSON value and where it stands, from byte at to byte to.
type value struct {
	at, to  int
	scalar  any // string, json.Number, bool; nil
	kind    byte
	members map[string]value // of an object
	list    []value          // of an array
}

// The kinds of values.
const (
	isObject  = '{'
	isList    = '['
	isScalar  = 's'
	isNothing = 'n'
)

func (r *jsonReader) value(depth int) (value, error) {
	at := int(r.dec.InputOffset())
	for at < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[at]) >= 0 {
		at++
	}
	// An operation is an object in an array; a geometry has six levels of its own.
	if depth > 2*r.limit.depth+8 {
		return value{}, r.checkDepth(at, depth)
	}
	t, err := r.dec.Token()
	if err != nil {
		return value{}, r.broken(at, err)
	}
	v := value{at: at, kind: isScalar, scalar: t}
	switch t {
	case nil:
		v.kind = isNothing
	case json.Delim('{'):
		v.kind, v.scalar, v.members = isObject, nil, map[string]value{}
		for r.dec.More() {
			key, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			name, _ := key.scalar.(string)
			if _, twice := v.members[name]; twice {
				return v, r.fail(key.at, "the member %q stands twice; leave one out", shorten(name))
			}
			if v.members[name], err = r.value(depth + 1); err != nil {
				return v, err
			}
		}
	case json.Delim('['):
		v.kind, v.scalar = isList, nil
		for r.dec.More() {
			m, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.list = append(v.list, m)
		}
	}
	if v.kind == isObject || v.kind == isList {
		if _, err := r.dec.Token(); err != nil {
			return v, r.broken(int(r.dec.InputOffset()), err)
		}
	}
	v.to = int(r.dec.InputOffset())
	return v, nil
}

func (r *jsonReader) broken(at int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.fail(len(r.src), "the JSON of the filter ends in the middle")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = max(0, int(syntax.Offset)-1)
	}
	return r.fail(at, "the filter is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// operation is an object's op and args.
func (r *jsonReader) operation(v value, want string) (op string, args []value, err error) {
	if v.kind != isObject {
		return "", nil, r.fail(v.at, "%s was expected here, such as {\"op\":…,\"args\":[…]}", want)
	}
	op, ok := v.members["op"].scalar.(string)
	if !ok || v.members["args"].kind != isList {
		return "", nil, r.fail(v.at, "%s was expected here: an object with the text op and the array args", want)
	}
	return op, v.members["args"].list, r.only(v, "op", "args")
}

// only refuses members that the language does not know.
func (r *jsonReader) only(v value, names ...string) error {
	for k, m := range v.members {
		if !slices.Contains(names, k) {
			return r.fail(m.at, "the member %q means nothing here; leave it out", shorten(k))
		}
	}
	return nil
}

func (r *jsonReader) arity(v value, op string, args []value, n int) error {
	if len(args) != n {
		return r.fail(v.at, "%s takes %d args, not %d", op, n, len(args))
	}
	return nil
}

func (r *jsonReader) filter(v value, depth int) (layers.Filter, error) {
	if err := r.checkDepth(v.at, depth); err != nil {
		return nil, err
	}
	if b, ok := v.scalar.(bool); ok {
		return truth(b), r.count(v.at, 1)
	}
	op, args, err := r.operation(v, "a condition")
	if err != nil {
		return nil, err
	}
	switch op {
	case "and", "or":
		if len(args) < 2 {
			return nil, r.fail(v.at, "%s takes 2 args or more, not %d", op, len(args))
		}
		if err := r.count(v.at, len(args)-1); err != nil {
			return nil, err
		}
		members := make([]layers.Filter, len(args))
		for i := range args {
			if members[i], err = r.filter(args[i], depth+1); err != nil {
				return nil, err
			}
		}
		if op == "and" {
			return layers.And(members), nil
		}
		return layers.Or(members), nil
	case "not":
		if err := r.arity(v, op, args, 1); err != nil {
			return nil, err
		}
		if err := r.count(v.at, 1); err != nil {
			return nil, err
		}
		f, err := r.filter(args[0], depth+1)
		if err != nil {
			return nil, err
		}
		return layers.Not{Filter: f}, nil
	case "=", "<>", "<", "<=", ">", ">=":
		o, err := r.operands(v, op, args, 2, depth)
		if err != nil {
			return nil, err
		}
		return r.compare(v.at, o[0], layers.Op(slices.Index(operators[:], op)), o[1])
	case "like":
		o, err := r.operands(v, op, args, 2, depth)
		if err != nil {
			return nil, err
		}
		return r.like(v.at, o[0], o[1])
	case "between":
		o, err := r.operands(v, op, args, 3, depth)
		if err != nil {
			return nil, err
		}
		return r.between(v.at, o[0], o[1], o[2])
	case "in":
		if err := r.arity(v, op, args, 2); err != nil {
			return nil, err
		}
		x, err := r.operand(args[0], depth+1)
		if err != nil {
			return nil, err
		}
		if args[1].kind != isList {
			return nil, r.fail(args[1].at, "in takes an array of values as its second argument")
		}
		list, err := r.operands(v, op, args[1].list, len(args[1].list), depth)
		if err != nil {
			return nil, err
		}
		return r.in(v.at, x, list)
	case "isNull":
		o, err := r.operands(v, op, args, 1, depth)
		if err != nil {
			return nil, err
		}
		return r.isNull(v.at, o[0])
	case "s_intersects", "s_disjoint":
		if err := r.arity(v, op, args, 2); err != nil {
			return nil, err
		}
		x, err := r.shape(args[0])
		if err != nil {
			return nil, err
		}
		y, err := r.shape(args[1])
		if err != nil {
			return nil, err
		}
		return r.intersects(v.at, op, x, y)
	case "casei", "+", "-", "*", "/", "%", "^", "div":
		return nil, r.fail(v.at, "%s is no condition; put it into a comparison", op)
	}
	return nil, r.refused(v.at, op)
}

func (r *jsonReader) operands(v value, op string, args []value, n, depth int) ([]operand, error) {
	if err := r.arity(v, op, args, n); err != nil {
		return nil, err
	}
	out := make([]operand, n)
	for i := range args {
		var err error
		if out[i], err = r.operand(args[i], depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *jsonReader) operand(v value, depth int) (operand, error) {
	if err := r.checkDepth(v.at, depth); err != nil {
		return operand{}, err
	}
	switch s := v.scalar.(type) {
	case string:
		return literal(v.at, layers.StringValue(s)), nil
	case bool:
		return literal(v.at, layers.BoolValue(s)), nil
	case json.Number:
		return r.number(v.at, s.String())
	}
	if v.kind == isNothing {
		return operand{}, r.fail(v.at, "null is no value to compare with; use isNull")
	}
	if v.kind != isObject {
		return operand{}, r.fail(v.at, "a property or a value was expected here, not an array")
	}
	for _, name := range []string{"property", "date", "timestamp"} {
		m, ok := v.members[name]
		if !ok {
			continue
		}
		s, ok := m.scalar.(string)
		if !ok {
			return operand{}, r.fail(m.at, "%s takes text", name)
		}
		if err := r.only(v, name); err != nil {
			return operand{}, err
		}
		switch name {
		case "property":
			return r.property(v.at, s)
		case "date":
			return r.date(v.at, s)
		}
		return r.timestamp(v.at, s)
	}
	if _, ok := v.members["interval"]; ok {
		return operand{}, r.refused(v.at, "interval")
	}
	op, args, err := r.operation(v, "a property, a value or casei")
	if err != nil {
		return operand{}, err
	}
	switch op {
	case "casei":
		o, err := r.operands(v, op, args, 1, depth)
		if err != nil {
			return operand{}, err
		}
		return r.caseI(v.at, o[0])
	case "+", "-", "*", "/", "%", "^", "div":
		return operand{}, r.arithmetic(v.at, op)
	}
	return operand{}, r.refused(v.at, op)
}

func (r *jsonReader) shape(v value) (shape, error) {
	if v.kind != isObject {
		return shape{}, r.fail(v.at, `a geometry was expected here: {"property":"geometry"}, GeoJSON or {"bbox":[…]}`)
	}
	if m, ok := v.members["property"]; ok {
		s, ok := m.scalar.(string)
		if !ok {
			return shape{}, r.fail(m.at, "property takes text")
		}
		if err := r.only(v, "property"); err != nil {
			return shape{}, err
		}
		return r.geometryProperty(v.at, s)
	}
	if _, ok := v.members["type"]; ok {
		g, err := geojson.ParseGeometry([]byte(r.src[v.at:v.to]))
		if err != nil {
			return shape{}, r.fail(v.at, "%s", err)
		}
		return r.geometry(v.at, g)
	}
	if m, ok := v.members["bbox"]; ok {
		if err := r.only(v, "bbox"); err != nil {
			return shape{}, err
		}
		numbers := make([]float64, 0, 6)
		for _, n := range m.list {
			s, ok := n.scalar.(json.Number)
			x, err := strconv.ParseFloat(s.String(), 64)
			if !ok || err != nil {
				return shape{}, r.fail(n.at, "bbox takes numbers")
			}
			numbers = append(numbers, x)
		}
		return r.box(v.at, numbers)
	}
	op, _, err := r.operation(v, "a geometry")
	if err != nil {
		return shape{}, err
	}
	return shape{}, r.refused(v.at, op)
}
