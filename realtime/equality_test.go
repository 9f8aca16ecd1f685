package realtime_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial"
	"twind/spatial/tile"
)

// clock is a fake one.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)} }

// liveLayer is a layer as the tests use it.
func liveLayer(id layers.ID, live layers.Live) layers.Layer {
	return layers.Layer{ID: id, Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, ClassBy: "line",
		Schema: []layers.Property{{Name: "line", Type: layers.String}, {Name: "load", Type: layers.Number}}, Live: &live}
}

// parseLine is a filter language of one rule, "line=x", and "load>n".
func parseLine(_ *layers.Layer, text string) (layers.Filter, error) {
	if v, ok := strings.CutPrefix(text, "line="); ok {
		return layers.Comparison{Property: "line", Op: layers.Equal, Value: layers.StringValue(v)}, nil
	}
	if v, ok := strings.CutPrefix(text, "state="); ok {
		return layers.Comparison{Property: "state", Op: layers.Equal, Value: layers.StringValue(v)}, nil
	}
	return nil, layers.Errorf(layers.ErrInvalid, "filter %q", text)
}

// thing is an entity of the brute-force model.
type thing struct {
	realtime.Position
	received time.Time
	line     string
	silent   int // ticks
}

// model is what the hub should hold, kept without any of its machinery.
type model struct {
	rng    *rand.Rand
	clock  *clock
	live   layers.Live
	things map[string]*thing
	nextID int
}

// The model's city lies across the 180th meridian.
const cityLon, cityLat, citySize = 179.99, 40.0, 0.12

func wrap(lon float64) float64 {
	if lon > 180 {
		return lon - 360
	}
	if lon < -180 {
		return lon + 360
	}
	return lon
}

// step moves some things and returns their reports.
func (m *model) step(n int) []realtime.Position {
	for len(m.things) < n {
		m.nextID++
		t := &thing{line: fmt.Sprint("L", m.rng.IntN(4))}
		t.Position = realtime.NewPosition("vehicles", fmt.Sprint("v", m.nextID), m.clock.t, wrap(cityLon+(m.rng.Float64()-.5)*citySize), cityLat+(m.rng.Float64()-.5)*citySize)
		m.things[t.ID] = t
	}
	var out []realtime.Position
	for _, id := range sortedKeys(m.things) {
		t := m.things[id]
		if t.silent > 0 {
			t.silent--
			continue
		}
		if !t.received.IsZero() && m.rng.IntN(3) > 0 {
			continue // reports about every third tick
		}
		if m.rng.IntN(60) == 0 {
			t.silent = m.rng.IntN(50) // up to 10 s: stale, offline, gone
		}
		step := 0.002
		if m.rng.IntN(20) == 0 {
			step = citySize / 2 // far, over many tiles
		}
		t.Lon = wrap(t.Lon + (m.rng.Float64()-.5)*step)
		t.Lat = cityLat + math.Mod(t.Lat-cityLat+(m.rng.Float64()-.5)*step, citySize/2)
		t.Time = m.clock.t.Add(-time.Duration(m.rng.IntN(150)) * time.Millisecond).Truncate(time.Millisecond)
		t.Course, t.Speed, t.Z = math.NaN(), math.NaN(), math.NaN()
		if m.rng.IntN(4) > 0 {
			t.Course, t.Speed, t.Z = float64(m.rng.IntN(36000))/100, m.rng.Float64()*30, m.rng.Float64()*100
		}
		switch {
		case t.received.IsZero():
			t.Properties = []byte(fmt.Sprintf(`{"line":%q,"load":0}`, t.line))
		case m.rng.IntN(8) == 0: // changes its line now and then, and so a filter's verdict
			t.line = fmt.Sprint("L", m.rng.IntN(4))
			t.Properties = []byte(fmt.Sprintf(`{"line":%q,"load":%d}`, t.line, m.rng.IntN(100)))
		}
		t.received = m.clock.t
		out = append(out, t.Position)
	}
	return out
}

// age drops what was silent for too long.
func (m *model) age() {
	for id, t := range m.things {
		if m.clock.t.Sub(t.received) >= m.live.Removed {
			delete(m.things, id)
		}
	}
}

func (m *model) state(t *thing) realtime.State {
	switch silence := m.clock.t.Sub(t.received); {
	case silence >= m.live.Offline:
		return realtime.StateOffline
	case silence >= m.live.Stale:
		return realtime.StateStale
	}
	return realtime.StateLive
}

// viewport is one simulated screen with its client.
type viewport struct {
	client *client
	viewer *realtime.Viewer
	sub    realtime.Subscription
	slow   int  // ticks without reading
	ready  bool // for the next tick
	dirty  bool // subscribed since the last message
}

// require compares a client with what it should hold.
func (m *model) require(t *testing.T, tick int, sequence uint64, p *viewport) {
	c := p.client
	where := fmt.Sprintf("tick %d, json %v, filter %q, sequence %d", tick, c.json, p.sub.Filter["vehicles"], c.sequence)
	f := p.sub.Filter["vehicles"]
	// The window, from its definition: all tiles that touch the box, and one more on each side.
	b := p.sub.BBox
	inWindow := func(id tile.ID) bool {
		nw, se := tile.Of(wrap(b[0]), b[3], 14), tile.Of(wrap(b[2]), b[1], 14)
		const n = 1 << 14
		width := (se.X - nw.X + n) % n
		return (id.X-nw.X+1+n)%n <= width+2 && id.Y+1 >= nw.Y && id.Y <= se.Y+1
	}
	want := 0
	var counts [3]uint32
	for id, x := range m.things {
		if f != "" && f != "line="+x.line && f != "state="+m.state(x).String() {
			if got := c.entities[id]; got != nil {
				t.Fatalf("%s: the filter hides %s, and held: %+v", where, id, *got)
			}
			continue
		}
		counts[m.state(x)]++
		at := tile.Of(x.Lon, x.Lat, 14)
		got := c.entities[id]
		if !inWindow(at) {
			if got != nil {
				t.Fatalf("%s: %s at %v is out of view, and held: %+v", where, id, at, *got)
			}
			continue
		}
		want++
		if got == nil {
			t.Fatalf("%s: %s at %v is missing", where, id, at)
		}
		props := string(x.Properties)
		if p.sub.Policy != nil {
			props = fmt.Sprintf(`{"line":%q}`, x.line)
		}
		same := func(want float64, got float32) bool { return float32(want) == got || math.IsNaN(want) && got != got }
		switch {
		case realtime.Haversine(got.lon, got.lat, x.Lon, x.Lat) > 0.01:
			t.Fatalf("%s: %s is over 1 cm off: %+v, expected %+v", where, id, *got, x)
		case c.json && (got.lon != x.Lon || got.lat != x.Lat), !c.json && got.class != x.line,
			!same(x.Z, got.z), !same(x.Course, got.course), !same(x.Speed, got.speed),
			got.time != x.Time.UnixMilli(), got.state != m.state(x), got.properties != props:
			t.Fatalf("%s: %s is %+v, expected %+v", where, id, *got, x)
		}
	}
	require.Len(t, c.entities, want, where)
	if c.sequence == sequence { // else no Sync came, for nothing in view changed
		require.Equal(t, counts, c.counts, where)
	}
}

// TestEquality lets viewers of every kind watch a moving city: after each
// message, each holds exactly what a model without tiles, slots and sequences
// says is in its window.
func TestEquality(t *testing.T) {
	ticks, things, screens := 600, 600, 60
	if raceEnabled {
		ticks, things, screens = 300, 200, 24
	}
	clk := newClock()
	live := layers.Live{Period: time.Second, Stale: 2 * time.Second, Offline: 4 * time.Second, Removed: 6 * time.Second}
	hub := realtime.New(realtime.Options{Codec: wire.NewCodec(), Now: clk.now, ParseFilter: parseLine, Resume: 4 * time.Second})
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", live)))
	m := &model{rng: rand.New(rand.NewPCG(4, 2)), clock: clk, live: live, things: map[string]*thing{}}

	policy := layers.Policy{Hidden: []string{"load"}}.WithKey("no load")
	randomBox := func() realtime.BBox {
		w, h := 0.005+m.rng.Float64()*0.04, 0.005+m.rng.Float64()*0.04
		lon, lat := wrap(cityLon+(m.rng.Float64()-.5)*citySize), cityLat+(m.rng.Float64()-.5)*citySize
		box := realtime.BBox{lon, lat, lon + w, lat + h}
		if m.rng.IntN(2) == 0 {
			box[2] = wrap(box[2]) // the two ways to say that a box crosses the 180th meridian
		}
		return box
	}
	attach := func(p *viewport, resume *realtime.Resume) {
		v, err := hub.Attach(p.client.json)
		require.NoError(t, err)
		p.viewer = v
		p.client.take(v.Take())
		s := p.sub
		s.Resume = resume
		_, _, err = v.Subscribe(s)
		require.NoError(t, err)
		p.dirty = true
	}
	screensOf := make([]*viewport, screens)
	for i := range screensOf {
		p := &viewport{client: newClient(t, i%3 == 0, "vehicles")}
		p.sub = realtime.Subscription{BBox: randomBox(), Zoom: 14, Layers: []layers.ID{"vehicles"}}
		switch i % 5 {
		case 1:
			p.sub.Filter = map[layers.ID]string{"vehicles": fmt.Sprint("line=L", i%4)}
		case 2:
			p.sub.Filter = map[layers.ID]string{"vehicles": "state=stale"}
		case 3:
			p.sub.Policy = map[layers.ID]layers.Policy{"vehicles": policy}
		case 4:
			p.sub.MaxHz = 1
		}
		attach(p, nil)
		screensOf[i] = p
	}

	resumed, reset := 0, 0
	for tick := 1; tick <= ticks; tick++ {
		clk.t = clk.t.Add(200 * time.Millisecond)
		result, err := hub.Apply(context.Background(), m.step(things))
		require.NoError(t, err)
		require.Empty(t, result.Refused)

		for _, p := range screensOf {
			subscribed := false
			switch m.rng.IntN(100) {
			case 0, 1, 2: // the connection is lost; some come back at once, some too late to resume
				if p.slow < 0 {
					break
				}
				p.viewer.Close()
				p.slow = -1 - m.rng.IntN(30)
			case 3, 4:
				if p.slow == 0 {
					p.slow = m.rng.IntN(30)
				}
			case 5, 6, 7, 8, 9, 10, 11, 12:
				if p.slow >= 0 {
					if m.rng.IntN(3) == 0 {
						p.sub.BBox = randomBox()
					} else {
						dx, dy := (m.rng.Float64()-.5)*0.02, (m.rng.Float64()-.5)*0.02
						p.sub.BBox[0], p.sub.BBox[2] = wrap(p.sub.BBox[0]+dx), wrap(p.sub.BBox[2]+dx)
						p.sub.BBox[1], p.sub.BBox[3] = p.sub.BBox[1]+dy, p.sub.BBox[3]+dy
					}
					_, _, err := p.viewer.Subscribe(p.sub)
					require.NoError(t, err)
					p.dirty, subscribed = true, true
				}
			}
			p.ready = p.slow == 0
			switch {
			case p.slow < 0:
				if p.slow++; p.slow == 0 {
					before := p.client.resets
					attach(p, p.client.resume())
					p.viewer.Ready()
					p.ready = true
					p.client.resets = before
				}
			case p.slow > 0:
				p.slow--
			default:
				if b := p.viewer.Take(); b != nil { // made while it was slow: on its way since
					p.client.take(b)
					p.dirty = p.dirty && subscribed
				}
				p.viewer.Ready()
			}
		}

		before := make([]int, len(screensOf))
		for i, p := range screensOf {
			before[i] = p.client.resets
		}
		hub.Tick()
		m.age()
		for i, p := range screensOf {
			if !p.ready {
				continue
			}
			p.client.take(p.viewer.Take())
			if p.client.resets > before[i] {
				reset++
			} else if p.dirty {
				resumed++
			}
			due := p.sub.MaxHz == 0 || p.dirty || hub.Sequence()%5 == 0
			p.dirty = false
			if due {
				m.require(t, tick, hub.Sequence(), p)
			}
		}
	}
	require.Greater(t, resumed, screens, "moves and reconnections went on from what was held")
	require.Greater(t, reset, 10, "and some came back too late")
	for _, p := range screensOf {
		p.viewer.Close()
	}
	// Nothing is kept of filters and departures that nobody needs.
	clk.t = clk.t.Add(time.Hour)
	for range 60 {
		hub.Tick()
	}
	tiles, departures, views := hub.TileMemory("vehicles")
	require.Zero(t, tiles)
	require.Zero(t, departures)
	require.Equal(t, 1, views)
}

func sortedKeys(m map[string]*thing) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys) // so that a run can be repeated
	return keys
}
