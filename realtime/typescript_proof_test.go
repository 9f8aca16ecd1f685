//go:build proof

package realtime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/spatial/tile"
)

// probe is the TypeScript client running in node.
type probe struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

type probeDump struct {
	Phase      string
	KnownUntil int64
	Window     *realtime.Window
	Faults     int
	ServerNow  float64
	Entities   []struct {
		ID         string
		Lon, Lat   float64
		Time       int64
		State      int
		Properties json.RawMessage
	}
	Changes []map[string]any
	Replay  *struct {
		Epoch, At float64
		State     string
	}
	Told []struct {
		Sequence uint64
		ID       string
		Snapshot bool
	}
	Gaps     []map[string]any
	Through  uint64
	Readings []struct {
		Feature, Property, State, Level, Unit string
		Value                                 float64
	}
}

// startProbe bundles testdata/probe.ts with the viewer's tools and runs it.
func startProbe(t *testing.T, url string) *probe {
	viewer, err := filepath.Abs("../web/viewer")
	require.NoError(t, err)
	rolldown := filepath.Join(viewer, "node_modules", ".bin", "rolldown")
	if _, err := os.Stat(rolldown); err != nil {
		t.Fatalf("the viewer's packages are not installed (%v): run npm ci in web/viewer", err)
	}
	bundle := filepath.Join(t.TempDir(), "probe.mjs")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, rolldown, "testdata/probe.ts", "--format", "esm", "--platform", "node", "--file", bundle)
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	run := exec.Command("node", "--experimental-websocket", "--no-warnings", bundle, url)
	run.Stderr = os.Stderr
	in, err := run.StdinPipe()
	require.NoError(t, err)
	stdout, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start(), "node ≥ 20 is needed")
	t.Cleanup(func() {
		_ = in.Close()
		_ = run.Wait()
	})
	p := &probe{t: t, in: in, out: bufio.NewScanner(stdout)}
	p.out.Buffer(nil, 64<<20)
	return p
}

func (p *probe) do(command map[string]any) probeDump {
	command["layer"] = "vehicles"
	b, err := json.Marshal(command)
	require.NoError(p.t, err)
	_, err = p.in.Write(append(b, '\n'))
	require.NoError(p.t, err)
	require.True(p.t, p.out.Scan(), "the probe has ended")
	var d probeDump
	require.NoError(p.t, json.Unmarshal(p.out.Bytes(), &d))
	return d
}

// TestTypeScriptClient drives the viewer's client against the real server, with
// a viewport that moves and a connection that breaks: it always comes to hold
// what the hub has in its window.
func TestTypeScriptClient(t *testing.T) {
	hub, server := serve(t, realtime.Options{TickRate: 20}, realtime.HandlerOptions{})
	p := startProbe(t, "ws"+server.URL[len("http"):]+"/live")
	rng := rand.New(rand.NewPCG(3, 3))
	type car struct{ lon, lat float64 }
	cars := make([]car, 500)
	for i := range cars {
		cars[i] = car{-74.05 + rng.Float64()*0.15, 40.68 + rng.Float64()*0.12}
	}
	drive := func(share int) {
		var ps []realtime.Position
		for i := range cars {
			if rng.IntN(share) > 0 {
				continue
			}
			cars[i].lon += (rng.Float64() - .5) * 0.01
			cars[i].lat += (rng.Float64() - .5) * 0.01
			x := realtime.NewPosition("vehicles", fmt.Sprint("车 ", i), time.Now(), cars[i].lon, cars[i].lat)
			x.Properties = []byte(fmt.Sprintf(`{"line":"L%d","load":%d}`, i%7, rng.IntN(5)))
			ps = append(ps, x)
		}
		require.Empty(t, apply(t, hub, ps...).Refused)
	}
	drive(1)
	view := map[string]any{"bbox": []float64{-74.02, 40.70, -73.98, 40.74}, "zoom": 14, "layers": []string{"buildings", "vehicles"}}
	p.do(map[string]any{"do": "subscribe", "view": view})
	equal := func(what string) {
		applied := time.Now().Add(100 * time.Millisecond).UnixMilli()
		var d probeDump
		require.Eventually(t, func() bool {
			d = p.do(map[string]any{"do": "dump"})
			return d.Phase == "live" && d.KnownUntil > applied
		}, 30*time.Second, 20*time.Millisecond, what)
		require.Zero(t, d.Faults, what)
		require.InDelta(t, time.Now().UnixMilli(), d.ServerNow, 200, what)
		want := map[string]realtime.Entity{}
		require.NotNil(t, d.Window, what)
		all, err := hub.Nearest("vehicles", -74, 40.72, 1000, 0)
		require.NoError(t, err)
		for _, n := range all {
			if at := tile.Of(n.Lon, n.Lat, realtime.GridZoom); d.Window.Contains(at.X, at.Y) {
				want[n.ID] = n.Entity
			}
		}
		require.Greater(t, len(want), 20, what)
		require.Len(t, d.Entities, len(want), what)
		for _, got := range d.Entities {
			e, ok := want[got.ID]
			require.True(t, ok, "%s: %s is not in the window", what, got.ID)
			require.Less(t, realtime.Haversine(e.Lon, e.Lat, got.Lon, got.Lat), 0.01, what)
			require.Equal(t, e.Time.UnixMilli(), got.Time, what)
			require.Equal(t, int(e.State)+1, got.State, what)
			require.JSONEq(t, string(e.Properties), string(got.Properties), what)
		}
	}
	equal("keyframes")
	for round := range 12 {
		for range 5 {
			drive(3)
			time.Sleep(60 * time.Millisecond)
		}
		switch round % 4 {
		case 1:
			lon, lat := -74.04+rng.Float64()*0.08, 40.69+rng.Float64()*0.06
			view["bbox"] = []float64{lon, lat, lon + 0.04, lat + 0.04}
			p.do(map[string]any{"do": "subscribe", "view": view})
		case 2:
			p.do(map[string]any{"do": "drop"})
		case 3:
			view["layers"] = []string{"buildings"}
			p.do(map[string]any{"do": "subscribe", "view": view})
			view["layers"] = []string{"buildings", "vehicles"}
			p.do(map[string]any{"do": "subscribe", "view": view})
		}
		equal(fmt.Sprint("round ", round))
	}
	hub.PublishChange(layers.Change{Layer: "buildings", Revision: 5, Whole: true})
	require.Eventually(t, func() bool { return len(p.do(map[string]any{"do": "dump"}).Changes) == 1 }, 30*time.Second, 20*time.Millisecond)
}

// TestTypeScriptReplay drives the viewer's client through a recording: sought,
// played, with a connection that breaks, and back to live, it holds what was
// shown when it was recorded.
func TestTypeScriptReplay(t *testing.T) {
	log, server := replayServer(t)
	r := recordCity(t, log, 300)
	p := startProbe(t, "ws"+server.URL[len("http"):]+"/live")
	p.do(map[string]any{"do": "subscribe", "view": map[string]any{"bbox": []float64{-74.3, 40.5, -73.7, 41}, "zoom": 12, "layers": []string{"vehicles"}, "maxEntities": -1}})
	holds := func(d probeDump, at time.Time) bool {
		want := r.states[at.UnixMilli()]
		if d.KnownUntil != at.UnixMilli() || len(d.Entities) != len(want) {
			return false
		}
		for _, e := range d.Entities {
			w, ok := want[e.ID]
			if !ok || math.Abs(w.Lon-e.Lon) > 1e-6 || math.Abs(w.Lat-e.Lat) > 1e-6 || int(w.State)+1 != e.State || w.Time.UnixMilli() != e.Time {
				return false
			}
		}
		return d.Faults == 0
	}
	comes := func(at time.Time, state string) probeDump {
		var d probeDump
		require.Eventually(t, func() bool {
			d = p.do(map[string]any{"do": "dump"})
			return d.Replay != nil && d.Replay.State == state && holds(d, at)
		}, 20*time.Second, 20*time.Millisecond, "at %s: %v", at, d.Replay)
		return d
	}
	rng := rand.New(rand.NewPCG(4, 4))
	replay := func(at time.Time, speed float64, paused bool) {
		p.do(map[string]any{"do": "replay", "replay": map[string]any{"from": r.from.UnixMilli(), "to": r.to.UnixMilli(), "at": at.UnixMilli(), "speed": speed, "paused": paused}})
	}
	for range 5 {
		at := r.from.Add(time.Duration(rng.IntN(301)) * time.Second)
		replay(at, 1, true)
		d := comes(at, "paused")
		require.InDelta(t, at.UnixMilli(), d.ServerNow, 1, "the replay's clock")
	}
	p.do(map[string]any{"do": "drop"})
	replay(r.from.Add(200*time.Second), 60, false)
	comes(r.to, "ended")
	p.do(map[string]any{"do": "replay"})
	require.Eventually(t, func() bool {
		d := p.do(map[string]any{"do": "dump"})
		return d.Replay == nil && len(d.Entities) == 0 && math.Abs(d.ServerNow-float64(time.Now().UnixMilli())) < 5000
	}, 30*time.Second, 20*time.Millisecond, "live again")
}
