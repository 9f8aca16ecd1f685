package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/realtime"
	"twind/realtime/history"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func clockTime(s int) string {
	return noon.Add(time.Duration(s) * time.Second).Format(time.RFC3339)
}

// pastCity is a city whose history has three vehicles: a drives east through the
// box for 100 s, b stands in it and falls silent after 10 s, c never comes near.
func pastCity(t *testing.T) *city {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	add := func(id string, s int, lon, lat, z float64) {
		ms := noon.Add(time.Duration(s) * time.Second).UnixMilli()
		require.NoError(t, log.Positions("vehicles", []realtime.Believed{{
			ID: id, Time: ms, Received: ms + 200, Lon: lon, Lat: lat, Z: z, Course: 90, Speed: math.NaN(),
			Properties: []byte(`{"line":"4","note":"a, \"b\""}`),
		}}))
	}
	for s := 0; s <= 100; s += 10 {
		add("a", s, -74.01+float64(s)*0.0002, 40.7, float64(s))
		add("c", s, 0.5, 51.5, math.NaN())
	}
	add("b", 0, -74.002, 40.7, math.NaN())
	add("b", 10, -74.001, 40.7, math.NaN())
	require.NoError(t, log.Flush(t.Context()))
	return newCityWith(t, nil, func(o *server.Options) { o.History = log })
}

func historyOf(t *testing.T, c *city, query string) (map[string]any, http.Header) {
	t.Helper()
	resp, b := fetch(c, "/live/history?"+query)
	require.Equal(t, 200, resp.status, "%s", b)
	var m map[string]any
	require.NoError(t, json.Unmarshal(b, &m), "%s", b)
	return m, resp.header
}

func fetch(c *city, path string) (answer, []byte) {
	a := c.get(path)
	return a, a.body
}

func ids(m map[string]any) (out []string) {
	for _, f := range m["features"].([]any) {
		out = append(out, f.(map[string]any)["id"].(string))
	}
	return out
}

func TestHistoryOfOneEntity(t *testing.T) {
	c := pastCity(t)
	m, _ := historyOf(t, c, "layer=vehicles&id=a&start="+clockTime(20)+"&end="+clockTime(50))
	require.Equal(t, "LineString", m["geometry"].(map[string]any)["type"])
	coordinates := m["geometry"].(map[string]any)["coordinates"].([]any)
	require.Len(t, coordinates, 4)
	require.InDeltaSlice(t, []any{-74.006, 40.7, 20.0}, coordinates[0], 1e-9)
	p := m["properties"].(map[string]any)
	require.Equal(t, []any{clockTime(20), clockTime(30), clockTime(40), clockTime(50)}, p["times"])
	require.Equal(t, []any{nil, nil, nil, nil}, p["speeds"])
	require.NotContains(t, m, "links")
	m, _ = historyOf(t, c, "layer=vehicles&id=a&start=0001-01-01T00:00:00Z&end=2100-01-01T00:00:00Z")
	require.Len(t, m["properties"].(map[string]any)["times"], 11, "the beginning of the year 1 is a start")

	var times []any
	pages := 0
	for next := "layer=vehicles&id=a&limit=4&datetime=" + url.QueryEscape(clockTime(0)+"/"+clockTime(100)); next != ""; pages++ {
		m, header := historyOf(t, c, next)
		times = append(times, m["properties"].(map[string]any)["times"].([]any)...)
		next = ""
		if l, ok := m["links"]; ok {
			href := l.([]any)[0].(map[string]any)["href"].(string)
			require.Equal(t, "<"+href+`>; rel="next"`, header.Get("Link"))
			next = strings.SplitN(href, "?", 2)[1]
		}
	}
	require.Equal(t, 3, pages)
	require.Len(t, times, 11)
	require.Equal(t, clockTime(0), times[0])
	require.Equal(t, clockTime(100), times[10])

	m, _ = historyOf(t, c, "layer=vehicles&id=a&datetime="+clockTime(30))
	require.Equal(t, "Point", m["geometry"].(map[string]any)["type"])
	m, _ = historyOf(t, c, "layer=vehicles&id=nobody&start="+clockTime(0))
	require.Nil(t, m["geometry"])

	_, b := fetch(c, "/live/history?layer=vehicles&id=b&f=csv&end="+clockTime(100))
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"layer", "id", "time", "received", "lon", "lat", "z", "course", "speed", "flags", "properties"}, rows[0])
	require.Equal(t, []string{"vehicles", "b", clockTime(0), "2026-11-20T12:00:00.2Z", "-74.002", "40.7", "", "90", "", "0", `{"line":"4","note":"a, \"b\""}`}, rows[1])

	_, b = fetch(c, "/live/history?layer=vehicles&id=a&f=ndjson&end="+clockTime(100))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Len(t, lines, 11)
	for _, l := range lines {
		var p realtime.Position
		require.NoError(t, realtime.DecodePosition([]byte(l), &p), "it can be sent again: %s", l)
		require.Equal(t, "a", p.ID)
		require.JSONEq(t, `{"line":"4","note":"a, \"b\""}`, string(p.Properties))
	}
}

func TestHistoryOfABox(t *testing.T) {
	c := pastCity(t)
	const box = "layer=vehicles&bbox=-74.011,40.69,-73.9995,40.71&datetime="
	at := func(s int) map[string]any {
		m, _ := historyOf(t, c, box+clockTime(s))
		return m
	}
	require.Equal(t, []string{"a", "b"}, ids(at(15)))
	f := at(15)["features"].([]any)[0].(map[string]any)
	require.InDelta(t, -74.008, f["geometry"].(map[string]any)["coordinates"].([]any)[0], 1e-9, "the latest before it")
	require.Equal(t, "live", f["properties"].(map[string]any)["state"])
	require.Equal(t, []string{"a"}, ids(at(45)), "b is silent for over 30 s")
	require.Equal(t, []string{}, append([]string{}, ids(at(75))...), "a has left the box, although it was in it before")
	m, _ := historyOf(t, c, box+clockTime(45)+"&state=all")
	require.Equal(t, []string{"a", "b"}, ids(m))
	require.Equal(t, "stale", m["features"].([]any)[1].(map[string]any)["properties"].(map[string]any)["state"])
	m, header := historyOf(t, c, box+clockTime(15)+"&limit=1")
	require.Equal(t, []string{"a"}, ids(m))
	next, _, _ := strings.Cut(strings.TrimPrefix(header.Get("Link"), "<"), ">")
	address, err := url.Parse(next)
	require.NoError(t, err)
	require.NotEmpty(t, address.Query().Get("cursor"))
	m, _ = historyOf(t, c, address.RawQuery)
	require.Equal(t, []string{"b"}, ids(m))
	require.NotContains(t, m, "links")

	m, _ = historyOf(t, c, box+url.QueryEscape(clockTime(5)+"/"+clockTime(100)))
	require.Equal(t, []string{"a", "b"}, ids(m))
	p := m["features"].([]any)[0].(map[string]any)["properties"].(map[string]any)
	require.Equal(t, clockTime(10), p["first"])
	require.Equal(t, clockTime(50), p["last"])
	require.InDelta(t, 5, p["positions"], 0)
}

func TestHistorySince(t *testing.T) {
	c := pastCity(t)
	var seen []string
	pages := 0
	for next := "layer=vehicles&limit=5&since=" + clockTime(45); next != ""; pages++ {
		m, _ := historyOf(t, c, next)
		for _, f := range m["features"].([]any) {
			p := f.(map[string]any)
			seen = append(seen, fmt.Sprint(p["id"], " ", p["properties"].(map[string]any)["time"]))
		}
		next = ""
		if l, ok := m["links"]; ok {
			next = strings.SplitN(l.([]any)[0].(map[string]any)["href"].(string), "?", 2)[1]
		}
	}
	var want []string
	for s := 50; s <= 100; s += 10 {
		want = append(want, "a "+clockTime(s), "c "+clockTime(s))
	}
	require.Equal(t, want, seen, "each once, in the order of receipt, whatever the pages")
	require.Equal(t, 2, pages, "a page ends with a whole moment")
	m, _ := historyOf(t, c, "layer=vehicles&id=c&since="+url.QueryEscape("2026-11-20T12:01:30.2Z"))
	require.Equal(t, []string{"c"}, ids(m), "after, not at")
	m, _ = historyOf(t, c, "layer=vehicles&bbox=-74.1,40,-73.9,41&since="+clockTime(75))
	require.Equal(t, []string{"a", "a", "a"}, ids(m))
	m, _ = historyOf(t, c, "layer=vehicles&since="+url.QueryEscape(time.Now().Format(time.RFC3339)))
	require.Empty(t, ids(m))
}

func TestHistoryRefusesWithSentences(t *testing.T) {
	c := pastCity(t)
	for query, want := range map[string]string{
		"":                                 "expected the id of a live layer",
		"layer=vehicles":                   "Give id",
		"layer=vehicles&id=a&bbox=1,2,3,4": "one of the two",
		"layer=vehicles&bbox=1,2,3,4":      "needs datetime",
		"layer=vehicles&bbox=1,2,3&datetime=2026-11-20T12:00:00Z":                 "expected four numbers",
		"layer=vehicles&bbox=1,2,3,4&datetime=soon":                               "expected an RFC 3339 instant",
		"layer=vehicles&bbox=1,2,3,4&datetime=2026-11-18/2026-11-20":              "one day at a time",
		"layer=vehicles&id=a&datetime=2026-11-20/..&start=2026-11-20":             "one or the other",
		"layer=vehicles&id=a&limit=0":                                             "expected a whole number",
		"layer=vehicles&id=a&f=xml":                                               "use f=geojson, ndjson or csv",
		"layer=vehicles&id=a&state=odd":                                           "state=live",
		"layer=vehicles&id=a&colour=red":                                          "Unknown query parameter",
		"layer=vehicles&since=yesterday":                                          `since "yesterday"`,
		"layer=vehicles&id=a&start=2026-11-21T00:00:00Z&end=2026-11-20T00:00:00Z": "begins at 2026-11-21T00:00:00Z, after its end 2026-11-20T00:00:00Z",
		"layer=vehicles&id=a&cursor=b":                                            "cursor is not one that a next link gave",
		"layer=vehicles&bbox=1,2,3,4&datetime=2026-11-20T12:00:00Z&cursor=!!!":    "cursor is not one that a next link gave",
		"layer=vehicles&bbox=1,2,3,4&datetime=2026-11-20T12:00:00Z&cursor=YQ":     "cursor is not one that a next link gave",
		"layer=vehicles&since=2026-11-20T12:00:00Z&end=2026-11-20":                "leave out end",
	} {
		resp, b := fetch(c, "/live/history?"+query)
		require.Equal(t, 400, resp.status, "%s: %s", query, b)
		var m struct{ Detail string }
		require.NoError(t, json.Unmarshal(b, &m))
		require.Contains(t, m.Detail, want, query)
	}
	resp, _ := fetch(c, "/live/history?layer=nothing&id=a")
	require.Equal(t, 404, resp.status)
	without := newCity(t, nil)
	resp, b := fetch(without, "/live/history?layer=vehicles&id=a")
	require.Equal(t, 501, resp.status)
	require.Contains(t, string(b), "records no history")
}

func TestObservationsAreTaken(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	ob, err := realtime.NewObservatory(realtime.ObservatoryOptions{Journal: log})
	require.NoError(t, err)
	c := newCityWith(t, nil, func(o *server.Options) { o.Observatory = ob })
	body := `{"layer":"buildings","id":"07","property":"tilt","time":"` + time.Now().UTC().Format(time.RFC3339) + `","result":0.5}`
	a := c.do("POST", "/live/observations", body, "Content-Type", "application/json")
	require.Equal(t, 202, a.status, "%s", a.body)
	require.InDelta(t, 1, a.json()["accepted"], 0)
	_, known := ob.Of(realtime.Binding{Layer: "buildings", Feature: "07", Property: "tilt"})
	require.True(t, known)
	require.Equal(t, 403, c.do("POST", "/live/observations", body, "Origin", "https://elsewhere.example").status)
	require.Equal(t, 400, c.do("POST", "/live/observations?colour=red", body).status)
	a = newCity(t, nil).do("POST", "/live/observations", body)
	require.Equal(t, 501, a.status)
	require.Contains(t, string(a.body), "takes no observations")
}
