package geopackage

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"twind/internal/sqlite"
	"twind/layers"
)

// Open opens a GeoPackage as a store, or makes one with Options.Create. A
// GeoPackage of another program is a store too: its feature tables in degrees
// are adopted as layers, or only read with Options.Untouched. It fails with ErrNotFound (no such file), ErrInvalid
// (not a GeoPackage) or ErrUnavailable (cannot be written, locked, made by a
// newer twind).
//
// Several processes may open the same file on one machine. SQLite's write-ahead
// log needs a local file system: a network share is refused or unsafe.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	o.EnsureDefaults()
	s := &Store{path: path, o: o, log: o.Log.With("store", filepath.Base(path)), limits: defaultLimits}
	if o.Untouched {
		if foreign, err := s.openForeign(ctx); foreign || err != nil {
			if err != nil {
				return nil, s.explain(err)
			}
			return s, nil
		}
	}
	fresh, err := checkFile(path, o.Create)
	if err != nil {
		return nil, err
	}
	s.db, err = sqlite.Open(sqlite.Options{Path: path, Create: o.Create, Readers: o.Readers, BusyTimeout: o.BusyTimeout, OnConnect: prepare})
	if err != nil {
		if sqlite.IsNotADB(err) || sqlite.IsCorrupt(err) {
			return nil, notGeoPackage(path)
		}
		if sqlite.IsCantOpen(err) {
			return nil, layers.Errorf(layers.ErrUnavailable, "cannot open %s: is its folder writable? SQLite keeps two more files beside it%.0w", path, err)
		}
		return nil, s.explain(err)
	}
	if err = s.setUp(ctx, fresh); err == nil {
		err = s.start()
	}
	if err != nil {
		s.db.Close()
		if fresh {
			os.Remove(path)
		}
		return nil, s.explain(err)
	}
	return s, nil
}

func notGeoPackage(path string) error {
	return layers.Errorf(layers.ErrInvalid, "%s is not a GeoPackage; name a .gpkg file or a file that does not exist yet", path)
}

// checkFile tells what SQLite would only say in riddles: a missing folder, a
// folder in the file's place, a file of another kind, missing rights to write.
func checkFile(path string, create bool) (fresh bool, err error) {
	fresh, err = findFile(path, create)
	if err != nil || fresh {
		return fresh, err
	}
	return false, writable(path, os.O_RDWR)
}

// findFile is checkFile but for the rights; a file that is to be made is made.
func findFile(path string, create bool) (fresh bool, err error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return false, layers.Errorf(layers.ErrInvalid, "the store's path is empty or holds a NUL; name a .gpkg file")
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return false, layers.Errorf(layers.ErrNotFound, "there is no file %s", path)
		}
		dir := filepath.Dir(path)
		if d, err := os.Stat(dir); err != nil || !d.IsDir() {
			return false, layers.Errorf(layers.ErrUnavailable, "there is no folder %s; make it first", dir)
		}
		return true, writable(path, os.O_RDWR|os.O_CREATE)
	}
	if err != nil {
		return false, layers.Errorf(layers.ErrUnavailable, "cannot open %s: %w", path, err)
	}
	if info.IsDir() {
		return false, layers.Errorf(layers.ErrInvalid, "%s is a folder; name a .gpkg file in it", path)
	}
	if info.Size() == 0 {
		if !create {
			return false, layers.Errorf(layers.ErrInvalid, "%s is empty, not a GeoPackage", path)
		}
		return true, writable(path, os.O_RDWR)
	}
	f, err := os.Open(path)
	if err != nil {
		return false, layers.Errorf(layers.ErrUnavailable, "cannot open %s: %w", path, err)
	}
	defer f.Close()
	magic := make([]byte, 16)
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != "SQLite format 3\x00" {
		return false, notGeoPackage(path)
	}
	return false, nil
}

// writable opens the file for writing and probes its folder, where SQLite keeps
// the write-ahead log.
func writable(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0o666)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(filepath.Dir(path), ".twind-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "cannot write %s and in its folder: %w", path, err)
	}
	return nil
}

// setUp makes or checks the tables, and brings the file in line with what other
// programs did to it since.
func (s *Store) setUp(ctx context.Context, fresh bool) error {
	err := s.db.Write(ctx, func(c *sqlite.Conn) error {
		application, err := c.Int("PRAGMA application_id")
		if err != nil {
			return err
		}
		tables, err := c.Int("SELECT count(*) FROM sqlite_master")
		if err != nil {
			return err
		}
		// 'GP10' and 'GP11' are GeoPackage 1.0 and 1.1.
		known := application == applicationID || application == 0x47503130 || application == 0x47503131
		if tables > 0 && !known {
			if n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE name IN ('gpkg_contents', 'gpkg_spatial_ref_sys')`); err != nil || n != 2 {
				return errors.Join(err, notGeoPackage(s.path))
			}
		}
		if tables == 0 {
			if !fresh && !s.o.Create {
				return notGeoPackage(s.path)
			}
			if err := createStandard(c); err != nil {
				return err
			}
		}
		if n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE name = 'twind_meta'`); err != nil {
			return err
		} else if n > 0 {
			v, err := c.Int(`SELECT value FROM twind_meta WHERE key = 'schema'`)
			if err != nil {
				return err
			}
			if v > schemaVersion {
				return layers.Errorf(layers.ErrUnavailable, "%s was made by a newer twind (schema %d; this one knows %d); use that one", s.path, v, schemaVersion)
			}
		}
		if err := c.Script(standardTables + twindTables("main") + branchTrigger + aspatial); err != nil {
			return err
		}
		id, err := c.Text(`SELECT value FROM twind_meta WHERE key = 'identity'`)
		if err != nil {
			return err
		}
		version, err := c.Text(`SELECT value FROM twind_meta WHERE key = 'schema'`)
		if err != nil {
			return err
		}
		s.identity = id + "/" + version
		rev, err := head(c)
		s.head.Store(int64(rev))
		return err
	})
	if err != nil {
		return err
	}
	// GDAL reads the application id from the file itself, not through the log.
	err = s.db.Exclusive(ctx, func(c *sqlite.Conn) error { return c.Checkpoint() })
	if err != nil && !fresh && sqlite.IsFull(err, s.path) {
		s.full.Store(true)
		s.log.Warn("the disk is full: what the file's log holds stays there, and only reading works until there is room", "error", err)
		err = nil
	}
	if err != nil {
		return err
	}
	if err := s.discardAbandoned(ctx); err != nil {
		return err
	}
	s.reconcile = &reconciler{s: s, missing: map[layers.ID]time.Time{}, refused: map[string]string{}}
	return s.reconcile.run(ctx, true, true)
}

// prepare sets up each connection.
func prepare(c *sqlite.Conn) error {
	// Renaming a table must leave views and triggers of others as they are.
	if err := c.Script("PRAGMA legacy_alter_table=ON"); err != nil {
		return err
	}
	return registerST(c)
}
