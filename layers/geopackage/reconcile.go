package geopackage

import (
	"context"
	"slices"
	"strings"
	"time"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// reconciler brings twind's own tables in line with what other programs have
// done to the file. It belongs to the goroutine that follows the file (and to
// Open, before that starts).
type reconciler struct {
	s *Store
	// what was found in line last: the schema's version and the registered tables.
	schema   int64
	contents string
	// missing is since when a layer's table has not been there.
	missing map[layers.ID]time.Time
	// refused are the tables that were reported as unusable.
	refused map[string]string
	waiting bool // something waits for quiet or for time
}

// run looks at the file and acts where needed. quiet says that no other program
// has written for a while, so that tables with no index will get none from
// others; opening, that nobody is in the middle of replacing a table.
func (r *reconciler) run(ctx context.Context, quiet, opening bool) error {
	var todo bool
	err := r.s.db.Read(ctx, func(c *sqlite.Conn) error {
		schema, contents, err := signature(c)
		if err != nil {
			return err
		}
		if !r.waiting && schema == r.schema && contents == r.contents {
			return nil
		}
		todo, err = r.pass(c, false, quiet, opening)
		if err == nil && !todo {
			r.schema, r.contents = schema, contents
		}
		return err
	})
	if err != nil || !todo {
		return err
	}
	err = r.s.db.Write(ctx, func(c *sqlite.Conn) error {
		if _, err := r.pass(c, true, quiet, opening); err != nil {
			return err
		}
		var err error
		r.schema, r.contents, err = signature(c)
		r.waiting = r.waiting || opening
		return err
	})
	if err != nil {
		return err
	}
	r.s.watch.signal()
	if opening { // a table that was taken over may want an index now
		return r.run(ctx, quiet, false)
	}
	r.waiting = true
	return nil
}

// signature changes with every change of the schema and of what is registered.
func signature(c *sqlite.Conn) (schema int64, contents string, err error) {
	if schema, err = c.Int("PRAGMA schema_version"); err != nil {
		return 0, "", err
	}
	contents, err = c.Text(`SELECT group_concat(t, char(10)) FROM (
		SELECT c.table_name || ' ' || c.data_type || ' ' || ifnull(g.column_name || ' ' || g.geometry_type_name || ' ' || g.srs_id || ' ' || g.z || ' ' || g.m, '') AS t
		FROM gpkg_contents c LEFT JOIN gpkg_geometry_columns g ON g.table_name = c.table_name ORDER BY 1)`)
	return schema, contents, err
}

// pass compares every layer and table; with act it changes the file, without it
// only tells whether it would.
func (r *reconciler) pass(c *sqlite.Conn, act, quiet, opening bool) (todo bool, err error) {
	k, err := readCatalog(c, 0, 0)
	if err != nil {
		return false, err
	}
	files, err := fileTables(c)
	if err != nil {
		return false, err
	}
	r.waiting = false
	owned := map[string]bool{}
	var lost []*table
	for _, id := range k.ids {
		t := k.tables[id]
		f := files[fold(t.name)]
		if f == nil || f.unusable() != "" {
			lost = append(lost, t)
			continue
		}
		owned[fold(f.name)] = true
		delete(r.missing, id)
		changed, err := r.known(c, t, f, act, quiet || opening)
		if err != nil {
			return false, err
		}
		todo = todo || changed
	}
	for name, f := range files {
		if owned[name] {
			continue
		}
		if why := f.unusable(); why != "" {
			if r.refused[name] != why && f.features {
				r.refused[name] = why
				r.s.log.Warn("a table of the GeoPackage is not served", "table", f.name, "why", why)
			}
			continue
		}
		todo = true
		if !act {
			continue
		}
		// A table that still logs as a layer whose own table is gone was renamed.
		i := slices.IndexFunc(lost, func(t *table) bool { return files[fold(t.name)] == nil && f.logsAs(t) })
		if i >= 0 {
			t := lost[i]
			lost = slices.Delete(lost, i, i+1)
			delete(r.missing, t.layer.ID)
			if err := r.takeOver(c, t, f); err != nil {
				return false, err
			}
			continue
		}
		if err := r.adopt(c, k, f); err != nil {
			return false, err
		}
	}
	for _, t := range lost {
		since, ok := r.missing[t.layer.ID]
		if !ok {
			since = time.Now()
			r.missing[t.layer.ID] = since
		}
		if !opening && time.Since(since) < r.s.o.DropGrace {
			r.waiting = true
			continue
		}
		todo = true
		if !act {
			continue
		}
		delete(r.missing, t.layer.ID)
		r.s.log.Warn("a layer's table was removed by another program; the layer is dropped", "layer", t.layer.ID, "table", t.name)
		if f := files[fold(t.name)]; f == nil {
			if err := c.Script("DROP TABLE IF EXISTS " + q(t.rtreeName())); err != nil {
				return false, err
			}
			if err := unregister(c, t.name); err != nil {
				return false, err
			}
		} else if err := dropLogTriggers(c, f); err != nil {
			return false, err
		}
		if err := dropSurfaces(c, t.name); err != nil {
			return false, err
		}
		if err := forget(c, t.layer.ID); err != nil {
			return false, err
		}
	}
	return todo, nil
}

// logsAs tells whether the table's triggers log changes as layer t.
func (f *fileTable) logsAs(t *table) bool {
	for name := range f.triggers {
		if strings.HasPrefix(name, "twind_"+t.name+"_") {
			return true
		}
	}
	return false
}

func dropLogTriggers(c *sqlite.Conn, f *fileTable) error {
	for name := range f.triggers {
		if strings.HasPrefix(name, "twind_") {
			if err := c.Script("DROP TRIGGER " + q(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// known compares a layer with its table.
func (r *reconciler) known(c *sqlite.Conn, t *table, f *fileTable, act, quiet bool) (todo bool, err error) {
	logs := fold(t.fid) == fold(f.key()) && fold(t.geom) == fold(f.geom) && (t.id == "" || f.column(t.id) != nil)
	for _, trigger := range append(t.triggers(), t.surfaceTriggers()...) {
		logs = logs && f.triggers[trigger.name] == trigger.sql
	}
	logs = logs && (t.surfaces || f.triggers["twind_"+t.name+"_surfaces_delete"] == "") // they would name a table that is gone
	if !logs {
		// Changes may have gone unrecorded: whoever did that replaced the table.
		if act {
			return true, r.takeOver(c, t, f)
		}
		return true, nil
	}
	changed := false
	if p := f.plan(t.layer, t, t.id); !slices.Equal(p.columns, t.wanted) || !slices.Equal(p.layer.Schema, t.layer.Schema) {
		changed = true
		if act {
			if err := r.newColumns(c, t, p); err != nil {
				return false, err
			}
		}
	}
	if !f.rtreeWorks() {
		if !quiet {
			r.waiting = true
		} else {
			changed = true
			if act {
				if err := r.makeRTree(c, t, f); err != nil {
					return false, err
				}
			}
		}
	}
	return changed, nil
}

// newColumns follows columns that were added, removed or retyped.
func (r *reconciler) newColumns(c *sqlite.Conn, t, p *table) (err error) {
	p.base = t.base
	r.s.log.Info("another program has changed the columns of a layer", "layer", t.layer.ID, "before", len(t.layer.Schema), "now", len(p.layer.Schema))
	kept := len(p.layer.Schema) >= len(t.layer.Schema) && slices.Equal(p.layer.Schema[:len(t.layer.Schema)], t.layer.Schema)
	if !kept { // every feature reads otherwise now
		if p.base, err = logLayer(c, t.layer.ID, layers.Reloaded); err != nil {
			return err
		}
	}
	if _, err := logLayer(c, t.layer.ID, layers.LayerUpdated); err != nil {
		return err
	}
	return p.write(c)
}

// takeOver makes a table that was replaced the layer's again: it reads its
// columns anew, gives ids to rows without one, and puts back index and triggers.
func (r *reconciler) takeOver(c *sqlite.Conn, t *table, f *fileTable) error {
	l := t.layer
	if typ, ok := spatial.ParseType(f.geomType); ok {
		l.GeometryType = typ
	}
	l.CRS, l.ReadOnly = f.degrees(), l.ReadOnly || f.m != 0
	l.HasZ = f.z == 1 || f.z == 2 && l.HasZ
	id, err := f.idColumn(c, t, true)
	if err != nil {
		return err
	}
	p := f.plan(l, t, id)
	if f.name == t.name { // its keys may be others' now
		err = dropSurfaces(c, t.name)
	} else {
		err = p.takeSurfaces(c, t.name)
	}
	if err != nil {
		return err
	}
	r.s.log.Info("a layer's table was replaced by another program; it is read anew", "layer", l.ID, "table", f.name)
	if err := r.equip(c, p, f); err != nil {
		return err
	}
	if p.base, err = logLayer(c, l.ID, layers.Reloaded); err != nil {
		return err
	}
	if _, err := logLayer(c, l.ID, layers.LayerUpdated); err != nil {
		return err
	}
	return p.write(c)
}

// adopt makes a table of another program a layer.
func (r *reconciler) adopt(c *sqlite.Conn, k *catalog, f *fileTable) error {
	id := layerID(f.name, func(id layers.ID) bool { return k.tables[id] != nil })
	column, err := f.idColumn(c, nil, true)
	if err != nil {
		return err
	}
	p := f.plan(f.describe(id), nil, column)
	k.tables[id] = p
	r.s.log.Info("a table of another program becomes a layer", "layer", id, "table", f.name)
	if err := r.equip(c, p, f); err != nil {
		return err
	}
	if p.base, err = logLayer(c, id, layers.LayerCreated); err != nil {
		return err
	}
	return p.write(c)
}

// equip gives a table ids, indexes and triggers.
func (r *reconciler) equip(c *sqlite.Conn, t *table, f *fileTable) error {
	if err := dropLogTriggers(c, f); err != nil {
		return err
	}
	ids, noGeometry := t.indexSQL(t.name, newToken())
	if t.id != "" {
		fid, id, tab := q(t.fid), q(t.id), q(t.name)
		text := "CAST(" + fid + " AS TEXT)"
		// The index first: it makes the search for a free id quick.
		if err := c.Script(ids); err != nil {
			return err
		}
		err := c.Script("UPDATE " + tab + " SET " + id + " = CASE WHEN EXISTS (SELECT 1 FROM " + tab + " o WHERE o." + id + " = CAST(" + tab + "." + fid + " AS TEXT)) THEN lower(hex(randomblob(8))) ELSE " + text + " END WHERE ifnull(" + id + ", '') = ''")
		if err != nil {
			return err
		}
	}
	has, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = ? COLLATE NOCASE AND name LIKE 'twind\_nogeom\_%' ESCAPE '\'`, t.name)
	if err != nil {
		return err
	}
	if has == 0 {
		if err := c.Script(noGeometry); err != nil {
			return err
		}
	}
	return run(c, append(t.triggers(), t.surfaceTriggers()...))
}

// rtreeWorks tells whether the R-tree is there and kept up by triggers, as the
// standard or GDAL words them.
func (f *fileTable) rtreeWorks() bool {
	prefix := "rtree_" + f.name + "_" + f.geom + "_"
	has := func(suffix string) bool {
		for name := range f.triggers {
			if strings.EqualFold(name, prefix+suffix) {
				return true
			}
		}
		return false
	}
	return f.rtree && has("insert") && has("delete") && has("update2") && has("update4") && (has("update1") || has("update6"))
}

// makeRTree builds the R-tree anew, with its triggers.
func (r *reconciler) makeRTree(c *sqlite.Conn, t *table, f *fileTable) error {
	for name := range f.triggers {
		if strings.HasPrefix(fold(name), fold(t.rtreeName()+"_")) {
			if err := c.Script("DROP TRIGGER " + q(name)); err != nil {
				return err
			}
		}
	}
	if err := c.Script("DROP TABLE IF EXISTS " + q(t.rtreeName())); err != nil {
		return err
	}
	if err := t.createRTree(c); err != nil {
		return err
	}
	entries, err := rtreeEntries(c, t)
	if err != nil {
		return err
	}
	if err := fillRTree(within(c), r.s.limits.stepRows, t.rtreeName(), entries); err != nil {
		return err
	}
	if err := run(c, t.rtreeTriggers()); err != nil {
		return err
	}
	return touchCatalog(c)
}
