package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/replay"
	"twind/spatial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ndjson = `{"layer":"vehicles","id":"a","time":"2020-01-01T00:00:00Z","lon":1,"lat":2}
{"id":"b","time":"2020-01-01T00:00:00.2Z","lon":3,"lat":4,"z":5,"course":6,"speed":7,"properties":{"line":"x"}}
`

const csvText = "\ufeffid,Time,lon,lat,line,code,speed\n" +
	"a,2020-01-01T00:00:00Z,1,2,四,007,\n" +
	`"b,c",1577836800.25,3,4,,12,1.5` + "\n"

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func TestRead(t *testing.T) {
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	read := func(s string, layer layers.ID) ([]realtime.Position, error) {
		var r replay.Recording
		err := r.Read(strings.NewReader(s), layer)
		return r.Positions, err
	}
	array := "[" + strings.Replace(strings.TrimSpace(ndjson), "\n", ",", 1) + "]"
	for _, in := range []string{ndjson, array, zipped(ndjson), "\n\n" + ndjson} {
		ps, err := read(in, "trains")
		require.NoError(t, err)
		require.Len(t, ps, 2)
		require.Equal(t, layers.ID("vehicles"), ps[0].Layer)
		require.True(t, math.IsNaN(ps[0].Z))
		require.Equal(t, realtime.Position{Layer: "trains", ID: "b", Time: start.Add(200 * time.Millisecond), Lon: 3, Lat: 4, Z: 5, Course: 6, Speed: 7, Properties: []byte(`{"line":"x"}`)}, ps[1])
	}
	for _, in := range []string{csvText, zipped(csvText)} {
		ps, err := read(in, "vehicles")
		require.NoError(t, err)
		require.Len(t, ps, 2)
		require.Equal(t, "a", ps[0].ID)
		require.JSONEq(t, `{"line":"四","code":"007"}`, string(ps[0].Properties))
		require.True(t, math.IsNaN(ps[0].Speed))
		require.Equal(t, "b,c", ps[1].ID)
		require.True(t, ps[1].Time.Equal(start.Add(250*time.Millisecond)))
		require.Equal(t, 1.5, ps[1].Speed)
		require.JSONEq(t, `{"code":12}`, string(ps[1].Properties))
	}
	for in, want := range map[string]string{
		"":                                      "the file is empty",
		"\n \n":                                 "the file is empty",
		"\x1f\x8bxx":                            "EOF",
		"a,b\n1,2\n":                            `column "id"`,
		"id,time,lon,lat\n":                     `no column "layer"`,
		"layer,id,time,lon,lat\nv,a,soon,1,2\n": "line 2: time \"soon\"",
		"layer,id,time,lon,lat\nv,a,2020-01-01T00:00:00Z,x,2\n": `line 2: lon "x" is no number`,
		"layer,id,time,lon,lat\nv,a,2020-01-01T00:00:00Z,,2\n":  "lon or lat is missing",
		"layer,id,time,lon,lat\nv,,1,1,2\n":                     "id is missing",
		"layer,id,time,lon,lat\n,a,1,1,2\n":                     "layer is missing",
		"layer,id,time,lon,lat\nv,a,1\n":                        "wrong number of fields",
		`{"id":"a"}`:                                            "layer is missing",
		`[{"layer":"v"`:                                         "ends in the middle",
	} {
		_, err := read(in, "")
		require.ErrorContains(t, err, want, "%q", in)
	}
}

// FuzzRead reads any file.
func FuzzRead(f *testing.F) {
	for _, s := range []string{ndjson, csvText, zipped(ndjson), "[]", "id,time,lon,lat\n\"", "layer,id,time,lon,lat\n,,,,\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r replay.Recording
		if r.Read(bytes.NewReader(b), "vehicles") != nil {
			return
		}
		for _, p := range r.Positions {
			if p.ID == "" || p.Layer == "" || p.Time.IsZero() {
				t.Fatalf("an incomplete position: %+v", p)
			}
		}
		for _, o := range r.Observations {
			if o.Datastream == "" && (o.Layer == "" || o.Feature == "" || o.Property == "") {
				t.Fatalf("an incomplete observation: %+v", o)
			}
		}
	})
}

// server runs a hub with a layer of vehicles behind its handler.
func server(t *testing.T, wrap func(http.Handler) http.Handler) (*realtime.Hub, string) {
	hub := realtime.New(realtime.Options{})
	require.NoError(t, hub.AddLayer(layers.Layer{ID: "vehicles", CRS: 4326, GeometryType: spatial.Point, MaxZoom: 14, Live: &layers.Live{}}))
	h := realtime.PositionsHandler(hub, realtime.PositionsOptions{})
	if wrap != nil {
		h = wrap(h)
	}
	mux := http.NewServeMux()
	mux.Handle("/live/", h)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return hub, s.URL
}

func write(t *testing.T, name, text string) string {
	name = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func client(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 5 * time.Second}
}

// line is one position of a second after the start.
func line(id string, second float64, lon float64) string {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(second * float64(time.Second)))
	return fmt.Sprintf(`{"layer":"vehicles","id":%q,"time":%q,"lon":%v,"lat":2,"speed":3,"properties":{"n":1}}`+"\n", id, at.Format(time.RFC3339Nano), lon)
}

func TestRunSendsInOrderOfTimeAtSpeed(t *testing.T) {
	hub, url := server(t, nil)
	one := write(t, "one.ndjson", line("a", 6, 1.3)+line("a", 0, 1.1)+line("b", 5, 7))
	two := write(t, "two.ndjson.gz", zipped(line("a", 3, 1.2)))
	var told []replay.Stats
	start := time.Now()
	st, err := replay.Run(context.Background(), replay.Options{Files: []string{one, two}, To: url, Speed: 10, Client: client(t), Progress: func(s replay.Stats) { told = append(told, s) }})
	require.NoError(t, err)
	require.Equal(t, replay.Stats{Read: 4, Sent: 4, Accepted: 4, Loops: 1}, st)
	require.GreaterOrEqual(t, time.Since(start), 600*time.Millisecond, "6 s at ten times the speed")
	require.Equal(t, st, told[len(told)-1])
	a, err := hub.Find("vehicles", "a")
	require.NoError(t, err)
	require.Equal(t, 1.3, a.Lon, "the last in time, not in the file")
	require.Equal(t, 3.0, a.Speed)
	require.JSONEq(t, `{"n":1}`, string(a.Properties))
	require.WithinDuration(t, start.Add(600*time.Millisecond), a.Time, 100*time.Millisecond, "as if it happened now")
}

func TestRunLoopsUntilTheContextEnds(t *testing.T) {
	hub, url := server(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	file := write(t, "a.ndjson", line("a", 0, 1)+line("a", 1, 2))
	st, err := replay.Run(ctx, replay.Options{Files: []string{file}, To: url + "/", Speed: 100, Loop: true, Client: client(t), Progress: func(s replay.Stats) {
		if s.Loops >= 2 {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, st.Loops, 2)
	require.Equal(t, st.Sent, st.Accepted, "the second round is newer than the first")
	_, err = hub.Find("vehicles", "a")
	require.NoError(t, err)
}

func TestRunFails(t *testing.T) {
	_, url := server(t, nil)
	good := write(t, "good.ndjson", line("a", 0, 1))
	for _, c := range []struct {
		name string
		o    replay.Options
		want string
	}{
		{"no broker", replay.Options{Files: []string{good}, To: "mqtt://127.0.0.1:1", Patience: 300 * time.Millisecond}, "the MQTT broker 127.0.0.1:1 does not let us in"},
		{"a wildcard", replay.Options{Files: []string{good}, To: "mqtt://127.0.0.1:1/a/+"}, "a topic without + and #"},
		{"no server", replay.Options{Files: []string{good}, To: "example"}, "expected a server such as"},
		{"another protocol", replay.Options{Files: []string{good}, To: "ftp://example.org"}, "expected http://"},
		{"no file", replay.Options{To: url}, "no file"},
		{"speed", replay.Options{Files: []string{good}, To: url, Speed: -1}, "speed -1"},
		{"NaN speed", replay.Options{Files: []string{good}, To: url, Speed: math.NaN()}, "speed NaN"},
		{"absent file", replay.Options{Files: []string{"/does/not/exist"}, To: url}, "/does/not/exist: no such file"},
		{"empty file", replay.Options{Files: []string{write(t, "e", "[]")}, To: url}, "no positions"},
		{"unknown layer", replay.Options{Files: []string{write(t, "u", strings.Replace(line("a", 0, 1), "vehicles", "boats", 1))}, To: url}, `no live layer "boats": there are vehicles`},
		{"nobody listens", replay.Options{Files: []string{good}, To: "http://127.0.0.1:1", Patience: time.Millisecond}, "does not answer"},
		{"another path", replay.Options{Files: []string{good}, To: url + "/elsewhere"}, "404"},
	} {
		c.o.Client = client(t)
		_, err := replay.Run(context.Background(), c.o)
		require.ErrorContains(t, err, c.want, c.name)
	}
}

func TestRunTriesAgain(t *testing.T) {
	var tries atomic.Int32
	var auth atomic.Value
	hub, url := server(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			auth.Store(r.Header.Get("Authorization"))
			if tries.Add(1) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	st, err := replay.Run(context.Background(), replay.Options{Files: []string{write(t, "a", line("a", 0, 1))}, To: url, Token: "secret", Client: client(t)})
	require.NoError(t, err)
	require.Equal(t, 1, st.Accepted)
	require.Equal(t, int32(3), tries.Load())
	require.Equal(t, "Bearer secret", auth.Load())
	_, err = hub.Find("vehicles", "a")
	require.NoError(t, err)
}

func TestRunCountsRefusals(t *testing.T) {
	_, url := server(t, nil)
	file := write(t, "a.ndjson", line("a", 0, 1)+line("a", 0, 1)+line("b", 0, 1000)+line("c", 0.1, 2))
	st, err := replay.Run(context.Background(), replay.Options{Files: []string{file}, To: url, Client: client(t)})
	require.NoError(t, err)
	require.Equal(t, 2, st.Accepted)
	require.Equal(t, 2, st.Refused)
	require.Contains(t, st.Reason, "b: longitude 1000")
}
