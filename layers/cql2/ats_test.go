package cql2_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/cql2"
	"twind/layers/geojson"
	"twind/spatial"
)

// collection is one of the abstract test suite's.
type collection struct {
	layer    layers.Layer
	features []layers.Feature
}

var collections = map[string]struct {
	file   string
	typ    spatial.Type
	schema []layers.Property
}{
	"ne_110m_admin_0_countries": {"countries", spatial.MultiPolygon, []layers.Property{{Name: "NAME", Type: layers.String}, {Name: "POP_EST", Type: layers.Number}}},
	"ne_110m_populated_places_simple": {"places", spatial.Point, []layers.Property{
		{Name: "name", Type: layers.String}, {Name: "nameascii", Type: layers.String},
		{Name: "pop_min", Type: layers.Integer}, {Name: "pop_max", Type: layers.Integer}, {Name: "pop_other", Type: layers.Integer},
		{Name: "date", Type: layers.Date}, {Name: "start", Type: layers.DateTime}, {Name: "end", Type: layers.DateTime}, {Name: "boolean", Type: layers.Boolean},
	}},
	"ne_110m_rivers_lake_centerlines": {"rivers", spatial.LineString, []layers.Property{{Name: "name", Type: layers.String}}},
}

func load(t *testing.T) map[string]*collection {
	t.Helper()
	out := map[string]*collection{}
	for name, c := range collections {
		f, err := os.Open("testdata/" + c.file + ".geojsonl.gz")
		require.NoError(t, err)
		z, err := gzip.NewReader(f)
		require.NoError(t, err)
		to := &collection{layer: layers.Layer{ID: layers.ID(c.file), CRS: 4326, GeometryType: c.typ, Schema: c.schema}}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			to.features = append(to.features, feature(t, &to.layer, lines.Bytes()))
		}
		require.NoError(t, lines.Err())
		require.NoError(t, f.Close())
		out[name] = to
	}
	require.Len(t, out["ne_110m_admin_0_countries"].features, 177)
	require.Len(t, out["ne_110m_populated_places_simple"].features, 243)
	require.Len(t, out["ne_110m_rivers_lake_centerlines"].features, 13)
	return out
}

func feature(t *testing.T, l *layers.Layer, line []byte) layers.Feature {
	t.Helper()
	var in struct {
		Geometry   json.RawMessage
		Properties map[string]any
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	require.NoError(t, d.Decode(&in))
	var g geojson.Record
	require.NoError(t, (&geojson.Decoder{}).Decode(in.Geometry, &g, true)) // some longitudes are 180.00000000000006
	out := layers.Feature{Geometry: g.Geometry}
	for _, p := range l.Schema {
		var v layers.Value
		switch x := in.Properties[p.Name].(type) {
		case string:
			v = layers.TextValue(p.Type, x)
		case bool:
			v = layers.BoolValue(x)
		case json.Number:
			n, err := x.Float64()
			require.NoError(t, err)
			if v = layers.FloatValue(n); p.Type == layers.Integer {
				v = layers.IntValue(int64(n))
			}
		}
		out.Properties = append(out.Properties, v)
	}
	return out
}

// count is the number of features for which a filter is true.
func (c *collection) count(t *testing.T, f layers.Filter) int {
	t.Helper()
	m, err := layers.NewMatcher(&c.layer, f)
	require.NoError(t, err)
	n := 0
	for i := range c.features {
		if m.Match(&c.features[i]) {
			n++
		}
	}
	return n
}

// same requires that the canonical text of a filter reads as the same filter.
func same(t *testing.T, l *layers.Layer, f layers.Filter) {
	t.Helper()
	again, err := cql2.ParseText(cql2.Format(f), l)
	require.NoError(t, err)
	require.Equal(t, f, again, cql2.Format(f))
}

func rows(t *testing.T, file string) [][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(t, err)
	return all[1:]
}

// outOfScope are the classes of the suite that the language lacks here, and the
// sentence that refuses each of their predicates.
var outOfScope = map[string]string{
	"accent-insensitive-comparison": "ACCENTI is not offered",
	"arithmetic":                    "arithmetic",
	"temporal-functions":            "the temporal function",
}

// refusedFunctions are those of spatial-functions and property-property that are
// not offered.
var refusedFunctions = []string{"S_EQUALS", "S_TOUCHES", "S_CROSSES", "S_WITHIN", "S_CONTAINS", "S_OVERLAPS", "T_"}

func TestAbstractTestSuite(t *testing.T) {
	data := load(t)
	passed, refused := map[string]int{}, map[string]int{}
	for _, row := range rows(t, "cql2_ats_predicates.csv") {
		class, source, predicate := row[0], row[3], row[4]
		c := data[source]
		require.NotNil(t, c, source)
		f, err := cql2.ParseText(predicate, &c.layer)
		sentence, out := outOfScope[class]
		for _, name := range refusedFunctions {
			if (class == "spatial-functions" || class == "property-property") && strings.HasPrefix(strings.ToUpper(predicate), name) {
				sentence, out = "function", true
			}
		}
		if out {
			require.ErrorIs(t, err, layers.ErrInvalid, predicate)
			require.ErrorContains(t, err, sentence, predicate)
			refused[class]++
			continue
		}
		require.NoError(t, err, predicate)
		want, err := strconv.Atoi(row[5])
		require.NoError(t, err)
		require.Equal(t, want, c.count(t, f), "%s: %s", class, predicate)
		same(t, &c.layer, f)
		sameInJSON(t, &c.layer, f)
		passed[class]++
	}
	require.Equal(t, map[string]int{
		"basic-cql2": 48, "advanced-comparison-operators": 14, "case-insensitive-comparison": 10,
		"basic-spatial-functions": 8, "basic-spatial-functions-plus": 7,
		"property-property": 51, "spatial-functions": 12,
	}, passed)
	require.Equal(t, map[string]int{
		"accent-insensitive-comparison": 11, "arithmetic": 13, "temporal-functions": 36,
		"property-property": 50, "spatial-functions": 14,
	}, refused)
}

// logic is the expression of the suite's test of AND, OR and NOT.
const logic = "(not (%[2]s) and %[1]s) or (%[3]s and %[4]s) or not (%[1]s or %[4]s)"

func TestAbstractTestSuiteOfLogic(t *testing.T) {
	places := load(t)["ne_110m_populated_places_simple"]
	all := rows(t, "cql2_ats_combinations.csv")
	require.Len(t, all, 77)
	for _, row := range all {
		predicate := fmt.Sprintf(logic, row[2], row[3], row[4], row[5])
		f, err := cql2.ParseText(predicate, &places.layer)
		require.NoError(t, err, predicate)
		require.Equal(t, row[6], strconv.Itoa(places.count(t, f)), predicate)
		same(t, &places.layer, f)
		sameInJSON(t, &places.layer, f)
	}
}
