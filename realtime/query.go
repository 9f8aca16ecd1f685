package realtime

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// Entity is the latest state of one entity, as the API answers it.
type Entity struct {
	ID            string
	Lon, Lat      float64   // degrees
	Z             float64   // metres; NaN absent
	Course, Speed float64   // degrees clockwise from north, m/s; NaN absent
	Time          time.Time // of the source's clock
	Received      time.Time // of the server's
	State         State
	Flags         Flag
	Properties    []byte // a JSON object or nil; not to be changed
}

func (l *layer) entity(v *view, s uint32) Entity {
	return Entity{
		ID: l.id[s], Lon: l.e[s].lon, Lat: l.e[s].lat, Z: l.e[s].z, Course: l.e[s].course, Speed: l.e[s].speed,
		Time: time.UnixMilli(l.e[s].time).UTC(), Received: time.UnixMilli(l.received[s]).UTC(),
		State: l.e[s].state, Flags: l.e[s].flags, Properties: v.visible(l.props[s]),
	}
}

// visible leaves out the properties that the view's policy hides.
func (v *view) visible(props []byte) []byte { return withoutHidden(props, v.policy.Hidden) }

// withoutHidden leaves out properties; hidden is sorted.
func withoutHidden(props []byte, hidden []string) []byte {
	if len(hidden) == 0 || props == nil {
		return props
	}
	s := scanner{b: props}
	s.next()
	out := []byte{'{'}
	_ = s.members('{', func(name []byte, escaped bool) error { // checked when it came
		start := s.i
		_, err := s.value(0)
		if _, isHidden := slices.BinarySearch(hidden, string(text(name, escaped))); !isHidden {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(append(append(out, name...), ':'), s.b[start:s.i]...)
		}
		return err
	})
	return append(out, '}')
}

// Find is one entity by id; layers.ErrNotFound.
func (h *Hub) Find(layer layers.ID, id string) (Entity, error) {
	l, err := h.layer(layer)
	if err != nil {
		return Entity{}, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	s, ok := l.bySlot[id]
	if !ok {
		return Entity{}, layers.Errorf(layers.ErrNotFound, "no entity %.80q in live layer %s", id, layer)
	}
	return l.entity(l.all, s), nil
}

// Items calls yield for each entity that matches q as a feature of the layer
// (Hub.Layer gives its schema), in order of id. It works on a copy of the state
// at the call and holds no lock while it yields. The feature is the callback's
// to keep. An error of yield ends it and is returned. Fails with
// layers.ErrNotFound, ErrUnsupported for a q.Time, and ErrInvalid for a filter on a
// property that the layer does not have.
func (h *Hub) Items(ctx context.Context, layer layers.ID, q layers.Query, yield func(*layers.Feature) error) error {
	l, err := h.layer(layer)
	if err != nil {
		return err
	}
	if !q.Time.IsZero() {
		return layers.Errorf(layers.ErrUnsupported, "live layer %s answers for now only, not for %s", layer, q.Time.Format(time.RFC3339))
	}
	schema, entities, err := l.match(q)
	if err != nil {
		return err
	}
	slices.SortFunc(entities, func(a, b Entity) int { return strings.Compare(a.ID, b.ID) })
	columns := make(map[string]int, len(schema))
	for i, p := range schema {
		columns[p.Name] = i
	}
	for i := range entities {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(entities[i].feature(schema, columns, q.Policy.Hidden)); err != nil {
			return err
		}
	}
	return nil
}

// match copies the entities that match q.
func (l *layer) match(q layers.Query) ([]layers.Property, []Entity, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Entity
	if q.Policy.Deny {
		return l.desc.Schema, nil, nil
	}
	m, err := l.matcher(q.Filter, q.Policy)
	if err != nil {
		return nil, nil, err
	}
	r := row{l: l}
	take := func(s uint32) {
		if r.slot = s; !m.admits(&r) {
			return
		}
		if q.Envelope != nil && !q.Envelope.ContainsPoint(l.e[s].lon, l.e[s].lat) {
			return
		}
		out = append(out, l.entity(l.all, s))
	}
	switch {
	case q.IDs != nil:
		seen := map[string]bool{}
		for _, id := range q.IDs {
			if s, ok := l.bySlot[id]; ok && !seen[id] {
				seen[id] = true
				take(s)
			}
		}
	case q.Envelope != nil:
		l.within(*q.Envelope, take)
	default:
		for _, s := range l.bySlot {
			take(s)
		}
	}
	return l.desc.Schema, out, nil
}

// within calls fn for each entity in the box, whose borders belong to it.
func (l *layer) within(e spatial.Envelope, fn func(slot uint32)) {
	if e.IsEmpty() {
		return
	}
	lat := func(v float64) float64 { return max(-90, min(v, 90)) }
	// A little more on each side: rounding at a tile's border must lose nothing.
	const more = 1e-6
	box := BBox{max(e.MinX, -180) - more, lat(e.MinY - more), min(e.MaxX, 180) + more, lat(e.MaxY + more)}
	if box[0] > box[2] || box[1] > box[3] {
		return
	}
	west, north := inTiles(box[0], box[3])
	east, south := inTiles(box[2], box[1])
	l.all.visit(box.window(GridZoom, 0), func(t *liveTile) {
		tx, ty := t.key.xy()
		x0, x1 := float32(west-float64(tx)), float32(east-float64(tx))
		y0, y1 := float32(north-float64(ty)), float32(south-float64(ty))
		for i, p := range t.points {
			if p.x < x0 || p.x > x1 || p.y < y0 || p.y > y1 {
				continue
			}
			if s := t.members[i]; e.ContainsPoint(l.e[s].lon, l.e[s].lat) {
				fn(s)
			}
		}
	})
}

// inTiles is a position in columns and rows of GridZoom, fractions included.
func inTiles(lon, lat float64) (x, y float64) {
	const tiles = (1 << GridZoom) / float64(tile.WorldSize)
	x, y = tile.WorldFloat(lon, lat)
	return x * tiles, y * tiles
}

// feature makes an entity a feature of the layer's schema.
func (e *Entity) feature(schema []layers.Property, columns map[string]int, hidden []string) *layers.Feature {
	f := &layers.Feature{ID: e.ID, Geometry: spatial.NewPoint(e.Lon, e.Lat), Properties: make([]layers.Value, len(schema))}
	if !math.IsNaN(e.Z) {
		f.Geometry.Z = []float64{e.Z}
	}
	for i, v := range [...]layers.Value{
		dateTime(e.Time.UnixMilli()), dateTime(e.Received.UnixMilli()), layers.StringValue(e.State.String()),
		layers.FloatValue(e.Course), layers.FloatValue(e.Speed), layers.StringValue(e.Flags.Clock()),
	} {
		f.Properties[i] = v
	}
	if e.Properties != nil {
		_ = eachProperty(e.Properties, func(name string, v layers.Value) error { // checked when it came
			if i, ok := columns[name]; ok && i >= len(baseSchema) {
				f.Properties[i] = convert(v, schema[i].Type)
			}
			return nil
		})
	}
	for _, name := range hidden {
		if i, ok := columns[name]; ok {
			f.Properties[i] = layers.Value{}
		}
	}
	return f
}

// convert makes a value one of the column's type, null where it is none.
func convert(v layers.Value, want layers.ValueType) layers.Value {
	switch t := v.Type(); {
	case t == want:
		return v
	case want == layers.Number && t == layers.Integer:
		return layers.FloatValue(v.Float())
	case (want == layers.Date || want == layers.DateTime) && t == layers.String:
		return layers.TextValue(want, v.Text())
	case want == layers.String && t != layers.Null:
		return layers.StringValue(v.String())
	}
	return layers.Value{}
}

// Extent is the envelope of a layer's entities in degrees, empty without any;
// layers.ErrNotFound.
func (h *Hub) Extent(layer layers.ID) (spatial.Envelope, error) {
	l, err := h.layer(layer)
	if err != nil {
		return spatial.EmptyEnvelope(), err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	e := spatial.EmptyEnvelope()
	for _, s := range l.bySlot {
		e = e.Add(l.e[s].lon, l.e[s].lat)
	}
	return e, nil
}

// Box lists the entities in the envelope, in degrees, its borders included, in
// no promised order; layers.ErrNotFound.
func (h *Hub) Box(layer layers.ID, e spatial.Envelope) ([]Entity, error) {
	return h.AppendBox(nil, layer, e)
}

// AppendBox appends to dst what Box lists, and allocates nothing where dst has room.
func (h *Hub) AppendBox(dst []Entity, layer layers.ID, e spatial.Envelope) ([]Entity, error) {
	l, err := h.layer(layer)
	if err != nil {
		return dst, err
	}
	list := slotLists.Get().(*slotList)
	defer slotLists.Put(list)
	list.slots = list.slots[:0]
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.within(e, func(s uint32) { list.slots = append(list.slots, s) })
	list.fetch(l)
	dst = slices.Grow(dst, len(list.slots))
	for _, s := range list.slots {
		dst = append(dst, l.entity(l.all, s))
	}
	return dst, nil
}

// slotList is the memory of what a box found.
type slotList struct {
	slots   []uint32
	fetched int64 // makes fetch's reading count
}

// fetch reads a little of each entity, so that the processor brings them all into
// its cache at once instead of waiting for one after the other.
func (l *slotList) fetch(from *layer) {
	sum := int64(0)
	for _, s := range l.slots {
		sum += from.received[s] + int64(from.e[s].state) + int64(len(from.props[s])) + int64(from.id[s][0])
	}
	l.fetched = sum
}

var slotLists = sync.Pool{New: func() any { return new(slotList) }}
