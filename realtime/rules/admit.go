package rules

import (
	"context"

	"twind/realtime"
)

// admission decides what outcomes become, of a batch that is written at once:
// what the earlier of it raise is known to the later.
type admission struct {
	*Alarms
	opened map[subject]opened
	floods map[string]opened
	raised map[string][]int64
}

// opened is an alarm that is open, or will be once the batch is on disk.
type opened struct{ id, state string }

// admit makes events of outcomes, raises alarms, joins those that are open, and
// waits until all is on disk.
func (a *Alarms) admit(ctx context.Context, findings []finding) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	b := admission{a, map[subject]opened{}, map[string]opened{}, map[string][]int64{}}
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
	if x, ok := b.find(s); ok {
		e.ID, e.State = x.id, x.state
		return e
	}
	if f.outcome == Clear {
		return e // what it would clear is closed
	}
	if x, ok := b.flooded(e.Class, now); ok {
		if x.id != "" {
			e.ID, e.State = x.id, x.state
			b.note(e.Class, now)
			return e
		}
		d.Flood, d.FloodCount, d.FloodWindow = e.Class, b.flood+1, float64(b.window)/1000
		class := e.Class
		e.Class, e.State, e.Data = FloodClass, New, d.data()
		e.ID = eventID(&e, &d)
		b.floods[class] = opened{e.ID, New}
		b.note(class, now)
		return e
	}
	e.State = New
	b.opened[s] = opened{e.ID, New}
	b.note(e.Class, now)
	return e
}

// find is the open alarm of a subject.
func (b *admission) find(s subject) (opened, bool) {
	if x, ok := b.opened[s]; ok {
		return x, true
	}
	if x := b.open[s]; x != nil {
		return opened{x.ID, x.State}, true
	}
	return opened{}, false
}

func (b *admission) note(class string, now int64) { b.raised[class] = append(b.raised[class], now) }

// flooded tells whether one more alarm of a class is too many, and the open
// alarm that stands for them, or none.
func (b *admission) flooded(class string, now int64) (opened, bool) {
	n := 0
	for _, times := range [...][]int64{b.Alarms.raised[class], b.raised[class]} {
		for _, t := range times {
			if now-t < b.window {
				n++
			}
		}
	}
	if n < b.flood {
		return opened{}, false
	}
	if x, ok := b.floods[class]; ok {
		return x, true
	}
	if x := b.Alarms.floods[class]; x != nil {
		return opened{x.ID, x.State}, true
	}
	return opened{}, true
}
