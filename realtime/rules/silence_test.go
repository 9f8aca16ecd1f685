package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/rules"
	"twind/realtime/wire"
	"twind/spatial"
)

// gone is no state: the entity has left the map.
const gone = realtime.State(99)

// TestSilenceIsTheStateOfTheMapAndTheAPI lets vehicles fall silent in a real hub:
// what it says of them, and nothing else, raises the alarms.
func TestSilenceIsTheStateOfTheMapAndTheAPI(t *testing.T) {
	var ms atomic.Int64
	ms.Store(noon.UnixMilli())
	now := func() time.Time { return time.UnixMilli(ms.Load()).UTC() }
	hub := realtime.New(realtime.Options{Now: now, TickRate: 50, Codec: wire.NewCodec()})
	require.NoError(t, hub.AddLayer(layers.Layer{
		ID: "vehicles", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16,
		Live: &layers.Live{Stale: 30 * time.Second, Offline: 100 * time.Second, Removed: 300 * time.Second},
	}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	defer func() { cancel(); <-done }()
	var looks atomic.Int64
	p := open(t, func(o *rules.Options) {
		o.Now, o.SilenceEvery = now, time.Millisecond
		o.Entities = func(id layers.ID) []realtime.Entity {
			all, err := hub.Box(id, spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90})
			require.NoError(t, err)
			looks.Add(1)
			return all
		}
	})
	p.put("lost", `{"kind":"silence","layer":"vehicles","severity":"minor"}`)
	p.put("late", `{"kind":"silence","layer":"vehicles","state":"stale","quiet":true,"feature":"b"}`)
	report := func(id string) {
		r, err := hub.Apply(t.Context(), []realtime.Position{realtime.NewPosition("vehicles", id, now(), 113, 28)})
		require.NoError(t, err)
		require.Equal(t, 1, r.Accepted)
	}
	is := func(id string, want realtime.State) bool {
		e, err := hub.Find("vehicles", id)
		return err == nil && e.State == want || errors.Is(err, layers.ErrNotFound) && want == gone
	}
	at := func(s int, a, b realtime.State) {
		t.Helper()
		ms.Store(noon.UnixMilli() + int64(s)*1000)
		require.Eventually(t, func() bool { return is("a", a) && is("b", b) }, 30*time.Second, time.Millisecond)
		p.settle()
		seen := looks.Load()
		// Twice for each rule, so that one of them began after the clock was set.
		require.Eventually(t, func() bool { return looks.Load() > seen+4 }, 30*time.Second, time.Millisecond)
		p.settle()
	}
	report("a")
	report("b")
	for _, x := range []struct {
		s      int
		state  realtime.State
		alarms int
	}{{29, realtime.StateLive, 0}, {30, realtime.StateStale, 0}, {99, realtime.StateStale, 0}, {100, realtime.StateOffline, 2}} {
		at(x.s, x.state, x.state)
		require.Len(t, p.alarms("new"), x.alarms, "after %d s of silence", x.s)
	}
	open := p.alarms("new")
	require.Equal(t, "silence", open[0].Class)
	require.Equal(t, noon.UnixMilli(), open[0].Began, "when it was heard last")
	require.Equal(t, noon.Add(100*time.Second).UnixMilli(), open[0].Time)
	require.Equal(t, []float64{113, 28}, []float64{open[0].Lon, open[0].Lat}, "where it was heard last")

	at(110, realtime.StateOffline, realtime.StateOffline)
	p.restart()
	at(120, realtime.StateOffline, realtime.StateOffline)
	require.Len(t, p.alarms("new"), 2, "nobody falls silent again because the server was restarted")
	ms.Store(noon.Add(121 * time.Second).UnixMilli())
	report("a")
	at(121, realtime.StateLive, realtime.StateOffline)
	active := map[string]bool{}
	for _, x := range p.alarms("new") {
		active[x.Entity] = x.Active
	}
	require.Equal(t, map[string]bool{"a": false, "b": true}, active, "heard again")
	at(321, realtime.StateOffline, gone)
	var told []string
	for _, e := range p.events() {
		var d rules.Evidence
		require.NoError(t, json.Unmarshal(e.Data, &d))
		told = append(told, fmt.Sprintf("%g %s %s %s", float64(e.Time-noon.UnixMilli())/1000, d.Rule, e.Entity, d.Outcome))
	}
	require.ElementsMatch(t, []string{"30 late b raise", "100 lost a raise", "100 lost b raise", "121 lost a clear", "321 lost a raise"}, told)
}

// TestClosedWhileSilent closes an alarm of what is still silent: there is no other
// until it was heard again.
func TestClosedWhileSilent(t *testing.T) {
	var state atomic.Int64
	state.Store(int64(realtime.StateOffline))
	var looks atomic.Int64
	p := open(t, func(o *rules.Options) {
		o.SilenceEvery = time.Millisecond
		o.Entities = func(layers.ID) []realtime.Entity {
			looks.Add(1)
			return []realtime.Entity{{ID: "a", State: realtime.State(state.Load()), Received: noon}}
		}
	})
	p.put("lost", `{"kind":"silence","layer":"vehicles"}`)
	look := func() {
		t.Helper()
		seen := looks.Load()
		require.Eventually(t, func() bool { return looks.Load() > seen+2 }, 30*time.Second, time.Millisecond)
		p.settle()
	}
	look()
	open := p.alarms("new")
	require.Len(t, open, 1)
	_, err := p.rules.Alarms().Close(t.Context(), open[0].ID, "Li", "in the workshop")
	require.NoError(t, err)
	look()
	p.restart()
	look()
	require.Empty(t, p.alarms("open"), "still silent")
	state.Store(int64(realtime.StateLive))
	look()
	require.Empty(t, p.alarms("open"), "heard again")
	p.set(noon.Add(time.Minute))
	state.Store(int64(realtime.StateOffline))
	look()
	require.Len(t, p.alarms("new"), 1)
}
