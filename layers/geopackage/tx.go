package geopackage

import (
	"context"
	"fmt"
	"strings"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// Update runs fn in one transaction, which holds the file's write lock from the
// beginning: what fn has read stays true until it commits. Readers do not wait;
// other writers do, so fn should take well under a second, and must not write
// through the store itself, which would wait for it. A panic of fn rolls back.
func (s *Store) Update(ctx context.Context, fn func(layers.Tx) error) (rev layers.Revision, err error) {
	err = s.write(ctx, func(c *sqlite.Conn, k *catalog) error {
		x := &tx{c: c, k: k, grown: make(map[*table]spatial.Envelope), equipped: make(map[layers.ID]*table)}
		defer func() { x.c = nil }()
		if err := fn(x); err != nil {
			return err
		}
		for t, e := range x.grown {
			if err := t.grow(c, e); err != nil {
				return err
			}
		}
		rev, err = head(c)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.head.Store(int64(rev))
	return rev, nil
}

type tx struct {
	c        *sqlite.Conn // nil when the transaction is over
	k        *catalog
	grown    map[*table]spatial.Envelope // tables written to, and around what
	equipped map[layers.ID]*table        // those that got a table of surfaces in the transaction
}

func (x *tx) begin(ctx context.Context, id layers.ID, write bool) (*table, error) {
	if x.c == nil {
		return nil, layers.Errorf(layers.ErrInvalid, "the transaction is over")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, err := x.k.find(id)
	if with := x.equipped[id]; with != nil {
		t = with
	}
	if err == nil && write && t.layer.ReadOnly {
		return nil, layers.Errorf(layers.ErrReadOnly, "layer %s is read-only", id)
	}
	return t, err
}

func (x *tx) Get(ctx context.Context, layer layers.ID, id string) (*layers.Feature, error) {
	t, err := x.begin(ctx, layer, false)
	if err != nil {
		return nil, err
	}
	f := &layers.Feature{}
	fid, err := x.row(t, id, f)
	if err != nil {
		return nil, err
	}
	f.Revision, err = t.revisionOf(x.c, fid)
	return f, err
}

// row reads one feature without its revision; ErrNotFound.
func (x *tx) row(t *table, id string, f *layers.Feature) (fid int64, err error) {
	where, arg := t.whereID(id)
	found := false
	err = x.c.Query(func(r *sqlite.Stmt) (err error) {
		found = true
		fid, err = t.readRow(r, f)
		return err
	}, "SELECT "+t.readList()+" FROM "+q(t.name)+" WHERE "+where, arg)
	if err == nil && !found {
		err = noFeature(t, id)
	}
	return fid, err
}

func noFeature(t *table, id string) error {
	return layers.Errorf(layers.ErrNotFound, "there is no feature %q in layer %s", id, t.layer.ID)
}

func (x *tx) Insert(ctx context.Context, layer layers.ID, f *layers.Feature) error {
	t, err := x.begin(ctx, layer, true)
	if err != nil {
		return err
	}
	if err := layers.CheckFeature(&t.layer, f); err != nil {
		return err
	}
	st, err := x.c.Prepare(t.insertSQL())
	if err != nil {
		return err
	}
	if err := t.bindFeature(st, f, nil); err != nil {
		return err
	}
	if err := st.Exec(); err != nil {
		if sqlite.IsUnique(err) {
			return layers.Errorf(layers.ErrExists, "feature %q exists already in layer %s", f.ID, layer)
		}
		return err
	}
	fid := x.c.LastRowID()
	x.touch(t, f.Geometry.Envelope())
	if f.ID == "" {
		if f.ID, err = x.c.Text("SELECT "+t.idOf("")+" FROM "+q(t.name)+" WHERE "+q(t.fid)+" = ?", fid); err != nil {
			return err
		}
	}
	return x.writeSurfaces(t, fid, f.Surfaces)
}

// insertSQL inserts (geom, id or fid, properties…), all as parameters.
func (t *table) insertSQL() string {
	key := t.id
	if key == "" {
		key = t.fid
	}
	names := []string{q(t.geom), q(key)}
	for _, c := range t.columns {
		if c != "" {
			names = append(names, q(c))
		}
	}
	return "INSERT INTO " + q(t.name) + " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
}

// bindFeature binds geometry, key and properties in the order of insertSQL.
// blob is the encoded geometry, or nil to encode it here.
func (t *table) bindFeature(s *sqlite.Stmt, f *layers.Feature, blob []byte) error {
	var err error
	switch {
	case f.Geometry.IsNull():
		err = s.BindNull(1)
	case blob != nil:
		err = s.BindBlob(1, blob)
	default:
		err = s.BindBlob(1, appendBlob(nil, f.Geometry, int32(t.srs)))
	}
	if err != nil {
		return err
	}
	switch {
	case f.ID == "":
		err = s.BindNull(2)
	case t.id != "":
		err = s.BindText(2, f.ID)
	default:
		n, ok := fidOf(f.ID)
		if !ok {
			return layers.Errorf(layers.ErrInvalid, "feature id %.40q: layer %s was made by another program and is keyed by whole numbers", f.ID, t.layer.ID)
		}
		err = s.BindInt64(2, n)
	}
	if err != nil {
		return err
	}
	return t.bindProperties(s, 3, f)
}

func (t *table) bindProperties(s *sqlite.Stmt, param int, f *layers.Feature) error {
	for i, c := range t.columns {
		if c == "" {
			continue
		}
		if err := bindValue(s, param, t.layer.Schema[i].Type, f.Properties[i]); err != nil {
			return err
		}
		param++
	}
	return nil
}

func (x *tx) Replace(ctx context.Context, layer layers.ID, f *layers.Feature) error {
	t, err := x.begin(ctx, layer, true)
	if err != nil {
		return err
	}
	if err := layers.CheckFeature(&t.layer, f); err != nil {
		return err
	}
	fid, err := x.fid(t, f.ID)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("UPDATE " + q(t.name) + " SET " + q(t.geom) + " = ?2")
	n := 3
	for _, c := range t.columns {
		if c != "" {
			fmt.Fprintf(&b, ", %s = ?%d", q(c), n)
			n++
		}
	}
	b.WriteString(" WHERE " + q(t.fid) + " = ?1")
	st, err := x.c.Prepare(b.String())
	if err != nil {
		return err
	}
	if f.Geometry.IsNull() {
		err = sqlite.Bind(st, fid, nil)
	} else {
		err = sqlite.Bind(st, fid, appendBlob(nil, f.Geometry, int32(t.srs)))
	}
	if err != nil {
		return err
	}
	if err := t.bindProperties(st, 3, f); err != nil {
		return err
	}
	x.touch(t, f.Geometry.Envelope())
	if err := st.Exec(); err != nil {
		return err
	}
	return x.writeSurfaces(t, fid, f.Surfaces)
}

func (x *tx) fid(t *table, id string) (fid int64, err error) {
	where, arg := t.whereID(id)
	found := false
	err = x.c.Query(func(r *sqlite.Stmt) error { fid, found = r.ColumnInt64(0), true; return nil },
		"SELECT "+q(t.fid)+" FROM "+q(t.name)+" WHERE "+where, arg)
	if err == nil && !found {
		err = noFeature(t, id)
	}
	return fid, err
}

func (x *tx) Delete(ctx context.Context, layer layers.ID, id string) error {
	t, err := x.begin(ctx, layer, true)
	if err != nil {
		return err
	}
	where, arg := t.whereID(id)
	if err := x.c.Exec("DELETE FROM "+q(t.name)+" WHERE "+where, arg); err != nil {
		return err
	}
	if x.c.Changed() == 0 {
		return noFeature(t, id)
	}
	x.touch(t, spatial.EmptyEnvelope())
	return nil
}

func (x *tx) touch(t *table, e spatial.Envelope) {
	old, ok := x.grown[t]
	if !ok {
		old = spatial.EmptyEnvelope()
	}
	x.grown[t] = old.Union(e)
}

// grow updates last_change and enlarges the extent in gpkg_contents; the
// standard lets an extent be larger than what is in it (§1.1.3.1.1).
func (t *table) grow(c *sqlite.Conn, e spatial.Envelope) error {
	if e.IsEmpty() {
		return c.Exec(`UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE table_name = ?`, t.name)
	}
	return c.Exec(`UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now'),
		min_x = min(ifnull(min_x, ?2), ?2), min_y = min(ifnull(min_y, ?3), ?3),
		max_x = max(ifnull(max_x, ?4), ?4), max_y = max(ifnull(max_y, ?5), ?5) WHERE table_name = ?1`,
		t.name, e.MinX, e.MinY, e.MaxX, e.MaxY)
}
