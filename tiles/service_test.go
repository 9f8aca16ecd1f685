package tiles_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// A snapshot's view is what the service reads.
var _ tiles.View = (*snapshot.View)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// view is a published state made by hand; its counter tells whether it was released.
type view struct {
	layer    *layers.Layer
	segments []snapshot.SegmentView
	revision func(tile.WorldBox) layers.Revision
	held     *atomic.Int64
	extent   *spatial.Envelope // nil: that of the fixture
}

func (v *view) Layer() *layers.Layer { return v.layer }
func (v *view) Extent() spatial.Envelope {
	if v.extent != nil {
		return *v.extent
	}
	return spatial.Envelope{MinX: -74.02, MinY: 40.7, MaxX: -73.93, MaxY: 40.8}
}
func (v *view) Segments() []snapshot.SegmentView             { return v.segments }
func (v *view) Identity() string                             { return "store" }
func (v *view) TileRevision(b tile.WorldBox) layers.Revision { return v.revision(b) }
func (v *view) Release()                                     { v.held.Add(-1) }

// catalog holds layers whose views are made anew on every look, as after changes.
type catalog struct {
	mu       sync.Mutex
	layers   map[layers.ID]*layers.Layer
	features map[layers.ID][]*layers.Feature
	revision layers.Revision
	touched  map[layers.ID]func(tile.WorldBox) layers.Revision
	held     atomic.Int64
	extent   *spatial.Envelope
}

func (c *catalog) View(id layers.ID) (*view, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.layers[id]
	if l == nil {
		return nil, layers.Errorf(layers.ErrNotFound, "there is no layer %s", id)
	}
	b := snapshot.NewBuilder(l)
	for _, f := range c.features[id] {
		if err := b.Add(f); err != nil {
			return nil, err
		}
	}
	s, err := snapshot.NewSegmentView(b.Edits(), false)
	if err != nil {
		return nil, err
	}
	c.held.Add(1)
	revision := c.revision
	at := func(tile.WorldBox) layers.Revision { return revision }
	if c.touched[id] != nil {
		at = c.touched[id]
	}
	return &view{l, []snapshot.SegmentView{s}, at, &c.held, c.extent}, nil
}

// change replaces a layer's description.
func (c *catalog) change(id layers.ID, f func(*layers.Layer)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := *c.layers[id]
	f(&l)
	c.layers[id] = &l
}

var here = tile.Of(-73.98, 40.75, 14)

// square is a closed ring in degrees around the middle of here, grown by units
// of its grid.
func square(x, y, size float64) spatial.Geometry {
	e := here.Envelope()
	u, v := (e.MaxX-e.MinX)/4096, (e.MaxY-e.MinY)/4096
	x0, y0, x1, y1 := e.MinX+x*u, e.MaxY-y*v, e.MinX+(x+size)*u, e.MaxY-(y+size)*v
	return spatial.NewPolygon([]float64{x0, y0, x1, y0, x1, y1, x0, y1, x0, y0})
}

var schema = []layers.Property{{Name: "name", Type: layers.String}, {Name: "height", Type: layers.Number}}

func newCatalog() *catalog {
	c := &catalog{layers: map[layers.ID]*layers.Layer{}, features: map[layers.ID][]*layers.Feature{}, touched: map[layers.ID]func(tile.WorldBox) layers.Revision{}, revision: 7}
	for _, id := range []layers.ID{"buildings", "parks"} {
		c.layers[id] = &layers.Layer{ID: id, Title: layers.Text{ZH: "层", EN: "Layer " + string(id)}, CRS: 4326, Schema: schema, MinZoom: 10, MaxZoom: 16, Attribution: "© City"}
	}
	for i := range 20 {
		c.features["buildings"] = append(c.features["buildings"], &layers.Feature{ID: fmt.Sprint(i + 1), Geometry: square(float64(200*i), 100, 50+float64(i)),
			Properties: []layers.Value{layers.StringValue(fmt.Sprint("tower ", i)), layers.FloatValue(float64(10 * i))}})
	}
	c.features["parks"] = []*layers.Feature{{ID: "1", Geometry: square(0, 0, 1000), Properties: []layers.Value{layers.StringValue("park"), {}}}}
	return c
}

// slow counts tiles and waits for permission to encode one.
type slow struct {
	tiles.Encoder
	count *atomic.Int64
	gate  chan struct{}
}

func (e slow) AppendTile(dst []byte, id tile.ID, s []tiles.Source) ([]byte, tiles.Stats) {
	e.count.Add(1)
	if e.gate != nil {
		<-e.gate
	}
	return e.Encoder.AppendTile(dst, id, s)
}

func service(t *testing.T, c *catalog, change ...func(*tiles.Options)) (*tiles.Service, *atomic.Int64) {
	t.Helper()
	count := new(atomic.Int64)
	o := tiles.Options{Views: tiles.From(c), NewEncoder: func() tiles.Encoder { return slow{mvt.New(), count, nil} }}
	for _, f := range change {
		f(&o)
	}
	s, err := tiles.New(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.Zero(t, c.held.Load(), "every view is released")
	})
	return s, count
}

func get(t *testing.T, s *tiles.Service, r tiles.Request) tiles.Tile {
	t.Helper()
	if r.Layers == nil {
		r.Layers = []layers.ID{"buildings"}
	}
	if r.Tile == (tile.ID{}) {
		r.Tile = here
	}
	got, err := s.Tile(context.Background(), r)
	require.NoError(t, err)
	return got
}

// plain undoes the encoding of a tile.
func plain(t *testing.T, got tiles.Tile) []byte {
	t.Helper()
	switch got.Encoding {
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(got.Bytes))
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		return b
	case "zstd":
		d, err := zstd.NewReader(nil)
		require.NoError(t, err)
		defer d.Close()
		b, err := d.DecodeAll(got.Bytes, nil)
		require.NoError(t, err)
		return b
	}
	return got.Bytes
}

func decode(t *testing.T, got tiles.Tile) *mvt.Tile {
	t.Helper()
	d, err := mvt.Decode(plain(t, got))
	require.NoError(t, err)
	require.Empty(t, d.Faults)
	return d
}

func TestTile(t *testing.T) {
	s, count := service(t, newCatalog())
	got := get(t, s, tiles.Request{})
	require.Empty(t, got.Encoding)
	require.False(t, got.Empty)
	require.False(t, got.Generalized)
	require.Regexp(t, `^"[A-Za-z0-9_-]+-i"$`, got.ETag)
	d := decode(t, got)
	require.Len(t, d.Layers, 1)
	require.Len(t, d.Layers[0].Features, 20)
	require.Equal(t, []mvt.Property{{Key: "name", Value: "tower 3"}, {Key: "height", Value: 30.0}}, d.Layers[0].Features[3].Properties)
	require.EqualValues(t, 1, count.Load())
	again := get(t, s, tiles.Request{})
	require.Equal(t, got, again)
	require.EqualValues(t, 1, count.Load(), "from the cache")
}

func TestForms(t *testing.T) {
	s, count := service(t, newCatalog())
	want := decode(t, get(t, s, tiles.Request{AcceptEncoding: "gzip"}))
	tags := map[string]bool{}
	for _, accept := range []string{"gzip, deflate", "gzip, deflate, br, zstd", "", "identity", "zstd"} {
		got := get(t, s, tiles.Request{AcceptEncoding: accept})
		require.Equal(t, want, decode(t, got))
		tags[got.ETag] = true
	}
	require.Len(t, tags, 3, "each encoding has its ETag")
	require.EqualValues(t, 1, count.Load(), "one rendering for all forms")
}

// Each compressed form is made once, however many ask for it at the same time.
func TestEachFormIsMadeOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	s, count := service(t, newCatalog(), func(o *tiles.Options) { o.Registerer = registry })
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			r := tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, AcceptEncoding: []string{"gzip", "zstd", ""}[i%3]}
			if _, err := s.Tile(t.Context(), r); err != nil {
				panic(err)
			}
		})
	}
	group.Wait()
	v := metric(t, registry)
	require.EqualValues(t, 1, count.Load())
	require.EqualValues(t, 1, v["twind_tile_forms_total,gzip,quick"])
	require.EqualValues(t, 1, v["twind_tile_forms_total,zstd,quick"])
	require.LessOrEqual(t, v["twind_tile_forms_total,gzip,better"], 1.0)
	require.LessOrEqual(t, v["twind_tile_forms_total,zstd,better"], 1.0)
	require.EqualValues(t, 1, v["twind_tile_forms_total,identity,quick"])
}

// Asked for often, a tile is compressed better in the background; both forms'
// ETags are known.
func TestHotTile(t *testing.T) {
	s, _ := service(t, newCatalog())
	r := tiles.Request{AcceptEncoding: "gzip"}
	first := get(t, s, r)
	require.Eventually(t, func() bool { return get(t, s, r).ETag != first.ETag }, 10*time.Second, time.Millisecond)
	better := get(t, s, r)
	require.LessOrEqual(t, len(better.Bytes), len(first.Bytes))
	require.Equal(t, plain(t, first), plain(t, better))
	for _, tag := range []string{first.ETag, better.ETag} {
		r.IfNoneMatch = tag
		got := get(t, s, r)
		require.True(t, got.NotModified)
		require.Equal(t, tag, got.ETag)
		require.Nil(t, got.Bytes)
	}
}

func TestIfNoneMatch(t *testing.T) {
	c := newCatalog()
	s, count := service(t, c)
	tag := get(t, s, tiles.Request{AcceptEncoding: "zstd"}).ETag
	for header, want := range map[string]bool{
		tag: true, "W/" + tag: true, `"other", ` + tag: true, "*": true,
		`"other"`: false, "": false, tag[:len(tag)-1]: false,
	} {
		require.Equal(t, want, get(t, s, tiles.Request{AcceptEncoding: "zstd", IfNoneMatch: header}).NotModified, header)
	}
	require.False(t, get(t, s, tiles.Request{AcceptEncoding: "gzip", IfNoneMatch: tag}).NotModified, "another form")
	c.mu.Lock()
	c.revision++
	c.mu.Unlock()
	require.False(t, get(t, s, tiles.Request{AcceptEncoding: "zstd", IfNoneMatch: tag}).NotModified, "the layer changed")
	require.EqualValues(t, 2, count.Load())
}

// A change expires the tiles that it touches and no other.
func TestTileRevision(t *testing.T) {
	c := newCatalog()
	var revision atomic.Int64
	change := tiles.Box(here)
	c.touched["buildings"] = func(b tile.WorldBox) layers.Revision {
		if b.Intersects(change) {
			return layers.Revision(revision.Load())
		}
		return 1
	}
	s, _ := service(t, c)
	far := tile.ID{Z: 14, X: here.X + 2, Y: here.Y}
	a, b := get(t, s, tiles.Request{}).ETag, get(t, s, tiles.Request{Tile: far}).ETag
	revision.Add(1)
	c.mu.Lock()
	c.features["buildings"] = c.features["buildings"][:5]
	c.mu.Unlock()
	got := get(t, s, tiles.Request{})
	require.NotEqual(t, a, got.ETag)
	require.Len(t, decode(t, got).Layers[0].Features, 5, "the change is in the next tile")
	require.Equal(t, b, get(t, s, tiles.Request{Tile: far}).ETag)
}

// Everything that shapes a tile is in its key.
func TestKeys(t *testing.T) {
	c := newCatalog()
	s, _ := service(t, c)
	hidden := func(key string) layers.Policy { return layers.Policy{Hidden: []string{"height"}}.WithKey(key) }
	equal := func(p string, v layers.Value) layers.Filter {
		return layers.Comparison{Property: p, Op: layers.Equal, Value: v}
	}
	requests := []tiles.Request{
		{},
		{Tile: tile.ID{Z: 14, X: here.X, Y: here.Y + 1}},
		{Tile: tile.ID{Z: 15, X: 2 * here.X, Y: 2 * here.Y}},
		{Layers: []layers.ID{"parks"}},
		{Layers: []layers.ID{"parks", "buildings"}},
		{Layers: []layers.ID{"buildings", "parks"}},
		{Properties: []string{}},
		{Properties: []string{"name"}},
		{Properties: []string{"height"}},
		{Exact: true},
		{Filter: equal("name", layers.StringValue("1"))},
		{Filter: equal("height", layers.IntValue(1))},
		{Filter: equal("height", layers.FloatValue(1))},
		{Filter: layers.Not{Filter: equal("height", layers.IntValue(1))}},
		{Filter: layers.And{equal("height", layers.IntValue(1))}},
		{Filter: layers.Or{equal("height", layers.IntValue(1))}},
		{Filter: layers.Like{Property: "name", Pattern: "a"}},
		{Filter: layers.Like{Property: "name", Pattern: "a", FoldCase: true}},
		{Filter: layers.In{Property: "name", Values: []layers.Value{layers.StringValue("a")}}},
		{Filter: layers.Between{Property: "height", Low: layers.IntValue(1), High: layers.IntValue(2)}},
		{Filter: layers.IsNull{Property: "height"}},
		{Filter: layers.Intersects{Box: spatial.Envelope{MaxX: 1, MaxY: 1}}},
		{Filter: layers.GeometryIsNull{}},
		{Filter: layers.PropertyComparison{Left: "name", Op: layers.Equal, Right: "name"}},
		{Filter: layers.PropertyComparison{Left: "height", Op: layers.Equal, Right: "height"}},
		{Filter: layers.IntersectsGeometry{Geometry: spatial.NewPoint(1, 1)}},
		{Filter: layers.IntersectsGeometry{Geometry: spatial.NewPoint(1, 2)}},
		{Filter: layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{1, 1, 2, 2, 3, 3, 4, 4})}},
		{Filter: layers.IntersectsGeometry{Geometry: spatial.Geometry{Type: spatial.MultiLineString, XY: []float64{1, 1, 2, 2, 3, 3, 4, 4}, Ends: []int32{2, 4}}}},
		{Policies: []layers.Policy{hidden("")}},
		{Policies: []layers.Policy{hidden("planners")}},
		{Policies: []layers.Policy{{Rows: equal("name", layers.StringValue("1"))}}},
	}
	seen := map[string]int{}
	for i, r := range requests {
		tag := get(t, s, r).ETag
		other, twice := seen[tag]
		require.False(t, twice, "requests %d and %d", other, i)
		seen[tag] = i
	}
	// The description is in the key too.
	was := get(t, s, tiles.Request{}).ETag
	c.change("buildings", func(l *layers.Layer) { l.Label = "name" })
	require.NotEqual(t, was, get(t, s, tiles.Request{}).ETag)
}

func TestEmptyTile(t *testing.T) {
	s, count := service(t, newCatalog())
	r := tiles.Request{Tile: tile.ID{Z: 14, X: 1, Y: 1}, AcceptEncoding: "gzip"}
	got := get(t, s, r)
	require.True(t, got.Empty)
	require.Nil(t, got.Bytes)
	require.Empty(t, got.Encoding)
	require.NotEmpty(t, got.ETag)
	get(t, s, r)
	require.EqualValues(t, 1, count.Load(), "emptiness is kept")
	r.IfNoneMatch = got.ETag
	require.True(t, get(t, s, r).NotModified)
}

func TestSeveralLayers(t *testing.T) {
	c := newCatalog()
	s, _ := service(t, c)
	d := decode(t, get(t, s, tiles.Request{Layers: []layers.ID{"parks", "buildings"}}))
	require.Equal(t, "parks", d.Layers[0].Name)
	require.Equal(t, "buildings", d.Layers[1].Name)
	// One layer begins at a deeper zoom than the other, and one ends earlier.
	c.change("buildings", func(l *layers.Layer) { l.MinZoom = 15 })
	c.change("parks", func(l *layers.Layer) { l.MaxZoom = 12 })
	d = decode(t, get(t, s, tiles.Request{Layers: []layers.ID{"parks", "buildings"}}))
	require.Len(t, d.Layers, 1)
	require.Equal(t, "parks", d.Layers[0].Name)
	_, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here})
	require.ErrorIs(t, err, tiles.ErrZoom)
}

func TestProperties(t *testing.T) {
	s, _ := service(t, newCatalog())
	d := decode(t, get(t, s, tiles.Request{Properties: []string{"height"}}))
	require.Equal(t, []mvt.Property{{Key: "height", Value: 30.0}}, d.Layers[0].Features[3].Properties)
	d = decode(t, get(t, s, tiles.Request{Properties: []string{}}))
	require.Empty(t, d.Layers[0].Features[3].Properties)
	_, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, Properties: []string{"hight"}})
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.ErrorContains(t, err, "hight")
}

func TestFilterAndPolicy(t *testing.T) {
	s, _ := service(t, newCatalog())
	ids := func(r tiles.Request) (list []uint64) {
		for _, l := range decode(t, get(t, s, r)).Layers {
			for _, f := range l.Features {
				list = append(list, f.ID)
			}
		}
		return list
	}
	high := layers.Comparison{Property: "height", Op: layers.GreaterEqual, Value: layers.IntValue(180)}
	nine := layers.Like{Property: "name", Pattern: "%9"}
	require.Equal(t, []uint64{19, 20}, ids(tiles.Request{Filter: high}))
	require.Equal(t, []uint64{20}, ids(tiles.Request{Filter: layers.And{high, nine}}))
	require.Equal(t, []uint64{20}, ids(tiles.Request{Filter: high, Policies: []layers.Policy{{Rows: nine}}}))
	west, _ := square(0, 100, 300).Path(0)
	box := spatial.NewLineString(west).Envelope()
	require.Equal(t, []uint64{1, 2}, ids(tiles.Request{Filter: layers.Intersects{Box: box}}))
	require.Nil(t, ids(tiles.Request{Filter: layers.IsNull{Property: "height"}}))

	// A hidden property is neither shown nor found.
	hidden := []layers.Policy{{Hidden: []string{"height"}}}
	require.Nil(t, ids(tiles.Request{Filter: high, Policies: hidden}))
	d := decode(t, get(t, s, tiles.Request{Policies: hidden}))
	require.Equal(t, []mvt.Property{{Key: "name", Value: "tower 3"}}, d.Layers[0].Features[3].Properties)

	_, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, Policies: []layers.Policy{{Deny: true}}})
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, Filter: layers.IsNull{Property: "nothing"}})
	require.ErrorIs(t, err, layers.ErrInvalid)
}

func TestRefusals(t *testing.T) {
	s, count := service(t, newCatalog())
	many := make([]layers.ID, tiles.MaxLayers+1)
	for i := range many {
		many[i] = layers.ID(fmt.Sprint("l", i))
	}
	cases := []struct {
		name string
		r    tiles.Request
		want error
	}{
		{"no layers", tiles.Request{Tile: here}, layers.ErrInvalid},
		{"too many layers", tiles.Request{Layers: many, Tile: here}, layers.ErrInvalid},
		{"a layer twice", tiles.Request{Layers: []layers.ID{"parks", "buildings", "parks"}, Tile: here}, layers.ErrInvalid},
		{"unknown layer", tiles.Request{Layers: []layers.ID{"buildings", "nothing"}, Tile: here}, layers.ErrNotFound},
		{"column out of range", tiles.Request{Layers: []layers.ID{"parks"}, Tile: tile.ID{Z: 3, X: 8}}, layers.ErrInvalid},
		{"zoom too deep for tiles", tiles.Request{Layers: []layers.ID{"parks"}, Tile: tile.ID{Z: 25}}, layers.ErrInvalid},
		{"zoom below the layer's", tiles.Request{Layers: []layers.ID{"parks"}, Tile: tile.Of(-74, 40, 9)}, tiles.ErrZoom},
		{"zoom beyond the layer's", tiles.Request{Layers: []layers.ID{"parks"}, Tile: tile.Of(-74, 40, 17)}, tiles.ErrZoom},
		{"zooms are not found", tiles.Request{Layers: []layers.ID{"parks"}, Tile: tile.Of(-74, 40, 17)}, layers.ErrNotFound},
		{"policies that do not fit", tiles.Request{Layers: []layers.ID{"parks"}, Tile: here, Policies: make([]layers.Policy, 2)}, layers.ErrInvalid},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := s.Tile(t.Context(), tc.r)
			require.ErrorIs(t, err, tc.want)
			require.NotEmpty(t, err.Error())
		})
	}
	require.Zero(t, count.Load())
}

// However many ask at once, and although the first of them gives up, there is
// one rendering.
func TestOneRendering(t *testing.T) {
	c := newCatalog()
	count, gate := new(atomic.Int64), make(chan struct{})
	s, _ := service(t, c, func(o *tiles.Options) {
		o.NewEncoder = func() tiles.Encoder { return slow{mvt.New(), count, gate} }
	})
	r := tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, AcceptEncoding: "gzip"}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { _, err := s.Tile(ctx, r); first <- err }()
	require.Eventually(t, func() bool { return count.Load() == 1 }, 5*time.Second, time.Millisecond)
	var group sync.WaitGroup
	got := make([]tiles.Tile, 20)
	for i := range got {
		group.Go(func() {
			var err error
			got[i], err = s.Tile(t.Context(), r)
			if err != nil {
				panic(err)
			}
		})
	}
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)
	close(gate)
	group.Wait()
	require.EqualValues(t, 1, count.Load())
	for _, g := range got {
		require.Equal(t, plain(t, got[0]), plain(t, g))
	}
}

// A rendering that nobody waits for any more is not begun.
func TestAbandoned(t *testing.T) {
	c := newCatalog()
	count, gate := new(atomic.Int64), make(chan struct{})
	s, _ := service(t, c, func(o *tiles.Options) {
		o.Renderings = 1
		o.NewEncoder = func() tiles.Encoder { return slow{mvt.New(), count, gate} }
	})
	busy := make(chan error)
	go func() {
		_, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here})
		busy <- err
	}()
	require.Eventually(t, func() bool { return count.Load() == 1 }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := s.Tile(ctx, tiles.Request{Layers: []layers.ID{"parks"}, Tile: here})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(gate)
	require.NoError(t, <-busy)
	require.NoError(t, s.Close())
	require.EqualValues(t, 1, count.Load())
	_, err = s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"parks"}, Tile: here})
	require.ErrorIs(t, err, layers.ErrUnavailable)
}

type broken struct{ tiles.Encoder }

func (broken) AppendTile([]byte, tile.ID, []tiles.Source) ([]byte, tiles.Stats) {
	panic(errors.New("of the encoder"))
}

// A fault of the encoder costs a tile, not the process.
func TestPanicIsAnError(t *testing.T) {
	s, _ := service(t, newCatalog(), func(o *tiles.Options) { o.NewEncoder = func() tiles.Encoder { return broken{} } })
	for range 3 {
		_, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here})
		require.ErrorContains(t, err, here.String())
	}
}

// The cache stays within its bytes, whatever is asked.
func TestCacheIsBounded(t *testing.T) {
	const limit = 1 << 20
	registry := prometheus.NewRegistry()
	s, _ := service(t, newCatalog(), func(o *tiles.Options) { o.CacheBytes, o.Registerer = limit, registry })
	for i := range 400 {
		get(t, s, tiles.Request{Tile: tile.ID{Z: 16, X: 4*here.X + uint32(i%4), Y: 4 * here.Y},
			Filter: layers.Comparison{Property: "height", Op: layers.NotEqual, Value: layers.IntValue(int64(-i - 1))}})
	}
	values := metric(t, registry)
	require.LessOrEqual(t, values["twind_tile_cache_bytes"], float64(limit))
	require.Greater(t, values["twind_tile_cache_entries"], 100.0)
	require.InDelta(t, 400, values["twind_tile_cache_entries"]+values["twind_tile_cache_evictions_total"], 0)
}

// metric reads all single values of a registry.
func metric(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += "," + l.GetValue()
			}
			switch {
			case m.Gauge != nil:
				out[name] = m.Gauge.GetValue()
			case m.Counter != nil:
				out[name] = m.Counter.GetValue()
			}
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	s, _ := service(t, newCatalog(), func(o *tiles.Options) { o.Registerer = registry })
	tag := get(t, s, tiles.Request{AcceptEncoding: "gzip"}).ETag
	get(t, s, tiles.Request{AcceptEncoding: "gzip"})
	get(t, s, tiles.Request{AcceptEncoding: "gzip", IfNoneMatch: tag})
	_, err := s.Tile(t.Context(), tiles.Request{})
	require.Error(t, err)
	v := metric(t, registry)
	require.EqualValues(t, 1, v["twind_tile_answers_total,miss"])
	require.EqualValues(t, 1, v["twind_tile_answers_total,hit"])
	require.EqualValues(t, 1, v["twind_tile_answers_total,not_modified"])
	require.EqualValues(t, 1, v["twind_tile_answers_total,error"])
	require.EqualValues(t, 20, v["twind_tile_features_total"])
	require.EqualValues(t, 1, v["twind_tile_forms_total,gzip,quick"])
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestOptions(t *testing.T) {
	_, err := tiles.New(tiles.Options{CacheBytes: -1})
	require.ErrorIs(t, err, layers.ErrInvalid)
	for _, word := range []string{"Views", "NewEncoder", "CacheBytes"} {
		require.ErrorContains(t, err, word)
	}
}
