package realtime_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial/tile"
)

// seen is an entity as a client holds it.
type seen struct {
	slot       uint32 // binary format
	tile       tile.ID
	lon, lat   float64
	z          float32
	course     float32
	speed      float32
	time       int64
	state      realtime.State
	class      string
	flags      realtime.Flag
	properties string
}

// cellKey names a cell.
type cellKey struct {
	tile   tile.ID
	number uint16
}

// client holds what a viewer was told, by the rules of wire/SPEC.md and nothing
// else: the smallest program that could show the entities.
type client struct {
	t        testing.TB
	json     bool
	layer    layers.ID
	epoch    uint64
	change   uint64
	sequence uint64
	view     uint32
	window   realtime.Window
	mode     realtime.Mode
	counts   [3]uint32
	classes  []string
	idOf     map[uint32]string // by slot; binary only
	entities map[string]*seen
	cells    map[cellKey][3]uint32
	changes  []map[string]any
	errors   []string
	layers   []string
	bytes    int
	resets   int
	upserted int // rows

	shown    uint64         // epoch of the frames that count: of the replay, or the connection's
	time     int64          // of the last Sync
	replay   bool           // the last Sync said so
	recorded bool           // replays are possible
	replayed map[string]any // the last that was said of the replay
}

func newClient(t testing.TB, json bool, layer layers.ID) *client {
	return &client{t: t, json: json, layer: layer, idOf: map[uint32]string{}, entities: map[string]*seen{}, cells: map[cellKey][3]uint32{}}
}

func (c *client) take(b *realtime.Batch) {
	if b == nil {
		return
	}
	for _, text := range b.Texts {
		c.text(text)
	}
	if len(b.Frames) > 0 {
		c.frames(b.AppendMessage(nil))
	}
}

func (c *client) text(b []byte) {
	var m map[string]any
	require.NoError(c.t, json.Unmarshal(b, &m))
	switch m["type"] {
	case "hello":
		c.epoch = uint64(m["epoch"].(float64))
		if c.replayed == nil { // a test may ask for a replay before it has read the hello
			c.shown = c.epoch
		}
		c.recorded, _ = m["recorded"].(bool)
		if c.change == 0 {
			c.change = uint64(m["change"].(float64))
		}
		fallthrough
	case "layers":
		c.layers = nil
		for _, l := range m["layers"].([]any) {
			c.layers = append(c.layers, l.(map[string]any)["id"].(string))
		}
	case "change":
		c.change = uint64(m["change"].(float64))
		c.changes = append(c.changes, m)
	case "error":
		c.errors = append(c.errors, m["message"].(string))
	case "subscribed":
		c.shown, c.replayed = c.epoch, nil
		if r, ok := m["replay"].(map[string]any); ok {
			c.shown, c.replayed = uint64(r["epoch"].(float64)), r
		}
	case "replay":
		if uint64(m["epoch"].(float64)) == c.shown {
			c.replayed = m
		}
	case "pong":
	default:
		c.t.Fatalf("message of type %v", m["type"])
	}
}

// departure is an entity that left a tile, unless another frame of the message has it in another.
type departure struct {
	tile tile.ID
	slot uint32
	id   string
}

func (c *client) frames(message []byte) {
	c.bytes += len(message)
	var frames []any
	if c.json {
		var m struct {
			Type   string
			Frames []json.RawMessage
		}
		require.NoError(c.t, json.Unmarshal(message, &m), "%s", message)
		require.Equal(c.t, "frames", m.Type)
		for _, f := range m.Frames {
			frames = append(frames, decodeJSONFrame(c.t, f))
		}
	} else {
		parts, err := wire.Split(message)
		require.NoError(c.t, err)
		for _, p := range parts {
			f, err := wire.Decode(p)
			require.NoError(c.t, err)
			frames = append(frames, f)
		}
	}
	var left []departure
	known := false
	for _, f := range frames {
		switch f := f.(type) {
		case *realtime.Sync:
			if known = f.Layer == c.layer; !known {
				continue
			}
			if c.shown != 0 && f.Epoch != c.shown { // made before the server knew
				return
			}
			c.time, c.replay = f.Time, f.Replay
			if f.Reset {
				c.resets++
				clear(c.idOf)
				clear(c.entities)
				clear(c.cells)
				left = nil
			}
			c.sequence, c.view, c.window, c.mode = f.Sequence, f.View, f.Window, f.Mode
			c.counts = [3]uint32{f.Live, f.Stale, f.Offline}
			if f.Classes != nil {
				c.classes = f.Classes
			}
		case *realtime.Entities:
			if f.Layer != c.layer {
				continue
			}
			require.True(c.t, known, "a Sync comes first")
			left = append(left, c.upsert(f)...)
		case *realtime.Cells:
			for i, number := range f.Cell {
				key := cellKey{f.Tile, number}
				n := [3]uint32{f.Live[i], f.Stale[i], f.Offline[i]}
				if n == [3]uint32{} {
					delete(c.cells, key)
				} else {
					c.cells[key] = n
				}
			}
		}
	}
	for _, d := range left {
		if !c.json {
			d.id = c.idOf[d.slot]
		}
		if e := c.entities[d.id]; e != nil && e.tile == d.tile && (c.json || e.slot == d.slot) {
			delete(c.entities, d.id)
			delete(c.idOf, d.slot)
		}
	}
	maps.DeleteFunc(c.entities, func(_ string, e *seen) bool {
		return e.tile.Z != c.window.Z || !c.window.Contains(e.tile.X, e.tile.Y)
	})
	maps.DeleteFunc(c.idOf, func(slot uint32, id string) bool { return c.entities[id] == nil || c.entities[id].slot != slot })
	maps.DeleteFunc(c.cells, func(k cellKey, _ [3]uint32) bool {
		return k.tile.Z != c.window.Z || !c.window.Contains(k.tile.X, k.tile.Y)
	})
}

func (c *client) upsert(f *realtime.Entities) (left []departure) {
	c.upserted += max(len(f.Slot), len(f.ID))
	named := map[uint32][]byte{}
	for i, row := range f.Named {
		named[row] = f.Properties[i]
		if !c.json {
			if old, ok := c.idOf[f.Slot[row]]; ok && old != f.ID[row] {
				delete(c.entities, old)
			}
			c.idOf[f.Slot[row]] = f.ID[row]
		}
	}
	for i := range f.X {
		var id string
		if c.json {
			id = f.ID[i]
		} else {
			var ok bool
			if id, ok = c.idOf[f.Slot[i]]; !ok {
				c.t.Fatalf("slot %d in tile %v was never named; base %d seq %d epoch %d shown %d live %d replay %v resets %d entities %d replayed %v", f.Slot[i], f.Tile, f.Base, f.Sequence, f.Epoch, c.shown, c.epoch, c.replay, c.resets, len(c.entities), c.replayed)
			}
		}
		e := c.entities[id]
		if e == nil {
			e = &seen{}
			c.entities[id] = e
			if _, ok := named[uint32(i)]; !ok {
				c.t.Fatalf("%s is new and has no properties; base %d seq %d epoch %d shown %d live %d replay %v resets %d entities %d replayed %v", id, f.Base, f.Sequence, f.Epoch, c.shown, c.epoch, c.replay, c.resets, len(c.entities), c.replayed)
			}
		}
		if p, ok := named[uint32(i)]; ok {
			e.properties = string(p)
		}
		if !c.json {
			e.slot = f.Slot[i]
		}
		e.tile, e.lon, e.lat = f.Tile, f.Lon[i], f.Lat[i]
		e.z, e.course, e.speed = f.Z[i], f.Course[i], f.Speed[i]
		e.time = f.Time - int64(f.Age[i])
		e.state, e.flags = f.State[i], f.Flags[i]
		e.class = ""
		if !c.json && f.Class[i] != realtime.NoClass {
			e.class = c.classes[f.Class[i]]
		}
	}
	if c.json {
		for _, id := range f.LeftID {
			left = append(left, departure{f.Tile, 0, id})
		}
		return left
	}
	for _, slot := range f.Left {
		left = append(left, departure{f.Tile, slot, ""})
	}
	return left
}

// resume is what the client would give a server after its connection was lost.
func (c *client) resume() *realtime.Resume {
	r := &realtime.Resume{Epoch: c.epoch, Change: c.change, Layers: map[layers.ID]realtime.Held{}}
	if c.mode == realtime.ModeEntities {
		r.Layers[c.layer] = realtime.Held{Sequence: c.sequence, View: c.view, Window: c.window}
	}
	return r
}

// decodeJSONFrame reads a frame of the simple format into the types of the binary one.
func decodeJSONFrame(t testing.TB, raw []byte) any {
	var f struct {
		Kind           string
		Epoch          uint64
		Sequence, Base uint64
		Time           int64
		Layer          layers.ID
		Reset          bool
		Mode           string
		View           uint32
		Window         realtime.Window
		Newest         int64
		Live           uint32
		Stale          uint32
		Offline        uint32
		Replay         bool
		Classes        []string
		Tile           string
		Entities       []struct {
			ID               string
			Lon, Lat         float64
			Z, Course, Speed *float32
			Time             time.Time
			State            string
			Flags            realtime.Flag
			Properties       json.RawMessage
		}
		Left  []string
		Cells []struct {
			Cell                 uint16
			Live, Stale, Offline uint32
		}
	}
	require.NoError(t, json.Unmarshal(raw, &f), "%s", raw)
	head := realtime.Head{Epoch: f.Epoch, Sequence: f.Sequence, Time: f.Time, Layer: f.Layer, Replay: f.Replay}
	var id tile.ID
	if f.Tile != "" {
		_, err := fmt.Sscanf(f.Tile, "%d/%d/%d", &id.Z, &id.X, &id.Y)
		require.NoError(t, err)
	}
	switch f.Kind {
	case "sync":
		mode := realtime.ModeEntities
		if f.Mode == "cells" {
			mode = realtime.ModeCells
		}
		return &realtime.Sync{Head: head, Reset: f.Reset, Mode: mode, Window: f.Window, View: f.View, Newest: f.Newest, Live: f.Live, Stale: f.Stale, Offline: f.Offline, Classes: f.Classes}
	case "entities":
		e := &realtime.Entities{Head: head, Base: f.Base, Tile: id, LeftID: f.Left}
		value := func(p *float32) float32 {
			if p == nil {
				return float32(math.NaN())
			}
			return *p
		}
		for i, x := range f.Entities {
			if x.Properties != nil {
				e.Named = append(e.Named, uint32(i))
				e.Properties = append(e.Properties, x.Properties)
			}
			e.ID, e.Lon, e.Lat = append(e.ID, x.ID), append(e.Lon, x.Lon), append(e.Lat, x.Lat)
			e.X = append(e.X, 0)
			e.Z, e.Course, e.Speed = append(e.Z, value(x.Z)), append(e.Course, value(x.Course)), append(e.Speed, value(x.Speed))
			e.Age = append(e.Age, int32(f.Time-x.Time.UnixMilli()))
			e.Flags = append(e.Flags, x.Flags)
			e.State = append(e.State, map[string]realtime.State{"live": 0, "stale": 1, "offline": 2}[x.State])
		}
		return e
	case "cells":
		c := &realtime.Cells{Head: head, Base: f.Base, Tile: id}
		for _, x := range f.Cells {
			c.Cell = append(c.Cell, x.Cell)
			c.Live, c.Stale, c.Offline = append(c.Live, x.Live), append(c.Stale, x.Stale), append(c.Offline, x.Offline)
		}
		return c
	}
	t.Fatalf("frame of kind %q", f.Kind)
	return nil
}
