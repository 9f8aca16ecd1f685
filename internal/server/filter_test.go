package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/tiles/mvt"
)

// buildings asks for items with a filter.
func buildings(filter string, more ...string) string {
	return "/ogc/collections/buildings/items?" + strings.Join(append(more, "filter="+url.QueryEscape(filter)), "&")
}

func TestItemsByFilter(t *testing.T) {
	c := newCity(t, nil)
	for filter, want := range map[string]int{
		"height > 30":                   4,
		"30 < height AND listed = TRUE": 2,
		"name IN ('Hall A','Hall B') OR levels BETWEEN 5 AND 7":          5,
		"CASEI(name) LIKE CASEI('HALL%')":                                25,
		"name NOT LIKE '%A'":                                             24,
		"built = DATE('1931-05-01')":                                     25,
		"built IS NULL":                                                  0,
		"levels > height":                                                0,
		"S_INTERSECTS(geometry,BBOX(-74,40.7,-73.999,40.7005))":          2,
		"S_INTERSECTS(geometry,LINESTRING(-74 40.7002,-73.998 40.7002))": 3,
		"S_DISJOINT(geometry,POINT(-73.9998 40.7002))":                   24,
		"geometry IS NULL":                                               0,
	} {
		v := c.get(buildings(filter, "limit=100")).ok(200).json()
		require.EqualValues(t, want, v["numberMatched"], filter)
		require.Len(t, v["features"], want, filter)
	}
	v := c.get(buildings(`{"op":">","args":[{"property":"height"},30]}`, "filter-lang=cql2-json")).ok(200).json()
	require.EqualValues(t, 4, v["numberMatched"])
	v = c.get(buildings("height > 30", "filter-lang=cql2-text", "listed=true", "filter-crs="+url.QueryEscape("http://www.opengis.net/def/crs/OGC/1.3/CRS84"))).ok(200).json()
	require.EqualValues(t, 2, v["numberMatched"], "all conditions hold")
}

func TestPagesOfAFilterKeepIt(t *testing.T) {
	c := newCity(t, nil)
	next, seen := buildings("levels >= 10", "limit=4"), 0
	for next != "" {
		v := c.get(next).ok(200).json()
		require.EqualValues(t, 15, v["numberMatched"])
		require.LessOrEqual(t, seen, 15)
		for _, f := range v["features"].([]any) {
			require.GreaterOrEqual(t, f.(map[string]any)["properties"].(map[string]any)["levels"], 10.0)
			seen++
		}
		next = ""
		if l, ok := links(v)["next"]; ok {
			u, err := url.Parse(l["href"].(string))
			require.NoError(t, err)
			require.Equal(t, "levels >= 10", u.Query().Get("filter"))
			next = u.RequestURI()
		}
	}
	require.Equal(t, 15, seen)
	require.EqualValues(t, 5, c.get(buildings("levels >= 20", "limit=4")).ok(200).json()["numberMatched"], "its count is another one's")
}

// badFilters are filters and a part of the sentence that refuses them.
var badFilters = map[string]string{
	"":                                         "empty",
	"height >":                                 "character 9",
	"height > 'high'":                          "is a number",
	"storeys > 3":                              "has no property",
	"Height > 3":                               `it has "height"`,
	"height > 3 height":                        "AND, OR or the end",
	"name = 'Hall":                             "closing quote",
	"height > 1/0":                             "arithmetic",
	"T_AFTER(built,DATE('2020-01-01'))":        "temporal function",
	"S_WITHIN(geometry,BBOX(0,0,1,1))":         "spatial function",
	"pg_sleep(10) = 1":                         "function pg_sleep",
	"name = 'a'; DROP TABLE buildings":         "begins nothing",
	"S_INTERSECTS(geometry,BBOX(0,0,1))":       "3 numbers",
	"S_INTERSECTS(geometry,POINT(500 0))":      "longitude",
	"S_INTERSECTS(geometry,BBOX(1e999,0,1,1))": "double precision",
	strings.Repeat("(", 100) + "height > 3" + strings.Repeat(")", 100): "nested deeper",
	strings.Repeat("NOT ", 100) + "height > 3":                         "nested deeper",
	"height > 3" + strings.Repeat(" OR height > 3", 7000):              "at most 16384",
	"name = '" + strings.Repeat("x", 100<<10) + "'":                    "at most 16384",
	"height IN (" + strings.Repeat("1,", 1100) + "1)":                  "more than 1000",
}

func TestBadFilters(t *testing.T) {
	c := newCity(t, nil)
	for filter, part := range badFilters {
		c.get(buildings(filter)).problem(400, part)
		q := "?filter=" + url.QueryEscape(filter)
		c.get("/tiles/buildings/0/0/0.mvt"+q).problem(400, part)
		c.get("/tiles/buildings.json"+q).problem(400, part)
	}
	deep := strings.Repeat(`{"op":"not","args":[`, 100) + "true" + strings.Repeat("]}", 100)
	c.get(buildings(deep, "filter-lang=cql2-json")).problem(400, "nested deeper")
	c.get(buildings("[]", "filter-lang=cql2-json")).problem(400, "condition")
	c.get(buildings("{", "filter-lang=cql2-json")).problem(400, "JSON")
	c.get(buildings("height > 3", "filter-lang=ecql")).problem(400, "filter-lang")
	c.get(buildings("height > 3", "filter-crs=EPSG:3857")).problem(400, "filter-crs")
	c.get(buildings("height > 3", "filter=1")).problem(400, "give it once")
	c.get("/tiles/buildings/0/0/0.mvt?properties=colour").problem(400, "colour")
	c.get("/tiles/buildings.json?properties=name,").problem(400, "properties")
}

func TestTilesByFilterAndProperties(t *testing.T) {
	c := newCity(t, nil)
	tile := func(query string) []mvt.Feature {
		a := c.get("/tiles/buildings/14/4824/6160.mvt" + query)
		if a.status == 204 {
			return nil
		}
		d, err := mvt.Decode(a.ok(200).body)
		require.NoError(t, err)
		require.Len(t, d.Layers, 1)
		return d.Layers[0].Features
	}
	all := tile("")
	require.NotEmpty(t, all)
	some := tile("?filter=" + url.QueryEscape("levels < 2"))
	require.Less(t, len(some), len(all))
	for _, f := range some {
		require.Contains(t, fmt.Sprint(f.Properties), "Hall ")
	}
	require.Nil(t, tile("?filter="+url.QueryEscape("levels < 0")))
	first := all[0].ID
	line := fmt.Sprintf("S_INTERSECTS(geometry,LINESTRING(%[1]g 40.6,%[1]g 40.8))", -74+0.001*float64(first)+0.0002)
	require.Len(t, tile("?filter="+url.QueryEscape(line)), 1)
	for _, f := range tile("?properties=name") {
		for _, p := range f.Properties {
			require.Contains(t, []string{"name", "id"}, p.Key)
		}
	}
	require.NotEqual(t, c.get("/tiles/buildings/14/4824/6160.mvt").header.Get("ETag"), c.get("/tiles/buildings/14/4824/6160.mvt?filter=levels%3C2").header.Get("ETag"))
}

func TestTileJSONRepeatsTheQuery(t *testing.T) {
	c := newCity(t, nil)
	filter := `name <> '{z}' AND levels < 2`
	v := c.get("/tiles/buildings.json?properties=name,levels&filter=" + url.QueryEscape(filter)).ok(200).json()
	address := v["tiles"].([]any)[0].(string)
	require.True(t, strings.HasPrefix(address, c.URL+"/tiles/buildings/{z}/{x}/{y}.mvt?"), address)
	require.Equal(t, 1, strings.Count(address, "{z}"), "the filter's braces are encoded")
	u, err := url.Parse(address)
	require.NoError(t, err)
	require.Equal(t, filter, u.Query().Get("filter"))
	require.Equal(t, "name,levels", u.Query().Get("properties"))
	require.Equal(t, map[string]any{"name": "String", "levels": "Number"}, v["vector_layers"].([]any)[0].(map[string]any)["fields"])
	c.get(strings.NewReplacer(c.URL, "", "{z}", "14", "{x}", "4824", "{y}", "6160").Replace(address)).ok(200)
}

func TestAFilterOfALiveLayer(t *testing.T) {
	c := newCity(t, nil)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	c.do("POST", "/live/positions", `[{"layer":"vehicles","id":"a","time":"`+now+`","lon":-73.99,"lat":40.7,"speed":5},{"layer":"vehicles","id":"b","time":"`+now+`","lon":-73.98,"lat":40.7,"speed":15}]`, "Content-Type", "application/json").ok(202)
	v := c.get("/ogc/collections/vehicles/items?filter=" + url.QueryEscape("speed > 10 AND S_INTERSECTS(geometry,BBOX(-74,40,-73,41))")).ok(200).json()
	require.EqualValues(t, 1, v["numberMatched"])
	require.Equal(t, "b", v["features"].([]any)[0].(map[string]any)["id"])
	c.get("/ogc/collections/vehicles/items?filter=colour%3D1").problem(400, "has no property")
}

func TestTheAPIDescribesFilters(t *testing.T) {
	c := newCity(t, nil)
	doc := c.get("/ogc/api").ok(200).json()
	lang := doc["components"].(map[string]any)["parameters"].(map[string]any)["filter-lang"].(map[string]any)["schema"].(map[string]any)
	require.Equal(t, []any{"cql2-text", "cql2-json"}, lang["enum"])
	require.Equal(t, "cql2-text", lang["default"])
	params := doc["paths"].(map[string]any)["/collections/{collectionId}/items"].(map[string]any)["get"].(map[string]any)["parameters"]
	for _, name := range []string{"filter", "filter-lang", "filter-crs"} {
		require.Contains(t, params, map[string]any{"$ref": "#/components/parameters/" + name})
	}
	classes := c.get("/ogc/conformance").ok(200).json()["conformsTo"]
	for _, class := range []string{"ogcapi-features-3/1.0/conf/features-filter", "cql2/1.0/conf/cql2-json", "cql2/1.0/conf/basic-cql2"} {
		require.Contains(t, classes, "http://www.opengis.net/spec/"+class)
	}
}
