package geopackage

import (
	"encoding/json"
	"fmt"
	"sort"

	"twind/internal/sqlite"
	"twind/layers"
)

// catalog is what one state of the file holds, as read from twind_layers and
// the schema. It is immutable.
type catalog struct {
	schema  int64 // PRAGMA schema_version: changes with every CREATE, ALTER, DROP of anybody
	counter int64 // twind_meta catalog: changes with every description
	tables  map[layers.ID]*table
	ids     []layers.ID // sorted
}

// catalog returns the catalog of the state that c's transaction sees, from the
// cache when neither schema nor descriptions have changed.
func (s *Store) catalog(c *sqlite.Conn) (*catalog, error) {
	schema, err := c.Int("PRAGMA schema_version")
	if err != nil {
		return nil, err
	}
	counter, err := c.Int("SELECT value FROM twind_meta WHERE key = 'catalog'")
	if err != nil {
		return nil, err
	}
	if k := s.cached.Load(); k != nil && k.schema == schema && k.counter == counter {
		return k, nil
	}
	k, err := readCatalog(c, schema, counter)
	if err != nil {
		return nil, err
	}
	s.cached.Store(k)
	return k, nil
}

func readCatalog(c *sqlite.Conn, schema, counter int64) (*catalog, error) {
	k := &catalog{schema: schema, counter: counter, tables: make(map[layers.ID]*table)}
	var all []*table
	err := c.Query(func(r *sqlite.Stmt) error {
		t := &table{name: r.ColumnText(1), fid: r.ColumnText(2), geom: r.ColumnText(3), id: r.ColumnText(4), base: layers.Revision(r.ColumnInt64(7))}
		if err := json.Unmarshal([]byte(r.ColumnText(5)), &t.columns); err != nil {
			return layers.Errorf(layers.ErrCorrupt, "layer %s: its columns in twind_layers cannot be read: %w", r.ColumnText(0), err)
		}
		if err := json.Unmarshal([]byte(r.ColumnText(6)), &t.layer); err != nil {
			return layers.Errorf(layers.ErrCorrupt, "layer %s: its description in twind_layers cannot be read: %w", r.ColumnText(0), err)
		}
		if len(t.columns) != len(t.layer.Schema) {
			return layers.Errorf(layers.ErrCorrupt, "layer %s: %d columns for %d properties in twind_layers", t.layer.ID, len(t.columns), len(t.layer.Schema))
		}
		all = append(all, t)
		return nil
	}, `SELECT id, table_name, fid_column, geom_column, id_column, columns, description, base_revision FROM twind_layers`)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if err := t.inspect(c); err != nil {
			return nil, err
		}
		k.tables[t.layer.ID] = t
		k.ids = append(k.ids, t.layer.ID)
	}
	sort.Slice(k.ids, func(i, j int) bool { return k.ids[i] < k.ids[j] })
	return k, nil
}

// inspect compares the table with what is in the file: what another program
// dropped is marked missing, so that reading goes on without it until the file
// is reconciled.
func (t *table) inspect(c *sqlite.Conn) error {
	inFile := map[string]bool{}
	err := c.Query(func(r *sqlite.Stmt) error { inFile[fold(r.ColumnText(0))] = true; return nil }, `SELECT name FROM pragma_table_info(?)`, t.name)
	if err != nil {
		return err
	}
	t.missing = !inFile[fold(t.fid)] || !inFile[fold(t.geom)] || t.id != "" && !inFile[fold(t.id)]
	t.wanted = append([]string(nil), t.columns...)
	for i, col := range t.columns {
		if !inFile[fold(col)] {
			t.columns[i] = ""
		}
	}
	n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE`, t.rtreeName())
	if err != nil {
		return err
	}
	t.rtree = n > 0
	if t.surfaces, err = exists(c, surfacesOf(t.name)); err != nil {
		return err
	}
	t.srs, err = c.Int(`SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = ? COLLATE NOCASE`, t.name)
	return err
}

// find is a layer's table; ErrNotFound, or ErrUnavailable while it is missing.
func (k *catalog) find(id layers.ID) (*table, error) {
	t := k.tables[id]
	if t == nil {
		return nil, layers.Errorf(layers.ErrNotFound, "there is no layer %q", id)
	}
	if t.missing {
		return nil, layers.Errorf(layers.ErrUnavailable, "the table %q of layer %s is missing in the GeoPackage; another program has removed it or is replacing it", t.name, id)
	}
	return t, nil
}

// write stores the table's row in twind_layers.
func (t *table) write(c *sqlite.Conn) error {
	description, err := json.Marshal(t.layer)
	if err != nil {
		return fmt.Errorf("geopackage: layer %s: %w", t.layer.ID, err)
	}
	columns, err := json.Marshal(t.columns)
	if err != nil {
		return fmt.Errorf("geopackage: layer %s: %w", t.layer.ID, err)
	}
	err = c.Exec(`INSERT OR REPLACE INTO twind_layers (id, table_name, fid_column, geom_column, id_column, columns, description, base_revision) VALUES (?,?,?,?,?,?,?,?)`,
		string(t.layer.ID), t.name, t.fid, t.geom, t.id, string(columns), string(description), int64(t.base))
	if err != nil {
		return err
	}
	return touchCatalog(c)
}

func touchCatalog(c *sqlite.Conn) error {
	return c.Exec(`UPDATE twind_meta SET value = value + 1 WHERE key = 'catalog'`)
}

// logLayer writes a line about a whole layer and returns its revision.
func logLayer(c *sqlite.Conn, id layers.ID, op layers.ChangeOp) (layers.Revision, error) {
	if err := c.Exec(`INSERT INTO twind_changes (layer, op, time) VALUES (?, ?, `+nowMillis+`)`, string(id), int64(op)); err != nil {
		return 0, err
	}
	return head(c)
}

// head is the last revision that was given out: see branchTrigger.
func head(c *sqlite.Conn) (layers.Revision, error) {
	n, err := c.Int(`SELECT max(ifnull((SELECT max(seq) FROM twind_changes), 0), ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'twind_changes'), 0))`)
	return layers.Revision(n), err
}
