package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"twind/layers"
)

// Level says whether a reading is as it should be.
type Level uint8

// The levels.
const (
	LevelNormal  Level = iota
	LevelWarning       // a threshold that raises no alarm is crossed, or one that did no longer is and its alarm is open
	LevelAlarm         // a threshold that raises alarms is crossed
	numLevels
)

// String is normal, warning or alarm.
func (l Level) String() string {
	if l < numLevels {
		return [numLevels]string{"normal", "warning", "alarm"}[l]
	}
	return "unknown"
}

// ReadingsLaneOptions of NewReadingsLane. Observatory must be set.
type ReadingsLaneOptions struct {
	Observatory *Observatory
	// Level judges a reading; nil: all are normal. It must be quick and call
	// nothing of the observatory.
	Level func(*Observation) Level
	// Describe names what a reading's datastream measures, and its unit (UCUM);
	// nil: by the property.
	Describe func(*Observation) (name layers.Text, unit string)
	// Place is where the object is, in degrees; nil, or false: it is not told.
	Place func(*Observation) (lon, lat float64, ok bool)
}

// ReadingsLane tells viewers the latest readings of city objects: of each layer
// all of them first, then what changed, at the hub's ticks. A reading is encoded
// once when it changes, and a message once for all viewers who know the same and
// have the same rights. There is no queue: a viewer is the tick up to which it
// knows a layer. It is safe for concurrent use.
type ReadingsLane struct {
	o      ReadingsLaneOptions
	cancel func()

	dirtyMu sync.Mutex
	dirty   map[Binding]uint8 // looked at in so many more ticks

	mu      sync.Mutex
	layers  map[layers.ID]*readingsLayer
	seq     uint64 // of the last tick
	changed chan struct{}
}

// readingsLayer is one layer that somebody watches. ReadingsLane.mu guards it.
type readingsLayer struct {
	id       layers.ID
	refs     int
	readings map[Binding]*laneReading
	order    []*laneReading // the one that changed last is the last
	last     uint64         // the tick in which something changed last
	messages map[messageKey][]byte
	encoded  int // messages made, for tests
}

// messageKey names a message about what changed after a tick.
type messageKey struct {
	policy string
	base   uint64 // 0: all
}

// laneReading is a reading as it is told.
type laneReading struct {
	binding Binding
	changed uint64 // the tick
	state   State
	level   Level
	latest  Observation
	place   int // in order
	json    []byte
}

// Rounds of the lane, in ticks.
const (
	lookTicks = 3 // after an observation: a rule may judge it after a tick has
	scanTicks = 5 // between two looks at every reading: silence, alarms that were closed
)

// NewReadingsLane makes the lane; Hub.SetLanes makes it tick. Close ends it.
func NewReadingsLane(o ReadingsLaneOptions) *ReadingsLane {
	if o.Level == nil {
		o.Level = func(*Observation) Level { return LevelNormal }
	}
	if o.Describe == nil {
		o.Describe = func(x *Observation) (layers.Text, string) { return layers.Text{EN: x.Property}, "" }
	}
	if o.Place == nil {
		o.Place = func(*Observation) (float64, float64, bool) { return 0, 0, false }
	}
	l := &ReadingsLane{o: o, dirty: map[Binding]uint8{}, layers: map[layers.ID]*readingsLayer{}, changed: make(chan struct{})}
	l.cancel = o.Observatory.Subscribe(l.note)
	return l
}

// Close ends the subscription to the observatory.
func (l *ReadingsLane) Close() { l.cancel() }

// note remembers what to look at.
func (l *ReadingsLane) note(batch []Observation) {
	l.dirtyMu.Lock()
	defer l.dirtyMu.Unlock()
	for i := range batch {
		if o := &batch[i]; o.Layer != "" {
			l.dirty[o.binding()] = lookTicks
		}
	}
}

// tick brings the watched layers up to date and wakes the viewers.
func (l *ReadingsLane) tick(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq = seq
	news := false
	for b := range l.look() {
		if of := l.layers[b.Layer]; of != nil {
			if r, ok := l.o.Observatory.Of(b); ok {
				news = l.update(of, &r) || news
			}
		}
	}
	if seq%scanTicks == 0 {
		for _, of := range l.layers {
			l.o.Observatory.bound(of.id, func(r *Reading) { news = l.update(of, r) || news })
		}
	}
	if news {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// look is what to look at in this tick.
func (l *ReadingsLane) look() map[Binding]struct{} {
	l.dirtyMu.Lock()
	defer l.dirtyMu.Unlock()
	if len(l.dirty) == 0 {
		return nil
	}
	out := make(map[Binding]struct{}, len(l.dirty))
	for b, n := range l.dirty {
		out[b] = struct{}{}
		if n > 1 {
			l.dirty[b] = n - 1
		} else {
			delete(l.dirty, b)
		}
	}
	return out
}

// update takes a reading; it tells whether there is anything new. Caller holds mu.
func (l *ReadingsLane) update(of *readingsLayer, r *Reading) bool {
	b, level := r.binding(), l.o.Level(&r.Observation)
	x := of.readings[b]
	switch {
	case x == nil:
		x = &laneReading{binding: b}
		of.readings[b] = x
	case x.state == r.State && x.level == level && x.latest == r.Observation:
		return false
	default:
		of.order[x.place] = nil
	}
	x.state, x.level, x.latest, x.changed = r.State, level, r.Observation, l.seq
	x.json = l.encode(r, level)
	x.place = len(of.order)
	of.order = append(of.order, x)
	if len(of.order) > 2*len(of.readings)+64 {
		of.compact()
	}
	if of.last != l.seq {
		of.last = l.seq
		clear(of.messages)
	}
	return true
}

func (of *readingsLayer) compact() {
	of.order = slices.DeleteFunc(of.order, func(x *laneReading) bool { return x == nil })
	for i, x := range of.order {
		x.place = i
	}
}

// wireReading is a reading in a message.
type wireReading struct {
	Feature    string          `json:"feature"`
	Property   string          `json:"property"`
	Datastream string          `json:"datastream"`
	Name       layers.Text     `json:"name"`
	Value      json.RawMessage `json:"value"` // number, text, true, false or null
	Unit       string          `json:"unit"`
	Time       int64           `json:"time"` // ms since 1970, by the source's clock
	Received   int64           `json:"received"`
	State      string          `json:"state"`
	Level      string          `json:"level"`
	Lon        *float64        `json:"lon,omitempty"` // degrees: where the object is
	Lat        *float64        `json:"lat,omitempty"`
}

func (l *ReadingsLane) encode(r *Reading, level Level) []byte {
	name, unit := l.o.Describe(&r.Observation)
	w := wireReading{
		Feature: r.Feature, Property: r.Property, Datastream: r.Datastream, Name: name, Value: r.AppendResult(nil), Unit: unit,
		Time: r.Time, Received: r.Received, State: r.State.String(), Level: level.String(),
	}
	if lon, lat, ok := l.o.Place(&r.Observation); ok {
		w.Lon, w.Lat = &lon, &lat
	}
	return encode(w)
}

// news is closed when something changes.
func (l *ReadingsLane) news() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// acquire begins to watch a layer.
func (l *ReadingsLane) acquire(id layers.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.layers[id]
	if of == nil {
		of = &readingsLayer{id: id, readings: map[Binding]*laneReading{}, messages: map[messageKey][]byte{}, last: l.seq}
		l.layers[id] = of
		l.o.Observatory.bound(id, func(r *Reading) { l.update(of, r) })
	}
	of.refs++
}

func (l *ReadingsLane) release(id layers.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.layers[id]; of != nil {
		if of.refs--; of.refs == 0 {
			delete(l.layers, id)
		}
	}
}

// since is the message that tells a reader what changed in a layer after a tick
// (0: everything), and the tick up to which it then knows the layer; nil: nothing
// did. The message is shared: do not change it.
func (l *ReadingsLane) since(id layers.ID, policy *layers.Policy, base uint64, fresh bool) (message []byte, through uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.layers[id]
	if of == nil || !fresh && base >= of.last {
		return nil, base
	}
	if fresh {
		base = 0
	}
	k := messageKey{policy.Key(), base}
	if fresh {
		k.policy += "\x00all"
	}
	m, known := of.messages[k]
	if !known {
		m = of.encode(policy, base, fresh)
		of.messages[k] = m
	}
	return m, of.last
}

// encode makes a message; nil: of what changed the reader may see nothing.
func (of *readingsLayer) encode(policy *layers.Policy, base uint64, fresh bool) []byte {
	var items [][]byte
	if !policy.Deny && policy.Rows == nil { // of whom rows are hidden nobody knows here which
		for i := len(of.order) - 1; i >= 0; i-- {
			x := of.order[i]
			if x == nil {
				continue
			}
			if !fresh && x.changed <= base {
				break
			}
			if !slices.Contains(policy.Hidden, x.binding.Property) {
				items = append(items, x.json)
			}
		}
	}
	if len(items) == 0 && !fresh {
		return nil
	}
	of.encoded++
	b := append(make([]byte, 0, 256), `{"type":"readings","layer":`...)
	b = appendText(b, string(of.id))
	b = append(b, `,"sequence":`...)
	b = strconv.AppendUint(b, of.last, 10)
	b = append(b, `,"reset":`...)
	b = strconv.AppendBool(b, fresh)
	b = append(b, `,"items":[`...)
	b = append(b, bytes.Join(items, []byte{','})...)
	return append(b, `]}`...)
}

// readingsCursor is what a viewer knows of a layer's readings. sessionLanes.mu
// guards it; only the sending goroutine moves it on.
type readingsCursor struct {
	id     layers.ID
	policy layers.Policy
	base   uint64
	fresh  bool // it knows nothing yet
}

// planReadings checks which layers a subscription wants the readings of.
func (l *sessionLanes) planReadings(lane *ReadingsLane, ids []layers.ID) ([]*readingsCursor, error) {
	if len(ids) > maxSubscribedLayers {
		return nil, layers.Errorf(layers.ErrInvalid, "readings of %d layers; at most %d are possible", len(ids), maxSubscribedLayers)
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var out []*readingsCursor
	for _, id := range slices.Compact(ids) {
		if _, err := layers.ParseID(string(id)); err != nil {
			return nil, err
		}
		c := &readingsCursor{id: id, fresh: true}
		if l.s.o.Policies != nil {
			c.policy = l.s.o.Policies(id)
		}
		out = append(out, c)
	}
	return out, nil
}

// subscribeReadings replaces the layers; those that stay go on. Caller holds mu.
func (l *sessionLanes) subscribeReadings(wanted []*readingsCursor) {
	lanes := l.s.hub.lanes.Load()
	if lanes == nil || lanes.readings == nil {
		return
	}
	before := l.readings
	l.readings = wanted
	for i, c := range wanted {
		lanes.readings.acquire(c.id)
		for _, o := range before {
			if o.id == c.id && o.policy.Key() == c.policy.Key() {
				wanted[i] = o
			}
		}
	}
	for _, o := range before {
		lanes.readings.release(o.id)
	}
}

// sendReadings sends what changed of each layer; false: the connection is gone.
func (l *sessionLanes) sendReadings(ctx context.Context, lane *ReadingsLane) bool {
	if lane == nil {
		return true
	}
	l.mu.Lock()
	wanted := l.readings
	l.mu.Unlock()
	for _, c := range wanted {
		message, through := lane.since(c.id, &c.policy, c.base, c.fresh)
		c.base, c.fresh = through, false
		if message != nil && !l.s.send(ctx, true, message) {
			return false
		}
	}
	return true
}

// end gives back what the lanes hold.
func (l *sessionLanes) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subscribeReadings(nil)
}
