package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"

	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/mqtt"
	"twind/realtime/replay"
	"twind/realtime/sensorthings"
	"twind/spatial"
)

// reading is one observation of a second after the start.
func reading(feature string, second float64, result string) string {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(second * float64(time.Second)))
	return fmt.Sprintf(`{"layer":"manholes","id":%q,"property":"level","phenomenonTime":%q,"result":%s,"resultTime":%q,"parameters":{"lon":1}}`+"\n",
		feature, at.Format(time.RFC3339Nano), result, at.Add(2*time.Second).Format(time.RFC3339Nano))
}

// brokered is a hub and an observatory behind a broker of MQTT.
func brokered(t *testing.T, authorize func(user, password string) (mqtt.Rights, bool)) (*realtime.Hub, *realtime.Observatory, *sensorthings.Store, string) {
	hub := realtime.New(realtime.Options{})
	require.NoError(t, hub.AddLayer(layers.Layer{ID: "vehicles", CRS: 4326, GeometryType: spatial.Point, MaxZoom: 14, Live: &layers.Live{}}))
	observed, err := realtime.NewObservatory(realtime.ObservatoryOptions{})
	require.NoError(t, err)
	store, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	topics := sensorthings.NewTopics(store, sensorthings.TopicOptions{Base: "http://x"})
	b, err := mqtt.NewBroker(mqtt.BrokerOptions{Sink: hub, Readings: observed, Things: topics, Authorize: authorize})
	require.NoError(t, err)
	topics.Connect(b)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { require.NoError(t, b.Serve(ctx, ln)) })
	t.Cleanup(func() { cancel(); wait.Wait(); require.NoError(t, store.Close()) })
	return hub, observed, store, ln.Addr().String()
}

func level(feature string) realtime.Binding {
	return realtime.Binding{Layer: "manholes", Feature: feature, Property: "level"}
}

func TestRunByMQTT(t *testing.T) {
	hub, observed, _, addr := brokered(t, nil)
	file := write(t, "both.ndjson", line("a", 6, 1.3)+line("a", 0, 1.1)+line("a+b", 5, 7)+reading("M-1", 3, "1.5")+reading("M-1", 1, "1")+reading("M-2", 2, `"open"`))
	start := time.Now()
	st, err := replay.Run(t.Context(), replay.Options{Files: []string{file}, To: "mqtt://" + addr, Speed: 10})
	require.NoError(t, err)
	require.Equal(t, replay.Stats{Read: 6, Sent: 6, Accepted: 6, Loops: 1}, st)
	require.GreaterOrEqual(t, time.Since(start), 600*time.Millisecond, "6 s at ten times the speed")
	a, err := hub.Find("vehicles", "a")
	require.NoError(t, err)
	require.InDelta(t, 1.3, a.Lon, 0)
	require.WithinDuration(t, start.Add(600*time.Millisecond), a.Time, 200*time.Millisecond, "as if it happened now")
	_, err = hub.Find("vehicles", "a+b")
	require.NoError(t, err, "an id that no topic can hold")
	r, ok := observed.Of(level("M-1"))
	require.True(t, ok)
	require.InDelta(t, 1.5, r.Number, 0)
	require.WithinDuration(t, start.Add(300*time.Millisecond), time.UnixMilli(r.Time), 200*time.Millisecond)
	require.Equal(t, r.Time+2000, r.ResultTime)
	require.JSONEq(t, `{"lon":1}`, r.Parameters)
	r, ok = observed.Of(level("M-2"))
	require.True(t, ok)
	require.Equal(t, "open", r.Text)
}

func TestRunByMQTTCountsRefusals(t *testing.T) {
	_, _, _, addr := brokered(t, func(_, password string) (mqtt.Rights, bool) { return mqtt.Rights{Write: true}, password == "secret" })
	file := write(t, "a.ndjson", line("a", 0, 1)+line("b", 0, 1000))
	st, err := replay.Run(t.Context(), replay.Options{Files: []string{file}, To: "mqtt://" + addr, Token: "secret"})
	require.NoError(t, err)
	require.Equal(t, 1, st.Accepted)
	require.Equal(t, 1, st.Refused)
	require.Contains(t, st.Reason, "b: ")
	require.Contains(t, st.Reason, "longitude 1000")
	st, err = replay.Run(t.Context(), replay.Options{Files: []string{write(t, "b", line("b", 0, 1000))}, To: "mqtt://me:secret@" + addr + "/twind/"})
	require.ErrorContains(t, err, "refused everything: b: ")
	require.NotContains(t, err.Error(), "secret")
	require.Equal(t, 1, st.Refused)
	_, err = replay.Run(t.Context(), replay.Options{Files: []string{file}, To: "mqtt://" + addr, Token: "wrong", Patience: 500 * time.Millisecond})
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "does not let us in")
}

func TestRunToSensorThings(t *testing.T) {
	_, _, store, addr := brokered(t, nil)
	require.NoError(t, store.Create("Things", []byte(`{"name":"pump","description":"p","Locations":[{"name":"l","description":"l","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[113.5,34.8]}}],
"Datastreams":[{"name":"level","description":"d","observationType":"m","unitOfMeasurement":{"name":"metre","symbol":"m","definition":"m"},
"Sensor":{"name":"s","description":"s","encodingType":"text/plain","metadata":"m"},"ObservedProperty":{"name":"p","definition":"d","description":"p"}}]}`)))
	file := write(t, "a.csv", "datastream,time,result\n1,2020-01-01T00:00:00Z,1.5\n1,2020-01-01T00:00:01Z,on\n")
	st, err := replay.Run(t.Context(), replay.Options{Files: []string{file}, To: "mqtt://" + addr + "/v1.1", Speed: 10})
	require.NoError(t, err)
	require.Equal(t, 2, st.Accepted)
	require.ErrorContains(t, store.Create("Datastreams(1)/Observations(2)", []byte(`{}`)), "POST needs a collection", "it is there")
	for text, want := range map[string]string{line("a", 0, 1): "does not take", reading("M-1", 0, "1"): "must be the number of one"} {
		_, err = replay.Run(t.Context(), replay.Options{Files: []string{write(t, "x", text)}, To: "mqtt://" + addr + "/v1.1"})
		require.ErrorContains(t, err, want)
	}
}

func TestRunPostsObservations(t *testing.T) {
	observed, err := realtime.NewObservatory(realtime.ObservatoryOptions{})
	require.NoError(t, err)
	hub, address := server(t, func(h http.Handler) http.Handler {
		observations := realtime.ObservationsHandler(observed, realtime.PositionsOptions{})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/live/observations" {
				observations.ServeHTTP(w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	file := write(t, "both.ndjson", line("a", 0, 1.1)+reading("M-1", 1, "true")+line("a", 1, 1.2))
	for _, to := range []string{address, address + "/live/positions", address + "/live/observations", address + "/live/"} {
		st, err := replay.Run(t.Context(), replay.Options{Files: []string{file}, To: to, Speed: 1000, Client: client(t)})
		require.NoError(t, err, to)
		require.Equal(t, 3, st.Accepted, "%s: %+v", to, st)
		time.Sleep(2 * time.Millisecond) // the next round is newer
	}
	_, err = hub.Find("vehicles", "a")
	require.NoError(t, err)
	r, ok := observed.Of(level("M-1"))
	require.True(t, ok)
	require.Equal(t, realtime.ResultTruth, r.Type)
}

func TestReadObservations(t *testing.T) {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	bound := realtime.Observation{Layer: "manholes", Feature: "M-7", Property: "level", Time: at, Number: 1.5, ResultTime: at + 1000, Parameters: `{"raw":1}`}
	free := realtime.Observation{Datastream: "pump 3", Time: at, Type: realtime.ResultText, Text: "on"}
	for _, text := range []string{
		`[{"layer":"manholes","id":"M-7","property":"level","time":"2020-01-01T00:00:00Z","result":1.5,"resultTime":"2020-01-01T00:00:01Z","parameters":{"raw":1}},{"datastream":"pump 3","phenomenonTime":"2020-01-01T00:00:00Z","result":"on"}]`,
		"time,result,resultTime,received,flags,datastream,layer,feature,property,parameters\r\n2020-01-01T00:00:00Z,1.5,2020-01-01T00:00:01Z,,0,5,manholes,M-7,level,\"{\"\"raw\"\":1}\"\r\n2020-01-01T00:00:00Z,on,,,0,pump 3,,,,\r\n",
		"phenomenonTime,result,resultTime,datastream,id,property,parameters\n1577836800,1.5,1577836801,,M-7,level,\"{\"\"raw\"\":1}\"\n1577836800,on,,pump 3,,,\n",
	} {
		var r replay.Recording
		require.NoError(t, r.Read(strings.NewReader(text), "manholes"), text)
		require.Equal(t, []realtime.Observation{bound, free}, r.Observations, text)
		require.Empty(t, r.Positions)
	}
	for text, want := range map[string]string{
		"result,time\n1,1577836800\n":                   "line 2: datastream is missing",
		"result,time,datastream\n,1577836800,a\n":       "result is missing",
		"result,time,datastream\n1,soon,a\n":            `time "soon"`,
		"result,time,datastream,parameters\n1,1,a,{\n":  "are no JSON",
		`{"result":1,"time":"2020-01-01T00:00:00Z"}`:    "datastream is missing",
		"result,time,datastream,resultTime\n1,1,a,no\n": `time "no"`,
	} {
		var r replay.Recording
		require.ErrorContains(t, r.Read(strings.NewReader(text), ""), want, text)
	}
	var r replay.Recording // a position that has a result among its properties
	require.NoError(t, r.Read(bytes.NewReader([]byte(`{"layer":"v","id":"a","time":"2020-01-01T00:00:00Z","lon":1,"lat":2,"properties":{"result":1}}`)), ""))
	require.Len(t, r.Positions, 1)
}
