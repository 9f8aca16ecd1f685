package realtime

import (
	"context"
	"hash/maphash"
	"time"

	"twind/layers"
)

// Believed is a position that a hub took: what the source said after the rules
// for times, and when the server heard it.
type Believed struct {
	ID         string
	Time       int64   // ms since 1970, the source's clock after its correction (Flags)
	Received   int64   // ms since 1970, the server's clock
	Lon, Lat   float64 // degrees
	Z          float64 // metres; NaN absent
	Course     float64 // degrees clockwise from north; NaN absent
	Speed      float64 // m/s; NaN absent
	Flags      Flag
	Properties []byte // all that is known of the entity, a JSON object or nil; never changed
}

// Journal keeps what a hub believes, for restarts, questions about the past and
// replays; *history.Log is one. It is safe for concurrent use.
type Journal interface {
	// Positions takes rows of a layer, in the order in which they were believed.
	// It does not wait for the disk and keeps neither rows nor properties. It
	// fails with layers.ErrUnavailable when it has no room: then it took none.
	Positions(layer layers.ID, rows []Believed) error
	// Observations does the same with readings.
	Observations(rows []Observation) error
	// Ready fails with layers.ErrUnavailable while the disk does not take what it
	// should, so that nothing is begun that cannot be confirmed.
	Ready() error
	// Flush waits until everything that was handed over before the call is on
	// disk, and fails with layers.ErrUnavailable when it is not.
	Flush(ctx context.Context) error
	Recording
}

// Recording is what was recorded of the live layers.
type Recording interface {
	// Received calls yield for each position of a layer that the server received
	// in from ≤ t < to (ms since 1970), in no promised order. The row is lent
	// until yield returns; its properties may be kept. An error of yield ends it
	// and is returned.
	Received(ctx context.Context, layer layers.ID, from, to int64, yield func(*Believed) error) error
	// Latest calls yield for each entity of a layer, with the position that is the
	// latest by the source's time of those that the server received in from ≤ t < to.
	Latest(ctx context.Context, layer layers.ID, from, to int64, yield func(*Believed) error) error
	// Reaches tells whether everything that the server received of a layer since a
	// time (ms since 1970), or since this process began to record, can be read.
	Reaches(layer layers.ID, since int64) bool
	// ReceivedObservations does the same with readings.
	ReceivedObservations(ctx context.Context, from, to int64, yield func(*Observation) error) error
}

// restore fills a new layer with what the journal knows of entities that are
// not silent for so long that they have left. Caller holds no lock of it.
func (h *Hub) restore(l *layer) error {
	if h.o.Journal == nil {
		return nil
	}
	now := h.o.Now()
	from := now.Add(-l.live.Removed).UnixMilli() + 1
	n := 0
	err := h.o.Journal.Latest(context.Background(), l.desc.ID, from, now.Add(time.Second).UnixMilli(), func(b *Believed) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.believe(b) {
			n++
		}
		return nil
	})
	l.mu.Lock()
	l.age(now.UnixMilli())
	l.mu.Unlock()
	if n > 0 {
		h.o.Log.Info("live layer restored from history", "layer", l.desc.ID, "entities", l.alive)
	}
	return err
}

// believe takes a position that was believed before, unless it is older than
// what is known. Caller holds mu.
func (l *layer) believe(b *Believed) bool {
	slot, known := l.bySlot[b.ID]
	if known && b.Time < l.e[slot].time {
		return false
	}
	var props *properties
	if b.Properties != nil {
		hash := maphash.Bytes(l.seed, b.Properties)
		if !known || l.e[slot].propHash != hash {
			props, _ = l.readProperties(b.Properties, hash) // a schema that changed since may refuse it
		}
	}
	if !known {
		if l.alive >= l.limit {
			return false
		}
		if slot, known = l.add(b.ID); !known {
			return false
		}
	}
	if props != nil {
		l.setProperties(slot, props)
	}
	l.setState(slot, StateLive)
	e := &l.e[slot]
	e.lon, e.lat, e.z, e.course, e.speed = b.Lon, b.Lat, b.Z, b.Course, b.Speed
	e.key, e.fx, e.fy = locate(b.Lon, b.Lat)
	e.time, e.flags, e.changed = b.Time, b.Flags, l.open
	l.received[slot] = b.Received
	l.place(slot)
	return true
}

// believed is the state of a slot as a row of the journal. Caller holds mu.
func (l *layer) believed(slot uint32) Believed {
	e := &l.e[slot]
	return Believed{
		ID: l.id[slot], Time: e.time, Received: l.received[slot], Lon: e.lon, Lat: e.lat, Z: e.z,
		Course: e.course, Speed: e.speed, Flags: e.flags, Properties: l.props[slot],
	}
}
