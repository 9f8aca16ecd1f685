package snapshot_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

var citySchema = []layers.Property{{Name: "name", Type: layers.String}, {Name: "floors", Type: layers.Integer}, {Name: "height", Type: layers.Number}}

func cityLayer(id layers.ID) layers.Layer {
	return layers.Layer{ID: id, Title: layers.Text{EN: "things"}, Kind: layers.KindFeature, CRS: 4326, MaxZoom: 16, Schema: citySchema}
}

func openStore(t testing.TB, path string) *geopackage.Store {
	s, err := geopackage.Open(context.Background(), path, geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// testWriter sends a log to the test.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) { w.t.Logf("%s", p); return len(p), nil }

func openCatalog(t testing.TB, store layers.Store, dir string) *snapshot.Catalog {
	c, err := snapshot.Open(context.Background(), store, snapshot.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// thing is a small square building; its place follows from n.
func thing(n int) *layers.Feature {
	x, y := 112.9+float64(n%100)*.001, 28.1+float64(n/100)*.001
	return &layers.Feature{ID: fmt.Sprint(n), Geometry: spatial.NewPolygon([]float64{x, y, x + .0005, y, x + .0005, y + .0005, x, y + .0005, x, y}),
		Properties: []layers.Value{layers.StringValue(fmt.Sprint("楼 ", n)), layers.IntValue(int64(n % 30)), layers.FloatValue(float64(n) / 4)}}
}

func things(lo, hi int) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		for n := lo; n < hi; n++ {
			if !yield(thing(n), nil) {
				return
			}
		}
	}
}

func createThings(t testing.TB, s layers.Store, id layers.ID, n int) {
	require.NoError(t, s.CreateLayer(context.Background(), cityLayer(id)))
	_, err := s.Load(context.Background(), id, layers.Append, things(0, n))
	require.NoError(t, err)
}

func change(t testing.TB, s layers.Store, fn func(tx layers.Tx) error) layers.Revision {
	r, err := s.Update(context.Background(), fn)
	require.NoError(t, err)
	return r
}

func view(t testing.TB, c *snapshot.Catalog, id layers.ID) *snapshot.View {
	v, err := c.View(id)
	require.NoError(t, err)
	t.Cleanup(v.Release)
	return v
}

// requireSame fails unless the snapshot is what the store holds.
func requireSame(t testing.TB, c *snapshot.Catalog) {
	t.Helper()
	require.NoError(t, c.Check(context.Background(), func(fault string) error { t.Error(fault); return nil }))
}

func get(t testing.TB, v *snapshot.View, id string) *layers.Feature {
	ref, ok := v.Find(id)
	require.True(t, ok, id)
	f := new(layers.Feature)
	v.Feature(ref, f)
	return f
}

func TestCatalogFollowsEdits(t *testing.T) {
	ctx := t.Context()
	store := openStore(t, filepath.Join(t.TempDir(), "city.gpkg"))
	createThings(t, store, "buildings", 120)
	c := openCatalog(t, store, t.TempDir())
	var changes []layers.Change
	cancel := c.Subscribe(func(ch layers.Change) { changes = append(changes, ch) })
	defer cancel()
	requireSame(t, c)
	before := view(t, c, "buildings")
	require.Equal(t, 120, before.Len())
	require.Equal(t, store.Identity(), c.Identity())

	// An update moves a feature, another is deleted, a third inserted.
	moved := thing(7)
	moved.Geometry = spatial.NewPoint(1, 2)
	rev := change(t, store, func(tx layers.Tx) error {
		return join(tx.Replace(ctx, "buildings", moved), tx.Delete(ctx, "buildings", "8"), tx.Insert(ctx, "buildings", &layers.Feature{ID: "new", Geometry: spatial.NewPoint(3, 4), Properties: make([]layers.Value, 3)}))
	})
	require.NoError(t, c.Refresh(ctx, rev))
	requireSame(t, c)
	after := view(t, c, "buildings")
	require.Equal(t, rev, after.Revision())
	require.Equal(t, 120, after.Len())
	require.Equal(t, moved.Geometry, get(t, after, "7").Geometry)
	_, ok := after.Find("8")
	require.False(t, ok)
	require.Equal(t, "new", get(t, after, "new").ID)
	require.True(t, after.Extent().Contains(spatial.Envelope{MinX: 1, MinY: 2, MaxX: 1, MaxY: 2}))

	// The view from before has not changed.
	require.Equal(t, 120, before.Len())
	require.Equal(t, thing(7).Geometry, get(t, before, "7").Geometry)
	require.Equal(t, thing(8).Geometry, get(t, before, "8").Geometry)
	_, ok = before.Find("new")
	require.False(t, ok)

	require.Len(t, changes, 1)
	require.Equal(t, rev, changes[0].Revision)
	require.ElementsMatch(t, []string{"7", "8", "new"}, changes[0].IDs)
	want := thing(7).Geometry.Envelope().Union(moved.Geometry.Envelope()).Union(thing(8).Geometry.Envelope()).Union(spatial.Envelope{MinX: 3, MinY: 4, MaxX: 3, MaxY: 4})
	require.Equal(t, want, changes[0].Envelope)
	require.False(t, changes[0].Whole)

	// Only the tiles that were touched have a newer revision.
	where := func(n int) tile.WorldBox {
		e := thing(n).Geometry.Envelope()
		x, y := tile.WorldOf(e.MinX+.0002, e.MinY+.0002)
		return tile.WorldBox{MinX: x, MinY: y, MaxX: x + 1, MaxY: y + 1}
	}
	require.Equal(t, before.TileRevision(where(100)), after.TileRevision(where(100)))
	require.Greater(t, after.TileRevision(where(7)), before.TileRevision(where(7)))
	require.Greater(t, after.TileRevision(where(8)), before.TileRevision(where(8)))
}

func join(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestCatalogFollowsLayers(t *testing.T) {
	ctx := t.Context()
	store := openStore(t, filepath.Join(t.TempDir(), "city.gpkg"))
	c := openCatalog(t, store, "")
	require.Empty(t, c.Layers())
	_, err := c.View("parts")
	require.ErrorIs(t, err, layers.ErrNotFound)
	var changes []layers.Change
	defer c.Subscribe(func(ch layers.Change) { changes = append(changes, ch) })()

	createThings(t, store, "parts", 20)
	refresh(t, store, c)
	require.Equal(t, 20, view(t, c, "parts").Len())
	requireSame(t, c)

	// The schema grows: old features have null there, and a later one a value.
	l := c.Layers()[0]
	l.Schema = append(append([]layers.Property(nil), l.Schema...), layers.Property{Name: "later", Type: layers.String})
	l.Title.EN = "parts"
	require.NoError(t, store.UpdateLayer(ctx, l))
	refresh(t, store, c)
	require.Equal(t, "parts", c.Layers()[0].Title.EN)
	v := view(t, c, "parts")
	require.Equal(t, layers.Value{}, get(t, v, "3").Properties[3])
	f := thing(3)
	f.Properties = append(f.Properties, layers.StringValue("x"))
	change(t, store, func(tx layers.Tx) error { return tx.Replace(ctx, "parts", f) })
	refresh(t, store, c)
	require.Equal(t, layers.StringValue("x"), get(t, view(t, c, "parts"), "3").Properties[3])
	requireSame(t, c)

	live := layers.Layer{ID: "vehicles", Kind: layers.KindVehicle, CRS: 4326, Live: &layers.Live{Period: time.Second}, MaxZoom: 16}
	require.NoError(t, store.CreateLayer(ctx, live))
	refresh(t, store, c)
	require.Len(t, c.Layers(), 2)
	require.Zero(t, view(t, c, "vehicles").Len())

	require.NoError(t, store.DropLayer(ctx, "parts"))
	refresh(t, store, c)
	require.Len(t, c.Layers(), 1)
	_, err = c.View("parts")
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.True(t, changes[len(changes)-1].Whole)
	require.Equal(t, 20, v.Len(), "a view that is held outlives its layer")
	require.Equal(t, "5", get(t, v, "5").ID)
}

func refresh(t testing.TB, store layers.Store, c *snapshot.Catalog) {
	head, err := store.Head(context.Background())
	require.NoError(t, err)
	require.NoError(t, c.Refresh(context.Background(), head))
}

func TestSecondStartMapsBasesAndCatchesUp(t *testing.T) {
	ctx := t.Context()
	path, dir := filepath.Join(t.TempDir(), "city.gpkg"), t.TempDir()
	store := openStore(t, path)
	createThings(t, store, "buildings", 70)
	createThings(t, store, "parts", 10)
	first, err := snapshot.Open(ctx, store, snapshot.Options{Dir: dir})
	require.NoError(t, err)
	v, err := first.View("buildings")
	require.NoError(t, err)
	e := thing(50).Geometry.Envelope()
	x, y := tile.WorldOf(e.MinX, e.MinY)
	elsewhere := v.TileRevision(tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y})
	v.Release()
	require.NoError(t, first.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*.base"))
	require.NoError(t, err)
	require.Len(t, files, 2)

	change(t, store, func(tx layers.Tx) error { return tx.Delete(ctx, "buildings", "0") })
	var log logLines
	second, err := snapshot.Open(ctx, store, snapshot.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	requireSame(t, second)
	require.Empty(t, log.lines, "nothing was read whole")
	w, err := second.View("buildings")
	require.NoError(t, err)
	require.Equal(t, 69, w.Len())
	require.Equal(t, elsewhere, w.TileRevision(tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y}), "a restart does not expire what did not change")
	w.Release()
	require.NoError(t, second.Close())

	// A damaged file is read again, and one of another store is not taken.
	require.NoError(t, os.WriteFile(files[0], []byte("TWINDBAS and rubbish"), 0o600))
	third := openCatalog(t, store, dir)
	requireSame(t, third)
	other := openStore(t, filepath.Join(t.TempDir(), "other.gpkg"))
	createThings(t, other, "buildings", 3)
	fourth := openCatalog(t, other, dir)
	requireSame(t, fourth)
	require.Equal(t, 3, view(t, fourth, "buildings").Len())
	requireSame(t, third)
}

// logLines collects log lines.
type logLines struct{ lines []string }

func (l *logLines) Write(p []byte) (int, error) {
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

// The copy of a GeoPackage that is put back and changed otherwise has the same
// identity and revisions, and other content.
func TestStorePutBackToAnOlderState(t *testing.T) {
	ctx := t.Context()
	folder, dir := t.TempDir(), t.TempDir()
	path := filepath.Join(folder, "city.gpkg")
	edit := func(id string) {
		store, err := geopackage.Open(ctx, path, geopackage.Options{Create: true})
		require.NoError(t, err)
		change(t, store, func(tx layers.Tx) error { return tx.Delete(ctx, "buildings", id) })
		require.NoError(t, store.Close())
	}
	store, err := geopackage.Open(ctx, path, geopackage.Options{Create: true})
	require.NoError(t, err)
	createThings(t, store, "buildings", 10)
	require.NoError(t, store.Close())
	backup, err := os.ReadFile(path)
	require.NoError(t, err)

	edit("1")
	store, err = geopackage.Open(ctx, path, geopackage.Options{Create: true})
	require.NoError(t, err)
	c, err := snapshot.Open(ctx, store, snapshot.Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, store.Close())

	require.NoError(t, os.WriteFile(path, backup, 0o600))
	time.Sleep(2 * time.Millisecond) // the log's time tells the histories apart
	edit("2")
	c = openCatalog(t, openStore(t, path), dir)
	requireSame(t, c)
	_, ok := view(t, c, "buildings").Find("1")
	require.True(t, ok)
}

// What another process writes to the same file reaches readers by itself.
func TestRunSeesOtherWriters(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "city.gpkg")
	store := openStore(t, path)
	createThings(t, store, "parts", 5)
	c := openCatalog(t, store, t.TempDir())
	told := make(chan layers.Change, 10)
	defer c.Subscribe(func(ch layers.Change) { told <- ch })()
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()

	other := openStore(t, path)
	start := time.Now()
	r := change(t, other, func(tx layers.Tx) error { return tx.Delete(ctx, "parts", "3") })
	select {
	case ch := <-told:
		require.Equal(t, r, ch.Revision)
		require.Equal(t, []string{"3"}, ch.IDs)
		t.Logf("seen after %v", time.Since(start))
	case <-time.After(10 * time.Second):
		require.Fail(t, "the change was not seen")
	}
	require.Equal(t, 4, view(t, c, "parts").Len())
	cancel()
	require.NoError(t, <-done)
}
