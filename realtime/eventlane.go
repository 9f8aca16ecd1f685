package realtime

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"twind/layers"
)

// EventLog keeps events in the order of their numbers; *history.Log is one.
type EventLog interface {
	// Events calls yield for each event whose number is above after that can still
	// be read, in the order of the numbers. An error of yield ends it.
	Events(ctx context.Context, after uint64, yield func(*Event) error) error
	// LastEvent is the number of the newest event that is on disk; 0 without any.
	LastEvent() uint64
	// Subscribe calls fn with events once they are on disk, in order.
	Subscribe(fn func([]Event)) (cancel func())
}

// EventLaneOptions of NewEventLane. Log must be set; zero fields take the
// defaults named.
type EventLaneOptions struct {
	Log EventLog
	// Open lists the current version of every event that is not at its end, in the
	// order of their numbers, and the number up to which that is so. Nil: a first
	// subscription begins without them.
	Open func() (open []Event, through uint64)
	// Ring is how many events are kept encoded in memory; older ones are read from
	// the log: 4,096.
	Ring int
	// InFlight is how many messages may wait for their acknowledgement: 8 of at
	// most 128 events each.
	InFlight int
	// AckWithin is how long a message may wait for its acknowledgement before the
	// viewer is disconnected; 30 s.
	AckWithin time.Duration
}

// EventLane tells viewers of events, each exactly once and in order: a viewer is
// a number up to which it was told, and a few messages that it has not yet
// acknowledged. There is no queue for a viewer: what it has not been told is in
// the ring that all share, or in the log. It is safe for concurrent use.
type EventLane struct {
	o      EventLaneOptions
	cancel func()

	mu      sync.Mutex
	ring    []*laneEvent // that of number n stands at n % len
	first   uint64       // the oldest in the ring; 0: none
	last    uint64       // the newest on disk
	changed chan struct{}

	openMu      sync.Mutex
	openThrough uint64
	open        []*laneEvent
}

// laneEvent is an event as it is told. It never changes.
type laneEvent struct {
	sequence uint64
	class    string
	layer    layers.ID
	lon, lat float64
	json     []byte
}

func newLaneEvent(e *Event) *laneEvent {
	return &laneEvent{e.Sequence, e.Class, e.Layer, e.Lon, e.Lat, e.AppendJSON(nil)}
}

// Bounds of one message of the lane.
const (
	maxLaneItems = 128
	maxLaneRead  = 4096 // events that are looked at for one message
)

// NewEventLane makes the lane. Close it before the log.
func NewEventLane(o EventLaneOptions) *EventLane {
	if o.Ring <= 0 {
		o.Ring = 4096
	}
	if o.InFlight <= 0 {
		o.InFlight = 8
	}
	if o.AckWithin <= 0 {
		o.AckWithin = 30 * time.Second
	}
	l := &EventLane{o: o, ring: make([]*laneEvent, o.Ring), changed: make(chan struct{})}
	l.cancel = o.Log.Subscribe(l.take)
	last := o.Log.LastEvent()
	l.mu.Lock()
	l.last = max(l.last, last)
	l.mu.Unlock()
	return l
}

// Close ends the subscription to the log.
func (l *EventLane) Close() { l.cancel() }

// take puts events that are on disk into the ring.
func (l *EventLane) take(events []Event) {
	made := make([]*laneEvent, len(events))
	for i := range events {
		made[i] = newLaneEvent(&events[i])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range made {
		if l.first == 0 || e.sequence != l.last+1 {
			l.first = e.sequence // the ring has no gaps
		}
		l.ring[e.sequence%uint64(len(l.ring))] = e
		l.last = e.sequence
		if l.last-l.first >= uint64(len(l.ring)) {
			l.first = l.last - uint64(len(l.ring)) + 1
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// news is the newest number, and a channel that is closed when it grows.
func (l *EventLane) news() (last uint64, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, l.changed
}

// laneRead is what there is after a number.
type laneRead struct {
	items   []*laneEvent
	through uint64 // up to which they are all that are wanted
	from    uint64 // not 0: those between are gone, and this is the first that is not
}

var errEnough = errors.New("enough was read")

// after reads the events after a number that admit lets through: at most
// maxLaneItems of them, after a look at maxLaneRead at most.
func (l *EventLane) after(ctx context.Context, after uint64, admit func(*laneEvent) bool) (laneRead, error) {
	r := laneRead{through: after}
	l.mu.Lock()
	if l.last <= after {
		l.mu.Unlock()
		return r, nil
	}
	if l.first > 0 && l.first <= after+1 {
		defer l.mu.Unlock()
		for n := after + 1; n <= l.last && len(r.items) < maxLaneItems && n-after <= maxLaneRead; n++ {
			r.note(l.ring[n%uint64(len(l.ring))], admit)
		}
		return r, nil
	}
	last := l.last
	l.mu.Unlock()
	return r, l.read(ctx, &r, last, admit)
}

// note takes the next event.
func (r *laneRead) note(e *laneEvent, admit func(*laneEvent) bool) {
	r.through = e.sequence
	if admit(e) {
		r.items = append(r.items, e)
	}
}

// read takes events from the log, up to last, which is on disk for certain. A
// hole in the log ends what is read before it, and begins what is read after it.
func (l *EventLane) read(ctx context.Context, r *laneRead, last uint64, admit func(*laneEvent) bool) error {
	looked, began := 0, r.through
	err := l.o.Log.Events(ctx, began, func(e *Event) error {
		if e.Sequence > last || len(r.items) >= maxLaneItems || looked >= maxLaneRead {
			return errEnough
		}
		if e.Sequence != r.through+1 {
			if looked > 0 {
				return errEnough
			}
			r.from = e.Sequence
		}
		looked++
		r.note(newLaneEvent(e), admit)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && looked == 0 { // nothing is left of them
		r.from, r.through = last+1, last
	}
	return err
}

// snapshot is every event that is open, and the number up to which that is so.
func (l *EventLane) snapshot() ([]*laneEvent, uint64) {
	l.openMu.Lock()
	defer l.openMu.Unlock()
	last, _ := l.news()
	if l.o.Open == nil {
		return nil, last
	}
	if last <= l.openThrough && l.open != nil { // nothing has happened since
		return l.open, l.openThrough
	}
	events, through := l.o.Open()
	known := make(map[uint64]*laneEvent, len(l.open))
	for _, e := range l.open {
		known[e.sequence] = e
	}
	l.open = make([]*laneEvent, len(events)) // viewers may still read the old one
	for i := range events {
		if l.open[i] = known[events[i].Sequence]; l.open[i] == nil {
			l.open[i] = newLaneEvent(&events[i])
		}
	}
	l.openThrough = through
	return l.open, through
}

// laneFilter is what a viewer wants of the lane.
type laneFilter struct {
	classes []string // sorted; none: all
	box     *BBox
}

func (f *laneFilter) equal(o *laneFilter) bool {
	return slices.Equal(f.classes, o.classes) && (f.box == nil) == (o.box == nil) && (f.box == nil || *f.box == *o.box)
}

// admits tells whether the filter lets an event through. What has no place is in no box.
func (f *laneFilter) admits(e *laneEvent) bool {
	if len(f.classes) > 0 {
		if _, found := slices.BinarySearch(f.classes, e.class); !found {
			return false
		}
	}
	return f.box == nil || f.box.contains(e.lon, e.lat)
}

// Limits of a subscription's events.
const maxLaneClasses = 64

// laneFilterOf checks what a message asks for.
func laneFilterOf(classes []string, bbox []float64) (laneFilter, error) {
	f := laneFilter{classes: slices.Clone(classes)}
	if len(classes) > maxLaneClasses {
		return f, layers.Errorf(layers.ErrInvalid, "events.classes has %d classes; at most %d are possible", len(classes), maxLaneClasses)
	}
	for _, c := range classes {
		if c == "" || len(c) > 255 {
			return f, layers.Errorf(layers.ErrInvalid, "events.classes has a class of %d bytes: expected 1 to 255", len(c))
		}
	}
	slices.Sort(f.classes)
	if bbox == nil {
		return f, nil
	}
	if len(bbox) != 4 {
		return f, layers.Errorf(layers.ErrInvalid, "events.bbox has %d numbers: expected west, south, east, north in degrees", len(bbox))
	}
	f.box = (*BBox)(bbox)
	return f, f.box.check()
}
