//go:build proof

package geopackage_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// TestLoadBesideGDAL loads 150,000 buildings, again by upsert with all changed,
// while GDAL edits another layer and the same one: no edit fails for a lock or is
// lost, and none of GDAL's edits goes unrecorded.
func TestLoadBesideGDAL(t *testing.T) {
	const n = 150_000
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	poles(t, s, 3)
	require.NoError(t, s.CreateLayer(t.Context(), buildingLayer()))
	_, err = s.Load(t.Context(), "buildings", layers.Append, buildings(n))
	require.NoError(t, err)
	rev := headOf(t, s)

	loaded := make(chan error, 1)
	go func() {
		_, err := s.Load(t.Context(), "buildings", layers.Upsert, func(yield func(*layers.Feature, error) bool) {
			for f, err := range buildings(n) {
				f.Properties[1] = layers.FloatValue(1)
				f.ID += "x" // new ones
				if !yield(f, err) {
					return
				}
			}
		})
		loaded <- err
	}()
	edits := 0
	for done := false; !done; {
		select {
		case err := <-loaded:
			require.NoError(t, err)
			done = true
		default:
		}
		edits++
		for _, sql := range []string{
			fmt.Sprintf(`UPDATE poles SET "高度" = %d WHERE id = 'lamp-1'`, edits),
			fmt.Sprintf(`UPDATE buildings SET floors = 1000 + %d WHERE id = '%d'`, edits, 1000000+edits),
		} {
			out, err := exec.Command("ogrinfo", path, "-sql", sql).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.NotContains(t, string(out), "ERROR", "GDAL says so, and exits with 0, when it finds the file locked")
		}
	}
	require.Greater(t, edits, 2)
	t.Logf("%d edits of each layer during the load", edits)
	require.Equal(t, layers.FloatValue(float64(edits)), all(t, s, "poles", layers.Query{})["lamp-1"].Properties[1])
	logged := map[layers.ID]int{}
	require.NoError(t, s.Changes(t.Context(), rev, func(r layers.Record) error {
		if r.Op == layers.Updated {
			logged[r.Layer]++
		}
		return nil
	}))
	require.Equal(t, map[layers.ID]int{"poles": edits, "buildings": edits}, logged)
	for i := 1; i <= edits; i++ {
		id := fmt.Sprint(1000000 + i)
		require.Equal(t, layers.IntValue(int64(1000+i)), all(t, s, "buildings", layers.Query{IDs: []string{id}})[id].Properties[2], "edit %d of %d", i, edits)
	}
	st, err := s.Stats(t.Context(), "buildings")
	require.NoError(t, err)
	require.Equal(t, int64(2*n), st.Count)
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-so", path, "buildings"), fmt.Sprintf("Feature Count: %d\n", 2*n))
	healthy(t, s)
}

// TestQueriesAgainstScan compares queries by envelope with a look at every
// feature, on 50,000 buildings and after edits.
func TestQueriesAgainstScan(t *testing.T) {
	const n = 50_000
	s, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.CreateLayer(t.Context(), buildingLayer()))
	_, err = s.Load(t.Context(), "buildings", layers.Append, buildings(n))
	require.NoError(t, err)
	_, err = s.Update(t.Context(), func(tx layers.Tx) error {
		i := 0
		for f := range buildings(3000) {
			f := f.Clone()
			if i++; i%3 == 0 {
				if err := tx.Delete(t.Context(), "buildings", f.ID); err != nil {
					return err
				}
				continue
			}
			for j := range f.Geometry.XY {
				f.Geometry.XY[j] += 0.01
			}
			if err := tx.Replace(t.Context(), "buildings", f); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	every := all(t, s, "buildings", layers.Query{})
	require.Len(t, every, n-1000)
	hits := 0
	for i := range 60 {
		x, y := 112.7+float64(i%20)/40, 28+float64(i/20)/20
		e := spatial.Envelope{MinX: x, MinY: y, MaxX: x + 0.001*float64(1+i), MaxY: y + 0.0006*float64(1+i)}
		got := all(t, s, "buildings", layers.Query{Envelope: &e})
		want := 0
		for id, f := range every {
			if f.Geometry.Envelope().Intersects(e) {
				want++
				require.Contains(t, got, id)
				require.True(t, f.Geometry.Equal(got[id].Geometry))
				require.Equal(t, f.Revision, got[id].Revision)
			}
		}
		require.Len(t, got, want, "envelope %v", e)
		hits += want
	}
	require.Greater(t, hits, n/10)
	require.NotContains(t, strings.Join(faults(t, s), "; "), "R-tree")
}

func faults(t *testing.T, s layers.Store) (out []string) {
	require.NoError(t, s.Check(t.Context(), func(f string) error { out = append(out, f); return nil }))
	return out
}
