package rules

import (
	"context"
	"encoding/json"
	"time"

	"twind/realtime"
)

// admission decides what outcomes become, of a batch that is written at once:
// what the earlier of it raise is known to the later.
type admission struct {
	*Alarms
	opened map[subject]*opened
	floods map[string]*opened
	raised map[string][]int64
}

// opened is an alarm that is open, or will be once the batch is on disk.
type opened struct {
	id, state      string
	count          int
	began          int64 // ms since 1970
	owner, note    string
	acknowledgedAt int64     // ms since 1970; 0: it is not
	flood          *Evidence // of one that stands for many: its Flood, FloodCount and FloodWindow
}

func openedOf(x *Alarm) *opened {
	o := &opened{x.ID, x.State, x.Count, x.Began, x.Owner, x.Note, x.AcknowledgedAt, nil}
	if x.flood != "" {
		o.flood = &Evidence{}
		_ = json.Unmarshal(x.Evidence, o.flood) // written by begin
	}
	return o
}

// join makes an outcome a version of the alarm. One that is so again, though
// somebody has acknowledged it, is new again (the re-alarm of ISA-18.2); a flood
// is not, for it is there to be one alarm.
func (x *opened) join(e *realtime.Event, d *Evidence) {
	active := d.Outcome != Clear
	if active {
		x.count++
	}
	if active && x.flood == nil {
		x.state, x.acknowledgedAt = New, 0
	}
	if x.flood != nil {
		e.Class, d.Flood, d.FloodCount, d.FloodWindow = FloodClass, x.flood.Flood, x.flood.FloodCount, x.flood.FloodWindow
	}
	d.Active, d.Count, d.Owner, d.Note = &active, x.count, x.owner, x.note
	d.Began = time.UnixMilli(x.began).UTC()
	if x.acknowledgedAt != 0 {
		d.AcknowledgedAt = time.UnixMilli(x.acknowledgedAt).UTC()
	}
	e.ID, e.State, e.Data = x.id, x.state, d.data()
}

// admit makes events of outcomes, raises alarms, joins those that are open, and
// waits until all is on disk.
func (a *Alarms) admit(ctx context.Context, findings []finding) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	b := admission{a, map[subject]*opened{}, map[string]*opened{}, map[string][]int64{}}
	events := make([]realtime.Event, len(findings))
	now := a.now().UnixMilli()
	a.mu.RLock()
	for i := range findings {
		events[i] = b.event(&findings[i], now)
	}
	a.mu.RUnlock()
	return a.log.AppendEvents(ctx, events)
}

// event decides one outcome. Caller holds mu for reading.
func (b *admission) event(f *finding, now int64) realtime.Event {
	d := f.evidence()
	e := f.event(&d)
	e.Received = now
	if f.rule.Quiet {
		return e
	}
	s := subjectOf(&e, &d)
	if x := b.find(s); x != nil {
		x.join(&e, &d)
		return e
	}
	if f.outcome == Clear {
		return e // what it would clear is closed
	}
	x, flooded := b.flooded(e.Class, now)
	b.note(e.Class, now)
	switch {
	case x != nil:
		x.join(&e, &d)
	case flooded:
		d.Flood, d.FloodCount, d.FloodWindow = e.Class, b.flood+1, float64(b.window)/1000
		x = &opened{}
		b.floods[e.Class] = x
		flood := d
		x.begin(&e, &d, &flood)
	default:
		x = &opened{}
		b.opened[s] = x
		x.begin(&e, &d, nil)
	}
	return e
}

// begin makes an outcome the first version of an alarm; flood is nil of one that
// stands for itself.
func (x *opened) begin(e *realtime.Event, d, flood *Evidence) {
	*x = opened{id: eventID(e, d), state: New, began: d.beginning(e.Time), flood: flood}
	x.join(e, d)
}

// find is the open alarm of a subject; nil: there is none.
func (b *admission) find(s subject) *opened {
	if x := b.opened[s]; x != nil {
		return x
	}
	if x := b.open[s]; x != nil {
		b.opened[s] = openedOf(x)
	}
	return b.opened[s]
}

func (b *admission) note(class string, now int64) { b.raised[class] = append(b.raised[class], now) }

// flooded tells whether one more alarm of a class is too many, and the open
// alarm that stands for them; nil: there is none yet.
func (b *admission) flooded(class string, now int64) (*opened, bool) {
	n := 0
	for _, times := range [...][]int64{b.Alarms.raised[class], b.raised[class]} {
		for _, t := range times {
			if now-t < b.window {
				n++
			}
		}
	}
	if n < b.flood {
		return nil, false
	}
	if x := b.Alarms.floods[class]; x != nil && b.floods[class] == nil {
		b.floods[class] = openedOf(x)
	}
	return b.floods[class], true
}
