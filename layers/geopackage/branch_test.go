package geopackage_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
)

// Two copies of one file that are changed apart give out other revisions, whoever
// changes them; opening a file changes none.
func TestCopiesCountApart(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.gpkg"), filepath.Join(dir, "second.gpkg")
	open := func(path string) *geopackage.Store {
		s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
		require.NoError(t, err)
		return s
	}
	s := open(first)
	poles(t, s, 3)
	begun := headOf(t, s)
	require.NoError(t, s.Close())
	file, err := os.ReadFile(first)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(second, file, 0o666))

	touch := func(s *geopackage.Store) layers.Revision {
		rev, err := s.Update(t.Context(), func(tx layers.Tx) error {
			f, err := tx.Get(t.Context(), "poles", "lamp-1")
			if err != nil {
				return err
			}
			return tx.Replace(t.Context(), "poles", f)
		})
		require.NoError(t, err)
		f := all(t, s, "poles", layers.Query{})["lamp-1"]
		require.Equal(t, rev, f.Revision)
		require.Equal(t, rev, headOf(t, s))
		return rev
	}
	seen := map[layers.Revision]bool{}
	for _, path := range []string{first, second} {
		s := open(path)
		require.Equal(t, begun, headOf(t, s))
		last := begun
		for range 20 {
			rev := touch(s)
			require.Greater(t, rev, last)
			require.False(t, seen[rev], "revision %d is in both copies", rev)
			seen[rev], last = true, rev
		}
		require.NoError(t, s.Close())

		geopackage.Script(t, path, `UPDATE poles SET "高度" = 7 WHERE id = 'lamp-2'`)
		s = open(path)
		rev := all(t, s, "poles", layers.Query{})["lamp-2"].Revision
		require.Greater(t, rev, last)
		require.False(t, seen[rev])
		seen[rev] = true
		healthy(t, s)
		require.NoError(t, s.Close())
	}
}
