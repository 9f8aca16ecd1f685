package snapshot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/spatial/tile"
)

// model is what a layer holds, the plain way: features by id and their order, and
// every box that a change touched.
type model struct {
	features map[string]*layers.Feature
	order    map[string]int // place in scans
	next     int
	touches  []touch
	floor    layers.Revision
}

func newModel(inBase []*layers.Feature, floor layers.Revision) *model {
	m := &model{features: map[string]*layers.Feature{}, order: map[string]int{}, floor: floor}
	for _, f := range inBase {
		m.features[f.ID] = f
	}
	return m
}

func (m *model) touch(id string, r layers.Revision) {
	if f := m.features[id]; f != nil && len(positions(f.Geometry)) > 0 {
		m.touches = append(m.touches, touch{outward(f.Geometry.Envelope()), r})
	}
}

func (m *model) put(f *layers.Feature) {
	m.touch(f.ID, f.Revision)
	m.features[f.ID] = f
	m.touch(f.ID, f.Revision)
	if _, ok := m.order[f.ID]; !ok {
		m.order[f.ID] = m.next
		m.next++
	}
}

func (m *model) remove(id string, r layers.Revision) {
	m.touch(id, r)
	delete(m.features, id)
}

func positions(g spatial.Geometry) []float64 {
	xy := slices.Clone(g.XY)
	for _, p := range g.Members {
		xy = append(xy, positions(p)...)
	}
	return xy
}

// nearby makes features around one place, so that boxes and distances say something.
func nearbyFeature(rng *rand.Rand, id string, r layers.Revision) *layers.Feature {
	x, y := 113+rng.NormFloat64()*.05, 28.2+rng.NormFloat64()*.05
	gs := geometries(x, y)
	g := gs[rng.IntN(len(gs))]
	if rng.IntN(3) > 0 {
		g = spatial.NewPolygon(ring(x, y, .0002+rng.Float64()*.001))
	}
	return &layers.Feature{ID: id, Geometry: g, Properties: values(rng), Revision: r}
}

func TestViewsEqualAModel(t *testing.T) {
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 77))
		l := testLayer()
		var inBase []*layers.Feature
		for i := range 120 {
			inBase = append(inBase, nearbyFeature(rng, fmt.Sprint(i), layers.Revision(i+1)))
		}
		c := contentOf(t, l, inBase)
		m := newModel(inBase, 0)
		for i := range c.base.N {
			m.order[string(c.base.ID(i))] = i
		}
		m.next = c.base.N
		r := layers.Revision(1000)
		type held struct {
			view *View
			want map[string]*layers.Feature
		}
		var old []held
		for step := range 300 {
			r++
			id := fmt.Sprint(rng.IntN(200))
			switch {
			case rng.IntN(4) > 0:
				f := nearbyFeature(rng, id, r)
				place := spatial.EmptyEnvelope()
				if o := m.features[id]; o != nil {
					place = o.Geometry.Envelope()
				}
				env, err := c.put(f, r)
				require.NoError(t, err)
				require.Equal(t, place.Union(f.Geometry.Envelope()), env)
				m.put(f)
			default:
				c.remove(id, r)
				m.remove(id, r)
			}
			if step%60 == 0 {
				v := c.view(l, "store", r)
				verify(t, rng, v, m)
				copied := map[string]*layers.Feature{}
				for k, f := range m.features {
					copied[k] = f
				}
				old = append(old, held{v, copied})
			}
		}
		v := c.view(l, "store", r)
		verify(t, rng, v, m)
		v.Release()
		for _, h := range old {
			n := 0
			require.NoError(t, h.view.Scan(t.Context(), layers.Query{}, func(f *layers.Feature) error {
				n++
				require.Equal(t, h.want[f.ID], f)
				return nil
			}))
			require.Equal(t, len(h.want), n)
			h.view.Release()
		}
		require.Equal(t, int64(1), c.base.refs.Load())
	}
}

// verify asks a view every kind of question and compares with the model.
func verify(t *testing.T, rng *rand.Rand, v *View, m *model) {
	t.Helper()
	ctx := t.Context()
	require.Equal(t, len(m.features), v.Len())
	ids := func(keep func(f *layers.Feature) bool) []string {
		var out []string
		for id, f := range m.features {
			if keep(f) {
				out = append(out, id)
			}
		}
		slices.SortFunc(out, func(a, b string) int { return m.order[a] - m.order[b] })
		return out
	}
	scan := func(q layers.Query) []string {
		var out []string
		require.NoError(t, v.Scan(ctx, q, func(f *layers.Feature) error {
			require.Equal(t, m.features[f.ID], f)
			out = append(out, f.ID)
			return nil
		}))
		n, err := v.Count(ctx, q)
		require.NoError(t, err)
		require.Equal(t, int64(len(out)), n)
		// The same in pages.
		var paged []string
		size := 1 + rng.IntN(60)
		for cursor := ""; ; {
			fs, next, err := v.Page(ctx, q, cursor, size)
			require.NoError(t, err)
			for i := range fs {
				require.Equal(t, m.features[fs[i].ID], &fs[i])
				paged = append(paged, fs[i].ID)
			}
			if next == "" {
				break
			}
			require.Len(t, fs, size)
			cursor = next
		}
		require.Equal(t, out, paged)
		return out
	}
	require.Equal(t, ids(func(*layers.Feature) bool { return true }), scan(layers.Query{}))

	for range 6 {
		x, y, s := 113+rng.NormFloat64()*.05, 28.2+rng.NormFloat64()*.05, rng.Float64()*.1
		env := spatial.Envelope{MinX: x, MinY: y, MaxX: x + s, MaxY: y + s}
		if f := m.features[fmt.Sprint(rng.IntN(200))]; f != nil && rng.IntN(2) == 0 {
			env = f.Geometry.Envelope() // borders that touch exactly
		}
		meets := func(f *layers.Feature) bool {
			e := f.Geometry.Envelope()
			return e.IsEmpty() || e.Intersects(env)
		}
		require.Equal(t, ids(meets), scan(layers.Query{Envelope: &env}))
		var found []string
		v.Search(env, func(r Ref) bool { found = append(found, v.ID(r)); return true })
		want := ids(func(f *layers.Feature) bool { return !f.Geometry.Envelope().IsEmpty() && meets(f) })
		require.ElementsMatch(t, want, found)

		filter := layers.And{layers.Comparison{Property: "height", Op: layers.Less, Value: layers.FloatValue(80)}, layers.Not{Filter: layers.IsNull{Property: "名称"}}}
		matcher, err := layers.NewMatcher(v.layer, filter)
		require.NoError(t, err)
		require.Equal(t, ids(func(f *layers.Feature) bool { return matcher.Match(f) && meets(f) }), scan(layers.Query{Envelope: &env, Filter: filter}))
		box := layers.Intersects{Box: env}
		require.Equal(t, ids(func(f *layers.Feature) bool { return f.Geometry.IntersectsEnvelope(env) }), scan(layers.Query{Filter: box}))

		asked := []string{"7", "no such", "7", "150", fmt.Sprint(rng.IntN(200)), "3"}
		require.Equal(t, ids(func(f *layers.Feature) bool { return slices.Contains(asked, f.ID) && meets(f) }), scan(layers.Query{IDs: asked, Envelope: &env}))

		// Distances.
		k := 1 + rng.IntN(20)
		lon, lat := 113+rng.NormFloat64()*.05, 28.2+rng.NormFloat64()*.05
		o := geodesic.NewOrigin(lon, lat)
		type near struct {
			id     string
			metres float64
		}
		var all []near
		for id, f := range m.features {
			if len(positions(f.Geometry)) > 0 {
				all = append(all, near{id, o.Distance(f.Geometry)})
			}
		}
		slices.SortFunc(all, func(a, b near) int {
			if a.metres != b.metres {
				if a.metres < b.metres {
					return -1
				}
				return 1
			}
			return strings.Compare(a.id, b.id)
		})
		nearOf := func(ns []Neighbour) []near {
			out := []near{}
			for _, n := range ns {
				require.Equal(t, n.ID, v.ID(n.Ref))
				out = append(out, near{n.ID, n.Metres})
			}
			return out
		}
		require.Equal(t, all[:min(k, len(all))], nearOf(v.Nearest(lon, lat, k, 0)))
		limit := rng.Float64() * 5000
		within := slices.DeleteFunc(slices.Clone(all), func(n near) bool { return n.metres > limit })
		require.Equal(t, within, nearOf(v.Within(lon, lat, limit)))
		require.Equal(t, within[:min(k, len(within))], nearOf(v.Nearest(lon, lat, k, limit)))

		// Tiles.
		wbox, _ := queryBoxes(env)
		last := m.floor
		for _, e := range m.touches {
			if e.revision > last && e.box.Intersects(wbox) {
				last = e.revision
			}
		}
		require.Equal(t, last, v.TileRevision(wbox))
		var alive []string
		for s, sv := range v.Segments() {
			list := sv.Search(wbox, nil)
			require.True(t, slices.IsSorted(list))
			for _, i := range list {
				require.True(t, sv.Box[i].Intersects(wbox))
				alive = append(alive, v.ID(Ref{uint32(s), i}))
			}
		}
		require.ElementsMatch(t, ids(func(f *layers.Feature) bool {
			return len(positions(f.Geometry)) > 0 && outward(f.Geometry.Envelope()).Intersects(wbox)
		}), alive)
	}
	for id := range 210 {
		ref, ok := v.Find(fmt.Sprint(id))
		require.Equal(t, m.features[fmt.Sprint(id)] != nil, ok)
		if ok {
			require.Equal(t, fmt.Sprint(id), v.ID(ref))
		}
	}
}

func TestScanRefusesAndHides(t *testing.T) {
	v := viewOf(t, testLayer(), features(50))
	defer v.Release()
	none := func(*layers.Feature) error { return nil }
	require.ErrorIs(t, v.Scan(t.Context(), layers.Query{Time: time.Unix(1, 0)}, none), layers.ErrUnsupported)
	require.ErrorIs(t, v.Scan(t.Context(), layers.Query{Filter: layers.IsNull{Property: "x"}}, none), layers.ErrInvalid)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, v.Scan(ended, layers.Query{}, none), context.Canceled)
	require.Equal(t, context.DeadlineExceeded, v.Scan(t.Context(), layers.Query{}, func(*layers.Feature) error { return context.DeadlineExceeded }))

	n, err := v.Count(t.Context(), layers.Query{Policy: layers.Policy{Deny: true}})
	require.NoError(t, err)
	require.Zero(t, n)

	// A hidden property is null in the answer and to the reader's filter, but not
	// to the policy's own rows.
	rows := layers.Comparison{Property: "flag", Op: layers.Equal, Value: layers.BoolValue(true)}
	q := layers.Query{Policy: layers.Policy{Rows: rows, Hidden: []string{"flag"}}}
	seen := 0
	require.NoError(t, v.Scan(t.Context(), q, func(f *layers.Feature) error {
		seen++
		require.True(t, f.Properties[0].IsNull())
		return nil
	}))
	all, err := v.Count(t.Context(), layers.Query{Filter: rows})
	require.NoError(t, err)
	require.Equal(t, all, int64(seen))
	require.Positive(t, seen)
	q.Filter = rows
	n, err = v.Count(t.Context(), q)
	require.NoError(t, err)
	require.Zero(t, n, "a reader learns nothing of a hidden property by filtering")
}

func TestCursors(t *testing.T) {
	l := testLayer()
	fs := features(100)
	v := viewOf(t, l, fs[:80], fs[80:]...)
	defer v.Release()
	for _, bad := range []string{"x", "\x00", "a\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x00\xff"} {
		_, _, err := v.Page(t.Context(), layers.Query{}, bad, 10)
		require.ErrorIs(t, err, layers.ErrInvalid, "%q", bad)
	}
	// Over a rebuild that changes nothing of the features, nothing is lost.
	w := viewOf(t, l, fs)
	defer w.Release()
	v.base.meta.Generation, w.base.meta.Generation = "generation", "another-10"
	seen := map[string]int{}
	fsA, cursor, err := v.Page(t.Context(), layers.Query{}, "", 40)
	require.NoError(t, err)
	for _, f := range fsA {
		seen[f.ID]++
	}
	last := fsA[39].ID
	fsB, _, err := w.Page(t.Context(), layers.Query{}, cursor, 100)
	require.NoError(t, err)
	ref, _ := w.Find(last)
	require.Equal(t, w.N()-int(ref.Feature)-1, len(fsB), "the page goes on after the feature at which the other ended")
	fsC, next, err := w.Page(t.Context(), layers.Query{}, "", 0)
	require.NoError(t, err)
	require.Empty(t, fsC)
	require.Empty(t, next)
}

func (v *View) N() int { return v.segments[0].N + v.segments[1].N }

// Edits between two pages of one base lose and double nothing.
func TestPagesAcrossEdits(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	l := testLayer()
	fs := features(200)
	c := contentOf(t, l, fs)
	seen := map[string]int{}
	cursor := ""
	for r := layers.Revision(1000); ; r++ {
		v := c.view(l, "s", r)
		page, next, err := v.Page(t.Context(), layers.Query{}, cursor, 17)
		require.NoError(t, err)
		for _, f := range page {
			seen[f.ID]++
		}
		v.Release()
		if next == "" {
			break
		}
		cursor = next
		for range 10 { // edits that move features
			f := fs[rng.IntN(len(fs))]
			f.Geometry = spatial.NewPoint(rng.Float64(), rng.Float64())
			_, err := c.put(f, r)
			require.NoError(t, err)
		}
	}
	require.Len(t, seen, 200)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func TestTouchedEqualsBruteForceAtEverySize(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	past := newTouched(10)
	var all []touch
	check := func() {
		for range 20 {
			x, y, s := rng.Uint32(), rng.Uint32(), uint32(1)<<rng.IntN(31)
			q := tile.WorldBox{MinX: x, MinY: y, MaxX: max(x, x+s), MaxY: max(y, y+s)}
			want := layers.Revision(10)
			for _, e := range all {
				if e.box.Intersects(q) {
					want = max(want, e.revision)
				}
			}
			require.Equal(t, want, past.at(q))
		}
	}
	for i := range 5000 {
		x, y, s := rng.Uint32(), rng.Uint32(), uint32(1)<<rng.IntN(24)
		e := touch{tile.WorldBox{MinX: x, MinY: y, MaxX: max(x, x+s), MaxY: max(y, y+s)}, layers.Revision(11 + i)}
		if i > 0 && rng.IntN(3) == 0 {
			e.box = all[rng.IntN(len(all))].box
		}
		all = append(all, e)
		older := past
		past = past.with(e.box, e.revision)
		require.LessOrEqual(t, older.at(e.box), past.at(e.box))
		if i%500 == 0 {
			check()
		}
	}
	check()
	boxes, revisions := past.all()
	past = restoreTouched(10, boxes, revisions)
	check()
	require.Equal(t, layers.Revision(5010), past.newest)
}

// Where there are too many touches, they are told apart less finely, never wrongly.
func TestTouchedIsBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	past := newTouched(1)
	past.limit = 4000
	n := past.limit + 5*tailLength
	list := make([]touch, 0, n)
	for i := range n {
		x, y := 1<<31+rng.Uint32N(1<<26), 1<<31+rng.Uint32N(1<<26)
		e := touch{tile.WorldBox{MinX: x, MinY: y, MaxX: x + 1000, MaxY: y + 1000}, layers.Revision(i + 2)}
		list = append(list, e)
		past = past.with(e.box, e.revision)
	}
	size := len(past.tail)
	for _, tree := range past.trees {
		size += tree.len()
	}
	require.LessOrEqual(t, size, past.limit+tailLength)
	for range 200 {
		e := list[rng.IntN(n)]
		require.GreaterOrEqual(t, past.at(e.box), e.revision)
	}
	require.Equal(t, layers.Revision(1), past.at(tile.WorldBox{MaxX: 1 << 20, MaxY: 1 << 20}), "what is elsewhere is not touched")
}

// A cursor is whatever a client sends: it gives a page or a clear error.
func FuzzCursor(f *testing.F) {
	v := viewOf(f, testLayer(), features(30))
	f.Add("")
	f.Add("\x00\x05id 3")
	f.Add(v.base.meta.Generation + "\x00\x07x")
	f.Fuzz(func(t *testing.T, cursor string) {
		fs, next, err := v.Page(t.Context(), layers.Query{}, cursor, 10)
		switch {
		case err != nil:
			require.ErrorIs(t, err, layers.ErrInvalid)
		case next == "":
			require.LessOrEqual(t, len(fs), 10)
		default:
			require.Len(t, fs, 10)
		}
	})
}
