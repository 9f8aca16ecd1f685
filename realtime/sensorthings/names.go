package sensorthings

import (
	"encoding/json"
	"sync"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Names finds what the Datastream that is bound to a city object measures. It is
// safe for concurrent use.
type Names struct {
	s *Store

	mu    sync.Mutex
	bound map[realtime.Binding]named
	last  int64     // the highest id of a Datastream that was read
	whole time.Time // when all were
}

type named struct {
	name layers.Text
	unit string
}

// Members of a Datastream, beside streamProperties.
const (
	streamName = 0
	streamUnit = 3
)

// renamed is how long a change of a Datastream may go unseen; a new one is seen
// at once.
const renamed = time.Minute

// NewNames of a store's Datastreams.
func NewNames(s *Store) *Names { return &Names{s: s} }

// Of is the name of what is measured, by the Datastream's property twind:title
// ({"zh","en"}) or its name, and the symbol of its unit; false: no Datastream is
// bound to that.
func (n *Names) Of(b realtime.Binding) (name layers.Text, unit string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.read()
	d, ok := n.bound[b]
	return d.name, d.unit, ok
}

// read takes in what is new. Caller holds mu.
func (n *Names) read() {
	n.s.mu.RLock()
	defer n.s.mu.RUnlock()
	t := &n.s.tables[datastreams]
	if now := n.s.now(); now.Sub(n.whole) > renamed {
		n.bound, n.last, n.whole = map[realtime.Binding]named{}, 0, now
	}
	if t.last == n.last {
		return
	}
	from, _ := searchID(t.ids, n.last+1)
	for _, id := range t.ids[from:] {
		if b, d, ok := nameOf(t.rows[id]); ok {
			n.bound[b] = d
		}
	}
	n.last = t.last
}

func nameOf(e *entity) (b realtime.Binding, d named, ok bool) {
	var p struct {
		Layer    layers.ID       `json:"twind:layer"`
		Feature  string          `json:"twind:feature"`
		Property string          `json:"twind:property"`
		Title    json.RawMessage `json:"twind:title"`
	}
	if json.Unmarshal(e.values[streamProperties], &p) != nil || p.Layer == "" || p.Feature == "" || p.Property == "" {
		return b, d, false
	}
	if json.Unmarshal(p.Title, &d.name) != nil || d.name == (layers.Text{}) {
		d.name = layers.Text{EN: unquote(e.values[streamName])}
	}
	d.unit = unquote(reach(e.values[streamUnit], []string{"symbol"}))
	return realtime.Binding{Layer: p.Layer, Feature: p.Feature, Property: p.Property}, d, true
}
