package mqtt

import (
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"
)

// TestATakenOverSessionGoesOn connects again and again while the connection before
// is still there, with a message unacknowledged and a flow of its own open.
func TestATakenOverSessionGoesOn(t *testing.T) {
	b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
	require.NoError(t, err)
	address := running(t, b)
	w, _ := dial(t, address, 4, "desk")
	w.asks(packets.Subscribe, packets.Packet{PacketID: 1, Filters: packets.Subscriptions{{Filter: "twind/trams", Qos: 1}}}, packets.Suback)
	b.Send("twind/trams", []byte("m1"))
	w.messages(1, false)
	w.publishes(1, 2, packets.Pubrec)
	for range 100 {
		var connack packets.Packet
		w, connack = dial(t, address, 4, "desk")
		require.True(t, connack.SessionPresent)
		require.EqualValues(t, 1, w.receive(packets.Pubrec).PacketID)
		w.messages(1, true)
	}
	w.asks(packets.Pubrel, packets.Packet{PacketID: 1}, packets.Pubcomp)
	b.hook.absent.mu.Lock()
	defer b.hook.absent.mu.Unlock()
	require.Empty(t, b.hook.absent.order, "nobody is away")
}
