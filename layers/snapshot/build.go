package snapshot

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"twind/layers"
)

// build is a base in the making: read whole from the store (reload), or made of
// the view that is published, to take the edits in (rebuild).
type build struct {
	reload  bool
	from    layers.Revision     // what is in the log up to here is in the new base
	changed map[string]struct{} // features that changed since a rebuild began
	done    chan struct{}       // closed when it has ended, well or not
	mark    *logMark            // of the record at from
	ctx     context.Context
	cancel  context.CancelFunc

	notBefore time.Time     // when it may start
	took      time.Duration // to make the base
}

// note remembers a feature that changes while the base is rebuilt. mu is held.
func (s *layerState) note(id string) {
	if s.build != nil && s.build.changed != nil {
		s.build.changed[id] = struct{}{}
	}
}

// begin makes a build of the layer the one that counts, instead of any other.
func (c *Catalog) begin(s *layerState, reload bool) *build {
	if s.build != nil {
		s.build.cancel()
	}
	b := &build{reload: reload, from: s.position, done: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancel(c.ctx)
	if !reload {
		b.changed = map[string]struct{}{}
	}
	if c.markAt == b.from {
		b.mark = c.mark
	}
	s.build = b
	return b
}

// wait waits until the build may start.
func (b *build) wait() error {
	if rest := time.Until(b.notBefore); rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-b.ctx.Done():
		}
	}
	return b.ctx.Err()
}

// slot has a base made once the build may start and a slot is free.
func (c *Catalog) slot(b *build, produce func() (*base, error)) (*base, error) {
	if err := b.wait(); err != nil {
		return nil, err
	}
	select {
	case c.slots <- struct{}{}:
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
	defer func() { <-c.slots }()
	start := time.Now()
	made, err := produce()
	if b.took = time.Since(start); err == nil {
		c.metrics.built(b.reload, b.took)
	}
	return made, err
}

// run runs a build in the background when one of the slots is free. finish is
// called with mu held if the build still counts then.
func (c *Catalog) run(s *layerState, b *build, produce func() (*base, error), finish func(*base, error)) {
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		defer close(b.done)
		defer b.cancel()
		made, err := c.slot(b, produce)
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.build != b || s.dropped || c.closed {
			if made != nil {
				made.abandon()
			}
			return
		}
		s.build = nil
		finish(made, err)
	}()
}

// startReload reads a layer whole from the store, in the background. The layer's
// position is where the log is taken up again afterwards. mu is held.
func (c *Catalog) startReload(s *layerState) {
	s.stale = true
	b := c.begin(s, true)
	b.notBefore = s.restTill
	c.run(s, b, func() (*base, error) { return c.readLayer(b, s.id) }, func(made *base, err error) {
		if err != nil {
			s.failed, s.failedAt = err, time.Now()
			c.log.Error("a layer cannot be read", "layer", s.id, "error", err)
			return
		}
		// A layer that is replaced all the time takes a third of one processor.
		s.restTill = time.Now().Add(min(2*b.took, time.Minute))
		c.replace(s, made)
	})
}

// replace takes a base that was read from the store as the layer's content, to be
// published once it has caught up. mu is held.
func (c *Catalog) replace(s *layerState, made *base) {
	if s.content != nil {
		s.content.base.release()
	}
	l := made.meta.Layer
	s.layer, s.content, s.stale, s.failed = &l, newContent(made, l.Schema), false, nil
	s.position, s.settled, s.revision = made.meta.Position, made.meta.Settled, made.meta.Revision
	s.arrived = true
	c.keepLater(s, made)
	if err := c.catchUp(c.ctx); err != nil {
		c.log.Warn("a layer was read, but not yet what changed meanwhile", "layer", s.id, "error", err)
	}
}

// readLayer makes a base of what the store holds.
func (c *Catalog) readLayer(b *build, id layers.ID) (*base, error) {
	ctx := b.ctx
	l, err := c.store.Layer(ctx, id)
	if err != nil {
		return nil, err
	}
	total := int64(-1)
	if c.progress != nil && l.Live == nil {
		st, err := c.store.Stats(ctx, id)
		if err != nil {
			return nil, err
		}
		total = st.Count
	}
	start := time.Now()
	builder, faults := newBaseBuilder(&l, c.dir), mender{layer: &l, log: c.log}
	defer builder.close()
	if l.Live == nil {
		err = c.store.Scan(ctx, id, layers.Query{}, func(f *layers.Feature) error {
			if builder.n%10000 == 0 && total >= 0 {
				c.progress(id, int64(builder.n), total)
			}
			return builder.add(faults.mend(f))
		})
	}
	if err != nil {
		return nil, err
	}
	if total >= 0 {
		c.progress(id, int64(builder.n), int64(builder.n))
	}
	head, err := c.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	faults.report()
	// The features are of some revision between the one the build began at and head.
	settled := max(b.from, head)
	meta := &baseMeta{Salt: rand.Text(), Layer: l, Position: b.from, Settled: settled, Revision: settled, Floor: settled}
	made, err := c.writeBase(b, builder, meta, newTouched(settled))
	if err == nil {
		c.log.Info("a layer was read", "layer", id, "features", builder.n, "seconds", time.Since(start).Seconds())
	}
	return made, err
}

// startRebuild makes a new base of a layer's view, in the background, and takes
// over what changes meanwhile. mu is held.
func (c *Catalog) startRebuild(s *layerState) {
	v := s.current()
	if v == nil {
		return
	}
	b := c.begin(s, false)
	position, settled := s.position, max(s.position, s.settled)
	c.run(s, b, func() (*base, error) {
		defer v.Release()
		return c.repack(b, v, position, settled)
	}, func(made *base, err error) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				s.failedAt = time.Now()
				c.log.Error("the base of a layer cannot be rebuilt", "layer", s.id, "error", err)
			}
			return
		}
		c.exchange(s, made, b.changed)
	})
}

// repack makes a base of a view.
func (c *Catalog) repack(b *build, v *View, position, settled layers.Revision) (*base, error) {
	builder := newBaseBuilder(v.layer, c.dir)
	defer builder.close()
	var f layers.Feature
	err := v.all(0, func(p placed) error {
		if builder.n%1000 == 0 {
			if err := b.ctx.Err(); err != nil {
				return err
			}
		}
		v.Feature(p.ref, &f)
		return builder.add(&f)
	})
	if err != nil {
		return nil, err
	}
	meta := &baseMeta{Salt: v.base.meta.Salt, Layer: *v.layer, Position: position, Settled: settled, Revision: v.revision, Floor: v.touched.floor}
	return c.writeBase(b, builder, meta, v.touched)
}

// exchange puts a rebuilt base in the place of the one it was made of: what
// readers see stays the same. mu is held.
func (c *Catalog) exchange(s *layerState, made *base, changed map[string]struct{}) {
	old, now := s.content, newContent(made, s.layer.Schema)
	now.touched = newTouched(0) // nothing is touched by this
	var living []placed
	for id := range changed {
		if ref, ok := old.find(id); ok {
			living = append(living, placed{old.place(ref), ref})
		} else {
			now.remove(id, 0)
		}
	}
	slices.SortFunc(living, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	var f layers.Feature
	for _, p := range living {
		old.feature(p.ref, s.layer.Schema, &f)
		if _, err := now.put(&f, 0); err != nil {
			c.log.Error("the base of a layer cannot be exchanged", "layer", s.id, "error", err)
			made.abandon()
			return
		}
	}
	now.touched = old.touched
	s.content, s.settled = now, made.meta.Settled
	s.publish(now.view(s.layer, c.identity, s.revision))
	old.base.release()
	c.keepLater(s, made)
}
