package mqtt

import (
	"cmp"
	"slices"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// later marks a message that a client has no room for yet, in its Expiry, as the
// library does.
const later = -1

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

// OnPacketProcessed sends, when a client has acknowledged something, what it has
// room for now. The library would do that, but forget the message at once and
// then not count its acknowledgement, so that there is less room each time.
func (h *hook) OnPacketProcessed(cl *mochi.Client, pk packets.Packet, _ error) {
	if begins(pk) {
		h.packetIDs(cl).done(pk.PacketID, cl.State.Inflight)
		return
	}
	most := receiveMaximum(cl)
	if t := pk.FixedHeader.Type; most == 0 || t != packets.Puback && t != packets.Pubcomp && t != packets.Pubrec {
		return
	}
	all := slices.DeleteFunc(cl.State.Inflight.GetAll(false), answers)
	wait := slices.DeleteFunc(slices.Clone(all), func(pk packets.Packet) bool { return pk.Expiry != later })
	inTurn(wait)
	for i := range wait[:min(len(wait), max(0, most-(len(all)-len(wait))))] {
		wait[i].Expiry = 0
		cl.State.Inflight.Set(wait[i])
		cl.State.Inflight.DecreaseSendQuota()
		if cl.WritePacket(wait[i]) != nil && cl.Closed() {
			return // it waits on
		}
	}
}
