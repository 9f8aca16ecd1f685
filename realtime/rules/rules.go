package rules

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
	"twind/realtime"
)

// Options of Open. Zero fields take the defaults named; Dir and Log must be set.
type Options struct {
	Dir string // folder of rules.json, made if absent
	Log EventLog
	// Zones lists the polygons of a static layer, or of some of its features;
	// nil: there are none. It fails with layers.ErrNotFound.
	Zones func(ctx context.Context, layer layers.ID, features []string) ([]Zone, error)
	// Layer tells whether there is a layer, and whether it is live, so that a rule
	// that can find nothing says why; nil: nobody knows.
	Layer func(layer layers.ID) (found, live bool)
	// Entity tells whether an entity of a live layer is known, and Reading whether
	// there is one of a datastream or, where that is "", of an object's property, so
	// that a rule on one that nobody has heard of says so; nil: nobody knows.
	Entity  func(layer layers.ID, id string) bool
	Reading func(datastream string, of realtime.Binding) bool
	// Entities lists where the entities of a live layer are; nil: nothing is known.
	Entities func(layer layers.ID) []realtime.Entity
	// Place is where an object of a layer is, in degrees, so that what its readings
	// raise has a place; nil, or false: nobody knows. Run calls it.
	Place func(layer layers.ID, feature string) (lon, lat float64, ok bool)
	// Recorded is what was received, so that after a crash what was not yet found in
	// it is found; nil: outcomes of the last moment before a crash are lost.
	Recorded Recorded
	// FloodCount alarms of a class in FloodWindow are raised one by one; those
	// beyond are one flood alarm: 50 in a minute.
	FloodCount  int
	FloodWindow time.Duration
	// MaxPending bounds the outcomes that wait for the disk; 4,096.
	MaxPending int
	// SilenceEvery is how often rules about silence are evaluated; 2 s.
	SilenceEvery time.Duration
	Now          func() time.Time // time.Now
	Logger       *slog.Logger
	Registerer   prometheus.Registerer // of the metrics twind_rules_…
}

func (o *Options) ensureDefaults() {
	if o.FloodCount <= 0 {
		o.FloodCount = 50
	}
	if o.FloodWindow <= 0 {
		o.FloodWindow = time.Minute
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 4096
	}
	if o.SilenceEvery <= 0 {
		o.SilenceEvery = silenceEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Zones == nil {
		o.Zones = func(_ context.Context, id layers.ID, _ []string) ([]Zone, error) {
			return nil, layers.Errorf(layers.ErrNotFound, "no layer %s", id)
		}
	}
	if o.Entities == nil {
		o.Entities = func(layers.ID) []realtime.Entity { return nil }
	}
}

// Recorded is what was received; *history.Log is one.
type Recorded interface {
	Received(ctx context.Context, layer layers.ID, from, to int64, yield func(*realtime.Believed) error) error
	ReceivedObservations(ctx context.Context, from, to int64, yield func(*realtime.Observation) error) error
}

// Rules are the rules and their alarms. It is safe for concurrent use.
type Rules struct {
	o       Options
	alarms  *Alarms
	pending pending
	metrics *metrics
	cancel  func() // of the subscription to the log

	evaluated atomic.Uint64 // reports and changes of rules, roughly: whether there are any since saved
	saved     uint64        // of Run: the last checkpoint has those
	pause     time.Duration // of Run: until the next checkpoint
	hurry     chan struct{} // a checkpoint is wanted at once

	changing sync.Mutex // held while rules change
	mu       sync.RWMutex
	rules    map[string]*Rule
	state    map[string]*placed
	watches  map[layers.ID]*watch
	readings readings

	refresh struct {
		sync.Mutex
		layers  map[layers.ID]bool
		running bool
		wake    chan struct{}
	}
}

// placed is what became of a rule.
type placed struct {
	zones   []*zone
	level   *level
	problem string // why it watches nothing
}

// Status is a rule and what became of it.
type Status struct {
	*Rule   // not to be changed
	Zones   int
	Problem string // why it can find nothing as things are, in one sentence; "" without
}

// Open reads the rules and the event log. It fails with layers.ErrCorrupt for a
// file that cannot be read, and with ErrUnavailable. Call Run, then Close.
func Open(ctx context.Context, o Options) (*Rules, error) {
	o.ensureDefaults()
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	list, err := load(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Rules{
		o: o, alarms: newAlarms(&o), metrics: newMetrics(o.Registerer),
		rules: map[string]*Rule{}, state: map[string]*placed{}, watches: map[layers.ID]*watch{}, readings: newReadings(),
	}
	r.pending = newPending(o.MaxPending, r.metrics)
	r.hurry, r.pause = make(chan struct{}, 1), checkpointEvery
	r.refresh.layers, r.refresh.wake = map[layers.ID]bool{}, make(chan struct{}, 1)
	// Whatever comes while the log is read is known twice and counts once.
	r.cancel = o.Log.Subscribe(r.alarms.apply)
	c := r.readCheckpoint()
	last := map[subject]lastOutcome{}
	err = o.Log.Events(ctx, 0, func(e *realtime.Event) error {
		r.recall(e, last, c)
		return nil
	})
	if err != nil {
		r.cancel()
		return nil, err
	}
	for _, rule := range list {
		r.rules[rule.ID] = rule
		r.place(ctx, rule, nil)
	}
	if err := r.placeAll(ctx, c, last); err != nil {
		r.cancel()
		return nil, err
	}
	r.endOrphans()
	r.metrics.rules.Set(float64(len(r.rules)))
	return r, nil
}

// Close writes the outcomes that still wait, unless the disk needs longer than
// two seconds, and ends the subscription to the log. Run must have ended.
func (r *Rules) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r.write(ctx)
	r.save(ctx)
	r.cancel()
}

// Alarms are what the rules raised.
func (r *Rules) Alarms() *Alarms { return r.alarms }

// Put makes or replaces a rule, on disk before it is evaluated. Entities that
// are inside already do not enter; what is beyond a threshold stays raised until the
// next report, or is over where the rule is about other things now. It fails with
// layers.ErrInvalid, with ErrNotFound of an area's layer or features, and with
// ErrUnavailable.
func (r *Rules) Put(ctx context.Context, id string, body []byte) (s Status, created bool, err error) {
	rule, err := Parse(id, body)
	if err != nil {
		return Status{}, false, err
	}
	if _, err := r.zones(ctx, rule); err != nil {
		return Status{}, false, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	next := maps.Clone(r.rules)
	created = next[id] == nil
	if next[id] = rule; len(next) > MaxRules {
		return Status{}, false, invalid("there are %d rules, as many as may be; delete one first", MaxRules)
	}
	if err := save(r.o.Dir, next); err != nil {
		return Status{}, false, err
	}
	r.mu.Lock()
	states := r.retire(id, rule)
	r.rules = next
	r.place(ctx, rule, states)
	s = r.status(id)
	r.mu.Unlock()
	r.diagnose(&s)
	r.learn(id, nil)
	r.changed()
	r.metrics.rules.Set(float64(len(next)))
	return s, created, nil
}

// Delete removes a rule; its alarms stay, but what they tell of is over. It fails
// with layers.ErrNotFound and ErrUnavailable.
func (r *Rules) Delete(id string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if _, err := r.Get(id); err != nil {
		return err
	}
	next := maps.Clone(r.rules)
	delete(next, id)
	if err := save(r.o.Dir, next); err != nil {
		return err
	}
	r.mu.Lock()
	r.retire(id, nil)
	r.rules = next
	r.mu.Unlock()
	r.changed()
	r.metrics.rules.Set(float64(len(next)))
	return nil
}

// changed asks for a checkpoint with the rules as they are now.
func (r *Rules) changed() {
	r.evaluated.Add(1)
	wake(r.hurry)
}

// Positions evaluates what a hub believes, for Hub.Watch.
func (r *Rules) Positions(layer layers.ID, rows []realtime.Believed) {
	r.mu.RLock()
	w := r.watches[layer]
	r.mu.RUnlock()
	if w != nil {
		w.positions(rows)
		r.evaluated.Add(1)
	}
}

// Observations evaluates readings, for Observatory.Subscribe.
func (r *Rules) Observations(rows []realtime.Observation) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.readings.observations(rows, r.pending.offer)
	r.evaluated.Add(1)
}

// locate gives outcomes of readings the place of their object.
func (r *Rules) locate(batch []finding) {
	for i := range batch {
		f := &batch[i]
		if f.lon == f.lon || f.layer == "" || r.o.Place == nil {
			continue
		}
		if lon, lat, ok := r.o.Place(f.layer, f.entity); ok {
			f.lon, f.lat = lon, lat
		}
	}
}

// Changed says that a static layer changed, so that fences of its features
// follow. It does not wait.
func (r *Rules) Changed(layer layers.ID) {
	r.mu.RLock()
	used := false
	for _, rule := range r.rules {
		used = used || rule.Area != nil && rule.Area.Layer == layer
	}
	r.mu.RUnlock()
	if !used {
		return
	}
	r.refresh.Lock()
	r.refresh.layers[layer] = true
	r.refresh.Unlock()
	wake(r.refresh.wake)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run writes outcomes until ctx ends. It returns nil.
func (r *Rules) Run(ctx context.Context) error {
	t := time.NewTimer(r.pause)
	defer t.Stop()
	listening := time.NewTicker(r.o.SilenceEvery)
	defer listening.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			r.save(ctx)
			t.Reset(r.pause)
		case <-listening.C:
			r.listen()
		case <-r.hurry:
			r.save(ctx)
		case <-r.refresh.wake:
			r.follow(ctx)
		case <-r.pending.wake:
			r.write(ctx)
		}
	}
}

// retryAfter is the time between two tries to write to a disk that refuses.
const retryAfter = time.Second

// write hands all that is pending to the alarms; what the disk refuses it tries again.
func (r *Rules) write(ctx context.Context) {
	for batch := r.pending.batch(); len(batch) > 0; batch = r.pending.batch() {
		r.locate(batch)
		var err error
		if f := &batch[0]; f.outcome == over {
			err = r.alarms.end(ctx, f.rule.ID)
		} else {
			err = r.alarms.admit(ctx, batch)
		}
		if err == nil {
			r.pending.done(len(batch))
			continue
		}
		if ctx.Err() != nil {
			return
		}
		r.o.Logger.Error("outcomes of rules wait for the disk", "outcomes", len(batch), "cause", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

// follow takes the zones of changed layers anew; who is inside stays so.
func (r *Rules) follow(ctx context.Context) {
	r.refresh.Lock()
	changed := r.refresh.layers
	r.refresh.layers = map[layers.ID]bool{}
	r.refresh.running = true
	r.refresh.Unlock()
	defer func() {
		r.refresh.Lock()
		r.refresh.running = false
		r.refresh.Unlock()
	}()
	r.changing.Lock()
	defer r.changing.Unlock()
	r.mu.RLock()
	var affected []*Rule
	for _, rule := range r.rules {
		if rule.Area != nil && changed[rule.Area.Layer] {
			affected = append(affected, rule)
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(affected, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	for _, rule := range affected {
		r.mu.Lock()
		visits := r.remove(rule.ID)
		r.place(ctx, rule, nil)
		r.mu.Unlock()
		r.learn(rule.ID, visits)
	}
	r.changed()
}

// Settled tells whether all outcomes are on disk and all zones as their layers
// are now.
func (r *Rules) Settled() bool {
	r.refresh.Lock()
	following := r.refresh.running || len(r.refresh.layers) > 0
	r.refresh.Unlock()
	r.pending.mu.Lock()
	defer r.pending.mu.Unlock()
	return !following && len(r.pending.list) == 0
}
