// Package storetest is the one suite that every store passes: what it tests is
// the contract of layers.Store.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) layers.Store {
//			open := func() layers.Store { … }      // opens the same data again and again
//			return storetest.Reopenable(open(), open)
//		})
//	}
//
// Stores may log one change for each operation or one for each feature and
// transaction, and a load of many features as one Reloaded: the suite takes all.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// Reopener is a store whose data can be opened once more at the same time, as
// another process would. The caller closes the second store.
type Reopener interface {
	layers.Store
	Reopen() layers.Store
}

type reopenable struct {
	layers.Store
	open func() layers.Store
}

func (r reopenable) Reopen() layers.Store { return r.open() }

// Reopenable makes s a Reopener; open must fail the test when it cannot open.
func Reopenable(s layers.Store, open func() layers.Store) Reopener { return reopenable{s, open} }

// Unwrap is the store that was given to Reopenable.
func Unwrap(s layers.Store) layers.Store {
	if r, ok := s.(reopenable); ok {
		return r.Store
	}
	return s
}

// Run runs the suite. open makes a new, empty store, preferably Reopenable, for
// each test; the suite closes it. With only, the tests whose names begin so are
// run, for a store that is set up in another way.
func Run(t *testing.T, open func(t *testing.T) layers.Store, only ...string) {
	for _, c := range []struct {
		name string
		test func(*testing.T, layers.Store)
	}{
		{"EmptyStore", testEmptyStore},
		{"LayerRoundTrip", testLayerRoundTrip},
		{"LayerNames", testLayerNames},
		{"LayerRefused", testLayerRefused},
		{"UpdateLayer", testUpdateLayer},
		{"UpdateLayerRefused", testUpdateLayerRefused},
		{"DropLayer", testDropLayer},
		{"PropertyNames", testPropertyNames},
		{"GeometryTypes", testGeometryTypes},
		{"CoordinatesExact", testCoordinatesExact},
		{"GeometryRefused", testGeometryRefused},
		{"Values", testValues},
		{"BigText", testBigText},
		{"ValuesRefused", testValuesRefused},
		{"FeatureIDs", testFeatureIDs},
		{"FeatureIDsRefused", testFeatureIDsRefused},
		{"FeatureIDsMade", testFeatureIDsMade},
		{"InsertReplaceDelete", testInsertReplaceDelete},
		{"Revisions", testRevisions},
		{"Stats", testStats},
		{"RollbackOnError", testRollbackOnError},
		{"RollbackOnPanic", testRollbackOnPanic},
		{"RollbackOnCancel", testRollbackOnCancel},
		{"TransactionReadsItself", testTransactionReadsItself},
		{"GetHolds", testGetHolds},
		{"ReadersDoNotWait", testReadersDoNotWait},
		{"ScanIsOneState", testScanIsOneState},
		{"ScanStops", testScanStops},
		{"QueryIDs", testQueryIDs},
		{"QueryEnvelope", testQueryEnvelope},
		{"QueryFilter", testQueryFilter},
		{"QueryFilterText", testQueryFilterText},
		{"QueryFilterTime", testQueryFilterTime},
		{"QueryFilterIntersects", testQueryFilterIntersects},
		{"QueryTogether", testQueryTogether},
		{"QueryPolicy", testQueryPolicy},
		{"QueryTime", testQueryTime},
		{"LoadAppend", testLoadAppend},
		{"LoadReplace", testLoadReplace},
		{"LoadUpsert", testLoadUpsert},
		{"LoadTwice", testLoadTwice},
		{"LoadHidden", testLoadHidden},
		{"LoadFails", testLoadFails},
		{"LoadDuplicates", testLoadDuplicates},
		{"LoadKeepsEdits", testLoadKeepsEdits},
		{"LoadSurfaces", testLoadSurfaces},
		{"Surfaces", testSurfaces},
		{"SurfacesRefused", testSurfacesRefused},
		{"SurfacesGone", testSurfacesGone},
		{"ChangesFollow", testChangesFollow},
		{"ChangesOrder", testChangesOrder},
		{"ChangesOutOfReach", testChangesOutOfReach},
		{"Watch", testWatch},
		{"SecondHandle", testSecondHandle},
		{"Reopen", testReopen},
		{"Identity", testIdentity},
		{"Closed", testClosed},
	} {
		begins := func(prefix string) bool { return strings.HasPrefix(c.name, prefix) }
		if len(only) > 0 && !slices.ContainsFunc(only, begins) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			defer func() { require.NoError(t, s.Close()) }()
			c.test(t, s)
			if c.name != "Closed" {
				noFaults(t, s)
			}
		})
	}
}

// noFaults runs the store's own check, after every test.
func noFaults(t *testing.T, s layers.Store) {
	t.Helper()
	require.NoError(t, s.Check(t.Context(), func(fault string) error {
		t.Error("fault: " + fault)
		return nil
	}))
}

var errTest = errors.New("an error of the test")

// mixed is a layer of any geometry with two properties.
func mixed(id layers.ID) layers.Layer {
	return layers.Layer{
		ID: id, Title: layers.Text{ZH: "测试 " + string(id), EN: "Test " + string(id)}, Kind: layers.KindFeature, CRS: 4326, MaxZoom: 16,
		Schema: []layers.Property{{Name: "名称", Type: layers.String}, {Name: "n", Type: layers.Integer}},
	}
}

// create makes a layer and fails the test if it cannot.
func create(t *testing.T, s layers.Store, l layers.Layer) layers.Layer {
	t.Helper()
	require.NoError(t, s.CreateLayer(t.Context(), l))
	return l
}

// feature is one of a mixed layer: a point at (x, y).
func feature(id string, x, y float64, name string, n int64) *layers.Feature {
	return &layers.Feature{ID: id, Geometry: spatial.NewPoint(x, y), Properties: []layers.Value{layers.StringValue(name), layers.IntValue(n)}}
}

// grid is n features f0, f1, … at (i, i/2) with name "点i" and n = i.
func grid(n int) []*layers.Feature {
	var out []*layers.Feature
	for i := range n {
		out = append(out, feature(fmt.Sprintf("f%d", i), float64(i), float64(i)/2, fmt.Sprintf("点%d", i), int64(i)))
	}
	return out
}

// insert adds features in one transaction.
func insert(t *testing.T, s layers.Store, id layers.ID, features ...*layers.Feature) layers.Revision {
	t.Helper()
	rev, err := s.Update(t.Context(), func(tx layers.Tx) error {
		for _, f := range features {
			if err := tx.Insert(t.Context(), id, f); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	return rev
}

// change runs one transaction that must succeed.
func change(t *testing.T, s layers.Store, fn func(layers.Tx) error) layers.Revision {
	t.Helper()
	rev, err := s.Update(t.Context(), fn)
	require.NoError(t, err)
	return rev
}

// scan collects what a query finds, by id; an id twice fails the test.
func scan(t *testing.T, s layers.Store, id layers.ID, q layers.Query) map[string]*layers.Feature {
	t.Helper()
	out := map[string]*layers.Feature{}
	require.NoError(t, s.Scan(t.Context(), id, q, func(f *layers.Feature) error {
		require.NotContains(t, out, f.ID)
		out[f.ID] = f.Clone()
		return nil
	}))
	return out
}

// ids is the sorted ids of what a query finds.
func ids(t *testing.T, s layers.Store, id layers.ID, q layers.Query) []string {
	t.Helper()
	out := []string{}
	for k := range scan(t, s, id, q) {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// get reads one feature in a transaction.
func get(t *testing.T, s layers.Store, layer layers.ID, id string) (f *layers.Feature, err error) {
	t.Helper()
	_, e := s.Update(t.Context(), func(tx layers.Tx) error {
		f, err = tx.Get(t.Context(), layer, id)
		return nil
	})
	require.NoError(t, e)
	return f, err
}

// equalFeatures compares ids, geometries (bit by bit), properties and surfaces.
func equalFeatures(t *testing.T, want, got *layers.Feature) {
	t.Helper()
	require.Equal(t, want.ID, got.ID)
	require.True(t, SameGeometry(want.Geometry, got.Geometry), "feature %s: want %v\ngot %v", want.ID, want.Geometry, got.Geometry)
	require.Len(t, got.Properties, len(want.Properties))
	for i := range want.Properties {
		require.Equal(t, want.Properties[i], got.Properties[i], "feature %s, property %d", want.ID, i)
	}
	require.Equal(t, want.Surfaces, got.Surfaces, "feature %s", want.ID)
}

// SameGeometry tells whether two geometries are equal bit by bit; nil and empty
// slices are the same.
func SameGeometry(a, b spatial.Geometry) bool {
	bits := func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }
	return a.Type == b.Type && (a.Z == nil) == (b.Z == nil) &&
		slices.EqualFunc(a.XY, b.XY, bits) && slices.EqualFunc(a.Z, b.Z, bits) &&
		slices.Equal(a.Ends, b.Ends) && slices.Equal(a.Parts, b.Parts) &&
		slices.EqualFunc(a.Members, b.Members, SameGeometry)
}

// records collects the log after a revision.
func records(t *testing.T, s layers.Store, after layers.Revision) []layers.Record {
	t.Helper()
	var out []layers.Record
	require.NoError(t, s.Changes(t.Context(), after, func(r layers.Record) error { out = append(out, r); return nil }))
	return out
}

func headOf(t *testing.T, s layers.Store) layers.Revision {
	t.Helper()
	rev, err := s.Head(t.Context())
	require.NoError(t, err)
	return rev
}

// seq is an iterator over features for Load.
func seq(features ...*layers.Feature) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		for _, f := range features {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func load(t *testing.T, s layers.Store, id layers.ID, mode layers.LoadMode, features ...*layers.Feature) layers.LoadResult {
	t.Helper()
	res, err := s.Load(t.Context(), id, mode, seq(features...))
	require.NoError(t, err)
	require.Equal(t, headOf(t, s), res.Revision)
	return res
}

// soon waits for what must come promptly; it fails after a time that only a
// fault exceeds.
func soon(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(20 * time.Second):
		require.Fail(t, "waited too long for "+what)
	}
}

func testEmptyStore(t *testing.T, s layers.Store) {
	all, err := s.Layers(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	require.Empty(t, records(t, s, 0))
	_, err = s.Layer(t.Context(), "nowhere")
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Stats(t.Context(), "nowhere")
	require.ErrorIs(t, err, layers.ErrNotFound)
	err = s.Scan(t.Context(), "nowhere", layers.Query{}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.ErrorIs(t, s.DropLayer(t.Context(), "nowhere"), layers.ErrNotFound)
	require.ErrorIs(t, s.UpdateLayer(t.Context(), mixed("nowhere")), layers.ErrNotFound)
	_, err = s.Load(t.Context(), "nowhere", layers.Append, seq(grid(1)...))
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), "nowhere", grid(1)[0]) })
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Update(t.Context(), func(tx layers.Tx) error { _, err := tx.Get(t.Context(), "nowhere", "x"); return err })
	require.ErrorIs(t, err, layers.ErrNotFound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Layers(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func testIdentity(t *testing.T, s layers.Store) {
	require.NotEmpty(t, s.Identity())
	require.Equal(t, s.Identity(), s.Identity())
	if r, ok := s.(Reopener); ok {
		second := r.Reopen()
		require.Equal(t, s.Identity(), second.Identity())
		require.NoError(t, second.Close())
	}
}

// testClosed closes a store and finds every call refused, none hanging.
func testClosed(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	watch, err := s.Watch(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = s.Layers(context.Background())
	require.ErrorIs(t, err, layers.ErrUnavailable)
	_, err = s.Update(context.Background(), func(layers.Tx) error { return nil })
	require.ErrorIs(t, err, layers.ErrUnavailable)
	_, err = s.Head(context.Background())
	require.ErrorIs(t, err, layers.ErrUnavailable)
	_, err = s.Watch(context.Background())
	require.ErrorIs(t, err, layers.ErrUnavailable)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range watch {
		}
	}()
	soon(t, ended, "the end of the watch")
}
