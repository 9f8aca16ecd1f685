package geopackage

import (
	"context"
	"log/slog"
	"sync/atomic"

	"twind/internal/sqlite"
	"twind/layers"
)

// Store is one GeoPackage file. It implements layers.Store.
type Store struct {
	path     string
	o        Options
	log      *slog.Logger
	db       *sqlite.DB
	identity string
	limits   limits
	cached   atomic.Pointer[catalog]

	full  atomic.Bool        // the disk was, when something was written
	stop  context.CancelFunc // ends the goroutine that follows the file
	done  chan struct{}      // closed when it has ended
	head  atomic.Int64       // the last revision this store gave out
	watch watchers

	reconcile *reconciler // of the goroutine that watches
	foreign   *foreign    // of a file that is only read: see Options.Untouched
}

var _ layers.Store = (*Store)(nil)

// Path is the file's name as it was opened.
func (s *Store) Path() string { return s.path }

// Identity is the random id the file got when it was made, and the schema version.
func (s *Store) Identity() string { return s.identity }

// Close waits for running calls and closes the file.
func (s *Store) Close() error {
	s.stop()
	<-s.done
	return s.explain(s.db.Close())
}

// read runs fn in a read transaction with the catalog of its state.
func (s *Store) read(ctx context.Context, fn func(c *sqlite.Conn, k *catalog) error) error {
	return s.explain(s.db.Read(ctx, func(c *sqlite.Conn) error {
		k, err := s.catalog(c)
		if err != nil {
			return err
		}
		return fn(c, k)
	}))
}

// write runs fn in a write transaction with the catalog as it was at its
// beginning, and tells the watchers once it is committed.
func (s *Store) write(ctx context.Context, fn func(c *sqlite.Conn, k *catalog) error) error {
	err := s.db.Write(ctx, func(c *sqlite.Conn) error {
		k, err := s.catalog(c)
		if err != nil {
			return err
		}
		return fn(c, k)
	})
	if err == nil {
		s.watch.signal()
	}
	return s.explain(err)
}

// Layers lists every layer's description, by id.
func (s *Store) Layers(ctx context.Context) ([]layers.Layer, error) {
	var out []layers.Layer
	err := s.read(ctx, func(_ *sqlite.Conn, k *catalog) error {
		for _, id := range k.ids {
			out = append(out, cloneLayer(k.tables[id].layer))
		}
		return nil
	})
	return out, err
}

// Layer is one description; ErrNotFound.
func (s *Store) Layer(ctx context.Context, id layers.ID) (l layers.Layer, err error) {
	err = s.read(ctx, func(_ *sqlite.Conn, k *catalog) error {
		t := k.tables[id]
		if t == nil {
			return s.notFound(id)
		}
		l = cloneLayer(t.layer)
		return nil
	})
	return l, err
}

// cloneLayer gives the caller slices of its own.
func cloneLayer(l layers.Layer) layers.Layer {
	l.Schema = append([]layers.Property(nil), l.Schema...)
	l.Style = append([]byte(nil), l.Style...)
	if l.Live != nil {
		live := *l.Live
		l.Live = &live
	}
	return l
}

// CreateLayer makes an empty layer; ErrExists, ErrInvalid.
func (s *Store) CreateLayer(ctx context.Context, l layers.Layer) error {
	if err := l.Validate(); err != nil {
		return err
	}
	return s.write(ctx, func(c *sqlite.Conn, k *catalog) error {
		if k.tables[l.ID] != nil {
			return layers.Errorf(layers.ErrExists, "layer %s exists already", l.ID)
		}
		t, err := newTable(cloneLayer(l), func(name string) (bool, error) {
			n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE name IN (?1, 'rtree_' || ?1 || '_geom') COLLATE NOCASE`, name)
			return n > 0, err
		})
		if err != nil {
			return err
		}
		if err := c.Script(t.createSQL(t.name)); err != nil {
			return err
		}
		if err := t.register(c); err != nil {
			return err
		}
		ids, noGeometry := t.indexSQL(t.name, newToken())
		if err := c.Script(ids + ";" + noGeometry); err != nil {
			return err
		}
		if err := t.createRTree(c); err != nil {
			return err
		}
		if err := run(c, append(t.rtreeTriggers(), t.triggers()...)); err != nil {
			return err
		}
		if t.base, err = logLayer(c, l.ID, layers.LayerCreated); err != nil {
			return err
		}
		return t.write(c)
	})
}

// UpdateLayer replaces the description; the schema may gain properties at its end.
func (s *Store) UpdateLayer(ctx context.Context, l layers.Layer) error {
	if err := l.Validate(); err != nil {
		return err
	}
	return s.write(ctx, func(c *sqlite.Conn, k *catalog) error {
		old, err := k.find(l.ID)
		if err != nil {
			return err
		}
		if err := checkUpdate(&old.layer, &l); err != nil {
			return err
		}
		t := *old
		t.layer = cloneLayer(l)
		t.columns = append([]string(nil), old.columns...)
		if err := t.freshColumns(c); err != nil {
			return err
		}
		for i := len(old.columns); i < len(t.columns); i++ {
			if err := c.Script("ALTER TABLE " + q(t.name) + " ADD COLUMN " + q(t.columns[i]) + " " + columnType(l.Schema[i].Type)); err != nil {
				return err
			}
		}
		if err := t.describe(c); err != nil {
			return err
		}
		if t.layer.HasZ != old.layer.HasZ {
			if err := c.Exec(`UPDATE gpkg_geometry_columns SET z = ? WHERE table_name = ?`, t.heights(), t.name); err != nil {
				return err
			}
		}
		if err := t.write(c); err != nil {
			return err
		}
		_, err = logLayer(c, l.ID, layers.LayerUpdated)
		return err
	})
}

// freshColumns names the columns of new properties apart from all columns the
// table has, also those that are no properties.
func (t *table) freshColumns(c *sqlite.Conn) error {
	have := len(t.columns)
	probe := *t
	probe.columns = append([]string(nil), t.columns...)
	err := c.Query(func(r *sqlite.Stmt) error { probe.columns = append(probe.columns, r.ColumnText(0)); return nil }, `SELECT name FROM pragma_table_info(?)`, t.name)
	if err != nil {
		return err
	}
	taken := len(probe.columns)
	probe.layer.Schema = append(make([]layers.Property, taken), t.layer.Schema[have:]...)
	probe.nameColumns()
	t.columns = append(t.columns, probe.columns[taken:]...)
	return nil
}

// checkUpdate refuses what UpdateLayer may not change.
func checkUpdate(old, l *layers.Layer) error {
	switch {
	case l.GeometryType != old.GeometryType:
		return layers.Errorf(layers.ErrInvalid, "layer %s holds %v; its geometry type cannot become %v: make another layer", l.ID, old.GeometryType, l.GeometryType)
	case l.CRS != old.CRS:
		return layers.Errorf(layers.ErrInvalid, "layer %s is kept in EPSG:%d; that cannot become EPSG:%d: make another layer", l.ID, old.CRS, l.CRS)
	case len(l.Schema) < len(old.Schema):
		return layers.Errorf(layers.ErrInvalid, "layer %s has %d properties; the update names %d: properties can be added at the end only", l.ID, len(old.Schema), len(l.Schema))
	}
	for i, p := range old.Schema {
		if l.Schema[i].Name != p.Name || l.Schema[i].Type != p.Type {
			return layers.Errorf(layers.ErrInvalid, "layer %s: property %d is %q (%v); the update says %q (%v): properties can be added at the end only", l.ID, i+1, p.Name, p.Type, l.Schema[i].Name, l.Schema[i].Type)
		}
	}
	return nil
}

// DropLayer removes a layer with its features; ErrNotFound.
func (s *Store) DropLayer(ctx context.Context, id layers.ID) error {
	return s.write(ctx, func(c *sqlite.Conn, k *catalog) error {
		t := k.tables[id]
		if t == nil {
			return layers.Errorf(layers.ErrNotFound, "there is no layer %q", id)
		}
		if err := dropTable(c, t); err != nil {
			return err
		}
		return forget(c, id)
	})
}

// forget removes a layer's row in twind_layers and logs its end.
func forget(c *sqlite.Conn, id layers.ID) error {
	if err := c.Exec(`DELETE FROM twind_layers WHERE id = ?`, string(id)); err != nil {
		return err
	}
	if err := touchCatalog(c); err != nil {
		return err
	}
	_, err := logLayer(c, id, layers.LayerDropped)
	return err
}

// Head is the revision of the last committed change, also of other processes.
func (s *Store) Head(ctx context.Context) (rev layers.Revision, err error) {
	err = s.explain(s.db.Read(ctx, func(c *sqlite.Conn) error {
		rev, err = head(c)
		return err
	}))
	return rev, err
}
