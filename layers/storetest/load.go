package storetest

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

func testLoadAppend(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	res := load(t, s, "a", layers.Append, grid(5)...)
	require.Equal(t, int64(5), res.Inserted)
	first := scan(t, s, "a", layers.Query{})
	require.Len(t, first, 5)
	for _, f := range first {
		require.LessOrEqual(t, f.Revision, res.Revision)
		require.Positive(t, f.Revision)
	}
	res = load(t, s, "a", layers.Append, feature("x", 100, 50, "又", 7), feature("y", 101, 51, "也", 8))
	require.Equal(t, layers.LoadResult{Inserted: 2, Revision: res.Revision}, res)
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, 7)
	for _, f := range grid(5) {
		equalFeatures(t, f, got[f.ID])
		require.Equal(t, first[f.ID].Revision, got[f.ID].Revision, "what was there keeps its revision")
	}
	require.Equal(t, []string{"x", "y"}, ids(t, s, "a", layers.Query{Envelope: box(99, 49, 102, 52)}))
	require.Equal(t, []string{"f2"}, ids(t, s, "a", layers.Query{IDs: []string{"f2"}}))
	// Edits go on after a load.
	insert(t, s, "a", feature("", 1, 1, "", 0))
	require.Len(t, scan(t, s, "a", layers.Query{}), 8)
	// A load of nothing changes nothing.
	before := headOf(t, s)
	require.Equal(t, layers.LoadResult{Revision: before}, load(t, s, "a", layers.Append))
	require.Equal(t, before, headOf(t, s))
}

func testLoadReplace(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	load(t, s, "a", layers.Append, grid(5)...)
	before := headOf(t, s)
	res := load(t, s, "a", layers.Replace, feature("f1", 8, 9, "新", 10), feature("z", 10, 11, "新", 12))
	require.Equal(t, int64(2), res.Inserted+res.Updated)
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, 2)
	equalFeatures(t, feature("f1", 8, 9, "新", 10), got["f1"])
	for _, f := range got {
		require.Greater(t, f.Revision, before)
	}
	require.Equal(t, []string{"z"}, ids(t, s, "a", layers.Query{Envelope: box(9, 10, 11, 12)}))
	require.Empty(t, ids(t, s, "a", layers.Query{Envelope: box(1, 0, 4, 2)}))
	change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "z") })
	require.Len(t, scan(t, s, "a", layers.Query{}), 1)
	// With nothing, the layer becomes empty.
	load(t, s, "a", layers.Replace)
	require.Empty(t, scan(t, s, "a", layers.Query{}))
	st, err := s.Stats(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, layers.Stats{Extent: spatial.EmptyEnvelope()}, st)
	insert(t, s, "a", grid(2)...)
	require.Len(t, scan(t, s, "a", layers.Query{}), 2)
}

func testLoadUpsert(t *testing.T, s layers.Store) {
	l := mixed("a")
	l.Schema = append(l.Schema, layers.Property{Name: "f", Type: layers.Number})
	create(t, s, l)
	mk := func(id string, x float64, name string, n int64, f layers.Value) *layers.Feature {
		p := feature(id, x, 0, name, n)
		p.Properties = append(p.Properties, f)
		return p
	}
	load(t, s, "a", layers.Append, mk("same", 1, "一", 1, layers.FloatValue(1)), mk("moved", 2, "二", 2, null), mk("named", 3, "三", 3, null), mk("rest", 4, "四", 4, null),
		mk("nulled", 5, "五", 5, layers.FloatValue(5)), mk("zero", 6, "六", 6, layers.FloatValue(0)))
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})

	res := load(t, s, "a", layers.Upsert, mk("same", 1, "一", 1, layers.IntValue(1)), mk("moved", 2.5, "二", 2, null), mk("named", 3, "叁", 3, null),
		mk("nulled", 5, "五", 5, null), mk("new", 9, "九", 9, null), mk("zero", 6, "六", 6, layers.IntValue(0)))
	require.Equal(t, layers.LoadResult{Inserted: 1, Updated: 3, Unchanged: 2, Revision: res.Revision}, res)
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, 7)
	for _, id := range []string{"same", "rest", "zero"} {
		equalFeatures(t, old[id], got[id])
		require.Equal(t, old[id].Revision, got[id].Revision, "%s is not written", id)
	}
	equalFeatures(t, mk("moved", 2.5, "二", 2, null), got["moved"])
	equalFeatures(t, mk("named", 3, "叁", 3, null), got["named"])
	equalFeatures(t, mk("nulled", 5, "五", 5, null), got["nulled"])
	equalFeatures(t, mk("new", 9, "九", 9, null), got["new"])
	for _, id := range []string{"moved", "named", "nulled", "new"} {
		require.Greater(t, got[id].Revision, before)
	}
	for _, r := range records(t, s, before) {
		require.NotContains(t, []string{"same", "rest", "zero"}, r.Feature)
	}
	require.Equal(t, []string{"moved"}, ids(t, s, "a", layers.Query{Envelope: box(2.4, -1, 2.6, 1)}))
	require.Empty(t, ids(t, s, "a", layers.Query{Envelope: box(1.9, -1, 2.1, 1)}))

	// The same again changes nothing.
	before = headOf(t, s)
	var again []*layers.Feature
	for _, f := range got {
		again = append(again, f)
	}
	res = load(t, s, "a", layers.Upsert, again...)
	require.Equal(t, layers.LoadResult{Unchanged: 7, Revision: before}, res)
	require.Equal(t, before, headOf(t, s))
}

// testLoadTwice upserts one of every geometry and value twice: the second time
// finds all equal, since what is read back is what was written.
func testLoadTwice(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	var fs []*layers.Feature
	for name, g := range Geometries() {
		f := feature(name, 0, 0, name, 1)
		f.Geometry = g
		fs = append(fs, f)
	}
	res := load(t, s, "a", layers.Upsert, fs...)
	require.Equal(t, int64(len(fs)), res.Inserted)
	res = load(t, s, "a", layers.Upsert, fs...)
	require.Equal(t, int64(len(fs)), res.Unchanged)
}

// testLoadHidden looks at the layer in the middle of a load.
func testLoadHidden(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(3)...)
	for _, mode := range []layers.LoadMode{layers.Append, layers.Replace, layers.Upsert} {
		before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
		res, err := s.Load(t.Context(), "a", mode, func(yield func(*layers.Feature, error) bool) {
			for i := range 20 {
				if !yield(feature(fmt.Sprint(mode, "-", i), 1, 1, "", 0), nil) {
					return
				}
				if i%7 == 0 {
					unchanged(t, s, before, old)
				}
			}
		})
		require.NoError(t, err)
		require.Equal(t, int64(20), res.Inserted)
		if mode == layers.Replace {
			old = nil
		}
		require.Len(t, scan(t, s, "a", layers.Query{}), len(old)+20)
	}
}

func testLoadFails(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(3)...)
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
	for _, mode := range []layers.LoadMode{layers.Append, layers.Replace, layers.Upsert} {
		fs := []*layers.Feature{feature("x", 1, 1, "", 0), feature("y", 1, 1, "", 0), feature("z", 1, 1, "", 0)}
		_, err := s.Load(t.Context(), "a", mode, func(yield func(*layers.Feature, error) bool) {
			if yield(fs[0], nil) && yield(fs[1], nil) {
				yield(nil, errTest)
			}
		})
		require.ErrorIs(t, err, errTest)
		unchanged(t, s, before, old)

		bad := feature("bad", 400, 1, "", 0)
		_, err = s.Load(t.Context(), "a", mode, seq(fs[0], bad, fs[1]))
		require.ErrorIs(t, err, layers.ErrInvalid)
		require.Contains(t, err.Error(), "bad", "the sentence names the feature")
		unchanged(t, s, before, old)

		ctx, cancel := context.WithCancel(t.Context())
		_, err = s.Load(ctx, "a", mode, func(yield func(*layers.Feature, error) bool) {
			yield(fs[0], nil)
			cancel()
			yield(fs[1], nil)
		})
		require.ErrorIs(t, err, context.Canceled)
		unchanged(t, s, before, old)

		require.PanicsWithValue(t, "a panic of the test", func() {
			s.Load(t.Context(), "a", mode, func(yield func(*layers.Feature, error) bool) {
				yield(fs[0], nil)
				panic("a panic of the test")
			})
		})
		unchanged(t, s, before, old)
	}
	load(t, s, "a", layers.Append, feature("works on", 1, 1, "", 0))
}

func testLoadDuplicates(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(3)...)
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
	x := feature("x", 1, 1, "", 0)
	for name, c := range map[string]struct {
		mode layers.LoadMode
		seq  iter.Seq2[*layers.Feature, error]
	}{
		"append what is there":      {layers.Append, seq(x, feature("f1", 1, 1, "", 0))},
		"append twice":              {layers.Append, seq(x, feature("y", 1, 1, "", 0), x)},
		"replace twice":             {layers.Replace, seq(x, feature("y", 1, 1, "", 0), x)},
		"upsert new twice":          {layers.Upsert, seq(x, feature("y", 1, 1, "", 0), x)},
		"upsert changed twice":      {layers.Upsert, seq(feature("f1", 7, 7, "", 0), feature("f1", 8, 8, "", 0))},
		"upsert equal, then other":  {layers.Upsert, seq(grid(3)[1], feature("f1", 8, 8, "", 0))},
		"upsert changed, then same": {layers.Upsert, seq(feature("f1", 8, 8, "", 0), grid(3)[1])},
	} {
		_, err := s.Load(t.Context(), "a", c.mode, c.seq)
		require.ErrorIs(t, err, layers.ErrExists, name)
		unchanged(t, s, before, old)
	}
}

// testLoadKeepsEdits edits the layer while a load is under way: an Append or
// Upsert keeps the edits.
func testLoadKeepsEdits(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	create(t, s, mixed("b"))
	insert(t, s, "a", grid(6)...)
	for i, mode := range []layers.LoadMode{layers.Append, layers.Upsert} {
		_, err := s.Load(t.Context(), "a", mode, func(yield func(*layers.Feature, error) bool) {
			if !yield(feature(fmt.Sprint("loaded", i), 1, 1, "", 0), nil) {
				return
			}
			insert(t, s, "b", feature(fmt.Sprint("other layer", i), 1, 1, "", 0))
			change(t, s, func(tx layers.Tx) error {
				if err := tx.Insert(t.Context(), "a", feature(fmt.Sprint("edited", i), 2, 2, "", 0)); err != nil {
					return err
				}
				if err := tx.Replace(t.Context(), "a", feature("f5", 3, 3, "edited", int64(i))); err != nil {
					return err
				}
				return tx.Delete(t.Context(), "a", fmt.Sprint("f", i))
			})
			yield(feature(fmt.Sprint("last", i), 1, 1, "", 0), nil)
		})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"edited0", "edited1", "f2", "f3", "f4", "f5", "last0", "last1", "loaded0", "loaded1"}, ids(t, s, "a", layers.Query{}))
	equalFeatures(t, feature("f5", 3, 3, "edited", 1), scan(t, s, "a", layers.Query{})["f5"])
	require.Len(t, scan(t, s, "b", layers.Query{}), 2)
}
