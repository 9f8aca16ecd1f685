package mqtt

import (
	"slices"
	"sync"
	"sync/atomic"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Bounds of what is kept for clients that are away.
const (
	// maxWaiting bounds the messages that wait for one client, and those that it
	// has not acknowledged, together.
	maxWaiting = 1024
	// maxAbsent bounds the sessions of clients that are away; that of who left
	// first ends.
	maxAbsent = 1000
	// maxAbsentWaiting bounds the messages that wait for all of them together,
	// about 1 KB each beside the payloads that parcels hold.
	maxAbsentWaiting = 32_768
	// maxAbsence is how long a session is kept, s.
	maxAbsence = 3600
)

// absence is what is known of clients that are away, whose sessions go on: those
// of MQTT 3.1.1 without a clean session, of MQTT 5 with an expiry interval. What
// they have subscribed to with QoS 1 or 2 waits for them. It is safe for
// concurrent use.
type absence struct {
	sessions, messages int // bounds

	some atomic.Int64 // how many are away

	mu      sync.Mutex
	waiting map[*mochi.Client]int // messages that came meanwhile
	order   []*mochi.Client       // as they left
	all     int                   // the sum of waiting
}

func newAbsence() *absence {
	return &absence{sessions: maxAbsent, messages: maxAbsentWaiting, waiting: map[*mochi.Client]int{}}
}

// left notes that a client is away, and returns one whose session has to end.
func (a *absence) left(cl *mochi.Client) (ended *mochi.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting[cl] = 0
	a.order = append(a.order, cl)
	if len(a.order) > a.sessions {
		ended = a.order[0]
		a.drop(ended)
	}
	a.some.Store(int64(len(a.order)))
	return ended
}

// over notes that a client is back, or its session has ended.
func (a *absence) over(cl *mochi.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(cl)
}

// back notes that a client is there, whatever connection of it seems to be away:
// one that it has taken over ends at the same time.
func (a *absence) back(cl *mochi.Client) {
	if a.some.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	same := func(was *mochi.Client) bool { return was.ID == cl.ID }
	for i := slices.IndexFunc(a.order, same); i >= 0; i = slices.IndexFunc(a.order, same) {
		a.drop(a.order[i])
	}
}

// drop forgets a client. Caller holds mu.
func (a *absence) drop(cl *mochi.Client) {
	n, ok := a.waiting[cl]
	if !ok {
		return
	}
	a.all -= n
	delete(a.waiting, cl)
	a.order = slices.DeleteFunc(a.order, func(c *mochi.Client) bool { return c == cl })
	a.some.Store(int64(len(a.order)))
}

// full tells whether no more may wait for a client that is away.
func (a *absence) full(cl *mochi.Client) bool {
	if a.some.Load() == 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, away := a.waiting[cl]
	return away && (a.all >= a.messages || cl.State.Inflight.Len() >= maxWaiting)
}

// kept notes that one more message waits, if the client is away.
func (a *absence) kept(cl *mochi.Client) {
	if a.some.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, away := a.waiting[cl]; away {
		a.waiting[cl] = n + 1
		a.all++
	}
}

// OnDisconnect forgets a client's rights, unless its session goes on.
func (h *hook) OnDisconnect(cl *mochi.Client, _ error, expire bool) {
	h.flows.Delete(cl)
	if expire || cl.IsTakenOver() {
		h.rights.Delete(cl)
		h.ids.Delete(cl)
		return
	}
	if first := h.absent.left(cl); first != nil {
		h.end(first)
		if cl, ok := h.server.Clients.Get(first.ID); ok && cl == first {
			h.server.Clients.Delete(first.ID)
		}
	}
	if cl.IsTakenOver() { // meanwhile
		h.absent.over(cl)
	}
}

// OnClientExpired ends the session of a client that has been away for too long.
func (h *hook) OnClientExpired(cl *mochi.Client) { h.end(cl) }

// end forgets a session; the library does not forget its subscriptions.
func (h *hook) end(cl *mochi.Client) {
	h.absent.over(cl)
	h.rights.Delete(cl)
	h.ids.Delete(cl)
	h.waits.Delete(cl)
	h.flows.Delete(cl)
	h.server.UnsubscribeClient(cl)
	cl.ClearInflights()
}

// OnQosPublish counts what waits for clients that are away.
func (h *hook) OnQosPublish(cl *mochi.Client, pk packets.Packet, _ int64, _ int) {
	if pk.FixedHeader.Type == packets.Publish {
		h.packetIDs(cl).sent(pk.PacketID)
	}
	h.absent.kept(cl)
}

// OnSessionEstablish takes what waits for a client that comes back out of its old
// session: the library would send it in any order, whatever the client may read
// now, and not let it in where a payload is gone.
func (h *hook) OnSessionEstablish(cl *mochi.Client, pk packets.Packet) {
	h.ids.Store(cl, newPacketIDs())
	if n := receiveMaximum(cl); n > 0 {
		h.flows.Store(cl, newFlow(n))
	}
	was, ok := h.server.Clients.Get(cl.ID)
	if !ok {
		return
	}
	h.absent.over(was)
	h.rights.Delete(was)
	ids, ok := h.ids.LoadAndDelete(was)
	if pk.Connect.Clean || was.Properties.Clean && was.Properties.ProtocolVersion < 5 {
		return // another session
	}
	if ok {
		h.ids.Store(cl, ids)
	}
	queued := was.State.Inflight.GetAll(false)
	if v, ok := h.waits.LoadAndDelete(was); ok { // it was gone before it could be sent them
		queued = append(queued, v.([]packets.Packet)...)
	}
	var waits []packets.Packet
	for _, pk := range queued {
		if pk.FixedHeader.Type != packets.Publish {
			continue
		}
		h.unqueue(was, pk.PacketID)
		if _, ok := h.parcels.payload(pk.Payload); ok && h.OnACLCheck(cl, pk.TopicName, false) {
			waits = append(waits, pk)
		} else {
			h.in.dropped.Inc()
		}
	}
	inTurn(waits)
	last := uint16(0)
	if len(waits) > 0 {
		last = waits[len(waits)-1].PacketID
		h.waits.Store(cl, waits)
		countOn(cl, last)
	}
	h.packetIDs(cl).sent(last)
}

// countOn makes the ids of a new client's messages follow one of its old session:
// those that wait keep theirs. It takes 0.1 to 0.2 µs for
// each id, about 10 ms at most (BenchmarkCountOn).
func countOn(cl *mochi.Client, last uint16) {
	for id := uint32(0); id != uint32(last); {
		var err error
		if id, err = cl.NextPacketID(); err != nil {
			return // all are in use, which they cannot be
		}
	}
}

// OnSessionEstablished sends what has waited. A client that takes only so many
// messages at a time gets the rest, and what comes meanwhile, as it acknowledges.
func (h *hook) OnSessionEstablished(cl *mochi.Client, _ packets.Packet) {
	h.absent.back(cl)
	cl.State.Inflight.ResetSendQuota(0) // see flow
	var waits []packets.Packet
	if v, ok := h.waits.LoadAndDelete(cl); ok {
		waits = v.([]packets.Packet)
	}
	for i := range waits {
		if cl.State.Inflight.Set(waits[i]) {
			atomic.AddInt64(&h.server.Info.Inflight, 1)
		}
		waits[i].FixedHeader.Dup = true
	}
	send := func(pk packets.Packet) { _ = cl.WritePacket(pk) } // what fails waits on
	if f := h.flow(cl); f != nil {
		f.drain(waits, send)
		return
	}
	for _, pk := range waits {
		send(pk)
	}
}

// unqueue takes a message out of what a client has to acknowledge.
func (h *hook) unqueue(cl *mochi.Client, id uint16) bool {
	if !cl.State.Inflight.Delete(id) {
		return false
	}
	atomic.AddInt64(&h.server.Info.Inflight, -1)
	return true
}
