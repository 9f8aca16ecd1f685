package rules_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/rules"
	"twind/spatial"
)

func all(*rules.Alarm) bool { return true }

func (p *place) alarms(state string) []rules.Alarm {
	p.t.Helper()
	p.settle()
	list, n := p.rules.Alarms().List(state, "", 1000, all)
	require.Len(p.t, list, n)
	for i := range list {
		if math.IsNaN(list[i].Lon) {
			list[i].Lon, list[i].Lat = 0, 0 // NaN equals nothing
		}
	}
	return list
}

func TestLifeOfAnAlarm(t *testing.T) {
	p := open(t, nil)
	p.put("high", `{"kind":"threshold","source":"observations","datastream":"d1","above":2,"class":"flooding"}`)
	p.read("d1", 0, 3)
	open := p.alarms("new")
	require.Len(t, open, 1)
	id := open[0].ID
	require.Equal(t, "flooding", open[0].Class)
	require.True(t, open[0].Active)
	require.Equal(t, 1, open[0].Count)

	p.set(noon.Add(time.Minute))
	a, err := p.rules.Alarms().Acknowledge(t.Context(), id, "Li", "on the way")
	require.NoError(t, err)
	require.Equal(t, []any{"acknowledged", "Li", "on the way", noon.Add(time.Minute).UnixMilli()}, []any{a.State, a.Owner, a.Note, a.AcknowledgedAt})
	p.read("d1", 10, 1)
	require.Equal(t, "acknowledged", p.alarms("open")[0].State, "it is back, and still to be closed")
	p.read("d1", 20, 3) // the same alarm, and somebody has to look again
	a = p.alarms("new")[0]
	require.Equal(t, id, a.ID)
	require.Equal(t, 2, a.Count)
	require.True(t, a.Active)
	require.Zero(t, a.AcknowledgedAt)
	require.Equal(t, []string{"Li", "on the way"}, []string{a.Owner, a.Note}, "whose it was")
	again := p.events()[len(p.events())-1]
	require.Equal(t, "new", again.State)
	require.NotContains(t, string(again.Data), "acknowledgedAt")
	before := p.alarms("")
	p.restart()
	require.Equal(t, before, p.alarms(""))
	_, err = p.rules.Alarms().Acknowledge(t.Context(), id, "Li", "again")
	require.NoError(t, err)
	p.read("d1", 30, 1)
	require.False(t, p.alarms("open")[0].Active)

	a, err = p.rules.Alarms().Close(t.Context(), id, "Wang", "pumped out")
	require.NoError(t, err)
	require.Equal(t, "closed", a.State)
	_, err = p.rules.Alarms().Close(t.Context(), id, "Wang", "")
	require.ErrorIs(t, err, layers.ErrConflict)
	_, err = p.rules.Alarms().Close(t.Context(), "none", "Wang", "")
	require.ErrorIs(t, err, layers.ErrNotFound)

	p.read("d1", 40, 3) // it is raised again
	require.Len(t, p.alarms("closed"), 1)
	require.Len(t, p.alarms("new"), 1)
	require.NotEqual(t, id, p.alarms("new")[0].ID)
	require.Equal(t, id, p.alarms("")[1].ID, "the newest is first")
	require.Equal(t, []string{"0 d1 raise", "60 d1 acknowledge", "10 d1 clear", "20 d1 raise", "60 d1 acknowledge", "30 d1 clear", "60 d1 close", "40 d1 raise"}, replaceOwner(p.told()))
	for i, e := range p.events() {
		require.Equal(t, uint64(i+1), e.Sequence)
	}
}

// TestEveryVersionOfAnAlarmSaysWhenItBegan goes through what can happen to alarms
// of each outcome, also after a restart.
func TestEveryVersionOfAnAlarmSaysWhenItBegan(t *testing.T) {
	p := open(t, func(o *rules.Options) { o.FloodCount, o.FloodWindow = 5, time.Minute })
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`,"events":["enter","leave","stay","speed"],"dwell":60,"speedLimit":10,"delay":5}`)
	p.put("high", `{"kind":"threshold","source":"observations","datastream":"d1","above":2,"delay":10}`)
	visit := func(s float64) {
		p.at("a", s, 0)
		p.at("a", s+5, 0) // came at s, told at s+5
		p.drive("a", s+20, 0, 12)
		p.at("a", s+70, 0) // stays since s
		p.at("a", s+80, 500)
		p.at("a", s+85, 500)
	}
	exceed := func(s float64) {
		p.read("d1", s, 3)
		p.read("d1", s+10, 3) // raised, since s
		p.read("d1", s+20, 1)
		p.read("d1", s+30, 1) // cleared
	}
	visit(0)
	exceed(0)
	p.settle() // the rules read the clock
	p.set(noon.Add(20 * time.Minute))
	for _, x := range p.alarms("new") {
		_, err := p.rules.Alarms().Acknowledge(t.Context(), x.ID, "Li", "")
		require.NoError(t, err)
	}
	p.restart()
	visit(600)
	exceed(600)
	for _, x := range p.alarms("new") {
		require.Equal(t, 2, x.Count, "%s was so again", x.Class)
		_, err := p.rules.Alarms().Close(t.Context(), x.ID, "Li", "")
		require.NoError(t, err)
	}

	began, versions := map[rules.Outcome]float64{}, map[rules.Outcome]int{}
	for _, e := range p.events() {
		x, err := p.rules.Alarms().Get(e.ID)
		require.NoError(t, err)
		var d rules.Evidence
		require.NoError(t, json.Unmarshal(x.Evidence, &d))
		first := d.Outcome
		require.NoError(t, json.Unmarshal(e.Data, &d))
		require.Equal(t, time.UnixMilli(x.Began).UTC(), d.Began, "%s %s", first, e.Data)
		var told struct{ Began time.Time }
		require.NoError(t, json.Unmarshal(e.AppendJSON(nil), &told))
		require.Equal(t, d.Began, told.Began)
		began[first] = d.Began.Sub(noon).Seconds()
		versions[first]++
	}
	require.Equal(t, map[rules.Outcome]float64{rules.Enter: 0, rules.Stay: 0, rules.Raise: 0, rules.Speed: 20, rules.Leave: 85}, began)
	require.Equal(t, map[rules.Outcome]int{rules.Enter: 4, rules.Stay: 4, rules.Raise: 6, rules.Speed: 4, rules.Leave: 4}, versions)
}

// replaceOwner leaves out the object of actions.
func replaceOwner(told []string) []string {
	for i := range told {
		if told[i] == "60 m1 acknowledge" || told[i] == "60 m1 close" {
			told[i] = "60  " + told[i][6:]
		}
	}
	return told
}

func TestRestartKeepsAlarmsAndStates(t *testing.T) {
	var there []realtime.Entity
	p := open(t, func(o *rules.Options) {
		o.Entities = func(layers.ID) []realtime.Entity { return there }
	})
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`,"events":["enter","leave","stay"],"dwell":60}`)
	p.put("high", `{"kind":"threshold","source":"observations","datastream":"d1","above":2}`)
	p.at("a", 0, 0)
	p.at("a", 60, 0)
	p.at("b", 60, 0)
	p.read("d1", 0, 3)
	_, err := p.rules.Alarms().Acknowledge(t.Context(), p.alarms("new")[0].ID, "Li", "seen")
	require.NoError(t, err)
	before, states := p.alarms(""), p.told()

	there = []realtime.Entity{{ID: "a", Time: noon.Add(60 * time.Second)}, {ID: "b", Time: noon.Add(60 * time.Second)}}
	p.restart()
	require.Equal(t, before, p.alarms(""), "all is as it was")
	p.at("a", 70, 0)
	p.read("d1", 70, 3)
	p.at("b", 119, 0)
	require.Equal(t, states, p.told(), "nobody enters, stays or crosses again because the server was restarted")
	p.at("b", 120, 0)
	p.at("a", 130, 500)
	p.read("d1", 130, 1)
	require.Equal(t, []string{"120 b stay", "130 a leave", "130 d1 clear"}, p.told()[len(states):])
}

func TestFlood(t *testing.T) {
	p := open(t, func(o *rules.Options) { o.FloodCount, o.FloodWindow = 5, time.Minute })
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`,"events":["enter"],"class":"intruder"}`)
	p.put("quiet", `{"kind":"fence","layer":"vehicles",`+circle100+`,"events":["enter"],"quiet":true}`)
	for i := range 12 {
		p.at(fmt.Sprint("v", i), 0, 0)
	}
	open := p.alarms("new")
	require.Len(t, open, 6)
	require.Equal(t, rules.FloodClass, open[0].Class)
	require.Equal(t, 7, open[0].Count)
	require.Contains(t, string(open[0].Evidence), `"flood":"intruder","floodCount":6,"floodWindow":60`)
	require.Equal(t, open[0].Time, open[0].Began, "the flood began when it was one")
	require.Len(t, p.events(), 24, "every outcome is an event")

	before := p.alarms("")
	p.restart()
	require.Equal(t, before, p.alarms(""))
	p.at("w", 1, 0)
	require.Equal(t, 8, p.alarms("new")[0].Count, "the flood goes on")
	_, err := p.rules.Alarms().Acknowledge(t.Context(), before[0].ID, "Li", "")
	require.NoError(t, err)
	p.restart()
	p.at("y", 1, 0)
	flood := p.alarms("acknowledged")
	require.Len(t, flood, 1, "one more of a flood is no new alarm")
	require.Equal(t, 9, flood[0].Count)
	for _, e := range p.events() {
		if e.ID == before[0].ID {
			require.Equal(t, rules.FloodClass, e.Class, "in each of its versions")
			require.Contains(t, string(e.Data), `"flood":"intruder","floodCount":6,"floodWindow":60`)
		}
	}
	p.set(noon.Add(2 * time.Minute))
	p.at("x", 2, 0)
	require.Len(t, p.alarms("new"), 6, "later ones are alarms again")
	require.Equal(t, "intruder", p.alarms("new")[0].Class)
}

func TestHubIsWatched(t *testing.T) {
	p := open(t, nil)
	hub := realtime.New(realtime.Options{Now: func() time.Time { return noon.Add(time.Hour) }})
	require.NoError(t, hub.AddLayer(layers.Layer{ID: "vehicles", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{}}))
	hub.Watch(p.rules.Positions)
	p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`}`)
	move := func(s int, lon float64) {
		_, err := hub.Apply(t.Context(), []realtime.Position{realtime.NewPosition("vehicles", "a", noon.Add(time.Duration(s)*time.Second), lon, 0.0001)})
		require.NoError(t, err)
	}
	move(0, 1)
	move(10, 0)
	move(5, 1) // older: not believed
	move(20, 1)
	require.Equal(t, []string{"10 a enter", "20 a leave"}, p.told())
}

func TestCasesAreNoAlarms(t *testing.T) {
	p := open(t, nil)
	p.put("high", `{"kind":"threshold","layer":"manholes","source":"observations","property":"level","above":2}`)
	require.NoError(t, p.log.AppendEvents(t.Context(), []realtime.Event{{ID: "case", Class: "0102", State: "new", Time: 1, Data: []byte(`{"kind":"case"}`)}}))
	p.read("d1", 1, 3)
	p.settle()
	list, matched := p.rules.Alarms().List("", "", 10, func(*rules.Alarm) bool { return true })
	require.Equal(t, 1, matched)
	require.Equal(t, "m1", list[0].Entity)
	_, err := p.rules.Alarms().Close(t.Context(), "case", "Li", "")
	require.ErrorIs(t, err, layers.ErrNotFound)
}

// TestLevelOfAReading goes through the life of an alarm about it.
func TestLevelOfAReading(t *testing.T) {
	p := open(t, nil)
	p.put("high", `{"kind":"threshold","layer":"manholes","source":"observations","property":"level","above":2}`)
	p.put("hint", `{"kind":"threshold","layer":"manholes","source":"observations","property":"level","above":1,"quiet":true}`)
	level := func() realtime.Level {
		p.settle()
		return p.rules.Level(&realtime.Observation{Datastream: "d1", Layer: "manholes", Feature: "m1", Property: "level"})
	}
	require.Equal(t, realtime.LevelNormal, level())
	p.read("d1", 1, 1.5)
	require.Equal(t, realtime.LevelWarning, level())
	require.Equal(t, realtime.LevelNormal, p.rules.Level(&realtime.Observation{Datastream: "d2", Layer: "manholes", Feature: "m2", Property: "level"}))
	p.read("d1", 2, 3)
	require.Equal(t, realtime.LevelAlarm, level())
	p.read("d1", 3, 0.5)
	require.Equal(t, realtime.LevelWarning, level(), "the alarm is open")
	list, _ := p.rules.Alarms().List("open", "", 10, func(*rules.Alarm) bool { return true })
	_, err := p.rules.Alarms().Close(t.Context(), list[0].ID, "Li", "")
	require.NoError(t, err)
	require.Equal(t, realtime.LevelNormal, level())
}
