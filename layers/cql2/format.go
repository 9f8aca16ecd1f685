package cql2

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"twind/layers"
)

// Format writes a filter as CQL2 text in one canonical form, which ParseText reads
// as the same filter: equal filters have equal texts, and different filters
// different ones. Nil is "". Filters that ParseText never gives are written as
// equivalents where there are any: a junction of one member as the member.
func Format(f layers.Filter) string {
	if f == nil {
		return ""
	}
	return string(appendFilter(nil, f, inNothing))
}

// context is what a filter stands in, which tells whether it needs parentheses.
type context uint8

const (
	inNothing context = iota
	inOr
	inAnd
	inNot
)

func appendFilter(b []byte, f layers.Filter, in context) []byte {
	switch f := f.(type) {
	case layers.And:
		return appendJunction(b, f, " AND ", "TRUE", inAnd, in)
	case layers.Or:
		return appendJunction(b, f, " OR ", "FALSE", inOr, in)
	case layers.Not:
		switch inner := f.Filter.(type) {
		case layers.Like:
			return appendLike(b, inner, " NOT LIKE ")
		case layers.In:
			if len(inner.Values) > 0 {
				return appendIn(b, inner, " NOT IN ")
			}
		case layers.Between:
			return appendBetween(b, inner, " NOT BETWEEN ")
		case layers.IsNull:
			return append(append(b, identifier(inner.Property)...), " IS NOT NULL"...)
		case layers.GeometryIsNull:
			return append(b, "geometry IS NOT NULL"...)
		}
		return appendFilter(append(b, "NOT "...), f.Filter, inNot)
	case layers.Comparison:
		b = append(b, identifier(f.Property)...)
		b = appendOperator(b, f.Op)
		return appendValue(b, f.Value)
	case layers.PropertyComparison:
		b = append(b, identifier(f.Left)...)
		b = appendOperator(b, f.Op)
		return append(b, identifier(f.Right)...)
	case layers.Like:
		return appendLike(b, f, " LIKE ")
	case layers.In:
		if len(f.Values) == 0 {
			return append(b, "FALSE"...)
		}
		return appendIn(b, f, " IN ")
	case layers.Between:
		return appendBetween(b, f, " BETWEEN ")
	case layers.IsNull:
		return append(append(b, identifier(f.Property)...), " IS NULL"...)
	case layers.GeometryIsNull:
		return append(b, "geometry IS NULL"...)
	case layers.Intersects:
		b = append(b, "S_INTERSECTS(geometry,BBOX("...)
		for i, v := range []float64{f.Box.MinX, f.Box.MinY, f.Box.MaxX, f.Box.MaxY} {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		}
		return append(b, "))"...)
	case layers.IntersectsGeometry:
		b = append(b, "S_INTERSECTS(geometry,"...)
		return append(appendWKT(b, &f.Geometry), ')')
	}
	return append(b, "FALSE"...) // there are no other nodes
}

func appendJunction(b []byte, members []layers.Filter, operator, empty string, own, in context) []byte {
	switch len(members) {
	case 0:
		return append(b, empty...)
	case 1:
		return appendFilter(b, members[0], in)
	}
	parentheses := in >= own
	if parentheses {
		b = append(b, '(')
	}
	for i, m := range members {
		if i > 0 {
			b = append(b, operator...)
		}
		b = appendFilter(b, m, own)
	}
	if parentheses {
		b = append(b, ')')
	}
	return b
}

func appendOperator(b []byte, op layers.Op) []byte {
	b = append(b, ' ')
	b = append(b, operators[op]...)
	return append(b, ' ')
}

func appendLike(b []byte, f layers.Like, operator string) []byte {
	caseI := func(s string) {
		if f.FoldCase {
			s = "CASEI(" + s + ")"
		}
		b = append(b, s...)
	}
	caseI(identifier(f.Property))
	b = append(b, operator...)
	caseI(string(appendText(nil, f.Pattern)))
	return b
}

func appendIn(b []byte, f layers.In, operator string) []byte {
	b = append(b, identifier(f.Property)...)
	b = append(b, operator...)
	for i, v := range f.Values {
		b = append(b, "(,"[min(i, 1)])
		b = appendValue(b, v)
	}
	return append(b, ')')
}

func appendBetween(b []byte, f layers.Between, operator string) []byte {
	b = append(b, identifier(f.Property)...)
	b = append(b, operator...)
	b = appendValue(b, f.Low)
	b = append(b, " AND "...)
	return appendValue(b, f.High)
}

// identifier writes a property's name, in quotes where it needs them.
func identifier(name string) string {
	plain := !isReserved(name) && !isGeometry(name)
	for i, r := range name {
		if i == 0 && !isWordStart(r) || !isWordPart(r) || r == utf8.RuneError {
			plain = false
		}
	}
	if plain && name != "" {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func appendValue(b []byte, v layers.Value) []byte {
	switch v.Type() {
	case layers.Boolean:
		return append(b, strings.ToUpper(v.String())...)
	case layers.Integer:
		return strconv.AppendInt(b, v.Int(), 10)
	case layers.Number:
		n := len(b)
		b = strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
		if !strings.ContainsAny(string(b[n:]), ".e") {
			b = append(b, ".0"...) // else it would be read as an integer
		}
		return b
	case layers.Date:
		return append(appendText(append(b, "DATE("...), v.Text()), ')')
	case layers.DateTime:
		return append(appendText(append(b, "TIMESTAMP("...), v.Text()), ')')
	case layers.String:
		return appendText(b, v.Text())
	}
	return append(b, "NULL"...)
}

// appendText writes a literal: quotes are doubled, and so are backslashes before
// a quote or the end.
func appendText(b []byte, s string) []byte {
	b = append(b, '\'')
	run := 0 // backslashes just written
	for i := range len(s) {
		switch s[i] {
		case '\\':
			run++
			b = append(b, '\\')
			continue
		case '\'':
			b = append(b, s[i-run:i]...)
			b = append(b, '\'')
		}
		b = append(b, s[i])
		run = 0
	}
	b = append(b, s[len(s)-run:]...)
	return append(b, '\'')
}
