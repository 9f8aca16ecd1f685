package mqtt

import (
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"
)

// The library's own quotas are off: with them it would send, and forget, what stands
// in the table of messages under way as late, and lock that table for reading twice in
// one go; a publisher between waits for ever, and so does everybody after it.
func TestTheLibraryHoldsNothingBack(t *testing.T) {
	b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
	require.NoError(t, err)
	many := uint16(2000)
	got := listenerWith(t, running(t, b), 1, func(c *paho.Connect) { c.Properties = &paho.ConnectProperties{ReceiveMaximum: &many} }, "twind/vehicles")
	cl, ok := b.server.Clients.Get("listener of twind/vehicles")
	require.True(t, ok)
	cl.State.Inflight.Set(packets.Packet{PacketID: 60_000, FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, TopicName: "twind/vehicles", Payload: []byte("late"), Expiry: -1})
	for i := range 20 {
		b.Send("twind/vehicles", []byte(numbered(i)))
		require.Equal(t, "1 twind/vehicles "+numbered(i), next(t, got))
	}
	require.Eventually(t, func() bool { return cl.State.Inflight.Len() == 1 }, 20*time.Second, time.Millisecond, "all but that are acknowledged")
	_, ok = cl.State.Inflight.Get(60_000)
	require.True(t, ok)
}

// A flow holds back in turn what there is no room for, whoever sends meanwhile.
func TestFlow(t *testing.T) {
	f := newFlow(2)
	var sent []uint16
	send := func(pk packets.Packet) {
		require.True(t, f.pass(pk), "it is under way")
		sent = append(sent, pk.PacketID)
	}
	of := func(ids ...uint16) (list []packets.Packet) {
		for _, id := range ids {
			list = append(list, packets.Packet{PacketID: id})
		}
		return list
	}
	require.False(t, f.pass(of(4)[0]), "what has waited goes before it")
	f.drain(of(1, 2, 3), send)
	require.Equal(t, []uint16{1, 2}, sent)
	require.False(t, f.pass(of(5)[0]))
	f.done(9)
	f.drain(nil, send)
	require.Equal(t, []uint16{1, 2}, sent, "no room")
	f.done(2)
	f.drain(nil, func(pk packets.Packet) {
		send(pk)
		require.False(t, f.pass(of(6)[0]), "while another is sent")
	})
	require.Equal(t, []uint16{1, 2, 3}, sent)
	f.done(1)
	f.done(3)
	f.drain(nil, send)
	require.Equal(t, []uint16{1, 2, 3, 4, 5}, sent)
	f.done(4)
	f.done(5)
	f.drain(nil, send)
	require.Equal(t, []uint16{1, 2, 3, 4, 5, 6}, sent)
	require.True(t, f.pass(of(7)[0]), "there is room")
	require.Nil(t, f.held)
}
