package realtime

import (
	"math"
	"slices"
	"time"

	"twind/layers"
)

// tick closes the open sequence of every layer and serves the viewers whose
// connection is free. What is applied meanwhile belongs to the next sequence.
func (h *Hub) tick() {
	h.tickMu.Lock()
	defer h.tickMu.Unlock()
	start := time.Now()
	seq := h.sequence.Load() + 1
	now := h.o.Now().UnixMilli()
	h.prepare(seq)

	h.mu.RLock()
	all := make([]*layer, 0, len(h.layers))
	for _, l := range h.layers {
		all = append(all, l)
	}
	h.mu.RUnlock()
	for _, l := range all {
		l.mu.Lock()
		h.serve(l, seq, now)
		l.mu.Unlock()
	}
	h.sequence.Store(seq)
	if lanes := h.lanes.Load(); lanes != nil && lanes.readings != nil {
		lanes.readings.tick(seq)
	}
	for _, v := range h.due {
		v.deliver()
	}
	h.metrics.tick.Observe(time.Since(start).Seconds())
}

// prepare finds the viewers to serve, and sorts their subscriptions by layer.
func (h *Hub) prepare(seq uint64) {
	clear(h.work)
	clear(h.due)
	h.due = h.due[:0]
	h.viewerMu.Lock()
	for v := range h.viewers {
		h.due = append(h.due, v)
	}
	h.viewerMu.Unlock()
	kept := h.due[:0]
	for _, v := range h.due {
		p, ok := v.prepare(seq)
		if !ok {
			continue
		}
		kept = append(kept, v)
		if p == nil {
			continue
		}
		for _, s := range p.subs {
			h.work[s.layer] = append(h.work[s.layer], s)
		}
	}
	clear(h.due[len(kept):])
	h.due = kept
}

// prepare tells whether the viewer is free, and its plan if it is due.
func (v *Viewer) prepare(seq uint64) (*plan, bool) {
	v.mu.Lock()
	if v.closed || !v.ready || len(v.out) > 0 {
		v.mu.Unlock()
		return nil, false
	}
	next, current := v.next, v.current
	if next != nil {
		v.next, v.current = nil, next
	}
	v.mu.Unlock()

	v.batch.Texts, v.batch.Frames, v.batch.own = v.batch.Texts[:0], v.batch.Frames[:0], v.batch.own[:0]
	if next != nil {
		if r := next.s.Resume; r != nil && current == nil {
			v.change = r.Change
			if r.Epoch != v.hub.epoch {
				v.change = math.MaxUint64 // unknown: everything may have changed
			}
		}
		next.inherit(current)
		current.release()
		current = next
	}
	if g := v.hub.generation.Load(); g != v.generation {
		v.generation = g
		v.batch.Texts = append(v.batch.Texts, v.hub.layersMessage())
		current = v.renew(current)
	}
	if current == nil {
		return nil, true
	}
	v.tellChanges(current)
	if !current.fresh && seq%current.every != 0 {
		return nil, true
	}
	current.fresh = false
	return current, true
}

// inherit takes over what the viewer has of the layers that stay.
func (p *plan) inherit(old *plan) {
	if old == nil {
		return
	}
	for _, s := range p.subs {
		for _, o := range old.subs {
			if s.goesOn && o.layer == s.layer && o.view == s.view {
				s.seq, s.mode, s.held, s.synced, s.classes = o.seq, o.mode, o.held, o.synced, o.classes
			}
		}
	}
}

// renew plans a subscription again, because live layers came or went.
func (v *Viewer) renew(current *plan) *plan {
	if current == nil {
		return nil
	}
	s := current.s
	s.Resume, s.missed = nil, nil
	p, err := v.plan(s)
	if err != nil { // a filter that does not fit the new layer
		v.batch.Texts = append(v.batch.Texts, errorMessage(0, err))
		return current
	}
	p.follow(current, nil)
	p.inherit(current)
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		p.release()
		return nil
	}
	v.current = p
	v.mu.Unlock()
	current.release()
	return p
}

// tellChanges adds the changes of static layers that the viewer subscribed to.
func (v *Viewer) tellChanges(p *plan) {
	log := &v.hub.changes
	if v.change == log.number() {
		return
	}
	live := func(id layers.ID) bool {
		return slices.ContainsFunc(p.subs, func(s *sub) bool { return s.layer.desc.ID == id })
	}
	merged, last, complete := log.since(v.change, func(id layers.ID) bool {
		_, found := slices.BinarySearch(p.s.Layers, id)
		return found && !live(id)
	})
	v.change = last
	if !complete {
		for _, id := range p.s.Layers {
			if !live(id) {
				merged = append(merged, mergedChange{layers.Change{Layer: id, Whole: true}, true})
			}
		}
	}
	for i := range merged {
		v.batch.Texts = append(v.batch.Texts, changeMessage(last, &merged[i]))
	}
}

// deliver hands the batch over, if there is anything in it.
func (v *Viewer) deliver() {
	if len(v.batch.Texts) == 0 && len(v.batch.Frames) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.ready = false
	v.out <- &v.batch // empty: prepare saw to it, and only the tick sends
}

// serve closes the layer's sequence and makes the frames of its subscriptions.
// Caller holds l.mu.
func (h *Hub) serve(l *layer, seq uint64, now int64) {
	l.age(now)
	l.open = seq + 1
	oldest := seq - min(seq, h.resume)
	head := Head{Epoch: h.epoch, Sequence: seq, Time: now, Layer: l.desc.ID, Replay: h.replays}
	for _, s := range h.work[l] {
		h.serveSub(s, head, oldest)
	}
	for _, v := range l.views {
		clear(v.dirty)
		v.dirty = v.dirty[:0]
		clear(v.extra)
	}
	if seq%max(1, h.resume/4) == 0 {
		for _, v := range l.views {
			v.sweep(oldest)
		}
		l.dropIdleViews(oldest)
	}
	c := l.all.count
	l.metrics.entities(c)
}

// serveSub makes one layer's frames for one viewer, in its batch.
func (h *Hub) serveSub(s *sub, head Head, oldest uint64) {
	l, v, viewer := s.layer, s.view, s.viewer
	seq, b := head.Sequence, &viewer.batch
	mode := s.chooseMode()
	want := s.want
	if mode == ModeCells {
		want = s.cells
	}
	since := s.missed
	s.missed = nil
	if mode == ModeCells {
		since = nil
	}
	reset := since == nil && (s.seq <= oldest || mode != s.mode || s.held.Z != want.Z)
	if reset {
		s.seq, s.held = 0, Window{Z: want.Z}
	}
	place := len(b.Frames)
	b.Frames = append(b.Frames, nil) // the Sync
	switch {
	case mode == ModeCells:
		h.cellFrames(s, head, want, oldest)
	case since != nil:
		h.missedFrames(s, since, head, want)
	default:
		h.entityFrames(s, head, want)
	}
	classes := len(l.classes)
	quiet := len(b.Frames) == place+1 && !reset && s.held == want && s.classes == classes
	s.seq, s.held, s.mode = seq, want, mode
	if quiet && seq-s.synced < uint64(h.o.TickRate) {
		b.Frames = b.Frames[:place]
		return
	}
	sync := Sync{
		Head: head, Reset: reset, Mode: mode, Window: want, View: v.id, Newest: v.newest,
		Live: uint32(v.count[StateLive]), Stale: uint32(v.count[StateStale]), Offline: uint32(v.count[StateOffline]),
	}
	if reset || s.classes != classes {
		sync.Classes = l.classes
	}
	start := len(b.own)
	b.own = h.codec(viewer.format).AppendSync(b.own, &sync)
	b.Frames[place] = b.own[start:len(b.own):len(b.own)]
	s.synced, s.classes = seq, classes
}

// chooseMode counts what the viewport holds. A viewer that has cells keeps them
// until clearly fewer entities are in view.
func (s *sub) chooseMode() Mode {
	v := s.view
	if v.total() <= s.limit-s.limit/5 {
		return ModeEntities
	}
	limit := s.limit
	if s.seq > 0 && s.mode == ModeCells {
		limit -= limit / 5
	}
	if v.countIn(s.want) > limit {
		return ModeCells
	}
	return ModeEntities
}

// entityFrames adds the frames that bring the viewer to the tiles of want.
func (h *Hub) entityFrames(s *sub, head Head, want Window) {
	l, v, b := s.layer, s.view, &s.viewer.batch
	add := func(t *liveTile) {
		base := uint64(0)
		if x, y := t.key.xy(); s.held.Contains(x, y) {
			if base = s.seq; t.last <= base {
				return
			}
		}
		if f := h.tileFrame(l, v, t, base, s.viewer.format, head); f != nil {
			b.Frames = append(b.Frames, f)
		}
	}
	if s.seq+1 == head.Sequence && s.held == want && len(v.dirty) < want.area() {
		for _, t := range v.dirty {
			if want.containsKey(t.key) {
				add(t)
			}
		}
		return
	}
	v.visit(want, add)
}

// tileFrame is the tile's frame since base, made once a tick; nil when there is nothing to tell.
func (h *Hub) tileFrame(l *layer, v *view, t *liveTile, base uint64, f format, head Head) []byte {
	c := &t.frame[f]
	if c.seq == head.Sequence && c.base == base {
		h.metrics.shared.Inc()
		return c.bytes
	}
	if c.seq != head.Sequence {
		*c = cachedFrame{head.Sequence, base, h.encodeTile(l, v, t, base, f, head)}
		return c.bytes
	}
	k := frameKey{t.key, f, base}
	if bytes, ok := v.extra[k]; ok {
		h.metrics.shared.Inc()
		return bytes
	}
	bytes := h.encodeTile(l, v, t, base, f, head)
	v.extra[k] = bytes
	return bytes
}

func (h *Hub) encodeTile(l *layer, v *view, t *liveTile, base uint64, f format, head Head) []byte {
	e := &h.entitiesFrame
	e.reset()
	e.Head, e.Base, e.Tile = head, base, t.key.id(GridZoom)
	rows := t.members
	last := base > 0 && base+1 == head.Sequence
	if last { // the common case needs no look at those that stand
		rows = t.recent
		l.nextMark()
	}
	for _, s := range rows {
		x, at := &l.e[s], &v.slots[s]
		if last {
			if at.tile != t || x.mark == l.markNow {
				continue
			}
			x.mark = l.markNow
		}
		if x.changed <= base && at.entered <= base {
			continue
		}
		e.add(l, v, s, x.named > base || at.entered > base, f)
	}
	if base > 0 {
		l.nextMark()
		for i := len(t.left) - 1; i >= 0 && t.left[i].seq > base; i-- {
			d := &t.left[i]
			if l.e[d.slot].mark == l.markNow || v.slots[d.slot].tile == t {
				continue // told already, or came back
			}
			l.e[d.slot].mark = l.markNow
			if other, back := l.bySlot[d.id]; f == formatJSON && back && v.slots[other].tile == t {
				continue // removed, and back in another slot: by its id it never left
			}
			e.Left, e.LeftID = append(e.Left, d.slot), append(e.LeftID, d.id)
		}
	}
	if len(e.Slot) == 0 && len(e.Left) == 0 {
		return nil
	}
	h.metrics.frames.Inc()
	return h.codec(f).AppendEntities(nil, e)
}

// add appends the row of a slot; named adds its id and properties.
func (e *Entities) add(l *layer, v *view, s uint32, named bool, f format) {
	x, id := &l.e[s], ""
	if named {
		id = l.id[s]
		e.Named = append(e.Named, uint32(len(e.Slot)))
		e.Properties = append(e.Properties, v.visible(l.props[s]))
	} else if f == formatJSON {
		id = l.id[s]
	}
	e.ID = append(e.ID, id)
	e.Slot = append(e.Slot, s)
	e.X, e.Y = append(e.X, x.fx), append(e.Y, x.fy)
	e.Lon, e.Lat = append(e.Lon, x.lon), append(e.Lat, x.lat)
	e.Z = append(e.Z, float32(x.z))
	e.Course = append(e.Course, float32(x.course))
	e.Speed = append(e.Speed, float32(x.speed))
	e.Age = append(e.Age, int32(max(math.MinInt32, min(e.Time-x.time, math.MaxInt32))))
	e.State, e.Class, e.Flags = append(e.State, x.state), append(e.Class, x.class), append(e.Flags, x.flags)
}

// reset empties the columns and keeps their memory, but no strings.
func (e *Entities) reset() {
	clear(e.ID)
	clear(e.LeftID)
	clear(e.Properties)
	*e = Entities{
		Slot: e.Slot[:0], X: e.X[:0], Y: e.Y[:0], Z: e.Z[:0], Course: e.Course[:0], Speed: e.Speed[:0], Age: e.Age[:0],
		State: e.State[:0], Class: e.Class[:0], Flags: e.Flags[:0], Lon: e.Lon[:0], Lat: e.Lat[:0], ID: e.ID[:0],
		Named: e.Named[:0], Properties: e.Properties[:0], Left: e.Left[:0], LeftID: e.LeftID[:0],
	}
}

// cellFrames adds the frames that bring the viewer to the aggregate tiles of want.
func (h *Hub) cellFrames(s *sub, head Head, want Window, oldest uint64) {
	l, v, viewer := s.layer, s.view, s.viewer
	zoom := want.Z + CellBits
	a := v.cells[zoom]
	if a == nil {
		a = &aggregate{zoom: zoom, tiles: map[tileKey]*cellTile{}}
		v.cells[zoom] = a
	}
	a.used = head.Sequence
	if a.computed == 0 || head.Sequence-a.computed >= uint64(h.o.TickRate) {
		a.compute(l, v, head.Sequence, oldest)
	}
	a.visit(want, func(t *cellTile) {
		base := uint64(0)
		if x, y := t.key.xy(); s.held.Contains(x, y) {
			if base = s.seq; t.last <= base {
				return
			}
		}
		c := &t.frame[viewer.format]
		if c.seq != head.Sequence || c.base != base {
			*c = cachedFrame{head.Sequence, base, h.encodeCells(h.codec(viewer.format), head, a, t, base)}
		}
		if c.bytes != nil {
			viewer.batch.Frames = append(viewer.batch.Frames, c.bytes)
		}
	})
}

func (h *Hub) codec(f format) Codec {
	if f == formatJSON {
		return jsonCodec{}
	}
	return h.o.Codec
}

// number is that of the newest change.
func (l *changeLog) number() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
