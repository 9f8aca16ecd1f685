package rules

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"twind/layers"
	"twind/realtime"
)

// The states of an alarm.
const (
	New          = "new"
	Acknowledged = "acknowledged"
	Closed       = "closed"
)

// FloodClass is the class of the alarms that stand for many.
const FloodClass = "flood"

// Limits of alarms.
const (
	maxClosed = 10_000  // closed alarms that are listed; all are in the event log
	maxOpen   = 100_000 // open ones; more are events only
	maxOwner  = 200     // bytes
	maxNote   = 4 << 10 // bytes
)

// EventLog keeps events; *history.Log is one.
type EventLog interface {
	AppendEvents(ctx context.Context, events []realtime.Event) error
	Events(ctx context.Context, after uint64, yield func(*realtime.Event) error) error
	Subscribe(fn func([]realtime.Event)) (cancel func())
}

// Alarm is a matter that somebody has to see to: an event of state new, and all
// later events of its id.
type Alarm struct {
	ID       string
	Class    string
	State    string // new, acknowledged, closed
	Active   bool   // false: a threshold is no longer crossed
	Layer    layers.ID
	Entity   string
	Time     int64   // ms since 1970: when it was raised
	Began    int64   // ms since 1970: since when it was so, not after Time
	Lon, Lat float64 // degrees; NaN without a place
	// Evidence is of its last outcome that made it active; of a flood of its first.
	Evidence json.RawMessage
	// Count is how many outcomes it stands for, Last the time of the last.
	Count int
	Last  int64
	Owner string // who acknowledged or closed it last
	Note  string
	// AcknowledgedAt and ClosedAt are ms since 1970; 0: it is not, or was so again
	// since and is new.
	AcknowledgedAt, ClosedAt int64
	Sequence                 uint64 // of its last event
	First                    uint64 // of its first

	subject subject
	flood   string // the class that it stands for; ""
}

// Alarms are the open alarms and the last closed ones. It is safe for
// concurrent use. Its state is that of the event log, and only what is on disk
// is shown.
type Alarms struct {
	log    EventLog
	flood  int
	window int64 // ms
	now    func() time.Time

	writing sync.Mutex // held while events are decided on and written

	mu     sync.RWMutex
	byID   map[string]*Alarm
	open   map[subject]*Alarm
	floods map[string]*Alarm // open ones by class
	closed []*Alarm          // in the order of closing
	raised map[string][]int64
	about  map[string][]*Alarm // open ones by datastream
}

func newAlarms(o *Options) *Alarms {
	return &Alarms{
		log: o.Log, flood: o.FloodCount, window: o.FloodWindow.Milliseconds(), now: o.Now,
		byID: map[string]*Alarm{}, open: map[subject]*Alarm{}, floods: map[string]*Alarm{}, raised: map[string][]int64{}, about: map[string][]*Alarm{},
	}
}

// apply takes events that are on disk, in order.
func (a *Alarms) apply(events []realtime.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range events {
		var d Evidence
		if len(events[i].Data) > 0 {
			_ = json.Unmarshal(events[i].Data, &d) // others' events may say other things
		}
		a.note(&events[i], &d)
	}
}

// note takes one event. Caller holds mu.
func (a *Alarms) note(e *realtime.Event, d *Evidence) {
	x := a.byID[e.ID]
	switch {
	case x != nil && e.Sequence <= x.Sequence:
	case x == nil && e.State == New && e.ID != "" && len(a.byID)-len(a.closed) < maxOpen && e.Kind() != realtime.EventCase:
		x = &Alarm{
			ID: e.ID, Class: e.Class, State: New, Active: true, Layer: e.Layer, Entity: e.Entity, Time: e.Time, Began: d.beginning(e.Time), Lon: e.Lon, Lat: e.Lat,
			Evidence: slices.Clone(e.Data), Count: 1, Last: e.Time, Sequence: e.Sequence, First: e.Sequence,
			subject: subjectOf(e, d), flood: d.Flood,
		}
		a.byID[e.ID] = x
		class := e.Class
		if x.flood != "" {
			a.floods[x.flood] = x
			class = x.flood
		} else if d.Rule != "" {
			a.open[x.subject] = x
			if d.Datastream != "" {
				a.about[d.Datastream] = append(a.about[d.Datastream], x)
			}
		}
		if d.Rule != "" {
			a.count(class, e.Received)
		}
	case x != nil:
		x.Sequence = e.Sequence
		if d.Action == "" && (e.State == x.State || x.State == Acknowledged && e.State == New) {
			a.repeat(x, e, d)
		} else {
			a.move(x, e, d)
		}
	}
}

// count notes a raised alarm for the detection of floods. Caller holds mu.
func (a *Alarms) count(class string, received int64) {
	times := append(a.raised[class], received)
	if drop := len(times) - a.flood - 1; drop > 0 {
		times = slices.Delete(times, 0, drop) // more than these are never needed
	}
	a.raised[class] = times
}

func (a *Alarms) repeat(x *Alarm, e *realtime.Event, d *Evidence) {
	if x.Active = d.Outcome != Clear; !x.Active {
		return
	}
	if e.State == New {
		x.State, x.AcknowledgedAt = New, 0
	}
	x.Count++
	x.Last = max(x.Last, e.Time)
	if x.flood == "" { // which is about many things; what it says is about the first
		found := *d
		found.Owner, found.Note = "", ""
		x.Evidence = found.data()
	}
	if x.flood != "" {
		a.count(x.flood, e.Received)
	}
}

// move takes a change of state. Caller holds mu.
func (a *Alarms) move(x *Alarm, e *realtime.Event, d *Evidence) {
	if x.State == Closed || e.State != Acknowledged && e.State != Closed {
		return
	}
	x.State, x.Owner, x.Note = e.State, d.Owner, d.Note
	if e.State == Acknowledged {
		x.AcknowledgedAt = e.Time
		return
	}
	x.ClosedAt = e.Time
	if x.flood != "" {
		delete(a.floods, x.flood)
	} else if a.open[x.subject] == x {
		delete(a.open, x.subject)
		if s := x.subject.stream; s != "" {
			if a.about[s] = slices.DeleteFunc(a.about[s], func(o *Alarm) bool { return o == x }); len(a.about[s]) == 0 {
				delete(a.about, s)
			}
		}
	}
	a.closed = append(a.closed, x)
	if len(a.closed) > maxClosed {
		delete(a.byID, a.closed[0].ID)
		a.closed = slices.Delete(a.closed, 0, 1)
	}
}

// Get is one alarm; layers.ErrNotFound.
func (a *Alarms) Get(id string) (Alarm, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if x := a.byID[id]; x != nil {
		return *x, nil
	}
	return Alarm{}, layers.Errorf(layers.ErrNotFound, "no alarm %.80q; GET /live/alarms lists them", id)
}

// List is the alarms of a state and a class ("": any), newest first, at most
// limit; open is "new" and "acknowledged" together. matched counts all of them.
func (a *Alarms) List(state, class string, limit int, admit func(*Alarm) bool) (list []Alarm, matched int) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var found []*Alarm
	for _, x := range a.byID {
		if (state == "" || x.State == state || state == "open" && x.State != Closed) && (class == "" || x.Class == class) && admit(x) {
			found = append(found, x)
		}
	}
	slices.SortFunc(found, func(x, y *Alarm) int { return cmp.Compare(y.First, x.First) })
	matched = len(found)
	for _, x := range found[:min(limit, matched)] {
		list = append(list, *x)
	}
	return list, matched
}

// Acknowledge says that owner sees to an alarm. It fails with layers.ErrNotFound,
// ErrInvalid, ErrConflict of a closed alarm, and ErrUnavailable.
func (a *Alarms) Acknowledge(ctx context.Context, id, owner, note string) (Alarm, error) {
	return a.act(ctx, id, owner, note, "acknowledge", Acknowledged)
}

// Close says that an alarm is done with; the next outcome raises another. It
// fails as Acknowledge does.
func (a *Alarms) Close(ctx context.Context, id, owner, note string) (Alarm, error) {
	return a.act(ctx, id, owner, note, "close", Closed)
}

// checkAct looks at what somebody says about an alarm: others read it on one line.
func checkAct(owner, note string) error {
	switch {
	case owner == "":
		return invalid("owner is missing: say who you are")
	case len(owner) > maxOwner || !utf8.ValidString(owner):
		return invalid("owner has %d bytes: say who you are in 1 to %d bytes of UTF-8", len(owner), maxOwner)
	case len(note) > maxNote || !utf8.ValidString(note):
		return invalid("note has %d bytes; at most %d of UTF-8 are possible", len(note), maxNote)
	}
	if err := realtime.CheckName("owner", owner); err != nil {
		return invalid("%w", err)
	}
	if err := realtime.CheckLine("note", note); err != nil {
		return invalid("%w", err)
	}
	return nil
}

func (a *Alarms) act(ctx context.Context, id, owner, note, action, state string) (Alarm, error) {
	if err := checkAct(owner, note); err != nil {
		return Alarm{}, err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	x, err := a.Get(id)
	if err != nil {
		return x, err
	}
	if x.State == Closed {
		return x, layers.Errorf(layers.ErrConflict, "alarm %s is closed; the next outcome of its rule raises another", id)
	}
	at := a.now()
	d := x.about()
	if d.Action, d.Owner, d.Note = action, owner, note; state == Acknowledged {
		d.AcknowledgedAt = at.UTC().Truncate(time.Millisecond)
	}
	if err := a.log.AppendEvents(ctx, []realtime.Event{x.version(state, at, &d)}); err != nil {
		return x, err
	}
	return a.Get(id)
}

// about is what every version of an alarm says of it, as it is.
func (x *Alarm) about() Evidence {
	var d Evidence
	_ = json.Unmarshal(x.Evidence, &d) // written by data
	d.Active, d.Count, d.Began = &x.Active, x.Count, time.UnixMilli(x.Began).UTC()
	if d.AcknowledgedAt = (time.Time{}); x.AcknowledgedAt != 0 {
		d.AcknowledgedAt = time.UnixMilli(x.AcknowledgedAt).UTC()
	}
	return d
}

// version is an event that makes d true of an alarm.
func (x *Alarm) version(state string, at time.Time, d *Evidence) realtime.Event {
	return realtime.Event{ID: x.ID, Class: x.Class, State: state, Layer: x.Layer, Entity: x.Entity, Time: at.UnixMilli(), Lon: x.Lon, Lat: x.Lat, Data: d.data()}
}
