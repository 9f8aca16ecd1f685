package rules_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
	"twind/realtime/rules"
	"twind/spatial"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// place has rules over a real event log.
type place struct {
	t     testing.TB
	dir   string
	log   *history.Log
	rules *rules.Rules
	o     rules.Options
	stop  func()
	now   atomic.Int64 // ms since 1970; set sets it
}

func open(t testing.TB, change func(*rules.Options)) *place {
	p := &place{t: t, dir: t.TempDir()}
	p.set(noon)
	p.o = rules.Options{Now: func() time.Time { return time.UnixMilli(p.now.Load()).UTC() }}
	if change != nil {
		change(&p.o)
	}
	p.start()
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *place) set(now time.Time) { p.now.Store(now.UnixMilli()) }

func (p *place) start() {
	log, err := history.Open(history.Options{Dir: filepath.Join(p.dir, "history")})
	require.NoError(p.t, err)
	p.o.Dir = filepath.Join(p.dir, "rules")
	if slow, ok := p.o.Log.(*slowLog); ok {
		slow.Log = log
	} else {
		p.o.Log = log
	}
	p.log = log
	p.rules, err = rules.Open(p.t.Context(), p.o)
	require.NoError(p.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.rules.Run(ctx) }()
	p.stop = func() {
		p.settle()
		cancel()
		require.NoError(p.t, <-done)
		p.rules.Close()
		require.NoError(p.t, log.Close())
		p.stop = func() {}
	}
}

func (p *place) settle() { require.Eventually(p.t, p.rules.Settled, 30*time.Second, time.Millisecond) }

func (p *place) restart() {
	p.stop()
	p.start()
}

func (p *place) put(id, body string) {
	p.t.Helper()
	_, _, err := p.rules.Put(p.t.Context(), id, []byte(body))
	require.NoError(p.t, err)
}

// at moves an entity, s seconds after noon, metres east of the origin.
func (p *place) at(id string, s, metres float64) { p.drive(id, s, metres, 0) }

const degree = 111319.4908 // metres of longitude at the equator

func (p *place) drive(id string, s, metres, speed float64) {
	ms := noon.UnixMilli() + int64(s*1000)
	p.rules.Positions("vehicles", []realtime.Believed{{ID: id, Time: ms, Received: ms, Lon: metres / degree, Speed: speed}})
}

func (p *place) read(stream string, s, value float64) {
	ms := noon.UnixMilli() + int64(s*1000)
	p.rules.Observations([]realtime.Observation{{Datastream: stream, Layer: "manholes", Feature: "m1", Property: "level", Time: ms, Received: ms, Number: value}})
}

// told is what the log has, as "entity outcome zone state" and the second.
func (p *place) told() (out []string) {
	p.t.Helper()
	p.settle()
	for _, e := range p.events() {
		var d rules.Evidence
		require.NoError(p.t, json.Unmarshal(e.Data, &d))
		who := e.Entity
		if d.Datastream != "" {
			who = d.Datastream
		}
		what := string(d.Outcome)
		if d.Action != "" {
			what = d.Action
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%g %s %s %s", float64(e.Time-noon.UnixMilli())/1000, who, what, d.Zone)))
	}
	return out
}

func (p *place) events() (out []realtime.Event) {
	require.NoError(p.t, p.log.Events(p.t.Context(), 0, func(e *realtime.Event) error {
		out = append(out, *e)
		return nil
	}))
	return out
}

const circle100 = `"area":{"circle":{"center":[0,0],"radius":100}}`

func TestFenceWithHysteresis(t *testing.T) {
	p := open(t, nil)
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`,"severity":"minor","margin":20,"delay":10}`)
	for _, x := range []struct{ s, metres float64 }{
		{0, 200}, {5, 50}, {10, 150}, // inside too briefly
		{20, 99}, {25, 50}, {30, 110}, // within the margin of what it was: still inside?
		{35, 90}, {45, 90},
		{50, 115}, {70, 119}, // the margin
		{80, 130}, {85, 100}, {90, 130}, {99, 500}, {100, 500}, // out for ten seconds only at the end
	} {
		p.at("a", x.s, x.metres)
	}
	require.Equal(t, []string{"45 a enter", "100 a leave"}, p.told())
	var d rules.Evidence
	require.NoError(t, json.Unmarshal(p.events()[0].Data, &d))
	require.Equal(t, noon.Add(35*time.Second), d.Since)
	require.Equal(t, "yard", d.Rule)
	require.Equal(t, rules.Minor, d.Severity)
	require.Equal(t, "fence-enter", p.events()[0].Class)
	require.InDelta(t, 90/degree, p.events()[0].Lon, 1e-9)
}

func TestStayAndSpeed(t *testing.T) {
	p := open(t, nil)
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`,"events":["stay","speed"],"dwell":60,"speedLimit":10,"speedMargin":2}`)
	p.drive("a", 0, 0, 5)
	p.drive("a", 30, 0, 11)
	p.drive("a", 40, 0, 9)  // not slower by the margin
	p.drive("a", 50, 0, 12) // so this is the same
	p.drive("a", 60, 0, 7)
	p.drive("a", 70, 0, 12)
	p.drive("a", 80, 500, 50) // outside
	p.drive("a", 90, 0, 0)
	p.drive("a", 149, 0, 0)
	p.drive("a", 150, 0, 0)
	require.Equal(t, []string{"30 a speed", "60 a stay", "70 a speed", "150 a stay"}, p.told())
}

func TestZonesOfALayerFollowIt(t *testing.T) {
	square := func(name string, at, side float64) rules.Zone {
		lo, hi := at/degree, (at+side)/degree
		return rules.Zone{Name: name, Geometry: spatial.NewPolygon([]float64{lo, -1, hi, -1, hi, 1, lo, 1, lo, -1})}
	}
	zones := []rules.Zone{square("west", 0, 100), square("east", 100, 100)}
	p := open(t, func(o *rules.Options) {
		o.Zones = func(_ context.Context, id layers.ID, features []string) ([]rules.Zone, error) {
			if id != "precincts" {
				return nil, layers.Errorf(layers.ErrNotFound, "no layer %s", id)
			}
			return zones, nil
		}
	})
	p.put("beat", `{"kind":"fence","layer":"vehicles","area":{"layer":"precincts"}}`)
	_, _, err := p.rules.Put(t.Context(), "other", []byte(`{"kind":"fence","layer":"vehicles","area":{"layer":"nowhere"}}`))
	require.ErrorIs(t, err, layers.ErrNotFound)
	p.at("a", 0, 50)
	p.at("a", 10, 150)
	p.settle()
	zones = []rules.Zone{square("west", 0, 100), square("east", 100, 300)} // grows
	p.rules.Changed("precincts")
	p.settle()
	p.at("a", 20, 350)
	p.at("a", 30, 500)
	require.Equal(t, []string{"0 a enter west", "10 a leave west", "10 a enter east", "30 a leave east"}, p.told())
}

func TestRuleOverThoseWhoAreInside(t *testing.T) {
	p := open(t, func(o *rules.Options) {
		o.Entities = func(layers.ID) []realtime.Entity {
			return []realtime.Entity{{ID: "a", Time: noon}, {ID: "b", Lon: 1, Time: noon}}
		}
	})
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`}`)
	p.at("a", 10, 0)
	p.at("b", 10, 0)
	p.at("a", 20, 1000)
	require.Equal(t, []string{"10 b enter", "20 a leave"}, p.told())
	require.NoError(t, p.rules.Delete("yard"))
	p.at("b", 30, 1000)
	require.Len(t, p.told(), 2, "a rule that is gone tells nothing")
	require.ErrorIs(t, p.rules.Delete("yard"), layers.ErrNotFound)
}

func TestThresholdsWithHysteresisAndDelay(t *testing.T) {
	p := open(t, nil)
	p.put("high", `{"kind":"threshold","source":"observations","layer":"manholes","property":"level","above":2,"margin":0.5,"delay":10}`)
	p.put("fuel", `{"kind":"threshold","source":"positions","layer":"vehicles","property":"fuel","below":10}`)
	for _, x := range []struct{ s, v float64 }{
		{0, 1}, {10, 2.5}, {15, 1}, {20, 2.5}, {25, 2.5}, {30, 2.1}, // raised at 30
		{40, 1.6}, {60, 1.6}, {70, 1.5}, {75, 1.7}, {80, 1.4}, {90, 1.4}, // cleared at 90
	} {
		p.read("d1", x.s, x.v)
	}
	require.Equal(t, []string{"30 d1 raise", "90 d1 clear"}, p.told())
	for i, props := range []string{`{"fuel":11}`, `{"fuel":9.5}`, `{"fuel":"?"}`, ``, `{"fuel":10}`} {
		ms := noon.UnixMilli() + int64(100+i)*1000
		p.rules.Positions("vehicles", []realtime.Believed{{ID: "a", Time: ms, Received: ms, Properties: []byte(props)}})
	}
	require.Equal(t, []string{"101 a raise", "104 a clear"}, p.told()[2:])
	e := p.events()[0]
	require.Equal(t, "threshold", e.Class)
	require.Equal(t, "m1", e.Entity)
	require.JSONEq(t, `{"rule":"high","outcome":"raise","datastream":"d1","property":"level","since":"2026-11-20T12:00:20Z","value":2.1,"limit":2,"active":true,"count":1,"began":"2026-11-20T12:00:20Z"}`, string(e.Data))
}

func TestOutcomesWaitForASlowDisk(t *testing.T) {
	held := make(chan struct{})
	p := open(t, func(o *rules.Options) { o.Log, o.MaxPending = &slowLog{held: held}, 3 })
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`}`)
	for s := range 3 {
		for i := range 10 { // only three find room
			p.at(fmt.Sprint("v", i), float64(s), 0)
		}
	}
	close(held)
	require.Eventually(t, func() bool {
		for i := range 10 {
			p.at(fmt.Sprint("v", i), 10, 0)
		}
		return len(p.events()) >= 10
	}, 30*time.Second, 5*time.Millisecond)
	require.Len(t, p.told(), 10, "each entered once, none was lost")
}

// slowLog is a log whose disk does not answer until held is closed.
type slowLog struct {
	*history.Log
	held chan struct{}
}

func (l *slowLog) AppendEvents(ctx context.Context, events []realtime.Event) error {
	<-l.held
	return l.Log.AppendEvents(ctx, events)
}

func TestBadRulesAreNamed(t *testing.T) {
	for body, sentence := range map[string]string{
		``:             "cannot be read",
		`[]`:           "JSON array",
		`{"kind":"x"}`: `kind "x" of rule r: expected fence, threshold or silence`,
		`{"kind":"fence","layer":"v",` + circle100 + `} {}`:                                    "something follows",
		`{"kind":"fence","layer":"v","speed":3}`:                                               `unknown field "speed"`,
		`{"kind":"fence",` + circle100 + `}`:                                                   "names no live layer",
		`{"kind":"fence","layer":"v"}`:                                                         "names no area",
		`{"kind":"fence","layer":"v","area":{}}`:                                               "expected one of circle, polygon",
		`{"kind":"fence","layer":"v","area":{"circle":{"center":[0,91],"radius":5}}}`:          "latitude −85 to 85",
		`{"kind":"fence","layer":"v","area":{"circle":{"center":[0,0],"radius":-1}}}`:          "radius -1",
		`{"kind":"fence","layer":"v","area":{"polygon":{"type":"Point","coordinates":[0,0]}}}`: "expected a Polygon",
		`{"kind":"fence","layer":"v",` + circle100 + `,"events":["stay"]}`:                     "stay and dwell",
		`{"kind":"fence","layer":"v",` + circle100 + `,"events":["speed"]}`:                    "speed and speedLimit",
		`{"kind":"fence","layer":"v",` + circle100 + `,"events":["leave","leave"]}`:            "named twice",
		`{"kind":"fence","layer":"v",` + circle100 + `,"delay":-1}`:                            "delay of rule r is -1",
		`{"kind":"fence","layer":"v",` + circle100 + `,"severity":"high"}`:                     `severity "high" of rule r`,
		`{"kind":"fence","layer":"v",` + circle100 + `,"above":1}`:                             "belong to thresholds",
		`{"kind":"threshold","source":"positions","layer":"v","property":"p"}`:                 "either above or below",
		`{"kind":"threshold","source":"positions","datastream":"d","above":1}`:                 "expected layer and property",
		`{"kind":"threshold","source":"radio","datastream":"d","above":1}`:                     `source "radio"`,
		`{"kind":"silence"}`:                                                                   "names no live layer",
		`{"kind":"silence","layer":"v","state":"live"}`:                                        `state "live" of rule r: expected stale or offline`,
		`{"kind":"silence","layer":"v","above":1}`:                                             "state, feature and delay only",
		`{"kind":"fence","layer":"v",` + circle100 + `,"state":"stale"}`:                       "state belongs to silence",
		`{"kind":"threshold","source":"positions","layer":"v","property":"p","state":"stale"}`: "state belongs to silence",
		`{"kind":"silence","layer":"v","class":"a\u202eb"}`:                                    "rule r: class",
		`{"kind":"silence","layer":"v","class":"a\u007f"}`:                                     "U+007F",
		`{"kind":"silence","layer":"v","class":" "}`:                                           "class is blank",
		`{"kind":"silence","layer":"v","class":"` + strings.Repeat("x", 201) + `"}`:            "has 201 bytes",
		`{"kind":"silence","layer":"v","title":{"en":"a\u2066b"}}`:                             "rule r: title",
		`{"id":"s","kind":"fence"}`:                                                            `id "s" is not the path's`,
		`{"title":"` + strings.Repeat("x", rules.MaxRuleBytes) + `"}`:                          "at most 65536",
	} {
		_, err := rules.Parse("r", []byte(body))
		require.ErrorIs(t, err, layers.ErrInvalid, "%.80s", body)
		require.ErrorContains(t, err, sentence, "%.80s", body)
	}
	_, err := rules.Parse("No!", []byte(`{}`))
	require.ErrorContains(t, err, "rule id")
}

func TestDamagedFileIsNamed(t *testing.T) {
	p := open(t, nil)
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`}`)
	file := filepath.Join(p.o.Dir, "rules.json")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, b[:len(b)/2], 0o600))
	_, err = rules.Open(t.Context(), p.o)
	require.ErrorIs(t, err, layers.ErrCorrupt)
	require.ErrorContains(t, err, file)
}

// A file of before may have a class that is refused now.
func TestFileOfUnreadableClass(t *testing.T) {
	p := open(t, nil)
	p.put("yard", `{"kind":"silence","layer":"vehicles","class":"depot"}`)
	p.stop()
	file := filepath.Join(p.o.Dir, "rules.json")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(b), "depot", "de\u202epot")), 0o600))
	p.start()
	require.Equal(t, "de\u202epot", p.rules.List()[0].Class)
}

func TestNoMoreRulesThanMayBe(t *testing.T) {
	p := open(t, nil)
	list := make([]json.RawMessage, rules.MaxRules)
	for i := range list {
		list[i] = json.RawMessage(fmt.Sprintf(`{"id":"r%d","kind":"fence","layer":"vehicles",`+circle100+`}`, i))
	}
	b, err := json.Marshal(map[string]any{"rules": list})
	require.NoError(t, err)
	p.stop()
	require.NoError(t, os.WriteFile(filepath.Join(p.o.Dir, "rules.json"), b, 0o600))
	p.start()
	require.Len(t, p.rules.List(), rules.MaxRules)
	_, _, err = p.rules.Put(t.Context(), "more", []byte(list[0]))
	require.ErrorContains(t, err, "not the path's id")
	_, _, err = p.rules.Put(t.Context(), "more", []byte(`{"kind":"fence","layer":"vehicles",`+circle100+`}`))
	require.ErrorContains(t, err, "as many as may be")
	p.put("r7", `{"kind":"fence","layer":"trains",`+circle100+`}`)
	s, err := p.rules.Get("r7")
	require.NoError(t, err)
	require.Equal(t, layers.ID("trains"), s.Layer)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"kind":"fence","layer":"v",` + circle100 + `,"events":["enter","stay"],"dwell":3}`))
	f.Add([]byte(`{"kind":"fence","layer":"v","area":{"polygon":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}}`))
	f.Add([]byte(`{"kind":"threshold","source":"observations","datastream":"d","below":-1e300,"margin":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := rules.Parse("r", b)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		again, err := json.Marshal(r)
		require.NoError(t, err)
		if len(again) <= rules.MaxRuleBytes { // escapes are longer
			_, err = rules.Parse("r", again)
			require.NoError(t, err, "what was written is read again: %s", again)
		}
	})
}

func TestReadingsHaveThePlaceOfTheirObject(t *testing.T) {
	p := open(t, func(o *rules.Options) {
		o.Place = func(layer layers.ID, feature string) (lon, lat float64, ok bool) {
			return 112.98, 28.2, layer == "manholes" && feature == "m1"
		}
	})
	p.put("high", `{"kind":"threshold","source":"observations","layer":"manholes","property":"level","above":2}`)
	p.read("d1", 0, 3)
	p.settle()
	list, _ := p.rules.Alarms().List("open", "", 10, func(*rules.Alarm) bool { return true })
	require.Len(t, list, 1)
	require.Equal(t, []float64{112.98, 28.2}, []float64{list[0].Lon, list[0].Lat})
}
