package cases

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Take implements realtime.EventTaker: it makes a version of each report that
// can be believed, and returns when all are on disk.
//
// A report that is not later than the version that is known is refused as older,
// as a duplicate where it says nothing new; so is one of a case that is done
// with. Times more than a day ahead of the server's clock are not believed, as
// of positions.
func (r *Register) Take(ctx context.Context, reports []realtime.EventReport) (realtime.Result, error) {
	var result realtime.Result
	if err := ctx.Err(); err != nil {
		return result, err
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	now := r.o.Now()
	b := batch{r: r, now: now, decided: map[string]*version{}}
	for i := range reports {
		if outcome, reason := b.take(&reports[i]); outcome != realtime.Accepted {
			result.Refused = append(result.Refused, realtime.Refusal{Index: i, ID: reports[i].ID, Reason: reason, Outcome: outcome})
		}
	}
	result.Accepted = len(b.events)
	if err := r.append(ctx, b.events); err != nil {
		result.Unrecorded, result.JournalError = len(b.events), err
	}
	return result, nil
}

// append writes versions; those are applied when it returns. Caller holds writing.
func (r *Register) append(ctx context.Context, events []realtime.Event) error {
	if len(events) == 0 {
		return nil
	}
	return r.o.Log.AppendEvents(ctx, events)
}

// batch is what becomes of reports that are written at once: what the earlier say
// is known to the later.
type batch struct {
	r       *Register
	now     time.Time
	decided map[string]*version
	opened  int
	events  []realtime.Event
}

// current is what is known of a case.
func (b *batch) current(id string) *version {
	if v := b.decided[id]; v != nil {
		return v
	}
	b.r.mu.RLock()
	defer b.r.mu.RUnlock()
	if x := b.r.byID[id]; x != nil {
		return x.current
	}
	return nil
}

func (b *batch) take(p *realtime.EventReport) (realtime.Outcome, string) {
	at, reason := realtime.BelievedTime(p.Time, b.now)
	if reason != "" {
		return realtime.Future, reason
	}
	known := b.current(p.ID)
	v := &version{}
	var outcome realtime.Outcome
	if known == nil {
		outcome, reason = b.begin(v, p)
	} else {
		outcome, reason = b.goOn(v, known, p, at)
	}
	if outcome != realtime.Accepted {
		return outcome, reason
	}
	v.Time, v.Received, v.Sequence = at.UnixMilli(), b.now.UnixMilli(), 0
	if outcome, reason := b.locate(v, p); outcome != realtime.Accepted {
		return outcome, reason
	}
	merge(&v.details, p)
	judged := b.now
	if realtime.EndOfEvent(v.State) {
		judged = at // when it was closed, not when that was told
	}
	v.details.Judge(v.State, judged)
	if known != nil && v.Time == known.Time && v.same(known) {
		return realtime.Duplicate, "the same as what is known of the event"
	}
	b.decide(v, known == nil)
	return realtime.Accepted, ""
}

// begin makes the first version of a case.
func (b *batch) begin(v *version, p *realtime.EventReport) (realtime.Outcome, string) {
	b.r.mu.RLock()
	open := b.r.open
	b.r.mu.RUnlock()
	switch {
	case p.Class == "":
		return realtime.Invalid, "class is missing: the first report of an event names it"
	case open+b.opened >= b.r.o.MaxOpen:
		return realtime.Full, fmt.Sprintf("%d events are open, as many as may be; close some", open+b.opened)
	}
	v.ID, v.Class, v.State = p.ID, p.Class, p.State
	v.Lon, v.Lat = math.NaN(), math.NaN()
	if v.State == "" {
		v.State = realtime.EventNew
	}
	v.details.Kind = realtime.EventCase
	return realtime.Accepted, ""
}

// goOn makes another version of a case that is known.
func (b *batch) goOn(v, known *version, p *realtime.EventReport, at time.Time) (realtime.Outcome, string) {
	if known.details.Kind != realtime.EventCase {
		return realtime.Invalid, "that is the id of an alarm; POST /live/alarms/{id}/acknowledge and /close change those"
	}
	*v = *known
	v.details.Deadlines = maps.Clone(known.details.Deadlines)
	if p.Class != "" {
		v.Class = p.Class
	}
	if p.State != "" {
		v.State = p.State
	}
	switch {
	case at.UnixMilli() < known.Time:
		return realtime.Older, fmt.Sprintf("%s is earlier than the version that is known, of %s", p.Time.Format(time.RFC3339), time.UnixMilli(known.Time).UTC().Format(time.RFC3339))
	case realtime.EndOfEvent(known.State) && v.State == known.State:
		return realtime.Duplicate, "the event is " + known.State + " already"
	case realtime.EndOfEvent(known.State):
		return realtime.Invalid, "the event is " + known.State + "; report another under an id of its own"
	case v.State == realtime.EventNew && known.State != realtime.EventNew:
		return realtime.Invalid, "the event is " + known.State + " and cannot become new again"
	}
	return realtime.Accepted, ""
}

// locate sets the object and the place of a version.
func (b *batch) locate(v *version, p *realtime.EventReport) (realtime.Outcome, string) {
	if p.Layer != "" {
		if _, err := layers.ParseID(string(p.Layer)); err != nil {
			return realtime.Invalid, err.Error()
		}
		if err := layers.CheckFeatureID(p.Entity); err != nil {
			return realtime.Invalid, err.Error()
		}
		v.Layer, v.Entity = p.Layer, p.Entity
		lon, lat, err := b.r.o.Place(p.Layer, p.Entity)
		if err != nil {
			return realtime.UnknownLayer, err.Error()
		}
		if !math.IsNaN(lon) {
			v.Lon, v.Lat = lon, lat
		}
	}
	if !math.IsNaN(p.Lon) {
		v.Lon, v.Lat = p.Lon, p.Lat
	}
	return realtime.Accepted, ""
}

// merge takes what a report says; a note is of its version only.
func merge(d *realtime.CaseDetails, p *realtime.EventReport) {
	if p.Title != nil {
		d.Title = *p.Title
	}
	for _, x := range [...]struct {
		to   *string
		from *string
	}{{&d.Text, p.Text}, {&d.Source, p.Source}, {&d.Owner, p.Owner}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	d.Note = p.Note
	if p.Properties != nil {
		d.Properties = p.Properties
	}
	for state, t := range p.Deadlines {
		if t.IsZero() {
			delete(d.Deadlines, state)
			continue
		}
		if d.Deadlines == nil {
			d.Deadlines = map[string]time.Time{}
		}
		d.Deadlines[state] = t
	}
}

// same tells whether two versions say the same.
func (v *version) same(o *version) bool {
	place := v.Lon == o.Lon && v.Lat == o.Lat || math.IsNaN(v.Lon) && math.IsNaN(o.Lon)
	a, _ := json.Marshal(&v.details)
	return place && v.State == o.State && v.Class == o.Class && v.Layer == o.Layer && v.Entity == o.Entity && bytes.Equal(a, o.Data)
}

func (b *batch) decide(v *version, first bool) {
	v.Data, _ = json.Marshal(&v.details) // never fails: times are between 1971 and 9999
	b.decided[v.ID] = v
	if first {
		b.opened++
	}
	b.events = append(b.events, v.Event)
}
