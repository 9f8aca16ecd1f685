package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"twind/layers"
)

// Check compares the snapshot with the store, every feature of every layer, and
// yields one sentence for each fault. What changes while it runs is compared
// again. An error of yield ends it and is returned.
func (c *Catalog) Check(ctx context.Context, yield func(fault string) error) error {
	head, err := c.store.Head(ctx)
	if err != nil {
		return err
	}
	if err := c.Refresh(ctx, head); err != nil {
		return err
	}
	list, err := c.store.Layers(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Live != nil {
			continue
		}
		if err := c.checkLayer(ctx, list[i].ID, yield); err != nil {
			return err
		}
	}
	for _, l := range c.Layers() {
		if !slices.ContainsFunc(list, func(o layers.Layer) bool { return o.ID == l.ID }) {
			if err := yield(fmt.Sprintf("layer %s is in the snapshot and not in the store; remove the snapshot's folder and start again", l.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxFaults bounds the sentences for one layer.
const maxFaults = 20

// checkLayer compares one layer. Features that differ are compared again after a
// refresh, so that only lasting differences are told.
func (c *Catalog) checkLayer(ctx context.Context, id layers.ID, yield func(string) error) error {
	v, err := c.View(id)
	if err != nil {
		reason := "its first reading did not end"
		c.mu.Lock()
		if s := c.state(id); s != nil && s.failed != nil {
			reason = s.failed.Error()
		}
		c.mu.Unlock()
		return yield(fmt.Sprintf("layer %s is not in the snapshot: %s", id, reason))
	}
	suspects, count, err := c.compare(ctx, v, nil)
	n := v.Len()
	v.Release()
	if err != nil {
		return gone(err)
	}
	if count != n && len(suspects) == 0 {
		suspects[""] = fmt.Sprintf("the snapshot has %d features, the store %d", n, count)
	}
	if len(suspects) == 0 {
		return nil
	}
	// Again, as of now.
	head, err := c.store.Head(ctx)
	if err != nil {
		return err
	}
	if err := c.Refresh(ctx, head); err != nil {
		return err
	}
	if v, err = c.View(id); err != nil {
		return gone(err)
	}
	defer v.Release()
	ids := make([]string, 0, len(suspects))
	for fid := range suspects {
		ids = append(ids, fid)
	}
	slices.Sort(ids)
	if ids[0] != "" || len(ids) > 1 {
		if suspects, _, err = c.compare(ctx, v, ids); err != nil {
			return gone(err)
		}
	} else if st, err := c.store.Stats(ctx, id); err != nil || st.Count == int64(v.Len()) {
		return gone(err)
	}
	told := 0
	for _, fid := range ids {
		fault, ok := suspects[fid]
		if !ok {
			continue
		}
		if told++; told > maxFaults {
			return yield(fmt.Sprintf("layer %s: %d features more differ from the store", id, len(suspects)-maxFaults))
		}
		if err := yield(fmt.Sprintf("layer %s: %s; remove the snapshot's folder and start again", id, fault)); err != nil {
			return err
		}
	}
	return nil
}

// gone forgives a layer that was dropped meanwhile.
func gone(err error) error {
	if errors.Is(err, layers.ErrNotFound) {
		return nil
	}
	return err
}

// compare compares the store's features (of ids, or all) with the view's and
// returns what differs, by id, and how many there are in the store.
func (c *Catalog) compare(ctx context.Context, v *View, ids []string) (faults map[string]string, count int, err error) {
	faults = map[string]string{}
	var have layers.Feature
	seen := make(map[string]struct{})
	m := mender{layer: v.layer, log: c.log}
	err = c.store.Scan(ctx, v.layer.ID, layers.Query{IDs: ids}, func(f *layers.Feature) error {
		count++
		if count%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ref, ok := v.Find(f.ID)
		if ids != nil || !ok {
			seen[f.ID] = struct{}{}
		}
		if !ok {
			faults[f.ID] = fmt.Sprintf("feature %q is in the store and not in the snapshot", f.ID)
			return nil
		}
		v.Feature(ref, &have)
		if what := differs(v.layer, m.mend(f), &have); what != "" {
			faults[f.ID] = fmt.Sprintf("feature %q has another %s in the store", f.ID, what)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		if _, ok := seen[id]; ok {
			continue
		}
		if _, ok := v.Find(id); ok {
			faults[id] = fmt.Sprintf("feature %q is in the snapshot and not in the store", id)
		}
	}
	if ids == nil && count != v.Len() {
		return c.strays(ctx, v, faults, count)
	}
	return faults, count, nil
}

// strays finds the view's features that the store has not.
func (c *Catalog) strays(ctx context.Context, v *View, faults map[string]string, count int) (map[string]string, int, error) {
	stored := make(map[string]struct{}, count)
	err := c.store.Scan(ctx, v.layer.ID, layers.Query{}, func(f *layers.Feature) error {
		stored[f.ID] = struct{}{}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	err = v.all(0, func(p placed) error {
		if id := v.ID(p.ref); len(faults) <= 10*maxFaults {
			if _, ok := stored[id]; !ok {
				faults[id] = fmt.Sprintf("feature %q is in the snapshot and not in the store", id)
			}
		}
		return nil
	})
	return faults, count, err
}

// differs names the first part in which two features differ; "" if none.
func differs(l *layers.Layer, stored, have *layers.Feature) string {
	if stored.Revision != have.Revision {
		return "revision"
	}
	if !stored.Geometry.Equal(have.Geometry) {
		return "geometry"
	}
	if !bytes.Equal(stored.Surfaces, have.Surfaces) {
		return "body"
	}
	for c := range l.Schema {
		if normal(stored.Property(c), l.Schema[c].Type) != have.Property(c) {
			return fmt.Sprintf("property %q", l.Schema[c].Name)
		}
	}
	return ""
}

// compareCounts compares the layers that came from files with the store's counts
// and reads those again that differ: changes that no log tells of, such as those
// of a program that dropped the triggers.
func (c *Catalog) compareCounts(ctx context.Context) {
	for id, s := range *c.byID.Load() {
		for range 3 {
			v := s.current()
			if v == nil {
				break
			}
			n, revision, live := int64(v.Len()), v.revision, v.layer.Live != nil
			v.Release()
			if live {
				break
			}
			st, err := c.store.Stats(ctx, id)
			if err != nil || st.Count == n {
				break
			}
			head, err := c.store.Head(ctx)
			if err != nil || c.Refresh(ctx, head) != nil {
				break
			}
			c.mu.Lock()
			if !s.dropped && s.follows() && s.revision == revision && !c.closed {
				c.log.Warn("a layer's snapshot does not have as many features as the store; it is read again", "layer", id, "snapshot", n, "store", st.Count)
				s.position = c.position
				c.startReload(s)
				c.mu.Unlock()
				break
			}
			c.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-c.ctx.Done():
			return
		case <-time.After(0):
		}
	}
}
