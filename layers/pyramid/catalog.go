package pyramid

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options are what a Catalog is made of.
type Options struct {
	Views func(layers.ID) (View, error) // must be set: Views(catalog)
	// Dir is the folder of the levels' files, which exists; "": temporary files.
	Dir string
	// Identity tells the store whose layers they are from others with files in Dir.
	Identity string
	Log      *slog.Logger // nil: none

	CacheBytes int                   // of cells in memory; default 64 MiB
	Wait       time.Duration         // that Find waits for a change to reach the levels; default 2 s
	Registerer prometheus.Registerer // nil: no metrics
	// Late is told that levels can be read now for which Find did not wait long
	// enough: tiles that were made of the layer itself meanwhile can be asked for
	// again. It must not block. Nil: nobody.
	Late func(layers.ID)
}

// Views makes Options.Views of a catalog, such as a *snapshot.Catalog.
func Views[V View](catalog interface {
	View(layers.ID) (V, error)
}) func(layers.ID) (View, error) {
	return func(id layers.ID) (View, error) {
		v, err := catalog.View(id)
		if err != nil {
			return nil, err
		}
		return v, nil
	}
}

// Catalog makes and keeps the pyramids of layers in the background. It is safe for
// concurrent use.
//
// A layer's pyramid is made by one goroutine at a time, which holds no lock;
// readers take the published one.
type Catalog struct {
	o       Options
	cells   *cache
	metrics *metrics

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	saving sync.Mutex    // one file at a time
	whole  chan struct{} // one token a pyramid that is made whole
	some   chan struct{} // one token an update

	mu     sync.Mutex
	states map[layers.ID]*state
	closed bool
}

// state is one layer. Fields but current are guarded by Catalog.mu.
type state struct {
	current atomic.Pointer[Pyramid]
	busy    bool          // a goroutine works on it
	begun   time.Time     // when it began to work on what it does now
	again   bool          // something changed since the goroutine looked
	next    chan struct{} // closed when a pyramid is published or given up
	late    bool          // a reader went away without the levels it waited for
	edits   *store        // of cells made since the pyramid was made whole
}

// New makes a catalog without pyramids; Changed begins them.
func New(o Options) (*Catalog, error) {
	if o.Views == nil {
		return nil, layers.Errorf(layers.ErrInvalid, "pyramid: Views is not set")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Wait <= 0 {
		o.Wait = 2 * time.Second
	}
	c := &Catalog{o: o, cells: newCache(o.CacheBytes), whole: make(chan struct{}, 1), some: make(chan struct{}, 1), states: map[layers.ID]*state{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	var err error
	if c.metrics, err = newMetrics(o.Registerer, c); err != nil {
		c.cancel()
		return nil, err
	}
	return c, nil
}

// Close ends what runs and gives the files back.
func (c *Catalog) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()
	c.metrics.unregister()
	var errs []error
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.states {
		errs = append(errs, s.closeFiles(s.current.Swap(nil)))
	}
	return errors.Join(errs...)
}

// closeFiles closes the files of a pyramid that nobody reads any more.
func (s *state) closeFiles(p *Pyramid) error {
	seen := map[*store]bool{}
	var errs []error
	shut := func(f *store) {
		if f != nil && !seen[f] {
			seen[f] = true
			errs = append(errs, f.file.Close())
		}
	}
	shut(s.edits)
	if p != nil {
		for _, l := range p.levels {
			l.each(func(r *ref) { shut(r.in) })
		}
	}
	return errors.Join(errs...)
}

// Changed has a layer's pyramid made, or brought up to the layer's current view,
// in the background. It does not block.
func (c *Catalog) Changed(id layers.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	s := c.states[id]
	if s == nil {
		s = &state{next: make(chan struct{})}
		c.states[id] = s
	}
	if s.busy {
		s.again = true
		return
	}
	s.busy, s.begun = true, time.Now()
	c.wg.Add(1)
	go c.follow(id, s)
}

// Changes tells of changes of layers, once they are readable: a *snapshot.Catalog.
type Changes interface {
	Layers() []layers.Layer
	Subscribe(fn func(layers.Change)) (cancel func())
}

// Follow makes the pyramids of all layers and keeps them up to date until cancel
// is called.
func (c *Catalog) Follow(changes Changes) (cancel func()) {
	cancel = changes.Subscribe(func(change layers.Change) { c.Changed(change.Layer) })
	known := changes.Layers()
	c.sweep(known)
	for i := range known {
		c.Changed(known[i].ID)
	}
	return cancel
}

// follow works until the layer's pyramid is as new as its view.
func (c *Catalog) follow(id layers.ID, s *state) {
	defer c.wg.Done()
	for {
		c.mu.Lock()
		s.begun = time.Now()
		c.mu.Unlock()
		err := c.advance(id, s)
		if err != nil && c.ctx.Err() == nil {
			if errors.Is(err, layers.ErrNotFound) {
				c.forget(id)
				c.dropEdits(s)
			} else {
				c.o.Log.Error("the generalised levels of a layer cannot be made; its tiles are made of the layer itself", "layer", id, "error", err)
			}
			s.current.Store(nil)
		}
		if c.rest(id, s) {
			return
		}
	}
}

// advance brings a layer's pyramid up to the current view.
func (c *Catalog) advance(id layers.ID, s *state) error {
	v, err := c.o.Views(id)
	if err != nil {
		return err
	}
	defer v.Release()
	spec, ok := newSpec(v.Layer())
	if !ok {
		s.current.Store(nil)
		return nil
	}
	p := s.current.Load()
	if p == nil || p.identity != v.Identity() || p.hash != spec.hash() {
		s.current.Store(nil)
		p = c.open(id, spec, v)
	}
	if p == nil {
		return c.build(id, s, spec, v)
	}
	if err = c.update(id, s, p, spec, v); err == nil || c.ctx.Err() != nil {
		return err
	}
	c.o.Log.Error("the generalised levels of a layer cannot be brought up to date; they are made anew", "layer", id, "error", err)
	s.current.Store(nil)
	c.forget(id)
	return c.build(id, s, spec, v)
}

// build makes a pyramid whole.
func (c *Catalog) build(id layers.ID, s *state, spec *spec, v View) error {
	if !c.take(c.whole) {
		return c.ctx.Err()
	}
	defer func() { <-c.whole }()
	begin := time.Now()
	c.dropEdits(s)
	in, err := c.create()
	if err != nil {
		return err
	}
	m := &maker{ctx: c.ctx, spec: spec, view: v, cells: c.cells, store: func() (*store, error) { return in, nil }}
	p, err := m.build()
	if err != nil {
		c.cells.drop(in)
		return errors.Join(err, in.discard())
	}
	c.metrics.built(time.Since(begin), m.made)
	c.o.Log.Info("the generalised levels of a layer were made", "layer", id, "cells", m.made, "bytes", in.size, "seconds", time.Since(begin).Seconds())
	c.publish(id, s, p)
	c.saveLater(id, p, in)
	return nil
}

// saveLater keeps a pyramid's file in the background: to make it safe on disk
// takes seconds, in which changes must not wait.
func (c *Catalog) saveLater(id layers.ID, p *Pyramid, in *store) {
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		c.saving.Lock()
		defer c.saving.Unlock()
		c.save(id, p, in)
	}()
}

// publish makes a pyramid the layer's while its goroutine still works on it.
func (c *Catalog) publish(id layers.ID, s *state, p *Pyramid) {
	s.current.Store(p)
	c.mu.Lock()
	late := s.announce()
	c.mu.Unlock()
	c.tell(id, late)
}

// rest reports whether there is no more to do for the layer. If so, nobody finds it
// busy from then on, for there is no next announcement.
func (c *Catalog) rest(id layers.ID, s *state) (done bool) {
	c.mu.Lock()
	late := s.announce()
	s.busy = s.again && !c.closed
	s.again = false
	done = !s.busy
	c.mu.Unlock()
	c.tell(id, late)
	return done
}

// announce wakes those who wait for the layer's levels, and reports whether those
// who went away without are to be told. Catalog.mu is held.
func (s *state) announce() (late bool) {
	close(s.next)
	s.next = make(chan struct{})
	late = s.late && s.current.Load() != nil
	s.late = s.late && !late
	return late
}

// tell tells those who went away without the layer's levels, if there are any.
func (c *Catalog) tell(id layers.ID, late bool) {
	if late && c.o.Late != nil {
		c.o.Late(id)
	}
}

// missed notes that a reader goes away without levels; it reports false when some
// were announced since the reader looked.
func (c *Catalog) missed(s *state, next chan struct{}) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.next != next {
		return false
	}
	s.late = true
	return true
}

// update makes the cells anew that changes touched.
func (c *Catalog) update(id layers.ID, s *state, p *Pyramid, spec *spec, v View) error {
	if !c.take(c.some) {
		return c.ctx.Err()
	}
	defer func() { <-c.some }()
	begin := time.Now()
	m := &maker{ctx: c.ctx, spec: spec, view: v, cells: c.cells, store: func() (*store, error) { return c.editsOf(s) }}
	next, err := m.update(p)
	if err != nil {
		return err
	}
	c.metrics.updated(time.Since(begin), m.made)
	s.current.Store(next)
	if s.edits != nil && s.edits.size > maxEdits {
		return c.compact(id, s, next)
	}
	return nil
}

// dropEdits gives the file of changed cells up. Readers may still use it: it is
// closed when nothing refers to it.
func (c *Catalog) dropEdits(s *state) {
	c.mu.Lock()
	s.edits = nil
	c.mu.Unlock()
}

// editsOf is the file of a layer's changed cells.
func (c *Catalog) editsOf(s *state) (*store, error) {
	c.mu.Lock()
	edits := s.edits
	c.mu.Unlock()
	if edits != nil {
		return edits, nil
	}
	edits, err := c.temporary()
	c.mu.Lock()
	s.edits = edits
	c.mu.Unlock()
	return edits, err
}

// maxEdits is the size of the file of changed cells from which on all cells are
// written to a new file.
const maxEdits = 128 << 20

func (c *Catalog) take(slot chan struct{}) bool {
	select {
	case slot <- struct{}{}:
		return true
	case <-c.ctx.Done():
		return false
	}
}
