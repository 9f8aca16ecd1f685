package mqtt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"
)

// wire is a connection that chooses its packet ids itself.
type wire struct {
	t       *testing.T
	c       net.Conn
	r       *bufio.Reader
	version byte
}

// dial connects a client whose session is kept.
func dial(t *testing.T, address string, version byte, id string) (w *wire, connack packets.Packet) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "mqtt://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	w = &wire{t, c, bufio.NewReader(c), version}
	connect := packets.Packet{Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: id, Keepalive: 60}}
	if version == 5 {
		connect.Properties = packets.Properties{SessionExpiryInterval: 600, SessionExpiryIntervalFlag: true}
	}
	w.send(packets.Connect, connect)
	return w, w.receive(packets.Connack)
}

func (w *wire) send(kind byte, pk packets.Packet) {
	w.t.Helper()
	pk.FixedHeader.Type, pk.ProtocolVersion = kind, w.version
	encode := map[byte]func(*bytes.Buffer) error{
		packets.Connect: pk.ConnectEncode, packets.Publish: pk.PublishEncode, packets.Puback: pk.PubackEncode, packets.Pubrel: pk.PubrelEncode,
		packets.Subscribe: pk.SubscribeEncode, packets.Unsubscribe: pk.UnsubscribeEncode,
	}[kind]
	if kind == packets.Pubrel || kind == packets.Subscribe || kind == packets.Unsubscribe {
		pk.FixedHeader.Qos = 1
	}
	var b bytes.Buffer
	require.NoError(w.t, encode(&b))
	_, err := w.c.Write(b.Bytes())
	require.NoError(w.t, err)
}

// receive reads a packet, which must be of a kind.
func (w *wire) receive(kind byte) packets.Packet {
	w.t.Helper()
	head, err := w.r.ReadByte()
	require.NoError(w.t, err)
	n, err := binary.ReadUvarint(w.r)
	require.NoError(w.t, err)
	body := make([]byte, n)
	_, err = io.ReadFull(w.r, body)
	require.NoError(w.t, err)
	pk := packets.Packet{ProtocolVersion: w.version}
	require.NoError(w.t, pk.FixedHeader.Decode(head))
	pk.FixedHeader.Remaining = int(n)
	require.Equal(w.t, packets.PacketNames[kind], packets.PacketNames[pk.FixedHeader.Type])
	require.NoError(w.t, map[byte]func([]byte) error{
		packets.Connack: pk.ConnackDecode, packets.Publish: pk.PublishDecode, packets.Puback: pk.PubackDecode, packets.Pubrec: pk.PubrecDecode,
		packets.Pubcomp: pk.PubcompDecode, packets.Suback: pk.SubackDecode, packets.Unsuback: pk.UnsubackDecode,
	}[kind](body))
	return pk
}

// messages reads as many, which must have the ids and payloads 1, 2, 3 …
func (w *wire) messages(n int, dup bool) {
	w.t.Helper()
	for i := 1; i <= n; i++ {
		pk := w.receive(packets.Publish)
		require.EqualValues(w.t, i, pk.PacketID)
		require.Equal(w.t, fmt.Sprint("m", i), string(pk.Payload))
		require.Equal(w.t, dup, pk.FixedHeader.Dup)
	}
}

// asks sends a packet and reads what answers it, which must have the same id.
func (w *wire) asks(kind byte, pk packets.Packet, answer byte) packets.Packet {
	w.t.Helper()
	w.send(kind, pk)
	got := w.receive(answer)
	require.Equal(w.t, pk.PacketID, got.PacketID)
	return got
}

func (w *wire) publishes(id uint16, qos byte, answer byte) {
	w.t.Helper()
	got := w.asks(packets.Publish, packets.Packet{
		FixedHeader: packets.FixedHeader{Qos: qos}, PacketID: id, TopicName: "twind/vehicles/me", Payload: []byte(position("me", float64(id))),
	}, answer)
	require.Zero(w.t, got.ReasonCode)
}

// TestPacketIDsOfTheTwoDirectionsAreApart has a client with three messages that it
// has not acknowledged, and which uses the same ids for everything of its own.
func TestPacketIDsOfTheTwoDirectionsAreApart(t *testing.T) {
	for _, version := range []byte{4, 5} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
			require.NoError(t, err)
			address := running(t, b)
			subscribe := packets.Packet{PacketID: 1, Filters: packets.Subscriptions{{Filter: "twind/trams/#", Qos: 1}}}
			w, _ := dial(t, address, version, "desk")
			w.asks(packets.Subscribe, subscribe, packets.Suback)
			for i := range 3 {
				b.Send("twind/trams/a", fmt.Append(nil, "m", i+1))
			}
			w.messages(3, false)
			hangUp(t, b, w.c, "desk")

			w, connack := dial(t, address, version, "desk")
			require.True(t, connack.SessionPresent)
			w.messages(3, true)
			require.Equal(t, []byte{1}, w.asks(packets.Subscribe, subscribe, packets.Suback).ReasonCodes)
			more := packets.Packet{PacketID: 2, Filters: packets.Subscriptions{{Filter: "twind/buses", Qos: 1}}}
			require.Equal(t, []byte{1}, w.asks(packets.Subscribe, more, packets.Suback).ReasonCodes)
			require.True(t, b.Hears("twind/buses"))
			w.asks(packets.Unsubscribe, more, packets.Unsuback)
			require.False(t, b.Hears("twind/buses"))
			w.publishes(1, 1, packets.Puback)
			w.publishes(2, 2, packets.Pubrec)
			w.asks(packets.Pubrel, packets.Packet{PacketID: 2}, packets.Pubcomp)
			w.asks(packets.Pubrel, packets.Packet{PacketID: 1}, packets.Pubcomp) // it began none
			w.publishes(3, 2, packets.Pubrec)
			hangUp(t, b, w.c, "desk")

			// What it has not acknowledged comes again; what it began goes on.
			w, _ = dial(t, address, version, "desk")
			require.EqualValues(t, 3, w.receive(packets.Pubrec).PacketID)
			w.messages(3, true)
			w.asks(packets.Pubrel, packets.Packet{PacketID: 3}, packets.Pubcomp)
			for id := range uint16(3) {
				w.send(packets.Puback, packets.Packet{PacketID: id + 1})
			}
			cl, ok := b.server.Clients.Get("desk")
			require.True(t, ok)
			require.Eventually(t, func() bool { return cl.State.Inflight.Len() == 0 }, 20*time.Second, time.Millisecond)
			b.Send("twind/trams/a", []byte("m4"))
			require.EqualValues(t, 4, w.receive(packets.Publish).PacketID, "it counts on")
			require.Empty(t, b.hook.packetIDs(cl).theirs)
			require.Empty(t, b.hook.packetIDs(cl).inside)
			b.hook.OnClientExpired(hangUp(t, b, w.c, "desk"))
			require.Nil(t, b.hook.packetIDs(cl))
		})
	}
}

// TestPacketIDsStayAwayFromTheServers lets both sides go several times through
// all ids, with flows of QoS 2 that stay open.
func TestPacketIDsStayAwayFromTheServers(t *testing.T) {
	p, table, random := newPacketIDs(), mochi.NewInflights(), rand.New(rand.NewPCG(1, 2))
	open := map[uint16]uint16{} // the client's id → the library's
	for i := range 400_000 {
		server := uint16(i)
		if pk, taken := table.Get(server); server != 0 && !taken {
			p.sent(server)
		} else {
			require.True(t, server == 0 || answers(pk))
		}
		id := uint16(1 + random.IntN(1<<16-1))
		if inner, ok := open[id]; ok { // PUBREL
			require.Equal(t, inner, p.in(id, table))
			table.Delete(inner)
			p.done(inner, table)
			delete(open, id)
			continue
		}
		inner := p.in(id, table)
		require.NotZero(t, inner)
		require.GreaterOrEqual(t, inner-p.last, uint16(1<<14))
		require.Equal(t, id, p.out(inner))
		if _, taken := table.Get(inner); taken {
			require.Fail(t, "an id is used twice")
		}
		if len(open) < maxWaiting {
			table.Set(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrec}, PacketID: inner})
			open[id] = inner
		}
		p.done(inner, table)
	}
	require.Len(t, p.inside, len(open))
	require.Len(t, p.theirs, len(open))
	require.Equal(t, uint16(7), (*packetIDs)(nil).in(7, table))
	require.Zero(t, p.in(0, table), "which the library refuses")
}

// TestASessionToBeKeptNeedsAClientID checks the answer of MQTT 3.1.1, 3.1.3.1.
func TestASessionToBeKeptNeedsAClientID(t *testing.T) {
	address := broker(t, BrokerOptions{Sink: newHub(t)})
	w, connack := dial(t, address, 4, "")
	require.EqualValues(t, 2, connack.ReasonCode)
	_, err := w.r.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	_, connack = dial(t, address, 5, "") // is given one
	require.Zero(t, connack.ReasonCode)
	require.NotEmpty(t, connack.Properties.AssignedClientID)
}

// BenchmarkPacketIDs is what translating costs a message of QoS 1 that a client
// publishes, compared with what the library does to that message in memory.
func BenchmarkPacketIDs(b *testing.B) {
	b.ReportAllocs()
	p, table := newPacketIDs(), mochi.NewInflights()
	for i := range b.N {
		id := uint16(i) | 1
		inner := p.in(id, table)
		_ = p.out(inner)
		p.done(inner, table)
	}
	own := b.Elapsed()
	var buffer bytes.Buffer
	start := time.Now()
	for range b.N {
		pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: 1}
		table.Set(pk)
		buffer.Reset()
		_ = pk.PubackEncode(&buffer)
		table.Delete(1)
	}
	b.ReportMetric(float64(own)/float64(time.Since(start)), "of-the-acknowledgement")
}

// BenchmarkCountOn is the longest that coming back to a session takes, when the
// latest of the messages that wait has the highest id.
func BenchmarkCountOn(b *testing.B) {
	b.ReportAllocs()
	s := mochi.New(&mochi.Options{Capabilities: mochi.NewDefaultServerCapabilities(), Logger: slog.New(slog.DiscardHandler)})
	defer s.Close()
	for range b.N {
		countOn(s.NewClient(nil, "", "", false), 1<<16-1)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms")
}
