package cql2

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

var fuzzLayer = &layers.Layer{ID: "things", CRS: 4326, Schema: []layers.Property{
	{Name: "name", Type: layers.String}, {Name: "n", Type: layers.Integer}, {Name: "h", Type: layers.Number},
	{Name: "flag", Type: layers.Boolean}, {Name: "day", Type: layers.Date}, {Name: "at", Type: layers.DateTime},
	{Name: "geometry", Type: layers.String}, {Name: "in", Type: layers.Integer},
}}

// roomy are limits that no canonical text of what the standard ones admit exceeds.
var roomy = limits{1 << 24, 1 << 10, 1 << 20}

// check requires that a filter has a canonical text that reads as the same filter
// and that it can be evaluated on a feature of nulls.
func check(t *testing.T, f layers.Filter) {
	text := Format(f)
	again, err := parseText(text, fuzzLayer, roomy)
	require.NoError(t, err, text)
	require.Equal(t, f, again, text)
	m, err := layers.NewMatcher(fuzzLayer, f)
	require.NoError(t, err, text)
	_ = m.Match(&layers.Feature{Properties: make([]layers.Value, len(fuzzLayer.Schema))})
}

func FuzzParseText(f *testing.F) {
	for _, s := range []string{
		`n = 1 AND (h <> -2.5e3 OR NOT flag = TRUE)`, `name LIKE 'a\\%_''b'`, `CASEI(name) NOT IN (CASEI('x'),CASEI('50%'))`,
		`3 BETWEEN n AND h`, `"geometry" IS NULL OR geometry IS NOT NULL`, `day >= DATE('2026-01-31') AND at < TIMESTAMP('2026-01-31T08:00:00.5+08:00')`,
		`S_DISJOINT(BBOX(150,-90,-150,90),geom)`, `S_INTERSECTS(geometry,GEOMETRYCOLLECTION(POINT(1 2),MULTIPOLYGON(((0 0,9 0,9 9,0 0)))))`,
		`"in" IN (1,2,n) OR TRUE`, `name = 'C:\\'`, `((((n<h))))`, `n = 1.`, "name='\x00'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := ParseText(s, fuzzLayer)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		check(t, filter)
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{
		`{"op":"and","args":[{"op":"=","args":[{"property":"n"},1]},{"op":"not","args":[true]}]}`,
		`{"op":"like","args":[{"op":"casei","args":[{"property":"name"}]},{"op":"casei","args":["a%"]}]}`,
		`{"op":"in","args":[{"property":"name"},["C:\\","it's"]]}`, `{"op":"between","args":[{"property":"h"},1,1e3]}`,
		`{"op":"<","args":[{"timestamp":"2026-01-31T08:00:00Z"},{"property":"at"}]}`, `{"op":"isNull","args":[{"property":"geometry"}]}`,
		`{"op":"s_intersects","args":[{"property":"geom"},{"type":"LineString","coordinates":[[1,2],[3,4,5]]}]}`,
		`{"op":"s_disjoint","args":[{"bbox":[170,0,-170,10]},{"property":"geom"}]}`, `[[[[`, `{"op":"="`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := ParseJSON(s, fuzzLayer)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		check(t, filter)
	})
}
