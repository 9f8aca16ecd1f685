package realtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"twind/layers"
)

// Binding is the city object whose property a datastream measures.
type Binding struct {
	Layer    layers.ID
	Feature  string
	Property string
}

// ObservatoryOptions of NewObservatory. Zero fields take the defaults named.
type ObservatoryOptions struct {
	// Journal records the observations and gives the latest of each datastream
	// at the start; nil: nothing outlives the process.
	Journal Journal
	// Bind finds the object of a datastream that an observation names by its id
	// alone; nil, or false: it is bound to none.
	Bind func(datastream string) (Binding, bool)
	// CheckLayer tells why readings of a layer's objects are refused; nil: never.
	CheckLayer func(layers.ID) error
	// MaxDatastreams bounds how many are known; 500,000.
	MaxDatastreams int
	Now            func() time.Time // time.Now
}

// Observatory keeps the latest observation of each datastream. It is safe for
// concurrent use.
type Observatory struct {
	o ObservatoryOptions

	mu       sync.RWMutex
	streams  map[string]*datastream
	byObject map[layers.ID]map[Binding]*datastream // of bound ones

	listenersMu sync.RWMutex
	listeners   map[int]func([]Observation)
	nextID      int
}

// datastream is what is known of one. Observatory.mu guards it.
type datastream struct {
	latest Observation
	// period is the time between observations in ms, learned as a moving mean;
	// 0 before the second.
	period float64
}

// Reading is the latest observation of a datastream with its state: silence is
// counted in the datastream's own period, learned from its observations, by the
// rules of layers.Live. A datastream is never gone.
type Reading struct {
	Observation
	State  State
	Period time.Duration // learned; DefaultObservationPeriod before the second observation
}

// DefaultObservationPeriod is the period of a datastream that has reported once.
const DefaultObservationPeriod = time.Minute

// Limits of observations.
const (
	maxDatastreamBytes = 800 // of an id: a layer, a feature and a property fit
	maxResultBytes     = 8 << 10
	lateObservation    = 24 * time.Hour // older on arrival: FlagLate
)

// NewObservatory makes one and fills it with the readings of the last day that
// the journal has; what cannot be read of them is the error, and the
// observatory works all the same.
func NewObservatory(o ObservatoryOptions) (*Observatory, error) {
	if o.MaxDatastreams <= 0 {
		o.MaxDatastreams = 500_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ob := &Observatory{o: o, streams: map[string]*datastream{}, byObject: map[layers.ID]map[Binding]*datastream{}, listeners: map[int]func([]Observation){}}
	if o.Journal == nil {
		return ob, nil
	}
	now := o.Now()
	err := o.Journal.ReceivedObservations(context.Background(), now.Add(-24*time.Hour).UnixMilli(), now.Add(time.Second).UnixMilli(), func(x *Observation) error {
		ob.note(x)
		return nil
	})
	return ob, err
}

// Apply takes a batch of observations, in order, and says which it refused and
// why. Time, Flags and Received are set by the rules for clocks that positions
// have; where Datastream is empty it becomes "layer/feature/property", where
// only Datastream is given Bind is asked. An observation older than the latest
// is recorded but replaces nothing. It fails only when ctx ends.
func (ob *Observatory) Apply(ctx context.Context, batch []Observation) (Result, error) {
	var r Result
	if err := ctx.Err(); err != nil {
		return r, err
	}
	now := ob.o.Now()
	taken := make([]Observation, 0, len(batch))
	ob.mu.Lock()
	for i := range batch {
		o := batch[i]
		if outcome, reason := ob.take(&o, now); outcome != Accepted {
			r.Refused = append(r.Refused, Refusal{Index: i, ID: truncate(o.name()), Reason: reason, Outcome: outcome})
			continue
		}
		taken = append(taken, o)
	}
	ob.mu.Unlock()
	r.Accepted = len(taken)
	if len(taken) == 0 {
		return r, nil
	}
	if ob.o.Journal != nil {
		if err := ob.o.Journal.Observations(taken); err != nil {
			r.Unrecorded, r.JournalError = len(taken), err
		}
	}
	ob.tell(taken)
	return r, nil
}

// name is the datastream as the observation gives it.
func (o *Observation) name() string {
	if o.Datastream != "" || o.Layer == "" && o.Feature == "" {
		return o.Datastream
	}
	return string(o.Layer) + "/" + o.Feature + "/" + o.Property
}

// take checks an observation, completes it and notes it. Caller holds mu.
func (ob *Observatory) take(o *Observation, now time.Time) (Outcome, string) {
	if err := ob.bind(o); err != nil {
		if errors.Is(err, layers.ErrNotFound) {
			return UnknownLayer, err.Error()
		}
		return Invalid, err.Error()
	}
	source := time.UnixMilli(o.Time)
	if y := source.UTC().Year(); y < 1971 || y > 9999 {
		return Invalid, fmt.Sprintf("phenomenonTime is in the year %d", y)
	}
	at, flags, reason := sourceTime(source, now, lateObservation)
	if reason != "" {
		return unbelieved(source, now), reason
	}
	o.Time, o.Received, o.Flags = at.UnixMilli(), now.UnixMilli(), flags
	if s := ob.streams[o.Datastream]; s != nil {
		if flags&FlagAhead != 0 { // its own order is all there is to go by
			o.Time = max(o.Time, s.latest.Time+1)
		}
		if o.Time == s.latest.Time && o.sameResult(&s.latest) {
			return Duplicate, "the same time and result as those of the observation that is known"
		}
	} else if len(ob.streams) >= ob.o.MaxDatastreams {
		return Full, fmt.Sprintf("%d datastreams are known, as many as may be", len(ob.streams))
	}
	ob.note(o)
	return Accepted, ""
}

func (o *Observation) sameResult(x *Observation) bool {
	return o.Type == x.Type && o.Number == x.Number && o.Text == x.Text
}

// bind completes what the datastream belongs to.
func (ob *Observatory) bind(o *Observation) error {
	if o.Datastream != "" && o.Layer == "" && o.Feature == "" && o.Property == "" {
		if ob.o.Bind != nil {
			if b, ok := ob.o.Bind(o.Datastream); ok {
				o.Layer, o.Feature, o.Property = b.Layer, b.Feature, b.Property
			}
		}
		return checkDatastream(o.Datastream)
	}
	if _, err := layers.ParseID(string(o.Layer)); err != nil {
		return err
	}
	if err := layers.CheckFeatureID(o.Feature); err != nil {
		return err
	}
	if o.Property == "" || len(o.Property) > layers.MaxNameBytes {
		return fmt.Errorf("property of %d bytes: expected 1 to %d", len(o.Property), layers.MaxNameBytes)
	}
	if ob.o.CheckLayer != nil {
		if err := ob.o.CheckLayer(o.Layer); err != nil {
			return err
		}
	}
	o.Datastream = o.name()
	return checkDatastream(o.Datastream)
}

func checkDatastream(id string) error {
	if id == "" || len(id) > maxDatastreamBytes || !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("datastream %.40q: expected 1 to %d bytes of UTF-8 without control characters", id, maxDatastreamBytes)
	}
	return nil
}

// note keeps an observation unless a newer one is known. Caller holds mu, or is
// the only one who has ob.
func (ob *Observatory) note(o *Observation) {
	s := ob.streams[o.Datastream]
	if s == nil {
		s = &datastream{latest: *o}
		ob.streams[o.Datastream] = s
		ob.index(s)
		return
	}
	if o.Time < s.latest.Time {
		return
	}
	if step := float64(o.Time - s.latest.Time); step > 0 {
		if s.period == 0 {
			s.period = step
		} else {
			s.period += (step - s.period) / 8
		}
	}
	s.latest = *o
	ob.index(s)
}

func (ob *Observatory) index(s *datastream) {
	o := &s.latest
	if o.Layer == "" {
		return
	}
	of := ob.byObject[o.Layer]
	if of == nil {
		of = map[Binding]*datastream{}
		ob.byObject[o.Layer] = of
	}
	of[o.binding()] = s
}

// Latest is the latest reading of a datastream.
func (ob *Observatory) Latest(datastream string) (Reading, bool) {
	ob.mu.RLock()
	defer ob.mu.RUnlock()
	s := ob.streams[datastream]
	if s == nil {
		return Reading{}, false
	}
	return s.reading(ob.o.Now()), true
}

// Of is the latest reading of an object's property.
func (ob *Observatory) Of(b Binding) (Reading, bool) {
	ob.mu.RLock()
	defer ob.mu.RUnlock()
	s := ob.byObject[b.Layer][b]
	if s == nil {
		return Reading{}, false
	}
	return s.reading(ob.o.Now()), true
}

// bound calls fn with the latest reading of each object's property of a layer, in
// no promised order. fn must be quick and call nothing of the observatory.
func (ob *Observatory) bound(layer layers.ID, fn func(*Reading)) {
	ob.mu.RLock()
	defer ob.mu.RUnlock()
	now := ob.o.Now()
	for _, s := range ob.byObject[layer] {
		r := s.reading(now)
		fn(&r)
	}
}

// binding is the object's property that was measured.
func (o *Observation) binding() Binding { return Binding{o.Layer, o.Feature, o.Property} }

// Readings lists the latest reading of every datastream, in no promised order.
func (ob *Observatory) Readings() []Reading {
	ob.mu.RLock()
	defer ob.mu.RUnlock()
	now := ob.o.Now()
	out := make([]Reading, 0, len(ob.streams))
	for _, s := range ob.streams {
		out = append(out, s.reading(now))
	}
	return out
}

func (s *datastream) reading(now time.Time) Reading {
	r := Reading{Observation: s.latest, Period: DefaultObservationPeriod}
	if s.period > 0 {
		r.Period = time.Duration(s.period) * time.Millisecond
	}
	r.State = silencesOf(withDefaults(layers.Live{Period: r.Period})).after(now.UnixMilli() - s.latest.Received)
	if r.State == stateGone {
		r.State = StateOffline
	}
	return r
}

// Subscribe calls fn with the observations of each batch that were accepted,
// once they are with the journal (Flush makes sure that they are on disk). fn
// must be quick and keeps nothing of the slice. Call what it returns to stop.
func (ob *Observatory) Subscribe(fn func([]Observation)) (cancel func()) {
	ob.listenersMu.Lock()
	defer ob.listenersMu.Unlock()
	id := ob.nextID
	ob.nextID++
	ob.listeners[id] = fn
	return func() {
		ob.listenersMu.Lock()
		defer ob.listenersMu.Unlock()
		delete(ob.listeners, id)
	}
}

func (ob *Observatory) tell(batch []Observation) {
	ob.listenersMu.RLock()
	defer ob.listenersMu.RUnlock()
	for _, fn := range ob.listeners {
		fn(batch)
	}
}
