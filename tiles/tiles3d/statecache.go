package tiles3d

import (
	"twind/layers"
	"twind/layers/snapshot"
	"twind/tiles"
)

// stateID names a state: the scene, and the rows of the view.
type stateID struct {
	scene    tiles.Key
	ground   string
	revision layers.Revision
	base     *snapshot.Segment // its origin
}

// statesKept is the number of states that are kept: those of some layers, as seen
// by some readers through some filters.
const statesKept = 48

// stateCache keeps the states used last. It belongs to who holds Service.mu.
type stateCache struct {
	list []keptState // used last comes last
}

type keptState struct {
	id    stateID
	state *state
}

func (c *stateCache) get(id stateID) *state {
	for k := len(c.list) - 1; k >= 0; k-- {
		if kept := c.list[k]; kept.id == id {
			copy(c.list[k:], c.list[k+1:])
			c.list[len(c.list)-1] = kept
			return kept.state
		}
	}
	return nil
}

// base is the index of a base segment that an older state of the scene has.
func (c *stateCache) base(id stateID) *segIndex {
	for k := len(c.list) - 1; k >= 0; k-- {
		if o := c.list[k].id; o.scene == id.scene && o.ground == id.ground && o.base == id.base {
			return c.list[k].state.index[0]
		}
	}
	return nil
}

// put adds a state in place of older ones of its scene.
func (c *stateCache) put(id stateID, s *state) {
	kept := c.list[:0]
	for _, o := range c.list {
		if o.id.scene != id.scene || o.id.revision > id.revision {
			kept = append(kept, o)
		}
	}
	clear(c.list[len(kept):])
	c.list = append(kept, keptState{id, s})
	if len(c.list) > statesKept {
		c.list = append(c.list[:0], c.list[1:]...)
	}
}
