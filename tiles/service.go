package tiles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options are what a Service is made of.
type Options struct {
	Views      Views          // must be set: From(catalog)
	NewEncoder func() Encoder // must be set: mvt.New

	CacheBytes   int64                 // for rendered tiles, all forms; default 256 MiB
	MaxTileBytes int                   // of a tile in gzip; what is smallest is left out of a larger one; default 500,000
	Renderings   int                   // at a time; default runtime.GOMAXPROCS(0)
	Log          *slog.Logger          // default: discards
	Registerer   prometheus.Registerer // nil: not published
}

// EnsureDefaults replaces zero values by the defaults.
func (o *Options) EnsureDefaults() {
	if o.CacheBytes == 0 {
		o.CacheBytes = 256 << 20
	}
	if o.MaxTileBytes == 0 {
		o.MaxTileBytes = 500_000
	}
	if o.Renderings == 0 {
		o.Renderings = runtime.GOMAXPROCS(0)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate reports every fault.
func (o *Options) Validate() error {
	var errs []error
	fault := func(bad bool, text string) {
		if bad {
			errs = append(errs, layers.Errorf(layers.ErrInvalid, "tiles: %s", text))
		}
	}
	fault(o.Views == nil, "Views is not set")
	fault(o.NewEncoder == nil, "NewEncoder is not set")
	fault(o.CacheBytes < 0, "CacheBytes is negative")
	fault(o.MaxTileBytes < 0, "MaxTileBytes is negative")
	fault(o.Renderings < 0, "Renderings is negative")
	return errors.Join(errs...)
}

// Service renders tiles, each once, and keeps them. It is safe for concurrent use.
type Service struct {
	o          Options
	cache      *cache
	compressor *compressor
	metrics    *metrics
	described  descriptions
	workers    sync.Pool
	slots      chan struct{} // one for each rendering that runs
	running    sync.WaitGroup

	mu     sync.Mutex // guards calls and closed
	calls  map[key]*call
	closed bool

	hot chan *entry // to be compressed better; see improve
}

// New makes a service; it fails with layers.ErrInvalid.
func New(o Options) (*Service, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Service{o: o, cache: newCache(o.CacheBytes), slots: make(chan struct{}, o.Renderings), calls: map[key]*call{}, hot: make(chan *entry, 256)}
	s.workers.New = func() any { return &worker{encoder: o.NewEncoder()} }
	var err error
	if s.compressor, err = newCompressor(); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	if s.metrics, err = newMetrics(o.Registerer, s.cache); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	s.running.Add(1)
	go s.improve()
	return s, nil
}

// Close waits for renderings that run and ends the service. Tile fails with
// layers.ErrUnavailable from then on.
func (s *Service) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.hot)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// Tile answers a request from the cache or by a rendering that all who ask for
// the same content share; it goes on when the first of them loses patience. It
// fails with layers.ErrInvalid for a request that makes no sense,
// layers.ErrNotFound for a layer that is not there or must not be seen and,
// together with ErrZoom, for a zoom without tiles, and with ctx's error.
func (s *Service) Tile(ctx context.Context, r Request) (Tile, error) {
	t, result, err := s.tile(ctx, &r)
	if err != nil {
		result = resultError
	}
	s.metrics.answers.WithLabelValues(result).Inc()
	return t, err
}

func (s *Service) tile(ctx context.Context, r *Request) (Tile, string, error) {
	if err := r.check(); err != nil {
		return Tile{}, "", err
	}
	for i := range r.Policies {
		if r.Policies[i].Deny {
			return Tile{}, "", layers.Errorf(layers.ErrNotFound, "there is no layer %s", r.Layers[i])
		}
	}
	views, err := s.o.Views.open(r.Layers)
	if err != nil {
		return Tile{}, "", err
	}
	if err := checkZoom(views, r.Tile.Z); err != nil {
		views.release()
		return Tile{}, "", err
	}
	enc, _ := Negotiate(r.AcceptEncoding)
	k := s.key(r, views)
	if tag, ok := k.matches(r.IfNoneMatch, enc); ok {
		views.release()
		return Tile{ETag: tag, Encoding: enc.String(), NotModified: true}, resultNotModified, nil
	}
	e, result := s.cache.get(&k), resultHit
	if e != nil {
		views.release()
	} else if e, result, err = s.load(ctx, k, *r, views, enc); err != nil {
		return Tile{}, "", err
	}
	t, err := s.answer(e, enc)
	return t, result, err
}

// hotAfter is the number of answers after which a tile is worth compressing better.
const hotAfter = 8

// answer gives an entry in an encoding, making the form if it is not there yet.
func (s *Service) answer(e *entry, enc Encoding) (Tile, error) {
	t := Tile{Generalized: e.generalized, Dropped: e.dropped, Empty: e.empty}
	if e.empty {
		t.ETag = e.key.etag(Identity, false)
		return t, nil
	}
	f := e.forms[enc].Load()
	if f == nil {
		var err error
		if f, err = s.form(e, enc, false); err != nil {
			return Tile{}, err
		}
	}
	if enc != Identity && !f.better && e.hits.Add(1) >= hotAfter && !e.hot.Swap(true) {
		s.mu.Lock()
		if !s.closed {
			select {
			case s.hot <- e:
			default:
				e.hot.Store(false) // busy: a later answer asks again
			}
		}
		s.mu.Unlock()
	}
	t.Bytes, t.Encoding, t.ETag = f.bytes, enc.String(), f.etag
	return t, nil
}

// form makes a form of an entry from another one, once.
func (s *Service) form(e *entry, enc Encoding, better bool) (*form, error) {
	e.making.Lock()
	defer e.making.Unlock()
	if f := e.forms[enc].Load(); f != nil && (f.better || !better) {
		return f, nil
	}
	var raw []byte
	var err error
	for _, from := range []Encoding{Identity, Zstd, Gzip} {
		if f := e.forms[from].Load(); f != nil {
			raw, err = s.compressor.expanded(f.bytes, from)
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tiles: expanding a kept tile: %w", err)
	}
	b, err := s.compressed(nil, raw, enc, better)
	if err != nil {
		return nil, err
	}
	f := &form{b, e.key.etag(enc, better), better}
	e.set(enc, f)
	s.cache.resized(e)
	return f, nil
}

// compressed counts what it does.
func (s *Service) compressed(dst, raw []byte, enc Encoding, better bool) ([]byte, error) {
	name, level := "identity", "quick"
	if enc != Identity {
		name = enc.String()
	}
	if better {
		level = "better"
	}
	s.metrics.forms.WithLabelValues(name, level).Inc()
	b, err := s.compressor.compress(dst, raw, enc, better)
	if err != nil {
		return nil, fmt.Errorf("tiles: compressing: %w", err)
	}
	return b, nil
}

// improve compresses hot tiles again, one at a time, until the service ends.
func (s *Service) improve() {
	defer s.running.Done()
	for e := range s.hot {
		for _, enc := range []Encoding{Gzip, Zstd} {
			if e.forms[enc].Load() == nil {
				continue
			}
			if _, err := s.form(e, enc, true); err != nil {
				s.o.Log.Error("compressing a tile again", "error", err)
			}
		}
	}
}

// call is a rendering that one or more requests wait for.
type call struct {
	done    chan struct{} // closed when entry or err is there
	entry   *entry
	err     error
	waiting int // guarded by Service.mu
}

// load waits for the rendering of a key, beginning it if nobody has. It takes the
// views over.
func (s *Service) load(ctx context.Context, k key, r Request, views viewList, enc Encoding) (*entry, string, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		views.release()
		return nil, "", layers.Errorf(layers.ErrUnavailable, "the server is shutting down")
	}
	c, result := s.calls[k], resultShared
	switch {
	case c != nil:
		views.release()
	default:
		if e := s.cache.get(&k); e != nil { // made between the first look and the lock
			s.mu.Unlock()
			views.release()
			return e, resultHit, nil
		}
		c, result = &call{done: make(chan struct{})}, resultMiss
		s.calls[k] = c
		s.running.Add(1)
		go s.run(c, k, r, views, enc)
	}
	c.waiting++
	s.mu.Unlock()
	select {
	case <-c.done:
		return c.entry, result, c.err
	case <-ctx.Done():
		s.mu.Lock()
		c.waiting--
		s.mu.Unlock()
		return nil, "", ctx.Err()
	}
}

// run renders a call's tile when its turn comes, if anybody still waits.
func (s *Service) run(c *call, k key, r Request, views viewList, enc Encoding) {
	defer s.running.Done()
	defer views.release()
	s.slots <- struct{}{}
	defer func() { <-s.slots }()

	s.mu.Lock()
	abandoned := c.waiting == 0
	if abandoned {
		delete(s.calls, k)
		c.err = context.Canceled
		close(c.done)
	}
	s.mu.Unlock()
	if abandoned {
		return
	}
	c.entry, c.err = s.render(k, &r, views, enc)
	if c.err == nil {
		s.cache.put(c.entry)
	}
	s.mu.Lock()
	delete(s.calls, k)
	s.mu.Unlock()
	close(c.done)
}

// render makes an entry with the form that was asked for. A fault of the encoder
// costs this tile, not the process.
func (s *Service) render(k key, r *Request, views viewList, enc Encoding) (e *entry, err error) {
	begin := time.Now()
	w := s.workers.Get().(*worker)
	defer func() {
		if p := recover(); p != nil { // the worker is not put back: its state is unknown
			s.o.Log.Error("rendering a tile", "tile", r.Tile.String(), "layers", r.Layers, "panic", p, "stack", string(debug.Stack()))
			e, err = nil, fmt.Errorf("tiles: rendering %v failed", r.Tile)
			return
		}
		s.workers.Put(w)
		s.metrics.renders.Observe(time.Since(begin).Seconds())
	}()
	p, err := newPlan(r, views)
	if err != nil {
		return nil, err
	}
	w.find(p, views, Box(r.Tile))
	if n := w.count(); r.Exact && n > MaxExact {
		return nil, layers.Errorf(layers.ErrInvalid, "tile %v holds %d features, too many to be drawn ungeneralised (at most %d); ask for a deeper zoom", r.Tile, n, MaxExact)
	}
	e = &entry{key: k}
	for i := range p.sources {
		e.generalized = e.generalized || p.sources[i].shown && p.sources[i].reduce != generalization{}
	}
	e.dropped = w.dropTiny(p)
	if err := s.fit(e, w, p, r); err != nil {
		return nil, err
	}
	if e.empty = len(w.raw) == 0; e.empty {
		return e, nil
	}
	if f := e.forms[enc].Load(); f == nil {
		b, err := s.compressed(nil, w.raw, enc, false)
		if err != nil {
			return nil, err
		}
		e.set(enc, &form{b, k.etag(enc, false), false})
	}
	e.generalized = e.generalized || e.dropped > 0
	s.metrics.dropped.Add(float64(e.dropped))
	return e, nil
}

// maxFeatures is the number of features beyond which a tile is too large before
// it is encoded.
const maxFeatures = 120_000

// fit encodes the tile into w.raw, again with fewer features as long as it is
// larger than allowed. What decides is the quick gzip form whatever form was
// asked for, so that all forms hold the same features.
func (s *Service) fit(e *entry, w *worker, p *plan, r *Request) error {
	if n := w.count(); !r.Exact && n > maxFeatures {
		e.dropped += w.dropSmallest(maxFeatures/float64(n), r.Tile.Z)
	}
	for {
		var stats Stats
		w.raw, stats = w.encoder.AppendTile(w.raw[:0], r.Tile, w.arrange(p))
		limit := s.o.MaxTileBytes
		if r.Exact || len(w.raw) <= limit {
			s.count(stats)
			return nil
		}
		var err error
		if w.zip, err = s.compressed(w.zip[:0], w.raw, Gzip, false); err != nil {
			return err
		}
		if len(w.zip) <= limit {
			e.set(Gzip, &form{append([]byte(nil), w.zip...), e.key.etag(Gzip, false), false})
			s.count(stats)
			return nil
		}
		n := w.dropSmallest(0.93*float64(limit)/float64(len(w.zip)), r.Tile.Z)
		if n == 0 {
			s.count(stats)
			return nil // one feature, or features of one size: kept whole
		}
		e.dropped += n
	}
}

func (s *Service) count(stats Stats) {
	s.metrics.features.Add(float64(stats.Features))
	s.metrics.repaired.Add(float64(stats.Repaired))
}
