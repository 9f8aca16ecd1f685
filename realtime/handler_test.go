package realtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/wire"
)

// serve runs a hub and its handlers until the test ends.
func serve(t *testing.T, o realtime.Options, ho realtime.HandlerOptions) (*realtime.Hub, *httptest.Server) {
	o.Codec = wire.NewCodec()
	if o.TickRate == 0 {
		o.TickRate = 50
	}
	hub := realtime.New(o)
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = hub.Run(ctx)
	}()
	mux := http.NewServeMux()
	mux.Handle("/live", realtime.Handler(ctx, hub, ho))
	mux.Handle("/live/positions", realtime.PositionsHandler(hub, realtime.PositionsOptions{MaxBody: 1 << 20}))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		cancel()
		<-done
		server.CloseClientConnections()
		server.Close()
	})
	return hub, server
}

func dial(t *testing.T, server *httptest.Server, query string, header http.Header) *websocket.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, server.URL+"/live"+query, &websocket.DialOptions{HTTPHeader: header})
	if resp != nil && resp.Body != nil {
		defer resp.Body.Close()
	}
	require.NoError(t, err)
	c.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

const subscribe = `{"type":"subscribe","request":1,"bbox":[-74.05,40.68,-73.9,40.8],"zoom":12,"layers":["vehicles","buildings"]}`

// until reads messages into the client until it is satisfied.
func until(t *testing.T, conn *websocket.Conn, c *client, satisfied func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for !satisfied() {
		kind, b, err := conn.Read(ctx)
		require.NoError(t, err)
		if kind == websocket.MessageText && !bytes.HasPrefix(b, []byte(`{"type":"frames"`)) {
			c.text(b)
		} else {
			require.Equal(t, c.json, kind == websocket.MessageText)
			c.frames(b)
		}
	}
}

func post(t *testing.T, server *httptest.Server, contentType, body string) (int, map[string]any) {
	resp, err := http.Post(server.URL+"/live/positions", contentType, strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	var m map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&m))
	return resp.StatusCode, m
}

func positionAt(id string, t time.Time, lon, lat float64) string {
	return fmt.Sprintf(`{"layer":"vehicles","id":%q,"time":%q,"lon":%v,"lat":%v,"properties":{"line":"4"}}`, id, t.UTC().Format(time.RFC3339Nano), lon, lat)
}

func TestPostedPositionReachesViewers(t *testing.T) {
	hub, server := serve(t, realtime.Options{}, realtime.HandlerOptions{})
	binary, simple := dial(t, server, "", nil), dial(t, server, "?format=json", nil)
	b, s := newClient(t, false, "vehicles"), newClient(t, true, "vehicles")
	for _, conn := range []*websocket.Conn{binary, simple} {
		require.NoError(t, conn.Write(context.Background(), websocket.MessageText, []byte(subscribe)))
	}
	now := time.Now()
	status, answer := post(t, server, "application/json", positionAt("bus 1", now, -74, 40.75))
	require.Equal(t, 202, status)
	require.Equal(t, map[string]any{"accepted": 1.0, "refused": []any{}}, answer)
	until(t, binary, b, func() bool { return b.entities["bus 1"] != nil })
	until(t, simple, s, func() bool { return s.entities["bus 1"] != nil })
	require.Equal(t, b.entities["bus 1"].time, s.entities["bus 1"].time)
	require.Equal(t, now.UnixMilli(), s.entities["bus 1"].time)

	status, _ = post(t, server, "application/x-ndjson", positionAt("bus 1", now.Add(time.Second), -74.001, 40.75)+"\n"+positionAt("bus 2", now, -74.002, 40.75)+"\n")
	require.Equal(t, 202, status)
	until(t, binary, b, func() bool { return len(b.entities) == 2 && b.entities["bus 1"].lon < -74.0005 })
	until(t, simple, s, func() bool { return len(s.entities) == 2 && s.entities["bus 1"].lon == -74.001 })

	hub.PublishChange(layers.Change{Layer: "buildings", Revision: 3, Whole: true})
	until(t, binary, b, func() bool { return len(b.changes) == 1 })
	until(t, simple, s, func() bool { return len(s.changes) == 1 })
}

func TestPositionsAnswers(t *testing.T) {
	hub, server := serve(t, realtime.Options{}, realtime.HandlerOptions{})
	now := time.Now()
	good := func(id string) string { return positionAt(id, now, -74, 40.75) }
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		accepted                float64
		refused                 int
		detail                  string
	}{
		{"array with bad ones", "application/json; charset=utf-8", "[" + good("a") + `,{"id":"x"},` + positionAt("b", now, 400, 0) + "," + good("c") + "]", 202, 2, 2, ""},
		{"the same again is no fault", "", "[" + good("a") + "]", 202, 0, 1, ""},
		{"curl's own content type", "application/x-www-form-urlencoded", good("d"), 202, 1, 0, ""},
		{"only bad ones", "application/json", positionAt("b", now, 400, 0), 400, 0, 1, "longitude 400"},
		{"unknown layer", "application/json", `{"layer":"trams","id":"x","time":"2026-11-21T08:00:00Z","lon":1,"lat":2}`, 404, 0, 1, `no live layer "trams": there are vehicles`},
		{"empty", "application/json", "", 400, 0, 0, "holds no position"},
		{"cut off", "application/json", "[" + good("e") + "," + good("f")[:20], 400, 1, 0, "1 positions before it were taken"},
		{"HTML", "text/html", "<p>", 415, 0, 0, "send application/json"},
		{"too large", "application/x-ndjson", strings.Repeat(good("g")+"\n", 12000), 413, 0, 0, "exceeds 1 MiB"},
	} {
		status, m := post(t, server, c.contentType, c.body)
		require.Equal(t, c.status, status, "%s: %v", c.name, m)
		if status != 415 && status != 413 {
			require.Equal(t, c.accepted, m["accepted"], c.name)
			require.Len(t, m["refused"], c.refused, c.name)
		}
		if c.detail != "" {
			require.Contains(t, m["detail"], c.detail, c.name)
			require.Equal(t, float64(c.status), m["status"], c.name)
		}
	}
	n, err := hub.Count("vehicles")
	require.NoError(t, err)
	require.Equal(t, 4, n.Live)

	// Without a length the limit is found on the way, and what came before is taken.
	body := io.MultiReader(strings.NewReader(good("h")+"\n"), strings.NewReader(strings.Repeat("\n", 2<<20)))
	resp, err := http.Post(server.URL+"/live/positions", "application/x-ndjson", io.NopCloser(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 413, resp.StatusCode)

	// Thousands of refusals are counted, and a thousand listed.
	status, m := post(t, server, "application/x-ndjson", strings.Repeat("{}\n", 3000))
	require.Equal(t, 400, status)
	require.Len(t, m["refused"], 1000)
	require.Equal(t, 3000.0, m["refusedTotal"])
	last := m["refused"].([]any)[999].(map[string]any)
	require.Equal(t, map[string]any{"index": 999.0, "id": "", "reason": "layer is missing"}, last)

	resp, err = http.Get(server.URL + "/live/positions")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 405, resp.StatusCode)
	require.Equal(t, "POST", resp.Header.Get("Allow"))
	req, err := http.NewRequest(http.MethodPost, server.URL+"/live/positions", strings.NewReader(good("x")))
	require.NoError(t, err)
	req.Header.Set("Origin", "https://elsewhere.example")
	resp, err = http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 403, resp.StatusCode)
	http.DefaultClient.CloseIdleConnections()
}

func TestHandshake(t *testing.T) {
	_, server := serve(t, realtime.Options{}, realtime.HandlerOptions{Origins: []string{"*.example.org"}, MaxViewers: 2})
	defer http.DefaultClient.CloseIdleConnections()
	get := func(query string, header ...string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, server.URL+"/live"+query, nil)
		require.NoError(t, err)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		var m map[string]any
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&m))
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
		return resp.StatusCode, m["detail"].(string)
	}
	status, detail := get("")
	require.Equal(t, 426, status)
	require.Contains(t, detail, "WebSocket")
	status, detail = get("?format=xml")
	require.Equal(t, 400, status)
	require.Contains(t, detail, "expected json or binary")
	status, _ = get("?formt=json")
	require.Equal(t, 400, status)
	upgrade := []string{"Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for _, origin := range []string{"https://evil.example", "null", "https://example.org", "file://"} {
		status, detail = get("", append([]string{"Origin", origin}, upgrade...)...)
		require.Equal(t, 403, status, origin)
		require.Contains(t, detail, "may not connect")
	}
	a := dial(t, server, "", http.Header{"Origin": {server.URL}})
	dial(t, server, "?format=json", http.Header{"Origin": {"https://maps.example.org"}})
	status, detail = get("", upgrade...)
	require.Equal(t, 503, status)
	require.Contains(t, detail, "as many as may be")
	require.NoError(t, a.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		c, resp, err := websocket.Dial(context.Background(), server.URL+"/live", nil)
		if err != nil {
			_ = resp.Body.Close()
			return false
		}
		return c.CloseNow() == nil
	}, 30*time.Second, 10*time.Millisecond, "a place is free again")
}

// closedWith reads until the server ends the connection.
func closedWith(t *testing.T, c *websocket.Conn) websocket.CloseError {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		_, _, err := c.Read(ctx)
		if err != nil {
			var ce websocket.CloseError
			require.ErrorAs(t, err, &ce)
			return ce
		}
	}
}

func TestGarbageEndsTheConnection(t *testing.T) {
	reg := prometheus.NewRegistry()
	_, server := serve(t, realtime.Options{Registerer: reg}, realtime.HandlerOptions{})
	for _, c := range []struct {
		name   string
		kind   websocket.MessageType
		b      string
		code   websocket.StatusCode
		reason string
	}{
		{"binary", websocket.MessageBinary, "\x00\x01\x02", 1003, "JSON text messages"},
		{"no JSON", websocket.MessageText, "hello", 1007, "cannot be read"},
		{"no message", websocket.MessageText, "{}", 1007, "expected subscribe, ack or ping"},
		{"unknown member", websocket.MessageText, `{"type":"ping","foo":1}`, 1007, "unknown field"},
		{"wrong type", websocket.MessageText, `{"type":"subscribe","zoom":"twelve"}`, 1007, `member "zoom"`},
		{"two messages", websocket.MessageText, `{"type":"ping"}{}`, 1007, "follows"},
		{"not UTF-8", websocket.MessageText, "{\"type\":\"\xff\"}", 1007, "not UTF-8"},
		{"deep", websocket.MessageText, strings.Repeat("[", 60000), 1007, "cannot be read"},
		{"10 MB", websocket.MessageText, strings.Repeat("x", 10<<20), 1009, "65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, server, "", nil)
			_ = conn.Write(context.Background(), c.kind, []byte(c.b)) // the server may have had enough before its end
			ce := closedWith(t, conn)
			require.Equal(t, c.code, ce.Code)
			require.Contains(t, ce.Reason, c.reason)
		})
	}
	require.Eventually(t, func() bool {
		families, err := reg.Gather()
		counts := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "twind_live_disconnects_total" {
					counts[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
		return err == nil && counts["garbage"] > 0 && counts["too-big"] > 0
	}, 30*time.Second, 10*time.Millisecond)
}

func TestErrorsOfSubscriptionsKeepTheConnection(t *testing.T) {
	_, server := serve(t, realtime.Options{}, realtime.HandlerOptions{})
	conn := dial(t, server, "?format=json", nil)
	c := newClient(t, true, "vehicles")
	for message, want := range map[string]string{
		`{"type":"subscribe","request":4,"bbox":[1,2,3],"layers":[]}`:               "bbox has 3 numbers",
		`{"type":"subscribe","bbox":[0,50,1,40],"layers":[]}`:                       "latitude",
		`{"type":"subscribe","bbox":[0,0,1,1],"layers":["A B"]}`:                    "layer id",
		strings.Replace(subscribe, `"zoom"`, `"filter":{"vehicles":"x"},"zoom"`, 1): "does not filter",
	} {
		c.errors = nil
		require.NoError(t, conn.Write(context.Background(), websocket.MessageText, []byte(message)))
		until(t, conn, c, func() bool { return len(c.errors) == 1 })
		require.Contains(t, c.errors[0], want)
	}
	require.NoError(t, conn.Write(context.Background(), websocket.MessageText, []byte(`{"type":"ping","request":9}`)))
	require.NoError(t, conn.Write(context.Background(), websocket.MessageText, []byte(subscribe)))
	until(t, conn, c, func() bool { return c.sequence > 0 })
}

func TestIdleAndFloodingClients(t *testing.T) {
	_, server := serve(t, realtime.Options{}, realtime.HandlerOptions{Session: realtime.SessionOptions{SubscribeWithin: 50 * time.Millisecond, PingEvery: 20 * time.Millisecond, WriteTimeout: 20 * time.Second}})
	ce := closedWith(t, dial(t, server, "", nil))
	require.Equal(t, websocket.StatusPolicyViolation, ce.Code)
	require.Contains(t, ce.Reason, "no subscribe message within 50ms")

	conn := dial(t, server, "", nil)
	go func() { // fails once the server has had enough
		for conn.Write(context.Background(), websocket.MessageText, []byte(`{"type":"ping"}`)) == nil {
		}
	}()
	ce = closedWith(t, conn)
	require.Equal(t, websocket.StatusPolicyViolation, ce.Code)
	require.Contains(t, ce.Reason, "more than 25 messages a second")
}

// rawSubscribe opens a socket by hand, subscribes, and leaves reading to the test.
func rawSubscribe(t testing.TB, server *httptest.Server) net.Conn {
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, err)
	// One masked text frame; the mask of zeros leaves the bytes as they are.
	frame := append([]byte{0x81, 0x80 | 126, byte(len(subscribe) >> 8), byte(len(subscribe)), 0, 0, 0, 0}, subscribe...)
	_, err = c.Write(frame)
	require.NoError(t, err)
	return c
}

// TestClientThatNeverReads is disconnected in the time stated, and until then
// costs no more memory than one message.
func TestClientThatNeverReads(t *testing.T) {
	reg := prometheus.NewRegistry()
	hub, server := serve(t, realtime.Options{Registerer: reg, TickRate: 60}, realtime.HandlerOptions{Session: realtime.SessionOptions{WriteTimeout: 700 * time.Millisecond, PingEvery: time.Minute}})
	conn := rawSubscribe(t, server)
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		props := []byte(`{"note":"` + strings.Repeat("x", 4000) + `"}`)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			ps := make([]realtime.Position, 200)
			for k := range ps {
				// New entities each round: keyframes and names all the time, 800 kB a tick.
				ps[k] = realtime.NewPosition("vehicles", fmt.Sprint(k, "-", i%50), time.Now(), -74+float64(k)*1e-4, 40.75)
				ps[k].Properties = props
			}
			_, _ = hub.Apply(context.Background(), ps)
			time.Sleep(5 * time.Millisecond)
		}
	})
	gone := func() bool {
		m, err := reg.Gather()
		require.NoError(t, err)
		for _, f := range m {
			if f.GetName() == "twind_live_disconnects_total" {
				for _, x := range f.GetMetric() {
					if x.GetLabel()[0].GetValue() == "slow" && x.GetCounter().GetValue() == 1 {
						return true
					}
				}
			}
		}
		return false
	}
	require.Eventually(t, gone, 20*time.Second, 20*time.Millisecond)
	close(stop)
	wg.Wait()
}

// TestReconnections opens and drops many connections at once.
func TestReconnections(t *testing.T) {
	n := 5000
	if raceEnabled {
		n = 300
	}
	hub, server := serve(t, realtime.Options{TickRate: 10}, realtime.HandlerOptions{})
	for i := range 500 {
		p := realtime.NewPosition("vehicles", fmt.Sprint(i), time.Now(), -74.04+float64(i%25)*0.005, 40.69+float64(i/25)*0.005)
		require.Empty(t, apply(t, hub, p).Refused)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 200)
	errs := make(chan error, n)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs <- func() error {
				ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
				defer cancel()
				c, _, err := websocket.Dial(ctx, server.URL+"/live", nil)
				if err != nil {
					return err
				}
				defer func() { _ = c.CloseNow() }() // without a word, as networks do
				c.SetReadLimit(1 << 20)
				if err := c.Write(ctx, websocket.MessageText, []byte(subscribe)); err != nil {
					return err
				}
				if i%10 > 0 {
					return nil // gone before the first frame
				}
				for {
					kind, b, err := c.Read(ctx)
					if err != nil {
						return err
					}
					if kind == websocket.MessageBinary {
						_, err = wire.Split(b)
						return err
					}
				}
			}()
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return hub.Viewers() == 0 }, 20*time.Second, 20*time.Millisecond, "every session has ended")
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapInuse)-int64(before.HeapInuse), int64(32<<20), "nothing stays behind")
}
