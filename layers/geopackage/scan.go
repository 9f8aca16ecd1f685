package geopackage

import (
	"context"
	"log/slog"
	"strings"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// Scan yields the features that match q, all of one state: by fid, or by the
// order of q.IDs. The feature is lent until yield returns.
func (s *Store) Scan(ctx context.Context, id layers.ID, query layers.Query, yield func(*layers.Feature) error) error {
	if !query.Time.IsZero() {
		return layers.Errorf(layers.ErrUnsupported, "this store keeps no history; ask for the current state")
	}
	return s.read(ctx, func(c *sqlite.Conn, k *catalog) error {
		t, err := k.find(id)
		if err != nil {
			return err
		}
		if query.Policy.Deny {
			return nil
		}
		sc, err := newScanner(c, t, &query)
		if err != nil {
			return err
		}
		sc.log = s.log
		if query.IDs != nil {
			return sc.byID(query.IDs, yield)
		}
		return sc.all(yield)
	})
}

// scanner reads one table for one query.
type scanner struct {
	c        *sqlite.Conn
	t        *table
	envelope *spatial.Envelope
	rows     *layers.Matcher // the policy's, on the feature as it is; nil: all
	filter   *layers.Matcher // the reader's, on what the reader may see; nil: all
	mask     []bool          // properties the reader may not see; nil: none
	where    condition
	f        layers.Feature

	log        *slog.Logger
	unreadable int // geometries
}

func newScanner(c *sqlite.Conn, t *table, query *layers.Query) (*scanner, error) {
	sc := &scanner{c: c, t: t, envelope: query.Envelope, where: everything}
	for _, name := range query.Policy.Hidden {
		if i := t.layer.PropertyIndex(name); i >= 0 {
			if sc.mask == nil {
				sc.mask = make([]bool, len(t.layer.Schema))
			}
			sc.mask[i] = true
		}
	}
	var err error
	if query.Policy.Rows != nil {
		if sc.rows, err = layers.NewMatcher(&t.layer, query.Policy.Rows); err != nil {
			return nil, err
		}
		sc.where = sc.where.and(t.prefilter(query.Policy.Rows, nil))
	}
	if query.Filter != nil {
		if sc.filter, err = layers.NewMatcher(&t.layer, query.Filter, query.Policy.Hidden...); err != nil {
			return nil, err
		}
		sc.where = sc.where.and(t.prefilter(query.Filter, sc.mask))
	}
	return sc, nil
}

// spatialCondition finds the rows whose envelope may intersect e, and those
// without geometry, which match every envelope.
func (t *table) spatialCondition(e spatial.Envelope) condition {
	if !t.rtree {
		return everything
	}
	if e.IsEmpty() {
		return condition{sql: t.withoutGeometry()}
	}
	// One list of keys: the rows then come by key without being sorted.
	c := t.near(e)
	c.sql = strings.TrimSuffix(c.sql, ")") + " UNION ALL SELECT " + q(t.fid) + " FROM " + q(t.name) + " WHERE " + t.withoutGeometry() + ")"
	return c
}

// all scans by fid.
func (sc *scanner) all(yield func(*layers.Feature) error) error {
	t := sc.t
	where := sc.where
	if sc.envelope != nil {
		where = t.spatialCondition(*sc.envelope).and(where)
	}
	sql := "SELECT " + t.readList() + " FROM " + q(t.name)
	if where.sql != everything.sql {
		sql += " WHERE " + where.sql
	}
	sql += " ORDER BY " + q(t.fid)
	revisions, err := newRevisions(sc.c, t, sc.envelope != nil)
	if err != nil {
		return err
	}
	defer revisions.close()
	return sc.c.Query(func(r *sqlite.Stmt) error {
		return sc.row(r, revisions.of, yield)
	}, sql, where.args...)
}

// byID looks up one feature after the other; an id that is not there, or is
// named before, is passed over.
func (sc *scanner) byID(ids []string, yield func(*layers.Feature) error) error {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		where, arg := sc.t.whereID(id)
		err := sc.c.Query(func(r *sqlite.Stmt) error {
			return sc.row(r, func(fid int64) (layers.Revision, error) { return sc.t.revisionOf(sc.c, fid) }, yield)
		}, "SELECT "+sc.t.readList()+" FROM "+q(sc.t.name)+" WHERE "+where, arg)
		if err != nil {
			return err
		}
	}
	return nil
}

func (sc *scanner) row(r *sqlite.Stmt, revision func(int64) (layers.Revision, error), yield func(*layers.Feature) error) error {
	if sc.envelope != nil {
		if e := blobEnvelope(r.ColumnRawBlob(1)); !e.IsEmpty() && !e.Intersects(*sc.envelope) {
			return nil
		}
	}
	f := &sc.f
	fid, err := sc.t.readRow(r, f)
	if err != nil {
		// Another program wrote what nobody can read: the layer must not go for
		// it. Check names each; only a change of this feature fails.
		if sc.unreadable++; sc.unreadable == 1 {
			sc.log.Warn("a geometry cannot be read and is shown as null; twind check names all", "error", err)
		}
	}
	if sc.rows != nil && !sc.rows.Match(f) {
		return nil
	}
	for i, hidden := range sc.mask {
		if hidden {
			f.Properties[i] = layers.Value{}
		}
	}
	if sc.filter != nil && !sc.filter.Match(f) {
		return nil
	}
	if f.Revision, err = revision(fid); err != nil {
		return err
	}
	return yield(f)
}

// revisions gives the revisions of rows that are asked for by growing fid: for a
// whole layer from a second statement over the log's index, which runs in step;
// for a few rows by a look-up for each.
type revisions struct {
	c    *sqlite.Conn
	t    *table
	few  bool
	s    *sqlite.Stmt // fid, max(seq) by fid; nil at its end
	fid  int64
	last layers.Revision
}

func newRevisions(c *sqlite.Conn, t *table, few bool) (*revisions, error) {
	s, err := c.Prepare(`SELECT fid, max(seq) FROM twind_changes WHERE layer = ? AND fid IS NOT NULL GROUP BY fid ORDER BY fid`)
	if err != nil {
		return nil, err
	}
	if err := sqlite.Bind(s, string(t.layer.ID)); err != nil {
		return nil, err
	}
	r := &revisions{c: c, t: t, s: s}
	if err := r.next(); err != nil {
		return nil, err
	}
	if few && r.s != nil { // some row has a line in the log
		r.close()
		r.few = true
	}
	return r, nil
}

func (r *revisions) next() error {
	if r.s.Step() {
		r.fid, r.last = r.s.ColumnInt64(0), layers.Revision(r.s.ColumnInt64(1))
		return nil
	}
	err := r.s.Err()
	r.close()
	return err
}

func (r *revisions) of(fid int64) (layers.Revision, error) {
	if r.few {
		return r.t.revisionOf(r.c, fid)
	}
	for r.s != nil && r.fid < fid {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	if r.s != nil && r.fid == fid {
		return max(r.last, r.t.base), nil
	}
	return r.t.base, nil
}

func (r *revisions) close() {
	if r.s != nil {
		r.s.Reset() // its error was returned by next
		r.s = nil
	}
}

// Stats counts a layer's features and gives their envelope, exactly.
func (s *Store) Stats(ctx context.Context, id layers.ID) (st layers.Stats, err error) {
	err = s.read(ctx, func(c *sqlite.Conn, k *catalog) error {
		t, err := k.find(id)
		if err != nil {
			return err
		}
		st, err = t.stats(c)
		return err
	})
	return st, err
}

func (t *table) stats(c *sqlite.Conn) (st layers.Stats, err error) {
	st.Extent = spatial.EmptyEnvelope()
	if st.Count, err = c.Int("SELECT count(*) FROM " + q(t.name)); err != nil {
		return st, err
	}
	add := func(r *sqlite.Stmt) error {
		st.Extent = st.Extent.Union(blobEnvelope(r.ColumnRawBlob(0)))
		return nil
	}
	if !t.rtree {
		return st, c.Query(add, "SELECT "+q(t.geom)+" FROM "+q(t.name))
	}
	root, err := rootEnvelope(c, t.rtreeName())
	if err != nil || root == nil {
		return st, err
	}
	// The root's box is that of the rows, rounded outward to 32 bits, by at most
	// two steps (SQLite rounds further than needed). Only rows that come within
	// four steps of a border can reach the exact one.
	rt := q(t.rtreeName())
	return st, c.Query(add, "SELECT "+q(t.geom)+" FROM "+q(t.name)+" WHERE "+q(t.fid)+" IN (SELECT id FROM "+rt+" WHERE minx <= ?1 UNION SELECT id FROM "+rt+
		" WHERE maxx >= ?2 UNION SELECT id FROM "+rt+" WHERE miny <= ?3 UNION SELECT id FROM "+rt+" WHERE maxy >= ?4)",
		steps32(root.minX, 4), steps32(root.maxX, -4), steps32(root.minY, 4), steps32(root.maxY, -4))
}
