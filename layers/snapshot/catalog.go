package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options of a Catalog.
type Options struct {
	Dir        string                                   // folder of mapped bases, made if missing; "": a temporary one, removed by Close
	Log        *slog.Logger                             // nil: none
	Registerer prometheus.Registerer                    // nil: no metrics
	Progress   func(layer layers.ID, done, total int64) // of layers being read from the store by Open; called by several goroutines; nil: none
}

// Catalog holds the current view of every layer of a store.
//
// Locks. mu is the writer's: whoever holds it may read the store's log and change
// the content of layers and publish views; it is held while the store is read for
// a few features, never while a layer is read whole. Readers take no lock: the
// set of layers and the view of each are atomic pointers. Bases are built by
// goroutines that hold nothing and take mu to exchange the base.
type Catalog struct {
	store     layers.Store
	identity  string
	dir       string
	tempDir   bool
	log       *slog.Logger
	progress  func(layer layers.ID, done, total int64)
	metrics   *metrics
	rebuildAt int // edits of a layer from which on its base is rebuilt, if they are 2 % of it

	byID atomic.Pointer[map[layers.ID]*layerState]

	mu          sync.Mutex
	position    layers.Revision // the log was read up to here
	mark        *logMark        // of the record there
	markAt      layers.Revision // where mark was taken
	subscribers []*subscriber
	closed      bool

	ctx    context.Context // of builds; ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // one token a build that runs
}

// buildSlots bounds the bases built at a time, and with it memory.
const buildSlots = 2

type subscriber struct{ fn func(layers.Change) }

// layerState is one layer. Only view may be used without Catalog.mu.
type layerState struct {
	id   layers.ID
	view atomic.Pointer[View] // nil until the layer is first read

	layer    *layers.Layer
	content  *content        // nil until the layer is first read
	revision layers.Revision // of the published view
	position layers.Revision // the log is in content up to here
	settled  layers.Revision // content may hold changes up to here that position does not tell of
	complete layers.Revision // the log is in the published view up to here
	restTill time.Time       // the layer is not read whole again before this
	build    *build          // under way, or nil
	stale    bool            // content is not complete at position: the layer must be read whole
	arrived  bool            // content was read from the store and is not published yet
	failed   error           // why the last reading of the layer came to nothing
	failedAt time.Time
	dropped  bool
}

// current is the published view with a reference for the caller; nil if there is none.
func (s *layerState) current() *View {
	for {
		v := s.view.Load()
		if v == nil || v.acquire() {
			return v
		}
	}
}

// publish makes v, whose reference it takes over, the layer's view; nil takes the view away.
func (s *layerState) publish(v *View) {
	if old := s.view.Swap(v); old != nil {
		old.Release()
	}
}

// Open maps the bases on disk that are valid, reads the other layers from the
// store, and returns once every layer has a view that is as new as the store was
// when Open was called. It fails with ErrUnavailable when the folder cannot be
// written. A layer that cannot be read by itself, such as a published table with
// doubled keys, is logged and left out; Check names it.
func Open(ctx context.Context, store layers.Store, o Options) (*Catalog, error) {
	c := &Catalog{store: store, identity: store.Identity(), dir: o.Dir, log: o.Log, progress: o.Progress, slots: make(chan struct{}, buildSlots), rebuildAt: 5000}
	if c.log == nil {
		c.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	empty := map[layers.ID]*layerState{}
	c.byID.Store(&empty)
	if err := c.prepareDir(); err != nil {
		return nil, err
	}
	var err error
	if c.metrics, err = newMetrics(o.Registerer, c); err != nil {
		_ = c.Close()
		return nil, err
	}
	if err := c.load(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Catalog) prepareDir() (err error) {
	if c.dir == "" {
		c.tempDir = true
		if c.dir, err = os.MkdirTemp("", "twind-snapshot-"); err != nil {
			return layers.Errorf(layers.ErrUnavailable, "no temporary folder for the snapshot: %w; set TMPDIR to a folder that can be written", err)
		}
		return nil
	}
	if err = os.MkdirAll(c.dir, 0o777); err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(c.dir, ".probe-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "the snapshot cannot be kept in %s: %w; choose a folder that can be written", c.dir, err)
	}
	return nil
}

// storeKey tells the store's files from others in the folder.
func (c *Catalog) storeKey() string {
	h := sha256.Sum256([]byte(c.identity))
	return hex.EncodeToString(h[:6])
}

func (c *Catalog) path(id layers.ID) string {
	return filepath.Join(c.dir, string(id)+"."+c.storeKey()+".base")
}

// load gives every layer of the store a view.
func (c *Catalog) load(ctx context.Context) error {
	list, err := c.store.Layers(ctx)
	if err != nil {
		return err
	}
	head, err := c.store.Head(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	states := make(map[layers.ID]*layerState, len(list))
	for i := range list {
		l := &list[i]
		s := &layerState{id: l.ID, layer: l, position: head}
		states[l.ID] = s
		if b := c.openFile(l, head); b != nil {
			s.content = newContent(b, l.Schema)
			s.position, s.settled, s.revision = b.meta.Position, b.meta.Settled, b.meta.Revision
		}
	}
	c.removeStrangers(states)
	c.position = head
	c.verifyMarks(ctx, states)
	c.byID.Store(&states)
	for _, s := range states {
		if s.content == nil {
			c.startReload(s)
		}
	}
	err = c.catchUp(ctx) // publishes what was mapped
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err := c.Refresh(ctx, head); err != nil {
		return err
	}
	for _, s := range *c.byID.Load() {
		c.mu.Lock()
		err := s.failed
		c.mu.Unlock()
		if err != nil && fatal(ctx, err) {
			return err
		}
	}
	return nil
}

// openFile maps the layer's base file if it is there and fits the layer; a file
// that does not is removed.
func (c *Catalog) openFile(l *layers.Layer, head layers.Revision) *base {
	path := c.path(l.ID)
	file, err := os.Open(path)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			c.log.Warn("a snapshot file cannot be opened; the layer is read again", "layer", l.ID, "file", path, "error", err)
		}
		return nil
	}
	defer file.Close()
	b, err := mapBase(file)
	if err == nil {
		if err = c.fits(b, l, head); err == nil {
			return b
		}
		b.release()
	}
	c.log.Info("a snapshot file is discarded; the layer is read again", "layer", l.ID, "file", path, "reason", err)
	_ = os.Remove(path)
	return nil
}

// fits tells why a base cannot be used for the layer as the store describes it now.
func (c *Catalog) fits(b *base, l *layers.Layer, head layers.Revision) error {
	m := &b.meta
	old := &m.Layer
	switch {
	case m.Identity != c.identity:
		return baseError("it is of the store %.40q", m.Identity)
	case old.ID != l.ID || old.CRS != l.CRS || old.GeometryType != l.GeometryType || (old.Live == nil) != (l.Live == nil):
		return baseError("the layer is another one now")
	case !schemaGrew(old.Schema, l.Schema):
		return baseError("the layer's properties are others now")
	case m.Position > head:
		return baseError("it is of revision %d, the store of %d", m.Position, head)
	}
	return nil
}

// schemaGrew tells whether the properties of old are the first ones of now.
func schemaGrew(old, now []layers.Property) bool {
	if len(old) > len(now) {
		return false
	}
	for i := range old {
		if old[i].Name != now[i].Name || old[i].Type != now[i].Type {
			return false
		}
	}
	return true
}

// verifyMarks gives up bases whose place in the log holds another record than
// when they were made: the store was put back to an older state and changed since.
func (c *Catalog) verifyMarks(ctx context.Context, states map[layers.ID]*layerState) {
	wanted := map[layers.Revision]*logMark{}
	first := c.position
	for _, s := range states {
		if s.content != nil && s.content.base.meta.Last != nil {
			wanted[s.position] = nil
			first = min(first, s.position)
		}
	}
	err := c.store.Changes(ctx, max(0, first-1), func(r layers.Record) error {
		if _, ok := wanted[r.Revision]; ok {
			m := markOf(&r)
			wanted[r.Revision] = &m
		}
		if r.Revision <= c.position {
			m := markOf(&r)
			c.mark, c.markAt = &m, r.Revision
		}
		return nil
	})
	if err != nil {
		return // the log does not reach back before the bases: catching up shows whether it reaches to them
	}
	for _, s := range states {
		if s.content == nil || s.content.base.meta.Last == nil {
			continue
		}
		if m := wanted[s.position]; m == nil || *m != *s.content.base.meta.Last {
			c.log.Info("a snapshot file is discarded: the store was put back to another state", "layer", s.id, "revision", s.position)
			s.content.base.release()
			s.content, s.position, s.settled, s.revision = nil, c.position, 0, 0
		}
	}
}

// removeStrangers removes files of layers that are no more, and what builds left
// that were killed.
func (c *Catalog) removeStrangers(states map[layers.ID]*layerState) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	suffix := "." + c.storeKey() + ".base"
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasSuffix(name, suffix) && states[layers.ID(strings.TrimSuffix(name, suffix))] == nil,
			strings.HasPrefix(name, tempPrefix) && abandoned(filepath.Join(c.dir, name)):
			_ = os.Remove(filepath.Join(c.dir, name))
		}
	}
}

// state is the layer, or nil.
func (c *Catalog) state(id layers.ID) *layerState { return (*c.byID.Load())[id] }

// setState adds a layer, or with nil removes it. mu is held.
func (c *Catalog) setState(id layers.ID, s *layerState) {
	old := *c.byID.Load()
	next := make(map[layers.ID]*layerState, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	if s == nil {
		delete(next, id)
	} else {
		next[id] = s
	}
	c.byID.Store(&next)
}

// Layers lists the layers' descriptions by id, live layers included. The
// descriptions share memory and must not be changed.
func (c *Catalog) Layers() []layers.Layer {
	var list []layers.Layer
	for _, s := range *c.byID.Load() {
		if v := s.current(); v != nil {
			list = append(list, *v.layer)
			v.Release()
		}
	}
	slices.SortFunc(list, func(a, b layers.Layer) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

// View is the current view of a layer, which the caller must release. It fails
// with ErrNotFound when there is no such layer, or none that could be read yet.
func (c *Catalog) View(id layers.ID) (*View, error) {
	if s := c.state(id); s != nil {
		if v := s.current(); v != nil {
			return v, nil
		}
	}
	return nil, layers.Errorf(layers.ErrNotFound, "there is no layer %q", id)
}

// Identity tells the store (layers.Store.Identity).
func (c *Catalog) Identity() string { return c.identity }

// Subscribe has fn called with every change once it is readable in the views, in
// order. fn must not block, nor call Refresh; it may call View. After cancel
// returns it is not called any more.
func (c *Catalog) Subscribe(fn func(layers.Change)) (cancel func()) {
	s := &subscriber{fn}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers = append(c.subscribers, s)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.subscribers = slices.DeleteFunc(slices.Clone(c.subscribers), func(o *subscriber) bool { return o == s })
	}
}

func (c *Catalog) notify(change layers.Change) {
	for _, s := range c.subscribers {
		s.fn(change)
	}
}

// Close ends builds and takes the views away. Views that are still held stay
// valid until they are released. The store is not closed.
func (c *Catalog) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range *c.byID.Load() {
		s.discard()
	}
	empty := map[layers.ID]*layerState{}
	c.byID.Store(&empty)
	if c.metrics != nil {
		c.metrics.unregister()
	}
	if c.tempDir {
		return os.RemoveAll(c.dir)
	}
	return nil
}

// discard gives the layer's view and base back.
func (s *layerState) discard() {
	s.dropped = true
	s.publish(nil)
	if s.content != nil {
		s.content.base.release()
		s.content = nil
	}
	if s.build != nil {
		s.build.cancel()
	}
}
