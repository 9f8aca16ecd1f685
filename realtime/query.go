package realtime

import (
	"container/heap"
	"context"
	"math"
	"slices"
	"strings"
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

// Neighbour is an entity at a distance.
type Neighbour struct {
	Entity
	Metres float64
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
	l.all.visit(box.window(GridZoom, 0), func(t *liveTile) {
		for _, s := range t.members {
			if e.ContainsPoint(l.e[s].lon, l.e[s].lat) {
				fn(s)
			}
		}
	})
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
	l, err := h.layer(layer)
	if err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Entity
	l.within(e, func(s uint32) { out = append(out, l.entity(l.all, s)) })
	return out, nil
}

// Nearest lists the k entities nearest to a position, at most maxMetres away
// (0: anywhere), by distance on the mean sphere and, at equal distance, by id.
// The sphere's distance differs from the spheroid's by at most 0.6 %. Fails with
// layers.ErrNotFound, and ErrInvalid for a position that is none.
func (h *Hub) Nearest(layer layers.ID, lon, lat float64, k int, maxMetres float64) ([]Neighbour, error) {
	l, err := h.layer(layer)
	if err != nil {
		return nil, err
	}
	if !(lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90) || math.IsNaN(maxMetres) {
		return nil, layers.Errorf(layers.ErrInvalid, "nearest to %v, %v: expected degrees within ±180 and ±90", lon, lat)
	}
	if maxMetres <= 0 {
		maxMetres = math.Inf(1)
	}
	if k <= 0 {
		return nil, nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	found := l.nearest(lon, lat, min(k, l.alive), maxMetres)
	out := make([]Neighbour, len(found))
	for i, f := range found {
		out[i] = Neighbour{l.entity(l.all, f.slot), f.metres}
	}
	return out, nil
}

// candidate is a slot at a distance; candidates is a heap with the farthest on top.
type candidate struct {
	metres float64
	slot   uint32
	id     string
}

type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	return c[i].metres > c[j].metres || c[i].metres == c[j].metres && c[i].id > c[j].id
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// nearest searches rings of tiles outwards until no nearer entity is possible.
func (l *layer) nearest(lon, lat float64, k int, maxMetres float64) candidates {
	n := neighbours{l: l, lon: lon, lat: lat, k: k, limit: maxMetres}
	if k == 0 {
		return n.best
	}
	// Within one degree, a way on the sphere is at least as long as in the plane
	// in which a degree of longitude is as short as one degree further from the
	// equator; sin x ≥ x − x³/6 leaves 1.3e-5 to be taken off.
	const degree = earthRadius * math.Pi / 180
	n.metresLat = degree * (1 - 1e-4)
	n.metresLon = n.metresLat * max(0, math.Cos(min(math.Abs(lat)+1, 90)*math.Pi/180))
	const across = 1 << GridZoom
	v := l.all
	center, fx, fy := locate(lon, lat)
	cx, cy := center.xy()
	tileMetres := n.metresLon * 360 / across
	for ring := int64(0); ring < across; ring++ {
		if ring > 0 {
			if far := ringMetres(cx, cy, fx, lat, uint32(ring)); far > n.limit {
				break
			}
		}
		if side := int(2*ring + 1); side*side > 4*len(v.tiles)+64 {
			// The tiles are far apart: looking at all of them is cheaper.
			n.best, n.limit = n.best[:0], maxMetres
			for _, t := range v.tiles {
				n.look(t)
			}
			break
		}
		for dy := -ring; dy <= ring; dy++ {
			y := int64(cy) + dy
			if y < 0 || y >= across {
				continue
			}
			step := max(2*ring, 1) // the first and last column; whole rows above and below
			if dy == -ring || dy == ring {
				step = 1
			}
			for dx := -ring; dx <= ring; dx += step {
				// Rings of 20 tiles stay within half a degree of latitude.
				if ring <= 20 && math.Hypot(gap(dx, fx), gap(dy, fy))*tileMetres > n.limit {
					continue
				}
				if t := v.tiles[keyOf(uint32(int64(cx)+dx)&(across-1), uint32(y))]; t != nil {
					n.look(t)
				}
			}
		}
	}
	best := n.best
	slices.SortFunc(best, func(a, b candidate) int {
		switch {
		case a.metres < b.metres:
			return -1
		case a.metres > b.metres:
			return 1
		}
		return strings.Compare(a.id, b.id)
	})
	return best
}

// gap is how many tiles lie between a place in a tile, at the fraction f of it,
// and the tile d further.
func gap(d int64, f float32) float64 {
	switch {
	case d < 0:
		return float64(-d) - 1 + float64(f)
	case d > 0:
		return float64(d) - float64(f)
	}
	return 0
}

// neighbours is a search that runs.
type neighbours struct {
	l                    *layer
	lon, lat             float64
	k                    int
	limit                float64 // metres: nothing beyond is wanted
	metresLon, metresLat float64 // least metres of a degree
	best                 candidates
}

// look considers the entities of a tile.
func (n *neighbours) look(t *liveTile) {
	l := n.l
	for _, s := range t.members {
		dx, dy := l.e[s].lon-n.lon, l.e[s].lat-n.lat
		if dx > -1 && dx < 1 && dy > -1 && dy < 1 {
			if dx, dy = dx*n.metresLon, dy*n.metresLat; dx*dx+dy*dy > n.limit*n.limit {
				continue
			}
		}
		m := haversine(n.lon, n.lat, l.e[s].lon, l.e[s].lat)
		if m > n.limit {
			continue
		}
		c := candidate{m, s, l.id[s]}
		if len(n.best) < n.k {
			heap.Push(&n.best, c)
		} else if m < n.best[0].metres || c.id < n.best[0].id {
			n.best[0] = c
			heap.Fix(&n.best, 0)
		}
		if len(n.best) == n.k {
			n.limit = n.best[0].metres
		}
	}
}

// ringMetres bounds from below the distance in metres from a position, at the
// fraction fx of tile (cx, cy), to all that lies at least ring ≥ 1 columns or
// rows of tiles away.
func ringMetres(cx, cy uint32, fx float32, lat float64, ring uint32) float64 {
	const n, rad = 1 << GridZoom, math.Pi / 180
	// No point of the meridian d away is nearer than asin(cos φ · sin d).
	columns := float64(ring) - 1 + float64(min(fx, 1-fx))
	d := min(columns/n*2*math.Pi, math.Pi/2)
	angle := math.Asin(math.Cos(lat*rad) * math.Sin(d))
	// No point of the parallel at another latitude is nearer than the difference.
	toRow := func(y int64) {
		if y < 0 || y > n {
			return
		}
		_, edge := tile.LonLat(0, float64(y)*(tile.WorldSize/n))
		angle = min(angle, math.Abs(edge-lat)*rad)
	}
	toRow(int64(cy) - int64(ring) + 1)
	toRow(int64(cy) + int64(ring))
	return angle * earthRadius
}
