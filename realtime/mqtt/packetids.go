package mqtt

import (
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// packetIDs keep apart the packet ids of the two directions, which MQTT numbers
// independently. The library has one table of unacknowledged packets a client,
// for both: a SUBSCRIBE with the id of a message under way to the client would be
// refused, and a PUBLISH with such an id would make that message forgotten. So
// what a client begins is known to the library by another id, half the range away
// from those that the server gives; in the answer stands the client's own again.
//
// They belong to a session. A nil *packetIDs translates nothing. They are safe
// for concurrent use.
type packetIDs struct {
	mu     sync.Mutex
	last   uint16            // the server's
	cursor uint16            // the latest that was chosen
	inside map[uint16]uint16 // the client's id → the library's
	theirs map[uint16]uint16 // and back
}

func newPacketIDs() *packetIDs {
	return &packetIDs{inside: map[uint16]uint16{}, theirs: map[uint16]uint16{}}
}

// sent notes an id that the server gave.
func (p *packetIDs) sent(id uint16) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = id
}

// in is the library's id of what a client begins, or goes on with.
func (p *packetIDs) in(id uint16, table *mochi.Inflight) uint16 {
	if p == nil || id == 0 {
		return id // 0 is refused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if inner, ok := p.inside[id]; ok {
		if pk, taken := table.Get(inner); !taken || answers(pk) {
			return inner
		}
		p.drop(id, inner)
	}
	inner := p.free(table)
	p.inside[id], p.theirs[inner] = inner, id
	return inner
}

// free finds an id that the server will not come to soon. Caller holds mu.
func (p *packetIDs) free(table *mochi.Inflight) uint16 {
	const half = 1 << 15
	p.cursor++
	if ahead := p.cursor - p.last; ahead < half/2 || ahead >= half+half/2 {
		p.cursor = p.last + half
	}
	for ; ; p.cursor++ { // at most 2×maxWaiting are in use
		_, mapped := p.theirs[p.cursor]
		if _, taken := table.Get(p.cursor); p.cursor != 0 && !mapped && !taken {
			return p.cursor
		}
	}
}

// out is the client's id of what the library answers.
func (p *packetIDs) out(inner uint16) uint16 {
	if p == nil {
		return inner
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.theirs[inner]; ok {
		return id
	}
	return inner
}

// done forgets an id, unless an answer to it is still kept in the table.
func (p *packetIDs) done(inner uint16, table *mochi.Inflight) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if pk, kept := table.Get(inner); kept && answers(pk) {
		return
	}
	if id, ok := p.theirs[inner]; ok {
		p.drop(id, inner)
	}
}

// drop forgets a pair. Caller holds mu.
func (p *packetIDs) drop(id, inner uint16) {
	delete(p.inside, id)
	delete(p.theirs, inner)
}

// begins tells whether a client's packet has an id of the client's own, rather
// than that of a message from the server.
func begins(pk packets.Packet) bool {
	switch pk.FixedHeader.Type {
	case packets.Publish:
		return pk.FixedHeader.Qos > 0
	case packets.Pubrel, packets.Subscribe, packets.Unsubscribe:
		return true
	}
	return false
}

// answers tells whether a packet of the server has an id of the client's.
func answers(pk packets.Packet) bool {
	switch pk.FixedHeader.Type {
	case packets.Puback, packets.Pubrec, packets.Pubcomp, packets.Suback, packets.Unsuback:
		return true
	}
	return false
}

// packetIDs are those of a client's session; nil before there is one.
func (h *hook) packetIDs(cl *mochi.Client) *packetIDs {
	if v, ok := h.ids.Load(cl); ok {
		return v.(*packetIDs)
	}
	return nil
}

// OnPacketRead puts the library's packet id in the place of the client's.
func (h *hook) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if begins(pk) {
		pk.PacketID = h.packetIDs(cl).in(pk.PacketID, cl.State.Inflight)
	}
	return pk, nil
}

// answer is an answer as the client is to get it.
func (h *hook) answer(cl *mochi.Client, pk packets.Packet) packets.Packet {
	p := &cl.Properties
	switch {
	case answers(pk):
		pk.PacketID = h.packetIDs(cl).out(pk.PacketID)
	case pk.FixedHeader.Type == packets.Connack && pk.ReasonCode == packets.ErrUnspecifiedError.Code &&
		p.ProtocolVersion < 5 && !p.Clean && p.Props.AssignedClientID != "":
		pk.ReasonCode = packets.Err3ClientIdentifierNotValid.Code // a session to be kept, of nobody
	}
	return pk
}
