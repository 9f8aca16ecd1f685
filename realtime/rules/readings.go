package rules

import (
	"slices"
	"sync"

	"twind/layers"
	"twind/realtime"
)

// readings are the thresholds on observations. Rules.mu guards the maps, mu the
// states of the levels.
type readings struct {
	mu         *sync.Mutex
	byStream   map[string][]*level
	byProperty map[observed][]*level
}

type observed struct {
	layer    layers.ID
	property string
}

func newReadings() readings {
	return readings{&sync.Mutex{}, map[string][]*level{}, map[observed][]*level{}}
}

func (r *readings) add(l *level) {
	if d := l.rule.Datastream; d != "" {
		r.byStream[d] = append(r.byStream[d], l)
		return
	}
	k := observed{l.rule.Layer, l.rule.Property}
	r.byProperty[k] = append(r.byProperty[k], l)
}

func (r *readings) remove(l *level) {
	same := func(x *level) bool { return x == l }
	k := observed{l.rule.Layer, l.rule.Property}
	if r.byProperty[k] = slices.DeleteFunc(r.byProperty[k], same); len(r.byProperty[k]) == 0 {
		delete(r.byProperty, k)
	}
	d := l.rule.Datastream
	if r.byStream[d] = slices.DeleteFunc(r.byStream[d], same); len(r.byStream[d]) == 0 {
		delete(r.byStream, d)
	}
}

func (r *readings) observations(rows []realtime.Observation, told func(*finding) bool) {
	if len(r.byStream)+len(r.byProperty) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range rows {
		o := &rows[i]
		for _, l := range r.byStream[o.Datastream] {
			l.observation(o, told)
		}
		if o.Layer == "" {
			continue
		}
		for _, l := range r.byProperty[observed{o.Layer, o.Property}] {
			l.observation(o, told)
		}
	}
}
