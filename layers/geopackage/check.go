package geopackage

import (
	"context"
	"fmt"
	"strings"

	"twind/internal/sqlite"
	"twind/layers"
)

// faultsEach is how many faults of one kind in one layer are told one by one.
const faultsEach = 20

// Check looks for damage: of the file (SQLite's integrity check), of references,
// of each layer's table, triggers, ids, geometries, values' classes and R-tree.
// It reads everything, about as long as it takes to scan each layer twice, and
// holds no lock. Each fault is one sentence.
func (s *Store) Check(ctx context.Context, yield func(fault string) error) error {
	return s.explain(s.db.Read(ctx, func(c *sqlite.Conn) error {
		k := checker{c: c, yield: yield, path: s.path, foreign: s.foreign != nil}
		if err := k.file(); err != nil {
			return err
		}
		catalog, err := s.catalog(c)
		if err != nil || len(catalog.ids) == 0 {
			return err
		}
		files, err := fileTables(c)
		if err != nil {
			return err
		}
		for _, id := range catalog.ids {
			if err := k.layer(catalog.tables[id], files); err != nil {
				return err
			}
		}
		return nil
	}))
}

type checker struct {
	c       *sqlite.Conn
	yield   func(string) error
	path    string
	foreign bool // not twind's: it has none of its triggers
}

func (k *checker) fault(format string, args ...any) error {
	return k.yield(fmt.Sprintf(format, args...))
}

// file checks what belongs to no layer.
func (k *checker) file() error {
	err := k.c.Query(func(r *sqlite.Stmt) error {
		if text := r.ColumnText(0); text != "ok" {
			return k.fault("%s is damaged: %s; restore it from a backup", k.path, strings.ReplaceAll(text, "\n", "; "))
		}
		return nil
	}, "PRAGMA integrity_check")
	if err != nil {
		return err
	}
	err = k.c.Query(func(r *sqlite.Stmt) error {
		return k.fault("%s: row %d of %s refers to a row of %s that is not there", k.path, r.ColumnInt64(1), r.ColumnText(0), r.ColumnText(2))
	}, "PRAGMA foreign_key_check")
	if err != nil {
		return err
	}
	if id, err := k.c.Int("PRAGMA application_id"); err != nil {
		return err
	} else if id != applicationID && id != 0x47503130 && id != 0x47503131 {
		return k.fault("%s: the application id is %#x, not GeoPackage's; programs may refuse it", k.path, id)
	}
	return nil
}

// layer checks one layer.
func (k *checker) layer(t *table, files map[string]*fileTable) error {
	id := t.layer.ID
	f := files[fold(t.name)]
	if f == nil {
		return k.fault("layer %s: its table %q is not in the file", id, t.name)
	}
	if why := f.unusable(); why != "" {
		return k.fault("layer %s: its table %q cannot be read: %s", id, t.name, why)
	}
	if t.missing {
		return k.fault("layer %s: its table %q was replaced by another program", id, t.name)
	}
	for i, col := range t.columns {
		if col == "" {
			if err := k.fault("layer %s: the column of property %q is not in table %q", id, t.layer.Schema[i].Name, t.name); err != nil {
				return err
			}
		}
	}
	if err := k.triggers(t, f); err != nil {
		return err
	}
	if err := k.rows(t); err != nil {
		return err
	}
	if err := k.surfaces(t); err != nil {
		return err
	}
	if !f.rtree && k.foreign {
		return nil // the standard leaves it to who makes the file
	}
	if !f.rtree {
		return k.fault("layer %s: it has no R-tree, so that queries by place read all of it", id)
	}
	if !f.rtreeWorks() {
		if err := k.fault("layer %s: the triggers of its R-tree are missing", id); err != nil {
			return err
		}
	}
	return k.rtree(t)
}

// triggers looks for those of the change log.
func (k *checker) triggers(t *table, f *fileTable) error {
	if k.foreign {
		return nil
	}
	for _, trigger := range append(t.triggers(), t.surfaceTriggers()...) {
		if f.triggers[trigger.name] != trigger.sql {
			if err := k.fault("layer %s: the trigger %q is missing or changed, so that edits of other programs may go unnoticed", t.layer.ID, trigger.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows reads every row.
func (k *checker) rows(t *table) error {
	faults := 0
	report := func(format string, args ...any) error {
		if faults++; faults > faultsEach {
			return nil
		}
		return k.fault("layer %s, "+format, append([]any{t.layer.ID}, args...)...)
	}
	var f layers.Feature
	err := k.c.Query(func(r *sqlite.Stmt) error {
		fid := r.ColumnInt64(0)
		if r.ColumnType(2) == sqlite.Null {
			return report("row %d: it has no id", fid)
		}
		if err := layers.CheckFeatureID(r.ColumnText(2)); err != nil {
			return report("row %d: %v", fid, err)
		}
		if _, err := t.readRow(r, &f); err != nil {
			return report("row %d (id %s): %v", fid, r.ColumnText(2), err)
		}
		if err := layers.CheckFeature(&t.layer, &f); err != nil {
			return report("feature %s: %v", f.ID, err)
		}
		if f.Surfaces == nil && r.ColumnType(firstProperty+len(t.layer.Schema)) != sqlite.Null {
			return report("feature %s: the faces of its body in %s cannot be read", f.ID, surfacesOf(t.name))
		}
		if env := f.Geometry.Envelope(); !f.Geometry.IsNull() {
			h, err := parseHeader(r.ColumnRawBlob(1))
			if err != nil {
				return report("feature %s: %v", f.ID, err)
			}
			if h.empty != env.IsEmpty() || h.hasEnv && h.envelope != env {
				return report("feature %s: the header of its geometry says %v, its positions reach %v", f.ID, h.envelope, env)
			}
			if int64(h.srs) != t.srs {
				return report("feature %s: its geometry is marked with coordinate system %d, the layer's is %d", f.ID, h.srs, t.srs)
			}
		}
		for i := range t.layer.Schema {
			if r.ColumnType(firstProperty+i) != sqlite.Null && f.Properties[i].IsNull() {
				if err := report("feature %s: the value of %q is no %v and reads as null", f.ID, t.layer.Schema[i].Name, t.layer.Schema[i].Type); err != nil {
					return err
				}
			}
		}
		return nil
	}, "SELECT "+t.readList()+" FROM "+q(t.name))
	if err != nil {
		return err
	}
	if faults > faultsEach {
		return k.fault("layer %s: %d more faults of rows", t.layer.ID, faults-faultsEach)
	}
	return nil
}

// surfaces looks for those of features that are not there.
func (k *checker) surfaces(t *table) error {
	if !t.surfaces {
		return nil
	}
	n, err := k.c.Int(fmt.Sprintf("SELECT count(*) FROM %s s WHERE NOT EXISTS (SELECT 1 FROM %s t WHERE t.%s = s.fid)", q(surfacesOf(t.name)), q(t.name), q(t.fid)))
	if err != nil || n == 0 {
		return err
	}
	return k.fault("layer %s: %d rows of %s belong to no feature; delete them", t.layer.ID, n, surfacesOf(t.name))
}

// rtree compares the index with the rows.
func (k *checker) rtree(t *table) error {
	err := k.c.Query(func(r *sqlite.Stmt) error {
		if text := r.ColumnText(0); text != "ok" {
			return k.fault("layer %s: its R-tree is damaged: %s", t.layer.ID, strings.ReplaceAll(text, "\n", "; "))
		}
		return nil
	}, "SELECT rtreecheck('main', ?)", t.rtreeName())
	if err != nil {
		return err
	}
	faults := 0
	report := func(format string, args ...any) error {
		if faults++; faults > faultsEach {
			return nil
		}
		return k.fault("layer %s: "+format, append([]any{t.layer.ID}, args...)...)
	}
	fid := q(t.fid)
	err = k.c.Query(func(r *sqlite.Stmt) error {
		e := blobEnvelope(r.ColumnRawBlob(1))
		indexed := r.ColumnType(2) != sqlite.Null
		switch {
		case e.IsEmpty() && indexed:
			return report("row %d has no position, but stands in the R-tree", r.ColumnInt64(0))
		case !e.IsEmpty() && !indexed:
			return report("row %d is missing in the R-tree", r.ColumnInt64(0))
		case indexed && !(r.ColumnFloat(2) <= e.MinX && r.ColumnFloat(3) >= e.MaxX && r.ColumnFloat(4) <= e.MinY && r.ColumnFloat(5) >= e.MaxY):
			return report("row %d stands in the R-tree at another place", r.ColumnInt64(0))
		}
		return nil
	}, fmt.Sprintf("SELECT t.%s, t.%s, r.minx, r.maxx, r.miny, r.maxy FROM %s t LEFT JOIN %s r ON r.id = t.%s", fid, q(t.geom), q(t.name), q(t.rtreeName()), fid))
	if err != nil {
		return err
	}
	err = k.c.Query(func(r *sqlite.Stmt) error {
		return report("the R-tree holds row %d, which is not there", r.ColumnInt64(0))
	},
		fmt.Sprintf("SELECT r.rowid FROM %s r LEFT JOIN %s t ON t.%s = r.rowid WHERE t.%s IS NULL", q(t.rtreeName()+"_rowid"), q(t.name), fid, fid))
	if err != nil {
		return err
	}
	if faults > faultsEach {
		return k.fault("layer %s: %d more faults of its R-tree", t.layer.ID, faults-faultsEach)
	}
	return nil
}
