package history_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
	"twind/realtime/killtest"
	"twind/spatial"
)

func vehicles() layers.Layer {
	return layers.Layer{ID: "vehicles", Kind: layers.KindFeature, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{Period: 10 * time.Second}}
}

// serveChild takes positions, observations and events until it is killed.
func serveChild(dir string) (http.Handler, error) {
	log, err := history.Open(history.Options{Dir: dir, SealBytes: 64 << 10})
	if err != nil {
		return nil, err
	}
	hub := realtime.New(realtime.Options{Journal: log})
	if err := hub.AddLayer(vehicles()); err != nil {
		return nil, err
	}
	observatory, err := realtime.NewObservatory(realtime.ObservatoryOptions{Journal: log})
	if err != nil {
		return nil, err
	}
	register, err := cases.Open(context.Background(), cases.Options{Log: log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/live/positions", realtime.PositionsHandler(hub, realtime.PositionsOptions{}))
	mux.Handle("/live/events", realtime.EventsHandler(register, realtime.PositionsOptions{}))
	mux.Handle("/live/observations", realtime.ObservationsHandler(observatory, realtime.PositionsOptions{}))
	return mux, nil
}

// poster sends batches until the server is gone, and remembers what was confirmed.
type poster struct {
	client *http.Client
	mu     sync.Mutex
	count  int
	want   map[string]bool
}

func (p *poster) post(url, path, body string, confirmed []string) bool {
	resp, err := p.client.Post(url+path, "application/json", strings.NewReader(body))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		return false
	}
	var a struct{ Accepted int }
	if json.Unmarshal(b, &a) != nil || a.Accepted != len(confirmed) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count += len(confirmed)
	for _, c := range confirmed {
		p.want[c] = true
	}
	return true
}

func (p *poster) confirmed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func TestKillLosesNothingThatWasConfirmed(t *testing.T) {
	dir := t.TempDir()
	p := &poster{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, want: map[string]bool{}}
	defer p.client.CloseIdleConnections()
	last := map[string]time.Time{}
	for round := range 3 {
		c := killtest.Start(t, dir)
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for n := 0; ; n++ {
					var items, names []string
					at := time.Now().UTC()
					for i := range 20 {
						id := fmt.Sprintf("r%d-w%d-n%d-i%d", round, w, n, i)
						names = append(names, id)
						if w == 5 {
							items = append(items, fmt.Sprintf(`{"id":%q,"class":"0102","time":%q}`, id, at.Format(time.RFC3339Nano)))
						} else if w < 6 {
							items = append(items, fmt.Sprintf(`{"layer":"vehicles","id":%q,"time":%q,"lon":-74,"lat":40.7}`, id, at.Format(time.RFC3339Nano)))
						} else {
							items = append(items, fmt.Sprintf(`{"datastream":%q,"phenomenonTime":%q,"result":%d}`, id, at.Format(time.RFC3339Nano), i))
						}
					}
					path := "/live/positions"
					if w >= 6 {
						path = "/live/observations"
					} else if w == 5 {
						path = "/live/events"
					}
					if !p.post(c.URL, path, "["+strings.Join(items, ",")+"]", names) {
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(200+150*round) * time.Millisecond)
		require.Eventually(t, func() bool { return p.confirmed() > 200*(round+1) }, time.Minute, time.Millisecond)
		c.Kill()
		last[fmt.Sprint("r", round)] = time.Now()
		wg.Wait()
	}
	require.Greater(t, p.count, 500, "the servers took too little to prove anything")

	log := open(t, history.Options{Dir: dir})
	have := map[string]int{}
	require.NoError(t, log.Received(t.Context(), "vehicles", 0, math.MaxInt64, func(b *realtime.Believed) error {
		have[b.ID]++
		return nil
	}))
	require.NoError(t, log.ReceivedObservations(t.Context(), 0, math.MaxInt64, func(o *realtime.Observation) error {
		have[o.Datastream]++
		return nil
	}))
	next := uint64(1)
	require.NoError(t, log.Events(t.Context(), 0, func(e *realtime.Event) error {
		require.Equal(t, next, e.Sequence, "numbers have no gaps, whatever was killed")
		next++
		have[e.ID]++
		return nil
	}))
	require.Greater(t, next, uint64(1))
	for id := range p.want {
		require.Equal(t, 1, have[id], "%s was confirmed with 202", id)
	}
	t.Logf("%d confirmed, %d recorded", p.count, len(have))

	hub := realtime.New(realtime.Options{Journal: log})
	require.NoError(t, hub.AddLayer(vehicles()))
	for id := range p.want {
		e, err := hub.Find("vehicles", id)
		if strings.Contains(id, "-w5-") || strings.Contains(id, "-w6-") || strings.Contains(id, "-w7-") {
			require.ErrorIs(t, err, layers.ErrNotFound)
			continue
		}
		require.NoError(t, err, "the hub shows it again")
		require.False(t, e.Received.After(last[id[:2]]), "with its true age")
	}
}

func TestRestartShowsTheTrueAge(t *testing.T) {
	log := open(t, history.Options{Dir: t.TempDir(), Interval: time.Hour})
	now := noon
	hub := realtime.New(realtime.Options{Journal: log, Now: func() time.Time { return now }})
	require.NoError(t, hub.AddLayer(vehicles()))
	apply := func(id string) {
		p := realtime.NewPosition("vehicles", id, now.Add(-2*time.Second), -74, 40.7)
		p.Properties = []byte(`{ "line": "4" }`)
		r, err := hub.Apply(context.Background(), []realtime.Position{p})
		require.NoError(t, err)
		require.Equal(t, 1, r.Accepted)
	}
	apply("gone")
	now = noon.Add(250 * time.Second)
	apply("silent")
	now = noon.Add(345 * time.Second)
	apply("fresh")
	require.NoError(t, hub.Recorded(t.Context()))

	now = noon.Add(355 * time.Second)
	again := realtime.New(realtime.Options{Journal: log, Now: func() time.Time { return now }})
	require.NoError(t, again.AddLayer(vehicles()))
	_, err := again.Find("vehicles", "gone")
	require.ErrorIs(t, err, layers.ErrNotFound, "silent for over 30 periods")
	e, err := again.Find("vehicles", "silent")
	require.NoError(t, err)
	require.Equal(t, noon.Add(250*time.Second), e.Received)
	require.Equal(t, noon.Add(248*time.Second), e.Time)
	require.JSONEq(t, `{"line":"4"}`, string(e.Properties))
	require.Equal(t, realtime.StateOffline, e.State, "at once, not a tick later")
	e, err = again.Find("vehicles", "fresh")
	require.NoError(t, err)
	require.Equal(t, realtime.StateLive, e.State)
	r, err := again.Apply(t.Context(), []realtime.Position{realtime.NewPosition("vehicles", "fresh", noon, -74, 40.7)})
	require.NoError(t, err)
	require.Equal(t, realtime.Older, r.Refused[0].Outcome, "what was known before counts")
}
