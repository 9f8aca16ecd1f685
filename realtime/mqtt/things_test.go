package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/sensorthings"
)

const pumpThing = `{"name":"pump","description":"p","Locations":[{"name":"l","description":"l","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[113.5,34.8]}}],
"Datastreams":[{"name":"level","description":"d","observationType":"m","unitOfMeasurement":{"name":"metre","symbol":"m","definition":"m"},
"Sensor":{"name":"s","description":"s","encodingType":"text/plain","metadata":"m"},"ObservedProperty":{"name":"p","definition":"d","description":"p"}}]}`

// thingsBroker is a broker with SensorThings that has one Thing with one Datastream.
func thingsBroker(t testing.TB, o BrokerOptions) (b *Broker, topics *sensorthings.Topics, observed *realtime.Observatory) {
	store, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	observed, err = realtime.NewObservatory(realtime.ObservatoryOptions{})
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	topics = sensorthings.NewTopics(store, sensorthings.TopicOptions{Base: "http://city/sensorthings/v1.1", Observe: sensorthings.Observe(observed, log), Log: log})
	require.NoError(t, store.Create("Things", []byte(pumpThing)))
	o.Sink, o.Things = newHub(t), topics
	b, err = NewBroker(o)
	require.NoError(t, err)
	topics.Connect(b)
	return b, topics, observed
}

// listener is an MQTT 5 client that hears topics; messages come as "topic payload".
func listener(t testing.TB, address string, qos byte, topics ...string) <-chan string {
	return listenerWith(t, address, qos, func(*paho.Connect) {}, topics...)
}

// listenerWith is a listener that connects as told.
func listenerWith(t testing.TB, address string, qos byte, told func(*paho.Connect), topics ...string) <-chan string {
	got := make(chan string, 64)
	u, err := url.Parse(address)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	up := make(chan error, 1)
	var subscriptions []paho.SubscribeOptions
	for _, topic := range topics {
		subscriptions = append(subscriptions, paho.SubscribeOptions{Topic: topic, QoS: qos})
	}
	m, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, KeepAlive: 30,
		ConnectPacketBuilder: func(c *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			told(c)
			return c, nil
		},
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) {
			_, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: subscriptions})
			select {
			case up <- err:
			default: // connected again
			}
		},
		ClientConfig: paho.ClientConfig{ClientID: "listener of " + topics[0], OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			got <- fmt.Sprintf("%d %s %s", p.Packet.QoS, p.Packet.Topic, p.Packet.Payload)
			return true, nil
		}}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { cancel(); <-m.Done() })
	require.NoError(t, <-up)
	return got
}

func next(t testing.TB, got <-chan string) string {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(20 * time.Second):
		require.Fail(t, "nothing came")
		return ""
	}
}

func TestObservationsByMQTT5(t *testing.T) {
	b, _, observed := thingsBroker(t, BrokerOptions{})
	address := running(t, b)
	got := listener(t, address, 1, "v1.1/Datastreams(1)/Observations?$select=result")
	m := client(t, address, "sender", "", "")
	code, _ := publish(t, m, "v1.1/Datastreams(1)/Observations", `{"result":1.25}`)
	require.Zero(t, code)
	require.Equal(t, `1 v1.1/Datastreams(1)/Observations?$select=result {"result":1.25}`, next(t, got))
	reading, ok := observed.Latest("1")
	require.True(t, ok, "it is a reading too")
	require.InDelta(t, 1.25, reading.Number, 0)

	code, reason := publish(t, m, "v1.1/Datastreams(1)/Observations", `{"result":1.25`)
	require.EqualValues(t, 0x99, code)
	require.Contains(t, reason, "no JSON")
	code, reason = publish(t, m, "v1.1/Datastreams(2)/Observations", `{"result":1.25}`)
	require.EqualValues(t, 0x99, code)
	require.Contains(t, reason, "Datastreams(2) does not exist")
	code, reason = publish(t, m, "v1.1/Things", pumpThing)
	require.EqualValues(t, 0x99, code)
	require.Contains(t, reason, "only Observations can be made by MQTT")

	whole := listener(t, address, 0, "v1.1/Observations")
	publish(t, m, "v1.1/Observations", `{"result":"on","Datastream":{"@iot.id":1}}`)
	message := next(t, whole)
	require.Contains(t, message, `0 v1.1/Observations {"@iot.id":2,"@iot.selfLink":"http://city/sensorthings/v1.1/Observations(2)"`)
	require.Contains(t, message, `"result":"on"`)
}

func TestSubscriptionsToThingsThatCannotBe(t *testing.T) {
	b, _, _ := thingsBroker(t, BrokerOptions{})
	address := running(t, b)
	m := client(t, address, "a", "", "")
	for filter, right := range map[string]bool{
		"v1.1/Things(1)": true, "v1.1/Things(1)/name": true, "v1.1/Observations": true, "v1.1/#": false, "v1.1/+": false, "v1.1/Cats": false,
		"v1.1/Things(1)?$expand=Datastreams": false, "$share/g/v1.1/Things": false, "v1.0/Things": false,
	} {
		ack, err := m.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter}}})
		require.Equal(t, right, err == nil && ack.Reasons[0] < 0x80, filter)
	}
	without := client(t, broker(t, BrokerOptions{Sink: newHub(t)}), "a", "", "")
	_, err := without.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "v1.1/Things"}}})
	require.Error(t, err, "without SensorThings")
	code, _ := publish(t, without, "v1.1/Observations", "{}")
	require.EqualValues(t, 0x99, code)
}

func TestOnlyWritersMakeObservations(t *testing.T) {
	b, topics, observed := thingsBroker(t, BrokerOptions{Authorize: func(_, password string) (Rights, bool) {
		return Rights{Write: password == "gis", Reads: func(layers.ID) bool { return false }}, true
	}})
	address := running(t, b)
	guest := client(t, address, "g", "u", "")
	code, _ := publish(t, guest, "v1.1/Datastreams(1)/Observations", `{"result":1}`)
	require.EqualValues(t, 0x87, code)
	_, known := observed.Latest("1")
	require.False(t, known)
	_, err := guest.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "v1.1/Things(1)"}}})
	require.NoError(t, err, "as by HTTP, everybody reads")
	require.True(t, topics.Watched("v1.1/Things(1)"))
	code, _ = publish(t, client(t, address, "w", "u", "gis"), "v1.1/Datastreams(1)/Observations", `{"result":1}`)
	require.Zero(t, code)
}

// A subscriber that reads nothing costs no more than what may wait for it, and
// the others go on.
func TestASlowSubscriberLosesMessagesAlone(t *testing.T) {
	reg := prometheus.NewRegistry()
	b, topics, _ := thingsBroker(t, BrokerOptions{Registerer: reg})
	address := running(t, b)
	slow, err := net.Dial("tcp", strings.TrimPrefix(address, "mqtt://"))
	require.NoError(t, err)
	defer slow.Close()
	require.NoError(t, slow.(*net.TCPConn).SetReadBuffer(4096))
	const topic = "v1.1/Observations"
	_, err = slow.Write(append([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04slow"), append([]byte{0x82, byte(2 + 2 + len(topic) + 1), 0, 1, 0, byte(len(topic))}, topic+"\x00"...)...))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return topics.Watched(topic) }, 20*time.Second, 5*time.Millisecond)
	in, err := newIngest(newHub(t), nil, reg)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return b.Hears(topic) }, 20*time.Second, 5*time.Millisecond)
	payload := make([]byte, 60<<10)
	for i := 0; testutil.ToFloat64(in.dropped) == 0; i++ {
		require.Less(t, i, 4000, "what waits is bounded")
		b.Send(topic, payload)
	}
	got := listener(t, address, 1, "v1.1/Datastreams(1)/Observations?$select=result")
	require.NoError(t, topics.Create(t.Context(), "v1.1/Datastreams(1)/Observations", []byte(`{"result":1}`)))
	require.Contains(t, next(t, got), `{"result":1}`)
}

func TestComplaintsAreFew(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_000_000, 0)
	c := complaints{log: slog.New(slog.NewTextHandler(&out, nil)), now: func() time.Time { return now }}
	for range 1000 {
		c.about("an MQTT message is refused", "topic", "v1.1/"+strings.Repeat("x", 1000), "a\nb", io.ErrUnexpectedEOF)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, complaintsAtOnce)
	require.Less(t, len(lines[0]), 400)
	now = now.Add(2 * complaintEvery)
	out.Reset()
	c.about("an MQTT message is refused", "topic", "t", "a", io.ErrUnexpectedEOF)
	require.Contains(t, out.String(), "others=995")
}

func TestReadingsByTopic(t *testing.T) {
	observed, err := realtime.NewObservatory(realtime.ObservatoryOptions{})
	require.NoError(t, err)
	address := broker(t, BrokerOptions{Sink: newHub(t), Readings: observed})
	got := listener(t, address, 1, "twind/_observations/#")
	m := client(t, address, "a", "", "")
	at := time.Now().UTC().Format(time.RFC3339Nano)
	one := func(property string, v float64) string {
		return fmt.Sprintf(`{"layer":"manholes","id":"M-7","property":%q,"time":%q,"result":%v}`, property, at, v)
	}
	code, _ := publish(t, m, "twind/_observations/manholes/M-7/level", one("level", 1.5))
	require.Zero(t, code)
	require.Equal(t, "1 twind/_observations/manholes/M-7/level "+one("level", 1.5), next(t, got))
	for range 2 { // QoS 1 may deliver twice
		code, _ = publish(t, m, "twind/_observations", "["+one("tilt", 2)+","+one("gas", 3)+"]")
		require.Zero(t, code)
	}
	code, _ = publish(t, m, "twind/_observations", one("a", 4)+"\n{\"result\":1}\n"+one("b", 5)+"\n")
	require.Zero(t, code, "some were taken")
	for property, want := range map[string]float64{"level": 1.5, "tilt": 2, "gas": 3, "a": 4, "b": 5} {
		r, ok := observed.Of(realtime.Binding{Layer: "manholes", Feature: "M-7", Property: property})
		require.True(t, ok, property)
		require.InDelta(t, want, r.Number, 0)
	}
	for payload, want := range map[string]string{"on": "", `{"result":1}`: "datastream is missing", "[" + one("a", 1): "ends"} {
		code, reason := publish(t, m, "twind/_observations", payload)
		require.EqualValues(t, 0x99, code, payload)
		require.Contains(t, reason, want)
	}
	code, reason := publish(t, client(t, broker(t, BrokerOptions{Sink: newHub(t)}), "a", "", ""), "twind/_observations", one("level", 1))
	require.EqualValues(t, 0x99, code)
	require.Contains(t, reason, "takes no observations")
}
