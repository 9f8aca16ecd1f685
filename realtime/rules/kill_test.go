package rules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
	"twind/realtime/killtest"
	"twind/realtime/rules"
	"twind/spatial"
)

func TestMain(m *testing.M) {
	killtest.Serve(serveChild)
	goleak.VerifyTestMain(m)
}

// watched is a hub with rules over a history.
type watched struct {
	log   *history.Log
	hub   *realtime.Hub
	ob    *realtime.Observatory
	rules *rules.Rules
}

func openWatched(dir string) (*watched, error) {
	log, err := history.Open(history.Options{Dir: filepath.Join(dir, "history"), SealBytes: 200 << 10})
	if err != nil {
		return nil, err
	}
	w := &watched{log: log, hub: realtime.New(realtime.Options{Journal: log})}
	err = w.hub.AddLayer(layers.Layer{ID: "vehicles", Kind: layers.KindFeature, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{Period: time.Minute}})
	if err != nil {
		return nil, err
	}
	if w.ob, err = realtime.NewObservatory(realtime.ObservatoryOptions{Journal: log}); err != nil {
		return nil, err
	}
	w.rules, err = rules.Open(context.Background(), rules.Options{
		Dir: filepath.Join(dir, "rules"), Log: log, Recorded: log,
		Entities: func(id layers.ID) []realtime.Entity {
			all, _ := w.hub.Box(id, spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90})
			return all
		},
	})
	if err != nil {
		return nil, err
	}
	w.hub.Watch(w.rules.Positions)
	w.ob.Subscribe(w.rules.Observations)
	return w, nil
}

// serveChild takes positions and observations until it is killed.
func serveChild(dir string) (http.Handler, error) {
	w, err := openWatched(dir)
	if err != nil {
		return nil, err
	}
	go func() { _ = w.rules.Run(context.Background()) }()
	mux := http.NewServeMux()
	mux.Handle("/live/positions", realtime.PositionsHandler(w.hub, realtime.PositionsOptions{}))
	mux.Handle("/live/observations", realtime.ObservationsHandler(w.ob, realtime.PositionsOptions{}))
	return mux, nil
}

// post sends a batch; false: it was not confirmed.
func post(c *killtest.Child, path string, body []byte) bool {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Post(c.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusAccepted
}

// TestKillLosesNoOutcome kills a server again and again while vehicles drive
// through a fence and a level crosses a threshold: what the log has in the end is
// what follows from the positions and readings that it has, each outcome once.
func TestKillLosesNoOutcome(t *testing.T) {
	dir := t.TempDir()
	w, err := openWatched(dir)
	require.NoError(t, err)
	_, _, err = w.rules.Put(t.Context(), "yard", []byte(`{"kind":"fence","layer":"vehicles","area":{"circle":{"center":[1,0],"radius":100}},"margin":20,"quiet":true}`))
	require.NoError(t, err)
	_, _, err = w.rules.Put(t.Context(), "slow", []byte(`{"kind":"fence","layer":"vehicles","area":{"circle":{"center":[1,0],"radius":150}},"delay":2,"class":"slow"}`))
	require.NoError(t, err)
	_, _, err = w.rules.Put(t.Context(), "high", []byte(`{"kind":"threshold","layer":"manholes","source":"observations","property":"level","above":2,"margin":0.5,"delay":1}`))
	require.NoError(t, err)
	w.rules.Close()
	require.NoError(t, w.log.Close())

	rng := rand.New(rand.NewPCG(2, 9))
	clock := time.Now().Add(-time.Hour).UnixMilli()
	const cars, streams = 12, 6
	where := make([]float64, cars)
	confirmed := 0
	var pending [][2]string // path and body that were not confirmed: they are sent again
	for round := range 5 {
		c := killtest.Start(t, dir)
		killed := make(chan struct{})
		time.AfterFunc(time.Duration(250+rng.IntN(500))*time.Millisecond, func() {
			c.Kill()
			close(killed)
		})
		for {
			for len(pending) < 2 {
				var ps, os []string
				for range 3 {
					clock += 700
					at := time.UnixMilli(clock).UTC().Format(time.RFC3339Nano)
					for i := range cars {
						where[i] += rng.Float64()*160 - 80
						where[i] = max(-400, min(where[i], 400))
						ps = append(ps, fmt.Sprintf(`{"layer":"vehicles","id":"car %d","time":%q,"lon":%.9f,"lat":0}`, i, at, 1+where[i]/degree))
					}
					for i := range streams {
						os = append(os, fmt.Sprintf(`{"layer":"manholes","id":"m%d","property":"level","time":%q,"result":%.2f}`, i, at, rng.Float64()*4))
					}
				}
				pending = append(pending, [2]string{"/live/positions", "[" + strings.Join(ps, ",") + "]"}, [2]string{"/live/observations", "[" + strings.Join(os, ",") + "]"})
			}
			if !post(c, pending[0][0], []byte(pending[0][1])) {
				break
			}
			pending = pending[1:]
			confirmed++
		}
		<-killed
		require.Greater(t, confirmed, 4*round, "the servers took too little to prove anything")
	}

	w, err = openWatched(dir)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.rules.Run(ctx) }()
	require.Eventually(t, w.rules.Settled, 30*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	w.rules.Close()
	want := expected(t, w.log)
	have := recorded(t, w.log)
	t.Logf("%d requests confirmed, %d outcomes", confirmed, len(want))
	require.Greater(t, len(want), 50)
	require.Equal(t, want, have)
	require.NoError(t, w.log.Close())
}

// recorded is every outcome of the log, sorted.
func recorded(t *testing.T, log *history.Log) (out []string) {
	require.NoError(t, log.Events(t.Context(), 0, func(e *realtime.Event) error {
		var d rules.Evidence
		require.NoError(t, json.Unmarshal(e.Data, &d))
		out = append(out, fmt.Sprintf("%s %s %s %d", d.Rule, e.Entity, d.Outcome, e.Time))
		return nil
	}))
	slices.Sort(out)
	return out
}

// expected is what follows from what the log recorded, by the rules' own words.
func expected(t *testing.T, log *history.Log) (out []string) {
	tell := func(rule, entity string, o rules.Outcome, at int64) {
		out = append(out, fmt.Sprintf("%s %s %s %d", rule, entity, o, at))
	}
	tracks := map[string][]realtime.Believed{}
	require.NoError(t, log.Received(t.Context(), "vehicles", 0, math.MaxInt64, func(b *realtime.Believed) error {
		tracks[b.ID] = append(tracks[b.ID], *b)
		return nil
	}))
	for id, rows := range tracks {
		slices.SortFunc(rows, func(a, b realtime.Believed) int { return int(a.Time - b.Time) })
		crossings(rows, 100, 20, 0, func(o rules.Outcome, at int64) { tell("yard", id, o, at) })
		crossings(rows, 150, 0, 2000, func(o rules.Outcome, at int64) { tell("slow", id, o, at) })
	}
	readings := map[string][]realtime.Observation{}
	require.NoError(t, log.ReceivedObservations(t.Context(), 0, math.MaxInt64, func(o *realtime.Observation) error {
		readings[o.Feature] = append(readings[o.Feature], *o)
		return nil
	}))
	for id, rows := range readings {
		slices.SortFunc(rows, func(a, b realtime.Observation) int { return int(a.Time - b.Time) })
		raised, since := false, int64(0)
		for _, r := range rows {
			beyond := r.Number > 2 || raised && r.Number > 1.5
			switch {
			case beyond == raised:
				since = 0
				continue
			case since == 0:
				since = r.Time
			}
			if r.Time-since >= 1000 {
				raised, since = beyond, 0
				o := rules.Clear
				if raised {
					o = rules.Raise
				}
				tell("high", id, o, r.Time)
			}
		}
	}
	slices.Sort(out)
	return out
}

// crossings is who enters and leaves a circle around 1, 0.
func crossings(rows []realtime.Believed, radius, margin float64, delay int64, tell func(rules.Outcome, int64)) {
	inside, since := false, int64(0)
	for _, b := range rows {
		limit := radius
		if inside {
			limit += margin
		}
		if in := math.Abs(b.Lon-1)*degree <= limit; in == inside {
			since = 0
			continue
		}
		if since == 0 {
			since = b.Time
		}
		if b.Time-since < delay {
			continue
		}
		inside, since = !inside, 0
		if inside {
			tell(rules.Enter, b.Time)
		} else {
			tell(rules.Leave, b.Time)
		}
	}
}
