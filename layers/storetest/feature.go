package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// unicodeIDs are ids that a store must keep and find.
var unicodeIDs = []string{"1", "01", "-1", "9007199254740993", "99999999999999999999", "井盖-001", "a b", " ", "%", "_", `'"\`, "😀", "\u00e9", "e\u0301", "A", "a",
	"NULL", "4301020100000001", "a:b;c?d#e&f=g", strings.Repeat("长", 85), "null", "true", "1e3", "0x10", "1.0"}

func testFeatureIDs(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	want := map[string]*layers.Feature{}
	for i, id := range unicodeIDs {
		f := feature(id, float64(i), 0, id, int64(i))
		want[id] = f
		insert(t, s, "a", f)
	}
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, len(want))
	for id, f := range want {
		equalFeatures(t, f, got[id])
		one := scan(t, s, "a", layers.Query{IDs: []string{id}})
		require.Len(t, one, 1, "id %q", id)
		equalFeatures(t, f, one[id])
		g, err := get(t, s, "a", id)
		require.NoError(t, err, "id %q", id)
		equalFeatures(t, f, g)
	}
	log := records(t, s, 0)
	for _, id := range unicodeIDs {
		require.True(t, slices.ContainsFunc(log, func(r layers.Record) bool { return r.Feature == id && r.Op == layers.Inserted }), "id %q in the log", id)
		change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", id) })
	}
	require.Empty(t, scan(t, s, "a", layers.Query{}))
}

func testFeatureIDsRefused(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", feature("there", 1, 2, "", 0))
	before := headOf(t, s)
	for _, id := range []string{"a/b", "a\nb", "a\x00b", "\x7f", strings.Repeat("x", 256), "\xff"} {
		_, err := s.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), "a", feature(id, 1, 2, "", 0)) })
		require.ErrorIs(t, err, layers.ErrInvalid, "id %q", id)
	}
	_, err := s.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), "a", feature("there", 3, 4, "", 0)) })
	require.ErrorIs(t, err, layers.ErrExists)
	for name, op := range map[string]func(layers.Tx) error{
		"get":     func(tx layers.Tx) error { _, err := tx.Get(t.Context(), "a", "nobody"); return err },
		"replace": func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", feature("nobody", 1, 2, "", 0)) },
		"delete":  func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "nobody") },
		"empty":   func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "") },
	} {
		_, err := s.Update(t.Context(), op)
		require.ErrorIs(t, err, layers.ErrNotFound, name)
	}
	require.Equal(t, before, headOf(t, s))
	require.Equal(t, []string{"there"}, ids(t, s, "a", layers.Query{}))
}

func testFeatureIDsMade(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	// Ids that a store that counts would give away next.
	var fs []*layers.Feature
	for i := range 8 {
		fs = append(fs, feature(strconv.Itoa(i), 0, 0, "given", int64(i)))
	}
	insert(t, s, "a", fs...)
	made := map[string]bool{}
	for i := range 12 {
		f := feature("", 1, 2, "made", int64(i))
		insert(t, s, "a", f)
		require.NoError(t, layers.CheckFeatureID(f.ID))
		require.False(t, made[f.ID], "id %q given twice", f.ID)
		made[f.ID] = true
		equalFeatures(t, f, scan(t, s, "a", layers.Query{IDs: []string{f.ID}})[f.ID])
	}
	res := load(t, s, "a", layers.Append, feature("", 3, 4, "loaded", 0), feature("own", 3, 4, "loaded", 1), feature("", 3, 4, "loaded", 2))
	require.Equal(t, int64(3), res.Inserted)
	require.Len(t, scan(t, s, "a", layers.Query{}), 8+12+3)
}

func testInsertReplaceDelete(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	f := feature("x", 1, 2, "一", 1)
	insert(t, s, "a", f, feature("y", 5, 6, "二", 2))

	f.Properties = []layers.Value{null, layers.IntValue(3)}
	f.Geometry = spatial.NewLineString([]float64{7, 8, 9, 10})
	change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", f) })
	equalFeatures(t, f, scan(t, s, "a", layers.Query{})["x"])
	// The index follows.
	require.Equal(t, []string{"y"}, ids(t, s, "a", layers.Query{Envelope: &spatial.Envelope{MinX: 0, MinY: 0, MaxX: 6, MaxY: 6}}))
	require.Equal(t, []string{"x"}, ids(t, s, "a", layers.Query{Envelope: &spatial.Envelope{MinX: 8, MinY: 8, MaxX: 8.5, MaxY: 9.5}}))

	f.Geometry = spatial.Geometry{}
	change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", f) })
	equalFeatures(t, f, scan(t, s, "a", layers.Query{})["x"])

	change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "x") })
	require.Equal(t, []string{"y"}, ids(t, s, "a", layers.Query{}))
	_, err := get(t, s, "a", "x")
	require.ErrorIs(t, err, layers.ErrNotFound)

	insert(t, s, "a", feature("x", 1, 2, "又", 9)) // an id may come back
	require.Equal(t, []string{"x", "y"}, ids(t, s, "a", layers.Query{}))
}

func testRevisions(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	create(t, s, mixed("b"))
	last := headOf(t, s)
	seen := map[layers.Revision]bool{}
	for i := range 5 {
		rev := insert(t, s, "a", feature(fmt.Sprint(i), 0, 0, "", 0), feature(fmt.Sprint("x", i), 0, 0, "", 0))
		require.Greater(t, rev, last)
		require.Equal(t, rev, headOf(t, s))
		for _, f := range scan(t, s, "a", layers.Query{IDs: []string{fmt.Sprint(i), fmt.Sprint("x", i)}}) {
			require.Greater(t, f.Revision, last)
			require.LessOrEqual(t, f.Revision, rev)
			require.False(t, seen[f.Revision], "revisions are unique")
			seen[f.Revision] = true
		}
		last = rev
	}
	// A change of one feature, or of another layer, leaves the others' revisions.
	before := scan(t, s, "a", layers.Query{})
	rev := change(t, s, func(tx layers.Tx) error {
		if err := tx.Insert(t.Context(), "b", feature("0", 0, 0, "", 0)); err != nil {
			return err
		}
		return tx.Replace(t.Context(), "a", feature("3", 1, 1, "new", 1))
	})
	after := scan(t, s, "a", layers.Query{})
	require.Len(t, after, len(before))
	for id, f := range after {
		if id == "3" {
			require.Greater(t, f.Revision, last)
			require.LessOrEqual(t, f.Revision, rev)
		} else {
			require.Equal(t, before[id].Revision, f.Revision)
		}
		// Scan, a query by id and Get tell the same.
		require.Equal(t, f.Revision, scan(t, s, "a", layers.Query{IDs: []string{id}})[id].Revision)
		g, err := get(t, s, "a", id)
		require.NoError(t, err)
		require.Equal(t, f.Revision, g.Revision)
	}
	// A transaction that changes nothing takes no revision.
	same := change(t, s, func(tx layers.Tx) error { _, err := tx.Get(t.Context(), "a", "3"); return err })
	require.Equal(t, rev, same)
	require.Equal(t, rev, headOf(t, s))
}

func testStats(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	st, err := s.Stats(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, layers.Stats{Count: 0, Extent: spatial.EmptyEnvelope()}, st)

	nowhere := feature("nowhere", 0, 0, "", 0)
	nowhere.Geometry = spatial.Geometry{}
	empty := feature("empty", 0, 0, "", 0)
	empty.Geometry = spatial.Geometry{Type: spatial.Polygon}
	insert(t, s, "a", nowhere, empty)
	st, err = s.Stats(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, layers.Stats{Count: 2, Extent: spatial.EmptyEnvelope()}, st)

	insert(t, s, "a", feature("p", 112.98333333333333, -28.199999999999996, "", 0), feature("q", -74.0059719, 40.712776, "", 0), feature("r", 0.1, 0.1, "", 0))
	st, err = s.Stats(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, layers.Stats{Count: 5, Extent: spatial.Envelope{MinX: -74.0059719, MinY: -28.199999999999996, MaxX: 112.98333333333333, MaxY: 40.712776}}, st)

	change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "p") })
	st, err = s.Stats(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, layers.Stats{Count: 4, Extent: spatial.Envelope{MinX: -74.0059719, MinY: 0.1, MaxX: 0.1, MaxY: 40.712776}}, st)
}
