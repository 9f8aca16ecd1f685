package mqtt

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"twind/layers"
)

// gone waits until the broker knows that a client is away.
func gone(t *testing.T, b *Broker, id string) *mochi.Client {
	t.Helper()
	cl, ok := b.server.Clients.Get(id)
	require.True(t, ok)
	require.Eventually(t, func() bool {
		b.hook.absent.mu.Lock()
		defer b.hook.absent.mu.Unlock()
		_, away := b.hook.absent.waiting[cl]
		return away
	}, 20*time.Second, time.Millisecond)
	return cl
}

// hangUp ends a connection and waits until the broker knows.
func hangUp(t *testing.T, b *Broker, c net.Conn, id string) *mochi.Client {
	t.Helper()
	require.NoError(t, c.Close())
	return gone(t, b, id)
}

func acknowledge(t *testing.T, c net.Conn, id uint16) {
	t.Helper()
	_, err := c.Write([]byte{0x40, 2, byte(id >> 8), byte(id)})
	require.NoError(t, err)
}

// numbered is the n-th message; some are long enough to be kept once for all.
func numbered(n int) string { return fmt.Sprintf("%06d", n) + strings.Repeat("x", n%3*200) }

// TestWhatComesWhileAClientIsAwayWaitsForIt has one with QoS 1, which gets all of
// it in order, once, and one with QoS 0, for which nothing waits.
func TestWhatComesWhileAClientIsAwayWaitsForIt(t *testing.T) {
	b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
	require.NoError(t, err)
	address := running(t, b)
	for round := range 2 { // the session goes on from one absence to the next
		desk := rawSubscriber(t, address, "desk", true, 1)
		loose := rawSubscriber(t, address, "loose", true, 0)
		b.Send("twind/vehicles/a", []byte("here"))
		id, payload := readPublish(t, bufio.NewReader(desk))
		require.Equal(t, "here", payload)
		acknowledge(t, desk, id)
		cl, ok := b.server.Clients.Get("desk")
		require.True(t, ok)
		require.Eventually(t, func() bool { return cl.State.Inflight.Len() == 0 }, 20*time.Second, time.Millisecond)
		hangUp(t, b, desk, "desk")
		hangUp(t, b, loose, "loose")
		for i := range 300 {
			b.Send("twind/vehicles/a", []byte(numbered(i)))
		}
		desk = rawSubscriber(t, address, "desk", true, 1)
		r := bufio.NewReader(desk)
		for i := range 300 {
			id, payload := readPublish(t, r)
			require.Equal(t, numbered(i), payload, "round %d", round)
			acknowledge(t, desk, id)
		}
		loose = rawSubscriber(t, address, "loose", true, 0)
		b.Send("twind/vehicles/a", []byte("back"))
		_, payload = readPublish(t, bufio.NewReader(loose))
		require.Equal(t, "back", payload)
		id, payload = readPublish(t, r)
		require.Equal(t, "back", payload)
		acknowledge(t, desk, id)
		cl, ok = b.server.Clients.Get("desk")
		require.True(t, ok)
		require.Eventually(t, func() bool { return cl.State.Inflight.Len() == 0 }, 20*time.Second, time.Millisecond)
		hangUp(t, b, desk, "desk")
		hangUp(t, b, loose, "loose")
	}
	require.Zero(t, testutil.ToFloat64(b.hook.in.dropped))
	require.Zero(t, atomic.LoadInt64(&b.server.Info.Inflight))
}

func TestWhatWaitsForAbsentClientsIsBounded(t *testing.T) {
	b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
	require.NoError(t, err)
	b.hook.absent.messages, b.hook.absent.sessions = 1500, 2
	address := running(t, b)
	for _, id := range []string{"a", "b"} {
		hangUp(t, b, rawSubscriber(t, address, id, true, 1), id)
		for i := range 1100 {
			b.Send("twind/vehicles", fmt.Appendf(nil, "%s %d", id, i))
		}
	}
	// a has 1,024 of 1,100; b what is left of 1,500; and a is as full as before.
	require.Equal(t, 1500, b.hook.absent.all)
	require.InDelta(t, 1100-1024+1100+1100-(1500-1024), testutil.ToFloat64(b.hook.in.dropped), 0)
	back := rawSubscriber(t, address, "a", true, 1)
	r := bufio.NewReader(back)
	for i := range maxWaiting {
		_, payload := readPublish(t, r)
		require.Equal(t, fmt.Sprintf("a %d", i), payload, "the first ones wait")
	}
	// A third absent client ends the session of who left first.
	hangUp(t, b, back, "a")
	hangUp(t, b, rawSubscriber(t, address, "c", true, 1), "c")
	require.Eventually(t, func() bool { _, ok := b.server.Clients.Get("b"); return !ok }, 20*time.Second, time.Millisecond)
	require.Len(t, b.server.Topics.Subscribers("twind/vehicles").Subscriptions, 2, "its subscription is gone too")
	require.Len(t, b.hook.absent.order, 2)
	// A session that is too old ends wholly.
	for _, id := range []string{"a", "c"} {
		cl, ok := b.server.Clients.Get(id)
		require.True(t, ok)
		b.hook.OnClientExpired(cl)
	}
	require.False(t, b.Hears("twind/vehicles"))
	require.Zero(t, b.hook.absent.all)
	_, ok := b.hook.rights.Load("a")
	require.False(t, ok)
}

// TestWhatWaitsIsForWhoMayReadIt: another user comes with the name of a client.
func TestWhatWaitsIsForWhoMayReadIt(t *testing.T) {
	var trusted atomic.Bool
	trusted.Store(true)
	b, err := NewBroker(BrokerOptions{Sink: newHub(t), Authorize: func(string, string) (Rights, bool) {
		all := trusted.Load()
		return Rights{Reads: func(id layers.ID) bool { return all || id == "trams" }}, true
	}})
	require.NoError(t, err)
	address := running(t, b)
	c := rawSubscriber(t, address, "desk", true, 1)
	for _, topic := range []string{"twind/vehicles", "twind/trams"} {
		_, err = c.Write([]byte("\x82" + string(rune(len(topic)+5)) + "\x00\x02" + field(topic) + "\x01"))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return b.Hears(topic) }, 20*time.Second, time.Millisecond)
	}
	hangUp(t, b, c, "desk")
	b.Send("twind/vehicles", []byte("secret"))
	b.Send("twind/trams", []byte("public"))
	trusted.Store(false)
	_, payload := readPublish(t, bufio.NewReader(rawSubscriber(t, address, "desk", true, 1)))
	require.Equal(t, "public", payload)
	require.InDelta(t, 1, testutil.ToFloat64(b.hook.in.dropped), 0)
}

// TestMQTT5ClientsGetAsManyAsTheyTake has a client with a Receive Maximum of 5, to
// which more come while it is away and while it is there.
func TestMQTT5ClientsGetAsManyAsTheyTake(t *testing.T) {
	b, err := NewBroker(BrokerOptions{Sink: newHub(t)})
	require.NoError(t, err)
	address := running(t, b)
	u, err := url.Parse(address)
	require.NoError(t, err)
	got := make(chan string, 64)
	connect := func() (*autopaho.ConnectionManager, func()) {
		ctx, cancel := context.WithCancel(context.Background())
		m, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
			ServerUrls: []*url.URL{u}, KeepAlive: 30, SessionExpiryInterval: 600, CleanStartOnInitialConnection: false,
			ConnectPacketBuilder: func(c *paho.Connect, _ *url.URL) (*paho.Connect, error) {
				five := uint16(5)
				c.Properties.ReceiveMaximum = &five
				return c, nil
			},
			ClientConfig: paho.ClientConfig{ClientID: "desk", OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				got <- string(p.Packet.Payload)
				return true, nil
			}}},
		})
		require.NoError(t, err)
		wait, stop := context.WithTimeout(ctx, 20*time.Second)
		defer stop()
		require.NoError(t, m.AwaitConnection(wait))
		return m, func() { cancel(); <-m.Done() }
	}
	m, leave := connect()
	_, err = m.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "twind/vehicles", QoS: 1}}})
	require.NoError(t, err)
	leave()
	gone(t, b, "desk")
	var want []string
	for i := range 40 {
		want = append(want, numbered(i))
		b.Send("twind/vehicles", []byte(numbered(i)))
	}
	_, leave = connect()
	defer leave()
	var all []string
	for range want {
		all = append(all, next(t, got))
	}
	require.Equal(t, want, all)
	for range 5 {
		for i := range 200 {
			b.Send("twind/vehicles", []byte(numbered(i)))
		}
		for range 200 {
			next(t, got)
		}
	}
	require.Zero(t, testutil.ToFloat64(b.hook.in.dropped))
}
