package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newHub(t *testing.T, o realtime.Options, live layers.Live) (*realtime.Hub, *clock) {
	clk := newClock()
	o.Now = clk.now
	if o.Codec == nil {
		o.Codec = wire.NewCodec()
	}
	hub := realtime.New(o)
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", live)))
	return hub, clk
}

func apply(t *testing.T, h *realtime.Hub, ps ...realtime.Position) realtime.Result {
	r, err := h.Apply(context.Background(), ps)
	require.NoError(t, err)
	return r
}

// watch attaches a viewer of everything around Manhattan.
func watch(t *testing.T, h *realtime.Hub, json bool, s realtime.Subscription) (*realtime.Viewer, *client) {
	v, err := h.Attach(json)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	c := newClient(t, json, "vehicles")
	c.take(v.Take())
	if s.Layers == nil {
		s.Layers = []layers.ID{"vehicles"}
	}
	if s.BBox == (realtime.BBox{}) {
		s.BBox = realtime.BBox{-74.05, 40.68, -73.9, 40.8}
	}
	s.Zoom = max(s.Zoom, 12)
	_, _, err = v.Subscribe(s)
	require.NoError(t, err)
	return v, c
}

// tick runs one tick and gives the client what it brought.
func tick(h *realtime.Hub, v *realtime.Viewer, c *client) {
	v.Ready()
	h.Tick()
	c.take(v.Take())
}

func TestSilenceMakesStaleThenOfflineThenGone(t *testing.T) {
	// Zero times take the defaults: 10 s; 3, 10 and 30 periods.
	reg := prometheus.NewRegistry()
	hub, clk := newHub(t, realtime.Options{Registerer: reg}, layers.Live{})
	v, c := watch(t, hub, false, realtime.Subscription{})
	start := clk.t
	require.Equal(t, 1, apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t, -74, 40.75)).Accepted)

	for _, step := range []struct {
		silence time.Duration
		state   realtime.State
		count   realtime.Counts
	}{
		{0, realtime.StateLive, realtime.Counts{Live: 1}},
		{30*time.Second - time.Millisecond, realtime.StateLive, realtime.Counts{Live: 1}},
		{30 * time.Second, realtime.StateStale, realtime.Counts{Stale: 1}},
		{100*time.Second - time.Millisecond, realtime.StateStale, realtime.Counts{Stale: 1}},
		{100 * time.Second, realtime.StateOffline, realtime.Counts{Offline: 1}},
		{300*time.Second - time.Millisecond, realtime.StateOffline, realtime.Counts{Offline: 1}},
	} {
		clk.t = start.Add(step.silence)
		tick(hub, v, c)
		require.Equal(t, step.state, c.entities["a"].state, "on the map after %s", step.silence)
		e, err := hub.Find("vehicles", "a")
		require.NoError(t, err)
		require.Equal(t, step.state, e.State, "in the API after %s", step.silence)
		n, err := hub.Count("vehicles")
		require.NoError(t, err)
		require.Equal(t, step.count, n)
	}
	// A new position makes it live again.
	clk.t = start.Add(299 * time.Second)
	require.Equal(t, 1, apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t, -74, 40.75)).Accepted)
	tick(hub, v, c)
	require.Equal(t, realtime.StateLive, c.entities["a"].state)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP twind_live_entities Entities, by layer and state.
# TYPE twind_live_entities gauge
twind_live_entities{layer="vehicles",state="live"} 1
twind_live_entities{layer="vehicles",state="offline"} 0
twind_live_entities{layer="vehicles",state="stale"} 0
`), "twind_live_entities"))

	clk.t = clk.t.Add(300 * time.Second)
	tick(hub, v, c)
	require.Empty(t, c.entities)
	_, err := hub.Find("vehicles", "a")
	require.ErrorIs(t, err, layers.ErrNotFound)
	n, err := hub.Count("vehicles")
	require.NoError(t, err)
	require.Zero(t, n.Total())
}

func TestRulesForPositions(t *testing.T) {
	reg := prometheus.NewRegistry()
	hub, clk := newHub(t, realtime.Options{Registerer: reg, MaxEntities: 2}, layers.Live{MaxSpeed: 70})
	now := clk.t
	at := func(id string, t time.Time, lon, lat float64) realtime.Position {
		return realtime.NewPosition("vehicles", id, t, lon, lat)
	}
	require.Equal(t, 1, apply(t, hub, at("a", now, -74, 40.75)).Accepted)

	for _, c := range []struct {
		name   string
		p      realtime.Position
		reason string // "" is accepted
	}{
		{"NaN", at("a", now.Add(time.Second), math.NaN(), 40), "longitude NaN"},
		{"infinite", at("a", now.Add(time.Second), 1, math.Inf(1)), "latitude +Inf"},
		{"longitude 400", at("a", now.Add(time.Second), 400, 40), "longitude 400"},
		{"latitude 91", at("a", now.Add(time.Second), 4, 91), "latitude 91"},
		{"null island", at("a", now.Add(time.Second), 0, 0), "both 0"},
		{"no id", at("", now.Add(time.Second), 1, 1), "id of 0 bytes"},
		{"an id of 10 KB", at(strings.Repeat("x", 10<<10), now.Add(time.Second), 1, 1), "id of 10240 bytes"},
		{"a control character", at("a\n", now.Add(time.Second), 1, 1), "control character"},
		{"no time", realtime.Position{Layer: "vehicles", ID: "a", Lon: 1, Lat: 1}, "time is missing"},
		{"older", at("a", now.Add(-time.Millisecond), -74, 40.75), "earlier time"},
		{"duplicate", at("a", now, -74.001, 40.75), "same time"},
		{"a day ahead", at("a", now.Add(24*time.Hour+time.Second), -74, 40.75), "ahead of the server's clock"},
		{"a jump", at("a", now.Add(time.Second), -74.1, 40.75), "is faster than"},
		{"the next agrees with the jump", at("a", now.Add(2*time.Second), -74.1, 40.7501), ""},
		{"another layer", realtime.NewPosition("trains", "a", now, 1, 1), `no live layer "trains": there are vehicles`},
		{"the second entity", at("b", now, -74, 40.75), ""},
		{"the third", at("c", now, -74, 40.75), "holds 2 entities"},
	} {
		r := apply(t, hub, c.p)
		if c.reason == "" {
			require.Equal(t, 1, r.Accepted, "%s: %v", c.name, r.Refused)
			continue
		}
		require.Len(t, r.Refused, 1, c.name)
		require.Contains(t, r.Refused[0].Reason, c.reason, c.name)
		require.LessOrEqual(t, len(r.Refused[0].ID), 90, c.name)
	}
	// None of the refused moved it.
	e, err := hub.Find("vehicles", "a")
	require.NoError(t, err)
	require.Equal(t, [2]float64{-74.1, 40.7501}, [2]float64{e.Lon, e.Lat})
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP twind_live_positions_total Positions received, by layer and by what became of them.
# TYPE twind_live_positions_total counter
twind_live_positions_total{layer="vehicles",outcome="accepted"} 3
twind_live_positions_total{layer="vehicles",outcome="duplicate"} 1
twind_live_positions_total{layer="vehicles",outcome="full"} 1
twind_live_positions_total{layer="vehicles",outcome="future"} 1
twind_live_positions_total{layer="vehicles",outcome="invalid"} 9
twind_live_positions_total{layer="vehicles",outcome="jump"} 1
twind_live_positions_total{layer="vehicles",outcome="older"} 1
twind_live_positions_total{layer="vehicles",outcome="unknown-layer"} 0
`), "twind_live_positions_total"))
}

func TestClocksOfSources(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	now := clk.t
	for _, c := range []struct {
		name  string
		time  time.Time
		taken time.Time
		flags realtime.Flag
	}{
		{"right", now, now, 0},
		{"60 s ahead is kept", now.Add(time.Minute), now.Add(time.Minute), 0},
		{"61 s ahead takes the server's time", now.Add(61 * time.Second), now, realtime.FlagAhead},
		{"a day ahead too", now.Add(24 * time.Hour), now, realtime.FlagAhead},
		{"an hour behind is late", now.Add(-time.Hour), now.Add(-time.Hour), realtime.FlagLate},
		{"1,024 weeks behind is corrected", now.Add(-7168 * 24 * time.Hour), now, realtime.FlagRollover},
	} {
		r := apply(t, hub, realtime.NewPosition("vehicles", c.name, c.time, 1, 1))
		require.Empty(t, r.Refused, c.name)
		e, err := hub.Find("vehicles", c.name)
		require.NoError(t, err)
		require.Equal(t, c.taken, e.Time, c.name)
		require.Equal(t, now, e.Received, c.name)
		require.Equal(t, c.flags, e.Flags, c.name)
	}
	clocks := map[string]string{}
	require.NoError(t, hub.Items(t.Context(), "vehicles", layers.Query{}, func(f *layers.Feature) error {
		clocks[f.ID] = f.Properties[5].Text()
		return nil
	}))
	require.Equal(t, map[string]string{
		"right": "ok", "60 s ahead is kept": "ok", "61 s ahead takes the server's time": "ahead", "a day ahead too": "ahead",
		"an hour behind is late": "late", "1,024 weeks behind is corrected": "rollover",
	}, clocks, "the API says so")

	// A correction is believed where it leads to about now.
	const week = 7 * 24 * time.Hour
	for name, behind := range map[string]time.Duration{"1999": now.Sub(time.Date(1999, 8, 22, 0, 0, 0, 0, time.UTC)), "1,023 weeks": 1023 * week, "1,033 weeks": 1033 * week} {
		r := apply(t, hub, realtime.NewPosition("vehicles", "old", now.Add(-behind), 1, 1))
		require.Len(t, r.Refused, 1, name)
		require.Contains(t, r.Refused[0].Reason, "years behind the server's clock; set the source's clock", name)
		require.Equal(t, realtime.Invalid, r.Refused[0].Outcome, name)
	}
	r := apply(t, hub, realtime.NewPosition("vehicles", "buffered", now.Add(-1031*week), 1, 1))
	require.Empty(t, r.Refused, "seven weeks late after the correction")
	e, err := hub.Find("vehicles", "buffered")
	require.NoError(t, err)
	require.Equal(t, now.Add(-7*week), e.Time)
}

func TestSourceAheadKeepsItsOrder(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	for i := range 3 {
		p := realtime.NewPosition("vehicles", "a", clk.t.Add(time.Hour+time.Duration(i)*time.Second), -74+float64(i), 40)
		require.Empty(t, apply(t, hub, p).Refused)
	}
	e, err := hub.Find("vehicles", "a")
	require.NoError(t, err)
	require.Equal(t, -72.0, e.Lon)
	require.Equal(t, clk.t.Add(2*time.Millisecond), e.Time)
}

func TestJumpThatIsNotConfirmedIsForgotten(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{MaxSpeed: 70})
	at := func(s int, lon float64) realtime.Result {
		return apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t.Add(time.Duration(s)*time.Second), lon, 40.75))
	}
	require.Equal(t, 1, at(0, -74).Accepted)
	require.Equal(t, realtime.Jump, at(1, -75).Refused[0].Outcome)
	require.Equal(t, 1, at(2, -74.0001).Accepted, "back where it was")
	require.Equal(t, realtime.Jump, at(3, -75).Refused[0].Outcome, "the earlier jump does not vouch for this one")
	require.Equal(t, realtime.Jump, at(4, -73).Refused[0].Outcome, "a jump elsewhere does not either")
	require.Equal(t, 1, at(5, -73.0001).Accepted)
	clk.t = clk.t.Add(time.Hour)
	require.Equal(t, 1, at(0, -72).Accepted, "an hour is enough for 84 km")
}

func TestProperties(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	second := 0
	send := func(props string) realtime.Result {
		second++
		p := realtime.NewPosition("vehicles", "a", clk.t.Add(time.Duration(second)*time.Second), -74, 40.75)
		if props != "" {
			p.Properties = []byte(props)
		}
		return apply(t, hub, p)
	}
	held := func() string {
		e, err := hub.Find("vehicles", "a")
		require.NoError(t, err)
		return string(e.Properties)
	}
	require.Empty(t, send(`{ "line" : "4" , "note":"a b", "doors": [1, 2], "crowded":true}`).Refused)
	require.Equal(t, `{"line":"4","note":"a b","doors":[1,2],"crowded":true}`, held())
	require.Empty(t, send("").Refused)
	require.Equal(t, `{"line":"4","note":"a b","doors":[1,2],"crowded":true}`, held(), "a position without properties leaves them")
	require.Empty(t, send(`{"line":"5"}`).Refused)
	require.Equal(t, `{"line":"5"}`, held(), "properties replace all of them")

	for props, reason := range map[string]string{
		`{"line":5}`:                  `property "line" is integer, expected string`,
		`{"load":"full"}`:             `property "load" is string, expected number`,
		`[1]`:                         "expected an object",
		`{"a":1`:                      "ends in the middle",
		`{"a":1}}`:                    "expected the end",
		`{"a":01}`:                    "expected a comma",
		"{\"a\":\"\xff\"}":            "not UTF-8",
		`{"":1}`:                      "name of 0 bytes",
		`{"a":[[[[[[[[[[1]]]]]]]]]]}`: "nested deeper",
		`{"a":"` + strings.Repeat("x", 9<<10) + `"}`: "at most 8192",
		manyProperties(65):                           "more than 64",
	} {
		r := send(props)
		require.Len(t, r.Refused, 1, props)
		require.Contains(t, r.Refused[0].Reason, reason)
	}
	require.Equal(t, `{"line":"5"}`, held(), "what is refused changes nothing")

	l, err := hub.Layer("vehicles")
	require.NoError(t, err)
	var names []string
	for _, p := range l.Schema {
		names = append(names, fmt.Sprint(p.Name, " ", p.Type))
	}
	require.Equal(t, []string{"time date-time", "received date-time", "state string", "course number", "speed number", "clock string",
		"line string", "load number", "note string", "doors string", "crowded boolean"}, names)
	require.NoError(t, l.Validate())
}

func manyProperties(n int) string {
	var b strings.Builder
	b.WriteString(`{"p0":0`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,"p%d":%d`, i, i)
	}
	return b.String() + "}"
}

func TestSameTimeWithOtherProperties(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	p := realtime.NewPosition("vehicles", "a", clk.t, -74, 40.75)
	p.Properties = []byte(`{"line":"1"}`)
	require.Equal(t, 1, apply(t, hub, p).Accepted)
	require.Equal(t, realtime.Duplicate, apply(t, hub, p).Refused[0].Outcome)
	p.Properties, p.Lon = []byte(`{"line":"2"}`), -75
	require.Equal(t, 1, apply(t, hub, p).Accepted)
	e, err := hub.Find("vehicles", "a")
	require.NoError(t, err)
	require.Equal(t, `{"line":"2"}`, string(e.Properties))
	require.Equal(t, -74.0, e.Lon, "only the properties are taken")
}

func TestLayersComeAndGo(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	require.ErrorIs(t, hub.AddLayer(liveLayer("vehicles", layers.Live{})), layers.ErrExists)
	require.ErrorIs(t, hub.AddLayer(layers.Layer{ID: "No"}), layers.ErrInvalid)
	v, c := watch(t, hub, false, realtime.Subscription{Layers: []layers.ID{"vehicles", "trains", "buildings"}})
	require.Equal(t, []string{"vehicles"}, c.layers)
	apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t, -74, 40.75))
	tick(hub, v, c)
	require.Len(t, c.entities, 1)

	require.NoError(t, hub.AddLayer(liveLayer("trains", layers.Live{})))
	apply(t, hub, realtime.NewPosition("trains", "t", clk.t, -74, 40.75))
	trains := newClient(t, false, "trains")
	v.Ready()
	hub.Tick()
	b := v.Take()
	c.take(b)
	trains.take(b)
	require.Equal(t, []string{"trains", "vehicles"}, c.layers)
	require.Len(t, trains.entities, 1, "a subscription takes effect when its layer comes")
	require.Len(t, c.entities, 1)

	require.NoError(t, hub.RemoveLayer("vehicles"))
	require.ErrorIs(t, hub.RemoveLayer("vehicles"), layers.ErrNotFound)
	tick(hub, v, c)
	require.Equal(t, []string{"trains"}, c.layers)
	require.Equal(t, "unknown-layer", apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t, -74, 40.75)).Refused[0].Outcome.String())

	// The same name again is another layer: whoever watches starts anew.
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", layers.Live{})))
	apply(t, hub, realtime.NewPosition("vehicles", "b", clk.t, -74, 40.75))
	tick(hub, v, c)
	require.Len(t, c.entities, 1)
	require.Contains(t, c.entities, "b")
}

func TestCells(t *testing.T) {
	for _, json := range []bool{false, true} {
		hub, clk := newHub(t, realtime.Options{}, layers.Live{Stale: 5 * time.Second, Offline: time.Minute, Removed: time.Hour})
		v, c := watch(t, hub, json, realtime.Subscription{MaxEntities: 100, Zoom: 11, BBox: realtime.BBox{-74.2, 40.6, -73.8, 40.9}})
		place := func(n int, from int) {
			for i := from; i < from+n; i++ {
				p := realtime.NewPosition("vehicles", fmt.Sprint(i), clk.t, -74.1+float64(i%20)*0.01, 40.65+float64(i/20%20)*0.01)
				require.Equal(t, 1, apply(t, hub, p).Accepted)
			}
		}
		sum := func() (n [3]uint32) {
			for _, cell := range c.cells {
				for i := range n {
					n[i] += cell[i]
				}
			}
			return n
		}
		second := func() {
			for range 5 {
				clk.t = clk.t.Add(200 * time.Millisecond)
				tick(hub, v, c)
			}
		}
		place(90, 0)
		second()
		require.Equal(t, realtime.ModeEntities, c.mode)
		require.Len(t, c.entities, 90)

		place(110, 90)
		second()
		require.Equal(t, realtime.ModeCells, c.mode, "more than 100 in view")
		require.Empty(t, c.entities)
		require.Equal(t, [3]uint32{200, 0, 0}, sum())
		require.Greater(t, len(c.cells), 4)

		// Half of them move into one cell, the others grow stale.
		clk.t = clk.t.Add(5 * time.Second)
		for i := range 100 {
			apply(t, hub, realtime.NewPosition("vehicles", fmt.Sprint(i), clk.t, -74.0001, 40.7001))
		}
		second()
		require.Equal(t, [3]uint32{100, 100, 0}, sum())

		// The nearer the map, the finer the cells: those that moved share one with another.
		_, _, err := v.Subscribe(realtime.Subscription{MaxEntities: 50, Zoom: 14.5, Layers: []layers.ID{"vehicles"}, BBox: realtime.BBox{-74.2, 40.6, -73.8, 40.9}})
		require.NoError(t, err)
		second()
		require.Equal(t, [3]uint32{100, 100, 0}, sum())
		require.Len(t, c.cells, 100)
		require.Equal(t, uint8(12), c.window.Z, "cells of zoom 17")

		// Looking at a part changes back to entities, and out again to cells.
		_, _, err = v.Subscribe(realtime.Subscription{MaxEntities: 100, Zoom: 15, Layers: []layers.ID{"vehicles"}, BBox: realtime.BBox{-74.1, 40.65, -74.09, 40.66}})
		require.NoError(t, err)
		second()
		require.Equal(t, realtime.ModeEntities, c.mode)
		require.Empty(t, c.cells)
		_, _, err = v.Subscribe(realtime.Subscription{MaxEntities: -1, Zoom: 11, Layers: []layers.ID{"vehicles"}, BBox: realtime.BBox{-74.2, 40.6, -73.8, 40.9}})
		require.NoError(t, err)
		second()
		require.Equal(t, realtime.ModeEntities, c.mode, "−1 never counts")
		require.Len(t, c.entities, 200)
		_, _, err = v.Subscribe(realtime.Subscription{MaxEntities: 1, Zoom: 16, Layers: []layers.ID{"vehicles"}, BBox: realtime.BBox{-74.2, 40.6, -73.8, 40.9}})
		require.NoError(t, err)
		second()
		require.Equal(t, realtime.ModeEntities, c.mode, "from zoom 16 on nothing is counted")
	}
}

func TestWholeWorldInView(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	for i, p := range [][2]float64{{-180, 10}, {180, -10}, {179.9999999, 89}, {-74, -90}, {116.4, 39.9}} {
		require.Empty(t, apply(t, hub, realtime.NewPosition("vehicles", fmt.Sprint(i), clk.t, p[0], p[1])).Refused)
	}
	v, c := watch(t, hub, false, realtime.Subscription{BBox: realtime.BBox{-180, -90, 180, 90}})
	tick(hub, v, c)
	require.Len(t, c.entities, 5)
	e, err := hub.Extent("vehicles")
	require.NoError(t, err)
	require.Equal(t, spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 89}, e)
}

func TestChangesReachViewers(t *testing.T) {
	hub, _ := newHub(t, realtime.Options{}, layers.Live{})
	box := func(x float64) spatial.Envelope { return spatial.Envelope{MinX: x, MinY: 40, MaxX: x + 1, MaxY: 41} }
	v, c := watch(t, hub, false, realtime.Subscription{Layers: []layers.ID{"buildings", "streets", "vehicles"}})
	hub.PublishChange(layers.Change{Layer: "buildings", Revision: 7, Envelope: box(0), IDs: []string{"a"}})
	hub.PublishChange(layers.Change{Layer: "water", Revision: 8, Envelope: box(0)})
	tick(hub, v, c)
	require.Len(t, c.changes, 1, "only of layers that are subscribed")
	require.Equal(t, map[string]any{"type": "change", "change": 2.0, "layer": "buildings", "revision": 7.0, "bbox": []any{0.0, 40.0, 1.0, 41.0}, "whole": false, "ids": []any{"a"}}, c.changes[0])
	tick(hub, v, c)
	require.Len(t, c.changes, 1)

	// Many changes in one tick merge, and never lose a place.
	c.changes = nil
	for i := range 100 {
		hub.PublishChange(layers.Change{Layer: "streets", Revision: layers.Revision(10 + i), Envelope: box(float64(i % 50))})
	}
	hub.PublishChange(layers.Change{Layer: "buildings", Revision: 200, Whole: true, Envelope: spatial.EmptyEnvelope()})
	tick(hub, v, c)
	require.Len(t, c.changes, 17)
	covered := spatial.EmptyEnvelope()
	for _, m := range c.changes {
		if b, ok := m["bbox"].([]any); ok {
			covered = covered.Union(spatial.Envelope{MinX: b[0].(float64), MinY: b[1].(float64), MaxX: b[2].(float64), MaxY: b[3].(float64)})
			require.Nil(t, m["ids"])
		} else {
			require.Equal(t, "buildings", m["layer"])
			require.Equal(t, true, m["whole"])
		}
	}
	require.Equal(t, spatial.Envelope{MinX: 0, MinY: 40, MaxX: 50, MaxY: 41}, covered)

	// Who was away is told what was missed, or that anything may have changed.
	away := c.resume()
	v.Close()
	hub.PublishChange(layers.Change{Layer: "streets", Revision: 300, Envelope: box(3)})
	v2, c2 := watch(t, hub, false, realtime.Subscription{Layers: []layers.ID{"buildings", "streets"}, Resume: away})
	tick(hub, v2, c2)
	require.Len(t, c2.changes, 1)
	require.Equal(t, 300.0, c2.changes[0]["revision"])

	for range 1100 {
		hub.PublishChange(layers.Change{Layer: "streets", Revision: 301, Envelope: box(3)})
	}
	v3, c3 := watch(t, hub, false, realtime.Subscription{Layers: []layers.ID{"buildings", "streets"}, Resume: away})
	tick(hub, v3, c3)
	require.Len(t, c3.changes, 2, "the log does not reach back so far")
	for _, m := range c3.changes {
		require.Equal(t, true, m["whole"])
	}
	other := *away
	other.Epoch++
	v4, c4 := watch(t, hub, false, realtime.Subscription{Layers: []layers.ID{"buildings"}, Resume: &other})
	tick(hub, v4, c4)
	require.Len(t, c4.changes, 1, "another run of the server")
	require.Equal(t, true, c4.changes[0]["whole"])
}

func TestSwitchingALayerOffAndOnBetweenTicks(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t, -74, 40.75))
	v, c := watch(t, hub, false, realtime.Subscription{})
	tick(hub, v, c)
	require.Equal(t, 1, c.resets)
	on := realtime.Subscription{BBox: realtime.BBox{-74.05, 40.68, -73.9, 40.8}, Zoom: 12, Layers: []layers.ID{"vehicles"}}
	off := on
	off.Layers = nil
	for _, s := range []realtime.Subscription{off, on} {
		_, _, err := v.Subscribe(s)
		require.NoError(t, err)
	}
	clear(c.entities) // a client forgets what it switches off
	clear(c.idOf)
	tick(hub, v, c)
	require.Equal(t, 2, c.resets)
	require.Contains(t, c.entities, "a")
	_, _, err := v.Subscribe(on)
	require.NoError(t, err)
	tick(hub, v, c)
	require.Equal(t, 2, c.resets, "what stays is not sent again")
}

func TestFiltersAreBounded(t *testing.T) {
	hub, _ := newHub(t, realtime.Options{ParseFilter: parseLine, MaxFilters: 2}, layers.Live{})
	filter := func(f string) error {
		v, err := hub.Attach(false)
		require.NoError(t, err)
		t.Cleanup(v.Close)
		_, _, err = v.Subscribe(realtime.Subscription{BBox: realtime.BBox{0, 0, 1, 1}, Layers: []layers.ID{"vehicles"}, Filter: map[layers.ID]string{"vehicles": f}})
		return err
	}
	require.NoError(t, filter("line=1"))
	require.NoError(t, filter("line=2"))
	require.NoError(t, filter("line=1"), "shared")
	require.ErrorIs(t, filter("line=3"), layers.ErrUnavailable)
	require.ErrorIs(t, filter("nonsense"), layers.ErrInvalid)

	hub, _ = newHub(t, realtime.Options{ParseFilter: parseLine}, layers.Live{})
	for i := range 16 {
		require.NoError(t, filter(fmt.Sprint("line=", i)))
	}
	require.ErrorIs(t, filter("line=16"), layers.ErrUnavailable, "sixteen unless told")
	require.NoError(t, filter(""), "who does not filter is none of them")

	plain, _ := newHub(t, realtime.Options{}, layers.Live{})
	v, err := plain.Attach(true)
	require.NoError(t, err)
	defer v.Close()
	_, _, err = v.Subscribe(realtime.Subscription{BBox: realtime.BBox{0, 0, 1, 1}, Layers: []layers.ID{"vehicles"}, Filter: map[layers.ID]string{"vehicles": "x"}})
	require.ErrorIs(t, err, layers.ErrUnsupported)
}

func TestSubscriptionsThatCannotBe(t *testing.T) {
	hub, _ := newHub(t, realtime.Options{}, layers.Live{})
	v, err := hub.Attach(false)
	require.NoError(t, err)
	defer v.Close()
	world := realtime.BBox{-180, -90, 180, 90}
	many := make([]layers.ID, 65)
	for i := range many {
		many[i] = layers.ID(fmt.Sprint("l", i))
	}
	for _, c := range []struct {
		s    realtime.Subscription
		want string
	}{
		{realtime.Subscription{BBox: realtime.BBox{math.NaN(), 0, 1, 1}}, "bbox holds NaN"},
		{realtime.Subscription{BBox: realtime.BBox{0, 50, 1, 40}}, "latitude"},
		{realtime.Subscription{BBox: realtime.BBox{0, -91, 1, 40}}, "latitude"},
		{realtime.Subscription{BBox: realtime.BBox{0, 0, 1e9, 1}}, "bbox holds 1e+09"},
		{realtime.Subscription{BBox: world, Zoom: -1}, "zoom -1"},
		{realtime.Subscription{BBox: world, Zoom: math.NaN()}, "zoom NaN"},
		{realtime.Subscription{BBox: world, Layers: many}, "65 layers"},
		{realtime.Subscription{BBox: world, Layers: []layers.ID{"No such"}}, "layer id"},
		{realtime.Subscription{BBox: world, MaxHz: -1}, "maxHz -1"},
		{realtime.Subscription{BBox: world, MaxEntities: -2}, "maxEntities -2"},
		{realtime.Subscription{BBox: world, Filter: map[layers.ID]string{"vehicles": strings.Repeat("x", 5000)}}, "at most 4096"},
		{realtime.Subscription{BBox: world, Resume: &realtime.Resume{Layers: map[layers.ID]realtime.Held{"vehicles": {Window: realtime.Window{Z: 99}}}}}, "no window"},
	} {
		_, _, err := v.Subscribe(c.s)
		require.ErrorIs(t, err, layers.ErrInvalid, c.want)
		require.ErrorContains(t, err, c.want)
	}
	v.Close()
	_, _, err = v.Subscribe(realtime.Subscription{BBox: world})
	require.ErrorIs(t, err, realtime.ErrViewerClosed)
	_, err = realtime.New(realtime.Options{}).Attach(false)
	require.ErrorIs(t, err, layers.ErrUnsupported, "no binary codec")
}

func TestMaxHz(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{})
	v, err := hub.Attach(false)
	require.NoError(t, err)
	defer v.Close()
	for hz, want := range map[float64]float64{0: 5, 5: 5, 100: 5, 4.9: 1, 1: 1, 0.5: 0.2, 0.001: 0.2} {
		_, got, err := v.Subscribe(realtime.Subscription{BBox: realtime.BBox{0, 0, 1, 1}, MaxHz: hz})
		require.NoError(t, err)
		require.InDelta(t, want, got, 1e-9, "at most %v Hz", hz)
	}
	w, c := watch(t, hub, false, realtime.Subscription{MaxHz: 1})
	messages := 0
	for i := range 50 {
		clk.t = clk.t.Add(200 * time.Millisecond)
		apply(t, hub, realtime.NewPosition("vehicles", "a", clk.t, -74+float64(i)*1e-5, 40.75))
		w.Ready()
		hub.Tick()
		if b := w.Take(); b != nil {
			messages++
			c.take(b)
			require.Equal(t, clk.t.UnixMilli(), c.entities["a"].time, "the newest, merged")
		}
	}
	require.Equal(t, 11, messages, "the first at once, then one a second")
}

func TestRunEndsViewers(t *testing.T) {
	hub, _ := newHub(t, realtime.Options{TickRate: 50}, layers.Live{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	v, err := hub.Attach(true)
	require.NoError(t, err)
	b, err := v.Next(ctx)
	require.NoError(t, err)
	require.Contains(t, string(b.Texts[0]), `"type":"hello"`)
	_, _, err = v.Subscribe(realtime.Subscription{BBox: realtime.BBox{0, 0, 1, 1}, Layers: []layers.ID{"vehicles"}})
	require.NoError(t, err)
	b, err = v.Next(ctx)
	require.NoError(t, err)
	require.Contains(t, string(b.AppendMessage(nil)), `"kind":"sync"`)
	late, give := context.WithTimeout(context.Background(), time.Nanosecond)
	defer give()
	_, err = v.Next(late)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	cancel()
	require.NoError(t, <-done)
	for err == nil || errors.Is(err, context.DeadlineExceeded) {
		_, err = v.Next(context.Background())
	}
	require.ErrorIs(t, err, realtime.ErrViewerClosed)
}

func TestResumeNeedsTheSameView(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{ParseFilter: parseLine, Resume: 2 * time.Second}, layers.Live{})
	for i, line := range []string{"A", "B"} {
		p := realtime.NewPosition("vehicles", line, clk.t, -74+float64(i)*0.01, 40.75)
		p.Properties = []byte(fmt.Sprintf(`{"line":%q}`, line))
		require.Empty(t, apply(t, hub, p).Refused)
	}
	filtered := func(f string, r *realtime.Resume) realtime.Subscription {
		return realtime.Subscription{Filter: map[layers.ID]string{"vehicles": f}, Resume: r}
	}
	v, c := watch(t, hub, false, filtered("line=A", nil))
	tick(hub, v, c)
	require.Contains(t, c.entities, "A")
	lost := c.resume()
	v.Close()

	same, again := watch(t, hub, false, filtered("line=A", lost))
	tick(hub, same, again)
	require.Zero(t, again.resets, "the same filter goes on")
	same.Close()

	for _, s := range []realtime.Subscription{filtered("line=B", lost), {Resume: lost}} {
		other, c := watch(t, hub, false, s)
		tick(hub, other, c)
		require.Equal(t, 1, c.resets, "another filter is another view")
		require.Contains(t, c.entities, "B")
		other.Close()
	}
	// After 2 s without anybody the view is forgotten with its departures.
	for range 25 {
		hub.Tick()
	}
	_, _, views := hub.TileMemory("vehicles")
	require.Equal(t, 1, views)
	late, c := watch(t, hub, false, filtered("line=A", &realtime.Resume{Epoch: lost.Epoch, Layers: map[layers.ID]realtime.Held{"vehicles": {
		Sequence: hub.Sequence(), View: lost.Layers["vehicles"].View, Window: lost.Layers["vehicles"].Window}}}))
	tick(hub, late, c)
	require.Equal(t, 1, c.resets, "nobody can know what left before the view was made again")

	// A sequence of the future is of nobody.
	plain, c := watch(t, hub, false, realtime.Subscription{})
	tick(hub, plain, c)
	future, c := watch(t, hub, false, realtime.Subscription{Resume: &realtime.Resume{Epoch: lost.Epoch, Layers: map[layers.ID]realtime.Held{"vehicles": {
		Sequence: hub.Sequence() + 100, View: c.view, Window: lost.Layers["vehicles"].Window}}}})
	tick(hub, future, c)
	require.Equal(t, 1, c.resets)
}
