package realtime

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"twind/layers"
	"twind/spatial/tile"
)

// layer holds the entities of one live layer. mu guards everything in it: one
// position at a time changes it, and the tick reads it whole.
//
//	slot ─▶ entity, received, id, properties   columns
//	id   ─▶ slot                               bySlot
//
// A slot names an entity until it leaves, and is not used again before every
// viewer that could still resume has been told, or needs a keyframe.
type layer struct {
	mu      sync.RWMutex
	desc    layers.Layer // its schema grows by the properties found in positions
	live    layers.Live  // with defaults
	states  silences     // of live
	limit   int
	seed    maphash.Seed
	open    uint64 // the sequence that changes now get: that of the next tick
	resume  uint64 // ticks that departures are remembered
	metrics *layerMetrics

	bySlot   map[string]uint32
	alive    int
	free     []freed // by sequence
	id       []string
	e        []entity // what is read and written together
	received []int64  // ms since 1970, server's clock; the future for a slot without entity
	props    [][]byte // a JSON object without white space, or nil; never changed in place
	markNow  uint32
	held     map[uint32]Position // jumps that wait for the next position

	classes    []string
	classIndex map[string]uint8
	found      map[string]int // index in desc.Schema of each property
	declared   int            // how many of desc.Schema are not found in positions
	views      []*view
	all        *view // the view without filter and policy
}

// entity is what every report changes and every frame tells, close together
// because slots come in any order: 96 bytes without pointers.
type entity struct {
	lon, lat float64 // degrees, as given
	z        float64 // metres; NaN absent
	course   float64 // degrees; NaN absent
	speed    float64 // m/s; NaN absent
	time     int64   // ms since 1970, of the source's clock
	changed  uint64  // sequence of the last change of anything
	named    uint64  // sequence of the last change of id or properties
	propHash uint64  // of the properties as they came
	key      tileKey
	fx, fy   float32 // place in the tile, fraction of its width
	mark     uint32  // slots marked with layer.markNow form a set, for one frame
	state    State
	class    uint8
	flags    Flag
}

// freed is a slot that may be used again once the sequence is out of reach.
type freed struct {
	slot uint32
	seq  uint64
}

// Members of every live layer's schema, before the layer's own.
var baseSchema = []layers.Property{
	{Name: "time", Type: layers.DateTime, Title: layers.Text{ZH: "定位时间", EN: "Time"}},
	{Name: "received", Type: layers.DateTime, Title: layers.Text{ZH: "接收时间", EN: "Received"}},
	{Name: "state", Type: layers.String, Title: layers.Text{ZH: "状态", EN: "State"}},
	{Name: "course", Type: layers.Number, Title: layers.Text{ZH: "航向", EN: "Course"}, Unit: "deg"},
	{Name: "speed", Type: layers.Number, Title: layers.Text{ZH: "速度", EN: "Speed"}, Unit: "m/s"},
	{Name: "clock", Type: layers.String, Title: layers.Text{ZH: "时钟", EN: "Clock"}},
}

func newLayer(desc layers.Layer, o *Options, open, resume uint64, m *layerMetrics) *layer {
	own := desc.Schema
	desc.Schema = append([]layers.Property(nil), baseSchema...)
	base := layers.Layer{Schema: baseSchema}
	for _, p := range own {
		if base.PropertyIndex(p.Name) < 0 {
			desc.Schema = append(desc.Schema, p)
		}
	}
	live := layers.Live{}
	if desc.Live != nil {
		live = *desc.Live
	}
	live = withDefaults(live)
	desc.Live = &live
	l := &layer{
		desc: desc, live: live, states: silencesOf(live), limit: o.MaxEntities, seed: maphash.MakeSeed(), open: open, resume: resume, metrics: m,
		bySlot: map[string]uint32{}, held: map[uint32]Position{}, classIndex: map[string]uint8{},
		found: map[string]int{},
	}
	for i, p := range desc.Schema {
		l.found[p.Name] = i
	}
	l.declared = len(desc.Schema)
	l.all = newView(l, "", "", matcher{}, layers.Policy{})
	l.views = []*view{l.all}
	l.all.refs = 1 // for queries; never dropped
	return l
}

// apply takes one position, for the entity in slot, or says why not. Caller holds mu.
func (l *layer) apply(p *Position, now time.Time) (uint32, Outcome, string) {
	if reason := check(p); reason != "" {
		return 0, Invalid, reason
	}
	t, flags, reason := sourceTime(p.Time, now, l.live.Removed)
	if reason != "" {
		return 0, unbelieved(p.Time, now), reason
	}
	ms := t.UnixMilli()

	slot, known := l.bySlot[p.ID]
	var props *properties // nil: as they are
	if p.Properties != nil {
		hash := maphash.Bytes(l.seed, p.Properties)
		if !known || l.e[slot].propHash != hash {
			var err error
			if props, err = l.readProperties(p.Properties, hash); err != nil {
				return 0, Invalid, err.Error()
			}
		}
	}
	if known {
		if flags&FlagAhead != 0 { // its own order is all there is to go by
			ms = max(ms, l.e[slot].time+1)
		}
		switch {
		case ms < l.e[slot].time:
			return 0, Older, "an earlier time than that of the position that is known"
		case ms == l.e[slot].time:
			if props == nil {
				return 0, Duplicate, "the same time as that of the position that is known"
			}
			l.setProperties(slot, props)
			l.setState(slot, StateLive)
			l.e[slot].changed = l.open
			l.received[slot] = now.UnixMilli() // it was heard of
			l.place(slot)
			return slot, Accepted, ""
		}
		if reason := l.jump(slot, p, ms); reason != "" {
			return 0, Jump, reason
		}
	} else {
		if l.alive >= l.limit {
			return 0, Full, fmt.Sprintf("layer %s holds %d entities, as many as it may", l.desc.ID, l.alive)
		}
		var ok bool
		if slot, ok = l.add(p.ID); !ok {
			return 0, Full, fmt.Sprintf("layer %s changes its entities faster than viewers can be told; wait %d ticks", l.desc.ID, l.resume)
		}
	}
	if props != nil {
		l.setProperties(slot, props)
	}
	l.setState(slot, StateLive)
	e := &l.e[slot]
	e.lon, e.lat, e.z = p.Lon, p.Lat, finite(p.Z)
	e.course, e.speed = heading(p.Course), pace(p.Speed)
	e.key, e.fx, e.fy = locate(p.Lon, p.Lat)
	e.time, e.flags, e.changed = ms, flags, l.open
	l.received[slot] = now.UnixMilli()
	l.place(slot)
	return slot, Accepted, ""
}

// check says what in a position cannot be; "" is fine.
func check(p *Position) string {
	if err := layers.CheckFeatureID(p.ID); err != nil {
		return err.Error()
	}
	if !(p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90) {
		return fmt.Sprintf("longitude %v, latitude %v: expected degrees within ±180 and ±90", p.Lon, p.Lat)
	}
	if p.Lon == 0 && p.Lat == 0 {
		return "longitude and latitude are both 0: a receiver without a fix sends that"
	}
	if p.Time.IsZero() {
		return "time is missing: expected RFC 3339, such as 2026-11-21T08:00:00Z"
	}
	if y := p.Time.Year(); y < 1971 || y > 9999 {
		return fmt.Sprintf("time is in the year %d", y)
	}
	return ""
}

func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// heading keeps 0 ≤ course < 360; 360 is 0, all else absent.
func heading(v float64) float64 {
	if v == 360 {
		return 0
	}
	if v >= 0 && v < 360 {
		return v
	}
	return math.NaN()
}

func pace(v float64) float64 {
	if v >= 0 && v <= math.MaxFloat32 {
		return v
	}
	return math.NaN()
}

// locate is the tile of zoom GridZoom that holds a position, and the place in it.
func locate(lon, lat float64) (k tileKey, fx, fy float32) {
	const n = 1 << GridZoom
	x, y := tile.WorldFloat(lon, lat)
	split := func(v float64) (uint32, float32) {
		v *= float64(n) / tile.WorldSize
		i := math.Floor(max(0, min(v, n-1)))
		// A float32 just under 1 may round up to 1, the next tile's border: harmless.
		return uint32(i), float32(max(0, min(v-i, 1)))
	}
	tx, fx := split(x)
	ty, fy := split(y)
	return keyOf(tx, ty), fx, fy
}

// jump holds a position that asks for an unreasonable speed, and lets it pass
// when the next one agrees with it. "" passes.
func (l *layer) jump(slot uint32, p *Position, ms int64) string {
	if l.live.MaxSpeed <= 0 {
		return ""
	}
	metres := haversine(l.e[slot].lon, l.e[slot].lat, p.Lon, p.Lat)
	seconds := float64(ms-l.e[slot].time) / 1000
	if metres <= jumpMetres || metres <= l.live.MaxSpeed*seconds {
		delete(l.held, slot)
		return ""
	}
	if h, ok := l.held[slot]; ok && p.Time.After(h.Time) {
		d := haversine(h.Lon, h.Lat, p.Lon, p.Lat)
		if d <= jumpMetres || d <= l.live.MaxSpeed*p.Time.Sub(h.Time).Seconds() {
			delete(l.held, slot)
			return ""
		}
	}
	h := *p
	h.Properties = nil
	l.held[slot] = h
	return fmt.Sprintf("%.0f m in %.1f s is faster than layer %s allows (%g m/s); it counts once the next position agrees", metres, seconds, l.desc.ID, l.live.MaxSpeed)
}

// earthRadius is the mean radius in metres.
const earthRadius = 6371008.8

// haversine is the distance in metres on the sphere of the mean radius.
func haversine(lon1, lat1, lon2, lat2 float64) float64 {
	const rad = math.Pi / 180
	s1 := math.Sin((lat2 - lat1) * rad / 2)
	s2 := math.Sin((lon2 - lon1) * rad / 2)
	h := s1*s1 + math.Cos(lat1*rad)*math.Cos(lat2*rad)*s2*s2
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

// maxSlots bounds the columns: slots in use and slots that wait.
func (l *layer) maxSlots() int { return 2 * l.limit }

// add gives an entity a slot.
func (l *layer) add(id string) (uint32, bool) {
	var slot uint32
	if len(l.free) > 0 && l.free[0].seq+l.resume < l.open {
		slot = l.free[0].slot
		l.free = l.free[1:]
		l.id[slot] = id
	} else {
		if len(l.id) >= l.maxSlots() {
			return 0, false
		}
		slot = uint32(len(l.id))
		l.id, l.props = append(l.id, id), append(l.props, nil)
		l.e = append(l.e, entity{class: NoClass})
		l.received = append(l.received, 0)
		for _, v := range l.views {
			v.grow()
		}
	}
	l.bySlot[id] = slot
	l.alive++
	l.e[slot].named = l.open
	return slot, true
}

// drop ends an entity and its slot.
func (l *layer) drop(slot uint32) {
	for _, v := range l.views {
		v.place(l, slot, noTile)
	}
	delete(l.bySlot, l.id[slot])
	delete(l.held, slot)
	l.alive--
	l.id[slot], l.props[slot], l.e[slot].propHash = "", nil, 0
	l.e[slot].class, l.e[slot].state, l.received[slot] = NoClass, StateLive, math.MaxInt64
	l.free = append(l.free, freed{slot, l.open})
}

// nextMark begins a new set of marked slots.
func (l *layer) nextMark() {
	if l.markNow++; l.markNow == 0 { // wrapped: forget all marks
		for i := range l.e {
			l.e[i].mark = 0
		}
		l.markNow = 1
	}
}

// setState changes an entity's state and the views' counts.
func (l *layer) setState(slot uint32, s State) {
	old := l.e[slot].state
	if old == s {
		return
	}
	l.e[slot].state = s
	for _, v := range l.views {
		if v.slots[slot].tile != nil {
			v.count[old]--
			v.count[s]++
		}
	}
}

// place puts an entity whose columns changed where it belongs in each view.
func (l *layer) place(slot uint32) {
	for _, v := range l.views {
		k := l.e[slot].key
		if !v.admits(l, slot) {
			k = noTile
		}
		v.place(l, slot, k)
	}
}

// age turns silent entities stale, then offline, and lets them leave. It
// belongs to the sequence that is open. Caller holds mu.
func (l *layer) age(now int64) {
	stale := l.states.stale
	for i, received := range l.received {
		silence := now - received
		if silence < stale { // most are not silent
			continue
		}
		slot := uint32(i)
		s := l.states.after(silence)
		if s == stateGone {
			l.drop(slot)
			continue
		}
		if l.e[slot].state != s {
			l.setState(slot, s)
			l.e[slot].changed = l.open
			l.place(slot)
		}
	}
}
