package layers

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
)

var evalLayer = &Layer{ID: "things", CRS: 4326, Schema: []Property{
	{Name: "flag", Type: Boolean}, {Name: "n", Type: Integer}, {Name: "h", Type: Number},
	{Name: "名称", Type: String}, {Name: "day", Type: Date}, {Name: "at", Type: DateTime},
}}

func evalFeature() *Feature {
	return &Feature{ID: "1", Geometry: spatial.NewPolygon([]float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, []float64{4, 4, 4, 6, 6, 6, 6, 4, 4, 4}), Properties: []Value{
		BoolValue(true), IntValue(7), FloatValue(2.5), StringValue("湘江中路 Main St 100%"), TextValue(Date, "2026-11-21"), TextValue(DateTime, "2026-11-21T08:00:00+08:00"),
	}}
}

func TestFiltersAreThreeValued(t *testing.T) {
	is := func(p string, op Op, v Value) Filter { return Comparison{p, op, v} }
	null := Value{}
	cases := []struct {
		name   string
		filter Filter
		full   Truth // on evalFeature
		empty  Truth // on a feature of nulls
	}{
		{"equal", is("n", Equal, IntValue(7)), True, Uncertain},
		{"not equal", is("n", NotEqual, IntValue(7)), False, Uncertain},
		{"integer and number", is("n", Less, FloatValue(7.5)), True, Uncertain},
		{"number and integer", is("h", GreaterEqual, IntValue(3)), False, Uncertain},
		{"with null", is("n", Equal, null), Uncertain, Uncertain},
		{"of another type", is("n", Equal, StringValue("7")), Uncertain, Uncertain},
		{"boolean", is("flag", Greater, BoolValue(false)), True, Uncertain},
		{"text by bytes", is("名称", Greater, StringValue("z")), True, Uncertain},
		{"date", is("day", Equal, TextValue(Date, "2026-11-21")), True, Uncertain},
		{"date and text", is("day", Less, StringValue("2026-11-22")), True, Uncertain},
		{"date and no date", is("day", Less, StringValue("tomorrow")), Uncertain, Uncertain},
		{"instants in two zones", is("at", Equal, TextValue(DateTime, "2026-11-21T00:00:00Z")), True, Uncertain},
		{"instant and date", is("at", Less, TextValue(Date, "2026-11-22")), True, Uncertain},
		{"not", Not{is("n", Equal, IntValue(7))}, False, Uncertain},
		{"and of true", And{is("n", Equal, IntValue(7)), is("h", Equal, FloatValue(2.5))}, True, Uncertain},
		{"false and unknown", And{is("n", Equal, null), is("flag", Equal, BoolValue(false))}, False, Uncertain},
		{"true or unknown", Or{is("n", Equal, null), is("flag", Equal, BoolValue(true))}, True, Uncertain},
		{"false or unknown", Or{is("n", Equal, null), is("flag", Equal, BoolValue(false))}, Uncertain, Uncertain},
		{"not unknown", Not{And{is("n", Equal, null), is("flag", Equal, BoolValue(true))}}, Uncertain, Uncertain},
		{"empty and", And{}, True, True},
		{"empty or", Or{}, False, False},
		{"in", In{"n", []Value{IntValue(1), FloatValue(7)}}, True, Uncertain},
		{"not in, with null", In{"n", []Value{IntValue(1), null}}, Uncertain, Uncertain},
		{"in nothing", In{"n", nil}, False, False},
		{"between", Between{"h", IntValue(2), IntValue(3)}, True, Uncertain},
		{"below between, null above", Between{"h", IntValue(9), null}, False, Uncertain},
		{"is null", IsNull{"n"}, False, True},
		{"is not null", Not{IsNull{"n"}}, True, False},
		{"like", Like{"名称", "湘江%St%", false}, True, Uncertain},
		{"like in case", Like{"名称", "%main%", false}, False, Uncertain},
		{"like without case", Like{"名称", "%mAIN st%", true}, True, Uncertain},
		{"like one", Like{"名称", "湘__路%", false}, True, Uncertain},
		{"like escaped", Like{"名称", `%100\%`, false}, True, Uncertain},
		{"like escaped no wildcard", Like{"名称", `\%%`, false}, False, Uncertain},
		{"like a number", Like{"n", "7", false}, Uncertain, Uncertain},
		{"intersects", Intersects{spatial.Envelope{MinX: 9, MinY: 9, MaxX: 20, MaxY: 20}}, True, Uncertain},
		{"intersects a hole", Intersects{spatial.Envelope{MinX: 4.5, MinY: 4.5, MaxX: 5.5, MaxY: 5.5}}, False, Uncertain},
		{"no geometry", GeometryIsNull{}, False, True},
		{"intersects a line", IntersectsGeometry{spatial.NewLineString([]float64{-5, 5, 1, 5})}, True, Uncertain},
		{"a point in a hole", IntersectsGeometry{spatial.NewPoint(5, 5)}, False, Uncertain},
		{"a line beside", IntersectsGeometry{spatial.NewLineString([]float64{-5, 8, 2, 20})}, False, Uncertain},
		{"two numbers", PropertyComparison{"n", Greater, "h"}, True, Uncertain},
		{"two times", PropertyComparison{"day", LessEqual, "at"}, True, Uncertain},
		{"itself", PropertyComparison{"名称", NotEqual, "名称"}, False, Uncertain},
		{"number and text", PropertyComparison{"n", Equal, "名称"}, Uncertain, Uncertain},
		{"within", Intersects{spatial.Envelope{MinX: 1, MinY: 1, MaxX: 2, MaxY: 2}}, True, Uncertain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := NewMatcher(evalLayer, c.filter)
			require.NoError(t, err)
			f := evalFeature()
			require.Equal(t, c.full, m.Truth(f))
			require.Equal(t, c.full == True, m.Match(f))
			require.Equal(t, c.empty, m.Truth(&Feature{Properties: make([]Value, 6)}))
		})
	}
}

func TestMatcherOfNilIsTrue(t *testing.T) {
	m, err := NewMatcher(evalLayer, nil)
	require.NoError(t, err)
	require.True(t, m.Match(&Feature{}))
	require.Empty(t, m.Properties())
}

// A reader cannot learn a hidden property by asking for it.
func TestHiddenPropertiesAreNullToAFilter(t *testing.T) {
	m, err := NewMatcher(evalLayer, Or{Comparison{"n", Equal, IntValue(7)}, IsNull{"h"}}, "n", "h")
	require.NoError(t, err)
	require.Equal(t, True, m.Truth(evalFeature()), "the hidden h is null")
	m, err = NewMatcher(evalLayer, Comparison{"n", Equal, IntValue(7)}, "n")
	require.NoError(t, err)
	require.Equal(t, Uncertain, m.Truth(evalFeature()))
}

func TestMatcherListsItsProperties(t *testing.T) {
	m, err := NewMatcher(evalLayer, And{IsNull{"day"}, Not{IsNull{"n"}}, IsNull{"n"}})
	require.NoError(t, err)
	require.Equal(t, []int{1, 4}, m.Properties())
}

func TestMatcherRefuses(t *testing.T) {
	deep := Filter(IsNull{"n"})
	for range 300 {
		deep = Not{deep}
	}
	for want, f := range map[string]Filter{
		`layer things has no property "x"`:                 IsNull{"x"},
		"the filter is nested deeper than 200 levels":      deep,
		"comparison 9 is unknown":                          Comparison{"n", 9, IntValue(1)},
		"a filter node of type <nil> is unknown":           Not{},
		"a LIKE pattern of 10001 bytes; at most 10000 are": Like{"名称", strings.Repeat("%", 10001), false},
		"ends with a backslash":                            Like{"名称", `a\`, false},
	} {
		_, err := NewMatcher(evalLayer, f)
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}

func TestIntegersAndNumbersCompareExactly(t *testing.T) {
	for _, c := range []struct {
		n int64
		f float64
		o int
	}{{1 << 53, 1 << 53, 0}, {1<<53 + 1, 1 << 53, 1}, {math.MaxInt64, 1 << 63, -1}, {math.MinInt64, -1 << 63, 0}, {3, 3.5, -1}, {-3, -3.5, 1}, {0, 1e300, -1}, {0, -1e300, 1}} {
		require.Equal(t, c.o, compareNumbers(IntValue(c.n), FloatValue(c.f)), "%d %g", c.n, c.f)
		require.Equal(t, -c.o, compareNumbers(FloatValue(c.f), IntValue(c.n)))
	}
}

// Matching by LIKE equals the plain recursive definition, and is quick on the
// patterns that make that one slow.
func FuzzLike(f *testing.F) {
	f.Add("%a_c%", "xabcx", true)
	f.Add(`\%%`, "%", false)
	f.Add("%%%ß", "ẞ", true)
	f.Fuzz(func(t *testing.T, pattern, s string, fold bool) {
		if len(pattern) > 12 || len(s) > 12 {
			t.Skip()
		}
		match, err := compileLike(pattern, fold)
		if err != nil {
			return
		}
		var plain func(p, s []rune) bool
		plain = func(p, s []rune) bool {
			if len(p) == 0 {
				return len(s) == 0
			}
			switch {
			case p[0] == '%':
				return plain(p[1:], s) || len(s) > 0 && plain(p, s[1:])
			case len(s) == 0:
				return false
			case p[0] == '_':
				return plain(p[1:], s[1:])
			case p[0] == '\\':
				p = p[1:]
			}
			a, b := p[0], s[0]
			return (a == b || fold && foldRune(a) == foldRune(b)) && plain(p[1:], s[1:])
		}
		if want := plain([]rune(pattern), []rune(s)); match(s) != want {
			t.Fatalf("%q like %q: want %v", s, pattern, want)
		}
	})
}

func TestLikeIsNotExponential(t *testing.T) {
	match, err := compileLike(strings.Repeat("%a", 500)+"b", false)
	require.NoError(t, err)
	require.False(t, match(strings.Repeat("a", 5000)))
}

func BenchmarkMatch(b *testing.B) {
	m, err := NewMatcher(evalLayer, And{Comparison{"n", Greater, IntValue(3)}, Like{"名称", "%main%", true}})
	if err != nil {
		b.Fatal(err)
	}
	f := evalFeature()
	b.ReportAllocs()
	for range b.N {
		if !m.Match(f) {
			b.Fatal()
		}
	}
}
