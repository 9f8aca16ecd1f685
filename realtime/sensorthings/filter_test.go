package sensorthings_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/realtime/sensorthings"
)

// Each function, operator and form of path, with the number of the fixture's
// entities it holds for.
func TestFilterLanguage(t *testing.T) {
	c := seeded(t)
	for _, f := range []struct {
		set, filter string
		want        int
	}{
		{"Things", "substringof('ing 1', name)", 1},
		{"Things", "endswith(name,'2')", 1},
		{"Things", "startswith(name,'thing')", 2},
		{"Things", "substring(name,6) eq '1' and substring(name,1,3) eq 'hin'", 1},
		{"Things", "length(name) eq 7", 2},
		{"Things", "indexof(name,'g') eq 4", 2},
		{"Things", "toupper(name) eq 'THING 1' or tolower('ABC') eq 'x'", 1},
		{"Things", "trim(concat(' ',name)) eq 'thing 1'", 1},
		{"Things", "properties/reference eq 'r2'", 1},
		{"Things", "properties/nothing/at[0] eq null", 2},
		{"Things", "name eq 'it''s'", 0},
		{"Things", "@iot.id eq 1", 1},
		{"Things", "Datastreams/Observations/result gt 11", 1},
		{"Things", "Datastreams/name eq 'stream 1' and Datastreams/name eq 'stream 2'", 1},
		{"Things", "not Datastreams/name eq 'stream 1'", 1},
		{"Datastreams", "unitOfMeasurement/symbol eq 'm'", 4},
		{"Datastreams", "Thing/name eq 'thing 1'", 2},
		{"Observations", "Datastream/Thing/name eq 'thing 1'", 6},
		{"Observations", "year(phenomenonTime) eq 2015 and month(phenomenonTime) eq 3 and day(phenomenonTime) le 4", 4},
		{"Observations", "hour(phenomenonTime) add minute(phenomenonTime) add second(phenomenonTime) eq 0", 12},
		{"Observations", "fractionalseconds(phenomenonTime) eq 0 and totaloffsetminutes(phenomenonTime) eq 0", 12},
		{"Observations", "date(phenomenonTime) eq 2015-03-05", 1},
		{"Observations", "time(phenomenonTime) eq 00:00:00", 12},
		{"Observations", "phenomenonTime lt now() and phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime()", 12},
		{"Observations", "phenomenonTime ge 2015-03-03T08:00:00+08:00", 10},
		{"Observations", "phenomenonTime gt 2015-03-01T00:00:00Z/2015-03-03T00:00:00Z", 10},
		{"Observations", "phenomenonTime add duration'P1DT24H' gt 2015-03-13T00:00:00Z", 1},
		{"Observations", "phenomenonTime sub 2015-03-01T00:00:00Z lt duration'PT36H'", 2},
		{"Observations", "result add 1 mul 2 eq 5 or result sub 1 eq 5", 2},
		{"Observations", "(result add 1) mul 2 eq 8", 1},
		{"Observations", "result mod 2 eq 0 and result div 2 ge 5", 2},
		{"Observations", "result div 0 eq 1", 0},
		{"Observations", "-result lt -10", 2},
		{"Observations", "round(result div 4) eq 1", 4},
		{"Observations", "floor(result div 4) eq 1 and ceiling(result div 4) eq 2", 3},
		{"Observations", "validTime eq null and result ne null", 12},
		{"Observations", "not (result gt 3 or result eq 1)", 2},
		{"Locations", "st_within(location, geography'POLYGON((-117.015 51,-117.005 51,-117.005 52,-117.015 52,-117.015 51))')", 1},
		{"Locations", "st_intersects(location, geography'POLYGON((-118 51,-117 51,-117 52,-118 52,-118 51))')", 2},
		{"Locations", "geo.intersects(location, geography'POINT(-117.01 51.05)') or st_equals(location, geography'POINT(-117.02 51.05)')", 2},
		{"Locations", "st_disjoint(location, geography'POINT(-117.01 51.05)')", 1},
		{"Locations", "geo.distance(location, geography'POINT(-117.01 51.05)') lt 0.005", 1},
		{"Locations", "geo.length(geography'LINESTRING(0 0,3 4)') eq 5", 2},
		{"Locations", "st_touches(location, geography'LINESTRING(-117.01 51.05,0 0)')", 1},
		{"Locations", "st_crosses(location, location) or st_overlaps(location, location)", 0},
		{"Locations", "st_contains(geography'POLYGON((-118 51,-117 51,-117 52,-118 52,-118 51))', location)", 2},
		{"Locations", "st_relate(location, geography'POINT(-117.01 51.05)', 'T*F**FFF*')", 1},
	} {
		require.Len(t, c.list("/"+f.set+where("$filter", f.filter)), f.want, f.filter)
	}
}

func TestBadQueries(t *testing.T) {
	c := seeded(t)
	for _, q := range []string{
		"$filter=", "$filter=name", "$filter=name eq", "$filter=name eq 'x", "$filter=(name eq 'x'", "$filter=colour eq 1", "$filter=nix(name)",
		"$filter=length(name,name) eq 1", "$filter=Datastreams eq 1", "$filter=name eq 'x' name", "$filter=geography'POINT(' eq 1",
		"$filter=Datastreams/name eq HistoricalLocations/time", "$filter=" + strings.Repeat("(", 100) + "true", "$filter=" + strings.Repeat("not ", 100) + "true",
		"$filter=name eq '" + strings.Repeat("x", 17<<10) + "'",
		"$top=-1", "$top=x", "$skip=1.5", "$count=yes", "$orderby=colour", "$orderby=name up", "$orderby=Datastreams/name", "$select=colour",
		"$expand=Cars", "$expand=Datastreams(", "$expand=Datastreams($top=1;$what=2)", "$expand=Datastreams/Thing/Datastreams/Thing/Datastreams/Thing/Datastreams",
		"$what=1", "$top=1&$top=2", "$resultFormat=dataArray", "$filter=%zz",
		"$filter=st_relate(feature,geography'POINT(1 1)','xxxxxxxxx')", "$filter=ST_RELATE(feature,geography'POINT(1 1)','T*F')",
	} {
		name, text, _ := strings.Cut(q, "=")
		if q != "$filter=%zz" && !strings.Contains(q, "&") {
			text = url.QueryEscape(text)
		}
		want := 400
		if q == "$filter=name" { // a text is not true
			want = 200
		}
		c.status(want, "GET", "/Things?"+name+"="+text, "")
	}
}

func TestDataArray(t *testing.T) {
	c := seeded(t)
	list := c.list("/Observations?$resultFormat=dataArray&$select=id,result&$filter=result ge 6 and result le 8")
	require.Equal(t, []object{
		{"Datastream@iot.navigationLink": c.base + "/Datastreams(2)", "components": []any{"id", "result"}, "dataArray@iot.count": 1.0, "dataArray": []any{[]any{6.0, 6.0}}},
		{"Datastream@iot.navigationLink": c.base + "/Datastreams(3)", "components": []any{"id", "result"}, "dataArray@iot.count": 2.0, "dataArray": []any{[]any{7.0, 7.0}, []any{8.0, 8.0}}},
	}, list)

	answer, b := c.raw("POST", "/CreateObservations", `[{"Datastream":{"@iot.id":1},"components":["phenomenonTime","result","FeatureOfInterest/id"],"dataArray@iot.count":3,
		"dataArray":[["2016-01-01T00:00:00Z",20,1],["no time",21,1],["2016-01-01T00:00:02Z",22,null]]},{"Datastream":{"@iot.id":9},"components":["result"],"dataArray":[[1]]}]`)
	require.Equal(t, 201, answer.StatusCode, "%s", b)
	require.JSONEq(t, `["`+c.base+`/Observations(13)","error","`+c.base+`/Observations(14)","error"]`, string(b))
	require.Len(t, c.list("/Datastreams(1)/Observations"), 5)
	c.status(400, "POST", "/CreateObservations", `[{"Datastream":{"@iot.id":1},"components":["colour","result"],"dataArray":[]}]`)
	c.status(400, "POST", "/CreateObservations", `{}`)
}

// A query that computes too long is refused, and the store goes on.
func TestQueryTakesTooLong(t *testing.T) {
	s := open(t, t.TempDir())
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Sensors", sensor(1))
	hasty := serve(t, s, sensorthings.HandlerOptions{MaxQuery: 1})
	hasty.status(503, "GET", "/Sensors?$filter=Datastreams/name eq 'x'", "")
	c.post("/Sensors", sensor(2))
	require.Len(t, c.list("/Sensors"), 2)
}
