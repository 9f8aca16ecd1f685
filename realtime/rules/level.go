package rules

import (
	"encoding/json"
	"math"

	"twind/realtime"
)

var nan = math.NaN()

// level is one threshold, or rule about silence, with the state of all that it watches.
type level struct {
	rule   *Rule
	limit  float64
	sign   float64 // 1: above, −1: below
	delay  int64   // ms
	states map[string]*levelState
	f      finding // scratch
}

// maxLevelStates bounds what one threshold watches.
const maxLevelStates = 500_000

type levelState struct {
	raised  bool
	time    int64
	since   int64 // raised since
	pending int64
	// Of positions: the properties that were read last, and what was in them.
	first *byte
	size  int
	value float64 // NaN: no number
}

// newLevel makes a level that goes on with states; nil: with none.
func newLevel(r *Rule, states map[string]*levelState) *level {
	if states == nil {
		states = map[string]*levelState{}
	}
	l := &level{rule: r, sign: 1, delay: int64(r.Delay * 1000), states: states}
	switch {
	case r.Below != nil:
		l.sign, l.limit = -1, *r.Below
	case r.Above != nil: // else it is about silence
		l.limit = *r.Above
	}
	return l
}

func (l *level) state(key string) *levelState {
	s := l.states[key]
	if s == nil && len(l.states) < maxLevelStates {
		s = &levelState{value: nan}
		l.states[key] = s
	}
	return s
}

// position takes what a position says of the property.
func (l *level) position(w *watch, b *realtime.Believed) {
	if l.rule.Feature != "" && l.rule.Feature != b.ID {
		return
	}
	s := l.state(b.ID)
	if s == nil || b.Time < s.time {
		return
	}
	v := l.valueOf(s, b)
	l.f = finding{rule: l.rule, layer: w.layer, entity: b.ID, time: b.Time, received: b.Received, lon: b.Lon, lat: b.Lat, value: v}
	l.step(s, &l.f, w.told)
}

// valueOf reads the property, again only when the properties are others.
func (l *level) valueOf(s *levelState, b *realtime.Believed) float64 {
	switch l.rule.Property {
	case "speed":
		return b.Speed
	case "course":
		return b.Course
	}
	var first *byte
	if len(b.Properties) > 0 {
		first = &b.Properties[0]
	}
	if first != s.first || len(b.Properties) != s.size {
		s.first, s.size, s.value = first, len(b.Properties), numberIn(b.Properties, l.rule.Property)
	}
	return s.value
}

// numberIn is a member of a JSON object; NaN where it is no number.
func numberIn(object []byte, name string) float64 {
	var members map[string]json.RawMessage
	if len(object) == 0 || json.Unmarshal(object, &members) != nil {
		return nan
	}
	var v *float64
	if json.Unmarshal(members[name], &v) != nil || v == nil {
		return nan
	}
	return *v
}

// observation takes a reading.
func (l *level) observation(o *realtime.Observation, told func(*finding) bool) {
	if l.rule.Feature != "" && l.rule.Feature != o.Feature || o.Type == realtime.ResultText {
		return
	}
	s := l.state(o.Datastream)
	if s == nil || o.Time < s.time {
		return
	}
	l.f = finding{
		rule: l.rule, layer: o.Layer, entity: o.Feature, stream: o.Datastream, time: o.Time, received: o.Received,
		lon: nan, lat: nan, value: o.Number,
	}
	l.step(s, &l.f, told)
}

// step takes f.value into a state.
func (l *level) step(s *levelState, f *finding, told func(*finding) bool) {
	if f.value != f.value {
		return // nothing is known
	}
	s.time = f.time
	beyond := l.sign*(f.value-l.limit) > 0
	if s.raised {
		beyond = l.sign*(f.value-l.limit) > -l.rule.Margin
	}
	if beyond == s.raised {
		s.pending = 0
		return
	}
	if s.pending == 0 {
		s.pending = f.time
	}
	if f.time-s.pending < l.delay {
		return
	}
	f.outcome, f.since, f.limit = Raise, s.pending, l.limit
	if s.raised {
		f.outcome, f.since = Clear, s.since
	}
	if told(f) {
		s.raised, s.since, s.pending = !s.raised, s.pending, 0
	}
}
