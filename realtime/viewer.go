package realtime

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"twind/layers"
)

// Subscription is what a viewer wants to see.
type Subscription struct {
	BBox   BBox
	Zoom   float64 // of the map, in 512 px tiles; chooses the cells' size
	Layers []layers.ID
	Filter map[layers.ID]string // by live layer, for Options.ParseFilter
	Policy map[layers.ID]layers.Policy
	// MaxHz bounds the messages a second; 0 takes the tick rate. The server has
	// three rates: each tick, every fifth and every twenty-fifth.
	MaxHz float64
	// MaxEntities is how many entities of a layer the viewport may hold before
	// the viewer gets counts per cell instead, below zoom 16; 0 takes
	// DefaultMaxEntities, −1 never counts.
	MaxEntities int
	Resume      *Resume // what the viewer still holds, on its first subscription
	// missed is, by layer, what a viewer without slots has to be told, on its first subscription.
	missed map[layers.ID]*missed
}

// DefaultMaxEntities is the default of Subscription.MaxEntities.
const DefaultMaxEntities = 20_000

// Resume is what a viewer held when its connection ended.
type Resume struct {
	Epoch  uint64
	Change uint64 // number of the last change it was told
	Layers map[layers.ID]Held
}

// Held is one layer's part, from the last Sync that the viewer applied.
type Held struct {
	Sequence uint64
	View     uint32
	Window   Window
}

// Limits of subscriptions.
const (
	maxSubscribedLayers = 64
	maxFilterBytes      = 4 << 10
)

// check fails with layers.ErrInvalid.
func (s *Subscription) check() error {
	if err := s.BBox.check(); err != nil {
		return err
	}
	if math.IsNaN(s.Zoom) || s.Zoom < 0 || s.Zoom > 30 {
		return layers.Errorf(layers.ErrInvalid, "zoom %v: expected 0 to 30", s.Zoom)
	}
	if len(s.Layers) > maxSubscribedLayers {
		return layers.Errorf(layers.ErrInvalid, "%d layers; at most %d are possible", len(s.Layers), maxSubscribedLayers)
	}
	for _, id := range s.Layers {
		if _, err := layers.ParseID(string(id)); err != nil {
			return err
		}
	}
	for id, f := range s.Filter {
		if len(f) > maxFilterBytes {
			return layers.Errorf(layers.ErrInvalid, "filter of layer %s has %d bytes; at most %d are possible", id, len(f), maxFilterBytes)
		}
	}
	if math.IsNaN(s.MaxHz) || s.MaxHz < 0 {
		return layers.Errorf(layers.ErrInvalid, "maxHz %v: expected a rate in Hz", s.MaxHz)
	}
	if s.MaxEntities < -1 {
		return layers.Errorf(layers.ErrInvalid, "maxEntities %d: expected a count, or −1 for no limit", s.MaxEntities)
	}
	if s.Resume != nil {
		for id, h := range s.Resume.Layers {
			if !h.Window.valid() {
				return layers.Errorf(layers.ErrInvalid, "the window held of layer %s is no window of tiles", id)
			}
		}
	}
	return nil
}

// format is a wire format.
type format uint8

const (
	formatBinary format = iota
	formatJSON
	numFormats
)

// sub is one layer of a viewer: what it wants and what it has. The tick owns it.
type sub struct {
	layer  *layer
	view   *view
	viewer *Viewer
	want   Window  // tiles of GridZoom
	cells  Window  // aggregate tiles of cellZoom − CellBits
	limit  int     // MaxEntities
	missed *missed // what it missed since a time; nil: go by seq
	goesOn bool    // the viewer had the layer, in this view, until this subscription

	seq     uint64 // the viewer knows all up to it; 0: nothing
	mode    Mode
	held    Window // tiles it has
	synced  uint64 // sequence of the last Sync
	classes int    // how many of the layer's classes it knows
}

// ErrViewerClosed is what Next returns after Close, or once the hub has ended.
var ErrViewerClosed = errors.New("realtime: viewer is closed")

// Viewer is one subscriber. Subscribe and Next may be called concurrently; Next
// by one goroutine.
type Viewer struct {
	hub    *Hub
	format format
	out    chan *Batch // holds at most one
	done   chan struct{}

	mu      sync.Mutex
	closed  bool
	ready   bool // Next waits, or will find what is put into out
	next    *plan
	current *plan

	// of the tick
	batch      Batch
	change     uint64 // number of the last change told
	generation uint64 // of the hub's layers
}

// plan is a subscription with its views.
type plan struct {
	s     Subscription
	subs  []*sub
	every uint64 // ticks
	fresh bool   // not yet served
}

// Batch is what a viewer is told in one tick. It is lent until the next Next.
type Batch struct {
	Texts  [][]byte // JSON messages, to be sent first, each as one text message
	Frames [][]byte // of one message; shared with other viewers: do not change
	JSON   bool     // the frames are JSON
	own    []byte   // memory of what is not shared
}

// AppendMessage appends the one message that holds all frames.
func (b *Batch) AppendMessage(dst []byte) []byte {
	if !b.JSON {
		for _, f := range b.Frames {
			dst = append(dst, f...)
		}
		return dst
	}
	dst = append(dst, `{"type":"frames","frames":[`...)
	for i, f := range b.Frames {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f...)
	}
	return append(dst, `]}`...)
}

// Attach makes a viewer, which gets a hello first. Without json it needs
// Options.Codec. It must be closed.
func (h *Hub) Attach(json bool) (*Viewer, error) {
	if !json && h.o.Codec == nil {
		return nil, layers.Errorf(layers.ErrUnsupported, "this server sends live frames as JSON only; add ?format=json")
	}
	v := &Viewer{hub: h, format: formatBinary, out: make(chan *Batch, 1), done: make(chan struct{})}
	if json {
		v.format = formatJSON
	}
	v.batch.JSON = json
	v.generation = h.generation.Load()
	v.change = h.changes.number()
	v.out <- &Batch{Texts: [][]byte{h.hello(v)}, JSON: json}
	h.viewerMu.Lock()
	h.viewers[v] = struct{}{}
	n := len(h.viewers)
	h.viewerMu.Unlock()
	h.metrics.viewers.Set(float64(n))
	return v, nil
}

// Close ends the viewer; Next returns ErrViewerClosed. It may be called twice.
func (v *Viewer) Close() {
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return
	}
	v.closed = true
	close(v.done)
	plans := []*plan{v.next, v.current}
	v.next, v.current = nil, nil
	v.mu.Unlock()
	for _, p := range plans {
		p.release()
	}
	v.hub.viewerMu.Lock()
	delete(v.hub.viewers, v)
	n := len(v.hub.viewers)
	v.hub.viewerMu.Unlock()
	v.hub.metrics.viewers.Set(float64(n))
}

func (p *plan) release() {
	if p == nil {
		return
	}
	for _, s := range p.subs {
		s.layer.releaseView(s.view)
	}
}

// Next waits for something to tell the viewer. Calling it says that the
// connection is free: what happens until then is merged. The batch is lent
// until the next call.
func (v *Viewer) Next(ctx context.Context) (*Batch, error) {
	v.mu.Lock()
	select {
	case b := <-v.out: // made for a call that gave up
		v.mu.Unlock()
		return b, nil
	default:
		v.ready = true
		v.mu.Unlock()
	}
	select {
	case b := <-v.out:
		return b, nil
	case <-v.done:
		return nil, ErrViewerClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Subscribe replaces what the viewer wants to see; it takes effect with the
// next tick. What is in the old viewport and the new is not sent again. It fails
// with layers.ErrInvalid, ErrUnsupported or ErrUnavailable and then changes nothing.
// It tells which of the layers are live and how many messages a second to expect.
func (v *Viewer) Subscribe(s Subscription) (live []layers.ID, hz float64, err error) {
	if err := s.check(); err != nil {
		return nil, 0, err
	}
	s.Layers = slices.Clone(s.Layers)
	slices.Sort(s.Layers)
	s.Layers = slices.Compact(s.Layers)
	p, err := v.plan(s)
	if err != nil {
		return nil, 0, err
	}
	for _, sub := range p.subs {
		live = append(live, sub.layer.desc.ID)
	}
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		p.release()
		return nil, 0, ErrViewerClosed
	}
	replaced := v.next
	p.follow(v.current, replaced)
	v.next = p
	if replaced != nil && replaced.s.Resume != nil && p.s.Resume == nil {
		p.s.Resume = replaced.s.Resume // moved on before the first tick
		p.resume(v.hub)
	}
	v.mu.Unlock()
	replaced.release()
	return live, v.hub.o.TickRate / float64(p.every), nil
}

// follow notes which layers the viewer keeps from its last subscription: what
// it left out of one it has forgotten, even if no tick came between.
func (p *plan) follow(current, replaced *plan) {
	before := current
	if replaced != nil {
		before = replaced
	}
	if before == nil {
		return
	}
	for _, s := range p.subs {
		for _, o := range before.subs {
			if o.layer == s.layer && o.view == s.view {
				s.goesOn = before == current || o.goesOn
			}
		}
	}
}

// plan finds the subscription's live layers and their views.
func (v *Viewer) plan(s Subscription) (*plan, error) {
	h := v.hub
	p := &plan{s: s, every: h.every(s.MaxHz), fresh: true}
	for _, id := range s.Layers {
		l, err := h.layer(id)
		if err != nil {
			continue // a static layer, or one that comes to be later
		}
		view, err := h.acquireView(l, s.Filter[id], s.Policy[id])
		if err != nil {
			p.release()
			return nil, err
		}
		limit := s.MaxEntities
		switch limit {
		case 0:
			limit = DefaultMaxEntities
		case -1:
			limit = math.MaxInt
		}
		if s.Zoom >= entityZoom {
			limit = math.MaxInt
		}
		p.subs = append(p.subs, &sub{
			layer: l, view: view, viewer: v, limit: limit, missed: s.missed[id],
			want: s.BBox.window(GridZoom, 1), cells: s.BBox.window(cellZoom(s.Zoom)-CellBits, 0),
		})
	}
	p.resume(h)
	return p, nil
}

// resume takes over what the viewer says it holds, where it can be continued.
func (p *plan) resume(h *Hub) {
	r := p.s.Resume
	if r == nil || r.Epoch != h.epoch {
		return
	}
	for _, s := range p.subs {
		held, ok := r.Layers[s.layer.desc.ID]
		if !ok || held.View != s.view.id || held.Window.Z != GridZoom || held.Sequence < s.view.since || held.Sequence > h.sequence.Load() {
			continue
		}
		s.seq, s.held, s.mode = held.Sequence, held.Window, ModeEntities
	}
}

// rate classes, in ticks
var rateClasses = [...]uint64{1, 5, 25}

// every is the rate class whose rate does not exceed hz, the slowest for less.
func (h *Hub) every(hz float64) uint64 {
	if hz == 0 {
		return 1
	}
	for _, n := range rateClasses {
		if h.o.TickRate/float64(n) <= hz*1.0001 {
			return n
		}
	}
	return rateClasses[len(rateClasses)-1]
}
