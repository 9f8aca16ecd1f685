package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Evidence is what the Data of an event says: why there is an outcome, or who
// did what to an alarm.
type Evidence struct {
	Rule       string      `json:"rule,omitempty"`
	Severity   Severity    `json:"severity,omitempty"`
	Title      layers.Text `json:"title,omitzero"`
	Outcome    Outcome     `json:"outcome,omitempty"`
	Zone       string      `json:"zone,omitempty"`
	Datastream string      `json:"datastream,omitempty"`
	Property   string      `json:"property,omitempty"`
	// Since is when it began: of enter the first position inside, of leave, stay
	// and speed when the entity came, of raise and clear the first value beyond.
	Since time.Time `json:"since,omitzero"`
	Value *float64  `json:"value,omitempty"` // m/s of fences, else what crossed the threshold
	Limit *float64  `json:"limit,omitempty"`
	// Flood is the class whose alarms became too many, FloodCount how many came in
	// FloodWindow seconds.
	Flood       string  `json:"flood,omitempty"`
	FloodCount  int     `json:"floodCount,omitempty"`
	FloodWindow float64 `json:"floodWindow,omitempty"`

	Action string `json:"action,omitempty"` // acknowledge or close
	Owner  string `json:"owner,omitempty"`
	Note   string `json:"note,omitempty"`

	// Of a version of an alarm, the alarm as it then is.
	Active         *bool     `json:"active,omitempty"`
	Count          int       `json:"count,omitempty"`
	Began          time.Time `json:"began,omitzero"`
	AcknowledgedAt time.Time `json:"acknowledgedAt,omitzero"`
}

func (e *Evidence) data() []byte {
	b, _ := json.Marshal(e) // never fails: numbers are finite
	return b
}

// beginning is when an alarm began whose first version is the event, in ms since
// 1970: with what its rule found, but not before it was an alarm, as that an
// entity came does not make it one that leaves or speeds.
func (e *Evidence) beginning(at int64) int64 {
	switch {
	case !e.Began.IsZero():
		return e.Began.UnixMilli()
	case e.Since.IsZero() || e.Flood != "" || e.Outcome == Leave || e.Outcome == Speed:
		return at
	}
	return min(e.Since.UnixMilli(), at)
}

func number(v float64) *float64 {
	if v != v {
		return nil
	}
	return &v
}

func (f *finding) evidence() Evidence {
	return Evidence{
		Rule: f.rule.ID, Severity: f.rule.Severity, Title: f.rule.Title, Outcome: f.outcome, Zone: f.zone, Datastream: f.stream, Property: f.rule.Property,
		Since: time.UnixMilli(f.since).UTC(), Value: number(f.value), Limit: number(f.limit),
	}
}

// subject names what an alarm is about: while one is open there is no second.
// Raise and clear are of the same.
type subject struct {
	rule    string
	outcome Outcome
	zone    string
	layer   layers.ID
	entity  string
	stream  string
}

func subjectOf(e *realtime.Event, d *Evidence) subject {
	s := subject{d.Rule, d.Outcome, d.Zone, e.Layer, e.Entity, d.Datastream}
	if s.outcome == Clear {
		s.outcome = Raise
	}
	return s
}

// event is an outcome as an event that raises nothing yet.
func (f *finding) event(d *Evidence) realtime.Event {
	e := realtime.Event{
		Class: f.rule.class(f.outcome), Layer: f.layer, Entity: f.entity,
		Time: f.time, Received: f.received, Lon: f.lon, Lat: f.lat, Data: d.data(),
	}
	e.ID = eventID(&e, d)
	return e
}

// eventID is the same for the same outcome, and another for the next.
func eventID(e *realtime.Event, d *Evidence) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q %q %d", d.Rule, d.Outcome, d.Zone, e.Layer, e.Entity, d.Datastream, d.Flood, e.Time))
	return hex.EncodeToString(h[:10])
}
