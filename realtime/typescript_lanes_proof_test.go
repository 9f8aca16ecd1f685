//go:build proof

package realtime_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
)

// TestTypeScriptLanes kills the client's connection again and again while events
// and readings come: it is told each event once and in order, and ends with the
// latest reading of each object.
func TestTypeScriptLanes(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	register, err := cases.Open(t.Context(), cases.Options{Log: log})
	require.NoError(t, err)
	ob, err := realtime.NewObservatory(realtime.ObservatoryOptions{Journal: log})
	require.NoError(t, err)
	events := realtime.NewEventLane(realtime.EventLaneOptions{Log: log, Open: register.Open, Ring: 64, InFlight: 2})
	readings := realtime.NewReadingsLane(realtime.ReadingsLaneOptions{Observatory: ob})
	hub, server := serve(t, realtime.Options{TickRate: 20}, realtime.HandlerOptions{})
	hub.SetLanes(events, readings)
	t.Cleanup(func() {
		events.Close()
		readings.Close()
		register.Close()
		require.NoError(t, log.Close())
	})
	rng := rand.New(rand.NewPCG(5, 5))
	number := 0
	report := func(n int) {
		reports := make([]realtime.EventReport, n)
		for i := range reports {
			number++
			reports[i] = realtime.EventReport{ID: fmt.Sprint("case ", number), Class: "0102", Time: time.Now(), Lon: 120, Lat: 31}
		}
		r, err := register.Take(t.Context(), reports)
		require.NoError(t, err)
		require.NoError(t, r.JournalError)
		require.Equal(t, n, r.Accepted)
	}
	values := map[string]float64{}
	observe := func() {
		o := realtime.Observation{Layer: "manholes", Feature: fmt.Sprint("m", rng.IntN(40)), Property: "level", Time: time.Now().UnixMilli(), Number: rng.Float64()}
		r, err := ob.Apply(t.Context(), []realtime.Observation{o})
		require.NoError(t, err)
		if r.Accepted == 1 {
			values[o.Feature] = o.Number
		}
	}
	report(300) // the snapshot comes in parts
	p := startProbe(t, "ws"+server.URL[len("http"):]+"/live")
	p.do(map[string]any{"do": "events"})
	p.do(map[string]any{"do": "readings"})
	require.Eventually(t, func() bool { return p.do(map[string]any{"do": "dump"}).Through == 300 }, 30*time.Second, 20*time.Millisecond)

	for round := range 12 {
		for range 10 {
			report(1 + rng.IntN(20))
			observe()
			time.Sleep(time.Duration(rng.IntN(15)) * time.Millisecond)
		}
		p.do(map[string]any{"do": "drop"})
		if round%3 == 0 {
			report(200) // beyond the ring, while the client is away
		}
	}
	var d probeDump
	require.Eventually(t, func() bool {
		d = p.do(map[string]any{"do": "dump"})
		return d.Through == uint64(number) && len(d.Readings) == len(values)
	}, 30*time.Second, 20*time.Millisecond)
	require.Empty(t, d.Gaps)
	require.Len(t, d.Told, number)
	for i, e := range d.Told {
		require.EqualValues(t, i+1, e.Sequence, "each once and in order")
		require.Equal(t, fmt.Sprint("case ", i+1), e.ID)
		require.Equal(t, i < 300, e.Snapshot)
	}
	require.Eventually(t, func() bool {
		for _, r := range p.do(map[string]any{"do": "dump"}).Readings {
			if values[r.Feature] != r.Value || r.Level != "normal" {
				return false
			}
		}
		return true
	}, 30*time.Second, 20*time.Millisecond)
}
