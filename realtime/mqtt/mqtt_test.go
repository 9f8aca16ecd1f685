package mqtt

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

func newHub(t testing.TB) *realtime.Hub {
	hub := realtime.New(realtime.Options{})
	require.NoError(t, hub.AddLayer(layers.Layer{ID: "vehicles", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{}}))
	return hub
}

// broker runs a broker until the test ends and returns its address.
func broker(t testing.TB, o BrokerOptions) string {
	b, err := NewBroker(o)
	require.NoError(t, err)
	return running(t, b)
}

// running serves a broker until the test ends and returns its address.
func running(t testing.TB, b *Broker) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { require.NoError(t, b.Serve(ctx, ln)) })
	t.Cleanup(func() { cancel(); wait.Wait() })
	return "mqtt://" + ln.Addr().String()
}

// client is an MQTT 5 client, connected.
func client(t testing.TB, address, id, user, password string) *autopaho.ConnectionManager {
	u, err := url.Parse(address)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	m, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, KeepAlive: 30, ConnectUsername: user, ConnectPassword: []byte(password),
		ConnectTimeout: 5 * time.Second, ClientConfig: paho.ClientConfig{ClientID: id},
	})
	require.NoError(t, err)
	t.Cleanup(func() { cancel(); <-m.Done() })
	wait, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	require.NoError(t, m.AwaitConnection(wait))
	return m
}

func publish(t testing.TB, m *autopaho.ConnectionManager, topic, payload string) (code byte, reason string) {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	r, err := m.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(payload), Retain: true})
	require.NotNil(t, r, "%v", err)
	if r.Properties != nil {
		reason = r.Properties.ReasonString
	}
	return r.ReasonCode, reason
}

func position(id string, lon float64) string {
	return fmt.Sprintf(`{"layer":"vehicles","id":%q,"time":%q,"lon":%v,"lat":31,"properties":{"plate":"沪A1"}}`, id, time.Now().UTC().Format(time.RFC3339Nano), lon)
}

func TestPositionsByMQTT5AreAcknowledgedOnceTheyAreTaken(t *testing.T) {
	hub := newHub(t)
	reg := prometheus.NewRegistry()
	m := client(t, broker(t, BrokerOptions{Sink: hub, Registerer: reg}), "a", "", "")

	code, _ := publish(t, m, "twind/vehicles/bus-1", position("bus-1", 121))
	require.Zero(t, code)
	e, err := hub.Find("vehicles", "bus-1")
	require.NoError(t, err)
	require.InDelta(t, 121, e.Lon, 1e-9)
	require.JSONEq(t, `{"plate":"沪A1"}`, string(e.Properties))

	// Without the layer, several at a time, as an array and as lines.
	bare := func(id string) string { return strings.Replace(position(id, 122), `"layer":"vehicles",`, "", 1) }
	code, _ = publish(t, m, "twind/vehicles", "["+bare("a")+","+bare("b")+"]")
	require.Zero(t, code)
	code, _ = publish(t, m, "twind/vehicles", bare("c")+"\n"+bare("d")+"\n")
	require.Zero(t, code)
	for _, id := range []string{"a", "b", "c", "d"} {
		_, err := hub.Find("vehicles", id)
		require.NoError(t, err, id)
	}

	again := position("bus-2", 121)
	for range 2 { // QoS 1 may deliver twice
		code, _ = publish(t, m, "twind/vehicles/bus-2", again)
		require.Zero(t, code)
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	hub := newHub(t)
	reg := prometheus.NewRegistry()
	m := client(t, broker(t, BrokerOptions{Sink: hub, Registerer: reg}), "a", "", "")
	for name, c := range map[string]struct{ topic, payload, says string }{
		"another entity":  {"twind/vehicles/bus-1", position("bus-2", 121), "the topic says vehicles/bus-1, the position vehicles/bus-2"},
		"another layer":   {"twind/trams/bus-1", position("bus-1", 121), "the topic says trams/bus-1"},
		"no such layer":   {"twind/trams/x", strings.Replace(position("x", 1), "vehicles", "trams", 1), "trams"},
		"not JSON":        {"twind/vehicles/x", "hello", ""},
		"nowhere":         {"twind/vehicles/x", strings.Replace(position("x", 1), `"lat":31`, `"lat":131`, 1), "lat"},
		"a foreign topic": {"home/kitchen/light", "on", "twind/{layer}"},
		"a bad layer id":  {"twind/Véhicules/x", "{}", "layer id"},
		"the future":      {"twind/vehicles/x", strings.Replace(position("x", 1), time.Now().UTC().Format("2006"), "2999", 1), "ahead"},
	} {
		t.Run(name, func(t *testing.T) {
			code, reason := publish(t, m, c.topic, c.payload)
			require.EqualValues(t, 0x99, code, "payload format invalid")
			require.NotEmpty(t, reason)
			require.Contains(t, reason, c.says)
		})
	}
	count, err := hub.Count("vehicles")
	require.NoError(t, err)
	require.Zero(t, count.Total())
	in, err := newIngest(hub, nil, reg)
	require.NoError(t, err)
	require.Greater(t, testutil.ToFloat64(in.messages.WithLabelValues("refused")), 4.0)
}

func TestSubscribersGetWhatWasTakenAndNothingIsRetained(t *testing.T) {
	hub := newHub(t)
	address := broker(t, BrokerOptions{Sink: hub})
	sender := client(t, address, "sender", "", "")
	publish(t, sender, "twind/vehicles/old", position("old", 121))
	publish(t, sender, "twind/vehicles/old", "nonsense") // answered after the first has been passed on

	got := listener(t, address, 1, "twind/#")
	publish(t, sender, "twind/vehicles/bad", "nonsense")
	publish(t, sender, "twind/vehicles/new", position("new", 121))
	require.Contains(t, next(t, got), "1 twind/vehicles/new ", "neither the retained nor the refused one")
}

func TestRightsOfClients(t *testing.T) {
	hub := newHub(t)
	address := broker(t, BrokerOptions{Sink: hub, Authorize: func(_, password string) (Rights, bool) {
		switch password {
		case "gis":
			return Rights{Write: true}, true
		case "guest":
			return Rights{Reads: func(id layers.ID) bool { return id == "trams" }}, true
		}
		return Rights{}, false
	}})
	writer := client(t, address, "w", "u", "gis")
	code, _ := publish(t, writer, "twind/vehicles/a", position("a", 121))
	require.Zero(t, code)

	guest := client(t, address, "g", "u", "guest")
	code, _ = publish(t, guest, "twind/vehicles/b", position("b", 121))
	require.EqualValues(t, 0x87, code, "not authorised")
	_, err := hub.Find("vehicles", "b")
	require.ErrorIs(t, err, layers.ErrNotFound)
	for filter, right := range map[string]bool{"twind/trams/#": true, "twind/trams/+": true, "twind/vehicles/#": false, "twind/#": false, "twind/+/a": false, "#": false, "$SYS/#": false} {
		ack, err := guest.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter}}})
		require.Equal(t, right, err == nil && ack.Reasons[0] < 0x80, filter)
	}

	u, err := url.Parse(address)
	require.NoError(t, err)
	refused := make(chan struct{}, 8)
	ctx, cancel := context.WithCancel(t.Context())
	stranger, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, ConnectUsername: "u", ConnectPassword: []byte("wrong"),
		OnConnectError: func(error) { refused <- struct{}{} }, ClientConfig: paho.ClientConfig{ClientID: "s"},
	})
	require.NoError(t, err)
	<-refused
	cancel()
	<-stranger.Done()
}

func TestFollowTakesPositionsOfAnOutsideBroker(t *testing.T) {
	outside := newHub(t) // stands behind the outside broker, which is another process's
	address := broker(t, BrokerOptions{Sink: outside})
	hub := newHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Follow(ctx, ClientOptions{Sink: hub, URL: address, QoS: 1}) }()
	m := client(t, address, "sender", "", "")
	require.Eventually(t, func() bool {
		publish(t, m, "twind/vehicles/bus-1", position("bus-1", 121))
		_, err := hub.Find("vehicles", "bus-1")
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

func TestOptionsThatCannotBe(t *testing.T) {
	_, err := NewBroker(BrokerOptions{})
	require.ErrorIs(t, err, layers.ErrInvalid)
	for _, u := range []string{"", "host:1883", "http://host", "mqtt://", "mqtt://[::1"} {
		require.ErrorIs(t, Follow(t.Context(), ClientOptions{Sink: newHub(t), URL: u}), layers.ErrInvalid, u)
	}
}

func FuzzMessage(f *testing.F) {
	hub := newHub(f)
	in, err := newIngest(hub, nil, nil)
	require.NoError(f, err)
	f.Add("twind/vehicles/a", []byte(position("a", 1)))
	f.Add("twind/vehicles", []byte("["+position("a", 1)+"]"))
	f.Add("twind/vehicles", []byte(position("a", 1)+"\n"+position("b", 1)))
	f.Add("twind//", []byte("{"))
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		layer, id, err := topic(name)
		if err == nil {
			err = in.take(t.Context(), layer, id, payload, false)
		}
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}

// BenchmarkMessages applies messages of 500 positions; the ratio is to reading
// the same JSON with encoding/json.
func BenchmarkMessages(b *testing.B) {
	hub := newHub(b)
	in, err := newIngest(hub, nil, nil)
	require.NoError(b, err)
	const n = 500
	message := func(i int) []byte {
		var s strings.Builder
		at := time.Now().Add(time.Duration(i) * time.Millisecond).UTC().Format(time.RFC3339Nano)
		s.WriteByte('[')
		for k := range n {
			if k > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, `{"id":"v%d","time":%q,"lon":%v,"lat":31.1,"course":90,"speed":8.5}`, k, at, 121+float64(k)*1e-4)
		}
		s.WriteByte(']')
		return []byte(s.String())
	}
	messages := make([][]byte, 64)
	for i := range messages {
		messages[i] = message(i)
	}
	start := time.Now()
	for _, m := range messages {
		var v []map[string]any
		require.NoError(b, json.Unmarshal(m, &v))
	}
	plain := time.Since(start).Seconds() / float64(len(messages))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		_ = in.take(b.Context(), "vehicles", "", messages[i%len(messages)], false)
		i++
	}
	per := b.Elapsed().Seconds() / float64(i)
	b.ReportMetric(n/per, "positions/s")
	b.ReportMetric(plain/per, "×encoding/json")
}
