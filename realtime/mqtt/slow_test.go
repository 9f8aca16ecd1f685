package mqtt

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func field(s string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(s)))) + s
}

// rawSubscriber is a connection of MQTT 3.1.1 that has subscribed to twind/#.
func rawSubscriber(t testing.TB, address, id string, keep bool, qos byte) net.Conn {
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "mqtt://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	flags := byte(2)
	if keep {
		flags = 0
	}
	connect := field("MQTT") + string([]byte{4, flags, 0, 60}) + field(id)
	_, err = io.WriteString(c, string([]byte{0x10, byte(len(connect))})+connect)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	ack := make([]byte, 4)
	_, err = io.ReadFull(c, ack)
	require.NoError(t, err)
	require.Equal(t, []byte{0x20, 2}, ack[:2])
	require.Zero(t, ack[3])
	if ack[2] == 1 { // its session goes on
		return c
	}
	subscribe := "\x00\x01" + field("twind/#") + string([]byte{qos})
	_, err = io.WriteString(c, string([]byte{0x82, byte(len(subscribe))})+subscribe)
	require.NoError(t, err)
	_, err = io.ReadFull(c, append(ack, 0)[:5])
	require.NoError(t, err)
	return c
}

// readPublish reads one PUBLISH and returns its packet id, if it has one, and payload.
func readPublish(t testing.TB, r *bufio.Reader) (id uint16, payload string) {
	head, err := r.ReadByte()
	require.NoError(t, err)
	require.EqualValues(t, 3, head>>4)
	n, err := binary.ReadUvarint(r)
	require.NoError(t, err)
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	require.NoError(t, err)
	b = b[2+binary.BigEndian.Uint16(b):]
	if head&6 != 0 {
		id, b = binary.BigEndian.Uint16(b), b[2:]
	}
	return id, string(b)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestSubscribersThatDoNotReadHoldLittleAndAreDisconnected has eight of them: as
// one that reads misses nothing, the others hold no more together than maxParcels.
func TestSubscribersThatDoNotReadHoldLittleAndAreDisconnected(t *testing.T) {
	reg := prometheus.NewRegistry()
	log := newLines()
	b, err := NewBroker(BrokerOptions{Sink: newHub(t), Registerer: reg, Patience: 3 * time.Second, Log: log.logger()})
	require.NoError(t, err)
	address := running(t, b)
	before := heap()
	var dead []net.Conn
	for i := range 8 {
		dead = append(dead, rawSubscriber(t, address, fmt.Sprint("dead", i), false, 0))
	}
	alive := bufio.NewReader(rawSubscriber(t, address, "alive", false, 0))
	const n = 900
	for i := range n {
		sent := fmt.Sprintf("%06d", i) + strings.Repeat("x", 60_000)
		b.Send("twind/vehicles", []byte(sent))
		_, got := readPublish(t, alive)
		require.Equal(t, sent[:6], got[:6])
		require.Len(t, got, len(sent))
	}
	require.Less(t, heap()-before, int64(maxParcels+24<<20), "without a limit it is 8×54 MB")
	require.Eventually(t, func() bool { return atomic.LoadInt64(&b.server.Info.ClientsConnected) == 1 }, 20*time.Second, 10*time.Millisecond)
	require.Len(t, dead, 8)
	require.Contains(t, log.String(), "an MQTT client is disconnected")
	require.Contains(t, log.String(), "it has not read")
	b.Send("twind/vehicles", []byte("the last"))
	_, got := readPublish(t, alive)
	require.Equal(t, "the last", got)
}

// TestWhatWasNotAcknowledgedAndIsGoneKeepsNoClientOut acknowledges nothing and
// comes back to a session whose oldest messages are gone.
func TestWhatWasNotAcknowledgedAndIsGoneKeepsNoClientOut(t *testing.T) {
	b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
	require.NoError(t, err)
	b.hook.parcels.limit = 10_000
	address := running(t, b)
	c := rawSubscriber(t, address, "desk", true, 1)
	first := bufio.NewReader(c)
	for i := range 20 {
		b.Send("twind/vehicles", []byte(fmt.Sprintf("%06d", i)+strings.Repeat("x", 1000)))
		id, payload := readPublish(t, first)
		require.NotZero(t, id)
		require.Equal(t, fmt.Sprintf("%06d", i), payload[:6])
	}
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { cl, ok := b.server.Clients.Get("desk"); return ok && cl.Closed() }, 30*time.Second, time.Millisecond)
	r := bufio.NewReader(rawSubscriber(t, address, "desk", true, 1))
	var got []string
	for range 9 {
		_, payload := readPublish(t, r)
		require.Len(t, payload, 1006)
		got = append(got, payload[:6])
	}
	require.ElementsMatch(t, []string{"000011", "000012", "000013", "000014", "000015", "000016", "000017", "000018", "000019"}, got)
	require.InDelta(t, 11, testutil.ToFloat64(b.hook.in.dropped), 0, "the others are counted")
}
