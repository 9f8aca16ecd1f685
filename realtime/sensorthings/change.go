package sensorthings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// change is a write: all of it is kept or none. Caller holds Store.mu.
type change struct {
	s       *Store
	undo    []func()
	touched []*entity        // in the order of the first touch
	seen    map[*entity]bool // touched
	created map[*entity]bool
	gone    map[*entity]bool
	stale   map[int64]bool // Datastreams whose extent may have shrunk

	differences map[*entity]difference // nil: nobody is to be told
	computed    map[*entity][]int      // computed members of Datastreams with another value
}

// write runs fn as one change and returns when it is on disk.
func (s *Store) write(fn func(c *change) error) error {
	end, err := s.apply(fn)
	if err != nil || end == 0 {
		return err
	}
	if err := s.settle(end); err != nil {
		return &problem{http.StatusServiceUnavailable, "The disk does not take the change: " + err.Error()}
	}
	return nil
}

// apply runs fn and writes its records without waiting for the disk.
func (s *Store) apply(fn func(c *change) error) (end int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &change{s: s, seen: map[*entity]bool{}, stale: map[int64]bool{}, created: map[*entity]bool{}, gone: map[*entity]bool{}}
	if s.watches.any() {
		c.differences, c.computed = map[*entity]difference{}, map[*entity][]int{}
	}
	kept := false
	defer func() {
		if !kept {
			c.rollback()
		}
	}()
	if err := fn(c); err != nil {
		return 0, err
	}
	if len(c.created) > 0 && s.size() > s.max {
		return 0, &problem{http.StatusInsufficientStorage, fmt.Sprintf("There are %d entities, as many as may be: delete some first.", s.max)}
	}
	records := c.records()
	if len(records) > 0 {
		if end, err = s.log.append(records); err != nil {
			return 0, &problem{http.StatusServiceUnavailable, "The disk does not take the change: " + err.Error()}
		}
	}
	kept = true
	c.extents()
	if trimmed, err := c.trim(); err != nil {
		return 0, &problem{http.StatusServiceUnavailable, "The disk does not take the change: " + err.Error()}
	} else if trimmed > 0 {
		end = trimmed
	}
	c.notices(end)
	return end, nil
}

func (c *change) rollback() {
	for _, undo := range slices.Backward(c.undo) {
		undo()
	}
}

func (c *change) records() []record {
	records := make([]record, 0, len(c.touched))
	for _, e := range c.touched {
		switch {
		case !c.gone[e]:
			records = append(records, e.record())
		case !c.created[e]:
			records = append(records, record{Set: e.kind.String(), ID: e.id, Gone: true})
		}
	}
	return records
}

// extents brings those of the Datastreams to what the change left.
func (c *change) extents() {
	for _, e := range c.touched {
		if e.kind != observations || c.gone[e] {
			continue
		}
		stream := c.s.find(datastreams, e.one(readingStream))
		if !c.created[e] {
			c.stale[stream.id] = true
			continue
		}
		if stream.extent == nil {
			stream.extent = &extent{}
		}
		before := *stream.extent
		stream.extent.widen(e)
		c.remeasured(stream, before)
	}
	for id := range c.stale {
		if stream := c.s.find(datastreams, id); stream != nil {
			var before extent
			if stream.extent != nil {
				before = *stream.extent
			}
			c.s.measure(stream)
			c.remeasured(stream, before)
		}
	}
}

func (c *change) touch(e *entity) {
	if !c.seen[e] {
		c.seen[e] = true
		c.touched = append(c.touched, e)
	}
}

func (c *change) create(k kind) *entity {
	t := &c.s.tables[k]
	e := &entity{kind: k, id: t.last + 1, values: make([]json.RawMessage, len(definitions[k].members))}
	if k == observations {
		e.received = c.s.now().UnixMilli()
	}
	c.s.put(e)
	c.touch(e)
	c.differs(e, -1)
	c.created[e] = true
	c.undo = append(c.undo, func() {
		c.s.drop(e)
		t.last = e.id - 1
	})
	return e
}

func (c *change) set(e *entity, m int, v json.RawMessage) {
	before, made := e.values[m], e.made
	c.undo = append(c.undo, func() { e.values[m], e.made = before, made })
	if !bytes.Equal(before, v) {
		c.differs(e, m)
	}
	e.values[m] = v
	if e.kind == locations && m == locationPlace {
		e.made = 0 // the next Observation needs another FeatureOfInterest
	}
	c.touch(e)
}

func (c *change) setMade(e *entity, feature int64) {
	before := e.made
	c.undo = append(c.undo, func() { e.made = before })
	e.made = feature
	c.touch(e)
}

// owning gives the owner's side of a relation.
func owning(e *entity, relation int, to *entity) (*entity, int, *entity) {
	r := definitions[e.kind].relations[relation]
	if r.owner {
		return e, relation, to
	}
	return to, r.inverse, e
}

// join links two entities; a to-one relation of the owner leaves its former target.
func (c *change) join(e *entity, relation int, to *entity) {
	e, relation, to = owning(e, relation, to)
	if slices.Contains(e.links[relation], to.id) {
		return
	}
	if !definitions[e.kind].relations[relation].many {
		for _, former := range c.s.targets(e, relation) {
			c.part(e, relation, former)
		}
	}
	c.s.join(e, relation, to)
	c.undo = append(c.undo, func() { c.s.part(e, relation, to) })
	c.differs(e, -1)
	c.touch(e)
}

func (c *change) part(e *entity, relation int, to *entity) {
	e, relation, to = owning(e, relation, to)
	c.s.part(e, relation, to)
	c.undo = append(c.undo, func() { c.s.join(e, relation, to) })
	if e.kind == observations && relation == readingStream {
		c.stale[to.id] = true
	}
	c.differs(e, -1)
	c.touch(e)
}

// remove deletes an entity, and those that cannot be without it.
func (c *change) remove(e *entity) {
	if c.gone[e] {
		return
	}
	c.gone[e] = true
	c.touch(e)
	for i, r := range definitions[e.kind].relations {
		needs := definitions[r.to].relations[r.inverse].required
		for _, to := range slices.Backward(c.s.targets(e, i)) {
			c.part(e, i, to)
			if needs || e.kind == locations && to.kind == historicalLocations && len(to.links[historyLocations]) == 0 {
				c.remove(to)
			}
		}
	}
	c.s.drop(e)
	c.undo = append(c.undo, func() { c.s.put(e) })
}
