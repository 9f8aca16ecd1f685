package realtime

import (
	"context"
	"time"

	"twind/layers"
)

// maxMissed is how long a viewer may have been away and still be told only what
// it missed.
const maxMissed = 24 * time.Hour

// missed is what a viewer has to be told of a layer that knew it up to a time:
// every entity that changed since, and those that it may hold and that are gone.
type missed struct {
	since int64 // ms since 1970
	held  map[tileKey][]string
}

// missedSince reads what a viewer may hold, of each layer, that was told
// everything in its window up to a time. A layer is missing where that cannot be
// known for certain: it begins anew.
func (h *Hub) missedSince(ctx context.Context, epoch uint64, since int64, s *Subscription) map[layers.ID]*missed {
	now := h.o.Now().UnixMilli()
	if h.o.Journal == nil || epoch != h.epoch || since > now || now-since > maxMissed.Milliseconds() || s.check() != nil {
		return nil
	}
	if h.o.Journal.Flush(ctx) != nil {
		return nil
	}
	out := map[layers.ID]*missed{}
	for _, id := range s.Layers {
		if l, err := h.layer(id); err == nil {
			if m, err := h.missedOf(ctx, l, since, s); err == nil && m != nil {
				out[id] = m
			}
		}
	}
	return out
}

// missedSliver is how much later than the time of a frame positions may have
// been received that are in it nevertheless, in ms: ticks take their time before
// they lock a layer.
const missedSliver = 1000

func (h *Hub) missedOf(ctx context.Context, l *layer, since int64, s *Subscription) (*missed, error) {
	from := since - l.live.Removed.Milliseconds() + 1
	if !h.o.Journal.Reaches(l.desc.ID, from) {
		return nil, nil
	}
	past, err := h.pastOf(l, s)
	if err != nil {
		return nil, err
	}
	latest := map[string]Believed{}
	var after []Believed // in the frame, perhaps
	err = h.o.Journal.Received(ctx, l.desc.ID, from, since+missedSliver, func(b *Believed) error {
		if b.Received > since {
			after = append(after, *b)
		} else if known, ok := latest[b.ID]; !ok || known.Time <= b.Time {
			latest[b.ID] = *b
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := &missed{since: since, held: map[tileKey][]string{}}
	window := s.BBox.window(GridZoom, 1)
	at := time.UnixMilli(since)
	hold := func(b *Believed, state State) {
		if k, _, _ := locate(b.Lon, b.Lat); window.containsKey(k) && past.Show(b, state) {
			m.held[k] = append(m.held[k], b.ID)
		}
	}
	for _, b := range latest {
		if state, gone := past.State(&b, at); !gone {
			hold(&b, state)
		}
	}
	for i := range after {
		hold(&after[i], StateLive)
	}
	return m, nil
}

// pastOf shows recorded positions as a subscription's view shows present ones.
func (h *Hub) pastOf(l *layer, s *Subscription) (*Past, error) {
	id := l.desc.ID
	p, err := h.Past(id, s.Policy[id])
	if err != nil || s.Filter[id] == "" || h.o.ParseFilter == nil {
		return p, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	tree, err := h.o.ParseFilter(&l.desc, s.Filter[id])
	if err != nil {
		return nil, err
	}
	p.matcher, err = l.matcher(tree, s.Policy[id])
	return p, err
}

// changedAt is when what is told of an entity changed last, in ms since 1970.
func (l *layer) changedAt(slot uint32) int64 {
	switch at := l.received[slot]; l.e[slot].state {
	case StateStale:
		return at + l.states.stale
	case StateOffline:
		return at + l.states.offline
	default:
		return at
	}
}

// missedFrames adds the frames that bring a viewer of the window that knew it up
// to a time to the present. Only the simple format has ids for those that left.
func (h *Hub) missedFrames(s *sub, m *missed, head Head, want Window) {
	l, v, b := s.layer, s.view, &s.viewer.batch
	e := &h.entitiesFrame
	tell := func(k tileKey, members []uint32) {
		e.reset()
		e.Head, e.Base, e.Tile = head, 1, k.id(GridZoom)
		for _, slot := range members {
			if l.changedAt(slot) >= m.since {
				e.add(l, v, slot, true, formatJSON)
			}
		}
		for _, id := range m.held[k] {
			if slot, ok := l.bySlot[id]; ok {
				if t := v.slots[slot].tile; t != nil && want.containsKey(t.key) {
					continue // it is here, or told in another tile
				}
			}
			e.LeftID = append(e.LeftID, id)
		}
		delete(m.held, k)
		if len(e.Slot) > 0 || len(e.LeftID) > 0 {
			b.Frames = append(b.Frames, h.codec(formatJSON).AppendEntities(nil, e))
		}
	}
	v.visit(want, func(t *liveTile) { tell(t.key, t.members) })
	for k := range m.held { // tiles that are empty now
		tell(k, nil)
	}
}
