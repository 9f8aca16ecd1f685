package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// hut is surfaces of two faces, a floor with a hole and a roof at a height.
func hut(t *testing.T, height float64) layers.Surfaces {
	t.Helper()
	s, err := layers.NewSurfaces(spatial.Geometry{
		Type: spatial.MultiPolygon,
		XY: []float64{
			4, 52, 4, 52.1, 4.1, 52.1, 4.1, 52, 4, 52,
			4.02, 52.02, 4.03, 52.02, 4.03, 52.03, 4.02, 52.02,
			4, 52, 4.1, 52, 1.0 / 3, 52.1, 4, 52,
		},
		Z:     []float64{-0.5, -0.5, -0.5, -0.5, -0.5, 0, 0, 0, 0, height, height, height, height},
		Ends:  []int32{5, 9, 13},
		Parts: []int32{2, 3},
	}, []layers.SurfaceClass{layers.GroundSurface, layers.RoofSurface})
	require.NoError(t, err)
	return s
}

// withSurfaces is a feature with surfaces.
func withSurfaces(f *layers.Feature, s layers.Surfaces) *layers.Feature {
	f.Surfaces = s
	return f
}

// surfacesAre compares the surfaces of every feature of layer a, as a scan and, for
// some, a look-up and a transaction see them.
func surfacesAre(t *testing.T, s layers.Store, want map[string]layers.Surfaces) {
	t.Helper()
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, len(want))
	for id, w := range want {
		require.Equal(t, w, got[id].Surfaces, id)
	}
	n := 0
	for id, w := range want {
		if n++; n > 5 {
			break
		}
		require.Equal(t, w, scan(t, s, "a", layers.Query{IDs: []string{id}})[id].Surfaces, id)
		f, err := get(t, s, "a", id)
		require.NoError(t, err)
		require.Equal(t, w, f.Surfaces, id)
	}
}

// changed tells which features the log names after a revision, and whether all.
func changed(t *testing.T, s layers.Store, after layers.Revision) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, r := range records(t, s, after) {
		out[r.Feature] = true
	}
	return out
}

func testSurfaces(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	low, high := hut(t, 3), hut(t, 9.25)
	insert(t, s, "a", withSurfaces(feature("one", 1, 2, "一", 1), low), feature("two", 3, 4, "二", 2), withSurfaces(feature("three", 5, 6, "三", 3), high))
	surfacesAre(t, s, map[string]layers.Surfaces{"one": low, "two": nil, "three": high})

	// Who writes the attributes leaves the surfaces as they are.
	change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", feature("one", 1, 2, "壹", 10)) })
	surfacesAre(t, s, map[string]layers.Surfaces{"one": low, "two": nil, "three": high})

	// Others come when they are given, and the log tells.
	before := headOf(t, s)
	change(t, s, func(tx layers.Tx) error {
		if err := tx.Replace(t.Context(), "a", withSurfaces(feature("one", 1, 2, "壹", 10), high)); err != nil {
			return err
		}
		f, err := tx.Get(t.Context(), "a", "one")
		require.NoError(t, err)
		require.Equal(t, high, f.Surfaces)
		return tx.Replace(t.Context(), "a", withSurfaces(feature("two", 3, 4, "二", 2), low))
	})
	require.Equal(t, map[string]bool{"one": true, "two": true}, changed(t, s, before))
	surfacesAre(t, s, map[string]layers.Surfaces{"one": high, "two": low, "three": high})

	// Whose geometry changes loses them, unless new ones come with it; empty ones take them away.
	change(t, s, func(tx layers.Tx) error {
		for _, f := range []*layers.Feature{
			feature("one", 1, 2.5, "壹", 10), withSurfaces(feature("two", 3, 4.5, "二", 2), high), withSurfaces(feature("three", 5, 6, "三", 3), layers.Surfaces{}),
		} {
			if err := tx.Replace(t.Context(), "a", f); err != nil {
				return err
			}
		}
		return nil
	})
	surfacesAre(t, s, map[string]layers.Surfaces{"one": nil, "two": high, "three": nil})

	// They go with their feature, and do not come back with its id.
	change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "two") })
	insert(t, s, "a", feature("two", 3, 4.5, "二", 2))
	surfacesAre(t, s, map[string]layers.Surfaces{"one": nil, "two": nil, "three": nil})

	// A feature without an id keeps its own.
	f := withSurfaces(feature("", 7, 8, "四", 4), low)
	insert(t, s, "a", f)
	surfacesAre(t, s, map[string]layers.Surfaces{"one": nil, "two": nil, "three": nil, f.ID: low})
}

func testSurfacesRefused(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	low := hut(t, 3)
	insert(t, s, "a", withSurfaces(feature("one", 1, 2, "一", 1), low))
	for _, bad := range []layers.Surfaces{low[:20], low.WKB(), layers.JoinSurfaces(low.WKB(), "GZ")} {
		_, err := s.Update(t.Context(), func(tx layers.Tx) error {
			return tx.Insert(t.Context(), "a", withSurfaces(feature("two", 1, 2, "", 1), bad))
		})
		require.ErrorIs(t, err, layers.ErrInvalid)
		_, err = s.Load(t.Context(), "a", layers.Upsert, seq(withSurfaces(feature("one", 1, 2, "", 1), bad)))
		require.ErrorIs(t, err, layers.ErrInvalid)
	}
	_, err := s.Update(t.Context(), func(tx layers.Tx) error {
		if err := tx.Replace(t.Context(), "a", withSurfaces(feature("one", 1, 2, "", 1), hut(t, 8))); err != nil {
			return err
		}
		return errTest
	})
	require.ErrorIs(t, err, errTest)
	surfacesAre(t, s, map[string]layers.Surfaces{"one": low})
}

func testSurfacesGone(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	low := hut(t, 3)
	insert(t, s, "a", withSurfaces(feature("one", 1, 2, "一", 1), low))
	if r, ok := s.(Reopener); ok {
		second := r.Reopen()
		surfacesAre(t, second, map[string]layers.Surfaces{"one": low})
		noFaults(t, second)
		require.NoError(t, second.Close())
	}
	require.NoError(t, s.DropLayer(t.Context(), "a"))
	create(t, s, mixed("a"))
	insert(t, s, "a", feature("one", 1, 2, "一", 1))
	surfacesAre(t, s, map[string]layers.Surfaces{"one": nil})
}

func testLoadSurfaces(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	list, want := grid(12), map[string]layers.Surfaces{}
	for i, f := range list {
		if i%2 == 0 {
			f.Surfaces = hut(t, float64(i))
		}
		want[f.ID] = f.Surfaces
	}
	load(t, s, "a", layers.Append, list...)
	surfacesAre(t, s, want)

	// More of them, in a layer that has some.
	for i := 30; i < 33; i++ {
		f := withSurfaces(feature(fmt.Sprintf("f%d", i), float64(i), 1, "", 0), hut(t, float64(i)))
		want[f.ID] = f.Surfaces
		load(t, s, "a", layers.Append, f)
	}
	surfacesAre(t, s, want)

	// What is the same is left alone, by whatever a difference there could be.
	again := append(grid(12), feature("f30", 30, 1, "", 0))
	for _, f := range again[:6] {
		f.Surfaces = want[f.ID]
		if f.Surfaces == nil {
			f.Surfaces = layers.Surfaces{}
		}
	}
	before := headOf(t, s)
	res := load(t, s, "a", layers.Upsert, again...)
	require.Equal(t, layers.LoadResult{Unchanged: 13, Revision: before}, res)
	surfacesAre(t, s, want)

	// New surfaces alone are a change; so are their end and a new geometry.
	more := []*layers.Feature{
		withSurfaces(grid(12)[0], hut(t, 77)), withSurfaces(grid(12)[1], hut(t, 78)), withSurfaces(grid(12)[2], layers.Surfaces{}),
		feature("f4", 4.5, 2, "点4", 4), withSurfaces(feature("f6", 6.5, 3, "点6", 6), hut(t, 79)), withSurfaces(feature("new", 1, 1, "", 0), hut(t, 80)),
		withSurfaces(grid(12)[8], want["f8"]),
	}
	res = load(t, s, "a", layers.Upsert, more...)
	require.Equal(t, layers.LoadResult{Inserted: 1, Updated: 5, Unchanged: 1, Revision: res.Revision}, res)
	want["f0"], want["f1"], want["f2"], want["f4"], want["f6"], want["new"] = hut(t, 77), hut(t, 78), nil, nil, hut(t, 79), hut(t, 80)
	surfacesAre(t, s, want)

	// An edit after the loads, and a load that replaces all.
	change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "f0") })
	delete(want, "f0")
	surfacesAre(t, s, want)
	load(t, s, "a", layers.Replace, withSurfaces(feature("f1", 1, 0.5, "点1", 1), hut(t, 5)), feature("f2", 2, 1, "点2", 2))
	surfacesAre(t, s, map[string]layers.Surfaces{"f1": hut(t, 5), "f2": nil})
	load(t, s, "a", layers.Replace, feature("f1", 1, 0.5, "点1", 1))
	surfacesAre(t, s, map[string]layers.Surfaces{"f1": nil})

	// Rows without ids keep theirs.
	load(t, s, "a", layers.Append, withSurfaces(feature("", 50, 1, "又", 5), hut(t, 6)), withSurfaces(feature("", 51, 1, "也", 6), hut(t, 7)), feature("", 52, 1, "无", 7))
	for _, f := range scan(t, s, "a", layers.Query{}) {
		n := f.Properties[1].Int()
		if n < 5 || n == 7 {
			require.Nil(t, f.Surfaces)
			continue
		}
		require.Equal(t, hut(t, float64(n+1)), f.Surfaces)
	}
}
