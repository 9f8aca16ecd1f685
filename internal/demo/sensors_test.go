package demo

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/demo/sensing"
	"twind/layers"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
	"twind/realtime/rules"
	"twind/realtime/sensorthings"
)

// desk is an observatory with the demo's rules, a log and a clock of its own.
type desk struct {
	network *sensing.Network
	readers *realtime.Observatory
	rules   *rules.Rules
	ms      atomic.Int64 // since 1970
}

func (d *desk) now() time.Time { return time.UnixMilli(d.ms.Load()) }

func newDesk(t testing.TB) *desk {
	d := &desk{}
	d.ms.Store(start.UnixMilli())
	clock := d.now
	var err error
	d.network, err = newSensors(t.Context())
	require.NoError(t, err)
	log, err := history.Open(history.Options{Dir: t.TempDir(), Now: clock})
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	d.rules, err = rules.Open(t.Context(), rules.Options{Dir: t.TempDir(), Log: log, Now: clock})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.rules.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		d.rules.Close()
	})
	d.readers, err = realtime.NewObservatory(realtime.ObservatoryOptions{Now: clock})
	require.NoError(t, err)
	d.readers.Subscribe(d.rules.Observations)
	require.NoError(t, putRules(t.Context(), d.rules, d.network))
	return d
}

// run lets time pass in steps, and returns the alarms raised and the most that
// were open at once.
func (d *desk) run(t *testing.T, long, step time.Duration) (raised map[string]string, most int) {
	raised = map[string]string{}
	for end := d.now().Add(long); d.now().Before(end); {
		last := d.now()
		d.ms.Add(step.Milliseconds())
		require.NoError(t, observe(t.Context(), d.readers, d.network.Due(last, d.now(), nil)))
		for !d.rules.Settled() {
			time.Sleep(50 * time.Microsecond)
		}
		require.NoError(t, sensing.Attend(t.Context(), d.rules.Alarms(), d.now()))
		open, n := d.rules.Alarms().List("open", "", 1000, func(*rules.Alarm) bool { return true })
		most = max(most, n)
		for i := range open {
			raised[open[i].ID] = open[i].Class
		}
	}
	return raised, most
}

func TestAboutOneAlarmAMinute(t *testing.T) {
	d := newDesk(t)
	d.run(t, 10*time.Minute, 10*time.Second) // until some are over
	long := time.Hour
	if raceEnabled {
		long = 20 * time.Minute
	}
	raised, most := d.run(t, long, 10*time.Second)
	require.InDelta(t, long.Minutes(), len(raised), 0.25*long.Minutes()+4, "%v", raised)
	require.LessOrEqual(t, most, 20)
	classes := map[string]bool{}
	for _, class := range raised {
		classes[class] = true
	}
	require.GreaterOrEqual(t, len(classes), 4, "%v", classes)
	require.NotContains(t, classes, rules.FloodClass)
}

func TestAlarmsDoNotPileUpOverADay(t *testing.T) {
	d := newDesk(t)
	long := 24 * time.Hour
	if raceEnabled {
		long = time.Hour
	}
	raised, most := d.run(t, long, time.Minute)
	require.LessOrEqual(t, most, 24)
	require.InDelta(t, long.Minutes(), len(raised), 0.15*long.Minutes()+4)
	_, left := d.rules.Alarms().List("open", "", 1000, func(*rules.Alarm) bool { return true })
	require.LessOrEqual(t, left, 24)
}

func TestAnAlarmThatAPersonTookIsLeftToThem(t *testing.T) {
	d := newDesk(t)
	d.run(t, 3*time.Minute, 5*time.Second)
	open, _ := d.rules.Alarms().List(rules.New, "", 1, func(*rules.Alarm) bool { return true })
	require.Len(t, open, 1)
	_, err := d.rules.Alarms().Acknowledge(t.Context(), open[0].ID, "Desk 3", "I look at it")
	require.NoError(t, err)
	d.run(t, 20*time.Minute, time.Minute)
	a, err := d.rules.Alarms().Get(open[0].ID)
	require.NoError(t, err)
	require.Equal(t, rules.Acknowledged, a.State)
	require.Equal(t, "Desk 3", a.Owner)
	d.run(t, 15*time.Minute, time.Minute)
	a, err = d.rules.Alarms().Get(open[0].ID)
	require.NoError(t, err)
	require.Equal(t, rules.Closed, a.State)
}

func TestSensorsAreThingsOfOtherSystems(t *testing.T) {
	network, err := newSensors(t.Context())
	require.NoError(t, err)
	dir := t.TempDir()
	count := func(store *sensorthings.Store, path string) int {
		status, body, err := door(store)(t.Context(), "GET", path+"?$count=true&$top=0", nil)
		require.NoError(t, err)
		require.Equal(t, 200, status, string(body))
		var page struct {
			Count int `json:"@iot.count"`
		}
		require.NoError(t, json.Unmarshal(body, &page))
		return page.Count
	}
	store, err := sensorthings.Open(sensorthings.Options{Dir: dir})
	require.NoError(t, err)
	defer store.Close()
	for range 2 { // the second time all are there
		require.NoError(t, network.Register(t.Context(), door(store)))
		require.Equal(t, len(network.Sensors), count(store, "/Datastreams"))
		objects := map[[2]string]bool{}
		for _, s := range network.Sensors {
			objects[[2]string{string(s.Layer), s.Feature}] = true
		}
		require.Equal(t, len(objects), count(store, "/Things"))
		require.Less(t, count(store, "/ObservedProperties"), 20)
		require.Less(t, count(store, "/Sensors"), 25)
	}
	streams, err := sensing.Bound(t.Context(), door(store))
	require.NoError(t, err)
	require.Len(t, streams, len(network.Sensors))
	latest := network.Latest(time.Now(), nil)
	require.NoError(t, sensing.Post(t.Context(), door(store), streams, latest))
	require.Equal(t, len(latest), count(store, "/Observations"))
	status, body, err := door(store)(t.Context(), "GET", "/Datastreams?$top=1&$select=properties,unitOfMeasurement&$expand=Thing($expand=Locations)", nil)
	require.NoError(t, err)
	require.Equal(t, 200, status, string(body))
	require.Contains(t, string(body), `"twind:layer"`)
	require.Contains(t, string(body), `"generated":true`)
}

func TestSensorsSpeakAndAreWatched(t *testing.T) {
	ob, err := realtime.NewObservatory(realtime.ObservatoryOptions{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		runSensors(ctx, Live{Readings: ob}, slog.New(slog.DiscardHandler))
	}()
	require.Eventually(t, func() bool { return len(ob.Readings()) > 400 }, time.Minute, 20*time.Millisecond)
	cancel()
	<-done
	seen := map[layers.ID]int{}
	for _, r := range ob.Readings() {
		seen[r.Layer]++
	}
	for _, id := range []layers.ID{"demo_nodes", "demo_parts", "demo_pipes", "manholes", "catchbasins", "storm", "sanitary", "water"} {
		require.Greater(t, seen[id], 9, "%s: %v", id, seen)
	}
}

func TestTheHotlineIsTakenByTheRegister(t *testing.T) {
	now := start
	clock := func() time.Time { return now }
	log, err := history.Open(history.Options{Dir: t.TempDir(), Now: clock})
	require.NoError(t, err)
	defer log.Close()
	register, err := cases.Open(t.Context(), cases.Options{Log: log, Now: clock})
	require.NoError(t, err)
	defer register.Close()
	m := &maker{}
	city, err := sensing.NewCases(Layers(), m.features(t.Context()), sensing.DefaultSeed)
	require.NoError(t, err)
	require.NoError(t, report(t.Context(), register, city.Resume(nil, now, nil)))
	for range 60 {
		last := now
		now = now.Add(time.Minute)
		require.NoError(t, report(t.Context(), register, city.Due(last, now, nil)))
		require.NoError(t, register.CheckDeadlines(t.Context()))
	}
	open, _ := register.Open()
	require.Greater(t, len(open), 15)
	require.Less(t, len(open), 60)
	overdue, matched := register.List(cases.Query{Overdue: true, Limit: 100})
	require.NotEmpty(t, overdue)
	require.Less(t, matched, 60)
}

// BenchmarkSensors is a second of the sensors' life: their readings made, taken
// by the observatory and judged by the rules, beside a second of all vehicles and
// trains as they are made.
func BenchmarkSensors(b *testing.B) {
	d := newDesk(b)
	tr, err := newTrains()
	require.NoError(b, err)
	roads, err := manhattanRoads()
	require.NoError(b, err)
	v := newVehicles(roads, Vehicles, 1)
	var due []realtime.Observation
	var positions []realtime.Position
	var sensors, moving time.Duration
	readings := 0
	b.ReportAllocs()
	for b.Loop() {
		last := d.now()
		d.ms.Add(1000)
		begun := time.Now()
		due = d.network.Due(last, d.now(), due[:0])
		require.NoError(b, observe(b.Context(), d.readers, due))
		sensors += time.Since(begun)
		readings += len(due)
		begun = time.Now()
		positions = tr.due(d.now(), positions[:0])
		for g := range vehicleGroups {
			positions = v.due(d.now().Add(time.Duration(g)*time.Second/vehicleGroups), positions[:0])
		}
		moving += time.Since(begun)
	}
	seconds := float64(b.N)
	b.ReportMetric(float64(readings)/seconds, "readings/s")
	b.ReportMetric(100*sensors.Seconds()/seconds, "%core")
	b.ReportMetric(100*moving.Seconds()/seconds, "%core-of-vehicles-and-trains")
	b.ReportMetric(sensors.Seconds()/moving.Seconds(), "of-theirs")
}
