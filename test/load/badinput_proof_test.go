//go:build proof

package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// victim is a server in a process of its own, and a viewer that must notice
// nothing of what happens to it.
type victim struct {
	*testing.T
	*server
	seen  atomic.Int64 // the witness's altitude, as the viewer was told
	moved int64
}

func (v *victim) get(path string) string {
	v.Helper()
	resp, err := http.Get("http://" + v.addr + path)
	require.NoError(v, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(v, err)
	return string(b)
}

// metric is the sum of the series whose names match.
func (v *victim) metric(pattern string) (sum float64) {
	v.Helper()
	series := regexp.MustCompile(`(?m)^` + pattern + ` ([0-9.e+]+)$`)
	for _, m := range series.FindAllStringSubmatch(v.get("/metrics"), -1) {
		n, err := strconv.ParseFloat(m[len(m)-1], 64)
		require.NoError(v, err)
		sum += n
	}
	return sum
}

// counts waits until a counter is so much higher than it was.
func (v *victim) counts(pattern string, before, more float64) {
	v.Helper()
	require.Eventually(v, func() bool { return v.metric(pattern) >= before+more }, 60*time.Second, 50*time.Millisecond, "%s: from %v by %v", pattern, before, more)
}

func (v *victim) post(body string) (status int, answer string) {
	v.Helper()
	resp, err := http.Post("http://"+v.addr+"/live/positions", "application/json", strings.NewReader(body))
	require.NoError(v, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(v, err)
	return resp.StatusCode, string(b)
}

func place(id string, at time.Time, lon, lat any, z int64) string {
	return fmt.Sprintf(`{"layer":"vehicles","id":%q,"time":%q,"lon":%v,"lat":%v,"z":%d}`, id, at.UTC().Format(time.RFC3339Nano), lon, lat, z)
}

// unharmed moves the witness, which the viewer has to see.
func (v *victim) unharmed() {
	v.Helper()
	v.moved++
	status, answer := v.post(place("witness", time.Now(), 112.98, 28.2, v.moved))
	require.Equal(v, 202, status, answer)
	require.Eventually(v, func() bool { return v.seen.Load() == v.moved }, 60*time.Second, 10*time.Millisecond)
}

// dial opens a WebSocket; its first message is read.
func (v *victim) dial(ctx context.Context, query string, header http.Header) (*websocket.Conn, error) {
	c, resp, err := websocket.Dial(ctx, "ws://"+v.addr+"/live"+query, &websocket.DialOptions{HTTPHeader: header})
	if err != nil && resp != nil {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return nil, fmt.Errorf("%w: %s", err, b)
	}
	if err == nil {
		c.SetReadLimit(1 << 20)
	}
	return c, err
}

// watch keeps the viewer reading until the test ends.
func (v *victim) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	c, err := v.dial(ctx, "?format=json", nil)
	require.NoError(v, err)
	require.NoError(v, c.Write(ctx, websocket.MessageText, []byte(`{"type":"subscribe","bbox":[112.9,28.1,113.1,28.3],"zoom":14,"layers":["vehicles"],"maxEntities":-1}`)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, b, err := c.Read(ctx)
			if err != nil {
				return
			}
			var m struct {
				Frames []struct {
					Entities []struct {
						ID string
						Z  float64
					}
				}
			}
			_ = json.Unmarshal(b, &m)
			for _, f := range m.Frames {
				for _, e := range f.Entities {
					if e.ID == "witness" {
						v.seen.Store(int64(e.Z))
					}
				}
			}
		}
	}()
	v.Cleanup(func() { cancel(); _ = c.CloseNow(); <-done })
}

// TestBadInputHarmsNobody does to one server all that is bad at once: each has a
// clear answer and a counter, memory stays bounded, and a viewer misses nothing.
func TestBadInputHarmsNobody(t *testing.T) {
	v := &victim{T: t, server: startServer(t)}
	v.watch()
	v.unharmed()
	before := anonymous(t, v.pid)
	t.Run("positions that cannot be", v.badPositions)
	t.Run("garbage and oversize messages", v.garbage)
	t.Run("a foreign origin", v.foreignOrigin)
	t.Run("half-open terminals", v.halfOpen)
	t.Run("a flood of topics", v.topicFlood)
	t.Run("5,000 reconnections", v.reconnections)
	t.Run("a disk that fills", v.fullDisk)
	v.unharmed()
	require.Less(t, anonymous(t, v.pid)-before, int64(300<<20))
}

func (v *victim) badPositions(t *testing.T) {
	now := time.Now()
	const refused = `twind_live_positions_(?:total\{layer="vehicles",outcome="[^a][^"]*"\}|malformed_total)` // all but accepted
	for _, c := range []struct{ body, says string }{
		{place("x", now, "NaN", 28, 0), ""},
		{place("x", now, "1e999", 28, 0), ""},
		{place("x", now, 0, 0, 0), "both 0"},
		{place("x", now, 113, 91, 0), "latitude 91"},
		{place("x", now.Add(25*time.Hour), 113, 28, 0), "ahead of the server's clock"},
		{place(strings.Repeat("x", 10<<10), now, 113, 28, 0), "id"},
		{strings.Repeat("[", 100_000), ""},
	} {
		was := v.metric(refused)
		status, answer := v.post(c.body)
		require.Equal(t, 400, status, "%.100s", c.body)
		require.Contains(t, answer, c.says)
		require.Less(t, len(answer), 2000, "an answer is short")
		require.Greater(t, v.metric(refused), was, "%.100s is counted", c.body)
	}
	status, _ := v.post(strings.Repeat(" ", 64<<20))
	require.Equal(t, 413, status)
	v.unharmed()
}

func (v *victim) garbage(t *testing.T) {
	for reason, message := range map[string]string{"garbage": "\x00 nonsense", "too-big": strings.Repeat("x", 1<<20)} {
		counter := `twind_live_disconnects_total\{reason="` + reason + `"\}`
		was := v.metric(counter)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		c, err := v.dial(ctx, "", nil)
		require.NoError(t, err)
		_ = c.Write(ctx, websocket.MessageText, []byte(message)) // it may have had enough before the end
		for err == nil {
			_, _, err = c.Read(ctx)
		}
		var closed websocket.CloseError
		require.ErrorAs(t, err, &closed)
		require.NotEmpty(t, closed.Reason)
		cancel()
		v.counts(counter, was, 1)
	}
	v.unharmed()
}

func (v *victim) foreignOrigin(t *testing.T) {
	const counter = `twind_http_requests_total\{method="GET",route="/live",status="403"\}`
	was := v.metric(counter)
	_, err := v.dial(t.Context(), "", http.Header{"Origin": {"https://evil.example"}})
	require.ErrorContains(t, err, "may not connect")
	v.counts(counter, was, 1)
}

func (v *victim) halfOpen(t *testing.T) {
	for range 300 {
		c, err := net.Dial("tcp", v.jt808)
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write([]byte{0x7e, 2, 0}) // and no more, ever
		require.NoError(t, err)
	}
	v.counts(`twind_jt808_connections`, 0, 300)
	c, err := net.Dial("tcp", v.jt808)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("~nonsense~"))
	require.NoError(t, err)
	v.counts(`twind_jt808_frames_total\{outcome="bad"\}`, 0, 1)
	v.unharmed()
}

// topicFlood publishes nonsense on 50,000 topics.
func (v *victim) topicFlood(t *testing.T) {
	const counter, n = `twind_mqtt_messages_total\{outcome="refused"\}`, 50_000
	was := v.metric(counter)
	c, err := net.Dial("tcp", v.mqtt)
	require.NoError(t, err)
	defer c.Close()
	packet := func(first byte, body string) string {
		return string(first) + string(binary.AppendUvarint(nil, uint64(len(body)))) + body
	}
	field := func(s string) string { return string(binary.BigEndian.AppendUint16(nil, uint16(len(s)))) + s }
	_, err = io.WriteString(c, packet(0x10, field("MQTT")+"\x04\x02\x00\x3c"+field("flood")))
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 4))
	require.NoError(t, err)
	w := bufio.NewWriter(c)
	for i := range n {
		_, err = w.WriteString(packet(0x30, field(fmt.Sprintf("twind/layer-%d/%d", i, i))+"nonsense"))
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	v.counts(counter, was, n)
	v.unharmed()
}

func (v *victim) reconnections(t *testing.T) {
	var wg sync.WaitGroup
	errs := make(chan error, 5000)
	for range cap(errs) { // all at once
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			c, err := v.dial(ctx, "", nil)
			if err == nil {
				err = c.Write(ctx, websocket.MessageText, []byte(`{"type":"subscribe","bbox":[112.9,28.1,113.1,28.3],"zoom":14,"layers":["vehicles"]}`))
				_ = c.CloseNow()
			}
			errs <- err
		})
	}
	v.unharmed() // meanwhile
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return v.metric(`twind_live_viewers`) == 1 }, 2*time.Minute, 50*time.Millisecond, "the witness's viewer alone is left")
	v.unharmed()
}

// fullDisk lets no file of the server grow beyond a size, as a full disk does
// (EFBIG stands for ENOSPC), and takes the limit away again.
func (v *victim) fullDisk(t *testing.T) {
	limit := func(size string) {
		out, err := exec.Command("prlimit", "--pid", strconv.Itoa(v.pid), "--fsize="+size+":unlimited").CombinedOutput()
		require.NoError(t, err, "%s", bytes.TrimSpace(out))
	}
	const counter = `twind_history_failures_total`
	was := v.metric(counter)
	limit("1")
	status, answer := v.post(place("late", time.Now(), 112.98, 28.21, 0))
	require.Equal(t, 503, status, answer)
	require.Contains(t, answer, "detail")
	v.counts(counter, was, 1)
	require.Contains(t, v.get("/ogc/collections/vehicles/items/witness"), "112.98", "reading goes on")
	limit("unlimited")
	require.Eventually(t, func() bool {
		status, _ := v.post(place("late", time.Now(), 112.98, 28.21, 0))
		return status == 202
	}, time.Minute, 100*time.Millisecond, "it goes on by itself once the disk does")
	v.unharmed()
	require.Contains(t, v.get("/live/history?layer=vehicles&id=late"), "112.98")
}
