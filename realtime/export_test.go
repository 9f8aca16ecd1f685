package realtime

import "twind/layers"

// What the tests of package realtime_test reach into: they import package wire,
// which imports this one.

// Tick closes the open sequence and serves the viewers, as Run does at TickRate.
func (h *Hub) Tick() { h.tick() }

// Sequence is that of the last tick.
func (h *Hub) Sequence() uint64 { return h.sequence.Load() }

// Epoch is the hub's.
func (h *Hub) Epoch() uint64 { return h.epoch }

// Ready says that the viewer's connection is free, as Next does.
func (v *Viewer) Ready() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.out) == 0 {
		v.ready = true
	}
}

// Take is the batch that the last tick made, or nil.
func (v *Viewer) Take() *Batch {
	select {
	case b := <-v.out:
		return b
	default:
		return nil
	}
}

// TileMemory counts what a layer's unfiltered view keeps: tiles and departures.
func (h *Hub) TileMemory(id string) (tiles, departures, views int) {
	for _, l := range h.layers {
		if string(l.desc.ID) == id {
			l.mu.RLock()
			defer l.mu.RUnlock()
			for _, t := range l.all.tiles {
				tiles++
				departures += len(t.left)
			}
			return tiles, departures, len(l.views)
		}
	}
	return 0, 0, 0
}

// Internals that have tests of their own.
var (
	DecodeClientMessage = decodeClientMessage
	Haversine           = haversine
)

// WindowOf is the window of a viewport.
func WindowOf(b BBox, z uint8, ring uint32) Window { return b.window(z, ring) }

// SubscriptionOf is what a client's message asks for.
func SubscriptionOf(m *clientMessage) (Subscription, error) { return m.subscription() }

// Viewers counts those that are attached.
func (h *Hub) Viewers() int {
	h.viewerMu.Lock()
	defer h.viewerMu.Unlock()
	return len(h.viewers)
}

// Subscribed counts the viewers whose first subscription has been served.
func (h *Hub) Subscribed() int {
	h.viewerMu.Lock()
	defer h.viewerMu.Unlock()
	n := 0
	for v := range h.viewers {
		v.mu.Lock()
		if v.current != nil {
			n++
		}
		v.mu.Unlock()
	}
	return n
}

// Encoded is how many messages the lane has made of a layer's readings.
func (l *ReadingsLane) Encoded(id layers.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.layers[id]; of != nil {
		return of.encoded
	}
	return 0
}

// Watched counts the layers whose readings somebody watches.
func (l *ReadingsLane) Watched() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.layers)
}

// Acquire, TickAt, Since and Forget are what sessions and ticks do to the lane.
func (l *ReadingsLane) Acquire(id layers.ID) { l.acquire(id) }

// TickAt is a tick; it returns its number.
func (l *ReadingsLane) TickAt(seq uint64) uint64 { l.tick(seq); return seq }

// Since is a message for a reader with all rights.
func (l *ReadingsLane) Since(id layers.ID, base uint64, fresh bool) ([]byte, uint64) {
	return l.since(id, &layers.Policy{}, base, fresh)
}

// Forget drops the messages that are shared.
func (l *ReadingsLane) Forget(id layers.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.layers[id].messages)
}
