package realtime

import (
	"time"
	"unicode/utf8"

	"twind/layers"
	"twind/spatial"
)

// entityOf is one entity of a layer whose mu is held.
type entityOf struct {
	l    *layer
	slot uint32
}

// value is a property by name: those of baseSchema, then the entity's own.
func (e entityOf) value(name string) layers.Value {
	l, s := e.l, e.slot
	switch name {
	case "id":
		return layers.StringValue(l.id[s])
	case "time":
		return dateTime(l.e[s].time)
	case "received":
		return dateTime(l.received[s])
	case "state":
		return layers.StringValue(l.e[s].state.String())
	case "course":
		return layers.FloatValue(l.e[s].course)
	case "speed":
		return layers.FloatValue(l.e[s].speed)
	}
	var found layers.Value
	_ = eachProperty(l.props[s], func(n string, v layers.Value) error { // checked when it came
		if n == name {
			found = v
		}
		return nil
	})
	return found
}

func dateTime(ms int64) layers.Value {
	return layers.TextValue(layers.DateTime, time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z"))
}

// matches evaluates a filter in the three-valued logic of layers.Filter.
func matches(f layers.Filter, e entityOf) bool { return evaluate(f, e) == yes }

// truth is a value of three-valued logic; their order makes And a minimum.
type truth int8

const (
	no truth = iota - 1
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func evaluate(f layers.Filter, e entityOf) truth {
	switch f := f.(type) {
	case layers.And:
		t := yes
		for _, m := range f {
			t = min(t, evaluate(m, e))
		}
		return t
	case layers.Or:
		t := no
		for _, m := range f {
			t = max(t, evaluate(m, e))
		}
		return t
	case layers.Not:
		return -evaluate(f.Filter, e)
	case layers.Comparison:
		return test(e.value(f.Property), f.Op, f.Value)
	case layers.PropertyComparison:
		return test(e.value(f.Left), f.Op, e.value(f.Right))
	case layers.Like:
		v := e.value(f.Property)
		if v.IsNull() {
			return unknown
		}
		s, p := v.String(), f.Pattern
		if f.FoldCase {
			s, p = layers.FoldCase(s), layers.FoldCase(p)
		}
		return truthOf(like(s, p))
	case layers.In:
		v := e.value(f.Property)
		if v.IsNull() {
			return unknown
		}
		for _, w := range f.Values {
			if c, ok := compare(v, w); ok && c == 0 {
				return yes
			}
		}
		return no
	case layers.Between:
		v := e.value(f.Property)
		low, ok1 := compare(v, f.Low)
		high, ok2 := compare(v, f.High)
		if !ok1 || !ok2 {
			return unknown
		}
		return truthOf(low >= 0 && high <= 0)
	case layers.IsNull:
		return truthOf(e.value(f.Property).IsNull())
	case layers.GeometryIsNull:
		return no
	case layers.IntersectsGeometry:
		return truthOf(spatial.NewPoint(e.l.e[e.slot].lon, e.l.e[e.slot].lat).Intersects(f.Geometry))
	case layers.Intersects:
		return truthOf(f.Box.ContainsPoint(e.l.e[e.slot].lon, e.l.e[e.slot].lat))
	}
	return unknown
}

func test(a layers.Value, op layers.Op, b layers.Value) truth {
	c, ok := compare(a, b)
	if !ok {
		return unknown
	}
	switch op {
	case layers.Equal:
		return truthOf(c == 0)
	case layers.NotEqual:
		return truthOf(c != 0)
	case layers.Less:
		return truthOf(c < 0)
	case layers.LessEqual:
		return truthOf(c <= 0)
	case layers.Greater:
		return truthOf(c > 0)
	case layers.GreaterEqual:
		return truthOf(c >= 0)
	}
	return unknown
}

// compare orders two values: numbers by size, times by instant, all else as
// text; false where one is null or they have no order.
func compare(a, b layers.Value) (int, bool) {
	if a.IsNull() || b.IsNull() {
		return 0, false
	}
	numeric := func(v layers.Value) bool { return v.Type() == layers.Number || v.Type() == layers.Integer }
	switch {
	case a.Type() == layers.Integer && b.Type() == layers.Integer:
		return order(a.Int(), b.Int()), true
	case numeric(a) && numeric(b):
		return order(a.Float(), b.Float()), true
	case numeric(a) != numeric(b):
		return 0, false
	case a.Type() == layers.Boolean || b.Type() == layers.Boolean:
		if a.Type() != b.Type() {
			return 0, false
		}
		return order(a.String(), b.String()), true
	case a.Type() == layers.DateTime || b.Type() == layers.DateTime:
		ta, err1 := time.Parse(time.RFC3339, a.Text())
		tb, err2 := time.Parse(time.RFC3339, b.Text())
		if err1 != nil || err2 != nil {
			return 0, false
		}
		return ta.Compare(tb), true
	}
	return order(a.Text(), b.Text()), true
}

func order[T int64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// like matches s against a pattern of % (any text), _ (one character) and a
// backslash, which takes the next character for itself.
func like(s, p string) bool {
	var backS, backP string // where to try again after the last %
	back := false
	for {
		switch {
		case p != "" && p[0] == '%':
			p = p[1:]
			backS, backP, back = s, p, true
			continue
		case s == "":
			return p == ""
		case p != "" && p[0] == '_':
			_, n := utf8.DecodeRuneInString(s)
			s, p = s[n:], p[1:]
			continue
		case len(p) > 1 && p[0] == '\\':
			if p[1] == s[0] {
				s, p = s[1:], p[2:]
				continue
			}
		case p != "" && p[0] == s[0]:
			s, p = s[1:], p[1:]
			continue
		}
		if !back {
			return false
		}
		_, n := utf8.DecodeRuneInString(backS)
		if n == 0 {
			return false
		}
		backS = backS[n:]
		s, p = backS, backP
	}
}
