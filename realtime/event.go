package realtime

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"twind/layers"
)

// EventKind is what an event is a version of.
type EventKind string

// The kinds of events.
const (
	EventCase    EventKind = "case"    // somebody reported it, such as a hotline: it has a life and deadlines
	EventAlarm   EventKind = "alarm"   // a rule raised it: somebody has to see to it
	EventOutcome EventKind = "outcome" // a rule noted it: nobody has to
)

// The states of events. A case goes from new to closed by the steps of CJJ/T 106,
// and may go back to an earlier step but new; an alarm is new, acknowledged,
// new again if it is so again, and closed. Closed and rejected are the end.
const (
	EventNew          = "new"          // 信息收集: reported
	EventAcknowledged = "acknowledged" // of alarms: somebody sees to it
	EventAccepted     = "accepted"     // 案卷建立 (立案): it is a case
	EventDispatched   = "dispatched"   // 任务派遣: somebody has the task
	EventHandling     = "handling"     // 任务处理: they are at it
	EventHandled      = "handled"      // 处理反馈: they say that it is done
	EventVerified     = "verified"     // 核查: somebody looked, and it is
	EventClosed       = "closed"       // 结案
	EventRejected     = "rejected"     // 不予立案: it is no case
)

// caseSteps are the states of a case in their order.
var caseSteps = [...]string{EventNew, EventAccepted, EventDispatched, EventHandling, EventHandled, EventVerified, EventClosed}

// CaseStep is the number of a case's state, from 0 of new to 6 of closed;
// rejected has that of closed. ok is false for what is no state of a case.
func CaseStep(state string) (step int, ok bool) {
	if state == EventRejected {
		state = EventClosed
	}
	for i, s := range caseSteps {
		if s == state {
			return i, true
		}
	}
	return 0, false
}

// EndOfEvent tells whether an event with a state is done with.
func EndOfEvent(state string) bool { return state == EventClosed || state == EventRejected }

// CaseDetails is the Data of a version of a case: all that is known of it then.
type CaseDetails struct {
	Kind   EventKind   `json:"kind"` // EventCase
	Title  layers.Text `json:"title,omitzero"`
	Text   string      `json:"text,omitempty"`
	Source string      `json:"source,omitempty"` // where it came from, such as "12345"
	// Deadlines say until when the case has to have come to a state, or beyond it.
	Deadlines map[string]time.Time `json:"deadlines,omitempty"`
	// Due is the next deadline of a case that is open. Overdue says that a deadline
	// had passed before the case came to its state; for what is closed it stays.
	Due        time.Time       `json:"due,omitzero"`
	Overdue    bool            `json:"overdue,omitempty"`
	Owner      string          `json:"owner,omitempty"` // who has it
	Note       string          `json:"note,omitempty"`  // of the last version
	Properties json.RawMessage `json:"properties,omitempty"`
}

// Judge sets Due and Overdue by the one rule for deadlines: a case is overdue
// when at is after the deadline of a state that it has not reached, and one that
// is closed when that was so when it was.
func (d *CaseDetails) Judge(state string, at time.Time) {
	step, _ := CaseStep(state)
	if EndOfEvent(state) {
		step-- // whether the end itself came in time
	}
	d.Due, d.Overdue = time.Time{}, false
	for s, t := range d.Deadlines {
		if n, _ := CaseStep(s); n <= step {
			continue
		}
		if d.Due.IsZero() || t.Before(d.Due) {
			d.Due = t
		}
	}
	d.Overdue = !d.Due.IsZero() && at.After(d.Due)
	if EndOfEvent(state) {
		d.Due = time.Time{}
	}
}

// Kind tells what an event is a version of, by its data and its state.
func (e *Event) Kind() EventKind {
	var d struct {
		Kind EventKind `json:"kind"`
	}
	if len(e.Data) > 0 && json.Unmarshal(e.Data, &d) == nil && d.Kind == EventCase {
		return EventCase
	}
	if e.State == "" {
		return EventOutcome
	}
	return EventAlarm
}

// Case is what the data of a version of a case says; false: it is none.
func (e *Event) Case() (d CaseDetails, ok bool) {
	if len(e.Data) == 0 || json.Unmarshal(e.Data, &d) != nil {
		return d, false
	}
	return d, d.Kind == EventCase
}

// wireEvent is an event as /live, /live/events and webhooks tell it.
type wireEvent struct {
	Sequence uint64    `json:"sequence"`
	ID       string    `json:"id"`
	Kind     EventKind `json:"kind"`
	Class    string    `json:"class"`
	State    string    `json:"state"`
	Layer    layers.ID `json:"layer,omitempty"`
	Entity   string    `json:"entity,omitempty"`
	Time     time.Time `json:"time"`
	Received time.Time `json:"received"`
	Lon      *float64  `json:"lon,omitempty"`
	Lat      *float64  `json:"lat,omitempty"`
	// Of cases all of it, of alarms and outcomes the evidence of their rule and
	// what is taken from it.
	Title      layers.Text          `json:"title,omitzero"`
	Text       string               `json:"text,omitempty"`
	Source     string               `json:"source,omitempty"`
	Deadlines  map[string]time.Time `json:"deadlines,omitempty"`
	Due        time.Time            `json:"due,omitzero"`
	Overdue    bool                 `json:"overdue,omitempty"`
	Owner      string               `json:"owner,omitempty"`
	Note       string               `json:"note,omitempty"`
	Properties json.RawMessage      `json:"properties,omitempty"`
	Evidence   json.RawMessage      `json:"evidence,omitempty"`
	alarmDetails
}

// alarmDetails is what the evidence of a version says of the alarm as a whole.
type alarmDetails struct {
	Active         *bool     `json:"active,omitempty"` // false: it is no longer so
	Count          int       `json:"count,omitempty"`  // outcomes that it stands for
	Began          time.Time `json:"began,omitzero"`   // the same in each of its versions
	AcknowledgedAt time.Time `json:"acknowledgedAt,omitzero"`
}

// AppendJSON appends the event as /live, /live/events and webhooks tell it
// (wire/SPEC.md, section 11).
func (e *Event) AppendJSON(dst []byte) []byte {
	w := wireEvent{
		Sequence: e.Sequence, ID: e.ID, Kind: EventAlarm, Class: e.Class, State: e.State, Layer: e.Layer, Entity: e.Entity,
		Time: time.UnixMilli(e.Time).UTC(), Received: time.UnixMilli(e.Received).UTC(),
	}
	if e.placed() {
		w.Lon, w.Lat = &e.Lon, &e.Lat
	}
	d, isCase := e.Case() // title, owner and note are named alike in evidence
	w.Title, w.Owner, w.Note = d.Title, d.Owner, d.Note
	switch {
	case isCase:
		w.Kind, w.Text, w.Source, w.Deadlines, w.Due, w.Overdue, w.Properties = EventCase, d.Text, d.Source, d.Deadlines, d.Due, d.Overdue, d.Properties
	case e.State == "":
		w.Kind = EventOutcome
		fallthrough
	default:
		if json.Valid(e.Data) {
			w.Evidence = e.Data
			_ = json.Unmarshal(e.Data, &w.alarmDetails) // others' data may say other things
		}
	}
	b, err := json.Marshal(w)
	if err != nil { // never: a year beyond 9999 is refused before
		b = append(strconv.AppendUint([]byte(`{"sequence":`), e.Sequence, 10), '}')
	}
	return append(dst, b...)
}

// placed tells whether the event has a place.
func (e *Event) placed() bool { return !math.IsNaN(e.Lon) && !math.IsNaN(e.Lat) }
