package server_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
)

// measuredCity is a city whose history has readings, one every 10 s of 100 s: the
// level of building 07 by its binding (0, 1, … 10), its tilt, the level of
// building 08 by the datastream "5" of SensorThings, and a pump bound to nothing.
func measuredCity(t *testing.T, policies func(*http.Request, layers.ID) layers.Policy) *city {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	for s := 0; s <= 100; s += 10 {
		ms := noon.Add(time.Duration(s) * time.Second).UnixMilli()
		number := func(stream, feature, property string, v float64) realtime.Observation {
			o := realtime.Observation{Datastream: stream, Feature: feature, Property: property, Time: ms, Received: ms + 200, Number: v}
			if feature != "" {
				o.Layer = "buildings"
			}
			return o
		}
		state := number("pump 3/state", "", "", 0)
		state.Type, state.Text, state.Parameters, state.ResultTime = realtime.ResultText, `on, "hot"`, `{"raw":1}`, ms+50
		require.NoError(t, log.Observations([]realtime.Observation{
			number("buildings/07/level", "07", "level", float64(s/10)), number("buildings/07/tilt", "07", "tilt", -1),
			number("5", "08", "level", 20), state,
		}))
	}
	require.NoError(t, log.Flush(t.Context()))
	c := newCityWith(t, nil, func(o *server.Options) { o.History = log })
	c.Config.Handler.(*server.Server).SetPolicies(policies)
	return c
}

func results(m map[string]any) (out []any) {
	for _, o := range m["observations"].([]any) {
		out = append(out, o.(map[string]any)["result"])
	}
	return out
}

const ofHour = "&end=2026-11-20T13:00:00Z"

func TestReadingsOfAnObject(t *testing.T) {
	c := measuredCity(t, nil)
	m, header := historyOf(t, c, "layer=buildings&feature=07&property=level&start="+clockTime(20)+"&end="+clockTime(50))
	require.Equal(t, []any{2.0, 3.0, 4.0, 5.0}, results(m), "from start to end, both included, in the order of time")
	require.Equal(t, "buildings", m["layer"])
	require.Equal(t, "07", m["feature"])
	require.Equal(t, "level", m["property"])
	require.Equal(t, clockTime(20), m["start"])
	require.Equal(t, map[string]any{"time": clockTime(20), "received": "2026-11-20T12:00:20.2Z", "result": 2.0, "flags": 0.0, "datastream": "buildings/07/level"},
		m["observations"].([]any)[0])
	require.Empty(t, header.Get("Link"))
	m, _ = historyOf(t, c, "layer=buildings&id=08&property=level"+ofHour)
	require.Len(t, results(m), 11, "of a datastream that is bound to the object")
	require.Equal(t, "5", m["observations"].([]any)[0].(map[string]any)["datastream"])
	m, _ = historyOf(t, c, "layer=buildings&feature=07&property=unknown"+ofHour)
	require.Empty(t, results(m))

	m, _ = historyOf(t, c, "datastream=5"+ofHour)
	require.Len(t, results(m), 11)
	require.Equal(t, "08", m["observations"].([]any)[0].(map[string]any)["feature"])
	m, _ = historyOf(t, c, "datastream="+url.QueryEscape("pump 3/state")+ofHour)
	require.Equal(t, map[string]any{
		"time": clockTime(0), "received": "2026-11-20T12:00:00.2Z", "resultTime": "2026-11-20T12:00:00.05Z", "result": `on, "hot"`,
		"flags": 0.0, "parameters": map[string]any{"raw": 1.0},
	}, m["observations"].([]any)[0])
}

func TestReadingsArePaged(t *testing.T) {
	c := measuredCity(t, nil)
	var all []any
	pages := 0
	for next := "layer=buildings&feature=07&property=level&limit=4&datetime=" + url.QueryEscape(clockTime(0)+"/"+clockTime(100)); next != ""; pages++ {
		m, header := historyOf(t, c, next)
		all = append(all, results(m)...)
		next = ""
		if l, ok := m["links"]; ok {
			href := l.([]any)[0].(map[string]any)["href"].(string)
			require.Equal(t, "<"+href+`>; rel="next"`, header.Get("Link"))
			next = strings.SplitN(href, "?", 2)[1]
		}
	}
	require.Equal(t, []any{0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0}, all)
	require.Equal(t, 3, pages)
}

func TestReadingsInOtherFormats(t *testing.T) {
	c := measuredCity(t, nil)
	rows, err := csv.NewReader(strings.NewReader(string(c.get("/live/history?datastream=pump%203/state&f=csv" + ofHour).ok(200).body))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 12)
	require.Equal(t, []string{"time", "result", "resultTime", "received", "flags", "datastream", "layer", "feature", "property", "parameters"}, rows[0])
	require.Equal(t, []string{clockTime(10), `on, "hot"`, "2026-11-20T12:00:10.05Z", "2026-11-20T12:00:10.2Z", "0", "pump 3/state", "", "", "", `{"raw":1}`}, rows[2])

	for _, of := range []string{"layer=buildings&feature=08&property=level", "datastream=pump%203/state"} {
		lines := strings.Split(strings.TrimSpace(string(c.get("/live/history?f=ndjson&"+of+ofHour).ok(200).body)), "\n")
		require.Len(t, lines, 11)
		for _, l := range lines {
			var o realtime.Observation
			require.NoError(t, realtime.DecodeObservation([]byte(l), &o), "it can be sent again: %s", l)
		}
	}
	a := c.do("HEAD", "/live/history?f=csv&datastream=5"+ofHour, "").ok(200)
	require.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
	require.Empty(t, a.body)
}

func TestReadingsByIntervals(t *testing.T) {
	c := measuredCity(t, nil)
	const level = "layer=buildings&feature=07&property=level&every=60s"
	m, _ := historyOf(t, c, level+ofHour)
	require.InDelta(t, 60, m["every"], 0)
	require.Equal(t, []any{
		map[string]any{"time": clockTime(0), "count": 6.0, "min": 0.0, "mean": 2.5, "max": 5.0},
		map[string]any{"time": clockTime(60), "count": 5.0, "min": 6.0, "mean": 8.0, "max": 10.0},
	}, m["intervals"])
	m, _ = historyOf(t, c, level+"&start="+clockTime(50)+"&end="+clockTime(60))
	require.Equal(t, []any{
		map[string]any{"time": clockTime(0), "count": 1.0, "min": 5.0, "mean": 5.0, "max": 5.0},
		map[string]any{"time": clockTime(60), "count": 1.0, "min": 6.0, "mean": 6.0, "max": 6.0},
	}, m["intervals"], "only what start and end include")
	m, _ = historyOf(t, c, "datastream=pump%203/state&every=1h"+ofHour)
	require.Equal(t, []any{map[string]any{"time": clockTime(0), "count": 11.0, "min": nil, "mean": nil, "max": nil}}, m["intervals"], "texts have no mean")
	require.Equal(t, "time,count,min,mean,max\r\n"+clockTime(0)+",6,0,2.5,5\r\n"+clockTime(60)+",5,6,8,10\r\n",
		string(c.get("/live/history?f=csv&"+level+ofHour).ok(200).body))
	require.Len(t, strings.Split(strings.TrimSpace(string(c.get("/live/history?f=ndjson&"+level+ofHour).ok(200).body)), "\n"), 2)
}

func TestReadingsObeyTheReadersRights(t *testing.T) {
	who := func(r *http.Request, id layers.ID) layers.Policy {
		switch r.Header.Get("Reader") {
		case "none":
			return layers.Policy{Deny: id == "buildings"}.WithKey("none")
		case "blind":
			return layers.Policy{Hidden: []string{"level"}}.WithKey("blind")
		case "eighth":
			return layers.Policy{Rows: layers.Comparison{Property: "name", Op: layers.Equal, Value: layers.StringValue("Hall I")}}.WithKey("eighth")
		}
		return layers.Policy{}
	}
	c := measuredCity(t, who)
	count := func(reader, query string) int {
		return len(results(c.get("/live/history?"+query+ofHour, "Reader", reader).ok(200).json()))
	}
	c.get("/live/history?layer=buildings&feature=08&property=level"+ofHour, "Reader", "none").problem(404, `no layer "buildings"`)
	require.Equal(t, 0, count("none", "datastream=5"))
	require.Equal(t, 11, count("none", "datastream=pump%203/state"))
	for query, want := range map[string]map[string]int{
		"layer=buildings&feature=08&property=level": {"": 11, "blind": 0, "eighth": 11},
		"layer=buildings&feature=07&property=level": {"": 11, "blind": 0, "eighth": 0},
		"layer=buildings&feature=07&property=tilt":  {"": 11, "blind": 11, "eighth": 0},
		"datastream=5":                  {"": 11, "blind": 0, "eighth": 11},
		"datastream=buildings/07/level": {"": 11, "blind": 0, "eighth": 0},
	} {
		for reader, n := range want {
			require.Equal(t, n, count(reader, query), "%s by %q", query, reader)
		}
	}
	m := c.get("/live/history?datastream=5&every=1h"+ofHour, "Reader", "blind").ok(200).json()
	require.Empty(t, m["intervals"])
}

func TestReadingsRefuseWithSentences(t *testing.T) {
	c := measuredCity(t, nil)
	for query, want := range map[string]string{
		"feature=07":                               "expected the id of the layer",
		"layer=buildings&feature=07":               "Give feature and property",
		"layer=buildings&property=level":           "Give feature and property",
		"layer=buildings&datastream=5":             "one or the other",
		"datastream=":                              "one or the other",
		"datastream=5&f=geojson":                   "use f=json, ndjson or csv",
		"datastream=5&every=often":                 `every "often"`,
		"datastream=5&every=1ms":                   "at least 1s",
		"datastream=5&every=60s&limit=7":           "leave out limit",
		"datastream=5&every=1s":                    "at most 10000 are possible",
		"datastream=5&colour=red":                  "Unknown query parameter",
		"datastream=5&start=soon":                  "expected an RFC 3339 instant",
		"datastream=5&limit=none":                  "expected a whole number",
		"datastream=5&bbox=1,2,3,4":                "Unknown query parameter",
		"layer=vehicles&feature=a&id=a&property=b": "one or the other",
	} {
		c.get("/live/history?"+query).problem(400, want)
	}
	c.get("/live/history?layer=nothing&feature=1&property=level").problem(404, `no layer "nothing"`)
}

func TestReadingsOfOneMomentStayOnOnePage(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	for i := range 7 {
		require.NoError(t, log.Observations([]realtime.Observation{{Datastream: "x", Time: noon.UnixMilli() + int64(i/5), Received: noon.UnixMilli() + int64(i), Number: float64(i)}}))
	}
	require.NoError(t, log.Flush(t.Context()))
	c := newCityWith(t, nil, func(o *server.Options) { o.History = log })
	m, header := historyOf(t, c, "datastream=x&limit=2&start="+fmt.Sprint(clockTime(0), ofHour))
	require.Equal(t, []any{0.0, 1.0, 2.0, 3.0, 4.0}, results(m))
	require.Contains(t, header.Get("Link"), url.QueryEscape("2026-11-20T12:00:00.001Z"))
}
