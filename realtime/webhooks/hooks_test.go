package webhooks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
	"twind/realtime/webhooks"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// office has webhooks over a real log.
type office struct {
	t     testing.TB
	dir   string
	o     webhooks.Options
	past  history.Options
	log   *history.Log
	hooks *webhooks.Hooks
	stop  func()
}

func open(t testing.TB, change func(*webhooks.Options)) *office {
	p := &office{t: t, dir: t.TempDir()}
	p.o = webhooks.Options{FirstRetry: time.Millisecond, LastRetry: 20 * time.Millisecond, Timeout: 200 * time.Millisecond}
	if change != nil {
		change(&p.o)
	}
	p.start()
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *office) start() {
	p.past.Dir = filepath.Join(p.dir, "history")
	log, err := history.Open(p.past)
	require.NoError(p.t, err)
	p.o.Dir, p.o.Log, p.log = filepath.Join(p.dir, "webhooks"), log, log
	p.hooks, err = webhooks.Open(p.o)
	require.NoError(p.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.hooks.Run(ctx) }()
	p.stop = func() {
		cancel()
		require.NoError(p.t, <-done)
		require.NoError(p.t, p.hooks.Close())
		require.NoError(p.t, log.Close())
		p.stop = func() {}
	}
}

func (p *office) put(id, body string) webhooks.Status {
	p.t.Helper()
	s, _, _, err := p.hooks.Put(id, []byte(body))
	require.NoError(p.t, err)
	return s
}

// happen appends events of a class.
func (p *office) happen(class string, n int) {
	events := make([]realtime.Event, n)
	for i := range events {
		events[i] = realtime.Event{ID: "x", Class: class, State: "new", Time: 1, Lon: math.NaN(), Lat: math.NaN(), Data: []byte(`{"rule":"r"}`)}
	}
	require.NoError(p.t, p.log.AppendEvents(p.t.Context(), events))
}

func (p *office) status(id string) webhooks.Status {
	s, err := p.hooks.Get(id)
	require.NoError(p.t, err)
	return s
}

// comes waits until the receiver has all that it wants up to a number.
func (p *office) comes(id string, n uint64) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return p.status(id).Position == n }, 20*time.Second, 2*time.Millisecond, "%+v", p.status(id))
}

// receiver is a server that checks signatures and notes what it took.
type receiver struct {
	t      testing.TB
	mood   func(n int) int // of the n-th request: a status, or 0: hang
	mu     sync.Mutex
	count  int
	taken  []uint64
	missed []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(r.t, err)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", q.Header.Get("Webhook-Id"), q.Header.Get("Webhook-Timestamp"), body)
	require.Equal(r.t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), q.Header.Get("Webhook-Signature"))
	at, err := strconv.ParseInt(q.Header.Get("Webhook-Timestamp"), 10, 64)
	require.NoError(r.t, err)
	require.InDelta(r.t, time.Now().Unix(), at, 5)
	var e struct {
		Sequence uint64
		Kind     string
	}
	require.NoError(r.t, json.Unmarshal(body, &e))
	require.Equal(r.t, strconv.FormatUint(e.Sequence, 10), q.Header.Get("Twind-Sequence"))
	require.Contains(r.t, q.Header.Get("Webhook-Id"), "-"+strconv.FormatUint(e.Sequence, 10))
	require.Equal(r.t, "alarm", e.Kind)
	r.count++
	status := 200
	if r.mood != nil {
		status = r.mood(r.count)
	}
	if status == 0 {
		r.mu.Unlock()
		<-q.Context().Done()
		r.mu.Lock()
		return
	}
	if status < 300 {
		r.taken = append(r.taken, e.Sequence)
		if m := q.Header.Get("Twind-Missed"); m != "" {
			r.missed = append(r.missed, m)
		}
	}
	w.WriteHeader(status)
}

func (r *receiver) got() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]uint64(nil), r.taken...)
}

func (r *receiver) serve() *httptest.Server {
	s := httptest.NewServer(r)
	r.t.Cleanup(s.Close)
	return s
}

// ordered checks that all of from…to were taken, in order but for repetitions.
func ordered(t *testing.T, got []uint64, from, to uint64) {
	t.Helper()
	next := from
	for _, n := range got {
		require.LessOrEqual(t, n, next, "event %d came before %d: %v", n, next, got)
		if n == next {
			next++
		}
	}
	require.Equal(t, to+1, next, "%v", got)
}

// TestAReceiverThatFailsMissesNothing has one that fails, hangs, is away and comes
// back, while the server restarts.
func TestAReceiverThatFailsMissesNothing(t *testing.T) {
	p := open(t, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	r := &receiver{t: t}
	r.mood = func(int) int {
		switch rng.IntN(12) {
		case 0:
			return 500
		case 1:
			return 429
		case 2:
			return 302
		case 3:
			return 0
		}
		return 204
	}
	server := r.serve()
	p.happen("early", 2) // before the hook: not for it
	p.put("desk", `{"url":"`+server.URL+`/events","secret":"`+secret+`"}`)
	p.happen("fence", 20)
	p.comes("desk", 22)
	p.happen("fence", 10)
	time.Sleep(5 * time.Millisecond)
	p.stop()
	p.start()
	p.happen("fence", 5)
	p.comes("desk", 37)
	ordered(t, r.got(), 3, 37)
	require.Equal(t, "ok", p.status("desk").State)

	address := server.Listener.Addr().String()
	server.Close() // down
	p.happen("fence", 5)
	require.Eventually(t, func() bool { s := p.status("desk"); return s.State == "failing" && s.Attempts > 3 }, 30*time.Second, time.Millisecond)
	require.EqualValues(t, 5, p.status("desk").Pending)
	require.NotEmpty(t, p.status("desk").Failure)
	require.NotContains(t, p.status("desk").Failure, "whsec")
	back := httptest.NewUnstartedServer(r)
	back.Listener.Close()
	ln, err := listen(address)
	require.NoError(t, err)
	back.Listener = ln
	back.Start()
	defer back.Close()
	p.comes("desk", 42)
	ordered(t, r.got(), 3, 42)
}

func TestOnlyWhatIsWantedIsPosted(t *testing.T) {
	p := open(t, nil)
	r := &receiver{t: t}
	p.put("desk", `{"url":"`+r.serve().URL+`","secret":"`+secret+`","classes":["fence"],"kinds":["alarm"]}`)
	p.happen("other", 3)
	p.happen("fence", 1)
	p.happen("other", 2)
	p.comes("desk", 6)
	require.Equal(t, []uint64{4}, r.got())

	s, err := p.hooks.Replay("desk", 3)
	require.NoError(t, err)
	require.EqualValues(t, 3, s.Position)
	p.comes("desk", 6)
	require.Equal(t, []uint64{4, 4}, r.got())
	_, err = p.hooks.Replay("desk", 7)
	require.ErrorIs(t, err, layers.ErrInvalid)
	_, err = p.hooks.Replay("none", 0)
	require.ErrorIs(t, err, layers.ErrNotFound)

	p.put("desk", `{"url":"`+r.serve().URL+`","off":true}`)
	p.happen("fence", 1)
	require.Equal(t, "off", p.status("desk").State)
	r2 := &receiver{t: t}
	p.put("desk", `{"url":"`+r2.serve().URL+`"}`) // the secret is kept, and the place
	p.comes("desk", 7)
	require.Equal(t, []uint64{7}, r2.got())
	require.NoError(t, p.hooks.Delete("desk"))
	require.Empty(t, p.hooks.List())
	require.ErrorIs(t, p.hooks.Delete("desk"), layers.ErrNotFound)
}

// TestWhatTheLogNoLongerHasIsTold has a log that keeps as little as it may, and a
// hook that was off for too long.
func TestWhatTheLogNoLongerHasIsTold(t *testing.T) {
	p := open(t, nil)
	p.stop()
	p.past = history.Options{SealBytes: 1, Retention: map[layers.ID]history.Retention{history.EventsStream: {Bytes: 1}}}
	p.start()
	r := &receiver{t: t}
	p.put("desk", `{"url":"`+r.serve().URL+`","secret":"`+secret+`","off":true}`)
	for range 5 {
		p.happen("fence", 1)
	}
	require.Eventually(t, func() bool { s := p.log.Stats(); return s.Journals == 0 && s.Segments == 1 }, 30*time.Second, time.Millisecond)
	p.put("desk", `{"url":"`+r.serve().URL+`"}`)
	p.comes("desk", 5)
	require.Equal(t, []uint64{5}, r.got())
	require.Equal(t, []string{"4"}, r.missed)
	require.EqualValues(t, 4, p.status("desk").Missed)
}

func TestADeadHookIsNamedAndRevived(t *testing.T) {
	p := open(t, func(o *webhooks.Options) { o.DeadAfter = 30 * time.Millisecond })
	r := &receiver{t: t, mood: func(int) int { return 503 }}
	p.put("desk", `{"url":"`+r.serve().URL+`","secret":"`+secret+`"}`)
	p.happen("fence", 1)
	require.Eventually(t, func() bool { return p.status("desk").State == "dead" }, 30*time.Second, time.Millisecond)
	require.Equal(t, "it answered 503", p.status("desk").Failure)
	p.stop()
	p.start()
	require.Equal(t, "dead", p.status("desk").State, "it stays so")
	r.mu.Lock()
	r.mood = nil
	r.mu.Unlock()
	_, err := p.hooks.Replay("desk", 0)
	require.NoError(t, err)
	p.comes("desk", 1)
	require.Equal(t, []uint64{1}, r.got())

	gone := &receiver{t: t, mood: func(int) int { return http.StatusGone }}
	p.put("gone", `{"url":"`+gone.serve().URL+`","secret":"`+secret+`"}`)
	p.happen("fence", 1)
	require.Eventually(t, func() bool { return p.status("gone").State == "dead" }, 30*time.Second, time.Millisecond, "410 wants no more")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	p := open(t, nil)
	secretPlace := &receiver{t: t}
	inside := secretPlace.serve()
	door := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	defer door.Close()
	p.put("redirect", `{"url":"`+door.URL+`"}`)
	p.happen("fence", 1)
	for id, says := range map[string]string{"redirect": "redirects are not followed"} {
		require.Eventually(t, func() bool { return strings.Contains(p.status(id).Failure, says) }, 30*time.Second, time.Millisecond, id)
	}
	require.Empty(t, secretPlace.got())
}

func TestBadHooks(t *testing.T) {
	p := open(t, nil)
	for body, says := range map[string]string{
		`{`:                                   "cannot be read",
		`[]`:                                  "cannot be read",
		`{"url":7}`:                           `member "url"`,
		`{}`:                                  "expected http or https",
		`{"url":"ftp://a/b"}`:                 "expected http or https",
		`{"url":"http:///b"}`:                 "a host",
		`{"url":"http://a:b@c"}`:              "a user",
		`{"url":"http://a","secret":"short"}`: "whsec_",
		`{"url":"http://a","secret":"whsec_YWJj"}`:             "whsec_",
		`{"url":"http://a","classes":[""]}`:                    "class",
		`{"url":"http://a","kinds":["news"]}`:                  "kind",
		`{"url":"http://a","id":"b"}`:                          "path's id",
		`{"url":"http://a","x":1}`:                             "cannot be read",
		`{"url":"http://a"} {}`:                                "something follows",
		`{"url":"http://a/` + strings.Repeat("x", 3000) + `"}`: "bytes",
	} {
		_, _, _, err := p.hooks.Put("desk", []byte(body))
		require.ErrorIs(t, err, layers.ErrInvalid, body)
		require.ErrorContains(t, err, says, body)
	}
	_, _, _, err := p.hooks.Put("No Id", []byte(`{"url":"http://a"}`))
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.Empty(t, p.hooks.List())

	_, made, created, err := p.hooks.Put("desk", []byte(`{"url":"http://127.0.0.1:9"}`))
	require.NoError(t, err)
	require.True(t, created)
	require.True(t, strings.HasPrefix(made, "whsec_"))
	require.Empty(t, p.status("desk").Secret, "it is never shown again")
	_, again, _, err := p.hooks.Put("desk", []byte(`{"url":"http://127.0.0.1:9"}`))
	require.NoError(t, err)
	require.Empty(t, again)
	info, err := os.Stat(filepath.Join(p.o.Dir, "webhooks.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	p.stop()
	require.NoError(t, os.WriteFile(filepath.Join(p.o.Dir, "webhooks.json"), []byte(`[{"id":`), 0o600))
	log, err := history.Open(history.Options{Dir: filepath.Join(p.dir, "history")})
	require.NoError(t, err)
	defer log.Close()
	_, err = webhooks.Open(webhooks.Options{Dir: p.o.Dir, Log: log})
	require.ErrorIs(t, err, layers.ErrCorrupt)
}

// TestSignIsThatOfStandardWebhooks takes the example of the specification.
func TestSignIsThatOfStandardWebhooks(t *testing.T) {
	got, err := webhooks.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
	require.NoError(t, err)
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"url":"http://a","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","classes":["a"],"kinds":["case"]}`))
	f.Add([]byte(`{"url":"http://[::1]:80/%"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := webhooks.Parse("desk", b)
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		again, err := json.Marshal(h)
		require.NoError(t, err)
		same, err := webhooks.Parse("desk", again)
		require.NoError(t, err)
		require.Equal(t, h.URL, same.URL)
	})
}
