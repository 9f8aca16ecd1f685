package tiles3d

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/tiles"
)

// Options are what a Service is made of.
type Options struct {
	Views Views // must be set: From(catalog)

	// Ground is an elevation model: what has no height of its own stands on it; nil
	// is none. GroundRevision names its state; what changes is made again.
	Ground         Ground
	GroundRevision func() string
	// Layers lists the layers. Where the elevation model knows nothing, the rims of
	// their manholes tell the ground; nil leaves that out.
	Layers func() []layers.Layer

	CacheBytes int64                 // for tilesets and contents, all forms; default 256 MiB
	Renderings int                   // at a time; default runtime.GOMAXPROCS(0)
	Log        *slog.Logger          // default: discards
	Registerer prometheus.Registerer // nil: not published
}

// Service makes tilesets and contents, each once, and keeps them. It is safe for
// concurrent use.
type Service struct {
	o         Options
	answers   *tiles.Answers
	workers   sync.Pool
	described tiles.Descriptions

	grounds groundCache

	making [16]sync.Mutex // each held while a state of its scenes is made
	mu     sync.Mutex     // guards states
	states stateCache
}

// New makes a service; it fails with layers.ErrInvalid.
func New(o Options) (*Service, error) {
	if o.Views == nil {
		return nil, layers.Errorf(layers.ErrInvalid, "tiles3d: Views is not set")
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 256 << 20
	}
	s := &Service{o: o}
	s.workers.New = func() any { return new(worker) }
	var err error
	s.answers, err = tiles.NewAnswers(tiles.AnswersOptions{
		Name: "content", CacheBytes: o.CacheBytes, Renderings: o.Renderings, Log: o.Log, Registerer: o.Registerer,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close waits for what is being made; requests fail with layers.ErrUnavailable
// from then on.
func (s *Service) Close() error { return s.answers.Close() }

// Request says which layer is wanted and how.
type Request struct {
	Layer  layers.ID
	Filter layers.Filter // leaves features out; nil is all
	Policy layers.Policy // the reader's rights; the zero Policy is unrestricted
	// Properties are the names of the properties that contents carry besides the
	// id; nil is all, an empty list none.
	Properties []string
	// Query is what the addresses in a tileset repeat, encoded: filter, token.
	Query string
	// AboveGround measures heights from the ground instead of the ellipsoid, for
	// viewers that draw on a flat map.
	AboveGround bool
	// AcceptEncoding and IfNoneMatch are the client's headers of these names.
	AcceptEncoding, IfNoneMatch string
}

// Answer is a tileset or a content, and the revision under which it never changes.
type Answer struct {
	tiles.Answer
	Revision string
}

// Has tells whether a layer has a 3D form.
func Has(l *layers.Layer) bool {
	switch l.Kind {
	case layers.KindBuilding, layers.KindPipe, layers.KindNode, layers.KindPart:
		return l.Live == nil
	}
	return false
}

// site is what the models of a scene have in common.
type site struct {
	hidden   []string // properties that the reader must not see
	ground   Ground
	relative bool // heights are above the ground, not the ellipsoid
}

// offset is what to add to a height of a layer.
func (o *site) offset(l *layers.Layer) float64 {
	if o.relative || l.Heights == nil {
		return 0
	}
	return l.Heights.EllipsoidOffset
}

// modelOf is how the features of a layer look; the layer has a 3D form.
func modelOf(l *layers.Layer, o *site) model {
	switch l.Kind {
	case layers.KindBuilding:
		return newBuildingModel(l, o)
	case layers.KindPipe:
		return newPipeModel(l, o)
	}
	return newPartModel(l, o)
}

// formatVersion changes whenever the same features give other bytes than an older
// program gave.
const formatVersion = 4

// scene is a view with its state, for one request.
type scene struct {
	view   View
	state  *state
	key    tiles.Key // of the layer's description, the reader, the filter
	ground string    // names what its features stand on
}

// open takes a view of the request's layer and its state. The caller releases the
// view. It fails with layers.ErrNotFound for a layer without 3D.
func (s *Service) open(r *Request) (*scene, error) {
	missing := layers.Errorf(layers.ErrNotFound, "there is no 3D layer %s", r.Layer)
	if r.Policy.Deny {
		return nil, missing
	}
	v, err := s.o.Views(r.Layer)
	if err != nil {
		return nil, err
	}
	l := v.Layer()
	if !Has(l) {
		v.Release()
		return nil, missing
	}
	g := s.ground()
	sc := &scene{view: v, key: s.sceneKey(l, v, r), ground: g.name}
	if sc.state, err = s.state(sc, modelOf(l, &site{r.Policy.Hidden, g, r.AboveGround}), r); err != nil {
		v.Release()
		return nil, err
	}
	return sc, nil
}

// sceneKey names all that shapes contents besides the features themselves.
func (s *Service) sceneKey(l *layers.Layer, v View, r *Request) tiles.Key {
	var buf [512]byte
	w := tiles.KeyWriter(buf[:0])
	w.Number(formatVersion)
	relative := uint64(0)
	if r.AboveGround {
		relative = 1
	}
	w.Number(relative)
	h := s.described.Hash(l)
	w = append(w, h[:]...)
	w.Text(v.Identity())
	w.Filter(r.Filter)
	w.Policy(r.Policy)
	return w.Key()
}

// state finds or makes the state of a scene's view.
func (s *Service) state(sc *scene, m model, r *Request) (*state, error) {
	segments := sc.view.Segments()
	id := stateID{scene: sc.key, ground: sc.ground, revision: sc.view.Revision(), base: segments[0].Origin()}
	if st := s.kept(id); st != nil {
		return st, nil
	}
	making := &s.making[int(sc.key[0])%len(s.making)]
	making.Lock()
	defer making.Unlock()
	if st := s.kept(id); st != nil { // another request made it meanwhile
		return st, nil
	}
	match, err := snapshot.NewMatch(sc.view.Layer(), r.Filter, r.Policy)
	if err != nil {
		return nil, err
	}
	indexes := make([]*segIndex, len(segments))
	for k := range segments {
		if k == 0 {
			s.mu.Lock()
			indexes[0] = s.states.base(id)
			s.mu.Unlock()
		}
		if indexes[k] == nil {
			indexes[k] = newIndex(&segments[k], m, match, k > 0)
		}
	}
	st := newState(m, binary.LittleEndian.Uint64(sc.key[:8]), segments, indexes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states.put(id, st)
	return st, nil
}

// kept is a state that was made before, or nil.
func (s *Service) kept(id stateID) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states.get(id)
}

// Tileset is the first tileset of a layer.
func (s *Service) Tileset(ctx context.Context, r Request) (Answer, error) {
	sc, err := s.open(&r)
	if err != nil {
		return Answer{}, err
	}
	st, extras := sc.state, extrasOf(sc.view.Layer(), &r)
	return s.json(ctx, sc, &r, "tileset", st.wholeRevision(), func() ([]byte, error) {
		return st.tileset(addresses{query: r.Query}, extras)
	})
}

// extrasOf is what a viewer is told of a layer.
func extrasOf(l *layers.Layer, r *Request) *Extras {
	e := &Extras{Layer: string(l.ID), Kind: string(l.Kind), VerticalDatum: l.VerticalDatum}
	if r.AboveGround {
		e.Vertical = "ground"
	} else if l.Heights != nil {
		e.EllipsoidOffset = l.Heights.EllipsoidOffset
	}
	return e
}

// Subtree is the tileset of a cell, which the first one names.
func (s *Service) Subtree(ctx context.Context, r Request, c Cell) (Answer, error) {
	sc, err := s.open(&r)
	if err != nil {
		return Answer{}, err
	}
	st := sc.state
	n := st.find(c)
	if n == nil || c.Level != cutLevel {
		sc.view.Release()
		return Answer{}, layers.Errorf(layers.ErrNotFound, "layer %s has no tileset %v", r.Layer, c)
	}
	return s.json(ctx, sc, &r, "tileset "+c.String(), st.treeRevision(n), func() ([]byte, error) {
		return st.subtree(n, addresses{query: r.Query, up: "../../../"})
	})
}

// Report is the JSON of a Report: the features that are not drawn as recorded.
func (s *Service) Report(ctx context.Context, r Request) (Answer, error) {
	sc, err := s.open(&r)
	if err != nil {
		return Answer{}, err
	}
	st := sc.state
	match, err := snapshot.NewMatch(sc.view.Layer(), r.Filter, r.Policy)
	if err != nil {
		sc.view.Release()
		return Answer{}, err
	}
	revision := st.wholeRevision()
	what := "report " + strconv.FormatInt(int64(sc.view.Revision()), 10) // it names what no tileset shows
	return s.document(ctx, sc, &r, what, revision, sc.view.Release, func() ([]byte, error) {
		w := s.workers.Get().(*worker)
		report := w.report(sc.view, st, match)
		s.workers.Put(w) // not after a panic
		report.Revision = revision
		return json.Marshal(report)
	})
}

// json answers with a document made of the scene's state alone; it releases the view.
func (s *Service) json(ctx context.Context, sc *scene, r *Request, what, revision string, render func() ([]byte, error)) (Answer, error) {
	sc.view.Release()
	return s.document(ctx, sc, r, what, revision, nil, render)
}

// document answers with a document; release is called when it is made.
func (s *Service) document(ctx context.Context, sc *scene, r *Request, what, revision string, release func(), render func() ([]byte, error)) (Answer, error) {
	var buf [512]byte
	w := tiles.KeyWriter(buf[:0])
	w.Text("json")
	w.Text(what)
	w.Text(string(sc.key[:]))
	w.Text(revision)
	w.Text(r.Query)
	a, err := s.answers.Get(ctx, tiles.Ask{
		Key: w.Key(), What: what + " of " + string(r.Layer), AcceptEncoding: r.AcceptEncoding, IfNoneMatch: r.IfNoneMatch,
		Release: release,
		Render: func(dst []byte) ([]byte, error) {
			b, err := render()
			return append(dst, b...), err
		},
	})
	return Answer{a, revision}, err
}

// Content is the GLB of a cell. It fails with layers.ErrNotFound for a cell in
// which nothing stands.
func (s *Service) Content(ctx context.Context, r Request, c Cell) (Answer, error) {
	return s.content(ctx, r, c, false)
}

// DetailedContent is the GLB of a cell with the faces of bodies, which replaces the
// other seen from near. It fails with layers.ErrNotFound for a cell in which none are
// known.
func (s *Service) DetailedContent(ctx context.Context, r Request, c Cell) (Answer, error) {
	return s.content(ctx, r, c, true)
}

func (s *Service) content(ctx context.Context, r Request, c Cell, detailed bool) (Answer, error) {
	sc, err := s.open(&r)
	if err != nil {
		return Answer{}, err
	}
	n := sc.state.find(c)
	if n == nil || n.count == 0 || detailed && n.detailed == 0 {
		sc.view.Release()
		return Answer{}, layers.Errorf(layers.ErrNotFound, "layer %s has nothing in cell %v", r.Layer, c)
	}
	columns, err := contentColumns(sc.view.Layer(), &r)
	if err != nil {
		sc.view.Release()
		return Answer{}, err
	}
	revision := sc.state.revision(n)
	var buf [512]byte
	w := tiles.KeyWriter(buf[:0])
	form := ".glb"
	if detailed {
		form = DetailedExt
	}
	w.Text(form)
	w.Number(c.key())
	w.Text(string(sc.key[:]))
	w.Number(n.sum)
	w.Number(uint64(n.count))
	if columns != nil {
		w.Number(uint64(len(columns)))
	}
	for _, k := range columns {
		w.Number(uint64(k))
	}
	a, err := s.answers.Get(ctx, tiles.Ask{
		Key: w.Key(), What: "content " + c.String() + form + " of " + string(r.Layer),
		AcceptEncoding: r.AcceptEncoding, IfNoneMatch: r.IfNoneMatch, Release: sc.view.Release,
		Render: func(dst []byte) ([]byte, error) {
			w := s.workers.Get().(*worker)
			dst = w.content(dst, sc.view, sc.state, n, columns, detailed, nil)
			s.workers.Put(w) // not after a panic
			return dst, nil
		},
	})
	return Answer{a, revision}, err
}

// contentColumns are the numbers of the properties that contents carry; nil when
// only ids are wanted.
func contentColumns(l *layers.Layer, r *Request) ([]int, error) {
	for _, name := range r.Properties {
		if l.PropertyIndex(name) < 0 {
			return nil, layers.Errorf(layers.ErrInvalid, "properties: layer %s has no property %.80q; the schema lists them", l.ID, name)
		}
	}
	if r.Properties != nil && len(r.Properties) == 0 {
		return nil, nil
	}
	columns := []int{}
	for c := range l.Schema {
		name := l.Schema[c].Name
		if r.Properties != nil && !contains(r.Properties, name) || contains(r.Policy.Hidden, name) {
			continue
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func contains(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}
