package storetest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

func box(minX, minY, maxX, maxY float64) *spatial.Envelope {
	return &spatial.Envelope{MinX: minX, MinY: minY, MaxX: maxX, MaxY: maxY}
}

func testQueryIDs(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(6)...)
	require.Equal(t, []string{"f1", "f4"}, ids(t, s, "a", layers.Query{IDs: []string{"f4", "nobody", "f1", "f4", ""}}))
	require.Empty(t, ids(t, s, "a", layers.Query{IDs: []string{}}))
	require.Empty(t, ids(t, s, "a", layers.Query{IDs: []string{"nobody"}}))
	require.Len(t, ids(t, s, "a", layers.Query{IDs: nil}), 6)
	many := []string{"f3"}
	for len(many) < 3000 {
		many = append(many, "x"+many[len(many)/2])
	}
	require.Equal(t, []string{"f3"}, ids(t, s, "a", layers.Query{IDs: many}))
	require.Equal(t, []string{"f1"}, ids(t, s, "a", layers.Query{IDs: []string{"f1", "f5"}, Envelope: box(0, 0, 2, 2)}))
}

func testQueryEnvelope(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	add := func(id string, g spatial.Geometry) {
		f := feature(id, 0, 0, id, 0)
		f.Geometry = g
		insert(t, s, "a", f)
	}
	add("point", spatial.NewPoint(112.98333333333333, 28.2))
	add("line", spatial.NewLineString([]float64{0, 0, 10, 10}))
	add("polygon", spatial.NewPolygon([]float64{20, 20, 30, 20, 30, 30, 20, 20}))
	add("null", spatial.Geometry{})
	add("empty", spatial.Geometry{Type: spatial.MultiLineString})
	check := func(e *spatial.Envelope, want ...string) {
		t.Helper()
		want = append(want, "empty", "null") // features without geometry match every envelope
		slices.Sort(want)
		require.Equal(t, want, ids(t, s, "a", layers.Query{Envelope: e}), "envelope %v", e)
	}
	check(box(-180, -90, 180, 90), "point", "line", "polygon")
	check(box(4, 5, 4.5, 5.5), "line") // the envelope meets, the line itself or not
	check(box(9, 0, 9, 1), "line")
	check(box(10, 10, 20, 20), "line", "polygon") // borders belong to it
	check(box(math.Nextafter(10, 11), 10, 19.9, 20))
	check(box(30, 30, 31, 31), "polygon")
	check(box(112.98333333333333, 28.2, 112.98333333333333, 28.2), "point")
	check(box(math.Nextafter(112.98333333333333, 113), 28, 113, 29)) // exact, not rounded to 32 bits
	check(box(112, 28, math.Nextafter(112.98333333333333, 112), 29))
	check(box(-5, -5, -1, -1))
	check(&spatial.Envelope{MinX: 1, MinY: 1, MaxX: 0, MaxY: 0})
	e := spatial.EmptyEnvelope()
	check(&e)
}

// filterRows are the features that filters are tried on:
//
//	id   b      i     f     s        d           t
//	one  true   1     1.5   "apple"  2026-01-31  2026-11-21T08:00:00Z
//	two  false  2     2.5   "Pear"   2026-02-28  2026-11-21T09:30:00Z
//	ten  true   10    −1    "苹果"   2025-12-31  2025-11-21T08:00:00Z
//	nul  all null
func filterRows() []*layers.Feature {
	return []*layers.Feature{
		row("one", layers.BoolValue(true), layers.IntValue(1), layers.FloatValue(1.5), layers.StringValue("apple"), date("2026-01-31"), dateTime("2026-11-21T08:00:00Z")),
		row("two", layers.BoolValue(false), layers.IntValue(2), layers.FloatValue(2.5), layers.StringValue("Pear"), date("2026-02-28"), dateTime("2026-11-21T09:30:00Z")),
		row("ten", layers.BoolValue(true), layers.IntValue(10), layers.FloatValue(-1), layers.StringValue("苹果"), date("2025-12-31"), dateTime("2025-11-21T08:00:00Z")),
		row("nul", null, null, null, null, null, null),
	}
}

type filterCase struct {
	name   string
	filter layers.Filter
	want   []string // sorted
}

func tryFilters(t *testing.T, s layers.Store, cases []filterCase) {
	t.Helper()
	for _, c := range cases {
		require.Equal(t, c.want, ids(t, s, "a", layers.Query{Filter: c.filter}), c.name)
		// A filter and its negation leave out exactly where it is unknown.
		if n := len(c.want); n > 0 {
			no := ids(t, s, "a", layers.Query{Filter: layers.Not{Filter: c.filter}})
			for _, id := range c.want {
				require.NotContains(t, no, id, "not "+c.name)
			}
		}
		require.Equal(t, c.want, ids(t, s, "a", layers.Query{Filter: layers.Not{Filter: layers.Not{Filter: c.filter}}}), "not not "+c.name)
	}
}

func cmp(p string, op layers.Op, v layers.Value) layers.Filter {
	return layers.Comparison{Property: p, Op: op, Value: v}
}

func testQueryFilter(t *testing.T, s layers.Store) {
	create(t, s, typed("a"))
	insert(t, s, "a", filterRows()...)
	insert(t, s, "a",
		row("big", null, layers.IntValue(math.MaxInt64), layers.FloatValue(math.MaxFloat64), null, null, null),
		row("low", null, layers.IntValue(math.MinInt64), layers.FloatValue(-math.MaxFloat64), null, null, null))
	i := layers.IntValue
	f := layers.FloatValue
	yes, no := layers.BoolValue(true), layers.BoolValue(false)
	unknown := cmp("i", layers.Equal, null)
	all := []string{"big", "low", "nul", "one", "ten", "two"}
	tryFilters(t, s, []filterCase{
		{"i = 2", cmp("i", layers.Equal, i(2)), []string{"two"}},
		{"i <> 2", cmp("i", layers.NotEqual, i(2)), []string{"big", "low", "one", "ten"}},
		{"i < 2", cmp("i", layers.Less, i(2)), []string{"low", "one"}},
		{"i <= 2", cmp("i", layers.LessEqual, i(2)), []string{"low", "one", "two"}},
		{"i > 2", cmp("i", layers.Greater, i(2)), []string{"big", "ten"}},
		{"i >= 2", cmp("i", layers.GreaterEqual, i(2)), []string{"big", "ten", "two"}},
		{"i = greatest", cmp("i", layers.Equal, i(math.MaxInt64)), []string{"big"}},
		{"i < greatest", cmp("i", layers.Less, i(math.MaxInt64)), []string{"low", "one", "ten", "two"}},
		{"i = least", cmp("i", layers.Equal, i(math.MinInt64)), []string{"low"}},
		{"i > 1.5", cmp("i", layers.Greater, f(1.5)), []string{"big", "ten", "two"}},
		{"i = 10.0", cmp("i", layers.Equal, f(10)), []string{"ten"}},
		{"f = 1.5", cmp("f", layers.Equal, f(1.5)), []string{"one"}},
		{"f = -1 whole", cmp("f", layers.Equal, i(-1)), []string{"ten"}},
		{"f >= 1.5", cmp("f", layers.GreaterEqual, f(1.5)), []string{"big", "one", "two"}},
		{"f < 0", cmp("f", layers.Less, i(0)), []string{"low", "ten"}},
		{"b = true", cmp("b", layers.Equal, yes), []string{"one", "ten"}},
		{"b <> true", cmp("b", layers.NotEqual, yes), []string{"two"}},
		{"b = false", cmp("b", layers.Equal, no), []string{"two"}},
		{"i = null", unknown, []string{}},
		{"i between 2 and 10", layers.Between{Property: "i", Low: i(2), High: i(10)}, []string{"ten", "two"}},
		{"i is less than f", layers.PropertyComparison{Left: "i", Op: layers.Less, Right: "f"}, []string{"big", "one", "two"}},
		{"i between 10 and 2", layers.Between{Property: "i", Low: i(10), High: i(2)}, []string{}},
		{"f between -1 and 1.5", layers.Between{Property: "f", Low: f(-1), High: f(1.5)}, []string{"one", "ten"}},
		{"i in 1, 10, 99", layers.In{Property: "i", Values: []layers.Value{i(1), i(10), i(99)}}, []string{"one", "ten"}},
		{"i in 2.0", layers.In{Property: "i", Values: []layers.Value{f(2)}}, []string{"two"}},
		{"i is null", layers.IsNull{Property: "i"}, []string{"nul"}},
		{"s is null", layers.IsNull{Property: "s"}, []string{"big", "low", "nul"}},
		{"d is null", layers.IsNull{Property: "d"}, []string{"big", "low", "nul"}},
		{"not i is null", layers.Not{Filter: layers.IsNull{Property: "i"}}, []string{"big", "low", "one", "ten", "two"}},
		{"not i = 2", layers.Not{Filter: cmp("i", layers.Equal, i(2))}, []string{"big", "low", "one", "ten"}},
		{"not b = true", layers.Not{Filter: cmp("b", layers.Equal, yes)}, []string{"two"}},
		{"not in", layers.Not{Filter: layers.In{Property: "i", Values: []layers.Value{i(1), i(10)}}}, []string{"big", "low", "two"}},
		{"not between", layers.Not{Filter: layers.Between{Property: "i", Low: i(2), High: i(10)}}, []string{"big", "low", "one"}},
		{"and", layers.And{cmp("b", layers.Equal, yes), cmp("i", layers.Greater, i(1))}, []string{"ten"}},
		{"or", layers.Or{cmp("i", layers.Equal, i(1)), cmp("f", layers.Greater, f(2))}, []string{"big", "one", "two"}},
		{"and of nothing", layers.And{}, all},
		{"or of nothing", layers.Or{}, []string{}},
		{"unknown and false", layers.And{unknown, cmp("i", layers.Equal, i(99))}, []string{}},
		{"not (unknown and false)", layers.Not{Filter: layers.And{unknown, cmp("i", layers.Equal, i(99))}}, []string{"big", "low", "one", "ten", "two"}},
		{"unknown or true", layers.Or{unknown, cmp("i", layers.Equal, i(1))}, []string{"one"}},
		{"not (unknown or true)", layers.Not{Filter: layers.Or{unknown, cmp("i", layers.Equal, i(1))}}, []string{}},
		{"deep", layers.And{layers.Or{cmp("s", layers.Equal, layers.StringValue("apple")), layers.Not{Filter: layers.IsNull{Property: "b"}}}, layers.Not{Filter: layers.Or{cmp("i", layers.Equal, i(2)), cmp("f", layers.Less, f(0))}}}, []string{"one"}},
	})
}

func testQueryFilterText(t *testing.T, s layers.Store) {
	create(t, s, typed("a"))
	insert(t, s, "a", filterRows()...)
	text := func(id, s string) *layers.Feature {
		return row(id, null, null, null, layers.StringValue(s), null, null)
	}
	insert(t, s, "a", text("pct", `100%_\`), text("upp", "APPLE"), text("non", ""), text("str", "STRASSE É"))
	v := layers.StringValue
	like := func(pattern string) layers.Filter { return layers.Like{Property: "s", Pattern: pattern} }
	fold := func(pattern string) layers.Filter {
		return layers.Like{Property: "s", Pattern: pattern, FoldCase: true}
	}
	tryFilters(t, s, []filterCase{
		{"s = apple", cmp("s", layers.Equal, v("apple")), []string{"one"}},
		{"s <> apple", cmp("s", layers.NotEqual, v("apple")), []string{"non", "pct", "str", "ten", "two", "upp"}},
		{"s < Pear", cmp("s", layers.Less, v("Pear")), []string{"non", "pct", "upp"}}, // by bytes: 1 < A < P < S < a < 苹
		{"s >= Pear", cmp("s", layers.GreaterEqual, v("Pear")), []string{"one", "str", "ten", "two"}},
		{"s > z", cmp("s", layers.Greater, v("z")), []string{"ten"}},
		{"s = 苹果", cmp("s", layers.Equal, v("苹果")), []string{"ten"}},
		{"s = ''", cmp("s", layers.Equal, v("")), []string{"non"}},
		{"s between A and Q", layers.Between{Property: "s", Low: v("A"), High: v("Q")}, []string{"two", "upp"}},
		{"s in", layers.In{Property: "s", Values: []layers.Value{v("apple"), v("苹果"), v("nobody")}}, []string{"one", "ten"}},
		{"like apple", like("apple"), []string{"one"}},
		{"like app%", like("app%"), []string{"one"}},
		{"like %P%", like("%P%"), []string{"two", "upp"}},
		{"like 苹_", like("苹_"), []string{"ten"}},
		{"like 苹__", like("苹__"), []string{}},
		{"like _____", like("_____"), []string{"one", "upp"}},
		{"like %", like("%"), []string{"non", "one", "pct", "str", "ten", "two", "upp"}},
		{"like ''", like(""), []string{"non"}},
		{"fold apple", fold("aPPle"), []string{"one", "upp"}},
		{"fold pe%", fold("pe%"), []string{"two"}},
		{"fold 苹%", fold("苹%"), []string{"ten"}},
		{"fold é", fold("%\u00e9"), []string{"str"}},
		{"not like %p%", layers.Not{Filter: like("%p%")}, []string{"non", "pct", "str", "ten", "two", "upp"}},
	})
}

func testQueryFilterTime(t *testing.T, s layers.Store) {
	create(t, s, typed("a"))
	insert(t, s, "a", filterRows()...)
	tryFilters(t, s, []filterCase{
		{"d = ", cmp("d", layers.Equal, date("2026-01-31")), []string{"one"}},
		{"d >", cmp("d", layers.Greater, date("2026-01-31")), []string{"two"}},
		{"d <=", cmp("d", layers.LessEqual, date("2026-01-31")), []string{"one", "ten"}},
		{"d between", layers.Between{Property: "d", Low: date("2026-01-01"), High: date("2026-12-31")}, []string{"one", "two"}},
		{"t = ", cmp("t", layers.Equal, dateTime("2026-11-21T08:00:00Z")), []string{"one"}},
		{"t >", cmp("t", layers.Greater, dateTime("2026-11-21T08:00:00Z")), []string{"two"}},
		{"t <", cmp("t", layers.Less, dateTime("2026-01-01T00:00:00Z")), []string{"ten"}},
		{"t between", layers.Between{Property: "t", Low: dateTime("2026-11-21T08:00:00Z"), High: dateTime("2026-11-21T09:30:00Z")}, []string{"one", "two"}},
		{"not d >", layers.Not{Filter: cmp("d", layers.Greater, date("2026-01-31"))}, []string{"one", "ten"}},
	})
}

func testQueryFilterIntersects(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	add := func(id string, g spatial.Geometry) {
		f := feature(id, 0, 0, id, 0)
		f.Geometry = g
		insert(t, s, "a", f)
	}
	add("point", spatial.NewPoint(5, 5))
	add("line", spatial.NewLineString([]float64{0, 0, 10, 10}))
	add("ring", spatial.NewPolygon([]float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, []float64{2, 2, 2, 8, 8, 8, 8, 2, 2, 2}))
	add("null", spatial.Geometry{})
	add("empty", spatial.Geometry{Type: spatial.Polygon})
	add("multi", spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{-10, -10, 20, 20}})
	in := func(minX, minY, maxX, maxY float64) layers.Filter {
		return layers.Intersects{Box: *box(minX, minY, maxX, maxY)}
	}
	for _, c := range []filterCase{
		{"all", in(-180, -90, 180, 90), []string{"line", "multi", "point", "ring"}},
		{"in the hole", in(3, 6, 4, 7), []string{}},
		{"the hole's border", in(3, 6, 4, 8), []string{"ring"}},
		{"beside the line", in(6, 0.5, 7, 1.5), []string{"ring"}},
		{"inside the polygon", in(9, 0.2, 9.5, 0.5), []string{"ring"}},
		{"the point", in(5, 5, 5, 5), []string{"line", "point"}},
		{"a corner touches", in(10, 10, 12, 12), []string{"line", "ring"}},
		{"between the parts", in(12, 12, 15, 15), []string{}},
		{"one part", in(19, 19, 21, 21), []string{"multi"}},
		{"no geometry", layers.GeometryIsNull{}, []string{"null"}},
		{"a geometry", layers.Not{Filter: layers.GeometryIsNull{}}, []string{"empty", "line", "multi", "point", "ring"}},
		{"the same point", layers.IntersectsGeometry{Geometry: spatial.NewPoint(5, 5)}, []string{"line", "point"}},
		{"a line through the hole", layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{3, 6, 5, 6})}, []string{}},
		{"a slanting line", layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{-10, -9, 9, 10})}, []string{"ring"}},
		{"not a slanting line", layers.Not{Filter: layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{-10, -9, 9, 10})}}, []string{"empty", "line", "multi", "point"}},
		{"a triangle", layers.IntersectsGeometry{Geometry: spatial.NewPolygon([]float64{4, 5, 6, 5, 5, 4, 4, 5})}, []string{"line", "point"}},
	} {
		require.Equal(t, c.want, ids(t, s, "a", layers.Query{Filter: c.filter}), c.name)
	}
	// Unknown for null, false for empty.
	require.Equal(t, []string{"empty", "line", "multi", "point", "ring"}, ids(t, s, "a", layers.Query{Filter: layers.Or{in(3, 6, 4, 7), layers.Not{Filter: in(3, 6, 4, 7)}}}))
}

func testQueryTogether(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(20)...)
	q := layers.Query{
		Envelope: box(3, 0, 12, 90),
		Filter:   layers.Comparison{Property: "n", Op: layers.GreaterEqual, Value: layers.IntValue(5)},
		IDs:      []string{"f2", "f4", "f5", "f9", "f13"},
	}
	require.Equal(t, []string{"f5", "f9"}, ids(t, s, "a", q))
	q.IDs = nil
	require.Equal(t, []string{"f10", "f11", "f12", "f5", "f6", "f7", "f8", "f9"}, ids(t, s, "a", q))
	q.Policy = layers.Policy{Rows: layers.Comparison{Property: "n", Op: layers.Less, Value: layers.IntValue(8)}}
	require.Equal(t, []string{"f5", "f6", "f7"}, ids(t, s, "a", q))
}

func testQueryPolicy(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(4)...)
	require.Empty(t, ids(t, s, "a", layers.Query{Policy: layers.Policy{Deny: true}}))
	rows := layers.Comparison{Property: "n", Op: layers.Less, Value: layers.IntValue(2)}
	require.Equal(t, []string{"f0", "f1"}, ids(t, s, "a", layers.Query{Policy: layers.Policy{Rows: rows}}))

	// A hidden property is null, and does not show through a filter; the
	// policy's own rows see it.
	hidden := layers.Policy{Hidden: []string{"n"}, Rows: rows}
	got := scan(t, s, "a", layers.Query{Policy: hidden})
	require.Len(t, got, 2)
	for _, f := range got {
		require.Len(t, f.Properties, 2)
		require.Equal(t, layers.String, f.Properties[0].Type())
		require.True(t, f.Properties[1].IsNull())
	}
	require.Empty(t, ids(t, s, "a", layers.Query{Policy: hidden, Filter: layers.Comparison{Property: "n", Op: layers.Equal, Value: layers.IntValue(1)}}))
	require.Equal(t, []string{"f0", "f1"}, ids(t, s, "a", layers.Query{Policy: hidden, Filter: layers.IsNull{Property: "n"}}))
	require.Equal(t, []string{"f1"}, ids(t, s, "a", layers.Query{Policy: hidden, IDs: []string{"f1", "f3"}}))
}

func testQueryTime(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(1)...)
	err := s.Scan(t.Context(), "a", layers.Query{Time: time.Now().Add(-time.Hour)}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, layers.ErrUnsupported)
}
