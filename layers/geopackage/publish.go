package geopackage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// errOther says that a way of publishing does not fit what the layer has become
// meanwhile; the next way is tried.
var errOther = errors.New("geopackage: the layer is no longer empty")

// publish makes the staged rows the layer's, in one transaction at its end.
func (l *loader) publish(ctx context.Context) error {
	if l.becomesTable() {
		err := l.publishStaging(ctx)
		if !errors.Is(err, errOther) {
			return err
		}
	}
	if l.t.id == "" || l.rows <= l.s.limits.mergeRows {
		return l.mergeInPlace(ctx)
	}
	for range 3 {
		err := l.publishMerged(ctx)
		if !errors.Is(err, errOther) {
			return err
		}
	}
	return layers.Errorf(layers.ErrConflict, "layer %s was replaced by others again and again during the load; load again", l.t.layer.ID)
}

// publishStaging makes the staging table the layer's table.
func (l *loader) publishStaging(ctx context.Context) error {
	if err := fillRTree(l.s.shortly(ctx), l.s.limits.stepRows, l.in.rtreeName(), l.boxes); err != nil {
		return err
	}
	l.boxes = nil
	if err := l.indexNoGeometry(ctx, l.in); err != nil {
		return err
	}
	return l.s.db.Write(ctx, func(c *sqlite.Conn) error {
		t, err := l.current(c)
		if err != nil {
			return err
		}
		if l.mode != layers.Replace {
			if n, err := c.Int("SELECT EXISTS (SELECT 1 FROM " + q(t.name) + ")"); err != nil {
				return err
			} else if n > 0 {
				return errOther
			}
		}
		l.res.Inserted = l.rows
		return l.swap(c, t, l.in, l.rows == 0 || l.mode == layers.Replace || l.rows > l.s.limits.logRows,
			"SELECT fid, id, 1 AS op FROM "+q(t.name)+" ORDER BY fid")
	})
}

// indexNoGeometry makes the index of rows without geometry on a staging table.
func (l *loader) indexNoGeometry(ctx context.Context, t *table) error {
	return l.s.db.Write(ctx, func(c *sqlite.Conn) error {
		_, noGeometry := t.indexSQL(t.name, newToken())
		return c.Script(noGeometry)
	})
}

// swap renames a staging table to be the layer's, logs what changed (Reloaded, or
// one line for each row of the query changes: fid, id, op) and leaves the old
// table to be discarded.
func (l *loader) swap(c *sqlite.Conn, old, in *table, reloaded bool, changes string) error {
	var triggers []string
	err := c.Query(func(r *sqlite.Stmt) error { triggers = append(triggers, r.ColumnText(0)); return nil },
		`SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE`, old.name)
	if err != nil {
		return err
	}
	trash := "twind_old_" + newToken()
	if err := enterStaging(c, trash); err != nil {
		return err
	}
	var sql strings.Builder
	for _, name := range triggers {
		fmt.Fprintf(&sql, "DROP TRIGGER %s;\n", q(name))
	}
	if old.rtree {
		fmt.Fprintf(&sql, "ALTER TABLE %s RENAME TO %s;\n", q(old.rtreeName()), q("rtree_"+trash+"_geom"))
	}
	fmt.Fprintf(&sql, "ALTER TABLE %s RENAME TO %s;\n", q(old.name), q(trash))
	fmt.Fprintf(&sql, "ALTER TABLE %s RENAME TO %s;\n", q(in.name), q(old.name))
	fmt.Fprintf(&sql, "ALTER TABLE %s RENAME TO %s;\n", q(in.rtreeName()), q(old.rtreeName()))
	if err := c.Script(sql.String()); err != nil {
		return err
	}
	now, err := l.swapSurfaces(c, old, in, trash)
	if err != nil {
		return err
	}
	if err := run(c, slices.Concat(now.rtreeTriggers(), now.triggers(), now.surfaceTriggers())); err != nil {
		return err
	}
	if err := c.Exec(`DELETE FROM twind_staging WHERE table_name = ?`, in.name); err != nil {
		return err
	}
	l.tables = append(l.tables, trash)
	t := *now
	if reloaded {
		if t.base, err = logLayer(c, t.layer.ID, layers.Reloaded); err != nil {
			return err
		}
	} else if err := c.Exec("INSERT INTO twind_changes (layer, fid, id, op, time) SELECT ?1, fid, id, op, "+nowMillis+" FROM ("+changes+")", string(t.layer.ID)); err != nil {
		return err
	}
	if l.mode == layers.Replace {
		if err := c.Exec(`UPDATE gpkg_contents SET min_x = NULL, min_y = NULL, max_x = NULL, max_y = NULL WHERE table_name = ?`, t.name); err != nil {
			return err
		}
	}
	if err := t.registerRTree(c); err != nil {
		return err
	}
	if err := forgetCount(c, t.name); err != nil {
		return err
	}
	return l.finish(c, &t)
}

// forgetCount removes the count that GDAL keeps of a table, with triggers that
// are gone now.
func forgetCount(c *sqlite.Conn, name string) error {
	if has, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'gpkg_ogr_contents'`); err != nil || has == 0 {
		return err
	}
	return c.Exec(`DELETE FROM gpkg_ogr_contents WHERE table_name = ? COLLATE NOCASE`, name)
}

// finish ends every way of publishing.
func (l *loader) finish(c *sqlite.Conn, t *table) (err error) {
	if err := t.grow(c, l.extent); err != nil {
		return err
	}
	if err := t.write(c); err != nil {
		return err
	}
	l.res.Revision, err = head(c)
	return err
}

// copyList is the columns of a staging table, without fid and id: what a merge
// copies; target is the same columns of t.
func (l *loader) copyList(t *table) (source, target string) {
	source, target = q(l.in.geom), q(t.geom)
	for i := range l.in.columns {
		source += ", " + q(l.in.columns[i])
		target += ", " + q(t.columns[i])
	}
	return source, target
}

// mergeInPlace changes the layer's own table in one transaction.
func (l *loader) mergeInPlace(ctx context.Context) error {
	return l.s.db.Write(ctx, func(c *sqlite.Conn) error {
		current, err := l.current(c)
		if err != nil {
			return err
		}
		t := *current
		// Many rows are not logged one by one: the log's triggers are put aside.
		bulk := t.id == "" && (l.mode == layers.Replace || l.rows > l.s.limits.mergeRows)
		if bulk {
			for _, trigger := range t.triggers() {
				if err := c.Script("DROP TRIGGER IF EXISTS " + q(trigger.name)); err != nil {
					return err
				}
			}
		}
		if l.mode == layers.Replace {
			if err := c.Script("DELETE FROM " + q(t.name)); err != nil {
				return err
			}
		}
		if err := l.merge(c, &t); err != nil {
			return err
		}
		if bulk {
			if err := run(c, t.triggers()); err != nil {
				return err
			}
			if t.base, err = logLayer(c, t.layer.ID, layers.Reloaded); err != nil {
				return err
			}
		}
		return l.finish(c, &t)
	})
}

// merge updates and inserts with the triggers of t.
func (l *loader) merge(c *sqlite.Conn, t *table) error {
	in, tab := q(l.in.name), q(t.name)
	source, target := l.copyList(t)
	key, match := q(t.id), "m."+q(t.id)+" = i.id"
	value := "i.id"
	if t.id == "" {
		key, match, value = q(t.fid), "m."+q(t.fid)+" = CAST(i.id AS INTEGER)", "CAST(i.id AS INTEGER)"
	}
	where := ""
	if l.mode == layers.Upsert {
		// CROSS JOIN: from the few staged rows to the many of the layer.
		same := strings.ReplaceAll(strings.ReplaceAll(match, "m.", tab+"."), "i.", in+".")
		err := c.Script(fmt.Sprintf("UPDATE %s SET (%s) = (SELECT %s FROM %s WHERE %s) WHERE %s IN (SELECT m.%s FROM %s i CROSS JOIN %s m ON %s)",
			tab, target, source, in, same, q(t.fid), q(t.fid), in, tab, match))
		if err != nil {
			return err
		}
		l.res.Updated = c.Changed()
		where = fmt.Sprintf(" WHERE i.id IS NULL OR NOT EXISTS (SELECT 1 FROM %s m WHERE %s)", tab, match)
	}
	err := c.Script(fmt.Sprintf("INSERT INTO %s (%s, %s) SELECT %s, %s FROM %s i%s ORDER BY i.fid", tab, key, target, value, source, in, where))
	if err != nil {
		return l.explainExists(c, t, err)
	}
	l.res.Inserted = c.Changed()
	return l.mergeSurfaces(c, t, match)
}

// explainExists names the id that an Append would have doubled.
func (l *loader) explainExists(c *sqlite.Conn, t *table, err error) error {
	if !sqlite.IsUnique(err) {
		return err
	}
	id, e := c.Text(fmt.Sprintf("SELECT i.id FROM %s i WHERE EXISTS (SELECT 1 FROM %s m WHERE %s = i.id) LIMIT 1", q(l.in.name), q(t.name), t.idOf("m.")))
	if e != nil {
		return e
	}
	return layers.Errorf(layers.ErrExists, "the id %q of the load exists already in layer %s; to change features that are there, load by upsert", id, t.layer.ID)
}

// merged is a new table that holds the layer's rows and the load's.
type merged struct {
	*loader
	old    *table // the layer's
	sh     *table // the new one
	first  int64  // the load's rows have the fids first+1 … first+rows
	caught int64  // revision up to which changes of the layer are in sh
}

// publishMerged builds a new table beside the layer's, follows what others
// change meanwhile, and swaps the two. errOther: the layer was replaced.
func (l *loader) publishMerged(ctx context.Context) error {
	m := &merged{loader: l, sh: l.sibling()}
	l.res.Inserted, l.res.Updated = 0, 0
	if err := m.begin(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{m.copyRows, m.makeIndex, m.mergeRows, m.makeRTree} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for { // what others have changed, until little is left for the last transaction
		var rest int64
		err := l.s.db.Write(ctx, func(c *sqlite.Conn) (err error) {
			rest, err = m.catchUp(c, 1000)
			return err
		})
		if err != nil {
			return err
		}
		if rest < 1000 {
			break
		}
	}
	return l.s.db.Write(ctx, func(c *sqlite.Conn) error {
		t, err := l.current(c)
		if err != nil {
			return err
		}
		for rest := int64(1); rest > 0; {
			if rest, err = m.catchUp(c, 1000); err != nil {
				return err
			}
		}
		inserted := fmt.Sprintf("SELECT fid, id, 1 AS op FROM %s WHERE fid BETWEEN %d AND %d", q(t.name), m.first+1, m.first+l.rows)
		changes := inserted + " ORDER BY fid"
		if l.mode == layers.Upsert {
			changes = inserted + fmt.Sprintf(" UNION ALL SELECT m.fid, m.id, 2 FROM %s i CROSS JOIN %s m ON m.id = i.id WHERE m.fid NOT BETWEEN %d AND %d ORDER BY 3, 1",
				q(l.in.name), q(t.name), m.first+1, m.first+l.rows)
		}
		return l.swap(c, t, m.sh, l.rows > l.s.limits.logRows, changes)
	})
}

// begin reserves fids for the load's rows, so that what others insert meanwhile
// gets other ones, and makes the table.
func (m *merged) begin(ctx context.Context) error {
	return m.s.db.Write(ctx, func(c *sqlite.Conn) error {
		t, err := m.current(c)
		if err != nil {
			return err
		}
		m.old = t
		rev, err := head(c)
		if err != nil {
			return err
		}
		m.caught = int64(rev)
		if m.first, err = c.Int(`SELECT max((SELECT seq FROM sqlite_sequence WHERE name = ?), (SELECT ifnull(max(fid), 0) FROM `+q(t.name)+`))`, t.name); err != nil {
			return err
		}
		if err := c.Exec(`UPDATE sqlite_sequence SET seq = ? WHERE name = ?`, m.first+m.rows, t.name); err != nil {
			return err
		}
		return createStaging(c, m.sh)
	})
}

func (m *merged) copyRows(ctx context.Context) error {
	last := int64(-1 << 63)
	columns := m.sh.selectList("")
	limit := m.stepRows()
	return m.s.shortly(ctx)(func(c *sqlite.Conn) (bool, error) {
		start, asked := time.Now(), limit
		if err := heartbeat(c, m.sh.name); err != nil {
			return false, err
		}
		err := c.Exec("INSERT INTO "+q(m.sh.name)+" ("+columns+") SELECT "+columns+" FROM "+q(m.old.name)+" WHERE fid > ? ORDER BY fid LIMIT ?", last, asked)
		if err != nil {
			return false, err
		}
		n, before := c.Changed(), last
		if last, err = c.Int("SELECT ifnull(max(fid), 0) FROM " + q(m.sh.name)); err == nil {
			err = m.copySurfaces(c, before, last)
		}
		if time.Since(start) > stepTime {
			limit = max(1, limit/2)
		}
		return n < asked, err
	})
}

func (m *merged) makeIndex(ctx context.Context) error {
	err := m.s.db.Write(ctx, func(c *sqlite.Conn) error {
		ids, _ := m.sh.indexSQL(m.sh.name, newToken())
		return c.Script(ids)
	})
	if err != nil {
		return err
	}
	return m.indexNoGeometry(ctx, m.sh)
}

// mergeRows brings the staged rows into the new table.
func (m *merged) mergeRows(ctx context.Context) error {
	in, sh := q(m.in.name), q(m.sh.name)
	source, target := m.copyList(m.sh)
	lo, limit := int64(0), m.stepRows()
	return m.s.shortly(ctx)(func(c *sqlite.Conn) (bool, error) {
		start, hi := time.Now(), lo+limit
		if err := heartbeat(c, m.sh.name); err != nil {
			return false, err
		}
		if err := m.forgetSurfaces(c, lo, hi); err != nil {
			return false, err
		}
		where := ""
		if m.mode == layers.Upsert {
			err := c.Exec(fmt.Sprintf("UPDATE %s SET (%s) = (SELECT %s FROM %s i WHERE i.id = %s.id) WHERE fid IN (SELECT m.fid FROM %s i CROSS JOIN %s m ON m.id = i.id WHERE i.fid > ? AND i.fid <= ?)",
				sh, target, source, in, sh, in, sh), lo, hi)
			if err != nil {
				return false, err
			}
			m.res.Updated += c.Changed()
			where = fmt.Sprintf(" AND (i.id IS NULL OR NOT EXISTS (SELECT 1 FROM %s m WHERE m.id = i.id))", sh)
		}
		text := "CAST(?1 + i.fid AS TEXT)"
		id := fmt.Sprintf("CASE WHEN i.id IS NOT NULL THEN i.id WHEN EXISTS (SELECT 1 FROM %s WHERE id = %s) OR EXISTS (SELECT 1 FROM %s WHERE id = %s) THEN lower(hex(randomblob(8))) ELSE %s END", sh, text, in, text, text)
		err := c.Exec(fmt.Sprintf("INSERT INTO %s (fid, id, %s) SELECT ?1 + i.fid, %s, %s FROM %s i WHERE i.fid > ?2 AND i.fid <= ?3%s ORDER BY i.fid", sh, target, id, source, in, where), m.first, lo, hi)
		if err != nil {
			return false, m.explainExists(c, m.sh, err)
		}
		m.res.Inserted += c.Changed()
		if err := m.addSurfaces(c, lo, hi); err != nil {
			return false, err
		}
		lo = hi
		if time.Since(start) > stepTime {
			limit = max(1, limit/2)
		}
		return lo >= m.rows, nil
	})
}

func (m *merged) makeRTree(ctx context.Context) error {
	var entries []entry
	err := m.s.db.Read(ctx, func(c *sqlite.Conn) (err error) { entries, err = rtreeEntries(c, m.sh); return err })
	if err != nil {
		return err
	}
	return fillRTree(m.s.shortly(ctx), m.s.limits.stepRows, m.sh.rtreeName(), entries)
}

// catchUp applies at most limit lines of the log to the new table and returns
// how many it found. A feature that the load brings stays as loaded.
func (m *merged) catchUp(c *sqlite.Conn, limit int64) (found int64, err error) {
	if _, err := m.current(c); err != nil {
		return 0, err
	}
	var fids []int64
	seen := map[int64]bool{}
	err = c.Query(func(r *sqlite.Stmt) error {
		found++
		m.caught = r.ColumnInt64(0)
		if layers.ID(r.ColumnText(1)) != m.old.layer.ID {
			return nil
		}
		switch op, fid := layers.ChangeOp(r.ColumnInt64(3)), r.ColumnInt64(2); {
		case op == layers.LayerUpdated:
		case op >= layers.Reloaded:
			return errOther
		case fid > m.first && fid <= m.first+m.rows: // another program chose a reserved one
			return errOther
		case !seen[fid]:
			seen[fid] = true
			fids = append(fids, fid)
		}
		return nil
	}, `SELECT seq, layer, fid, op FROM twind_changes WHERE seq > ? ORDER BY seq LIMIT ?`, m.caught, limit)
	if err != nil {
		return found, err
	}
	for _, fid := range fids {
		if err := m.refresh(c, fid); err != nil {
			return found, err
		}
	}
	return found, nil
}

// refresh brings one row of the new table in line with the layer's.
func (m *merged) refresh(c *sqlite.Conn, fid int64) error {
	in, sh, old, rt := q(m.in.name), q(m.sh.name), q(m.old.name), q(m.sh.rtreeName())
	columns := m.sh.selectList("")
	loaded := ""
	if m.mode == layers.Upsert {
		n, err := c.Int("SELECT EXISTS (SELECT 1 FROM "+sh+" s JOIN "+in+" i ON i.id = s.id WHERE s.fid = ?)", fid)
		if err != nil || n > 0 {
			return err
		}
		loaded = " AND NOT EXISTS (SELECT 1 FROM " + in + " i WHERE i.id = o.id)"
	}
	for _, sql := range []string{"DELETE FROM " + sh + " WHERE fid = ?", "DELETE FROM " + rt + " WHERE id = ?"} {
		if err := c.Exec(sql, fid); err != nil {
			return err
		}
	}
	if err := c.Exec("INSERT INTO "+sh+" ("+columns+") SELECT "+columns+" FROM "+old+" o WHERE fid = ?"+loaded, fid); err != nil {
		if sqlite.IsUnique(err) {
			return layers.Errorf(layers.ErrExists, "an id of the load was given to another feature of layer %s meanwhile; load again%.0w", m.old.layer.ID, err)
		}
		return err
	}
	if err := m.refreshSurfaces(c, fid); err != nil {
		return err
	}
	box := spatial.EmptyEnvelope()
	err := c.Query(func(r *sqlite.Stmt) error { box = blobEnvelope(r.ColumnRawBlob(0)); return nil }, "SELECT geom FROM "+sh+" WHERE fid = ?", fid)
	if err != nil || box.IsEmpty() {
		return err
	}
	m.extent = m.extent.Union(box)
	return c.Exec("INSERT INTO "+rt+" VALUES (?, ?, ?, ?, ?)", fid, box.MinX, box.MaxX, box.MinY, box.MaxY)
}
