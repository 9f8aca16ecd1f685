package geopackage

import (
	"fmt"

	"twind/internal/sqlite"
	"twind/layers"
)

// The faces of features' bodies are in a table beside the layer's, made when the
// first come: an attributes table of the standard (§2.4) that any program lists and
// reads, as WKB. Its key is the feature's.
//
//	twind_surfaces_<table> ── fid │ classes: one letter a face │ surfaces: WKB of a MultiPolygon Z
//
// Triggers of the layer's table, in plain SQL, take away what belongs to a feature
// that is gone or whose geometry has changed, whoever did that.

// surfacesOf is the name of the table of surfaces beside a table.
func surfacesOf(table string) string { return "twind_surfaces_" + table }

// exists tells whether the file has a table.
func exists(c *sqlite.Conn, name string) (bool, error) {
	n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE`, name)
	return n > 0, err
}

// createSurfaces makes the table of surfaces beside a table, unless it is there.
func createSurfaces(c *sqlite.Conn, table string) error {
	return c.Script("CREATE TABLE IF NOT EXISTS " + q(surfacesOf(table)) + ` (
  "fid" INTEGER PRIMARY KEY NOT NULL,
  "classes" TEXT NOT NULL,  -- one letter a face: G ground, W wall, R roof, O other
  "surfaces" BLOB NOT NULL) -- ISO WKB of a MultiPolygon Z: longitude, latitude, metres`)
}

// equipSurfaces makes the layer's table of surfaces, registers it and has it follow
// the layer's. It returns the table as it is then.
func (t *table) equipSurfaces(c *sqlite.Conn) (*table, error) {
	if t.surfaces {
		return t, nil
	}
	if err := createSurfaces(c, t.name); err != nil {
		return nil, err
	}
	if err := t.registerSurfaces(c); err != nil {
		return nil, err
	}
	out := *t
	out.surfaces = true
	return &out, run(c, out.surfaceTriggers())
}

func (t *table) registerSurfaces(c *sqlite.Conn) error {
	name := surfacesOf(t.name)
	return c.Exec(`INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description) VALUES (?1, 'attributes', ?1, ?2)`,
		name, "faces of the bodies in "+t.name+": WKB and one letter a face")
}

// dropSurfaces removes the table of surfaces beside a table, if there is one.
func dropSurfaces(c *sqlite.Conn, table string) error {
	if err := c.Script("DROP TABLE IF EXISTS " + q(surfacesOf(table))); err != nil {
		return err
	}
	return c.Exec(`DELETE FROM gpkg_contents WHERE table_name = ?`, surfacesOf(table))
}

// renameSurfaces gives the table of surfaces beside one table to another.
func renameSurfaces(c *sqlite.Conn, from, to string) error {
	if has, err := exists(c, surfacesOf(from)); err != nil || !has {
		return err
	}
	if err := c.Script("ALTER TABLE " + q(surfacesOf(from)) + " RENAME TO " + q(surfacesOf(to))); err != nil {
		return err
	}
	return c.Exec(`DELETE FROM gpkg_contents WHERE table_name = ?`, surfacesOf(from))
}

// takeSurfaces takes over the table of surfaces when the layer's table was renamed.
func (t *table) takeSurfaces(c *sqlite.Conn, before string) (err error) {
	if err := renameSurfaces(c, before, t.name); err != nil {
		return err
	}
	if t.surfaces, err = exists(c, surfacesOf(t.name)); err != nil || !t.surfaces {
		return err
	}
	return t.registerSurfaces(c)
}

// surfaceTriggers keep the table of surfaces in line with the layer's; none when
// there is no such table.
func (t *table) surfaceTriggers() []namedSQL {
	if !t.surfaces {
		return nil
	}
	tab, side, fid, g := q(t.name), q(surfacesOf(t.name)), q(t.fid), q(t.geom)
	replaced := fmt.Sprintf("fid = NEW.%s", fid)
	if t.id != "" {
		replaced += fmt.Sprintf(" OR fid IN (SELECT %s FROM %s WHERE %s = NEW.%s)", fid, tab, q(t.id), q(t.id))
	}
	trig := func(name, when, body string) namedSQL {
		n := "twind_" + t.name + "_surfaces_" + name
		return namedSQL{n, fmt.Sprintf("CREATE TRIGGER %s %s BEGIN %s END", q(n), when, body)}
	}
	return []namedSQL{
		trig("replace", "BEFORE INSERT ON "+tab, fmt.Sprintf("DELETE FROM %s WHERE %s;", side, replaced)),
		trig("geometry", fmt.Sprintf("AFTER UPDATE OF %s ON %s WHEN OLD.%s IS NOT NEW.%s", g, tab, g, g), fmt.Sprintf("DELETE FROM %s WHERE fid = OLD.%s;", side, fid)),
		trig("key", fmt.Sprintf("AFTER UPDATE ON %s WHEN OLD.%s <> NEW.%s", tab, fid, fid), fmt.Sprintf("UPDATE OR REPLACE %s SET fid = NEW.%s WHERE fid = OLD.%s;", side, fid, fid)),
		trig("delete", "AFTER DELETE ON "+tab, fmt.Sprintf("DELETE FROM %s WHERE fid = OLD.%s;", side, fid)),
	}
}

// readList is selectList followed by the surfaces and their classes.
func (t *table) readList() string {
	if !t.surfaces {
		return t.selectList("") + ", NULL, NULL"
	}
	side, key := q(surfacesOf(t.name)), q(t.name)+"."+q(t.fid)
	of := func(column string) string {
		return ", (SELECT s." + column + " FROM " + side + " s WHERE s.fid = " + key + ")"
	}
	return t.selectList("") + of("surfaces") + of("classes")
}

// readSurfaces fills memory from a row of readList; what another program has spoilt
// is no surfaces.
func (t *table) readSurfaces(r *sqlite.Stmt, memory layers.Surfaces) layers.Surfaces {
	col := firstProperty + len(t.layer.Schema)
	blob := r.ColumnRawBlob(col)
	if len(blob) == 0 {
		return nil
	}
	s := append(append(memory[:0], blob...), r.ColumnText(col+1)...)
	if s.Check() != nil {
		return nil
	}
	return s
}

// putSurfaces writes the surfaces of a row into the table beside a table; empty ones
// stand for none.
func putSurfaces(c *sqlite.Conn, table string, fid int64, s layers.Surfaces) error {
	st, err := c.Prepare("INSERT OR REPLACE INTO " + q(surfacesOf(table)) + " (fid, classes, surfaces) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	if err := sqlite.Bind(st, fid, s.Classes(), nil); err != nil {
		return err
	}
	wkb := s.WKB()
	if wkb == nil {
		wkb = []byte{}
	}
	if err := st.BindBlob(3, wkb); err != nil {
		return err
	}
	return st.Exec()
}

// writeSurfaces does what a transaction's feature says of its surfaces: see layers.Tx.
func (x *tx) writeSurfaces(t *table, fid int64, s layers.Surfaces) error {
	switch {
	case s == nil:
		return nil
	case len(s) > 0:
		equipped, err := t.equipSurfaces(x.c)
		if err != nil {
			return err
		}
		if equipped != t {
			x.equipped[t.layer.ID] = equipped
		}
		return putSurfaces(x.c, t.name, fid, s)
	case t.surfaces:
		return x.c.Exec("DELETE FROM "+q(surfacesOf(t.name))+" WHERE fid = ?", fid)
	}
	return nil
}

// stageSurfaces writes those of a row of a load. Empty ones matter where there are
// some to be taken away.
func (l *loader) stageSurfaces(c *sqlite.Conn, fid int64, s layers.Surfaces) error {
	if s == nil || len(s) == 0 && (l.becomesTable() || !l.t.surfaces) {
		return nil
	}
	if !l.surfaces {
		if err := createSurfaces(c, l.in.name); err != nil {
			return err
		}
		l.surfaces = true
	}
	return putSurfaces(c, l.in.name, fid, s)
}

// mergeSurfaces brings the staged surfaces into the layer's table, after its rows.
func (l *loader) mergeSurfaces(c *sqlite.Conn, t *table, match string) error {
	if !l.surfaces {
		return nil
	}
	t, err := t.equipSurfaces(c)
	if err != nil {
		return err
	}
	staged := fmt.Sprintf("FROM %s s CROSS JOIN %s i ON i.fid = s.fid CROSS JOIN %s m ON %s", q(surfacesOf(l.in.name)), q(l.in.name), q(t.name), match)
	side, key := q(surfacesOf(t.name)), q(t.fid)
	if err := c.Script(fmt.Sprintf("DELETE FROM %s WHERE fid IN (SELECT m.%s %s)", side, key, staged)); err != nil {
		return err
	}
	return c.Script(fmt.Sprintf("INSERT INTO %s (fid, classes, surfaces) SELECT m.%s, s.classes, s.surfaces %s WHERE length(s.surfaces) > 0", side, key, staged))
}

// swapSurfaces does for the tables of surfaces what swap does for the layer's, and
// returns the layer's table as it is then.
func (l *loader) swapSurfaces(c *sqlite.Conn, old, in *table, trash string) (*table, error) {
	if err := renameSurfaces(c, old.name, trash); err != nil {
		return nil, err
	}
	if err := renameSurfaces(c, in.name, old.name); err != nil {
		return nil, err
	}
	t := *old
	var err error
	if t.surfaces, err = exists(c, surfacesOf(t.name)); err != nil || !t.surfaces {
		return &t, err
	}
	return &t, t.registerSurfaces(c)
}

// stepRows is how many rows one transaction copies at first: fewer where surfaces go
// along.
func (m *merged) stepRows() int64 {
	if m.old.surfaces || m.surfaces {
		return max(1, m.s.limits.stepRows/20)
	}
	return m.s.limits.stepRows
}

// copySurfaces copies those of the layer's rows after one fid up to another.
func (m *merged) copySurfaces(c *sqlite.Conn, after, to int64) error {
	has, err := exists(c, surfacesOf(m.old.name))
	if err != nil || !has {
		return err
	}
	if err := createSurfaces(c, m.sh.name); err != nil {
		return err
	}
	return c.Exec("INSERT OR REPLACE INTO "+q(surfacesOf(m.sh.name))+" (fid, classes, surfaces) SELECT fid, classes, surfaces FROM "+q(surfacesOf(m.old.name))+" WHERE fid > ? AND fid <= ?", after, to)
}

// forgetSurfaces takes those from the new table whose rows the staged rows after lo
// up to hi give another geometry; called before the rows are merged.
func (m *merged) forgetSurfaces(c *sqlite.Conn, lo, hi int64) error {
	has, err := exists(c, surfacesOf(m.sh.name))
	if err != nil || !has {
		return err
	}
	return c.Exec(fmt.Sprintf("DELETE FROM %s WHERE fid IN (SELECT m.fid FROM %s i CROSS JOIN %s m ON m.id = i.id WHERE i.fid > ? AND i.fid <= ? AND m.geom IS NOT i.geom)",
		q(surfacesOf(m.sh.name)), q(m.in.name), q(m.sh.name)), lo, hi)
}

// addSurfaces brings those of the staged rows after lo up to hi into the new table;
// called after the rows were merged.
func (m *merged) addSurfaces(c *sqlite.Conn, lo, hi int64) error {
	if !m.surfaces {
		return nil
	}
	if err := createSurfaces(c, m.sh.name); err != nil {
		return err
	}
	side, staged := q(surfacesOf(m.sh.name)), q(surfacesOf(m.in.name))
	fid := fmt.Sprintf("ifnull((SELECT m.fid FROM %s m WHERE m.id = i.id), ?1 + i.fid)", q(m.sh.name))
	from := fmt.Sprintf("FROM %s s CROSS JOIN %s i ON i.fid = s.fid WHERE s.fid > ?2 AND s.fid <= ?3", staged, q(m.in.name))
	if err := c.Exec(fmt.Sprintf("DELETE FROM %s WHERE fid IN (SELECT %s %s)", side, fid, from), m.first, lo, hi); err != nil {
		return err
	}
	return c.Exec(fmt.Sprintf("INSERT INTO %s (fid, classes, surfaces) SELECT %s, s.classes, s.surfaces %s AND length(s.surfaces) > 0", side, fid, from), m.first, lo, hi)
}

// refreshSurfaces brings those of one row of the new table in line with the layer's.
func (m *merged) refreshSurfaces(c *sqlite.Conn, fid int64) error {
	if has, err := exists(c, surfacesOf(m.sh.name)); err != nil {
		return err
	} else if has {
		if err := c.Exec("DELETE FROM "+q(surfacesOf(m.sh.name))+" WHERE fid = ?", fid); err != nil {
			return err
		}
	}
	return m.copySurfaces(c, fid-1, fid)
}
