package rules

import (
	"cmp"
	"context"
	"slices"

	"twind/realtime"
)

// A rule that is deleted, switched off or about other things now evaluates no more
// what it raised. Its alarms would be active for ever, and what they are about red on
// every map; so they are over, as if it had cleared, and people close them.

// over is the outcome of a finding that says so of all that a rule raised before it.
// No event has it.
const over Outcome = "over"

// retire takes out the rule of an id, if there is one, for another or for nil, and
// returns the states that the other goes on with. Caller holds mu.
func (r *Rules) retire(id string, next *Rule) map[string]*levelState {
	before, p := r.rules[id], r.state[id]
	r.remove(id) // from here on it finds nothing
	if p == nil || p.level == nil {
		return nil
	}
	if next == nil || !next.continues(before) {
		r.pending.end(before)
		return nil
	}
	if digest(next) != digest(before) {
		for _, s := range p.level.states {
			s.pending = 0 // what was beyond the old limit may not be beyond the new
		}
	}
	return p.level.states
}

// continues tells whether a rule is about the same values as another, so that what is
// raised by the one is raised by the other until the next report.
func (r *Rule) continues(o *Rule) bool {
	return !r.Off && r.Kind == o.Kind && r.Quiet == o.Quiet && r.Layer == o.Layer && r.Source == o.Source &&
		r.Property == o.Property && r.Feature == o.Feature && r.Datastream == o.Datastream
}

// endOrphans ends what rules raised that are not there any more, or are off: the
// server may have died before it could, or somebody wrote another rules.json.
func (r *Rules) endOrphans() {
	r.alarms.mu.RLock()
	defer r.alarms.mu.RUnlock()
	ended := map[string]bool{}
	for s, x := range r.alarms.open {
		if p := r.state[s.rule]; x.raised() && (p == nil || p.level == nil) && !ended[s.rule] {
			ended[s.rule] = true
			r.pending.end(&Rule{ID: s.rule})
		}
	}
}

// raised tells whether an alarm is of a threshold that is crossed, or of a silence.
func (x *Alarm) raised() bool { return x.Active && x.subject.outcome == Raise }

// end tells of each alarm that a rule raised that it is over, and waits until that is
// on disk. It fails with layers.ErrUnavailable; called again it tells of the rest.
func (a *Alarms) end(ctx context.Context, rule string) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	var list []Alarm
	a.mu.RLock()
	for s, x := range a.open {
		if s.rule == rule && x.raised() {
			list = append(list, *x)
		}
	}
	a.mu.RUnlock()
	slices.SortFunc(list, func(x, y Alarm) int { return cmp.Compare(x.First, y.First) })
	for chunk := range slices.Chunk(list, batchSize) {
		at := a.now()
		events := make([]realtime.Event, len(chunk))
		for i := range chunk {
			x := &chunk[i]
			x.Active = false
			d := x.about()
			d.Outcome, d.Value, d.Owner, d.Note = Clear, nil, x.Owner, x.Note
			events[i] = x.version(x.State, at, &d)
		}
		if err := a.log.AppendEvents(ctx, events); err != nil {
			return err
		}
	}
	return nil
}
