// Package mbtiles reads MBTiles 1.3: finished tiles in a SQLite file, which is
// opened for reading only.
//
//	metadata(name, value)                                   format, bounds, minzoom, json …
//	tiles(zoom_level, tile_column, tile_row, tile_data)     a table or a view
//
// Rows count from the south (TMS), tile.ID's from the north: row = 2^zoom − 1 − y.
// Metadata may be missing; the tiles themselves then say what they are.
//
// Source: MBTiles Specification 1.3, github.com/mapbox/mbtiles-spec.
package mbtiles

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/pmtiles"
)

const (
	patience    = 5 * time.Second // of one query
	maxUnsorted = 4 << 20         // bytes of a file whose tiles need no index
	maxMetadata = 16 << 20        // bytes of one value
)

// Archive is an open file. It is safe for concurrent use.
type Archive struct {
	path     string
	db       *sqlite.DB
	info     os.FileInfo
	Type     pmtiles.TileType // Other where neither metadata nor tiles say
	Metadata pmtiles.Metadata
	MinZoom  uint8
	MaxZoom  uint8
	Bounds   spatial.Envelope // degrees
	Center   [3]float64       // longitude, latitude, zoom
}

// Open opens a file. It fails with layers.ErrUnavailable where it cannot be
// read, and layers.ErrCorrupt where it is no MBTiles file or holds no tiles.
func Open(ctx context.Context, path string) (*Archive, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "file %s cannot be opened: %w", path, reason(err))
	}
	db, err := sqlite.Open(sqlite.Options{Path: path, ReadOnly: true, BusyTimeout: patience})
	if err != nil {
		return nil, fault(path, err)
	}
	a := &Archive{path: path, db: db, info: info}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := db.Read(ctx, a.describe); err != nil {
		return nil, errors.Join(fault(path, err), db.Close())
	}
	return a, nil
}

func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// fault turns an error of SQLite into one for the user.
func fault(path string, err error) error {
	switch {
	case errors.Is(err, layers.ErrCorrupt) || errors.Is(err, layers.ErrNotFound):
		return err
	case sqlite.IsNotADB(err):
		return layers.Errorf(layers.ErrCorrupt, "file %s is no MBTiles archive: it is not a SQLite database", path)
	case sqlite.IsCorrupt(err):
		return layers.Errorf(layers.ErrCorrupt, "file %s is damaged: %w", path, err)
	case errors.Is(err, context.DeadlineExceeded):
		return layers.Errorf(layers.ErrUnavailable, "file %s: a query took longer than it may; is its table or view of tiles indexed?", path)
	case errors.Is(err, context.Canceled), errors.Is(err, sqlite.ErrClosed):
		return err
	}
	return layers.Errorf(layers.ErrUnavailable, "file %s cannot be read: %w", path, err)
}

const selectTile = "SELECT tile_data, length(tile_data) FROM tiles WHERE zoom_level=? AND tile_column=? AND tile_row=?"

// describe finds out what the file holds.
func (a *Archive) describe(c *sqlite.Conn) error {
	if n, err := c.Int("SELECT count(*) FROM sqlite_schema WHERE name='tiles' AND type IN ('table','view')"); err != nil || n == 0 {
		if err != nil {
			return err
		}
		return layers.Errorf(layers.ErrCorrupt, "file %s is no MBTiles archive: it has no table tiles", a.path)
	}
	if err := a.indexed(c); err != nil {
		return err
	}
	meta, err := metadata(c)
	if err != nil {
		return err
	}
	if err := a.zooms(c, meta); err != nil {
		return err
	}
	if err := a.place(c, meta); err != nil {
		return err
	}
	if a.Type, err = tileType(c, meta["format"]); err != nil {
		return err
	}
	// A json value that is no JSON costs the list of layers, not the archive.
	a.Metadata, _ = pmtiles.ParseMetadata([]byte(meta["json"]), a.MinZoom, a.MaxZoom)
	for name, to := range map[string]*string{"name": &a.Metadata.Name, "description": &a.Metadata.Description, "attribution": &a.Metadata.Attribution, "type": &a.Metadata.Type, "version": &a.Metadata.Version, "encoding": &a.Metadata.Encoding} {
		if v := meta[name]; v != "" {
			*to = v
		}
	}
	return nil
}

// indexed refuses a large file in which each tile would be searched for row by row.
func (a *Archive) indexed(c *sqlite.Conn) error {
	scans := false
	err := c.Query(func(s *sqlite.Stmt) error {
		scans = scans || strings.HasPrefix(s.ColumnText(3), "SCAN")
		return nil
	}, "EXPLAIN QUERY PLAN "+selectTile, 0, 0, 0)
	if err != nil {
		return layers.Errorf(layers.ErrCorrupt, "file %s is no MBTiles archive: its tiles have no zoom_level, tile_column, tile_row and tile_data (%w)", a.path, err)
	}
	if scans && a.info.Size() > maxUnsorted {
		return layers.Errorf(layers.ErrCorrupt, "file %s has no index of its tiles; make one: sqlite3 FILE 'CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)'", a.path)
	}
	return nil
}

// metadata reads the table of that name, if there is one.
func metadata(c *sqlite.Conn) (map[string]string, error) {
	m := map[string]string{}
	n, err := c.Int("SELECT count(*) FROM sqlite_schema WHERE name='metadata'")
	if err != nil || n == 0 {
		return m, err
	}
	err = c.Query(func(s *sqlite.Stmt) error {
		m[s.ColumnText(0)] = s.ColumnText(1)
		return nil
	}, "SELECT name, value FROM metadata WHERE length(value) <= ? LIMIT 1000", maxMetadata)
	if err != nil && !sqlite.IsCorrupt(err) {
		return m, nil // columns of other names: as if there were none
	}
	return m, err
}

// zooms takes the zooms of the tiles, and the metadata's where they are narrower.
func (a *Archive) zooms(c *sqlite.Conn, meta map[string]string) error {
	n, err := c.Int("SELECT count(*) FROM (SELECT 1 FROM tiles LIMIT 1)")
	if err != nil {
		return err
	}
	if n == 0 {
		return layers.Errorf(layers.ErrCorrupt, "file %s holds no tiles", a.path)
	}
	first, err := c.Int("SELECT min(zoom_level) FROM tiles")
	if err != nil {
		return err
	}
	last, err := c.Int("SELECT max(zoom_level) FROM tiles")
	if err != nil {
		return err
	}
	if first < 0 || first > tile.MaxZoom || last < first {
		return layers.Errorf(layers.ErrCorrupt, "file %s holds tiles of zooms %d to %d; expected 0 to %d", a.path, first, last, tile.MaxZoom)
	}
	last = min(last, tile.MaxZoom)
	if v, err := strconv.ParseInt(meta["minzoom"], 10, 8); err == nil && v > first && v <= last {
		first = v
	}
	if v, err := strconv.ParseInt(meta["maxzoom"], 10, 8); err == nil && v < last && v >= first {
		last = v
	}
	a.MinZoom, a.MaxZoom = uint8(first), uint8(last)
	return nil
}

// place takes bounds and center of the metadata, else of the first zoom's tiles.
func (a *Archive) place(c *sqlite.Conn, meta map[string]string) error {
	if v, ok := numbers(meta["bounds"], 4); ok && v[0] <= v[2] && v[1] <= v[3] && v[0] >= -180 && v[2] <= 180 && v[1] >= -90 && v[3] <= 90 {
		a.Bounds = spatial.Envelope{MinX: v[0], MinY: v[1], MaxX: v[2], MaxY: v[3]}
	} else {
		a.Bounds = spatial.EmptyEnvelope()
		side := int64(1) << a.MinZoom
		err := c.Query(func(s *sqlite.Stmt) error {
			for _, corner := range [2][2]int{{0, 2}, {1, 3}} {
				if id, err := tile.New(int64(a.MinZoom), s.ColumnInt64(corner[0]), side-1-s.ColumnInt64(corner[1])); err == nil {
					a.Bounds = a.Bounds.Union(id.Envelope())
				}
			}
			return nil
		}, "SELECT min(tile_column), max(tile_column), min(tile_row), max(tile_row) FROM tiles WHERE zoom_level=?", int64(a.MinZoom))
		if err != nil {
			return err
		}
	}
	lon, lat := a.Bounds.Center()
	a.Center = [3]float64{lon, lat, float64(a.MinZoom)}
	if v, ok := numbers(meta["center"], 3); ok && a.Bounds.ContainsPoint(v[0], v[1]) {
		a.Center = [3]float64(v)
	}
	return nil
}

// numbers reads n numbers between commas.
func numbers(s string, n int) ([]float64, bool) {
	parts := strings.Split(s, ",")
	if len(parts) != n {
		return nil, false
	}
	v := make([]float64, n)
	for i, p := range parts {
		var err error
		if v[i], err = strconv.ParseFloat(strings.TrimSpace(p), 64); err != nil || v[i] != v[i] {
			return nil, false
		}
	}
	return v, true
}

// tileType reads the format of the metadata, else looks at a tile.
func tileType(c *sqlite.Conn, format string) (pmtiles.TileType, error) {
	switch strings.ToLower(format) {
	case "pbf", "mvt":
		return pmtiles.MVT, nil
	case "png":
		return pmtiles.PNG, nil
	case "jpg", "jpeg":
		return pmtiles.JPEG, nil
	case "webp":
		return pmtiles.WebP, nil
	}
	var b []byte
	err := c.Query(func(s *sqlite.Stmt) error {
		b = append(b, s.ColumnRawBlob(0)...)
		return nil
	}, "SELECT substr(tile_data,1,16) FROM tiles LIMIT 1")
	return pmtiles.Sniff(b), err
}

// Tile is a tile as it is stored. It fails with layers.ErrNotFound where there
// is none, with layers.ErrCorrupt, and with layers.ErrUnavailable.
func (a *Archive) Tile(ctx context.Context, id tile.ID) (b []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = a.db.Read(ctx, func(c *sqlite.Conn) error {
		return c.Query(func(s *sqlite.Stmt) error {
			if n := s.ColumnInt64(1); n > pmtiles.MaxTileBytes {
				return layers.Errorf(layers.ErrCorrupt, "tile %v of %s has %d bytes; at most %d are read", id, a.path, n, pmtiles.MaxTileBytes)
			}
			b = append(b[:0], s.ColumnRawBlob(0)...)
			return nil
		}, selectTile, int64(id.Z), int64(id.X), int64(1)<<id.Z-1-int64(id.Y))
	})
	if err != nil {
		return nil, fault(a.path, err)
	}
	if len(b) == 0 {
		return nil, layers.Errorf(layers.ErrNotFound, "there is no tile %v", id)
	}
	return b, nil
}

// First is any tile of the first zoom, as it is stored; it fails as Tile does.
func (a *Archive) First(ctx context.Context) (b []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = a.db.Read(ctx, func(c *sqlite.Conn) error {
		return c.Query(func(s *sqlite.Stmt) error {
			b = append(b[:0], s.ColumnRawBlob(0)...)
			return nil
		}, "SELECT tile_data FROM tiles WHERE zoom_level=? AND length(tile_data) BETWEEN 1 AND ? LIMIT 1", int64(a.MinZoom), pmtiles.MaxTileBytes)
	})
	if err != nil {
		return nil, fault(a.path, err)
	}
	if len(b) == 0 {
		return nil, layers.Errorf(layers.ErrCorrupt, "file %s holds no tile with bytes at zoom %d", a.path, a.MinZoom)
	}
	return b, nil
}

// Changed tells whether the path names another file, or the file was written.
func (a *Archive) Changed() bool {
	info, err := os.Stat(a.path)
	return err == nil && !(os.SameFile(info, a.info) && info.Size() == a.info.Size() && info.ModTime().Equal(a.info.ModTime()))
}

// Close waits for reads that run.
func (a *Archive) Close() error { return a.db.Close() }
