package demo

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Sink takes the positions of the feeds; *realtime.Hub is one.
type Sink interface {
	Apply(ctx context.Context, positions []realtime.Position) (realtime.Result, error)
}

// feed gives the positions that are due. It is used by one goroutine.
type feed interface {
	// due appends the positions of a moment. Times grow from call to call.
	due(now time.Time, positions []realtime.Position) []realtime.Position
}

// RunFeeds moves the demo city's trains and vehicles and lets its sensors speak
// until ctx ends, and then returns nil. A feed that cannot start is logged and the
// others go on: the city is worth seeing without it.
func RunFeeds(ctx context.Context, live Live, log *slog.Logger) error {
	var running sync.WaitGroup
	if live.Readings != nil {
		running.Go(func() { runSensors(ctx, live, log.With("feed", "sensors")) })
	}
	if live.Events != nil {
		running.Go(func() { runCases(ctx, live.Events, log.With("feed", "cases")) })
	}
	for _, f := range []struct {
		name  string
		every time.Duration
		open  func() (feed, error)
	}{
		{"trains", time.Second, func() (feed, error) { return newTrains() }},
		{"vehicles", time.Second / vehicleGroups, func() (feed, error) {
			roads, err := manhattanRoads()
			if err != nil {
				return nil, err
			}
			return newVehicles(roads, Vehicles, 1), nil
		}},
		{"service vehicles", time.Second, func() (feed, error) { return newPatrols(ctx, Patrols, 1) }},
	} {
		running.Go(func() {
			opened, err := f.open()
			if err != nil {
				log.Error("a feed of the demo city did not start", "feed", f.name, "cause", err)
				return
			}
			play(ctx, live.Positions, log.With("feed", f.name), opened, f.every, time.Now)
		})
	}
	running.Wait()
	return nil
}

// newPosition makes a position as exact as such sources are: 1e-7 degrees, a
// tenth of a degree of course, 1 cm/s.
func newPosition(layer layers.ID, id string, now time.Time, lon, lat, course, speed float64) realtime.Position {
	p := realtime.NewPosition(layer, id, now, math.Round(lon*1e7)/1e7, math.Round(lat*1e7)/1e7)
	p.Course = math.Mod(math.Round(course*10)/10, 360)
	p.Speed = math.Round(speed*100) / 100
	return p
}

// play gives a feed's positions to the sink at each tick.
func play(ctx context.Context, sink Sink, log *slog.Logger, f feed, every time.Duration, now func() time.Time) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var positions []realtime.Position
	var refused time.Time
	for {
		positions = f.due(now(), positions[:0])
		result, err := sink.Apply(ctx, positions)
		if ctx.Err() != nil {
			return
		}
		if err == nil && len(result.Refused) > 0 {
			err = layers.Errorf(layers.ErrInvalid, "%d of %d positions: %s", len(result.Refused), len(positions), result.Refused[0].Reason)
		}
		if err != nil && time.Since(refused) > time.Minute {
			log.Warn("positions of the demo city were refused", "cause", err)
			refused = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
