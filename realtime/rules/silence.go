package rules

import (
	"time"

	"twind/realtime"
)

// silenceEvery is how often rules about silence are evaluated, unless
// Options.SilenceEvery says otherwise.
const silenceEvery = 2 * time.Second

// listen evaluates the rules about silence. What is stale or offline is decided by
// Options.Entities alone, as for the map and the API. Who is gone for good stays
// silent.
func (r *Rules) listen() {
	var about []*level
	r.mu.RLock()
	for _, p := range r.state {
		if p.level != nil && p.level.rule.Kind == Silence {
			about = append(about, p.level)
		}
	}
	r.mu.RUnlock()
	for _, l := range about {
		r.hear(l)
	}
}

// hear evaluates one rule. It holds no lock while it asks for the entities, since
// who has them may be telling of positions.
func (r *Rules) hear(l *level) {
	now := r.o.Now().UnixMilli()
	entities := r.o.Entities(l.rule.Layer)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if p := r.state[l.rule.ID]; p == nil || p.level != l {
		return // it has been changed or deleted meanwhile
	}
	r.readings.mu.Lock()
	defer r.readings.mu.Unlock()
	for i := range entities {
		e := &entities[i]
		if l.rule.Feature != "" && l.rule.Feature != e.ID {
			continue
		}
		if s := l.state(e.ID); s != nil && l.silent(s, e, now, r.pending.offer) {
			r.evaluated.Add(1)
		}
	}
}

// silent takes the state of an entity and tells whether there is an outcome.
func (l *level) silent(s *levelState, e *realtime.Entity, now int64, told func(*finding) bool) bool {
	beyond := e.State == realtime.StateOffline || e.State == realtime.StateStale && l.rule.State == realtime.StateStale.String()
	if beyond == s.raised {
		s.pending = 0
		return false
	}
	if s.pending == 0 {
		s.pending = now
	}
	if beyond && now-s.pending < l.delay {
		return false
	}
	l.f = finding{
		rule: l.rule, layer: l.rule.Layer, entity: e.ID, time: now, received: now, lon: e.Lon, lat: e.Lat,
		value: nan, limit: nan, outcome: Raise, since: e.Received.UnixMilli(),
	}
	if s.raised {
		l.f.outcome, l.f.since = Clear, s.since
	}
	if !told(&l.f) {
		return false
	}
	s.raised, s.since, s.time, s.pending = beyond, l.f.since, now, 0
	return true
}
