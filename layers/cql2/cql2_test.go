package cql2_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/cql2"
	"twind/spatial"
)

var things = &layers.Layer{ID: "things", CRS: 4326, Schema: []layers.Property{
	{Name: "name", Type: layers.String}, {Name: "other", Type: layers.String},
	{Name: "n", Type: layers.Integer}, {Name: "h", Type: layers.Number}, {Name: "flag", Type: layers.Boolean},
	{Name: "day", Type: layers.Date}, {Name: "at", Type: layers.DateTime},
	{Name: "名称", Type: layers.String}, {Name: `a "b" c`, Type: layers.String}, {Name: "AND", Type: layers.Integer},
	{Name: "geom", Type: layers.Integer}, {Name: "date", Type: layers.Date}, {Name: "eo:x.1", Type: layers.Number},
}}

func text(s string) layers.Value    { return layers.StringValue(s) }
func whole(n int64) layers.Value    { return layers.IntValue(n) }
func number(f float64) layers.Value { return layers.FloatValue(f) }
func day(s string) layers.Value     { return layers.TextValue(layers.Date, s) }
func moment(s string) layers.Value  { return layers.TextValue(layers.DateTime, s) }

func is(p string, op layers.Op, v layers.Value) layers.Filter {
	return layers.Comparison{Property: p, Op: op, Value: v}
}

func not(f layers.Filter) layers.Filter { return layers.Not{Filter: f} }

func box(w, s, e, n float64) layers.Filter {
	return layers.Intersects{Box: spatial.Envelope{MinX: w, MinY: s, MaxX: e, MaxY: n}}
}

// filters are texts, what they mean, and their canonical text where it differs.
var filters = []struct {
	text      string
	want      layers.Filter
	canonical string
}{
	{"n = 1", is("n", layers.Equal, whole(1)), ""},
	{"n<>-1", is("n", layers.NotEqual, whole(-1)), "n <> -1"},
	{"1.5 <h", is("h", layers.Greater, number(1.5)), "h > 1.5"},
	{"1.5 >= h", is("h", layers.LessEqual, number(1.5)), "h <= 1.5"},
	{"h = +1e3", is("h", layers.Equal, number(1000)), "h = 1000.0"},
	{"h = .5", is("h", layers.Equal, number(0.5)), "h = 0.5"},
	{"h = 5.", is("h", layers.Equal, number(5)), "h = 5.0"},
	{"h = 12345678901234567890123", is("h", layers.Equal, number(12345678901234567890123)), "h = 1.2345678901234568e+22"},
	{"name = 'it''s'", is("name", layers.Equal, text("it's")), ""},
	{`name = 'it\'s'`, is("name", layers.Equal, text("it's")), "name = 'it''s'"},
	{`name = 'a\b'`, is("name", layers.Equal, text(`a\b`)), ""},
	{`name = 'a\\b'`, is("name", layers.Equal, text(`a\\b`)), ""},
	{`name = 'C:\\'`, is("name", layers.Equal, text(`C:\`)), ""},
	{`name = 'a\\''b'`, is("name", layers.Equal, text(`a\'b`)), ""},
	{"name = ''", is("name", layers.Equal, text("")), ""},
	{"名称 = '湘江'", is("名称", layers.Equal, text("湘江")), ""},
	{`"a ""b"" c" = 'x'`, is(`a "b" c`, layers.Equal, text("x")), ""},
	{`"AND" = 1`, is("AND", layers.Equal, whole(1)), ""},
	{`"name" = 'x'`, is("name", layers.Equal, text("x")), "name = 'x'"},
	{"eo:x.1 < 2", is("eo:x.1", layers.Less, whole(2)), ""},
	{"flag = true", is("flag", layers.Equal, layers.BoolValue(true)), "flag = TRUE"},
	{"FALSE <> flag", is("flag", layers.NotEqual, layers.BoolValue(false)), "flag <> FALSE"},
	{"day = date('2026-01-31')", is("day", layers.Equal, day("2026-01-31")), "day = DATE('2026-01-31')"},
	{"date = DATE('2026-01-31')", is("date", layers.Equal, day("2026-01-31")), ""},
	{"day = '2026-01-31'", is("day", layers.Equal, day("2026-01-31")), "day = DATE('2026-01-31')"},
	{"at < TIMESTAMP('2026-01-31T08:00:00+08:00')", is("at", layers.Less, moment("2026-01-31T00:00:00Z")), "at < TIMESTAMP('2026-01-31T00:00:00Z')"},
	{"'2026-01-31T08:00:00.5Z' <= at", is("at", layers.GreaterEqual, moment("2026-01-31T08:00:00.5Z")), "at >= TIMESTAMP('2026-01-31T08:00:00.5Z')"},
	{"n < h", layers.PropertyComparison{Left: "n", Op: layers.Less, Right: "h"}, ""},

	{"n=1 and h=2 AND flag=TRUE", layers.And{is("n", layers.Equal, whole(1)), is("h", layers.Equal, whole(2)), is("flag", layers.Equal, layers.BoolValue(true))}, "n = 1 AND h = 2 AND flag = TRUE"},
	{"n=1 or n=2 and h=3", layers.Or{is("n", layers.Equal, whole(1)), layers.And{is("n", layers.Equal, whole(2)), is("h", layers.Equal, whole(3))}}, "n = 1 OR n = 2 AND h = 3"},
	{"(n=1 or n=2) and h=3", layers.And{layers.Or{is("n", layers.Equal, whole(1)), is("n", layers.Equal, whole(2))}, is("h", layers.Equal, whole(3))}, "(n = 1 OR n = 2) AND h = 3"},
	{"n=1 and (n=2 and h=3)", layers.And{is("n", layers.Equal, whole(1)), layers.And{is("n", layers.Equal, whole(2)), is("h", layers.Equal, whole(3))}}, "n = 1 AND (n = 2 AND h = 3)"},
	{"((n=1))", is("n", layers.Equal, whole(1)), "n = 1"},
	{"not n=1", not(is("n", layers.Equal, whole(1))), "NOT n = 1"},
	{"NOT (n=1 OR n=2)", not(layers.Or{is("n", layers.Equal, whole(1)), is("n", layers.Equal, whole(2))}), "NOT (n = 1 OR n = 2)"},
	{"not not n=1", not(not(is("n", layers.Equal, whole(1)))), "NOT NOT n = 1"},
	{"TRUE", layers.And{}, ""},
	{"false or TRUE", layers.Or{layers.Or{}, layers.And{}}, "FALSE OR TRUE"},
	{"NOT TRUE", not(layers.And{}), ""},

	{"name LIKE 'a_\\%%'", layers.Like{Property: "name", Pattern: `a_\%%`}, ""},
	{"name NOT LIKE 'a%'", not(layers.Like{Property: "name", Pattern: "a%"}), ""},
	{"casei(name) like CaseI('A%')", layers.Like{Property: "name", Pattern: "A%", FoldCase: true}, "CASEI(name) LIKE CASEI('A%')"},
	{"CASEI(name) = CASEI('50%_\\')", nil, ""},
	{"CASEI('50%') = CASEI(name)", layers.Like{Property: "name", Pattern: `50\%`, FoldCase: true}, `CASEI(name) LIKE CASEI('50\%')`},
	{"CASEI(name) <> CASEI('x')", not(layers.Like{Property: "name", Pattern: "x", FoldCase: true}), "CASEI(name) NOT LIKE CASEI('x')"},
	{"CASEI(CASEI(name)) IN (CASEI('x'))", layers.Like{Property: "name", Pattern: "x", FoldCase: true}, "CASEI(name) LIKE CASEI('x')"},
	{"n IN (1, 2.5,-3)", layers.In{Property: "n", Values: []layers.Value{whole(1), number(2.5), whole(-3)}}, "n IN (1,2.5,-3)"},
	{"name not in ('a','b')", not(layers.In{Property: "name", Values: []layers.Value{text("a"), text("b")}}), "name NOT IN ('a','b')"},
	{"name IN (other,'b')", layers.Or{layers.PropertyComparison{Left: "name", Op: layers.Equal, Right: "other"}, is("name", layers.Equal, text("b"))}, "name = other OR name = 'b'"},
	{"n BETWEEN -1 AND 5 AND h = 2", layers.And{layers.Between{Property: "n", Low: whole(-1), High: whole(5)}, is("h", layers.Equal, whole(2))}, ""},
	{"day not between date('2026-01-01') and '2026-12-31'", not(layers.Between{Property: "day", Low: day("2026-01-01"), High: day("2026-12-31")}), "day NOT BETWEEN DATE('2026-01-01') AND DATE('2026-12-31')"},
	{"3 BETWEEN n AND h", layers.And{is("n", layers.LessEqual, whole(3)), is("h", layers.GreaterEqual, whole(3))}, "n <= 3 AND h >= 3"},
	{"name is null", layers.IsNull{Property: "name"}, "name IS NULL"},
	{"name IS NOT NULL", not(layers.IsNull{Property: "name"}), ""},
	{"geometry IS NULL", layers.GeometryIsNull{}, ""},
	{"Geom is not null", not(layers.GeometryIsNull{}), "geometry IS NOT NULL"},
	{`"geom" IS NULL`, layers.IsNull{Property: "geom"}, ""},
	{"1 < 2", layers.And{}, "TRUE"},
	{"'b' LIKE 'a%'", layers.Or{}, "FALSE"},
	{"TRUE = FALSE", layers.Or{}, "FALSE"},
	{"CASEI('a') = CASEI('A')", layers.And{}, "TRUE"},

	{"S_INTERSECTS(geometry,BBOX(0,40,10.5,50))", box(0, 40, 10.5, 50), ""},
	{"s_intersects(bbox(0,40,-5,10,50,900), geom)", box(0, 40, 10, 50), "S_INTERSECTS(geometry,BBOX(0,40,10,50))"},
	{"S_INTERSECTS(geometry,BBOX(150,-90,-150,90))", layers.Or{box(150, -90, 180, 90), box(-180, -90, -150, 90)}, "S_INTERSECTS(geometry,BBOX(150,-90,180,90)) OR S_INTERSECTS(geometry,BBOX(-180,-90,-150,90))"},
	{"S_DISJOINT(geometry,BBOX(0,40,10,50))", not(box(0, 40, 10, 50)), "NOT S_INTERSECTS(geometry,BBOX(0,40,10,50))"},
	{"S_INTERSECTS(geometry,point Z (1 -2 3))", layers.IntersectsGeometry{Geometry: spatial.NewPoint(1, -2)}, "S_INTERSECTS(geometry,POINT(1 -2))"},
	{"S_INTERSECTS(geometry,LINESTRING(1 2,3 4))", layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{1, 2, 3, 4})}, ""},
	{"S_INTERSECTS(geometry,POLYGON((0 0,9 0,9 9,0 0),(1 0.5,2 0.5,2 1,1 0.5)))", layers.IntersectsGeometry{Geometry: spatial.NewPolygon([]float64{0, 0, 9, 0, 9, 9, 0, 0}, []float64{1, 0.5, 2, 0.5, 2, 1, 1, 0.5})}, ""},
	{"S_INTERSECTS(geometry,MULTIPOINT(1 2,(3 4)))", layers.IntersectsGeometry{Geometry: spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{1, 2, 3, 4}}}, "S_INTERSECTS(geometry,MULTIPOINT((1 2),(3 4)))"},
	{"S_INTERSECTS(geometry,MULTILINESTRING((1 2,3 4),(5 6,7 8)))", layers.IntersectsGeometry{Geometry: spatial.Geometry{Type: spatial.MultiLineString, XY: []float64{1, 2, 3, 4, 5, 6, 7, 8}, Ends: []int32{2, 4}}}, ""},
	{"S_INTERSECTS(geometry,MULTIPOLYGON(((0 0,9 0,9 9,0 0)),((20 20,29 20,29 29,20 20))))", layers.IntersectsGeometry{Geometry: spatial.Geometry{Type: spatial.MultiPolygon, XY: []float64{0, 0, 9, 0, 9, 9, 0, 0, 20, 20, 29, 20, 29, 29, 20, 20}, Ends: []int32{4, 8}, Parts: []int32{1, 2}}}, ""},
	{"S_INTERSECTS(geometry,GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4)))", layers.IntersectsGeometry{Geometry: spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{spatial.NewPoint(1, 2), spatial.NewLineString([]float64{1, 2, 3, 4})}}}, ""},
}

func TestParseTextAndFormat(t *testing.T) {
	for _, c := range filters {
		if c.want == nil {
			_, err := cql2.ParseText(c.text, things)
			require.ErrorIs(t, err, layers.ErrInvalid, c.text)
			continue
		}
		f, err := cql2.ParseText(c.text, things)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, f, c.text)
		want := c.canonical
		if want == "" {
			want = c.text
		}
		require.Equal(t, want, cql2.Format(f))
		same(t, things, f)
		_, err = layers.NewMatcher(things, f)
		require.NoError(t, err, "what is parsed can be evaluated: %s", c.text)
	}
	require.Empty(t, cql2.Format(nil))
	require.Equal(t, "n = 1", cql2.Format(layers.And{is("n", layers.Equal, whole(1))}), "a junction of one member")
}

func TestParseJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"op":"=","args":[{"property":"n"},1]}`:                                                                                "n = 1",
		`{"op":"<","args":[1.5,{"property":"h"}]}`:                                                                              "h > 1.5",
		`{"op":"and","args":[{"op":"=","args":[{"property":"flag"},true]},{"op":"not","args":[false]},true]}`:                   "flag = TRUE AND NOT FALSE AND TRUE",
		`{"op":"or","args":[{"op":"isNull","args":[{"property":"n"}]},{"op":"isNull","args":[{"property":"geometry"}]}]}`:       "n IS NULL OR geometry IS NULL",
		`{"op":"like","args":[{"op":"casei","args":[{"property":"name"}]},{"op":"casei","args":["a%"]}]}`:                       "CASEI(name) LIKE CASEI('a%')",
		`{"op":"in","args":[{"property":"name"},["C:\\","it's"]]}`:                                                              `name IN ('C:\\','it''s')`,
		`{"op":"between","args":[{"property":"at"},{"timestamp":"2026-01-31T08:00:00Z"},{"timestamp":"2027-01-31T08:00:00Z"}]}`: "at BETWEEN TIMESTAMP('2026-01-31T08:00:00Z') AND TIMESTAMP('2027-01-31T08:00:00Z')",
		`{"op":"<=","args":[{"property":"day"},{"date":"2026-01-31"}]}`:                                                         "day <= DATE('2026-01-31')",
		`{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[0,40,10,50]}]}`:                                          "S_INTERSECTS(geometry,BBOX(0,40,10,50))",
		`{"op":"s_disjoint","args":[{"type":"Point","coordinates":[1,2,3]},{"property":"geometry"}]}`:                           "NOT S_INTERSECTS(geometry,POINT(1 2))",
		` true `: "TRUE",
	} {
		f, err := cql2.ParseJSON(in, things)
		require.NoError(t, err, in)
		require.Equal(t, want, cql2.Format(f), in)
		same(t, things, f)
	}
}

// refused are filters with a part of the sentence that refuses each.
var refused = map[string]string{
	"":                    "empty",
	"   ":                 "empty",
	"n":                   "character 2: the filter ends",
	"flag":                "write flag = TRUE",
	"n = ":                "character 5: the filter ends where a property or a value was expected",
	"n == 1":              "= stands where",
	"n != 1":              "character 3",
	"n = 1 AND":           "ends where",
	"n = 1 n = 2":         "character 7: n stands where AND, OR or the end",
	"(n = 1":              "ends where ) was expected",
	"n = 1)":              ") stands where",
	"AND = 1":             "AND stands where",
	"n = NULL":            "IS NULL",
	"missing = 1":         `no property "missing"`,
	"N = 1":               `it has "n"`,
	"湘 = 1 AND x = 2":     `character 1: layer things has no property "湘"`,
	"名称 = '湘江' AND x = 2": "character 15",
	"n = 'one'":           `property "n" is a whole number; compare it with a number without quotes`,
	"name = 1":            "text in single quotes",
	"flag = 1":            "TRUE or FALSE",
	"day = TIMESTAMP('2026-01-31T08:00:00Z')":     "DATE('2026-01-31')",
	"at = DATE('2026-01-31')":                     "TIMESTAMP('",
	"day = 'tomorrow'":                            "DATE(",
	"day = DATE('2026-02-30')":                    "is not a date",
	"at = TIMESTAMP('2026-01-31')":                "is not an instant",
	"at = TIMESTAMP('9999-12-31T23:00:00-05:00')": "is not an instant",
	"day = DATE(2026)":                            "single quotes",
	"name = n":                                    "is text",
	"1 = 'a'":                                     "compare it with a number",
	"h = 1e999":                                   "double precision",
	"h = 1e":                                      "a number that is not written",
	"h = 12abc":                                   "a number that is not written",
	"h = 0x10":                                    "a number that is not written",
	"n = -name":                                   "arithmetic",
	"n + 1 = 2":                                   "arithmetic (+)",
	"n = 2 * 3":                                   "arithmetic (*)",
	"n = 7 DIV 2":                                 "arithmetic (DIV)",
	"(n - 1) = 2":                                 "arithmetic (-)",
	"name = 'open":                                "closing quote",
	`name = 'C:\'`:                                "closing quote",
	`"name = 'x'`:                                 "closing quote",
	"n = (1 + 2)":                                 "arithmetic in parentheses",
	"name # 1":                                    "begins nothing",
	"name LIKE other":                             "pattern of LIKE is text in single quotes",
	"n LIKE '1%'":                                 "LIKE takes text",
	`name LIKE 'a\\'`:                             "ends with a backslash",
	"CASEI(n) = CASEI('x')":                       "CASEI takes text",
	"CASEI(name) = 'x'":                           "one side only",
	"name LIKE CASEI('x')":                        "one side only",
	"CASEI(name) < CASEI('x')":                    "does not take CASEI",
	"CASEI(name) = CASEI(other)":                  "two properties in CASEI",
	"CASEI(name) IS NULL":                         "IS NULL takes a property",
	"n BETWEEN 1":                                 "AND of BETWEEN",
	"n BETWEEN CASEI('x') AND 2":                  "CASEI",
	"n IN ()":                                     "empty list",
	"n IN (1,)":                                   ") stands where",
	"n IN 1":                                      "1 stands where (",
	"n IS 1":                                      "NULL was expected",
	"5 IS NULL":                                   "IS NULL takes a property",
	"ACCENTI(name) = ACCENTI('x')":                "ACCENTI is not offered",
	"T_AFTER(day,DATE('2026-01-31'))":             "temporal function T_AFTER",
	"A_CONTAINS(name,('a','b'))":                  "array function",
	"S_WITHIN(geometry,BBOX(0,0,1,1))":            "spatial function S_WITHIN",
	"area(geometry) > 5":                          "function area is not offered",
	"n = INTERVAL('..','..')":                     "INTERVAL is not offered",
	"geometry = POINT(1 2)":                       "only S_INTERSECTS",
	"geometry = 1":                                "S_INTERSECTS and S_DISJOINT only",
	"name = BBOX(1,2,3,4)":                        "BBOX is a geometry",
	"S_INTERSECTS(geometry,geometry)":             "on one side",
	"S_INTERSECTS(POINT(1 2),POINT(1 2))":         "on one side",
	"S_INTERSECTS(name,POINT(1 2))":               "takes the property geometry",
	"S_INTERSECTS(shape,POINT(1 2))":              "no property",
	"S_INTERSECTS(geometry)":                      ") stands where ,",
	"S_INTERSECTS(geometry,5)":                    "literal such as BBOX",
	"S_INTERSECTS(geometry,BUFFER(geometry,1))":   "function BUFFER",
	"S_INTERSECTS(geometry,BBOX(0,0,1))":          "3 numbers",
	"S_INTERSECTS(geometry,BBOX(0,0,1,1,2,2,3))":  "7 numbers",
	"S_INTERSECTS(geometry,BBOX(0,9,1,1))":        "south is north of north",
	"S_INTERSECTS(geometry,BBOX(0,0,1,91))":       "north 91 is outside",
	"S_INTERSECTS(geometry,POINT(0 91))":          "latitude 91",
	"S_INTERSECTS(geometry,POINT(181 0))":         "longitude 181",
	"S_INTERSECTS(geometry,POINT(1,2))":           ", stands where a number",
	"S_INTERSECTS(geometry,POINT())":              "number was expected",
	"S_INTERSECTS(geometry,LINESTRING(1 2))":      "malformed",
	"S_INTERSECTS(geometry,POLYGON((0 0,1 0,1 1,0 1)))":      "malformed",
	"S_INTERSECTS(geometry,GEOMETRYCOLLECTION(CIRCLE(1 2)))": "a geometry such as POINT",
	"S_INTERSECTS(geometry,CIRCULARSTRING(1 2,3 4,5 6))":     "function CIRCULARSTRING",
	"n = 1\xff": "not valid UTF-8",
	strings.Repeat("(", 33) + "n=1" + strings.Repeat(")", 33):                    "nested deeper than 32",
	strings.Repeat("not ", 33) + "n=1":                                           "nested deeper than 32",
	strings.Repeat("casei(", 5000):                                               "at most 16384",
	strings.Repeat("CASEI(", 2000) + "name":                                      "nested deeper",
	"S_INTERSECTS(geometry," + strings.Repeat("GEOMETRYCOLLECTION(", 500):        "nested deeper",
	"n=1" + strings.Repeat(" or n=1", 600):                                       "more than 1000",
	"n in (" + strings.Repeat("1,", 1000) + "1)":                                 "more than 1000",
	"S_INTERSECTS(geometry,LINESTRING(" + strings.Repeat("1 2,", 1000) + "1 2))": "more than 1000",
}

func TestRefusedTexts(t *testing.T) {
	for in, part := range refused {
		_, err := cql2.ParseText(in, things)
		require.ErrorIs(t, err, layers.ErrInvalid, in)
		require.ErrorContains(t, err, part, in)
		require.Less(t, len(err.Error()), 400, "a sentence: %s", err)
		require.NotContains(t, err.Error(), "\n")
	}
	at := strings.Repeat("(", 32) + "n=1" + strings.Repeat(")", 32)
	_, err := cql2.ParseText(at, things)
	require.NoError(t, err, "as deep as can be")
}

func TestRefusedJSON(t *testing.T) {
	for in, part := range map[string]string{
		``:                                     "ends in the middle",
		`{`:                                    "ends in the middle",
		`nul`:                                  "JSON",
		`{"op"}`:                               "not JSON",
		`true 1`:                               "something follows",
		`null`:                                 "condition",
		`5`:                                    "condition",
		`[]`:                                   "condition",
		`{}`:                                   "op and the array args",
		`{"op":"=","args":5}`:                  "op and the array args",
		`{"op":"=","args":[{"property":"n"}]}`: "takes 2 args, not 1",
		`{"op":"=","args":[{"property":"n"},null]}`:                                    "use isNull",
		`{"op":"=","args":[{"property":"n"},[1]]}`:                                     "not an array",
		`{"op":"=","args":[{"property":5},1]}`:                                         "property takes text",
		`{"op":"=","args":[{"property":"x"},1]}`:                                       `character 19: layer things has no property "x"`,
		`{"op":"=","args":[{"property":"n","x":1},1]}`:                                 `"x" means nothing here`,
		`{"op":"=","op":"=","args":[{"property":"n"},1]}`:                              "stands twice",
		`{"op":"=","args":[{"property":"n"},1],"crs":1}`:                               `"crs" means nothing here`,
		`{"op":"=","args":[{"property":"n"},{"op":"+","args":[1,2]}]}`:                 "arithmetic (+)",
		`{"op":"=","args":[{"op":"avg","args":[]},1]}`:                                 "function avg",
		`{"op":"=","args":[{"property":"n"},1e999]}`:                                   "double precision",
		`{"op":"and","args":[true]}`:                                                   "2 args or more",
		`{"op":"in","args":[{"property":"n"},1]}`:                                      "array of values",
		`{"op":"casei","args":["x"]}`:                                                  "no condition",
		`{"op":"t_after","args":[{"property":"day"},{"date":"2026-01-31"}]}`:           "temporal function t_after",
		`{"op":"a_equals","args":[]}`:                                                  "array function",
		`{"op":"=","args":[{"property":"day"},{"interval":["..",".."]}]}`:              "INTERVAL",
		`{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[0,0,1]}]}`:      "3 numbers",
		`{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":["a"]}]}`:        "takes numbers",
		`{"op":"s_intersects","args":[{"property":"geometry"},5]}`:                     "a geometry was expected",
		`{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Circle"}]}`:     "character 54",
		`{"op":"s_within","args":[{"property":"geometry"},{"bbox":[0,0,1,1]}]}`:        "spatial function s_within",
		strings.Repeat(`{"op":"not","args":[`, 40) + "true" + strings.Repeat("]}", 40): "nested deeper",
		strings.Repeat("[", 16000):                                                     "nested deeper",
		strings.Repeat(" ", 20000):                                                     "at most 16384",
	} {
		_, err := cql2.ParseJSON(in, things)
		require.ErrorIs(t, err, layers.ErrInvalid, in)
		require.ErrorContains(t, err, part, in)
	}
}

// TestExamplesOfTheStandard reads the standard's examples in both encodings: the
// two mean the same, or both are refused.
func TestExamplesOfTheStandard(t *testing.T) {
	l := &layers.Layer{ID: "examples", CRS: 4326}
	for typ, names := range map[layers.ValueType]string{
		layers.String:   "city name cityName road_class eo:instrument landsat:scene_id owner material beamMode swathDirection polarization geophys:SURVEY_NAME id etat_vol",
		layers.Number:   "depth category eo:cloud_cover landsat:wrs_row landsat:wrs_path floors taxes value balance windSpeed vehicle_height",
		layers.Boolean:  "swimming_pool",
		layers.Date:     "updated built",
		layers.DateTime: "updated_at starts_at ends_at event_time",
	} {
		for _, n := range strings.Fields(names) {
			l.Schema = append(l.Schema, layers.Property{Name: n, Type: typ})
		}
	}
	f, err := os.Open("testdata/examples.tar.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = b.ReadFrom(io.LimitReader(r, 1<<20))
		require.NoError(t, err)
		files[h.Name] = b.String()
	}
	both, refused := 0, 0
	for name, text := range files {
		base, ok := strings.CutSuffix(path.Base(name), ".txt")
		if !ok || files["json/"+base+".json"] == "" {
			continue
		}
		rename := strings.NewReplacer("footprint", "geometry") // the name of a geometry property
		a, errA := cql2.ParseText(rename.Replace(text), l)
		b, errB := cql2.ParseJSON(rename.Replace(files["json/"+base+".json"]), l)
		if errA != nil || errB != nil {
			require.ErrorIs(t, errA, layers.ErrInvalid, "%s: %s", name, text)
			require.ErrorIs(t, errB, layers.ErrInvalid, "%s: %s", name, text)
			refused++
			continue
		}
		require.Equal(t, cql2.Format(a), cql2.Format(b), name)
		same(t, l, a)
		both++
	}
	require.Equal(t, []int{50, 59}, []int{both, refused})
}
