package snapshot

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"twind/layers"
	"twind/spatial"
)

// fakeStore is a store in memory whose reads can be delayed, refused and mixed
// with changes: for faults and schedules that a real store does not show on
// demand. Writes are by the test's own methods.
type fakeStore struct {
	mu       sync.Mutex
	identity string
	layers   map[layers.ID]layers.Layer
	features map[layers.ID]map[string]*layers.Feature
	log      []layers.Record
	floor    layers.Revision // the log reaches back to here
	signals  map[chan struct{}]bool

	// Hooks, called without mu before the read that they are named for; an error
	// refuses it.
	beforeScan    func(id layers.ID, q layers.Query) error
	beforeChanges func(after layers.Revision) error
	afterChanges  func()
	beforeLayer   func(id layers.ID) error
}

func newFakeStore() *fakeStore {
	return &fakeStore{identity: "fake", layers: map[layers.ID]layers.Layer{}, features: map[layers.ID]map[string]*layers.Feature{}, signals: map[chan struct{}]bool{}}
}

func (s *fakeStore) head() layers.Revision {
	if n := len(s.log); n > 0 {
		return s.log[n-1].Revision
	}
	return s.floor
}

func (s *fakeStore) record(id layers.ID, feature string, op layers.ChangeOp) layers.Revision {
	r := s.head() + 1
	s.log = append(s.log, layers.Record{Revision: r, Layer: id, Feature: feature, Op: op, Time: time.UnixMicro(int64(r))})
	return r
}

func (s *fakeStore) signal() {
	for ch := range s.signals {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (s *fakeStore) create(l layers.Layer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.layers[l.ID] = l
	s.features[l.ID] = map[string]*layers.Feature{}
	s.record(l.ID, "", layers.LayerCreated)
	s.signal()
}

// put writes features in one transaction and returns its last revision.
func (s *fakeStore) put(id layers.ID, fs ...*layers.Feature) (r layers.Revision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fs {
		op := layers.Inserted
		if s.features[id][f.ID] != nil {
			op = layers.Updated
		}
		r = s.record(id, f.ID, op)
		c := f.Clone()
		c.Revision = r
		s.features[id][f.ID] = c
	}
	s.signal()
	return r
}

func (s *fakeStore) remove(id layers.ID, ids ...string) (r layers.Revision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fid := range ids {
		delete(s.features[id], fid)
		r = s.record(id, fid, layers.Deleted)
	}
	s.signal()
	return r
}

func (s *fakeStore) tell(id layers.ID, op layers.ChangeOp) layers.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op == layers.LayerDropped {
		delete(s.layers, id)
		delete(s.features, id)
	}
	r := s.record(id, "", op)
	s.signal()
	return r
}

func (s *fakeStore) Layers(context.Context) ([]layers.Layer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Collect(maps.Values(s.layers))
	slices.SortFunc(list, func(a, b layers.Layer) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list, nil
}

func (s *fakeStore) Layer(_ context.Context, id layers.ID) (layers.Layer, error) {
	if s.beforeLayer != nil {
		if err := s.beforeLayer(id); err != nil {
			return layers.Layer{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.layers[id]
	if !ok {
		return l, layers.Errorf(layers.ErrNotFound, "no layer %s", id)
	}
	return l, nil
}

func (s *fakeStore) Scan(ctx context.Context, id layers.ID, q layers.Query, yield func(*layers.Feature) error) error {
	if s.beforeScan != nil {
		if err := s.beforeScan(id, q); err != nil {
			return err
		}
	}
	s.mu.Lock()
	var list []*layers.Feature
	if _, ok := s.layers[id]; !ok {
		s.mu.Unlock()
		return layers.Errorf(layers.ErrNotFound, "no layer %s", id)
	}
	for _, f := range s.features[id] {
		if q.IDs == nil || slices.Contains(q.IDs, f.ID) {
			list = append(list, f)
		}
	}
	s.mu.Unlock()
	for _, f := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(f.Clone()); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeStore) Changes(_ context.Context, after layers.Revision, yield func(layers.Record) error) error {
	if s.beforeChanges != nil {
		if err := s.beforeChanges(after); err != nil {
			return err
		}
	}
	if s.afterChanges != nil {
		defer s.afterChanges()
	}
	s.mu.Lock()
	if after < s.floor || after > s.head() {
		s.mu.Unlock()
		return layers.Errorf(layers.ErrNotFound, "no log back to %d", after)
	}
	log := slices.Clone(s.log)
	s.mu.Unlock()
	for _, r := range log {
		if r.Revision > after {
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeStore) Head(context.Context) (layers.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head(), nil
}

func (s *fakeStore) Stats(_ context.Context, id layers.ID) (layers.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := layers.Stats{Count: int64(len(s.features[id])), Extent: spatial.EmptyEnvelope()}
	for _, f := range s.features[id] {
		st.Extent = st.Extent.Union(f.Geometry.Envelope())
	}
	return st, nil
}

func (s *fakeStore) Watch(ctx context.Context) (<-chan struct{}, error) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals[ch] = true
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.signals[ch] {
			delete(s.signals, ch)
			close(ch)
		}
	})
	return ch, nil
}

func (s *fakeStore) Identity() string { return s.identity }
func (s *fakeStore) Close() error     { return nil }

// What the catalog never calls.
func (s *fakeStore) CreateLayer(context.Context, layers.Layer) error { panic("not called") }
func (s *fakeStore) UpdateLayer(context.Context, layers.Layer) error { panic("not called") }
func (s *fakeStore) DropLayer(context.Context, layers.ID) error      { panic("not called") }
func (s *fakeStore) Update(context.Context, func(layers.Tx) error) (layers.Revision, error) {
	panic("not called")
}
func (s *fakeStore) Load(context.Context, layers.ID, layers.LoadMode, iter.Seq2[*layers.Feature, error]) (layers.LoadResult, error) {
	panic("not called")
}
func (s *fakeStore) Check(context.Context, func(string) error) error { panic("not called") }

var _ layers.Store = (*fakeStore)(nil)
