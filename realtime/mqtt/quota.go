package mqtt

import (
	"cmp"
	"slices"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// inTurn sorts messages of one client in the order in which they came: ids are
// given one after the other, and no more than maxWaiting are in use.
func inTurn(list []packets.Packet) {
	slices.SortFunc(list, func(a, b packets.Packet) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(int16(a.PacketID-b.PacketID), 0))
	})
}

// receiveMaximum is how many messages an MQTT 5 client takes before it has
// acknowledged the first; 0: as many as there are.
func receiveMaximum(cl *mochi.Client) int {
	if n := int(cl.Properties.Props.ReceiveMaximum); cl.Properties.ProtocolVersion == 5 && n < maxWaiting {
		return n
	}
	return 0
}

// flow holds back what a client has no room for: more than so many messages of QoS
// 1 and 2 that it has not acknowledged. The library has quotas of its own, which are
// switched off (OnSessionEstablished): it forgets a message that it sends late, so
// that its acknowledgement makes no room; and it locks the table of these messages
// for reading twice in one go, which never ends when somebody publishes meanwhile.
//
// A flow belongs to a connection. It is safe for concurrent use.
type flow struct {
	most int

	mu       sync.Mutex
	underway map[uint16]bool  // sent and not acknowledged, by packet id
	held     []packets.Packet // what there is no room for, in turn
	draining bool             // somebody sends what is held: all else has to wait behind it
}

// newFlow is that of a client which takes so many at a time. Until drain was called
// once, everything is held.
func newFlow(most int) *flow {
	return &flow{most: most, underway: map[uint16]bool{}, draining: true}
}

// pass tells whether a message can be sent now; else it is held.
func (f *flow) pass(pk packets.Packet) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.underway[pk.PacketID] { // drain sends it
		return true
	}
	if f.draining || len(f.held) > 0 || len(f.underway) >= f.most {
		f.held = append(f.held, pk)
		return false
	}
	f.underway[pk.PacketID] = true
	return true
}

// done notes that a message is acknowledged, or will not be sent.
func (f *flow) done(id uint16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.underway, id)
}

// drain sends, in turn, what there is room for. first goes before all that is held.
// It is called by one goroutine at a time: who attaches the client, then who reads
// its acknowledgements.
func (f *flow) drain(first []packets.Packet, send func(packets.Packet)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(first, f.held...)
	f.draining = true
	for len(f.held) > 0 && len(f.underway) < f.most {
		pk := f.held[0]
		f.held = f.held[1:]
		f.underway[pk.PacketID] = true
		f.mu.Unlock()
		send(pk)
		f.mu.Lock()
	}
	f.draining = false
	if len(f.held) == 0 {
		f.held = nil
	}
}

// flow is that of a client's connection; nil where it takes as many as there are.
func (h *hook) flow(cl *mochi.Client) *flow {
	if v, ok := h.flows.Load(cl); ok {
		return v.(*flow)
	}
	return nil
}

// OnPacketProcessed sends, when a client has acknowledged something, what it has
// room for now.
func (h *hook) OnPacketProcessed(cl *mochi.Client, pk packets.Packet, _ error) {
	if begins(pk) {
		h.packetIDs(cl).done(pk.PacketID, cl.State.Inflight)
		return
	}
	refused := pk.FixedHeader.Type == packets.Pubrec && pk.ReasonCode >= packets.ErrUnspecifiedError.Code
	if t := pk.FixedHeader.Type; t != packets.Puback && t != packets.Pubcomp && !refused {
		return
	}
	if f := h.flow(cl); f != nil {
		f.done(pk.PacketID)
		f.drain(nil, func(pk packets.Packet) { _ = cl.WritePacket(pk) }) // what fails waits on for the session
	}
}
