package webhooks

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
	"twind/realtime"
)

// Options of Open. Dir and Log must be set; zero fields take the defaults named.
type Options struct {
	Dir string // folder of webhooks.json and positions.json, made if absent
	Log realtime.EventLog
	// Timeout is how long a receiver may take for one event, its answer included; 10 s.
	Timeout time.Duration
	// FirstRetry is the wait after the first failure, doubled up to LastRetry, each
	// time shortened by up to a half at random; 1 s and 10 min.
	FirstRetry, LastRetry time.Duration
	// DeadAfter is for how long a receiver may fail before nothing more is posted
	// to it until somebody changes or replays the hook; 3 days.
	DeadAfter  time.Duration
	Now        func() time.Time // time.Now
	Logger     *slog.Logger
	Registerer prometheus.Registerer // of the metrics twind_webhooks_…
}

func (o *Options) ensureDefaults() {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.FirstRetry <= 0 {
		o.FirstRetry = time.Second
	}
	if o.LastRetry <= 0 {
		o.LastRetry = 10 * time.Minute
	}
	if o.DeadAfter <= 0 {
		o.DeadAfter = 3 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Hooks are the webhooks. It is safe for concurrent use.
type Hooks struct {
	o       Options
	client  *http.Client
	cancel  func() // of the subscription to the log
	metrics *metrics

	changing sync.Mutex // held while hooks change

	mu      sync.Mutex
	hooks   map[string]*hook
	running context.Context // of Run; nil: it does not run
	workers sync.WaitGroup
	dirty   bool // positions that are not on disk
}

// hook is one hook and where it is. Hooks.mu guards it.
type hook struct {
	Hook
	progress
	stop context.CancelFunc // of its worker; nil: none
	wake chan struct{}
}

// progress is how far a hook has come.
type progress struct {
	Position     uint64 `json:"position"`               // the last event that it needs no more
	FailingSince int64  `json:"failingSince,omitempty"` // ms since 1970; 0: it is not
	Attempts     int    `json:"attempts,omitempty"`     // in vain, of the event after Position
	Failure      string `json:"failure,omitempty"`      // why, of the last
	Delivered    int64  `json:"delivered,omitempty"`    // ms since 1970: when an event was last taken
	Missed       uint64 `json:"missed,omitempty"`       // events that the log had no more when it was their turn
	Dead         bool   `json:"dead,omitempty"`
}

// Status is a hook and how it goes.
type Status struct {
	Hook                // without its secret
	State        string // ok, off, failing, dead
	Position     uint64 // up to this number the receiver has all that it wants
	Pending      uint64 // events after it, wanted or not
	FailingSince time.Time
	Attempts     int
	Failure      string
	Delivered    time.Time
	Missed       uint64
}

// Open reads the hooks. It fails with layers.ErrCorrupt for a file that cannot be
// read, and with ErrUnavailable. Call Run, then Close before the log.
func Open(o Options) (*Hooks, error) {
	o.ensureDefaults()
	h := &Hooks{o: o, client: newClient(o.Timeout), hooks: map[string]*hook{}, metrics: newMetrics(o.Registerer)}
	if err := h.load(); err != nil {
		return nil, err
	}
	h.cancel = o.Log.Subscribe(func([]realtime.Event) { h.wakeAll() })
	return h, nil
}

// Close ends the subscription to the log and writes how far the hooks have come.
// Run must have ended.
func (h *Hooks) Close() error {
	h.cancel()
	h.client.CloseIdleConnections()
	return h.savePositions()
}

// saveEvery is how often positions are written: what is posted after the last
// time is posted again after a crash.
const saveEvery = time.Second

// Run posts events until ctx ends. It returns nil.
func (h *Hooks) Run(ctx context.Context) error {
	h.mu.Lock()
	h.running = ctx
	for _, x := range h.hooks {
		h.start(x)
	}
	h.mu.Unlock()
	t := time.NewTicker(saveEvery)
	defer t.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-t.C:
			if err := h.savePositions(); err != nil {
				h.o.Logger.Error("the positions of webhooks cannot be written; it is tried again", "cause", err)
			}
		}
	}
	h.mu.Lock()
	h.running = nil
	h.mu.Unlock()
	h.workers.Wait()
	return nil
}

// start begins a hook's worker, or begins it anew. Caller holds mu.
func (h *Hooks) start(x *hook) {
	if x.stop != nil {
		x.stop()
		x.stop = nil
	}
	if h.running == nil || x.Off || x.Dead {
		return
	}
	ctx, stop := context.WithCancel(h.running)
	x.stop = stop
	w := &worker{h: h, x: x, hook: x.Hook}
	h.workers.Go(func() { w.run(ctx) })
}

func (h *Hooks) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.hooks {
		select {
		case x.wake <- struct{}{}:
		default:
		}
	}
}

// List is all hooks by id.
func (h *Hooks) List() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Status, 0, len(h.hooks))
	for _, id := range slices.Sorted(maps.Keys(h.hooks)) {
		out = append(out, h.status(h.hooks[id]))
	}
	return out
}

// Get is one hook; layers.ErrNotFound.
func (h *Hooks) Get(id string) (Status, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x, err := h.find(id)
	if err != nil {
		return Status{}, err
	}
	return h.status(x), nil
}

// find is a hook that there is. Caller holds mu.
func (h *Hooks) find(id string) (*hook, error) {
	if x := h.hooks[id]; x != nil {
		return x, nil
	}
	return nil, layers.Errorf(layers.ErrNotFound, "no webhook %.80q; GET /live/webhooks lists them", id)
}

// status is how a hook goes. Caller holds mu.
func (h *Hooks) status(x *hook) Status {
	s := Status{
		Hook: x.Hook, State: "ok", Position: x.Position, FailingSince: moment(x.FailingSince), Attempts: x.Attempts,
		Failure: x.Failure, Delivered: moment(x.Delivered), Missed: x.Missed,
	}
	s.Secret = ""
	if last := h.o.Log.LastEvent(); last > x.Position {
		s.Pending = last - x.Position
	}
	switch {
	case x.Off:
		s.State = "off"
	case x.Dead:
		s.State = "dead"
	case x.FailingSince != 0:
		s.State = "failing"
	}
	return s
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Put makes a hook, which begins with the next event, or replaces one, which goes
// on where it was. Without a secret an old one is kept and a new one is made, and
// returned. It fails with layers.ErrInvalid and ErrUnavailable.
func (h *Hooks) Put(id string, body []byte) (s Status, secret string, created bool, err error) {
	parsed, err := Parse(id, body)
	if err == nil {
		err = parsed.checkPlace()
	}
	if err != nil {
		return Status{}, "", false, err
	}
	h.changing.Lock()
	defer h.changing.Unlock()
	h.mu.Lock()
	before := h.hooks[id]
	next := maps.Clone(h.hooks)
	h.mu.Unlock()
	x := &hook{Hook: *parsed, wake: make(chan struct{}, 1)}
	switch {
	case x.Secret != "":
	case before != nil:
		x.Secret = before.Secret
	default:
		secret = newSecret()
		x.Secret = secret
	}
	if next[id] = x; len(next) > MaxHooks {
		return Status{}, "", false, invalid("there are %d webhooks, as many as may be; delete one first", MaxHooks)
	}
	if before == nil {
		x.Position = h.o.Log.LastEvent()
	}
	if err := h.save(next); err != nil {
		return Status{}, "", false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if before != nil {
		h.halt(before)
		x.Position, x.Missed, x.Delivered = before.Position, before.Missed, before.Delivered
	}
	h.hooks[id] = x
	h.dirty = true
	h.start(x)
	return h.status(x), secret, before == nil, nil
}

// halt ends a hook's worker. Caller holds mu.
func (h *Hooks) halt(x *hook) {
	if x.stop != nil {
		x.stop()
		x.stop = nil
	}
}

// Delete removes a hook. It fails with layers.ErrNotFound and ErrUnavailable.
func (h *Hooks) Delete(id string) error {
	h.changing.Lock()
	defer h.changing.Unlock()
	h.mu.Lock()
	x, err := h.find(id)
	next := maps.Clone(h.hooks)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	delete(next, id)
	if err := h.save(next); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.halt(x)
	delete(h.hooks, id)
	h.dirty = true
	return nil
}

// Replay posts the events after a number again, and makes a dead hook live. It
// fails with layers.ErrNotFound, and with ErrInvalid for a number that there is
// not yet.
func (h *Hooks) Replay(id string, after uint64) (Status, error) {
	last := h.o.Log.LastEvent()
	h.mu.Lock()
	defer h.mu.Unlock()
	x, err := h.find(id)
	if err != nil {
		return Status{}, err
	}
	if after > last {
		return Status{}, invalid("after %d is beyond the last event, which is %d", after, last)
	}
	h.halt(x)
	x.progress = progress{Position: after, Delivered: x.Delivered, Missed: x.Missed}
	h.dirty = true
	h.start(x)
	return h.status(x), nil
}
