package rules

import (
	"slices"
	"sync"

	"github.com/tidwall/rtree"

	"twind/layers"
	"twind/realtime"
)

// zone is one area of one rule. It never changes.
type zone struct {
	rule *Rule
	name string
	*shape
	tells map[Outcome]bool
	delay int64 // ms
	dwell int64 // ms
}

// visit is an entity's state at a zone: it is inside, or may become so.
type visit struct {
	zone     *zone
	inside   bool
	stayed   bool  // stay was told
	speeding bool  // speed was told
	since    int64 // inside since, ms since 1970
	pending  int64 // since when it is not where inside says; 0: it is
}

// track are the zones that an entity is at.
type track struct {
	time   int64 // of its last position
	visits []visit
}

// watch is what the rules make of one live layer.
type watch struct {
	mu     sync.Mutex
	layer  layers.ID
	tree   rtree.RTreeG[*zone]
	tracks map[string]*track
	free   []*track
	left   [2]map[string]int64 // who left the last zone since the last checkpoint, and the one before: with the time
	levels []*level            // thresholds on properties

	found []*zone // of one search
	visit func(_, _ [2]float64, z *zone) bool
	told  func(*finding) bool // keeps nothing; false: there is no room, try again with the next position
}

// finding is an outcome before it is an event.
type finding struct {
	rule     *Rule
	outcome  Outcome
	zone     string
	layer    layers.ID
	entity   string
	stream   string // datastream
	time     int64
	received int64
	since    int64
	lon, lat float64 // NaN: no place
	value    float64 // speed in m/s, or what crossed the threshold; NaN: none
	limit    float64 // NaN: none
}

func newWatch(layer layers.ID, told func(*finding) bool) *watch {
	w := &watch{layer: layer, tracks: map[string]*track{}, left: [2]map[string]int64{{}, {}}, told: told}
	w.visit = func(_, _ [2]float64, z *zone) bool {
		w.found = append(w.found, z)
		return true
	}
	return w
}

func (w *watch) insert(z *zone) { insertInto(&w.tree, z) }

func insertInto(tree *rtree.RTreeG[*zone], z *zone) {
	z.boxes(func(lo, hi [2]float64) { tree.Insert(lo, hi, z) })
}

func (w *watch) remove(z *zone) {
	z.boxes(func(lo, hi [2]float64) { w.tree.Delete(lo, hi, z) })
}

// boxes are those that hold the zone: two where it crosses the 180th meridian.
func (z *zone) boxes(yield func(lo, hi [2]float64)) {
	b := z.box
	for _, shift := range [...]float64{0, 360, -360} {
		lo, hi := [2]float64{b.MinX + shift, b.MinY}, [2]float64{b.MaxX + shift, b.MaxY}
		if hi[0] >= -180 && lo[0] <= 180 {
			yield(lo, hi)
		}
	}
}

// resume goes on with a visit, whose zone is another form of the same.
func (w *watch) resume(entity string, v visit) {
	t := w.tracks[entity]
	if t == nil {
		t = &track{}
		w.tracks[entity] = t
	}
	t.visits = append(t.visits, v)
}

// positions evaluates rows in order. Without outcomes and with as many entities
// at zones as before it allocates nothing.
func (w *watch) positions(rows []realtime.Believed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range rows {
		w.position(&rows[i])
	}
}

func (w *watch) position(b *realtime.Believed) {
	for _, l := range w.levels {
		l.position(w, b)
	}
	if w.tree.Len() == 0 && len(w.tracks) == 0 {
		return
	}
	t := w.tracks[b.ID]
	if t != nil && b.Time < t.time {
		return // another batch was faster
	}
	w.found = w.found[:0]
	p := [2]float64{b.Lon, b.Lat}
	w.tree.Search(p, p, w.visit)
	for _, z := range w.found {
		t = w.meet(t, b, z)
	}
	if t == nil {
		return
	}
	t.time = b.Time
	kept := t.visits[:0]
	for i := range t.visits {
		if v := t.visits[i]; w.step(&v, b) {
			kept = append(kept, v)
		}
	}
	clear(t.visits[len(kept):])
	if t.visits = kept; len(kept) == 0 {
		delete(w.tracks, b.ID)
		w.left[0][b.ID] = b.Time
		if len(w.free) < 1024 {
			w.free = append(w.free, t)
		}
	}
}

// meet adds a zone whose box holds the position to the entity's track.
func (w *watch) meet(t *track, b *realtime.Believed, z *zone) *track {
	if t != nil {
		for i := range t.visits {
			if t.visits[i].zone == z {
				return t
			}
		}
	}
	if z.outside(b.Lon, b.Lat, 0) > 0 {
		return t
	}
	if t == nil {
		if n := len(w.free); n > 0 {
			t, w.free = w.free[n-1], w.free[:n-1]
		} else {
			t = &track{}
		}
		w.tracks[b.ID] = t
	}
	t.visits = append(t.visits, visit{zone: z})
	return t
}

// step takes a position into a visit; false: there is nothing to remember of it.
func (w *watch) step(v *visit, b *realtime.Believed) bool {
	z := v.zone
	limit := 0.0
	if v.inside {
		limit = z.rule.Margin
	}
	if in := z.outside(b.Lon, b.Lat, limit) <= limit; in == v.inside {
		v.pending = 0
	} else {
		if v.pending == 0 {
			v.pending = b.Time
		}
		if b.Time-v.pending >= z.delay {
			w.cross(v, b)
		}
	}
	if v.inside {
		w.within(v, b)
	}
	return v.inside || v.pending != 0
}

// learn takes where an entity is as known, without outcomes.
func (w *watch) learn(e *realtime.Entity, tree *rtree.RTreeG[*zone]) {
	w.found = w.found[:0]
	p := [2]float64{e.Lon, e.Lat}
	tree.Search(p, p, w.visit)
	for _, z := range w.found {
		if z.outside(e.Lon, e.Lat, 0) > 0 {
			continue
		}
		t := w.tracks[e.ID]
		if t == nil {
			t = &track{time: e.Time.UnixMilli()}
			w.tracks[e.ID] = t
		}
		if slices.ContainsFunc(t.visits, func(v visit) bool { return v.zone == z }) {
			continue // found by both boxes
		}
		t.visits = append(t.visits, visit{zone: z, inside: true, since: e.Time.UnixMilli(), speeding: z.rule.SpeedLimit > 0 && e.Speed > z.rule.SpeedLimit})
	}
}

// cross tells that an entity entered or left, and notes it once that is told.
func (w *watch) cross(v *visit, b *realtime.Believed) {
	o, since := Enter, v.pending
	if v.inside {
		o, since = Leave, v.since
	}
	if !w.tell(v.zone, o, b, since) {
		return
	}
	if v.inside {
		*v = visit{zone: v.zone}
		return
	}
	v.inside, v.since, v.pending = true, v.pending, 0
}

// within looks at what an entity does inside.
func (w *watch) within(v *visit, b *realtime.Believed) {
	r := v.zone.rule
	if v.zone.dwell > 0 && !v.stayed && b.Time-v.since >= v.zone.dwell {
		v.stayed = w.tell(v.zone, Stay, b, v.since)
	}
	switch {
	case r.SpeedLimit <= 0 || b.Speed != b.Speed:
	case !v.speeding && b.Speed > r.SpeedLimit:
		v.speeding = w.tell(v.zone, Speed, b, v.since)
	case v.speeding && b.Speed <= r.SpeedLimit-r.SpeedMargin:
		v.speeding = false
	}
}

// tell is false where the outcome has to be found again.
func (w *watch) tell(z *zone, o Outcome, b *realtime.Believed, since int64) bool {
	if !z.tells[o] {
		return true
	}
	f := finding{
		rule: z.rule, outcome: o, zone: z.name, layer: w.layer, entity: b.ID, time: b.Time, received: b.Received,
		since: since, lon: b.Lon, lat: b.Lat, value: b.Speed, limit: nan,
	}
	if o == Speed {
		f.limit = z.rule.SpeedLimit
	}
	return w.told(&f)
}
