package tiles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options are what a Service is made of.
type Options struct {
	Views      Views          // must be set: From(catalog)
	NewEncoder func() Encoder // must be set: mvt.New
	Pyramids   Pyramids       // of the views' layers; nil: tiles of every zoom are made of the features

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
	o         Options
	answers   *Answers
	metrics   *serviceMetrics
	described descriptions
	workers   spares[*worker]
}

// New makes a service; it fails with layers.ErrInvalid.
func New(o Options) (*Service, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Service{o: o}
	s.workers = newSpares(o.Renderings, func() *worker { return &worker{encoder: o.NewEncoder()} })
	var err error
	if s.metrics, err = newServiceMetrics(o.Registerer); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	s.answers, err = NewAnswers(AnswersOptions{
		Name: "tile", CacheBytes: o.CacheBytes, Renderings: o.Renderings, Log: o.Log, Registerer: o.Registerer,
	})
	if err != nil {
		return nil, err
	}
	s.answers.compressor.starts = appendStarts
	return s, nil
}

// Close waits for renderings that run and ends the service. Tile fails with
// layers.ErrUnavailable from then on.
func (s *Service) Close() error { return s.answers.Close() }

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
	s.answers.metrics.answers[result].Inc()
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
	found := s.generalized(ctx, r, views)
	k := s.key(r, views, found)
	e, tag, result := s.answers.find(&k, r.IfNoneMatch, enc)
	switch {
	case result == resultNotModified:
		views.release()
		return Tile{Answer: Answer{ETag: tag, Encoding: enc.String(), NotModified: true}}, result, nil
	case e != nil:
		views.release()
	default:
		request := *r
		e, result, err = s.answers.load(ctx, k, "tile "+r.Tile.String(), views.release, func() (*entry, error) { return s.render(k, &request, views, found, enc) })
		if err != nil {
			return Tile{}, "", err
		}
	}
	a, err := s.answers.answer(e, enc)
	return Tile{Answer: a, Generalized: e.generalized, Dropped: e.dropped}, result, err
}

// render makes an entry with the form that was asked for.
func (s *Service) render(k Key, r *Request, views viewList, found generalized, enc Encoding) (*entry, error) {
	w := s.workers.get()
	e, err := s.renderWith(w, k, r, views, found, enc)
	s.workers.put(w) // not after a panic: its state is unknown then
	return e, err
}

func (s *Service) renderWith(w *worker, k Key, r *Request, views viewList, found generalized, enc Encoding) (*entry, error) {
	p, err := newPlan(r, views, found)
	if err != nil {
		return nil, err
	}
	w.find(p, views, Box(r.Tile))
	if n := w.count(); r.Exact && n > MaxExact {
		return nil, layers.Errorf(layers.ErrInvalid, "tile %v holds %d features, too many to be drawn ungeneralised (at most %d); ask for a deeper zoom", r.Tile, n, MaxExact)
	}
	e := &entry{key: k}
	for i := range p.sources {
		q := &p.sources[i]
		e.generalized = e.generalized || q.shown && (q.cells != nil || q.reduce != generalization{})
		e.dropped += q.dropped
	}
	e.dropped += w.dropTiny(p)
	if err := s.fit(e, w, p, r, enc); err != nil {
		return nil, err
	}
	if e.empty = len(w.raw) == 0; e.empty {
		return e, nil
	}
	if f := e.forms[enc].Load(); f == nil {
		b, err := s.answers.compressed(w.raw, enc, false)
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
func (s *Service) fit(e *entry, w *worker, p *plan, r *Request, enc Encoding) error {
	if n := w.count(); !r.Exact && n > maxFeatures {
		e.dropped += w.dropSmallest(maxFeatures/float64(n), r.Tile.Z)
	}
	for {
		var stats Stats
		w.raw, stats = w.encoder.AppendTile(w.raw[:0], r.Tile, w.arrange(p))
		excess, err := 1.0, error(nil)
		if !r.Exact {
			excess, err = s.excess(e, w.raw, enc)
		}
		if err != nil || excess <= 1 {
			s.count(stats)
			return err
		}
		n := w.dropSmallest(0.93/excess, r.Tile.Z)
		if n == 0 {
			s.count(stats)
			return nil // one feature, or features of one size: kept whole
		}
		e.dropped += n
	}
}

// excess is how many times larger than allowed the quick gzip form of raw is, at
// most 1 when it is sure to be small enough; e gets that form if it was made.
func (s *Service) excess(e *entry, raw []byte, enc Encoding) (float64, error) {
	limit := s.o.MaxTileBytes
	if len(raw) <= limit {
		return 1, nil
	}
	if enc != Gzip { // else the form itself is needed anyway
		if ok, err := s.answers.compressor.within(raw, limit); err != nil || ok {
			return 1, err
		}
	}
	zip, err := s.answers.compressed(raw, Gzip, false)
	if err != nil {
		return 0, err
	}
	small := len(zip) <= limit
	if !small && enc == Gzip { // what was asked for must not decide
		if small, err = s.answers.compressor.within(raw, limit); err != nil {
			return 0, err
		}
	}
	if small {
		e.set(Gzip, &form{zip, e.key.etag(Gzip, false), false})
		return 1, nil
	}
	return float64(len(zip)) / float64(limit), nil
}

func (s *Service) count(stats Stats) {
	s.metrics.features.Add(float64(stats.Features))
	s.metrics.repaired.Add(float64(stats.Repaired))
}
