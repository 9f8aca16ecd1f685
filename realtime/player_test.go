package realtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
	"twind/realtime/wire"
	"twind/spatial"
)

// replayTimes let entities turn stale, offline and leave within a minute or so.
var replayTimes = layers.Live{Stale: 10 * time.Second, Offline: 20 * time.Second, Removed: 40 * time.Second}

// recording is what a hub showed while it was recorded: the whole state at some
// moments.
type recording struct {
	from, to time.Time
	states   map[int64]map[string]realtime.Entity // by ms since 1970
}

// recordCity moves vehicles for some minutes, an hour ago. Some fall silent, some
// leave, some come late.
func recordCity(t *testing.T, log *history.Log, seconds int) recording {
	start := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	clk := &clock{start}
	hub := realtime.New(realtime.Options{Now: clk.now, Journal: log})
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", replayTimes)))
	rng := rand.New(rand.NewPCG(5, 5))
	type car struct {
		lon, lat float64
		silent   int
	}
	cars := make([]car, 120)
	for i := range cars {
		cars[i] = car{-74.02 + rng.Float64()*0.06, 40.70 + rng.Float64()*0.06, rng.IntN(40)}
	}
	r := recording{from: start, to: start.Add(time.Duration(seconds) * time.Second), states: map[int64]map[string]realtime.Entity{}}
	for s := range seconds + 1 {
		clk.t = start.Add(time.Duration(s) * time.Second)
		var ps []realtime.Position
		for i := range cars {
			c := &cars[i]
			if c.silent--; c.silent > 0 {
				continue
			}
			if rng.IntN(60) == 0 {
				c.silent = rng.IntN(int(replayTimes.Removed/time.Second) + 60)
			}
			c.lon += (rng.Float64() - .5) * 0.004
			c.lat += (rng.Float64() - .5) * 0.004
			p := realtime.NewPosition("vehicles", fmt.Sprint("car ", i), clk.t.Add(-time.Duration(rng.IntN(900))*time.Millisecond), c.lon, c.lat)
			p.Speed = float64(rng.IntN(20))
			p.Properties = fmt.Appendf(nil, `{"line":"%d"}`, (i+s/50)%5)
			ps = append(ps, p)
		}
		_, err := hub.Apply(t.Context(), ps)
		require.NoError(t, err)
		hub.Tick()
		all, err := hub.Box("vehicles", spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90})
		require.NoError(t, err)
		state := map[string]realtime.Entity{}
		for _, e := range all {
			state[e.ID] = e
		}
		r.states[clk.t.UnixMilli()] = state
	}
	require.NoError(t, log.Flush(t.Context()))
	return r
}

// require compares what a client holds with what was shown at a moment.
func (r *recording) require(t *testing.T, c *client, at time.Time) {
	t.Helper()
	want := r.states[at.UnixMilli()]
	require.NotNil(t, want)
	require.Len(t, c.entities, len(want), "entities at %s", at)
	for id, e := range want {
		got := c.entities[id]
		require.NotNil(t, got, id)
		require.InDelta(t, e.Lon, got.lon, 1e-6, id)
		require.InDelta(t, e.Lat, got.lat, 1e-6, id)
		require.Equal(t, e.State, got.state, id)
		require.Equal(t, e.Time.UnixMilli(), got.time, id)
		require.JSONEq(t, string(e.Properties), got.properties, id)
	}
}

func replayServer(t *testing.T) (*history.Log, *httptest.Server) {
	log, err := history.Open(history.Options{Dir: t.TempDir(), Interval: 10 * time.Millisecond, SealBytes: 40 << 10})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	hub, server := serve(t, realtime.Options{Journal: log, TickRate: 20, NewCodec: func() realtime.Codec { return wire.NewCodec() }, MaxReplays: 2}, realtime.HandlerOptions{})
	require.NoError(t, hub.RemoveLayer("vehicles"))
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", replayTimes)))
	return log, server
}

// say subscribes to the vehicles of the city, with a replay or, for nil, live.
func say(t *testing.T, conn *websocket.Conn, request int, replay map[string]any) {
	m := map[string]any{"type": "subscribe", "request": request, "bbox": []float64{-74.3, 40.5, -73.7, 41}, "zoom": 12, "layers": []string{"vehicles"}, "maxEntities": -1}
	if replay != nil {
		m["replay"] = replay
	}
	b, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, conn.Write(context.Background(), websocket.MessageText, b))
}

func TestReplayShowsWhatWasShown(t *testing.T) {
	log, server := replayServer(t)
	r := recordCity(t, log, 220)
	for _, format := range []string{"binary", "json"} {
		t.Run(format, func(t *testing.T) {
			conn := dial(t, server, "?format="+format, nil)
			c := newClient(t, format == "json", "vehicles")
			say(t, conn, 1, nil)
			until(t, conn, c, func() bool { return c.sequence > 0 })
			require.False(t, c.replay)
			require.True(t, c.recorded)
			before := len(c.entities) // the recording is an hour old: nothing of it is live
			require.LessOrEqual(t, before, 1)

			// Seeking, paused: each moment is as it was.
			rng := rand.New(rand.NewPCG(9, 9))
			for i := range 12 {
				at := r.from.Add(time.Duration(rng.IntN(221)) * time.Second)
				say(t, conn, 2+i, map[string]any{"from": r.from, "to": r.to, "at": at.UnixMilli(), "paused": true})
				until(t, conn, c, func() bool { return c.replay && c.time == at.UnixMilli() && c.replayed["state"] != nil })
				require.NotEqual(t, c.epoch, c.shown, "an epoch of its own")
				r.require(t, c, at)
			}

			// Playing at 60: deltas from a moment to the end are the end, also where an
			// entity is removed and comes back between two frames.
			at := r.from.Add(120 * time.Second)
			say(t, conn, 50, map[string]any{"from": r.from, "to": r.to, "at": at, "speed": 60})
			until(t, conn, c, func() bool {
				return c.replay && c.time >= at.UnixMilli() && c.time < at.UnixMilli()+60_000 && c.replayed["speed"] == 60.0
			})
			resets := c.resets
			until(t, conn, c, func() bool { return c.replayed["state"] == "ended" && c.time == r.to.UnixMilli() })
			require.Equal(t, resets, c.resets, "by deltas only")
			r.require(t, c, r.to)

			// And back to live.
			say(t, conn, 60, nil)
			until(t, conn, c, func() bool { return c.replayed == nil && !c.replay })
			require.Len(t, c.entities, before)
			status, _ := post(t, server, "application/json", "["+positionAt("now "+format, time.Now(), -74, 40.7)+"]")
			require.Equal(t, 202, status)
			until(t, conn, c, func() bool { return c.entities["now "+format] != nil })
		})
	}
}

func TestReplayPausesAndChangesSpeed(t *testing.T) {
	log, server := replayServer(t)
	r := recordCity(t, log, 60)
	conn := dial(t, server, "", nil)
	c := newClient(t, false, "vehicles")
	ask := map[string]any{"from": r.from, "to": r.to, "speed": 10}
	say(t, conn, 1, ask)
	until(t, conn, c, func() bool { return c.replay && c.time > r.from.UnixMilli()+5000 })
	epoch := c.shown
	ask["paused"] = true
	say(t, conn, 2, ask)
	until(t, conn, c, func() bool { return c.replayed["state"] == "paused" })
	require.Equal(t, epoch, c.shown, "the same replay goes on")
	stood := c.replayed["at"].(float64)
	seen := 0
	until(t, conn, c, func() bool { seen++; return seen > 3 })
	require.InDelta(t, stood, c.time, 200, "the clock stands")
	ask["paused"], ask["speed"] = false, 60
	say(t, conn, 3, ask)
	until(t, conn, c, func() bool { return c.replayed["state"] == "ended" })
	require.Equal(t, epoch, c.shown)
	until(t, conn, c, func() bool { return c.time == r.to.UnixMilli() })
	r.require(t, c, r.to)
}

func TestReplaysThatCannotBe(t *testing.T) {
	log, server := replayServer(t)
	r := recordCity(t, log, 5)
	conn := dial(t, server, "", nil)
	c := newClient(t, false, "vehicles")
	until(t, conn, c, func() bool { return c.epoch != 0 })
	for i, x := range []struct {
		replay map[string]any
		want   string
	}{
		{map[string]any{"from": r.to, "to": r.from}, "expected a time and a later one"},
		{map[string]any{"from": r.from, "to": r.to, "at": r.to.Add(time.Hour)}, "between from and to"},
		{map[string]any{"from": r.from, "to": r.to, "speed": 61}, "expected 0.1 to 60"},
		{map[string]any{"from": r.from, "to": r.to, "speed": 0}, "expected 0.1 to 60"},
	} {
		say(t, conn, i, x.replay)
		until(t, conn, c, func() bool { return len(c.errors) == i+1 })
		require.Contains(t, c.errors[i], x.want)
	}
	for range 2 {
		other := dial(t, server, "", nil)
		o := newClient(t, false, "vehicles")
		until(t, other, o, func() bool { return o.epoch != 0 }) // the hello, as every client waits for it
		say(t, other, 1, map[string]any{"from": r.from, "to": r.to})
		until(t, other, o, func() bool { return o.replay })
	}
	say(t, conn, 9, map[string]any{"from": r.from, "to": r.to})
	until(t, conn, c, func() bool { return len(c.errors) == 5 })
	require.Contains(t, c.errors[4], "2 viewers replay")

	_, plain := serve(t, realtime.Options{}, realtime.HandlerOptions{})
	conn = dial(t, plain, "", nil)
	c = newClient(t, false, "vehicles")
	say(t, conn, 1, map[string]any{"from": r.from, "to": r.to})
	until(t, conn, c, func() bool { return len(c.errors) == 1 })
	require.Contains(t, c.errors[0], "records no history")
	require.False(t, c.recorded)
}

// TestReplayRespectsFilters: who may not see a line live does not see it in the past.
func TestReplayRespectsFilters(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir(), Interval: 10 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	recordCity(t, log, 30)
	hub := realtime.New(realtime.Options{Journal: log, ParseFilter: parseLine})
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	filter, err := parseLine(nil, "line=2")
	require.NoError(t, err)
	past, err := hub.Past("vehicles", layers.Policy{Rows: filter, Hidden: []string{"line", "speed"}}.WithKey("x"))
	require.NoError(t, err)
	shown := 0
	require.NoError(t, log.Received(t.Context(), "vehicles", 0, math.MaxInt64, func(b *realtime.Believed) error {
		before := string(b.Properties)
		if past.Show(b, realtime.StateLive) {
			shown++
			require.JSONEq(t, `{"line":"2"}`, before)
			require.JSONEq(t, `{}`, string(b.Properties))
			require.True(t, math.IsNaN(b.Speed))
		}
		return nil
	}))
	require.Positive(t, shown)
	_, err = hub.Past("vehicles", layers.Policy{Deny: true})
	require.ErrorIs(t, err, layers.ErrNotFound)
}
