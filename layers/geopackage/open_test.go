package geopackage_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// script runs SQL on a file as another program would.
func script(t *testing.T, path, sql string) {
	t.Helper()
	db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
	require.NoError(t, err)
	require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error { return c.Script(sql) }))
	require.NoError(t, db.Close())
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o666))
		return path
	}
	other := filepath.Join(dir, "other.sqlite")
	script(t, other, "CREATE TABLE a (b)")
	newer := filepath.Join(dir, "newer.gpkg")
	s, err := geopackage.Open(t.Context(), newer, geopackage.Options{Create: true})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	script(t, newer, "UPDATE twind_meta SET value = 99 WHERE key = 'schema'")
	whole, err := os.ReadFile(newer)
	require.NoError(t, err)
	garbled := append([]byte(nil), whole...)
	for i := 100; i < 4096; i++ {
		garbled[i] = byte(i * 7)
	}

	for name, c := range map[string]struct {
		path   string
		create bool
		kind   error
		text   string
	}{
		"missing":                 {filepath.Join(dir, "missing.gpkg"), false, layers.ErrNotFound, "there is no file"},
		"missing folder":          {filepath.Join(dir, "no", "city.gpkg"), true, layers.ErrUnavailable, "there is no folder"},
		"a folder":                {dir, true, layers.ErrInvalid, "is a folder"},
		"no path":                 {"", true, layers.ErrInvalid, "path is empty"},
		"text":                    {file("text.gpkg", "not a database at all, but long enough to look at"), true, layers.ErrInvalid, "not a GeoPackage"},
		"short":                   {file("short.gpkg", "SQL"), true, layers.ErrInvalid, "not a GeoPackage"},
		"empty":                   {file("empty.gpkg", ""), false, layers.ErrInvalid, "is empty"},
		"another SQLite database": {other, true, layers.ErrInvalid, "not a GeoPackage"},
		"cut off":                 {file("cut.gpkg", string(whole[:5000])), true, layers.ErrInvalid, "not a GeoPackage"},
		"garbled":                 {file("garbled.gpkg", string(garbled)), true, layers.ErrInvalid, "not a GeoPackage"},
		"of a newer twind":        {newer, true, layers.ErrUnavailable, "newer twind"},
	} {
		s, err := geopackage.Open(t.Context(), c.path, geopackage.Options{Create: c.create, BusyTimeout: time.Second})
		require.Nil(t, s, name)
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
		require.NotContains(t, err.Error(), "\n", name)
		if c.path != "" {
			require.ErrorContains(t, err, filepath.Dir(c.path), name)
		}
	}
	_, err = os.Stat(filepath.Join(dir, "missing.gpkg"))
	require.ErrorIs(t, err, os.ErrNotExist, "nothing was made")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		require.False(t, strings.HasPrefix(e.Name(), ".twind-"), "a probe was left")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = geopackage.Open(ctx, filepath.Join(dir, "cancelled.gpkg"), geopackage.Options{Create: true})
	require.ErrorIs(t, err, context.Canceled)
}

// TestOpenReadOnlyFolder needs a folder that this user cannot write, which root can.
func TestOpenReadOnlyFolder(t *testing.T) {
	path := "/proc/city.gpkg" // a folder that nobody can write, not even root
	_, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "cannot write")
}

// TestLocked finds the file locked by another program.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true, BusyTimeout: 300 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	poles(t, s, 3)
	db, err := sqlite.Open(sqlite.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error {
		require.NoError(t, c.Script("BEGIN IMMEDIATE"))
		_, err := s.Update(t.Context(), func(tx layers.Tx) error { return tx.Delete(t.Context(), "poles", "lamp-1") })
		require.ErrorIs(t, err, layers.ErrUnavailable)
		require.ErrorContains(t, err, "locked by another program")
		require.Len(t, all(t, s, "poles", layers.Query{}), 3, "reading goes on")
		_, err = geopackage.Open(t.Context(), path, geopackage.Options{BusyTimeout: 100 * time.Millisecond})
		require.ErrorIs(t, err, layers.ErrUnavailable)
		return c.Script("ROLLBACK")
	}))
	require.NoError(t, db.Close())
	_, err = s.Update(t.Context(), func(tx layers.Tx) error { return tx.Delete(t.Context(), "poles", "lamp-1") })
	require.NoError(t, err)
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	a, err := geopackage.Open(t.Context(), filepath.Join(dir, "a.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	b, err := geopackage.Open(t.Context(), filepath.Join(dir, "b.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	require.NotEqual(t, a.Identity(), b.Identity())
	require.Equal(t, filepath.Join(dir, "a.gpkg"), a.Path())
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
}

func TestCompaction(t *testing.T) {
	const keep = 50
	s, err := geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"), geopackage.Options{Create: true, KeepChanges: keep})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	poles(t, s, 4)
	edit := func(n int) {
		_, err := s.Update(t.Context(), func(tx layers.Tx) error {
			for i := range n {
				id := []string{"lamp-1", "lamp-2"}[i%2]
				f, err := tx.Get(t.Context(), "poles", id)
				if err != nil {
					return err
				}
				f.Properties[1] = layers.FloatValue(float64(i))
				if err := tx.Replace(t.Context(), "poles", f); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
	}
	_, err = s.Update(t.Context(), func(tx layers.Tx) error { return tx.Delete(t.Context(), "poles", "lamp-0") })
	require.NoError(t, err)
	edit(1) // the last change of lamp-1
	before := all(t, s, "poles", layers.Query{})["lamp-1"].Revision
	var revisions []layers.Revision
	for range 2 * keep {
		rev, err := s.Update(t.Context(), func(tx layers.Tx) error {
			f, err := tx.Get(t.Context(), "poles", "lamp-2")
			if err != nil {
				return err
			}
			return tx.Replace(t.Context(), "poles", f)
		})
		require.NoError(t, err)
		revisions = append(revisions, rev)
	}
	outOfReach := func() bool {
		return s.Changes(t.Context(), 0, func(layers.Record) error { return nil }) != nil
	}
	require.Eventually(t, outOfReach, 20*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, s.Changes(t.Context(), 0, func(layers.Record) error { return nil }), layers.ErrNotFound)
	n := 0
	head := headOf(t, s)
	require.NoError(t, s.Changes(t.Context(), revisions[2*keep-1-(keep-5)], func(layers.Record) error { n++; return nil }))
	require.Equal(t, keep-5, n, "what is kept is whole")
	require.Equal(t, before, all(t, s, "poles", layers.Query{})["lamp-1"].Revision, "revisions stay")
	require.Equal(t, head, all(t, s, "poles", layers.Query{})["lamp-2"].Revision)
	healthy(t, s)
}

// TestCheckFinds spoils a file in many ways.
func TestCheckFinds(t *testing.T) {
	open := func(t *testing.T, path string) *geopackage.Store {
		s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true, Quiet: time.Hour, DropGrace: time.Hour}) // it is not to mend itself
		require.NoError(t, err)
		return s
	}
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s := open(t, path)
	poles(t, s, 3)
	lines := buildingLayer()
	lines.ID, lines.GeometryType = "lines", spatial.LineString
	require.NoError(t, s.CreateLayer(t.Context(), lines))
	_, err := s.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "lines", &layers.Feature{ID: "l", Geometry: spatial.NewLineString([]float64{1, 1, 2, 2}), Properties: make([]layers.Value, 6)})
	})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, c := range map[string]struct{ sql, want string }{
		"trigger":     {`DROP TRIGGER twind_poles_update`, `the trigger "twind_poles_update" is missing`},
		"r-tree row":  {`DELETE FROM rtree_poles_geom WHERE id = 2`, "row 2 is missing in the R-tree"},
		"r-tree box":  {`UPDATE rtree_poles_geom SET minx = 50, maxx = 51 WHERE id = 2`, "row 2 stands in the R-tree at another place"},
		"r-tree more": {`INSERT INTO rtree_poles_geom VALUES (77, 1, 2, 1, 2)`, "the R-tree holds row 77, which is not there"},
		"r-tree gone": {`DROP TABLE rtree_poles_geom`, "it has no R-tree"},
		"blob":        {`DROP TRIGGER rtree_poles_geom_update1; DROP TRIGGER rtree_poles_geom_update2; UPDATE poles SET geom = x'4750000100' WHERE fid = 1`, "malformed geometry blob"},
		"type":        {`UPDATE poles SET geom = (SELECT geom FROM lines) WHERE fid = 1`, "a LineString in layer poles"},
		"value":       {`UPDATE poles SET "高度" = 'hoch' WHERE fid = 1`, `the value of "高度" is no number`},
		"column":      {`ALTER TABLE poles DROP COLUMN "高度"`, `the column of property "高度" is not in table`},
		"table":       {`DROP TABLE poles`, `its table "poles" is not in the file`},
		"not listed":  {`DELETE FROM gpkg_geometry_columns WHERE table_name = 'poles'`, "not registered as a feature table"},
		"reference":   {`PRAGMA foreign_keys=OFF; UPDATE gpkg_contents SET srs_id = 4711 WHERE table_name = 'poles'`, "refers to a row of gpkg_spatial_ref_sys that is not there"},
		"application": {`PRAGMA application_id = 1`, "application id"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "city.gpkg")
			require.NoError(t, os.WriteFile(path, whole, 0o666))
			s := open(t, path)
			defer func() { require.NoError(t, s.Close()) }()
			healthy(t, s)
			geopackage.Script(t, path, c.sql)
			var faults []string
			require.NoError(t, s.Check(t.Context(), func(fault string) error { faults = append(faults, fault); return nil }))
			require.Contains(t, strings.Join(faults, "\n"), c.want)
			for _, f := range faults {
				require.NotContains(t, f, "\n")
			}
		})
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A file that is removed, moved or replaced while it is open is not written, and
// what was confirmed before is in it, not in a log beside the one in its place,
// which would damage that.
func TestReplacedWhileOpen(t *testing.T) {
	for _, c := range []struct {
		name    string
		replace func(t *testing.T, path string)
		after   []layers.ID // layers of the file at the path; nil: there is none
		aside   []layers.ID // of the file that was moved aside
	}{
		{"removed", func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, nil, nil},
		{"moved", func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".aside.gpkg")) }, nil, []layers.ID{"lamps"}},
		{"replaced", func(t *testing.T, path string) { require.NoError(t, os.Rename(path+".new.gpkg", path)) }, []layers.ID{"benches", "hydrants"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "city.gpkg")
			idsOf := func(path string) (ids []layers.ID) {
				s, err := geopackage.Open(t.Context(), path, geopackage.Options{})
				require.NoError(t, err)
				faults := 0
				require.NoError(t, s.Check(t.Context(), func(string) error { faults++; return nil }))
				require.Zero(t, faults)
				list, err := s.Layers(t.Context())
				require.NoError(t, err)
				for _, l := range list {
					ids = append(ids, l.ID)
				}
				require.NoError(t, s.Close())
				return ids
			}
			point := func(id layers.ID) layers.Layer {
				return layers.Layer{ID: id, Kind: layers.KindPart, GeometryType: spatial.Point, CRS: 4490}
			}
			other, err := geopackage.Open(t.Context(), path+".new.gpkg", geopackage.Options{Create: true})
			require.NoError(t, err)
			require.NoError(t, other.CreateLayer(t.Context(), point("benches")))
			require.NoError(t, other.CreateLayer(t.Context(), point("hydrants")))
			require.NoError(t, other.Close())

			var log lines
			s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true, Readers: 2, Log: slog.New(slog.NewTextHandler(&log, nil))})
			require.NoError(t, err)
			require.NoError(t, s.Writable())
			require.NoError(t, s.CreateLayer(t.Context(), point("lamps")))
			list, err := s.Layers(t.Context()) // by a reader that stays open
			require.NoError(t, err)
			require.Len(t, list, 1)

			c.replace(t, path)
			err = s.CreateLayer(t.Context(), point("trees"))
			require.ErrorIs(t, err, layers.ErrUnavailable)
			require.ErrorContains(t, err, path+" was removed or replaced while it was open")
			require.ErrorIs(t, s.Writable(), layers.ErrUnavailable)
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "was removed or replaced while it was open") }, 20*time.Second, 10*time.Millisecond)
			again, err := s.Layers(t.Context())
			require.NoError(t, err)
			require.Equal(t, list, again, "what was read can still be read")
			if c.after != nil {
				require.Equal(t, c.after, idsOf(path), "another program reads the new file meanwhile")
			}
			require.NoError(t, s.Close())
			require.Equal(t, 1, strings.Count(log.String(), "removed or replaced"))
			if c.after != nil {
				require.Equal(t, c.after, idsOf(path))
			}
			if c.aside != nil {
				require.Equal(t, c.aside, idsOf(path+".aside.gpkg"), "what was confirmed went with the file")
			}
		})
	}
}

// A file that comes back holds what was confirmed; it is written again after a
// start, since another program may have had it meanwhile.
func TestMovedAwayAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.gpkg")
	var log lines
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	point := func(id layers.ID) layers.Layer {
		return layers.Layer{ID: id, Kind: layers.KindPart, GeometryType: spatial.Point, CRS: 4490}
	}
	require.NoError(t, s.CreateLayer(t.Context(), point("lamps")))
	require.NoError(t, os.Rename(path, path+".aside"))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "removed or replaced") }, 20*time.Second, 10*time.Millisecond)
	require.NoFileExists(t, path+"-wal")
	require.NoFileExists(t, path+"-shm")
	require.NoError(t, os.Rename(path+".aside", path))
	require.ErrorIs(t, s.CreateLayer(t.Context(), point("trees")), layers.ErrUnavailable)
	require.NoError(t, s.Close())
	s, err = geopackage.Open(t.Context(), path, geopackage.Options{})
	require.NoError(t, err)
	require.NoError(t, s.CreateLayer(t.Context(), point("trees")))
	list, err := s.Layers(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.NoError(t, s.Close())
}
