package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sectionPath = "/ogc/processes/section/execution"

const lineBody = `{"inputs":{"line":{"type":"LineString","coordinates":[[-73.9995,40.6999],[-73.9995,40.7005]]}%s}}`

func TestSectionOverHTTP(t *testing.T) {
	c := newPipeCity(t)
	var x struct {
		Length float64
		Ground []struct {
			At        float64
			Elevation *float64
		}
		Items []struct {
			Layer, ID, Name, Kind                    string
			At, Wide, Tall                           float64
			Offset, Depth, Diameter, Angle, Top, Low *float64
		}
	}
	a := c.do("POST", sectionPath, fmt.Sprintf(lineBody, "")).ok(200)
	require.NoError(t, json.Unmarshal(a.body, &x))
	require.Len(t, x.Items, 3, "%s", a.body)
	ids := []string{x.Items[0].ID, x.Items[1].ID, x.Items[2].ID}
	require.Equal(t, []string{"a", "m", "b"}, ids, "by distance")
	require.InDelta(t, 66.6, x.Length, 0.1)
	require.InDelta(t, 11.1, x.Items[0].At, 0.01)
	require.InDelta(t, 1.2, *x.Items[0].Depth, 1e-9)
	require.InDelta(t, 90, *x.Items[0].Angle, 1e-6)
	require.InDelta(t, 0.3, x.Items[0].Wide, 1e-9)
	require.InDelta(t, 0, *x.Items[1].Offset, 1e-6)
	require.Greater(t, len(x.Ground), 50)

	require.Contains(t, string(a.body), `"buildings":[]`)

	wrapped := strings.Replace(fmt.Sprintf(lineBody, `,"layers":["pipes","pipes"],"reach":0`), `{"type"`, `{"value":{"type"`, 1)
	wrapped = strings.Replace(wrapped, `]]}`, `]]}}`, 1)
	table := c.do("POST", sectionPath, wrapped, "Accept", "text/csv").ok(200)
	require.Equal(t, "text/csv; charset=utf-8; header=present", table.header.Get("Content-Type"))
	text, found := strings.CutPrefix(string(table.body), "\ufeff")
	require.True(t, found)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3, "both pipes, once")
	require.Equal(t, []string{"11.105", "pipes", "a", "'=1+a", "JS", "", "", "", "", "1.200"}, rows[1][:10])

	edit := c.do("PATCH", "/ogc/collections/pipes/items/a", `{"properties":{"start_depth":9,"end_depth":9}}`, "Content-Type", "application/merge-patch+json")
	require.Equal(t, 200, edit.status, "%s", edit.body)
	a = c.do("POST", sectionPath, fmt.Sprintf(lineBody, "")).ok(200)
	require.NoError(t, json.Unmarshal(a.body, &x))
	require.InDelta(t, 9, *x.Items[0].Depth, 1e-9, "an edit is in the next answer")
	require.Contains(t, c.get("/ogc/processes/section").ok(200).json()["inputs"], "line")
}

func TestSectionRefusesOverHTTP(t *testing.T) {
	c := newPipeCity(t)
	for body, says := range map[string]string{
		"":                                      "not a JSON object",
		"{}":                                    "inputs.line is missing",
		`{"inputs":{"line":7}}`:                 "inputs.line is not a GeoJSON LineString",
		`{"inputs":{"line":{}}}`:                "give a GeoJSON LineString",
		fmt.Sprintf(lineBody, `,"reach":51`):    "reach: 51 m; expected 0 to 50",
		fmt.Sprintf(lineBody, `,"reach":"far"`): "inputs.reach is a JSON string; the inputs are line",
		fmt.Sprintf(lineBody, `,"foo":1`):       "There is no input \\\"foo\\\"; the inputs are line",
		fmt.Sprintf(lineBody, `,"layers":["buildings"]`):                                         "no layer \\\"buildings\\\" of pipes",
		fmt.Sprintf(lineBody, `,"layers":["../x"]`):                                              "layer id",
		`{"inputs":{"line":{"type":"Point","coordinates":[1,2]}}}`:                               "give a GeoJSON LineString",
		`{"inputs":{"line":{"type":"LineString","coordinates":[1,2]}}}`:                          "the coordinates are not those of a GeoJSON LineString",
		`{"inputs":{"line":{"type":"LineString","coordinates":[[-179.9999,28],[179.9999,28]]}}}`: "crosses the 180th meridian before vertex 2",
		`{"inputs":{"line":{"type":"Polygon","coordinates":[]}}}`:                                "has the type \\\"Polygon\\\"",
		`{"inputs":{"line":{"type":"LineString","coordinates":[]}}}`:                             "at least two different vertices; got 0",
		`{"inputs":{"line":{"type":"LineString","coordinates":[[1,2],[null,3]]}}}`:               "vertex 2 is not a longitude",
		`{"inputs":{"line":{"type":"LineString","coordinates":[[0,0],[9,9]]}}}`:                  "a section is at most 20000 m",
		`{"inputs":{"line":{"type":"LineString","coordinates":[[0,0],[0,95]]}}}`:                 "vertex 2 is at 0, 95",
	} {
		a := c.do("POST", sectionPath, body)
		require.Equal(t, 400, a.status, "%s: %s", body, a.body)
		require.Contains(t, string(a.body), says, body)
	}
	c.do("POST", sectionPath, fmt.Sprintf(lineBody, ""), "Accept", "image/png").problem(406, "image/png is not offered")
}
