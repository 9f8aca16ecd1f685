//go:build proof

package load

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"
)

// BenchmarkIngest sends batches of 1,000 positions of 100,000 vehicles to a
// server that records them, each acknowledged when it is on disk: positions per
// CPU second of the server, all that it does included.
func BenchmarkIngest(b *testing.B) {
	const rounds = 5 // of all vehicles
	b.Run("http", func(b *testing.B) {
		for b.Loop() {
			s := startServer(b)
			client := &http.Client{}
			ingest(b, s, rounds, func(body []byte) { require.NoError(b, post(b.Context(), client, s.addr, body)) })
			client.CloseIdleConnections()
		}
	})
	b.Run("mqtt", func(b *testing.B) {
		for b.Loop() {
			s := startServer(b)
			client := connect(b, s.mqtt)
			ingest(b, s, rounds, func(body []byte) {
				r, err := client.Publish(b.Context(), &paho.Publish{Topic: "twind/vehicles", QoS: 1, Payload: body})
				require.NoError(b, err)
				require.Zero(b, r.ReasonCode)
			})
			require.NoError(b, client.Disconnect(&paho.Disconnect{}))
		}
	})
}

// ingest sends every vehicle a few times and reports what that cost the server.
func ingest(b *testing.B, s *server, rounds int, send func(body []byte)) {
	rng := rand.New(rand.NewPCG(1, 1))
	f := newFleet(entities, rng)
	all := func() {
		for from := 0; from < entities; from += batch {
			f.drive(from, from+batch, rng)
			send(f.appendLines(nil, from, from+batch, time.Now().UTC()))
		}
	}
	all() // everybody is new only once
	cpu, start := cpuOf(b, s.pid), time.Now()
	for range rounds {
		all()
	}
	wall, used := time.Since(start).Seconds(), (cpuOf(b, s.pid) - cpu).Seconds()
	b.ReportMetric(float64(rounds*entities)/used, "positions/CPU-s")
	b.ReportMetric(float64(rounds*entities)/wall, "positions/s")
	b.ReportMetric(loadAverage(b), "load")
	b.ReportMetric(0, "ns/op")
}

// connect is an MQTT 5 client of the server.
func connect(b *testing.B, addr string) *paho.Client {
	conn, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	client := paho.NewClient(paho.ClientConfig{Conn: conn, PacketTimeout: 30 * time.Second})
	ack, err := client.Connect(context.WithoutCancel(b.Context()), &paho.Connect{ClientID: "load", KeepAlive: 60, CleanStart: true})
	require.NoError(b, err)
	require.Zero(b, ack.ReasonCode)
	return client
}
