package geopackage_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

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

// A file of an older twind, which counted by ones, counts as others do from its
// first change on; opening it changes nothing else.
func TestOldFilesCountApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
	require.NoError(t, err)
	poles(t, s, 3)
	require.NoError(t, s.Close())
	geopackage.Script(t, path, `DROP TRIGGER twind_changes_branch; UPDATE twind_changes SET seq = rowid - (SELECT min(seq) FROM twind_changes) + 1;
		UPDATE twind_layers SET base_revision = 2; UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM twind_changes) WHERE name = 'twind_changes'`)
	s, err = geopackage.Open(t.Context(), path, geopackage.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	old := headOf(t, s)
	require.Less(t, old, layers.Revision(1_000_000_000))
	before := time.Now().UnixMilli()
	rev, err := s.Update(t.Context(), func(tx layers.Tx) error { return tx.Delete(t.Context(), "poles", "lamp-1") })
	require.NoError(t, err)
	require.GreaterOrEqual(t, int64(rev), (before-1)*1000) // SQLite rounds its clock down
	require.LessOrEqual(t, int64(rev), (time.Now().UnixMilli()+1)*1000)
	require.Equal(t, rev, headOf(t, s))
	var log []layers.Record
	require.NoError(t, s.Changes(t.Context(), old, func(r layers.Record) error { log = append(log, r); return nil }))
	require.Len(t, log, 1)
	healthy(t, s)
}
