package realtime

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"twind/layers"
)

// Hub holds the live layers and serves their viewers. All its methods are safe
// for concurrent use. Run must run for time to pass: entities age and viewers
// are served by its ticks.
type Hub struct {
	o       Options
	epoch   uint64
	resume  uint64 // Options.Resume in ticks
	replays bool   // it is a Player's: its time is that of the replay
	metrics *metrics

	mu     sync.RWMutex // guards layers, and generation; taken before a layer's mu
	layers map[layers.ID]*layer
	// generation counts the changes of layers, so that viewers learn of them.
	generation atomic.Uint64

	tickMu   sync.Mutex    // one tick at a time; guards the fields below
	sequence atomic.Uint64 // of the last tick

	entitiesFrame Entities // scratch of the tick
	cellsFrame    Cells
	work          map[*layer][]*sub
	due           []*Viewer

	viewerMu sync.Mutex // guards viewers; taken before a viewer's mu
	viewers  map[*Viewer]struct{}

	changes changeLog
	players atomic.Int64 // that run

	watcher atomic.Pointer[func(layers.ID, []Believed)]
	lanes   atomic.Pointer[hubLanes]
}

// New makes a hub without layers.
func New(o Options) *Hub {
	o.ensureDefaults()
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	h := &Hub{
		o: o, epoch: binary.LittleEndian.Uint64(b[:])>>11 | 1, // < 2⁵³, so that JSON carries it
		resume:  max(1, uint64(o.Resume.Seconds()*o.TickRate)),
		metrics: newMetrics(),
		layers:  map[layers.ID]*layer{}, viewers: map[*Viewer]struct{}{}, work: map[*layer][]*sub{},
	}
	h.metrics.register(o.Registerer)
	return h
}

// Run ticks until ctx ends, then disconnects every viewer. It returns nil.
func (h *Hub) Run(ctx context.Context) error {
	t := time.NewTicker(time.Duration(float64(time.Second) / h.o.TickRate))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			h.viewerMu.Lock()
			all := make([]*Viewer, 0, len(h.viewers))
			for v := range h.viewers {
				all = append(all, v)
			}
			h.viewerMu.Unlock()
			for _, v := range all {
				v.Close()
			}
			return nil
		case <-t.C:
			h.tick()
		}
	}
}

// AddLayer makes a live layer, empty. Fails with layers.ErrInvalid or
// layers.ErrExists. Zero times in l.Live take the defaults: a period of 10 s,
// stale after 3 periods of silence, offline after 10, gone after 30. With a
// MaxSpeed of 0 no movement is too fast.
func (h *Hub) AddLayer(l layers.Layer) error {
	if err := l.Validate(); err != nil {
		return err
	}
	h.tickMu.Lock() // the open sequence must not change meanwhile
	defer h.tickMu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.layers[l.ID] != nil {
		return layers.Errorf(layers.ErrExists, "live layer %s exists already", l.ID)
	}
	made := newLayer(l, &h.o, h.sequence.Load()+1, h.resume, h.metrics.layer(l.ID))
	if err := h.restore(made); err != nil { // what is lost of the past must not stop the present
		h.o.Log.Error("a live layer could not be restored from history", "layer", l.ID, "cause", err)
	}
	h.layers[l.ID] = made
	h.generation.Add(1)
	return nil
}

// RemoveLayer ends a live layer with its entities; viewers are told. Fails with
// layers.ErrNotFound.
func (h *Hub) RemoveLayer(id layers.ID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.layers[id] == nil {
		return h.notFound(id)
	}
	delete(h.layers, id)
	h.metrics.forget(id)
	h.generation.Add(1)
	return nil
}

// Layers lists the live layers by id. Their schemas begin with time, received,
// state, course, speed and clock, and grow by the properties found in positions.
func (h *Hub) Layers() []layers.Layer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]layers.Layer, 0, len(h.layers))
	for _, l := range h.layers {
		l.mu.RLock()
		out = append(out, l.desc)
		l.mu.RUnlock()
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Layer is one live layer's description, as in Layers; layers.ErrNotFound.
func (h *Hub) Layer(id layers.ID) (layers.Layer, error) {
	l, err := h.layer(id)
	if err != nil {
		return layers.Layer{}, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.desc, nil
}

func (h *Hub) layer(id layers.ID) (*layer, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if l := h.layers[id]; l != nil {
		return l, nil
	}
	return nil, h.notFound(id)
}

// notFound names the live layers there are. Caller holds mu.
func (h *Hub) notFound(id layers.ID) error {
	if len(id) > 80 {
		id = id[:80] + "…"
	}
	if len(h.layers) == 0 {
		return layers.Errorf(layers.ErrNotFound, "no live layer %q: there are no live layers", id)
	}
	names := make([]string, 0, len(h.layers))
	for n := range h.layers {
		names = append(names, string(n))
	}
	sort.Strings(names)
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return layers.Errorf(layers.ErrNotFound, "no live layer %q: there are %s", id, strings.Join(names, ", "))
}

// lockedRun is how many positions are applied before readers get a turn.
const lockedRun = 1024

// Apply takes a batch of positions, in order, and says which it refused and
// why. The positions and their slices are not kept. What it accepted is handed
// to the journal, but may not be on disk before a Flush. It fails only when ctx
// ends, with what was done so far in Result.
func (h *Hub) Apply(ctx context.Context, positions []Position) (Result, error) {
	var r Result
	rows := h.journalRows()
	defer h.keepRows(rows)
	watcher := h.watcher.Load()
	wanted := h.o.Journal != nil || watcher != nil
	for i := 0; i < len(positions); {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		id := positions[i].Layer
		l, err := h.layer(id)
		if err != nil {
			from := i
			for reason := err.Error(); i < len(positions) && positions[i].Layer == id; i++ {
				r.refuse(i, &positions[i], UnknownLayer, reason)
			}
			h.metrics.unknown.Add(float64(i - from))
			continue
		}
		var counts [numOutcomes]int
		rows.b = rows.b[:0]
		now := h.o.Now()
		l.mu.Lock()
		for n := 0; n < lockedRun && i < len(positions) && positions[i].Layer == id; n, i = n+1, i+1 {
			slot, outcome, reason := l.apply(&positions[i], now)
			counts[outcome]++
			if outcome == Accepted {
				r.Accepted++
				if wanted {
					rows.b = append(rows.b, l.believed(slot))
				}
			} else {
				r.refuse(i, &positions[i], outcome, reason)
			}
		}
		l.mu.Unlock()
		l.metrics.count(counts)
		if h.o.Journal != nil && len(rows.b) > 0 {
			if err := h.o.Journal.Positions(id, rows.b); err != nil {
				r.Unrecorded += len(rows.b)
				r.JournalError = err
			}
		}
		if watcher != nil && len(rows.b) > 0 {
			(*watcher)(id, rows.b)
		}
	}
	return r, nil
}

// Recorded waits until everything that Apply accepted before the call is on
// disk. It fails with layers.ErrUnavailable when the disk does not take it, and
// returns at once without a journal.
func (h *Hub) Recorded(ctx context.Context) error {
	if h.o.Journal == nil {
		return nil
	}
	return h.o.Journal.Flush(ctx)
}

// rowBuffer is what one Apply hands to the journal.
type rowBuffer struct{ b []Believed }

var rowBuffers = sync.Pool{New: func() any { return new(rowBuffer) }}

func (h *Hub) journalRows() *rowBuffer { return rowBuffers.Get().(*rowBuffer) }

func (h *Hub) keepRows(r *rowBuffer) {
	clear(r.b) // what they hold on to
	rowBuffers.Put(r)
}

func (r *Result) refuse(index int, p *Position, o Outcome, reason string) {
	id := p.ID
	if len(id) > 80 {
		id = strings.ToValidUTF8(id[:80], "") + "…"
	}
	r.Refused = append(r.Refused, Refusal{Index: index, ID: strings.Clone(id), Reason: reason, Outcome: o})
}

// Counts are the entities of a layer by state.
type Counts struct{ Live, Stale, Offline int }

// Total is all of them.
func (c Counts) Total() int { return c.Live + c.Stale + c.Offline }

// Count counts a layer's entities; layers.ErrNotFound.
func (h *Hub) Count(id layers.ID) (Counts, error) {
	l, err := h.layer(id)
	if err != nil {
		return Counts{}, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.all.count
	return Counts{c[StateLive], c[StateStale], c[StateOffline]}, nil
}

// view finds or makes a view of the layer for a subscription, which must be
// given back to releaseView.
func (h *Hub) acquireView(l *layer, filter string, policy layers.Policy) (*view, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := ""
	if filter != "" || policy.Restricted() {
		name = policy.Key() + "\x00" + filter
	}
	filtered := 0
	for _, v := range l.views {
		if v.name == name {
			v.refs++
			return v, nil
		}
		if v.filter != "" {
			filtered++
		}
	}
	var tree layers.Filter
	if filter != "" {
		if h.o.ParseFilter == nil {
			return nil, layers.Errorf(layers.ErrUnsupported, "filter of layer %s: this server does not filter live layers", l.desc.ID)
		}
		var err error
		if tree, err = h.o.ParseFilter(&l.desc, filter); err != nil {
			return nil, err
		}
		if filtered >= h.o.MaxFilters {
			return nil, layers.Errorf(layers.ErrUnavailable, "layer %s is watched with %d filters, as many as the server keeps; filter in the viewer", l.desc.ID, filtered)
		}
	}
	m, err := l.matcher(tree, policy)
	if err != nil {
		return nil, err
	}
	v := newView(l, name, filter, m, policy)
	v.refs = 1
	l.views = append(l.views, v)
	return v, nil
}

func (l *layer) releaseView(v *view) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.refs--; v.refs == 0 {
		v.idle = l.open
	}
}

// dropIdleViews forgets views that nobody can resume any more. Caller holds mu.
func (l *layer) dropIdleViews(oldest uint64) {
	kept := l.views[:0]
	for _, v := range l.views {
		if v.refs > 0 || v.idle > oldest {
			kept = append(kept, v)
		}
	}
	clear(l.views[len(kept):])
	l.views = kept
}
