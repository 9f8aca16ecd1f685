package storetest

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

// typed is a layer with one property of each type.
func typed(id layers.ID) layers.Layer {
	l := mixed(id)
	l.Schema = []layers.Property{
		{Name: "b", Type: layers.Boolean}, {Name: "i", Type: layers.Integer}, {Name: "f", Type: layers.Number},
		{Name: "s", Type: layers.String}, {Name: "d", Type: layers.Date}, {Name: "t", Type: layers.DateTime},
	}
	return l
}

// row is a feature of a typed layer.
func row(id string, b, i, f, s, d, ti layers.Value) *layers.Feature {
	x := feature(id, 1, 2, "", 0)
	x.Properties = []layers.Value{b, i, f, s, d, ti}
	return x
}

func date(s string) layers.Value     { return layers.TextValue(layers.Date, s) }
func dateTime(s string) layers.Value { return layers.TextValue(layers.DateTime, s) }

var null layers.Value

func testValues(t *testing.T, s layers.Store) {
	create(t, s, typed("a"))
	rows := []*layers.Feature{
		row("nulls", null, null, null, null, null, null),
		row("zeros", layers.BoolValue(false), layers.IntValue(0), layers.FloatValue(0), layers.StringValue(""), date("0001-01-01"), dateTime("0001-01-01T00:00:00Z")),
		row("greatest", layers.BoolValue(true), layers.IntValue(math.MaxInt64), layers.FloatValue(math.MaxFloat64), layers.StringValue("\U0010ffff"), date("9999-12-31"), dateTime("9999-12-31T23:59:59Z")),
		row("least", layers.BoolValue(true), layers.IntValue(math.MinInt64), layers.FloatValue(-math.MaxFloat64), layers.StringValue(" "), date("2000-02-29"), dateTime("2024-02-29T12:34:56Z")),
		row("odd", layers.BoolValue(false), layers.IntValue(1<<53+1), layers.FloatValue(math.SmallestNonzeroFloat64), layers.StringValue("换行\n制表\t引号'\"反斜杠\\ %_ 😀 e\u0301"), date("1949-10-01"), dateTime("2026-11-21T08:00:00.123456Z")),
		row("tenth", null, layers.IntValue(-1), layers.FloatValue(0.1), layers.StringValue("NULL"), null, dateTime("2026-11-21T08:00:00.5Z")),
		row("whole", null, null, layers.FloatValue(42), layers.StringValue("42"), null, null),
		row("third", null, null, layers.FloatValue(1.0/3), layers.StringValue("1e3"), null, null),
	}
	insert(t, s, "a", rows...)
	create(t, s, typed("b"))
	load(t, s, "b", layers.Append, rows...)
	for _, layer := range []layers.ID{"a", "b"} {
		got := scan(t, s, layer, layers.Query{})
		require.Len(t, got, len(rows))
		for _, f := range rows {
			equalFeatures(t, f, got[f.ID])
		}
	}

	// An integer may stand for a number and comes back as one.
	insert(t, s, "a", row("integer", null, null, layers.IntValue(7), null, null, null))
	require.Equal(t, layers.FloatValue(7), scan(t, s, "a", layers.Query{IDs: []string{"integer"}})["integer"].Properties[2])

	// An instant may come with any offset; the instant is what is kept.
	insert(t, s, "a", row("offset", null, null, null, null, null, dateTime("2026-11-21T16:00:00.25+08:00")))
	at, err := time.Parse(time.RFC3339, scan(t, s, "a", layers.Query{IDs: []string{"offset"}})["offset"].Properties[5].Text())
	require.NoError(t, err)
	require.True(t, at.Equal(time.Date(2026, 11, 21, 8, 0, 0, 250e6, time.UTC)), at)

	// Every value can become null again.
	for _, f := range rows {
		f.Properties = make([]layers.Value, 6)
	}
	change(t, s, func(tx layers.Tx) error {
		for _, f := range rows {
			if err := tx.Replace(t.Context(), "a", f); err != nil {
				return err
			}
		}
		return nil
	})
	got := scan(t, s, "a", layers.Query{})
	for _, f := range rows {
		equalFeatures(t, f, got[f.ID])
	}
}

func testBigText(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	big := feature("big", 1, 2, strings.Repeat("长沙市天心区", 1<<16), 1) // 1.1 MB
	insert(t, s, "a", big)
	equalFeatures(t, big, scan(t, s, "a", layers.Query{})["big"])
	// A geometry of 20,000 vertices.
	g := big.Geometry
	g.Type, g.XY = 2, nil
	for i := range 20000 {
		g.XY = append(g.XY, float64(i)/1000, math.Sin(float64(i)))
	}
	g.Ends = []int32{20000}
	big.Geometry = g
	change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", big) })
	equalFeatures(t, big, scan(t, s, "a", layers.Query{})["big"])
}

func testValuesRefused(t *testing.T, s layers.Store) {
	create(t, s, typed("a"))
	before := headOf(t, s)
	for name, f := range map[string]*layers.Feature{
		"text in boolean":    row("x", layers.StringValue("true"), null, null, null, null, null),
		"text in integer":    row("x", null, layers.StringValue("1"), null, null, null, null),
		"number in integer":  row("x", null, layers.FloatValue(1), null, null, null, null),
		"boolean in integer": row("x", null, layers.BoolValue(true), null, null, null, null),
		"text in number":     row("x", null, null, layers.StringValue("1"), null, null, null),
		"integer in text":    row("x", null, null, null, layers.IntValue(1), null, null),
		"text in date":       row("x", null, null, null, null, layers.StringValue("2026-11-21"), null),
		"date in time":       row("x", null, null, null, null, null, date("2026-11-21")),
		"not UTF-8":          row("x", null, null, null, layers.StringValue("\xc4\xe3\xba\xc3"), null, null),
		"zero byte":          row("x", null, null, null, layers.StringValue("a\x00b"), null, null),
		"too few":            feature("x", 1, 2, "", 0),
	} {
		_, err := s.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), "a", f) })
		require.ErrorIs(t, err, layers.ErrInvalid, name)
		_, err = s.Load(t.Context(), "a", layers.Replace, seq(f))
		require.ErrorIs(t, err, layers.ErrInvalid, name)
	}
	require.Equal(t, before, headOf(t, s))
}
