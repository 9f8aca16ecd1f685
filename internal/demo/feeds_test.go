package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/demo/traffic"
	"twind/layers"
	"twind/realtime"
)

var start = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// hub is a hub with the demo city's live layers and a clock of its own.
func hub(t *testing.T, now *time.Time) *realtime.Hub {
	t.Helper()
	h := realtime.New(realtime.Options{Now: func() time.Time { return *now }})
	require.NoError(t, h.AddLayer(*layer("trains")))
	require.NoError(t, h.AddLayer(*layer("vehicles")))
	return h
}

// namesOf are the members of a JSON object.
func namesOf(t *testing.T, b json.RawMessage) []string {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(b, &m))
	var names []string
	for n := range m {
		names = append(names, n)
	}
	return names
}

func TestTrainsPlayInALoop(t *testing.T) {
	f, err := newTrains()
	require.NoError(t, err)
	now := start
	h := hub(t, &now)
	schema := layer("trains").Schema
	first := make(map[string]bool)
	moved := make(map[string][2]float64)
	changes := 0
	for s := 0; s <= 1900; s += 5 {
		now = start.Add(time.Duration(s) * time.Second)
		positions := f.due(now, nil)
		result, err := h.Apply(t.Context(), positions)
		require.NoError(t, err)
		require.Empty(t, result.Refused, "after %d s", s)
		for _, p := range positions {
			require.Equal(t, layers.ID("trains"), p.Layer)
			require.Equal(t, now, p.Time)
			suffix := "~1"
			if s >= 1800 {
				suffix = "~2"
			}
			require.True(t, strings.HasSuffix(p.ID, suffix), "%s after %d s", p.ID, s)
			if s == 0 {
				first[p.ID] = true
				require.ElementsMatch(t, []string{"route", "trip", "headsign", "direction", "status", "next_stop", "estimated"}, namesOf(t, p.Properties))
			} else if p.Properties != nil {
				changes++
			}
			if at, ok := moved[p.ID]; ok && at != [2]float64{p.Lon, p.Lat} {
				delete(first, p.ID)
			}
			moved[p.ID] = [2]float64{p.Lon, p.Lat}
		}
		if s == 0 {
			require.Len(t, positions, 170)
			require.Len(t, schema, 7)
			require.Equal(t, 6, f.board.Ghosts)
		}
	}
	require.Less(t, len(first), 15, "trains of the first moment that never moved")
	require.Greater(t, changes, 1000, "arrivals and departures")
	counts, err := h.Count("trains")
	require.NoError(t, err)
	require.Greater(t, counts.Live, 150)
}

// TestStandingTrainsStayLive shows that silence between repeats is shorter than
// what the layer calls stale.
func TestStandingTrainsStayLive(t *testing.T) {
	f, err := newTrains()
	require.NoError(t, err)
	last := make(map[string]time.Time)
	for s := range 120 {
		now := start.Add(time.Duration(s) * time.Second)
		for _, p := range f.due(now, nil) {
			if at, ok := last[p.ID]; ok {
				require.LessOrEqual(t, now.Sub(at), layer("trains").Live.Period, p.ID)
			}
			last[p.ID] = now
		}
	}
}

func TestVehiclesTakeTurns(t *testing.T) {
	roads, err := manhattanRoads()
	require.NoError(t, err)
	run := func(seed uint64) (string, *vehicles) {
		v := newVehicles(roads, Vehicles, seed)
		require.Equal(t, Vehicles, v.fleet.Len())
		now := start
		h := hub(t, &now)
		var last bytes.Buffer
		seen := make(map[string]int)
		for tick := range 3 * vehicleGroups {
			now = start.Add(time.Duration(tick) * 100 * time.Millisecond)
			positions := v.due(now, nil)
			require.Len(t, positions, Vehicles/vehicleGroups)
			result, err := h.Apply(t.Context(), positions)
			require.NoError(t, err)
			require.Empty(t, result.Refused)
			for _, p := range positions {
				seen[p.ID]++
				if p.Speed < 0 || p.Speed > traffic.MaxSpeed || p.Course < 0 || p.Course >= 360 || p.Lon < -74.03 || p.Lon > -73.9 || p.Lat < 40.69 || p.Lat > 40.89 {
					require.Failf(t, "not so", "%+v", p)
				}
				if tick < vehicleGroups {
					require.NotNil(t, p.Properties, p.ID)
				}
				if tick >= 2*vehicleGroups {
					fmt.Fprintf(&last, "%s %.7f %.7f %.2f %s\n", p.ID, p.Lon, p.Lat, p.Speed, p.Properties)
				}
			}
		}
		require.Len(t, seen, Vehicles)
		for id, n := range seen {
			require.Equal(t, 3, n, id)
		}
		counts, err := h.Count("vehicles")
		require.NoError(t, err)
		require.Equal(t, Vehicles, counts.Live)
		return last.String(), v
	}
	first, v := run(1)
	again, _ := run(1)
	require.Equal(t, first, again, "everything follows from seed and clock")
	other, _ := run(2)
	require.NotEqual(t, first, other)
	names := make(map[string]bool)
	for p, b := range v.properties {
		names[p.Street] = true
		require.Subset(t, []string{"type", "street", "generated"}, namesOf(t, b))
	}
	for _, street := range []string{"Broadway", "5th Avenue", "West 42nd Street"} {
		require.True(t, names[street], "a vehicle is on %s", street)
	}
}

// sink keeps what it is given.
type sink struct {
	mu     sync.Mutex
	layers map[layers.ID]int
	fail   bool
}

func (s *sink) Apply(_ context.Context, positions []realtime.Position) (realtime.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range positions {
		s.layers[p.Layer]++
	}
	if s.fail {
		return realtime.Result{Refused: []realtime.Refusal{{Reason: "the longitude is 400"}}}, nil
	}
	return realtime.Result{Accepted: len(positions)}, nil
}

func TestFeedsRunUntilTheContextEnds(t *testing.T) {
	s := &sink{layers: make(map[layers.ID]int)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- RunFeeds(ctx, Live{Positions: s}, slog.New(slog.DiscardHandler)) }()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.layers["trains"] > 170 && s.layers["vehicles"] > 1000
	}, time.Minute, 50*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

func TestRefusedPositionsAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{layers: make(map[layers.ID]int), fail: true}
		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		f := feedFunc(func(now time.Time, positions []realtime.Position) []realtime.Position {
			return append(positions, realtime.NewPosition("trains", "a", now, 400, 0))
		})
		play(ctx, s, slog.New(slog.NewTextHandler(&log, nil)), f, time.Second, time.Now)
		require.Equal(t, 3, strings.Count(log.String(), "the longitude is 400"), log.String())
		require.GreaterOrEqual(t, s.layers["trains"], 149)
	})
}

type feedFunc func(time.Time, []realtime.Position) []realtime.Position

func (f feedFunc) due(now time.Time, positions []realtime.Position) []realtime.Position {
	return f(now, positions)
}

// BenchmarkFeeds is one second of both feeds: the share of a core that they take
// is its time divided by a second.
func BenchmarkFeeds(b *testing.B) {
	tr, err := newTrains()
	require.NoError(b, err)
	roads, err := manhattanRoads()
	require.NoError(b, err)
	v := newVehicles(roads, Vehicles, 1)
	now := start
	var positions []realtime.Position
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		positions = tr.due(now, positions[:0])
		for g := range vehicleGroups {
			positions = v.due(now.Add(time.Duration(g)*time.Second/vehicleGroups), positions[:0])
		}
	}
}
