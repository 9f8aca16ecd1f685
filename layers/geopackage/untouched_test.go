package geopackage_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/layers/geopackage"
)

// theirs makes a GeoPackage with GDAL, of three points.
func theirs(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "their.gpkg")
	gdal(t, "ogr2ogr", "-f", "GPKG", path, geoJSON(t, point(1, 1, "a", 1)+","+point(2, 1, "b", 2)+","+point(3, 1, "c", 3)), "-nln", "poles")
	return path
}

// folder is what is in the folder of a file, by name.
func folder(t *testing.T, path string) map[string]string {
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(b)
	}
	return out
}

// TestUntouched reads files of other programs in the states they are found in.
func TestUntouched(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		rows  int
		err   string
	}{
		"as GDAL leaves it":      {nil, 3, ""},
		"in WAL mode and closed": {func(t *testing.T, path string) { script(t, path, "SELECT 1") }, 3, ""},
		"with a log left behind": {func(t *testing.T, path string) {
			leaveLog(t, path, "DELETE FROM poles WHERE fid = 1")
		}, 0, "has changes in"},
		"without features": {func(t *testing.T, path string) {
			script(t, path, "DELETE FROM gpkg_geometry_columns; DELETE FROM gpkg_ogr_contents; DELETE FROM gpkg_contents; DROP TABLE gpkg_geometry_columns")
		}, -1, ""},
		"in metres": {func(t *testing.T, path string) {
			script(t, path, "INSERT INTO gpkg_spatial_ref_sys (srs_name, srs_id, organization, organization_coordsys_id, definition) VALUES ('x', 4547, 'EPSG', 4547, 'x'); UPDATE gpkg_geometry_columns SET srs_id = 4547")
		}, 0, "holds no layer that can be read as it is: table poles is no layer"},
		"of a program in the middle of a change": {func(t *testing.T, path string) {
			leaveJournal(t, path)
		}, 0, "in the middle of a change"},
		"no GeoPackage": {func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
			require.NoError(t, err)
			require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error { return c.Script("CREATE TABLE a (b)") }))
			require.NoError(t, db.Close())
		}, 0, "is not a GeoPackage"},
	} {
		t.Run(name, func(t *testing.T) {
			path := theirs(t)
			if c.spoil != nil {
				c.spoil(t, path)
			}
			before := folder(t, path)
			s, err := geopackage.Open(t.Context(), path, geopackage.Options{Untouched: true})
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.NotContains(t, err.Error(), "\n")
				require.Equal(t, before, folder(t, path))
				return
			}
			require.NoError(t, err)
			require.True(t, s.Untouched())
			list, err := s.Layers(t.Context())
			require.NoError(t, err)
			if c.rows < 0 {
				require.Empty(t, list)
			} else {
				require.Len(t, list, 1)
				require.Len(t, all(t, s, list[0].ID, layers.Query{}), c.rows)
			}
			healthy(t, s)
			require.NoError(t, s.Close())
			require.Equal(t, before, folder(t, path))
		})
	}
}

// leaveLog changes the file as a process that is killed then.
func leaveLog(t *testing.T, path, sql string) {
	script(t, path, "SELECT 1") // WAL mode
	db, err := sqlite.Open(sqlite.Options{Path: path, OnConnect: func(c *sqlite.Conn) error { return c.Script("PRAGMA wal_autocheckpoint=0") }})
	require.NoError(t, err)
	require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error {
		return c.Script("DROP TRIGGER rtree_poles_geom_delete; " + sql)
	}))
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	log, err := os.ReadFile(path + "-wal")
	require.NoError(t, err)
	require.NotEmpty(t, log)
	require.NoError(t, db.Close())
	require.NoError(t, os.WriteFile(path, file, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", log, 0o600))
}

// leaveJournal leaves the file as a process that is killed while it commits.
func leaveJournal(t *testing.T, path string) {
	db, err := sqlite.Open(sqlite.Options{Path: path})
	require.NoError(t, err)
	var file, journal []byte
	require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error {
		require.NoError(t, c.Script("PRAGMA journal_mode=DELETE; PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; CREATE TABLE big (b)"))
		for range 200 {
			require.NoError(t, c.Script("INSERT INTO big VALUES (zeroblob(3000))"))
		}
		var err error
		file, err = os.ReadFile(path)
		require.NoError(t, err)
		journal, err = os.ReadFile(path + "-journal")
		require.NotEmpty(t, journal)
		return err
	}))
	require.NoError(t, db.Close())
	require.NoError(t, os.WriteFile(path, file, 0o600))
	require.NoError(t, os.WriteFile(path+"-journal", journal, 0o600))
}

// TestUntouchedMeanwhile reads while another program has the file open, and one
// that it changes in the middle.
func TestUntouchedMeanwhile(t *testing.T) {
	path := theirs(t)
	script(t, path, "SELECT 1") // WAL mode
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Untouched: true})
	require.NoError(t, err)
	require.Len(t, all(t, s, "poles", layers.Query{}), 3)
	geopackage.Script(t, path, `UPDATE poles SET "名称" = 'z'`)
	err = s.Scan(t.Context(), "poles", layers.Query{}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "was changed by another program while it was read")
	require.NoError(t, s.Close())

	db, err := sqlite.Open(sqlite.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error {
		return c.Script(`DELETE FROM poles WHERE fid = 1`)
	}))
	s, err = geopackage.Open(t.Context(), path, geopackage.Options{Untouched: true, Readers: 2})
	require.NoError(t, err)
	require.Len(t, all(t, s, "poles", layers.Query{}), 2, "what is only in the log")
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
	require.Len(t, folder(t, path), 1)
}

// TestUntouchedStore has the layers of an adopted one, refuses changes, and opens
// twind's own file as ever.
func TestUntouchedStore(t *testing.T) {
	path := theirs(t)
	geopackage.Script(t, path, `ALTER TABLE poles ADD COLUMN id TEXT; UPDATE poles SET id = 'p' || fid WHERE fid < 3; PRAGMA journal_mode=DELETE`)
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Untouched: true, Readers: 2})
	require.NoError(t, err)
	features := all(t, s, "poles", layers.Query{})
	require.Len(t, features, 3)
	require.Contains(t, features, "3", "ids with gaps are no ids: they cannot be filled")
	require.Equal(t, headOf(t, s), features["3"].Revision)
	require.NoError(t, s.Changes(t.Context(), headOf(t, s), func(layers.Record) error { return nil }))
	st, err := s.Stats(t.Context(), "poles")
	require.NoError(t, err)
	require.EqualValues(t, 3, st.Count)
	// Every connection finds the same.
	require.NoError(t, s.Scan(t.Context(), "poles", layers.Query{}, func(f *layers.Feature) error {
		again, err := s.Layer(t.Context(), "poles")
		require.Equal(t, layers.ID("poles"), again.ID)
		return err
	}))
	_, err = s.Update(t.Context(), func(tx layers.Tx) error { return tx.Delete(t.Context(), "poles", "3") })
	require.ErrorIs(t, err, layers.ErrReadOnly)
	require.ErrorContains(t, err, "is only read here")
	ch, err := s.Watch(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, open := <-ch
	require.False(t, open)

	own, err := geopackage.Open(t.Context(), path, geopackage.Options{})
	require.NoError(t, err)
	require.NoError(t, own.Close())
	own, err = geopackage.Open(t.Context(), path, geopackage.Options{Untouched: true})
	require.NoError(t, err)
	require.False(t, own.Untouched())
	require.Contains(t, all(t, own, "poles", layers.Query{}), "p1", "adopted")
	require.NoError(t, own.Close())
}
