package snapshot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"twind/layers"
	"twind/spatial"
)

// pending is what the log says of one layer, since the layer's position.
type pending struct {
	ids     map[string]*pendingFeature
	reload  bool // the layer must be read whole
	created bool
	dropped bool
	renewed bool            // the description changed
	fresh   bool            // layer was read after the last record that renewed it
	layer   layers.Layer    // the description, when created or renewed
	first   layers.Revision // of the layer's first record of a feature, 0 without one
	last    layers.Revision // of the layer's last record
}

// pendingFeature is a changed feature as the store has it.
type pendingFeature struct {
	op       layers.ChangeOp // of its last record
	revision layers.Revision // of its last record
	read     bool            // feature is what the store had when the log said so
	feature  *layers.Feature // nil: it is gone
}

// maxAttempts bounds how often features are read again because they changed
// between the log and the feature being read.
const maxAttempts = 40

// retryPeriod is the time between two attempts at what failed.
const retryPeriod = 5 * time.Second

// Run follows the store until ctx ends, and then returns nil: it publishes the
// changes of all processes as they come and rebuilds bases in the background. It
// fails with ErrUnavailable when the store ends before ctx.
func (c *Catalog) Run(ctx context.Context) error {
	signals, err := c.store.Watch(ctx)
	if err != nil {
		return err
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		c.compareCounts(ctx)
	}()
	// The ticker repeats what failed, and would find a change whose signal was lost.
	tick := time.NewTicker(retryPeriod)
	defer tick.Stop()
	first := make(chan struct{}, 1)
	first <- struct{}{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ctx.Done():
			return layers.Errorf(layers.ErrUnavailable, "the snapshot was closed")
		case _, ok := <-signals:
			if !ok {
				if ctx.Err() != nil {
					return nil
				}
				return layers.Errorf(layers.ErrUnavailable, "the store no longer tells of changes; start again")
			}
		case <-tick.C:
		case <-first:
		}
		if err := c.update(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			c.log.Warn("the snapshot cannot follow the store; it is tried again", "after", retryPeriod, "error", err)
		}
	}
}

// update catches up once.
func (c *Catalog) update(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return layers.Errorf(layers.ErrUnavailable, "the snapshot was closed")
	}
	return c.catchUp(ctx)
}

// Refresh returns once every change up to a revision is published, so that a
// writer reads what it wrote. It fails with the error of the store or of ctx. A
// layer that cannot be read whole is logged and tried again later; Refresh does not
// wait for that.
func (c *Catalog) Refresh(ctx context.Context, upTo layers.Revision) error {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return layers.Errorf(layers.ErrUnavailable, "the snapshot was closed")
		}
		if c.position < upTo || c.behind(upTo) {
			if err := c.catchUp(ctx); err != nil {
				c.mu.Unlock()
				return err
			}
		}
		var wait <-chan struct{}
		for _, s := range *c.byID.Load() {
			if s.build != nil && s.build.reload && s.complete < upTo {
				wait = s.build.done
				break
			}
		}
		c.mu.Unlock()
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// behind tells whether a layer that is not being read lacks changes up to a revision.
func (c *Catalog) behind(upTo layers.Revision) bool {
	for _, s := range *c.byID.Load() {
		if s.position < upTo && s.follows() {
			return true
		}
	}
	return false
}

// catchUp reads the log from where it was left and publishes what it tells. A
// view shows the store as of one revision exactly: a feature that was read is
// taken only if its revision is that of its last record, else the log is read on.
// mu is held.
func (c *Catalog) catchUp(ctx context.Context) error {
	from := c.position
	for _, s := range *c.byID.Load() {
		if s.follows() {
			from = min(from, s.position)
		}
	}
	work := map[layers.ID]*pending{}
	end := from
	for attempt := 0; ; attempt++ {
		err := c.readLog(ctx, end, &end, work)
		if errors.Is(err, layers.ErrNotFound) {
			return c.reloadAll(ctx)
		}
		if err != nil {
			return err
		}
		settled, err := c.readPending(ctx, work)
		if err != nil {
			return err
		}
		if settled {
			break
		}
		if attempt == maxAttempts {
			// Features change faster than they can be read, or the store's revisions
			// do not agree with its log: the layers are read whole.
			for id, p := range work {
				if !p.settled() {
					c.log.Warn("the log and the features of a layer do not agree; it is read again", "layer", id)
					p.reload = true
				}
			}
			break
		}
	}
	c.position = max(c.position, end)
	for id, p := range work {
		c.apply(id, p)
	}
	for _, s := range *c.byID.Load() {
		switch {
		case s.follows():
			s.position, s.complete = c.position, c.position
			c.settle(s)
		case s.build == nil && time.Since(s.failedAt) > retryPeriod:
			s.position = c.position
			c.startReload(s)
		}
	}
	return nil
}

// follows tells whether the layer takes part in catching up: it has content that
// was complete at its position.
func (s *layerState) follows() bool { return s.content != nil && !s.stale }

// readLog adds the records after a revision to work and moves end to the last.
func (c *Catalog) readLog(ctx context.Context, after layers.Revision, end *layers.Revision, work map[layers.ID]*pending) error {
	return c.store.Changes(ctx, after, func(r layers.Record) error {
		*end = max(*end, r.Revision)
		if r.Revision > c.markAt {
			m := markOf(&r)
			c.mark, c.markAt = &m, r.Revision
		}
		s := c.state(r.Layer)
		known := c.position
		if s != nil && s.follows() {
			known = s.position
		}
		if r.Revision <= known {
			return nil
		}
		p := work[r.Layer]
		if p == nil {
			p = &pending{ids: map[string]*pendingFeature{}}
			work[r.Layer] = p
		}
		p.add(&r, c.limit(s))
		return nil
	})
}

// limit is how many changed features of a layer are read one by one.
func (c *Catalog) limit(s *layerState) int {
	const least = 20000
	if s == nil || s.content == nil {
		return least
	}
	return max(least, s.content.base.N/5)
}

func (p *pending) add(r *layers.Record, limit int) {
	p.last = max(p.last, r.Revision)
	switch r.Op {
	case layers.LayerDropped:
		p.dropped, p.created, p.renewed, p.reload = true, false, false, false
		clear(p.ids)
	case layers.LayerCreated:
		p.created, p.fresh = true, false
	case layers.LayerUpdated:
		p.renewed, p.fresh = true, false
	case layers.Reloaded:
		p.reload = true
		p.renewed, p.fresh = true, false // a replaced table may have other columns
		clear(p.ids)
	case layers.Inserted, layers.Updated, layers.Deleted:
		if p.first == 0 {
			p.first = r.Revision
		}
		if p.reload || p.created {
			return
		}
		f := p.ids[r.Feature]
		if f == nil {
			f = &pendingFeature{}
			p.ids[r.Feature] = f
		}
		f.op, f.revision = r.Op, r.Revision
		if f.read && !f.agrees() {
			f.read = false
		}
		if len(p.ids) > limit {
			p.reload = true
			clear(p.ids)
		}
	}
}

// agrees tells whether the feature as read is what its last record tells of.
func (f *pendingFeature) agrees() bool {
	if f.op == layers.Deleted {
		return f.feature == nil
	}
	return f.feature != nil && f.feature.Revision == f.revision
}

// settled tells whether all that is needed was read and agrees with the log.
func (p *pending) settled() bool {
	if p.dropped && !p.created {
		return true
	}
	if (p.created || p.renewed) && !p.fresh {
		return false
	}
	if p.reload || p.created {
		return true
	}
	for _, f := range p.ids {
		if !f.read {
			return false
		}
	}
	return true
}

// readPending reads what the log tells of and was not read yet. It reports
// whether all of it agrees with the log as far as that was read.
func (c *Catalog) readPending(ctx context.Context, work map[layers.ID]*pending) (settled bool, err error) {
	settled = true
	for id, p := range work {
		if p.settled() {
			continue
		}
		if s := c.state(id); s != nil && !s.follows() && !p.dropped {
			// It is being read whole, and will catch up from where that began.
			p.reload, p.fresh = true, true
			clear(p.ids)
			continue
		}
		if p.created || p.renewed {
			// The description has no revision to compare: it counts once the log,
			// read after it, says nothing more.
			l, err := c.store.Layer(ctx, id)
			if errors.Is(err, layers.ErrNotFound) {
				settled = false // the log will say so
				continue
			}
			if err != nil {
				if fatal(ctx, err) || p.created {
					return false, err
				}
				c.log.Warn("the description of a layer cannot be read", "layer", id, "error", err)
				p.created, p.renewed = false, false
				continue
			}
			p.layer, p.fresh = l, true
			settled = false
		}
		if p.reload || p.created {
			continue
		}
		ok, err := c.readFeatures(ctx, id, p)
		if err != nil {
			if fatal(ctx, err) {
				return false, err
			}
			c.log.Warn("changed features of a layer cannot be read; it is read whole", "layer", id, "error", err)
			p.reload = true
		}
		settled = settled && ok
	}
	return settled, nil
}

// readFeatures reads the changed features that were not read or did not agree.
func (c *Catalog) readFeatures(ctx context.Context, id layers.ID, p *pending) (agree bool, err error) {
	var ids []string
	for k, f := range p.ids {
		if !f.read {
			ids = append(ids, k)
			f.feature = nil
		}
	}
	const atATime = 1000
	for ; len(ids) > 0; ids = ids[min(len(ids), atATime):] {
		err := c.store.Scan(ctx, id, layers.Query{IDs: ids[:min(len(ids), atATime)]}, func(f *layers.Feature) error {
			if e := p.ids[f.ID]; e != nil {
				e.feature = f.Clone()
			}
			return nil
		})
		if errors.Is(err, layers.ErrNotFound) {
			return false, nil // dropped meanwhile: the log will say so
		}
		if err != nil {
			return false, err
		}
	}
	agree = true
	for _, f := range p.ids {
		if !f.read {
			f.read = f.agrees()
			agree = agree && f.read
		}
	}
	return agree, nil
}

// apply changes a layer as the log said, publishes it, and tells the subscribers.
func (c *Catalog) apply(id layers.ID, p *pending) {
	s := c.state(id)
	if p.dropped && s != nil {
		c.drop(s)
		c.notify(layers.Change{Layer: id, Revision: p.last, Envelope: wholeWorld, Whole: true})
		s = nil
	}
	if s == nil {
		if p.created || p.reload {
			if p.fresh {
				s = &layerState{id: id, layer: &p.layer, position: c.position}
				c.setState(id, s)
				c.startReload(s)
			}
		}
		return
	}
	if !s.follows() {
		if s.build == nil {
			s.position = c.position
			c.startReload(s)
		}
		return
	}
	if p.renewed && p.fresh && !p.reload {
		if !schemaGrew(s.layer.Schema, p.layer.Schema) || s.layer.CRS != p.layer.CRS || s.layer.GeometryType != p.layer.GeometryType {
			p.reload = true
		} else {
			l := p.layer
			s.layer = &l
			s.content.widen(l.Schema)
			s.content.touched = s.content.touched.raised(p.last)
		}
	}
	if p.reload || p.created {
		// What was just read is older than what the log tells of, but newer than what
		// is shown: a layer that is replaced all the time is shown too.
		c.present(s)
		s.position = c.position
		c.startReload(s)
		return
	}
	change := layers.Change{Layer: id, Revision: p.last, Envelope: spatial.EmptyEnvelope(), Whole: p.renewed}
	for _, fid := range p.byRevision() {
		env, err := c.applyFeature(s, fid, p.ids[fid])
		if err != nil {
			c.log.Error("a change does not fit the snapshot; the layer is read again", "layer", id, "feature", fid, "error", err)
			s.position = c.position
			c.startReload(s)
			return
		}
		change.Envelope = change.Envelope.Union(env)
		if !p.renewed {
			change.IDs = append(change.IDs, fid)
		}
	}
	if p.renewed {
		change.Envelope = wholeWorld
	}
	if p.first != 0 && p.first <= s.settled {
		// The base was read while the store changed: where those features were
		// before is not known.
		s.content.touched = s.content.touched.raised(p.last)
	}
	s.revision = p.last
	if s.arrived {
		return // settle publishes it
	}
	s.publish(s.content.view(s.layer, c.identity, s.revision))
	c.notify(change)
}

// byRevision lists the changed features in the order of their last changes.
func (p *pending) byRevision() []string {
	ids := make([]string, 0, len(p.ids))
	for id := range p.ids {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(p.ids[a].revision, p.ids[b].revision) })
	return ids
}

var wholeWorld = spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}

func (c *Catalog) applyFeature(s *layerState, id string, f *pendingFeature) (spatial.Envelope, error) {
	s.note(id)
	if f.feature == nil {
		return s.content.remove(id, f.revision), nil
	}
	m := mender{layer: s.layer, log: c.log}
	fixed := m.mend(f.feature)
	m.report()
	return s.content.put(fixed, f.revision)
}

// settle does what a layer that has caught up needs: its first view, or the
// rebuilding of its base. mu is held.
func (c *Catalog) settle(s *layerState) {
	c.present(s)
	if s.view.Load() == nil {
		s.publish(s.content.view(s.layer, c.identity, s.revision))
	}
	if n := max(s.content.rows.seg.N, s.content.deadBase.set.count()); s.build == nil && n > max(c.rebuildAt, s.content.base.N/50) && time.Since(s.failedAt) > retryPeriod {
		c.startRebuild(s)
	}
}

// present publishes what was read from the store, if it is not yet. mu is held.
func (c *Catalog) present(s *layerState) {
	if !s.arrived {
		return
	}
	s.arrived = false
	s.complete = max(s.complete, s.content.base.meta.Position) // it was read after that
	s.publish(s.content.view(s.layer, c.identity, s.revision))
	c.notify(layers.Change{Layer: s.id, Revision: s.revision, Envelope: wholeWorld, Whole: true})
}

// drop takes a layer away. mu is held.
func (c *Catalog) drop(s *layerState) {
	s.discard()
	c.setState(s.id, nil)
	c.removeFile(s.id)
}

// reloadAll reads every layer again, because the log does not reach back to where
// it was left. mu is held.
func (c *Catalog) reloadAll(ctx context.Context) error {
	head, err := c.store.Head(ctx)
	if err != nil {
		return err
	}
	list, err := c.store.Layers(ctx)
	if err != nil {
		return err
	}
	c.log.Info("the store's log does not reach back to the snapshot; every layer is read again", "revision", head)
	c.position, c.mark, c.markAt = head, nil, 0
	there := map[layers.ID]bool{}
	for i := range list {
		there[list[i].ID] = true
		s := c.state(list[i].ID)
		if s == nil {
			s = &layerState{id: list[i].ID, layer: &list[i]}
			c.setState(s.id, s)
		}
		s.position = head
		c.startReload(s)
	}
	for id, s := range *c.byID.Load() {
		if !there[id] {
			c.drop(s)
			c.notify(layers.Change{Layer: id, Revision: head, Envelope: wholeWorld, Whole: true})
		}
	}
	return nil
}

// fatal tells errors that end the whole attempt from those of one layer.
func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, layers.ErrUnavailable)
}
