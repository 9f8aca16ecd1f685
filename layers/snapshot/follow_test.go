package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if benchDir != "" {
			_ = os.RemoveAll(benchDir)
		}
		os.Exit(code)
	}))
}

func pointFeature(id string, x float64) *layers.Feature {
	return &layers.Feature{ID: id, Geometry: spatial.NewPoint(x, 1), Properties: make([]layers.Value, len(testSchema))}
}

// fakeCity is a store with one layer of n points, and a catalog of it.
func fakeCity(t *testing.T, n int, change func(c *Catalog)) (*fakeStore, *Catalog) {
	s := newFakeStore()
	s.create(*testLayer())
	for i := range n {
		s.put("things", pointFeature(fmt.Sprint(i), float64(i)/100))
	}
	c, err := Open(t.Context(), s, Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	if change != nil {
		change(c)
	}
	return s, c
}

func requireSame(t *testing.T, c *Catalog) {
	t.Helper()
	require.NoError(t, c.Check(t.Context(), func(fault string) error { return errors.New(fault) }))
}

// While features change between the log and the features being read, what is
// published is still the store at one revision: sums that every transaction keeps
// are kept in every view, and a tile's revision never stands for two contents.
func TestViewsAreTheStoreAtOneRevision(t *testing.T) {
	const n = 24
	s, c := fakeCity(t, n, func(c *Catalog) { c.rebuildAt = 40 })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	amount := make([]int64, n)
	one := func(i int) *layers.Feature {
		f := pointFeature(fmt.Sprint(i), float64(i)/100)
		f.Properties[1] = layers.IntValue(amount[i])
		return f
	}
	var all []*layers.Feature
	for i := range n {
		all = append(all, one(i))
	}
	s.put("things", all...)
	wg.Add(1)
	go func() { // one writer moves amounts between features
		defer wg.Done()
		rng := rand.New(rand.NewPCG(1, 1))
		for ctx.Err() == nil {
			a, b := rng.IntN(n), rng.IntN(n)
			if a == b {
				continue
			}
			amount[a]++
			amount[b]--
			s.put("things", one(a), one(b))
			time.Sleep(50 * time.Microsecond)
		}
	}()
	wg.Add(1)
	go func() {
		defer wg.Done()
		require.NoError(t, c.Run(ctx))
	}()
	contents := sync.Map{} // by revision of the whole layer's box: its content
	deadline := time.Now().Add(700 * time.Millisecond)
	var views atomic.Int64
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(deadline) {
				v, err := c.View("things")
				if err != nil {
					t.Error(err)
					return
				}
				sum, text := int64(0), ""
				err = v.Scan(t.Context(), layers.Query{}, func(f *layers.Feature) error {
					sum += f.Properties[1].Int()
					return nil
				})
				for i := range n {
					ref, _ := v.Find(fmt.Sprint(i))
					var f layers.Feature
					v.Feature(ref, &f)
					text += fmt.Sprint(f.Properties[1].Int(), " ")
				}
				x, y := tile.WorldOf(0, 1)
				key := v.TileRevision(tile.WorldBox{MinX: x - 10, MinY: y - 10, MaxX: x + 1<<26, MaxY: y + 10})
				if was, ok := contents.LoadOrStore(key, text); ok && was != text {
					t.Errorf("revision %d stood for %v and for %v", key, was, text)
				}
				if err != nil || sum != 0 || v.Len() != n {
					t.Errorf("a view of %d features with the sum %d: %v", v.Len(), sum, err)
				}
				v.Release()
				views.Add(1)
			}
		}()
	}
	time.Sleep(time.Until(deadline))
	cancel()
	wg.Wait()
	require.Greater(t, views.Load(), int64(10))
	requireSame(t, c)
	kept := 0
	contents.Range(func(any, any) bool { kept++; return true })
	require.Greater(t, kept, 3, "several revisions were seen")
}

// A feature that changes each time before it is read in the end makes the layer
// be read whole, which catches up.
func TestFeaturesThatChangeFasterThanTheyAreRead(t *testing.T) {
	s, c := fakeCity(t, 5, nil)
	hot := true
	n := 0
	s.beforeScan = func(_ layers.ID, q layers.Query) error {
		if q.IDs != nil && hot {
			n++
			s.put("things", pointFeature("3", float64(n)))
		}
		return nil
	}
	r := s.put("things", pointFeature("3", 9))
	require.NoError(t, c.Refresh(t.Context(), r))
	require.Greater(t, n, maxAttempts)
	hot = false
	head, _ := s.Head(t.Context())
	require.NoError(t, c.Refresh(t.Context(), head))
	requireSame(t, c)
}

// What changes while a layer is read whole is not lost, whichever way.
func TestChangesDuringAReload(t *testing.T) {
	s, c := fakeCity(t, 30, nil)
	var changes []layers.Change
	defer c.Subscribe(func(ch layers.Change) { changes = append(changes, ch) })()
	before, err := c.View("things")
	require.NoError(t, err)
	defer before.Release()
	once := sync.Once{}
	s.beforeScan = func(_ layers.ID, q layers.Query) error {
		if q.IDs == nil {
			once.Do(func() { // the scan sees these, the log position does not
				s.put("things", pointFeature("7", 50))
				s.remove("things", "8")
			})
		}
		return nil
	}
	var later sync.Once
	s.afterChanges = func() { later.Do(func() { s.put("things", pointFeature("9", 60)) }) }
	r := s.tell("things", layers.Reloaded)
	require.NoError(t, c.Refresh(t.Context(), r))
	requireSame(t, c)
	require.True(t, changes[len(changes)-1].Whole || changes[0].Whole)
	after, err := c.View("things")
	require.NoError(t, err)
	defer after.Release()
	x, y := tile.WorldOf(0.08, 1)
	where8 := tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y}
	require.Greater(t, after.TileRevision(where8), before.TileRevision(where8), "the place of a feature that went while the layer was read")
	require.Equal(t, 30, before.Len())
}

func TestRebuildTakesEditsIn(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := newFakeStore()
	s.create(*testLayer())
	for i := range 50 {
		s.put("things", pointFeature(fmt.Sprint(i), float64(i)/100))
	}
	dir := t.TempDir()
	c, err := Open(t.Context(), s, Options{Dir: dir, Registerer: reg})
	require.NoError(t, err)
	c.rebuildAt = 30
	v, err := c.View("things")
	require.NoError(t, err)
	defer v.Release()
	generation := v.base.meta.Generation
	var r layers.Revision
	x, y := tile.WorldOf(0.45, 1)
	box := tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y}
	elsewhere := v.TileRevision(box)
	for i := range 200 {
		if i%7 == 3 {
			r = s.remove("things", fmt.Sprint(i%40))
		} else {
			r = s.put("things", pointFeature(fmt.Sprint(i%40), float64(i%40)/100))
		}
		require.NoError(t, c.Refresh(t.Context(), r))
	}
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.state("things").build == nil
	}, 5*time.Second, time.Millisecond)
	requireSame(t, c)
	w, err := c.View("things")
	require.NoError(t, err)
	require.NotEqual(t, generation, w.base.meta.Generation)
	require.Less(t, w.segments[1].N, 200)
	require.Equal(t, r, w.Revision())
	require.Equal(t, elsewhere, w.TileRevision(box), "a rebuild expires nothing")
	touchedPlace := w.TileRevision(tile.WorldBox{MaxX: 1<<32 - 1, MaxY: 1<<32 - 1})
	require.Equal(t, r, touchedPlace)
	w.Release()
	require.NoError(t, testutil.GatherAndCompare(reg, stringsReader("# HELP twind_snapshot_features Features of the layer's current view.\n# TYPE twind_snapshot_features gauge\ntwind_snapshot_features{layer=\"things\"} "+fmt.Sprint(len(s.features["things"]))+"\n"), "twind_snapshot_features"))
	require.NoError(t, c.Close())
	n, err := testutil.GatherAndCount(reg)
	require.NoError(t, err)
	require.Zero(t, n, "Close unregisters")

	// The file of the rebuilt base serves the next start, revisions of tiles included.
	again, err := Open(t.Context(), s, Options{Dir: dir})
	require.NoError(t, err)
	requireSame(t, again)
	u, err := again.View("things")
	require.NoError(t, err)
	require.NotEqual(t, generation, u.base.meta.Generation)
	require.Equal(t, elsewhere, u.TileRevision(box))
	require.Equal(t, r, u.Revision())
	u.Release()
	require.NoError(t, again.Close())
}

func stringsReader(s string) io.Reader { return &stringReader{s} }

type stringReader struct{ s string }

func (r *stringReader) Read(p []byte) (int, error) {
	if r.s == "" {
		return 0, io.EOF
	}
	n := copy(p, r.s)
	r.s = r.s[n:]
	return n, nil
}

func TestLogThatDoesNotReachBack(t *testing.T) {
	s, c := fakeCity(t, 10, nil)
	s.mu.Lock()
	s.features["things"]["3"].Geometry = spatial.NewPoint(7, 7)
	s.features["other"] = map[string]*layers.Feature{}
	l := *testLayer()
	l.ID = "other"
	s.layers["other"] = l
	s.record("things", "3", layers.Updated)
	s.features["things"]["3"].Revision = s.record("things", "3", layers.Updated)
	s.floor, s.log = s.head(), nil
	s.mu.Unlock()
	head, _ := s.Head(t.Context())
	require.NoError(t, c.Refresh(t.Context(), head))
	requireSame(t, c)
	require.Len(t, c.Layers(), 2)

	s.mu.Lock()
	delete(s.layers, "things")
	s.floor += 5
	s.mu.Unlock()
	head, _ = s.Head(t.Context())
	require.NoError(t, c.Refresh(t.Context(), head))
	require.Len(t, c.Layers(), 1)
	requireSame(t, c)
}

func TestStoreErrors(t *testing.T) {
	s, c := fakeCity(t, 10, nil)
	down := layers.Errorf(layers.ErrUnavailable, "the store is down")
	s.beforeChanges = func(layers.Revision) error { return down }
	r := s.put("things", pointFeature("1", 5))
	require.ErrorIs(t, c.Refresh(t.Context(), r), layers.ErrUnavailable)
	s.beforeChanges = nil
	s.beforeScan = func(layers.ID, layers.Query) error { return down }
	require.ErrorIs(t, c.Refresh(t.Context(), r), layers.ErrUnavailable)
	v, err := c.View("things")
	require.NoError(t, err)
	require.Equal(t, 10, v.Len(), "the view from before stays")
	v.Release()
	s.beforeScan = nil
	require.NoError(t, c.Refresh(t.Context(), r))
	requireSame(t, c)

	// A layer that cannot be read does not hold up others, and is tried again.
	other := *testLayer()
	other.ID = "other"
	s.create(other)
	broken := true
	s.beforeScan = func(id layers.ID, _ layers.Query) error {
		if id == "things" && broken {
			return errors.New("no permission")
		}
		return nil
	}
	s.put("things", pointFeature("2", 6))
	r = s.put("other", pointFeature("1", 5))
	require.NoError(t, c.Refresh(t.Context(), r))
	w, err := c.View("other")
	require.NoError(t, err)
	require.Equal(t, 1, w.Len())
	w.Release()
	var faults []string
	require.NoError(t, func() error { broken = false; return nil }())
	c.mu.Lock()
	c.state("things").failedAt = time.Time{}
	c.mu.Unlock()
	require.NoError(t, c.update(t.Context()))
	head, _ := s.Head(t.Context())
	require.NoError(t, c.Refresh(t.Context(), head))
	require.NoError(t, c.Check(t.Context(), func(f string) error { faults = append(faults, f); return nil }))
	require.Empty(t, faults)
}

func TestOpenErrors(t *testing.T) {
	s := newFakeStore()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(t.Context(), s, Options{Dir: filepath.Join(file, "below")})
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "the snapshot cannot be kept in")

	s.create(*testLayer())
	s.put("things", pointFeature("1", 1))
	s.beforeScan = func(layers.ID, layers.Query) error { return layers.Errorf(layers.ErrUnavailable, "down") }
	_, err = Open(t.Context(), s, Options{Dir: t.TempDir()})
	require.ErrorIs(t, err, layers.ErrUnavailable)

	ended, cancel := context.WithCancel(t.Context())
	s.beforeScan = func(layers.ID, layers.Query) error { cancel(); return nil }
	_, err = Open(ended, s, Options{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
	s.beforeScan = nil

	c, err := Open(t.Context(), s, Options{})
	require.NoError(t, err)
	dir := c.dir
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	require.NoDirExists(t, dir, "the temporary folder is removed")
	require.ErrorIs(t, c.Refresh(t.Context(), 1), layers.ErrUnavailable)
	_, err = c.View("things")
	require.ErrorIs(t, err, layers.ErrNotFound)
}

// Tables published in place may hold what no layer admits.
func TestFeaturesThatDoNotFitAreShownAsFarAsTheyDo(t *testing.T) {
	s := newFakeStore()
	l := *testLayer()
	l.GeometryType = spatial.Point
	s.create(l)
	bad := pointFeature("bad", 400)
	bad.Properties = []layers.Value{layers.IntValue(1), layers.IntValue(2), layers.IntValue(3)}
	s.put("things", pointFeature("good", 1), bad)
	var log logText
	c, err := Open(t.Context(), s, Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	defer c.Close()
	v, err := c.View("things")
	require.NoError(t, err)
	defer v.Release()
	var f layers.Feature
	ref, ok := v.Find("bad")
	require.True(t, ok)
	v.Feature(ref, &f)
	require.True(t, f.Geometry.IsNull())
	require.Equal(t, []layers.Value{{}, layers.IntValue(2), layers.FloatValue(3), {}, {}, {}}, f.Properties)
	require.Contains(t, log.String(), "features do not fit their layer")
	requireSame(t, c)

	// Doubled keys leave the layer out, and Check says why.
	s.mu.Lock()
	s.features["things"]["twin"] = pointFeature("good", 2)
	s.mu.Unlock()
	other, err := Open(t.Context(), s, Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer other.Close()
	_, err = other.View("things")
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.EqualError(t, other.Check(t.Context(), func(f string) error { return errors.New(f) }), `layer things is not in the snapshot: layer things has two features with the id "good"; correct the data`)
}

type logText struct {
	mu sync.Mutex
	b  []byte
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

// Changes that no log tells of are found by their count after a start, and by Check.
func TestChangesWithoutALog(t *testing.T) {
	s, c := fakeCity(t, 10, nil)
	dir := c.dir
	s.mu.Lock()
	s.features["things"]["3"].Geometry = spatial.NewPoint(7, 7)
	s.features["things"]["4"].Properties[1] = layers.IntValue(9)
	s.features["things"]["5"].Revision = 99
	s.features["things"]["new"] = pointFeature("new", 1)
	delete(s.features["things"], "6")
	delete(s.features["things"], "7")
	s.mu.Unlock()
	var faults []string
	require.NoError(t, c.Check(t.Context(), func(f string) error { faults = append(faults, f); return nil }))
	suffix := "; remove the snapshot's folder and start again"
	require.ElementsMatch(t, []string{
		`layer things: feature "3" has another geometry in the store` + suffix,
		`layer things: feature "4" has another property "count" in the store` + suffix,
		`layer things: feature "5" has another revision in the store` + suffix,
		`layer things: feature "6" is in the snapshot and not in the store` + suffix,
		`layer things: feature "7" is in the snapshot and not in the store` + suffix,
		`layer things: feature "new" is in the store and not in the snapshot` + suffix,
	}, faults)
	require.NoError(t, c.Close())

	again, err := Open(t.Context(), s, Options{Dir: dir})
	require.NoError(t, err)
	defer again.Close()
	v, err := again.View("things")
	require.NoError(t, err)
	require.Equal(t, 10, v.Len(), "mapped")
	v.Release()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- again.Run(ctx) }()
	require.Eventually(t, func() bool { return lengthOf(again) == 9 }, 5*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	requireSame(t, again)
}

func lengthOf(c *Catalog) int {
	v, err := c.View("things")
	if err != nil {
		return -1
	}
	defer v.Release()
	return v.Len()
}

func TestDropAndCreateAgain(t *testing.T) {
	s, c := fakeCity(t, 10, nil)
	s.tell("things", layers.LayerDropped)
	l := *testLayer()
	l.Schema = l.Schema[:2]
	s.create(l)
	f := pointFeature("1", 4)
	f.Properties = f.Properties[:2]
	r := s.put("things", f)
	require.NoError(t, c.Refresh(t.Context(), r))
	requireSame(t, c)
	require.Equal(t, 1, lengthOf(c))
	require.Len(t, c.Layers()[0].Schema, 2)

	// A reload may bring another schema too.
	s.mu.Lock()
	s.layers["things"] = *testLayer()
	s.features["things"] = map[string]*layers.Feature{"z": pointFeature("z", 3)}
	s.mu.Unlock()
	r = s.tell("things", layers.Reloaded)
	require.NoError(t, c.Refresh(t.Context(), r))
	requireSame(t, c)
	require.Len(t, c.Layers()[0].Schema, 6)

	// Dropped while it is being read.
	s.beforeScan = func(layers.ID, layers.Query) error {
		s.beforeScan = nil
		s.tell("things", layers.LayerDropped)
		return nil
	}
	r = s.tell("things", layers.Reloaded)
	require.NoError(t, c.Refresh(t.Context(), r+1))
	require.Empty(t, c.Layers())
	entries, err := os.ReadDir(c.dir)
	require.NoError(t, err)
	require.Eventually(t, func() bool { entries, _ = os.ReadDir(c.dir); return len(entries) == 0 }, 5*time.Second, time.Millisecond, "%v", entries)
}

// A table whose every change is logged as a reload, and that changes during each
// of them, is shown all the same, and in the end as it is.
func TestLayerThatIsReplacedAllTheTime(t *testing.T) {
	s, c := fakeCity(t, 10, nil)
	n := 0
	var busy atomic.Bool
	busy.Store(true)
	s.beforeScan = func(_ layers.ID, q layers.Query) error {
		if q.IDs == nil && busy.Load() {
			n++
			s.put("things", pointFeature("7", float64(n)))
			s.tell("things", layers.Reloaded)
		}
		return nil
	}
	s.tell("things", layers.Reloaded)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	seen := map[float64]bool{}
	require.Eventually(t, func() bool {
		v, err := c.View("things")
		require.NoError(t, err)
		defer v.Release()
		ref, _ := v.Find("7")
		seen[v.Envelope(ref).MinX] = true
		return len(seen) >= 4
	}, 10*time.Second, time.Millisecond)
	busy.Store(false)
	r := s.put("things", pointFeature("7", 99))
	require.NoError(t, c.Refresh(t.Context(), r))
	requireSame(t, c)
	v, err := c.View("things")
	require.NoError(t, err)
	ref, _ := v.Find("7")
	require.Equal(t, 99.0, v.Envelope(ref).MinX)
	v.Release()
	cancel()
	require.NoError(t, <-done)
}
