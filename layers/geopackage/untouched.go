package geopackage

import (
	"context"
	"maps"
	"slices"
	"sync"

	"twind/internal/sqlite"
	"twind/layers"
)

// foreign is what twind needs beside a GeoPackage that it only reads: the tables
// that would be adopted, as adoption would describe them. Each connection has
// twind's own tables as temporary ones, in memory, so that all that reads them
// finds them there.
type foreign struct {
	mu       sync.Mutex
	own      bool // twind has made it
	read     bool
	tables   []*table
	identity string
	refused  map[layers.ID]string // why a table is no layer
}

// Untouched tells whether the file is only read: see Options.Untouched.
func (s *Store) Untouched() bool { return s.foreign != nil }

// openForeign opens the file for reading only, unless twind has made it: then it
// returns false and leaves it closed.
func (s *Store) openForeign(ctx context.Context) (bool, error) {
	if _, err := findFile(s.path, false); err != nil {
		return false, err
	}
	s.foreign = &foreign{identity: newToken() + newToken(), refused: map[layers.ID]string{}}
	db, err := sqlite.Open(sqlite.Options{
		Path: s.path, ReadOnly: true, Traceless: true, Readers: s.o.Readers, BusyTimeout: s.o.BusyTimeout,
		OnConnect: s.foreign.prepare,
	})
	if sqlite.IsNotADB(err) || sqlite.IsCorrupt(err) {
		return false, notGeoPackage(s.path)
	}
	if err != nil {
		return false, err
	}
	if s.foreign.own {
		s.foreign = nil
		return false, db.Close()
	}
	s.db, s.identity = db, s.foreign.identity
	done := make(chan struct{})
	close(done)
	s.stop, s.done = s.watch.close, done
	if err := s.readable(ctx); err != nil {
		db.Close()
		return false, err
	}
	return true, nil
}

// readable tells why the file cannot be read as it is.
func (s *Store) readable(ctx context.Context) error {
	if s.db.LeftLog() {
		return layers.Errorf(layers.ErrUnavailable, "%s has changes in %s-wal that a program has left there, and only writing to it can bring them in; open and close it with that program, then try again", s.path, s.path)
	}
	return s.db.Read(ctx, func(c *sqlite.Conn) error {
		n, err := c.Int(`SELECT count(*) FROM main.sqlite_master WHERE name IN ('gpkg_contents', 'gpkg_spatial_ref_sys')`)
		if err == nil && n != 2 {
			err = notGeoPackage(s.path)
		}
		if err != nil {
			return err
		}
		if f := s.foreign; len(f.tables) == 0 && len(f.refused) > 0 {
			id := slices.Min(slices.Collect(maps.Keys(f.refused)))
			return layers.Errorf(layers.ErrUnsupported, "%s holds no layer that can be read as it is: %s", s.path, f.refused[id])
		}
		return nil
	})
}

// prepare gives a connection twind's tables; the first one finds the layers.
func (f *foreign) prepare(c *sqlite.Conn) error {
	if err := prepare(c); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.own, err = exists(c, "twind_meta"); err != nil || f.own {
		return err
	}
	if err := c.Script("PRAGMA temp_store=MEMORY;" + twindTables("temp")); err != nil {
		return err
	}
	// A file without them is none of features, or no GeoPackage.
	if n, err := c.Int(`SELECT count(*) FROM main.sqlite_master WHERE name IN ('gpkg_contents', 'gpkg_spatial_ref_sys', 'gpkg_geometry_columns')`); err != nil || n != 3 {
		return err
	}
	if !f.read {
		if err := f.find(c); err != nil {
			return err
		}
		f.read = true
	}
	for _, t := range f.tables {
		if t.base, err = logLayer(c, t.layer.ID, layers.LayerCreated); err != nil {
			return err
		}
		if err := t.write(c); err != nil {
			return err
		}
	}
	return nil
}

// find describes the feature tables of the file as adopt would.
func (f *foreign) find(c *sqlite.Conn) error {
	files, err := fileTables(c)
	if err != nil {
		return err
	}
	taken := map[layers.ID]bool{}
	name := func(file *fileTable) layers.ID {
		id := layerID(file.name, func(id layers.ID) bool { return taken[id] })
		taken[id] = true
		return id
	}
	var refused []*fileTable
	for _, folded := range slices.Sorted(maps.Keys(files)) {
		file := files[folded]
		if file.unusable() != "" {
			refused = append(refused, file)
			continue
		}
		column, err := file.idColumn(c, nil, false)
		if err != nil {
			return err
		}
		f.tables = append(f.tables, file.plan(file.describe(name(file)), nil, column))
	}
	for _, file := range refused {
		f.refused[name(file)] = "table " + file.name + " is no layer, since " + file.unusable()
	}
	return nil
}

// notFound says why a layer is not there.
func (s *Store) notFound(id layers.ID) error {
	if s.foreign != nil {
		if why, ok := s.foreign.refused[id]; ok {
			return layers.Errorf(layers.ErrUnsupported, "%s", why)
		}
	}
	return layers.Errorf(layers.ErrNotFound, "there is no layer %q", id)
}
