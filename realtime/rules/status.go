package rules

import (
	"fmt"
	"maps"
	"slices"

	"twind/layers"
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

// diagnose adds what its layer tells of a rule: layers come and go without the
// rules. Caller holds no lock, since who has the layers may be telling of positions.
func (r *Rules) diagnose(s *Status) {
	if s.Problem != "" || s.Off || s.Layer == "" || r.o.Layer == nil {
		return
	}
	found, live := r.o.Layer(s.Layer)
	switch {
	case !found && s.readings():
		s.Problem = fmt.Sprintf("there is no layer %s, so rule %s has no readings: import the layer of the objects, or name another in layer", s.Layer, s.ID)
	case !found:
		s.Problem = fmt.Sprintf("there is no layer %s, so rule %s watches nothing: add it to live: in the configuration, or name another in layer", s.Layer, s.ID)
	case !live && !s.readings():
		s.Problem = fmt.Sprintf("layer %s is not live, so rule %s watches nothing: name in layer one whose entities report positions", s.Layer, s.ID)
	}
}

// readings tells whether a rule watches observations, which are of any layer.
func (r *Rule) readings() bool { return r.Source == "observations" }
