package cases

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Log keeps the events; *history.Log is one.
type Log interface {
	AppendEvents(ctx context.Context, events []realtime.Event) error
	realtime.EventLog
}

// Options of Open. Log must be set; zero fields take the defaults named.
type Options struct {
	Log Log
	// Place finds where a city object is, in degrees; NaN of one that there is not:
	// a case about it has no place unless it is given. It fails for a layer that
	// there is not. Nil: nothing is known of places.
	Place func(layer layers.ID, feature string) (lon, lat float64, err error)
	// MaxOpen bounds the events that are open; 100,000.
	MaxOpen int
	// MaxClosed is how many that are done with are listed, the last ones; all are in
	// the log: 10,000.
	MaxClosed int
	Now       func() time.Time // time.Now
	Logger    *slog.Logger
}

func (o *Options) ensureDefaults() {
	if o.MaxOpen <= 0 {
		o.MaxOpen = 100_000
	}
	if o.MaxClosed <= 0 {
		o.MaxClosed = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Place == nil {
		o.Place = func(layers.ID, string) (float64, float64, error) { return math.NaN(), math.NaN(), nil }
	}
}

// Register is the current version of every case and alarm. It is safe for
// concurrent use.
type Register struct {
	o      Options
	cancel func()

	writing sync.Mutex // held while versions are decided on and written

	mu      sync.RWMutex
	byID    map[string]*entry
	open    int
	closed  []*entry // in the order of their end
	through uint64   // the last event that was taken
}

// entry is an event that has a life. Its fields but current never change.
type entry struct {
	first   uint64 // its first version
	kind    realtime.EventKind
	current *version
}

// version never changes.
type version struct {
	realtime.Event
	details realtime.CaseDetails // of a case
}

// Open reads the log. Call Run, then Close before the log.
func Open(ctx context.Context, o Options) (*Register, error) {
	o.ensureDefaults()
	r := &Register{o: o, byID: map[string]*entry{}}
	// What comes while the log is read waits until it has been.
	r.mu.Lock()
	r.cancel = o.Log.Subscribe(r.apply)
	err := o.Log.Events(ctx, 0, func(e *realtime.Event) error {
		r.note(e)
		return nil
	})
	r.mu.Unlock()
	if err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// Close ends the subscription to the log. Run must have ended.
func (r *Register) Close() { r.cancel() }

// apply takes events that are on disk, in order.
func (r *Register) apply(events []realtime.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range events {
		r.note(&events[i])
	}
}

// note takes one event. Caller holds mu.
func (r *Register) note(e *realtime.Event) {
	if e.Sequence <= r.through {
		return // it came while the log was read
	}
	r.through = e.Sequence
	if e.ID == "" || e.State == "" {
		return
	}
	x := r.byID[e.ID]
	if x == nil {
		if r.open >= r.o.MaxOpen {
			return
		}
		x = &entry{first: e.Sequence, kind: e.Kind()}
		r.byID[e.ID] = x
		r.open++
	} else if realtime.EndOfEvent(x.current.State) {
		return // it is done with
	}
	v := &version{Event: *e}
	v.Data = slices.Clone(e.Data)
	v.details, _ = e.Case()
	x.current = v
	if realtime.EndOfEvent(v.State) {
		r.end(x)
	}
}

// end notes that an event is done with. Caller holds mu.
func (r *Register) end(x *entry) {
	r.open--
	r.closed = append(r.closed, x)
	if len(r.closed) > r.o.MaxClosed {
		delete(r.byID, r.closed[0].current.ID)
		r.closed = slices.Delete(r.closed, 0, 1)
	}
}

// Open is the current version of every event that is not done with, by its
// number, and the number of the last event up to which that is so: for
// realtime.EventLaneOptions.
func (r *Register) Open() (open []realtime.Event, through uint64) {
	r.mu.RLock()
	open = make([]realtime.Event, 0, r.open)
	for _, x := range r.byID {
		if !realtime.EndOfEvent(x.current.State) {
			open = append(open, x.current.Event)
		}
	}
	through = r.through
	r.mu.RUnlock()
	slices.SortFunc(open, func(a, b realtime.Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return open, through
}

// Needed is the first event without which the register could not be read again:
// the first version of an open alarm, the last of an open case.
func (r *Register) Needed() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	needed := r.through + 1
	for _, x := range r.byID {
		switch {
		case realtime.EndOfEvent(x.current.State):
		case x.kind == realtime.EventCase:
			needed = min(needed, x.current.Sequence)
		default:
			needed = min(needed, x.first)
		}
	}
	return needed
}

// Get is the current version of an event; layers.ErrNotFound.
func (r *Register) Get(id string) (realtime.Event, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if x := r.byID[id]; x != nil {
		return x.current.Event, nil
	}
	return realtime.Event{}, layers.Errorf(layers.ErrNotFound, "no event %.80q; GET /live/events lists them", id)
}

// Query says which events to list. Zero fields are any.
type Query struct {
	State   string // or "open": all that are not done with
	Class   string
	Kind    realtime.EventKind
	Overdue bool // only those that are
	// Admit decides further, such as by a box and the reader's rights; nil: all.
	Admit func(*realtime.Event) bool
	// Before is the first version's number of the last event of the page before; 0: the first page.
	Before uint64
	Limit  int
}

// Listed is an event of a list.
type Listed struct {
	realtime.Event
	First uint64 // number of its first version, for Query.Before
}

// List is the current version of events, the one that began last first; matched
// counts all, on whatever page.
func (r *Register) List(q Query) (page []Listed, matched int) {
	r.mu.RLock()
	var found []Listed
	for _, x := range r.byID {
		v := x.current
		if q.wants(x, v) && (q.Admit == nil || q.Admit(&v.Event)) {
			matched++
			if q.Before == 0 || x.first < q.Before {
				found = append(found, Listed{v.Event, x.first})
			}
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(found, func(a, b Listed) int { return cmp.Compare(b.First, a.First) })
	return found[:min(q.Limit, len(found))], matched
}

func (q *Query) wants(x *entry, v *version) bool {
	switch {
	case q.State == "open" && realtime.EndOfEvent(v.State),
		q.State != "" && q.State != "open" && q.State != v.State,
		q.Class != "" && q.Class != v.Class,
		q.Kind != "" && q.Kind != x.kind,
		q.Overdue && !v.details.Overdue:
		return false
	}
	return true
}
