package rules

import (
	"context"
	"encoding/json"
	"os"
	"slices"

	"github.com/tidwall/rtree"

	"twind/layers"
	"twind/realtime"
)

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return layers.Errorf(layers.ErrUnavailable, "folder %s of the rules cannot be made: %w", dir, err)
	}
	return nil
}

// zones finds the areas of a fence.
func (r *Rules) zones(ctx context.Context, rule *Rule) ([]*zone, error) {
	if rule.Kind != Fence {
		return nil, nil
	}
	tells := map[Outcome]bool{}
	for _, e := range rule.Events {
		tells[e] = true
	}
	made := func(name string, s *shape) *zone {
		return &zone{rule: rule, name: name, shape: s, tells: tells, delay: int64(rule.Delay * 1000), dwell: int64(rule.Dwell * 1000)}
	}
	if rule.Area.Layer == "" {
		s, err := rule.Area.shape(rule.ID)
		if err != nil {
			return nil, err
		}
		return []*zone{made("", s)}, nil
	}
	found, err := r.o.Zones(ctx, rule.Area.Layer, rule.Area.Features)
	if err != nil {
		return nil, err
	}
	var out []*zone
	vertices := 0
	for i := range found {
		vertices += len(found[i].Geometry.XY) / 2
		if len(out) >= MaxZones || vertices > maxVertices {
			return nil, invalid("layer %s has too many polygons for rule %s: at most %d with %d vertices are possible; name features", rule.Area.Layer, rule.ID, MaxZones, maxVertices)
		}
		if s := polygon(found[i].Geometry); s != nil {
			out = append(out, made(found[i].Name, s))
		}
	}
	if len(out) == 0 {
		return nil, invalid("layer %s has no polygon for rule %s", rule.Area.Layer, rule.ID)
	}
	return out, nil
}

// place makes a rule count, but for its zones, which learn inserts; states are those
// that its threshold goes on with. Caller holds mu, or is the only one who has r.
func (r *Rules) place(ctx context.Context, rule *Rule, states map[string]*levelState) {
	p := &placed{}
	r.state[rule.ID] = p
	if rule.Off {
		return
	}
	if rule.Kind == Silence {
		p.level = newLevel(rule, states)
		return
	}
	if rule.Kind == Threshold {
		p.level = newLevel(rule, states)
		if rule.Source == "observations" {
			r.readings.add(p.level)
			return
		}
		w := r.watch(rule.Layer)
		w.mu.Lock()
		w.levels = append(w.levels, p.level)
		w.mu.Unlock()
		return
	}
	zones, err := r.zones(ctx, rule)
	if err != nil {
		p.problem = err.Error()
		r.o.Logger.Warn("a rule watches nothing", "rule", rule.ID, "cause", err)
		return
	}
	p.zones = zones
	r.watch(rule.Layer)
}

// watch is that of a live layer. Caller holds mu.
func (r *Rules) watch(id layers.ID) *watch {
	w := r.watches[id]
	if w == nil {
		w = newWatch(id, r.pending.offer)
		r.watches[id] = w
	}
	return w
}

// remove takes a rule out and returns the visits to its zones by entity. Caller
// holds mu.
func (r *Rules) remove(id string) map[string][]visit {
	p, rule := r.state[id], r.rules[id]
	delete(r.state, id)
	if p == nil {
		return nil
	}
	if p.level != nil {
		r.readings.remove(p.level)
	}
	w := r.watches[rule.Layer]
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.levels = slices.DeleteFunc(w.levels, func(l *level) bool { return l == p.level })
	for _, z := range p.zones {
		w.remove(z)
	}
	visits := map[string][]visit{}
	for entity, t := range w.tracks {
		kept := t.visits[:0]
		for _, v := range t.visits {
			if v.zone.rule == rule {
				visits[entity] = append(visits[entity], v)
			} else {
				kept = append(kept, v)
			}
		}
		clear(t.visits[len(kept):])
		if t.visits = kept; len(kept) == 0 {
			delete(w.tracks, entity)
		}
	}
	return visits
}

// learn inserts the zones of a rule and takes those who are in them as being
// there, without outcomes. before are visits to its earlier zones: of zones that are still
// there by name they go on.
func (r *Rules) learn(id string, before map[string][]visit) {
	r.mu.RLock()
	rule, p := r.rules[id], r.state[id]
	w := r.watches[rule.Layer]
	r.mu.RUnlock()
	if w == nil || len(p.zones) == 0 {
		return
	}
	byName := map[string]*zone{}
	for _, z := range p.zones {
		byName[z.name] = z
	}
	entities := r.o.Entities(rule.Layer)
	w.mu.Lock()
	defer w.mu.Unlock()
	for entity, visits := range before {
		for _, v := range visits {
			if z := byName[v.zone.name]; z != nil {
				v.zone = z
				w.resume(entity, v)
			}
		}
	}
	var fresh rtree.RTreeG[*zone] // those that there were not before
	known := map[string]bool{}
	for _, visits := range before {
		for _, v := range visits {
			known[v.zone.name] = true
		}
	}
	for _, z := range p.zones {
		w.insert(z)
		if before == nil || !known[z.name] {
			insertInto(&fresh, z)
		}
	}
	for i := range entities {
		w.learn(&entities[i], &fresh)
	}
}

// lastOutcome is the last that the log knows of a subject.
type lastOutcome struct {
	outcome Outcome
	since   int64
	time    int64
}

// recall takes an event of the log at the start.
func (r *Rules) recall(e *realtime.Event, last map[subject]lastOutcome, c *checkpoint) {
	var d Evidence
	if len(e.Data) > 0 {
		_ = json.Unmarshal(e.Data, &d) // others' events may say other things
	}
	r.alarms.mu.Lock()
	r.alarms.note(e, &d)
	r.alarms.mu.Unlock()
	if d.Rule == "" || d.Outcome == "" || d.Action != "" {
		return // what people did with an alarm changes nothing of what is so
	}
	if c != nil && e.Received >= c.At-2*checkpointSlack {
		r.pending.seen[outcomeKey{d.Rule, d.Outcome, d.Zone, e.Layer, e.Entity, d.Datastream, e.Time}] = struct{}{}
	}
	s := subjectOf(e, &d)
	if d.Outcome != Raise && d.Outcome != Clear {
		s.outcome = "" // one visit
	}
	last[s] = lastOutcome{d.Outcome, d.Since.UnixMilli(), e.Time}
}

// rememberLevels goes on with thresholds of before the restart, as far as the log
// tells.
func (r *Rules) rememberLevels(last map[subject]lastOutcome) {
	for s, o := range last {
		p := r.state[s.rule]
		if p == nil || p.level == nil {
			continue
		}
		key := s.stream
		if key == "" {
			key = s.entity
		}
		if x := p.level.state(key); x != nil {
			x.raised, x.since, x.time = o.outcome == Raise, o.since, o.time
		}
	}
}

// rememberVisits goes on with the visits of before the restart, as far as the log
// tells, of those who are there.
func (r *Rules) rememberVisits(last map[subject]lastOutcome) {
	for s, o := range last {
		w := r.watches[s.layer]
		if w == nil || w.tracks[s.entity] == nil || o.outcome == Leave {
			continue
		}
		visits := w.tracks[s.entity].visits
		for i := range visits {
			if v := &visits[i]; v.zone.rule.ID == s.rule && v.zone.name == s.zone {
				v.since, v.stayed = o.since, o.outcome != Enter && v.zone.tells[Stay] && v.zone.dwell <= o.time-o.since
			}
		}
	}
}

// learnAll inserts the zones of the rules that are not among kept, and takes those
// who are in them as being there, without outcomes.
func (r *Rules) learnAll(kept map[string]bool) {
	fresh := map[layers.ID]*rtree.RTreeG[*zone]{}
	for id, p := range r.state {
		if kept[id] {
			continue
		}
		for _, z := range p.zones {
			layer := z.rule.Layer
			if fresh[layer] == nil {
				fresh[layer] = &rtree.RTreeG[*zone]{}
			}
			insertInto(fresh[layer], z)
			r.watches[layer].insert(z)
		}
	}
	for id, tree := range fresh {
		w := r.watches[id]
		w.mu.Lock()
		for _, e := range r.o.Entities(id) {
			w.learn(&e, tree)
		}
		w.mu.Unlock()
	}
}
