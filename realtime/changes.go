package realtime

import (
	"slices"
	"sync"

	"twind/layers"
	"twind/spatial"
)

// changeLogSize is how many changes of static layers a viewer may have missed
// and still be told each.
const changeLogSize = 1024

// changeLog is a ring of the last changes of static layers, numbered from 1.
type changeLog struct {
	mu   sync.Mutex
	ring [changeLogSize]layers.Change
	last uint64 // number of the newest; it stands at ring[last % changeLogSize]
}

// PublishChange tells every viewer of a static layer that it changed, with the
// next tick. It does not block and may be given to snapshot.Catalog.Subscribe.
func (h *Hub) PublishChange(c layers.Change) {
	if len(c.IDs) > maxChangeIDs {
		c.IDs = nil
	}
	c.IDs = slices.Clone(c.IDs)
	l := &h.changes
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.ring[l.last%changeLogSize] = c
}

// since gathers the changes after a number, merged per layer, in the order of
// the layers' last change; complete is false when the ring no longer has them.
func (l *changeLog) since(after uint64, wanted func(layers.ID) bool) (merged []mergedChange, last uint64, complete bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after > l.last || l.last-after > changeLogSize {
		return nil, l.last, false
	}
	for n := after + 1; n <= l.last; n++ {
		c := l.ring[n%changeLogSize]
		if wanted(c.Layer) {
			merged = mergeChange(merged, c)
		}
	}
	return merged, l.last, true
}

// maxChangeIDs is how many features of one change are named; of more, none are.
const maxChangeIDs = 64

// maxBoxes is how many boxes of one layer are told apart in one tick.
const maxBoxes = 16

// mergedChange is one or more changes of a layer, in one box.
type mergedChange struct {
	layers.Change
	unnamed bool // features changed that IDs does not list
}

func (m *mergedChange) addIDs(ids []string) {
	m.unnamed = m.unnamed || len(ids) == 0 || len(m.IDs)+len(ids) > maxChangeIDs
	if m.unnamed {
		m.IDs = nil
		return
	}
	m.IDs = append(slices.Clip(m.IDs), ids...)
	slices.Sort(m.IDs)
	m.IDs = slices.Compact(m.IDs)
}

// mergeChange adds c; beyond maxBoxes of a layer it widens the nearest-fitting box.
func mergeChange(list []mergedChange, c layers.Change) []mergedChange {
	n, best, grown := 0, -1, 0.0
	for i := range list {
		o := &list[i]
		if o.Layer != c.Layer {
			continue
		}
		if o.Whole || c.Whole || o.Envelope.Contains(c.Envelope) {
			o.Whole = o.Whole || c.Whole
			o.Revision = max(o.Revision, c.Revision)
			o.addIDs(c.IDs)
			if c.Whole { // the earlier boxes of the layer are told with it
				kept := list[:0]
				for j := range list {
					if j == i || list[j].Layer != c.Layer {
						kept = append(kept, list[j])
					}
				}
				return kept
			}
			return list
		}
		n++
		if g := area(o.Envelope.Union(c.Envelope)) - area(o.Envelope); best < 0 || g < grown {
			best, grown = i, g
		}
	}
	if n < maxBoxes {
		return append(list, mergedChange{c, len(c.IDs) == 0})
	}
	o := &list[best]
	o.Envelope = o.Envelope.Union(c.Envelope)
	o.Revision = max(o.Revision, c.Revision)
	o.addIDs(c.IDs)
	return list
}

func area(e spatial.Envelope) float64 {
	if e.IsEmpty() {
		return 0
	}
	return (e.MaxX - e.MinX) * (e.MaxY - e.MinY)
}
