package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"twind/internal/demo/sensing"
	"twind/layers"
	"twind/realtime"
	"twind/realtime/rules"
	"twind/realtime/sensorthings"
)

// Live is what takes the demo's live data.
type Live struct {
	Positions Sink
	// Readings takes those of the sensors; nil: there are none.
	Readings *realtime.Observatory
	// Events takes the city's cases; nil: there are none.
	Events Register
	// Rules watch them; nil: nobody does.
	Rules *rules.Rules
	// Things describes the sensors to other systems; nil: nobody does.
	Things *sensorthings.Store
}

// Register keeps the city's cases; *cases.Register is one.
type Register interface {
	realtime.EventTaker
	// Open lists those that are not done with.
	Open() (open []realtime.Event, through uint64)
}

const (
	sensorTick   = time.Second
	operatorTick = 5 * time.Second
	caseTick     = 2 * time.Second
	describeTick = 5 * time.Minute
)

// runSensors lets the demo's sensors speak, until ctx ends.
func runSensors(ctx context.Context, live Live, log *slog.Logger) {
	network, err := newSensors(ctx)
	if err != nil {
		log.Error("the sensors of the demo city did not start", "cause", err)
		return
	}
	if err := putRules(ctx, live.Rules, network); err != nil && ctx.Err() == nil {
		log.Warn("the demo city has no rules", "cause", err)
	}
	var describing sync.WaitGroup
	if live.Things != nil {
		ask := door(live.Things)
		if err := network.Register(ctx, ask); err != nil && ctx.Err() == nil {
			log.Warn("the demo city's sensors are not in SensorThings", "cause", err)
		}
		describing.Go(func() { describe(ctx, ask, network.Clone(), log) })
	}
	speak(ctx, live, network, log)
	describing.Wait()
}

// describe gives SensorThings an Observation of each sensor now and then: it keeps
// every one in memory, unlike the history, which has them all.
func describe(ctx context.Context, ask sensing.Door, network *sensing.Network, log *slog.Logger) {
	ticker := time.NewTicker(describeTick)
	defer ticker.Stop()
	for {
		streams, err := sensing.Bound(ctx, ask)
		if err == nil {
			err = sensing.Post(ctx, ask, streams, network.Latest(time.Now(), nil))
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("SensorThings did not take the demo city's observations", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// speak gives the readings that are due, and lets the operator look at the alarms.
func speak(ctx context.Context, live Live, network *sensing.Network, log *slog.Logger) {
	ticker := time.NewTicker(sensorTick)
	defer ticker.Stop()
	var told, looked time.Time
	due := network.Latest(time.Now(), nil)
	for last := time.Now(); ; {
		if err := observe(ctx, live.Readings, due); err != nil && time.Since(told) > time.Minute {
			log.Warn("readings of the demo city were refused", "cause", err)
			told = time.Now()
		}
		if live.Rules != nil && time.Since(looked) > operatorTick {
			looked = time.Now()
			if err := sensing.Attend(ctx, live.Rules.Alarms(), looked); err != nil && ctx.Err() == nil && time.Since(told) > time.Minute {
				log.Warn("the demo city's alarms were not seen to", "cause", err)
				told = time.Now()
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		due = network.Due(last, now, due[:0])
		last = now
	}
}

// observe hands over readings; what is known already is no fault.
func observe(ctx context.Context, to *realtime.Observatory, due []realtime.Observation) error {
	result, err := to.Apply(ctx, due)
	if ctx.Err() != nil {
		return nil
	}
	for _, r := range result.Refused {
		if r.Outcome != realtime.Duplicate {
			return layers.Errorf(layers.ErrInvalid, "%d of %d readings: %s", len(result.Refused), len(due), r.Reason)
		}
	}
	return err
}

// runCases lets people report cases and moves them through their lives, until ctx
// ends.
func runCases(ctx context.Context, to Register, log *slog.Logger) {
	m := &maker{}
	city, err := sensing.NewCases(Layers(), m.features(ctx), sensing.DefaultSeed)
	m.close()
	if err != nil {
		log.Error("the hotline of the demo city did not start", "cause", err)
		return
	}
	open, _ := to.Open()
	last := time.Now()
	due := city.Resume(open, last, nil)
	ticker := time.NewTicker(caseTick)
	defer ticker.Stop()
	for told := (time.Time{}); ; {
		if err := report(ctx, to, due); err != nil && time.Since(told) > time.Minute {
			log.Warn("cases of the demo city were refused", "cause", err)
			told = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		due = city.Due(last, now, due[:0])
		last = now
	}
}

func report(ctx context.Context, to Register, due []realtime.EventReport) error {
	if len(due) == 0 {
		return nil
	}
	result, err := to.Take(ctx, due)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	case result.JournalError != nil:
		return result.JournalError
	case len(result.Refused) > 0:
		return layers.Errorf(layers.ErrInvalid, "%d of %d cases: %s", len(result.Refused), len(due), result.Refused[0].Reason)
	}
	return nil
}

// newSensors chooses the demo city's objects that have sensors.
func newSensors(ctx context.Context) (*sensing.Network, error) {
	m := &maker{}
	defer m.close()
	return sensing.New(Layers(), m.features(ctx), sensing.DefaultSeed)
}

// features reads the demo city as it is made.
func (m *maker) features(ctx context.Context) sensing.Source {
	return func(l *layers.Layer, yield func(*layers.Feature) bool) error {
		src, err := m.source(ctx, l)
		if err != nil {
			return err
		}
		for f, err := range src.features {
			if err != nil {
				return err
			}
			if !yield(f) {
				return nil
			}
		}
		return nil
	}
}

// putRules makes the demo's rules that are not there; those that are stay as
// people changed them.
func putRules(ctx context.Context, to *rules.Rules, network *sensing.Network) error {
	if to == nil {
		return nil
	}
	for _, r := range network.Rules() {
		if _, err := to.Get(r.ID); !errors.Is(err, layers.ErrNotFound) {
			continue
		}
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, _, err := to.Put(ctx, r.ID, b); err != nil {
			return err
		}
	}
	return nil
}

// door asks the SensorThings service as its clients do, without a network.
func door(store *sensorthings.Store) sensing.Door {
	h := sensorthings.Handler(store, sensorthings.HandlerOptions{Base: func(*http.Request) string { return "" }})
	return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		r, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		a := answer{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(&a, r)
		return a.status, a.body.Bytes(), nil
	}
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
