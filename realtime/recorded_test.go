package realtime_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// update rewrites the recording: go test ./realtime -run Recorded -update
var update = flag.Bool("update", false, "rewrite the recorded frames")

// recordedFile is a session of a viewer, message by message, with what the
// viewer holds after each. The TypeScript client is tested on it, and this test
// checks that frames recorded once stay readable.
const recordedFile = "wire/testdata/recorded.json"

type recordedStep struct {
	What     string           `json:"what"`
	Open     bool             `json:"open,omitempty"` // a new connection begins here
	Texts    []string         `json:"texts,omitempty"`
	Frames   []byte           `json:"frames,omitempty"` // base64 in JSON
	Mode     string           `json:"mode"`
	Entities []recordedEntity `json:"entities"`
	Cells    [][3]uint32      `json:"cells"` // live, stale, offline, sorted
	Counts   [3]uint32        `json:"counts"`
}

type recordedEntity struct {
	ID         string          `json:"id"`
	Lon        float64         `json:"lon"`
	Lat        float64         `json:"lat"`
	Z          *float32        `json:"z"`
	Course     *float32        `json:"course"`
	Speed      *float32        `json:"speed"`
	Time       int64           `json:"time"`
	State      string          `json:"state"`
	Class      string          `json:"class"`
	Properties json.RawMessage `json:"properties"`
}

// held describes what the client holds.
func (c *client) held() (string, []recordedEntity, [][3]uint32) {
	entities := []recordedEntity{}
	value := func(f float32) *float32 {
		if f != f {
			return nil
		}
		return &f
	}
	for id, e := range c.entities {
		props := json.RawMessage(e.properties)
		if len(props) == 0 {
			props = json.RawMessage("{}")
		}
		// 1e-7° is 1 cm; the frames are finer.
		entities = append(entities, recordedEntity{id, math.Round(e.lon*1e7) / 1e7, math.Round(e.lat*1e7) / 1e7, value(e.z), value(e.course), value(e.speed), e.time, e.state.String(), e.class, props})
	}
	slices.SortFunc(entities, func(a, b recordedEntity) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	cells := [][3]uint32{}
	for _, n := range c.cells {
		cells = append(cells, n)
	}
	slices.SortFunc(cells, func(a, b [3]uint32) int { return slices.Compare(a[:], b[:]) })
	mode := "entities"
	if c.mode == realtime.ModeCells {
		mode = "cells"
	}
	return mode, entities, cells
}

// record plays a session.
func record(t *testing.T) []recordedStep {
	hub, clk := newHub(t, realtime.Options{}, layers.Live{Stale: 3 * time.Second, Offline: 6 * time.Second, Removed: 9 * time.Second})
	rng := rand.New(rand.NewPCG(9, 9))
	type car struct{ lon, lat float64 }
	cars := map[string]*car{}
	report := func(id string, props string) {
		c := cars[id]
		p := realtime.NewPosition("vehicles", id, clk.t.Add(-250*time.Millisecond), c.lon, c.lat)
		if rng.IntN(3) > 0 {
			p.Course, p.Speed, p.Z = math.Round(rng.Float64()*3599)/10, math.Round(rng.Float64()*200)/10, 3.5
		}
		if props != "" {
			p.Properties = []byte(props)
		}
		require.Empty(t, apply(t, hub, p).Refused)
	}
	view := realtime.Subscription{BBox: realtime.BBox{-74.03, 40.70, -73.96, 40.76}, Zoom: 13, Layers: []layers.ID{"buildings", "vehicles"}, MaxEntities: 60}
	var viewer *realtime.Viewer
	c := newClient(t, false, "vehicles")
	var steps []recordedStep
	step := func(what string, open bool) {
		s := recordedStep{What: what, Open: open}
		keep := func(b *realtime.Batch) {
			if b == nil {
				return
			}
			for _, text := range b.Texts {
				s.Texts = append(s.Texts, string(text))
			}
			if len(b.Frames) > 0 {
				s.Frames = b.AppendMessage(s.Frames)
			}
			c.take(b)
		}
		if open {
			var err error
			viewer, err = hub.Attach(false)
			require.NoError(t, err)
			keep(viewer.Take())
			sub := view
			if len(steps) > 0 {
				sub.Resume = c.resume()
			}
			_, _, err = viewer.Subscribe(sub)
			require.NoError(t, err)
		}
		clk.t = clk.t.Add(200 * time.Millisecond)
		viewer.Ready()
		hub.Tick()
		keep(viewer.Take())
		s.Mode, s.Entities, s.Cells = c.held()
		s.Counts = c.counts
		steps = append(steps, s)
	}
	move := func(far float64) {
		for i := range 40 {
			id := fmt.Sprint("car ", i)
			cars[id].lon += (rng.Float64() - .5) * far
			cars[id].lat += (rng.Float64() - .5) * far
			report(id, "")
		}
	}

	for i := range 40 {
		id := fmt.Sprint("car ", i)
		cars[id] = &car{-74.05 + rng.Float64()*0.11, 40.69 + rng.Float64()*0.09}
		report(id, fmt.Sprintf(`{"line":"%c","load":%d}`, 'A'+i%3, i))
	}
	cars["电车·甲"] = &car{-74, 40.73}
	report("电车·甲", `{"line":"四惠东","load":0.5}`)
	step("keyframes", true)
	for range 3 {
		move(0.001)
		step("small moves", false)
	}
	move(0.03)
	step("moves over many tiles", false)
	report("car 0", `{"line":"Z","load":7}`)
	step("other properties and a new class", false)
	view.BBox = realtime.BBox{-74.0, 40.72, -73.95, 40.77}
	_, _, err := viewer.Subscribe(view)
	require.NoError(t, err)
	step("the viewport moves", false)
	hub.PublishChange(layers.Change{Layer: "buildings", Revision: 12, Envelope: spatial.Envelope{MinX: -74, MinY: 40.7, MaxX: -73.99, MaxY: 40.71}, IDs: []string{"17"}})
	step("a building changes", false)
	for i := range 40 { // silence for the others
		clk.t = clk.t.Add(80 * time.Millisecond)
		if i < 20 {
			report(fmt.Sprint("car ", i), "")
		}
	}
	step("some are stale", false)
	viewer.Close()
	clk.t = clk.t.Add(time.Second)
	for i := range 20 {
		cars[fmt.Sprint("car ", i)].lon += 0.002
		report(fmt.Sprint("car ", i), "")
	}
	hub.Tick()
	hub.PublishChange(layers.Change{Layer: "buildings", Revision: 13, Whole: true, Envelope: spatial.EmptyEnvelope()})
	step("the connection is back after a while", true)
	clk.t = clk.t.Add(5 * time.Second)
	step("the silent ones have left", false)
	for i := range 90 {
		id := fmt.Sprint("new ", i)
		cars[id] = &car{-74.0 + rng.Float64()*0.05, 40.72 + rng.Float64()*0.05}
		report(id, `{"line":"A"}`)
	}
	step("too many for entities", false)
	for i := range 30 {
		id := fmt.Sprint("new ", i)
		cars[id] = &car{-73.98, 40.75}
		report(id, "")
	}
	for range 5 {
		step("counts change", false)
	}
	view.BBox, view.Zoom = realtime.BBox{-73.981, 40.749, -73.979, 40.751}, 17
	_, _, err = viewer.Subscribe(view)
	require.NoError(t, err)
	step("nearer, entities again", false)
	require.NoError(t, hub.RemoveLayer("vehicles"))
	step("the layer is gone", false)
	viewer.Close()
	return steps
}

func TestRecorded(t *testing.T) {
	if *update {
		b, err := json.MarshalIndent(record(t), "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(recordedFile, append(b, '\n'), 0o644))
	}
	b, err := os.ReadFile(recordedFile)
	require.NoError(t, err)
	var steps []recordedStep
	require.NoError(t, json.Unmarshal(b, &steps))
	require.Greater(t, len(steps), 15)
	c := newClient(t, false, "vehicles")
	for i, s := range steps {
		for _, text := range s.Texts {
			c.text([]byte(text))
		}
		if len(s.Frames) > 0 {
			c.frames(s.Frames)
		}
		mode, entities, cells := c.held()
		where := fmt.Sprintf("step %d, %s", i, s.What)
		require.Equal(t, s.Mode, mode, where)
		require.Equal(t, s.Cells, cells, where)
		require.Equal(t, s.Counts, c.counts, where)
		want, err := json.Marshal(s.Entities)
		require.NoError(t, err)
		got, err := json.Marshal(entities)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got), where)
	}
	require.Len(t, c.changes, 2)
	// The live code still makes the same session of the same events.
	again := record(t)
	require.Len(t, again, len(steps))
	for i := range again {
		require.Equal(t, steps[i].What, again[i].What)
		want, err := json.Marshal(steps[i].Entities)
		require.NoError(t, err)
		got, err := json.Marshal(again[i].Entities)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got), "step %d, %s", i, steps[i].What)
	}
}
