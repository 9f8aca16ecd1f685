package sensorthings_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime/sensorthings"
)

// heard is a broker that keeps what is sent.
type heard struct {
	mu       sync.Mutex
	topics   []string
	payloads []string
	deaf     bool // nobody hears
}

func (h *heard) Send(topic string, payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topics, h.payloads = append(h.topics, topic), append(h.payloads, string(payload))
}

func (h *heard) Hears(string) bool { return !h.deaf }

// take returns what was sent since the last call, by topic.
func (h *heard) take() map[string][]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string][]string{}
	for i, t := range h.topics {
		out[t] = append(out[t], h.payloads[i])
	}
	h.topics, h.payloads = nil, nil
	return out
}

// told is a service with a Thing that has a place and two Datastreams, and its
// topics.
func told(t *testing.T) (*client, *sensorthings.Topics, *heard) {
	t.Helper()
	s := open(t, t.TempDir())
	c := serve(t, s, sensorthings.HandlerOptions{})
	topics, h := sensorthings.NewTopics(s, sensorthings.TopicOptions{Base: c.base}), &heard{}
	topics.Connect(h)
	streams := stream(1, `,"Sensor":`+sensor(1)+`,"ObservedProperty":`+property(1)) + "," + stream(2, `,"Sensor":`+sensor(2)+`,"ObservedProperty":`+property(2))
	c.post("/Things", `{"name":"pump","description":"p","Locations":[`+location(1)+`],"Datastreams":[`+streams+`]}`)
	return c, topics, h
}

func watch(t *testing.T, topics *sensorthings.Topics, list ...string) {
	t.Helper()
	for _, topic := range list {
		require.NoError(t, topics.Watch(topic), topic)
		require.True(t, topics.Watched(topic))
	}
}

func TestSubscribersAreToldOfObservations(t *testing.T) {
	c, topics, h := told(t)
	all := []string{
		"v1.1/Observations", "v1.1/Datastreams(1)/Observations", "v1.1/Datastreams(2)/Observations", "v1.1/Observations?$select=result,phenomenonTime",
		"v1.1/Datastreams(1)/Observations?$select=result", "v1.1/FeaturesOfInterest(1)/Observations", "v1.1/Things(1)/Datastreams(1)/Observations",
		"v1.1/Things(1)/Datastreams(2)/Observations", "v1.1/Datastreams(1)", "v1.1/Datastreams(1)/phenomenonTime", "v1.1/FeaturesOfInterest",
		"v1.1/Observations(1)", "v1.1/Observations(1)/result", "v1.1/Observations(1)/Datastream", "v1.1/Locations",
	}
	watch(t, topics, all...)
	require.NoError(t, topics.Create(t.Context(), "v1.1/Datastreams(1)/Observations", []byte(`{"phenomenonTime":"2026-11-22T08:00:00.000Z","result":1.5,"resultTime":null}`)))
	got := h.take()
	_, whole := c.raw("GET", "/Observations(1)", "")
	_, feature := c.raw("GET", "/FeaturesOfInterest(1)", "")
	require.Equal(t, map[string][]string{
		"v1.1/Observations":                               {string(whole)},
		"v1.1/Datastreams(1)/Observations":                {string(whole)},
		"v1.1/Observations?$select=result,phenomenonTime": {`{"phenomenonTime":"2026-11-22T08:00:00.000Z","result":1.5}`},
		"v1.1/Datastreams(1)/Observations?$select=result": {`{"result":1.5}`},
		"v1.1/FeaturesOfInterest(1)/Observations":         {string(whole)},
		"v1.1/Things(1)/Datastreams(1)/Observations":      {string(whole)},
		"v1.1/Datastreams(1)/phenomenonTime":              {`{"phenomenonTime":"2026-11-22T08:00:00.000Z/2026-11-22T08:00:00.000Z"}`},
		"v1.1/FeaturesOfInterest":                         {string(feature)},
		"v1.1/Observations(1)":                            {string(whole)},
		"v1.1/Observations(1)/result":                     {`{"result":1.5}`},
	}, got, "as a GET shows them")

	// A change tells once more, of what has changed; what stays is not told.
	c.status(200, "PATCH", "/Observations(1)", `{"result":2}`)
	got = h.take()
	require.Len(t, got["v1.1/Datastreams(1)/Observations"], 1)
	require.Equal(t, []string{`{"result":2}`}, got["v1.1/Observations(1)/result"])
	require.Equal(t, []string{`{"result":2}`}, got["v1.1/Datastreams(1)/Observations?$select=result"])
	require.NotContains(t, got, "v1.1/Datastreams(1)/phenomenonTime")
	c.status(200, "PATCH", "/Observations(1)", `{"result":2}`)
	require.Empty(t, h.take(), "nothing has changed")

	// By HTTP, in batches too.
	c.post("/Datastreams(2)/Observations", `{"result":"open"}`)
	require.Len(t, h.take()["v1.1/Things(1)/Datastreams(2)/Observations"], 1)
	c.status(201, "POST", "/CreateObservations", `[{"Datastream":{"@iot.id":1},"components":["result"],"dataArray":[[7],[8]]}]`)
	require.Equal(t, []string{`{"result":7}`, `{"result":8}`}, h.take()["v1.1/Datastreams(1)/Observations?$select=result"], "in order")

	c.status(200, "DELETE", "/Observations(1)", "")
	require.NotContains(t, h.take(), "v1.1/Observations")
}

func TestSubscribersAreToldOfEntities(t *testing.T) {
	c, topics, h := told(t)
	watch(t, topics, "v1.1/Things", "v1.1/Things(1)", "v1.1/Things(1)/name", "v1.1/Things(1)/properties", "v1.1/Things(1)?$select=name,id", "v1.1/Things(2)/name",
		"v1.1/Things(1)/Locations", "v1.1/HistoricalLocations", "v1.1/Locations(1)/name", "v1.1/Datastreams(1)/Thing", "v1.1/Datastreams(1)/Thing/name")
	c.status(200, "PATCH", "/Things(1)", `{"name":"泵 1"}`)
	got := h.take()
	require.Equal(t, []string{`{"name":"泵 1"}`}, got["v1.1/Things(1)/name"])
	require.Equal(t, []string{`{"name":"泵 1"}`}, got["v1.1/Datastreams(1)/Thing/name"])
	require.Equal(t, []string{`{"@iot.id":1,"name":"泵 1"}`}, got["v1.1/Things(1)?$select=name,id"])
	_, whole := c.raw("GET", "/Things(1)", "")
	for _, topic := range []string{"v1.1/Things", "v1.1/Things(1)", "v1.1/Datastreams(1)/Thing"} {
		require.Equal(t, []string{string(whole)}, got[topic], topic)
	}
	require.Len(t, got, 6)

	c.post("/Things", `{"name":"second","description":"s"}`)
	got = h.take()
	require.Len(t, got["v1.1/Things"], 1)
	require.Equal(t, []string{`{"name":"second"}`}, got["v1.1/Things(2)/name"], "it was watched before it was")
	require.NotContains(t, got, "v1.1/Things(1)")

	c.post("/Things(1)/Locations", location(2))
	got = h.take()
	require.Len(t, got["v1.1/HistoricalLocations"], 1)
	require.Len(t, got["v1.1/Things(1)/Locations"], 1)
	require.Len(t, got["v1.1/Things(1)"], 1, "it has moved")
	c.status(400, "PATCH", "/Things(1)", `{"name":5}`)
	require.Empty(t, h.take(), "what was refused is not told")
	c.status(200, "PATCH", "/Things(1)", fmt.Sprintf(`{"properties":{"a":%q}}`, strings.Repeat("x", sensorthings.MaxNotice)))
	require.Equal(t, map[string][]string{"v1.1/Things(1)?$select=name,id": {`{"@iot.id":1,"name":"泵 1"}`}}, h.take(), "the rest is too large")
}

func TestTopicsThatTellOfNothing(t *testing.T) {
	_, topics, _ := told(t)
	for topic, want := range map[string]string{
		"v1.1/#":                             "wildcards",
		"v1.1/Datastreams(1)/+":              "wildcards",
		"v1.1/Datastream(1)":                 "no entity set Datastream",
		"v1.1/Things(x)":                     "whole numbers",
		"v1.1/Things(0)":                     "whole numbers",
		"v1.1/Things(1)/colour":              "has no colour",
		"v1.1/Things/Datastreams":            "no Datastreams below",
		"v1.1/Things(1)/name/$value":         "no $value below",
		"v1.1/Datastreams(1)/Thing(2)":       "no id can follow",
		"v1.1/Observations?$filter=result":   "$filter",
		"v1.1/Observations?$top=3":           "only $select",
		"v1.1/Observations?$select=colour":   "no member",
		"v1.1/Things(1)/name?$select=name":   "only $select is possible, of entities",
		"v1.1/" + strings.Repeat("x", 5_000): "at most 4096",
		"v1.1/":                              "no entity set",
		"v1.1/" + strings.Repeat("Things(1)/Datastreams(1)/Thing/", 5): "more than 10",
	} {
		err := topics.Watch(topic)
		require.ErrorIs(t, err, layers.ErrInvalid, "%.60s", topic)
		require.ErrorContains(t, err, want, "%.60s", topic)
		require.False(t, topics.Watched(topic))
	}
	for i := range 300 {
		err := topics.Watch(fmt.Sprintf("v1.1/Things(1)/Datastreams(1)/Observations(%d)", i+1))
		if i >= 256 {
			require.ErrorContains(t, err, "only 256 topics")
		}
	}
}

func TestCreatingByTopicIsRefused(t *testing.T) {
	c, topics, h := told(t)
	watch(t, topics, "v1.1/Observations", "v1.1/Things")
	before := c.counts()
	for _, x := range [][3]string{
		{"v1.1/Things", `{"name":"a","description":"b"}`, "only Observations can be made"},
		{"v1.1/Observations(1)", `{"result":1}`, "does not exist"},
		{"v1.1/Datastreams(9)/Observations", `{"result":1}`, "does not exist"},
		{"v1.1/Datastreams(1)/Observations", `nonsense`, "no JSON"},
		{"v1.1/Datastreams(1)/Observations", "{\"result\":\"\xff\"}", "UTF-8"},
		{"v1.1/Datastreams(1)/Observations", `{}`, "needs result"},
		{"v1.1/Datastreams(1)/Observations", `{"result":1,"phenomenonTime":"soon"}`, "expected a time"},
		{"v1.1/Datastreams(1)/Observations", strings.Repeat("[", 100_000), "deeper"},
		{"v1.1/Observations", `{"result":1}`, "needs a Datastream"},
		{"v1.1", `{"result":1}`, "are published on"},
	} {
		err := topics.Create(t.Context(), x[0], []byte(x[1]))
		require.ErrorIs(t, err, layers.ErrInvalid, x[0])
		require.ErrorContains(t, err, x[2])
	}
	require.Equal(t, before, c.counts())
	require.Empty(t, h.take())
}

func TestTopicsThatNobodyHearsAreForgotten(t *testing.T) {
	now := time.Now()
	s, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	topics, h := sensorthings.NewTopics(s, sensorthings.TopicOptions{Base: "http://x"}), &heard{}
	topics.Connect(h)
	c := serve(t, s, sensorthings.HandlerOptions{})
	watch(t, topics, "v1.1/Things", "v1.1/Locations", "v1.1/Things(1)/Locations", "v1.1/Things(1)", "v1.1/Things(1)/Datastreams(2)/Observations")
	c.post("/Things", `{"name":"a","description":"b"}`)
	require.Len(t, h.take()["v1.1/Things"], 1)
	now = now.Add(time.Hour)
	c.post("/Things", `{"name":"a","description":"b"}`)
	require.True(t, topics.Watched("v1.1/Locations"), "it is heard")
	h.deaf = true
	now = now.Add(time.Hour)
	c.post("/Things", `{"name":"a","description":"b"}`)
	for _, topic := range []string{"v1.1/Things", "v1.1/Locations", "v1.1/Things(1)/Locations", "v1.1/Things(1)", "v1.1/Things(1)/Datastreams(2)/Observations"} {
		require.False(t, topics.Watched(topic), topic)
	}
	h.take()
	c.post("/Things", `{"name":"a","description":"b"}`)
	require.Empty(t, h.take())
}

// Many writers at once: each Observation is told once, and those of one writer in
// the order of its writes.
func TestNoticesOfManyWriters(t *testing.T) {
	_, topics, h := told(t)
	watch(t, topics, "v1.1/Observations?$select=result")
	var wait sync.WaitGroup
	const writers, each = 8, 25
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if err := topics.Create(t.Context(), "v1.1/Datastreams(1)/Observations", fmt.Appendf(nil, `{"result":%d}`, w*1000+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	last := map[int]int{}
	got := h.take()["v1.1/Observations?$select=result"]
	require.Len(t, got, writers*each)
	for _, payload := range got {
		var o struct{ Result int }
		require.NoError(t, json.Unmarshal([]byte(payload), &o))
		w, i := o.Result/1000, o.Result%1000
		require.Equal(t, last[w], i, "writer %d", w)
		last[w]++
	}
}

func FuzzTopic(f *testing.F) {
	s, err := sensorthings.Open(sensorthings.Options{Dir: f.TempDir()})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, s.Close()) })
	topics, h := sensorthings.NewTopics(s, sensorthings.TopicOptions{Base: "http://x"}), &heard{}
	topics.Connect(h)
	for _, topic := range []string{"v1.1/Things(1)/name", "v1.1/Observations?$select=result", "v1.1/Datastreams(1)/Observations", "v1.1/Things(1)/Datastreams(2)/Sensor/name", "v1.1/Things(", "v1.1//"} {
		f.Add(topic, `{"name":"a","description":"b"}`)
		f.Add(topic, `{"result":1,"Datastream":{"@iot.id":1}}`)
	}
	f.Fuzz(func(t *testing.T, topic, body string) {
		if err := topics.Watch(topic); err != nil {
			require.NotEmpty(t, err.Error())
		}
		if err := topics.Create(t.Context(), topic, []byte(body)); err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}
