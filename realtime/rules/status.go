package rules

import (
	"fmt"
	"maps"
	"slices"

	"twind/layers"
	"twind/realtime"
)

// List is all rules by id.
func (r *Rules) List() []Status {
	r.mu.RLock()
	out := make([]Status, 0, len(r.rules))
	for _, id := range slices.Sorted(maps.Keys(r.rules)) {
		out = append(out, r.status(id))
	}
	r.mu.RUnlock()
	for i := range out {
		r.diagnose(&out[i])
	}
	return out
}

// Get is one rule; layers.ErrNotFound.
func (r *Rules) Get(id string) (Status, error) {
	r.mu.RLock()
	if r.rules[id] == nil {
		r.mu.RUnlock()
		return Status{}, layers.Errorf(layers.ErrNotFound, "no rule %.80q; GET /live/rules lists them", id)
	}
	s := r.status(id)
	r.mu.RUnlock()
	r.diagnose(&s)
	return s, nil
}

// status is that of a rule that there is, as far as the rule itself knows. Caller
// holds mu.
func (r *Rules) status(id string) Status {
	p := r.state[id]
	return Status{Rule: r.rules[id], Zones: len(p.zones), Problem: p.problem}
}

// diagnose adds what its layer and what it names there tell of a rule: they come
// and go without the rules. Caller holds no lock, since who has them may be telling
// of positions.
func (r *Rules) diagnose(s *Status) {
	if s.Problem != "" || s.Off {
		return
	}
	if s.Problem = r.layerProblem(s.Rule); s.Problem == "" {
		s.Problem = r.unseen(s.Rule)
	}
}

// layerProblem tells what is wrong with the layer of a rule.
func (r *Rules) layerProblem(s *Rule) string {
	if s.Layer == "" || r.o.Layer == nil {
		return ""
	}
	found, live := r.o.Layer(s.Layer)
	switch {
	case !found && s.readings():
		return fmt.Sprintf("there is no layer %s, so rule %s has no readings: import the layer of the objects, or name another in layer", s.Layer, s.ID)
	case !found:
		return fmt.Sprintf("there is no layer %s, so rule %s watches nothing: add it to live: in the configuration, or name another in layer", s.Layer, s.ID)
	case !live && !s.readings():
		return fmt.Sprintf("layer %s is not live, so rule %s watches nothing: name in layer one whose entities report positions", s.Layer, s.ID)
	}
	return ""
}

// unseen tells when nobody has heard of the one entity, object or datastream that a
// rule is about.
func (r *Rules) unseen(s *Rule) string {
	if s.Feature == "" && s.Datastream == "" || r.hasSeen(s) {
		return ""
	}
	switch {
	case !s.readings():
		if r.o.Entity != nil && !r.o.Entity(s.Layer, s.Feature) {
			return fmt.Sprintf("entity %.80q of layer %s has not been seen yet, so rule %s watches nothing: wait for its first position, or name another in feature", s.Feature, s.Layer, s.ID)
		}
	case r.o.Reading == nil || r.o.Reading(s.Datastream, realtime.Binding{Layer: s.Layer, Feature: s.Feature, Property: s.Property}):
	case s.Datastream != "":
		return fmt.Sprintf("datastream %.80q has not been seen yet, so rule %s has no readings: wait for its first one, or name another in datastream", s.Datastream, s.ID)
	default:
		return fmt.Sprintf("a reading of %.80q of feature %.80q of layer %s has not been seen yet, so rule %s has none: wait for the first one, or name another in feature or property", s.Property, s.Feature, s.Layer, s.ID)
	}
	return ""
}

// hasSeen tells whether a rule about one thing has met it itself, also before a
// restart.
func (r *Rules) hasSeen(s *Rule) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p := r.state[s.ID]
	if p == nil || p.level == nil || r.rules[s.ID] != s {
		return false
	}
	mu := r.readings.mu
	if s.Source == "positions" {
		mu = &r.watches[s.Layer].mu
	}
	mu.Lock()
	defer mu.Unlock()
	return len(p.level.states) > 0
}

// readings tells whether a rule watches observations, which are of any layer.
func (r *Rule) readings() bool { return r.Source == "observations" }
