package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// newPipeCity is a city with two pipes and a manhole; what is drawn there does not
// matter.
func newPipeCity(t *testing.T) *city {
	t.Helper()
	c := newSolidCity(t)
	pipes := layers.Layer{
		ID: "pipes", Kind: layers.KindPipe, GeometryType: spatial.LineString, CRS: 4326, MaxZoom: 16, ClassBy: "kind", Label: "code",
		Title:  layers.Text{ZH: "管线", EN: "Pipes"},
		Schema: []layers.Property{{Name: "code", Type: layers.String}, {Name: "kind", Type: layers.String}, {Name: "diameter", Type: layers.Integer, Unit: "mm"}, {Name: "start_depth", Type: layers.Number}, {Name: "end_depth", Type: layers.Number}},
	}
	nodes := layers.Layer{
		ID: "manholes", Kind: layers.KindNode, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16,
		Title:  layers.Text{ZH: "井", EN: "Manholes"},
		Schema: []layers.Property{{Name: "depth", Type: layers.Number}},
	}
	pipe := func(id string, lat, depth float64) *layers.Feature {
		return &layers.Feature{ID: id, Geometry: spatial.NewLineString([]float64{-74, lat, -73.999, lat}), Properties: []layers.Value{
			layers.StringValue("=1+" + id), layers.StringValue("JS"), layers.IntValue(300), layers.FloatValue(depth), layers.FloatValue(depth)}}
	}
	put := func(l layers.Layer, features ...*layers.Feature) {
		require.NoError(t, c.store.CreateLayer(t.Context(), l))
		var last layers.Revision
		for _, f := range features {
			var err error
			last, err = c.store.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), l.ID, f) })
			require.NoError(t, err)
		}
		require.NoError(t, c.catalog.Refresh(t.Context(), last))
	}
	put(pipes, pipe("a", 40.7, 1.2), pipe("b", 40.7001, 4))
	put(nodes, &layers.Feature{ID: "m", Geometry: spatial.NewPoint(-73.9995, 40.7), Properties: []layers.Value{layers.FloatValue(2.5)}})
	return c
}

const pitBody = `{"inputs":{"polygon":{"type":"Polygon","coordinates":[[[-73.9998,40.6999],[-73.9992,40.6999],[-73.9992,40.7002],[-73.9998,40.7002],[-73.9998,40.6999]]]},"depth":%s}}`

const pitPath = "/ogc/processes/excavation/execution"

func TestExcavationOverHTTP(t *testing.T) {
	c := newPipeCity(t)
	a := c.do("POST", pitPath, fmt.Sprintf(pitBody, "3"), "Content-Type", "application/json").ok(http.StatusOK)
	var x struct {
		Area, Depth, Volume float64
		Items               []struct {
			Layer, ID, Name, Kind                string
			Length, DepthMin, DepthMax, Diameter *float64
		}
		Totals []struct {
			Layer, Kind string
			Count       int
			Length      float64
		}
	}
	require.NoError(t, json.Unmarshal(a.body, &x))
	require.Len(t, x.Items, 2, "%s", a.body)
	p, m := x.Items[0], x.Items[1] // pipes come first
	require.Equal(t, []string{"pipes", "a", "=1+a", "JS", "manholes", "m"}, []string{p.Layer, p.ID, p.Name, p.Kind, m.Layer, m.ID})
	sin, cos := math.Sincos(40.7 * math.Pi / 180)
	across := 6378137 / math.Sqrt(1-0.0066943799901413*sin*sin) * cos
	require.InDelta(t, 0.0006*math.Pi/180*across, *p.Length, 0.001, "along the parallel")
	require.InDelta(t, 1.2, *p.DepthMin, 1e-9)
	require.InDelta(t, 1.2, *p.DepthMax, 1e-9)
	require.InDelta(t, 300, *p.Diameter, 0)
	require.Nil(t, m.Length)
	require.InDelta(t, 2.5, *m.DepthMax, 0)
	require.Len(t, x.Totals, 2)

	wrapped := strings.Replace(fmt.Sprintf(pitBody, "5"), `{"type"`, `{"value":{"type"`, 1)
	wrapped = strings.Replace(wrapped, `]]]}`, `]]]}}`, 1)
	wrapped = strings.Replace(wrapped, `"depth"`, `"layers":["pipes","pipes"],"depth"`, 1)
	table := c.do("POST", pitPath, wrapped, "Accept", "text/csv").ok(http.StatusOK)
	require.Equal(t, "text/csv; charset=utf-8; header=present", table.header.Get("Content-Type"))
	text, found := strings.CutPrefix(string(table.body), "\ufeff")
	require.True(t, found)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3, "both pipes, once")
	require.Equal(t, []string{"pipes", "a", "'=1+a", "JS", "", "", "", "50.709", "1.200", "1.200", "300", "", "", "false"}, rows[1])

	edit := c.do("PATCH", "/ogc/collections/pipes/items/a", `{"properties":{"start_depth":9,"end_depth":9}}`, "Content-Type", "application/merge-patch+json")
	require.Equal(t, http.StatusOK, edit.status, "%s", edit.body)
	a = c.do("POST", pitPath, fmt.Sprintf(pitBody, "3")).ok(http.StatusOK)
	require.NotContains(t, string(a.body), `"id":"a"`, "an edit is in the next answer")
}

func TestProcessesAreDescribed(t *testing.T) {
	c := newSolidCity(t)
	require.Contains(t, string(c.get("/ogc/processes").ok(200).body), `"id":"excavation"`)
	d := c.get("/ogc/processes/excavation").ok(200).json()
	require.Contains(t, d["inputs"], "polygon")
	require.Contains(t, d["outputs"], "excavation")
	c.get("/ogc/processes/digging").problem(404, "There is no process")
	without := newCity(t, nil)
	require.NotContains(t, string(without.get("/ogc/processes").ok(200).body), "excavation\"")
	without.do("POST", pitPath, fmt.Sprintf(pitBody, "3")).problem(404, "There is no process")
}

func TestExcavationRefusesOverHTTP(t *testing.T) {
	c := newSolidCity(t)
	hole := strings.Replace(fmt.Sprintf(pitBody, "3"), "]]]", "]],[[-73.9996,40.7],[-73.9995,40.7],[-73.9995,40.7001],[-73.9996,40.7]]]", 1)
	for body, says := range map[string]string{
		"":                             "not a JSON object",
		"[]":                           "not a JSON object",
		"{}":                           "inputs.depth is missing",
		`{"inputs":{"depth":3}}`:       "inputs.polygon is missing",
		fmt.Sprintf(pitBody, "0"):      "depth: 0 m; expected 0.1 to 60",
		fmt.Sprintf(pitBody, "61"):     "depth: 61 m",
		fmt.Sprintf(pitBody, "NaN"):    "not a JSON object",
		fmt.Sprintf(pitBody, `"deep"`): "inputs.depth is a JSON string",
		hole:                           "2 rings; a pit has one outline and no holes",
		`{"inputs":{"depth":3,"polygon":{"type":"Polygon","coordinates":[]}}}`:                                          "at least three corners; got 0",
		`{"inputs":{"depth":3,"polygon":{"type":"Polygon","coordinates":[[[1,2],[null,3],[4,5]]]}}}`:                    "vertex 2 is not a longitude",
		`{"inputs":{"depth":3,"polygon":{"type":"Polygon","coordinates":[[[1],[2,3],[4,5]]]}}}`:                         "vertex 1 is not a longitude",
		`{"inputs":{"depth":3,"polygon":{"type":"Point","coordinates":[1,2]}}}`:                                         "give a GeoJSON Polygon",
		`{"inputs":{"depth":3,"polygon":{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9]]]}}}`:                       "from end to end",
		`{"inputs":{"depth":3,"polygon":{"type":"Polygon","coordinates":[[[0,0],[0.001,0.001],[0.001,0],[0,0.002]]]}}}`: "crosses or touches itself near 0.000",
		strings.Replace(fmt.Sprintf(pitBody, "3"), `"depth"`, `"layers":["buildings"],"depth"`, 1):                      "no layer \\\"buildings\\\" of pipes",
		strings.Replace(fmt.Sprintf(pitBody, "3"), `"depth"`, `"layers":["../x"],"depth"`, 1):                           "layer id",
	} {
		a := c.do("POST", pitPath, body)
		require.Equal(t, 400, a.status, "%s: %s", body, a.body)
		require.Contains(t, string(a.body), says, body)
	}
	c.do("POST", pitPath, fmt.Sprintf(pitBody, "3"), "Accept", "image/png").problem(406, "image/png is not offered")
	c.do("POST", pitPath, fmt.Sprintf(pitBody, "3"), "Content-Type", "text/plain").problem(415, "text/plain")
	c.get(pitPath).problem(405, "possible are POST")
	c.do("POST", "/ogc/processes/digging/execution", "{}").problem(404, "There is no process")
}
