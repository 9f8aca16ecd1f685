package postgis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"twind/layers"
)

// Update runs fn in one transaction. Others may write other features meanwhile;
// who wants to write the same waits. A panic of fn rolls back.
func (s *Store) Update(ctx context.Context, fn func(layers.Tx) error) (rev layers.Revision, err error) {
	if err := s.writable(); err != nil {
		return 0, err
	}
	var conn *pgxpool.Conn
	err = s.read(ctx, "begin a transaction", func(ctx context.Context, _ *bool) (err error) {
		if conn, err = s.pool.Acquire(ctx); err != nil {
			return err
		}
		if _, err = conn.Exec(ctx, "BEGIN"); err != nil {
			_ = conn.Conn().Close(ctx)
			conn.Release()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	x := &tx{s: s, conn: conn.Conn(), sources: map[layers.ID]*source{}}
	done := false
	defer func() {
		x.conn = nil
		if !done { // also when fn panics; a lost connection needs no rollback
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
			defer cancel()
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil { // the connection goes, and the transaction with it
				_ = conn.Conn().Close(ctx)
			}
		}
	}()
	if err := fn(x); err != nil {
		return 0, s.wrap(err, "write")
	}
	if x.failed != nil {
		return 0, s.wrap(x.failed, "write")
	}
	// One trip: give out the revisions (which takes the lock), ask for the last,
	// commit (which releases it).
	var last string
	var b pgx.Batch
	b.Queue(s.sql("SET CONSTRAINTS {s}._commit IMMEDIATE"))
	b.Queue("SELECT coalesce(current_setting('twind.revision', true), '')").QueryRow(func(r pgx.Row) error { return r.Scan(&last) })
	b.Queue("COMMIT")
	if err := conn.SendBatch(ctx, &b).Close(); err != nil {
		return 0, s.wrap(err, "commit")
	}
	done = true
	if last == "" {
		err = conn.QueryRow(ctx, s.sql(headSQL)).Scan((*int64)(&rev))
		return rev, s.wrap(err, "read the revision")
	}
	n, err := strconv.ParseInt(last, 10, 64)
	return layers.Revision(n), err
}

// tx is one transaction. PostgreSQL refuses everything after an error, so ones
// that a caller may live with are found before they arise.
type tx struct {
	s       *Store
	conn    *pgx.Conn // nil when it is over
	sources map[layers.ID]*source
	failed  error // the database's first error: the transaction is lost
}

// begin finds the layer of an operation.
func (x *tx) begin(ctx context.Context, id layers.ID, write bool) (*source, error) {
	if x.conn == nil {
		return nil, layers.Errorf(layers.ErrInvalid, "the transaction is over")
	}
	if x.failed != nil {
		return nil, x.failed
	}
	if p := x.s.published[id]; p != nil {
		if write {
			return nil, layers.Errorf(layers.ErrReadOnly, "layer %s is published from %s and read-only: edit that table", id, p.name)
		}
		return &p.source, nil
	}
	if src := x.sources[id]; src != nil {
		return src, nil
	}
	src := &source{}
	var description []byte
	// The layer stays while the transaction runs, as its table would anyway.
	err := x.conn.QueryRow(ctx, x.s.sql("SELECT number, description, columns FROM {s}._layers WHERE id = $1 FOR KEY SHARE"), string(id)).
		Scan(&src.number, &description, &src.columns)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, notFound(id)
	}
	if err != nil {
		return nil, x.fail(err)
	}
	if err := x.s.describe(src, string(id), description); err != nil {
		return nil, err
	}
	x.sources[id] = src
	return src, nil
}

func (x *tx) fail(err error) error {
	x.failed = x.s.wrap(err, "write")
	return x.failed
}

func noFeature(id layers.ID, feature string) error {
	return layers.Errorf(layers.ErrNotFound, "there is no feature %q in layer %s", feature, id)
}

// Get reads a feature and locks its row.
func (x *tx) Get(ctx context.Context, id layers.ID, feature string) (*layers.Feature, error) {
	src, err := x.begin(ctx, id, false)
	if err != nil {
		return nil, err
	}
	if layers.CheckFeatureID(feature) != nil {
		return nil, noFeature(id, feature)
	}
	keys, lock := []string{feature}, " FOR UPDATE OF t"
	if src.public != nil {
		keys, lock = src.public.keys(keys), ""
	}
	rows, err := x.conn.Query(ctx, "SELECT "+x.s.selection(src)+x.s.from(src)+" WHERE "+fmt.Sprintf(src.key, "$1")+lock+src.mark(), keys)
	if err != nil {
		return nil, x.fail(err)
	}
	defer rows.Close()
	var f *layers.Feature
	if rows.Next() {
		f = &layers.Feature{}
		if err := newDecoder(src, nil).decode(rows.RawValues(), f); err != nil {
			return nil, err
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, x.fail(err)
	}
	if f == nil || src.public != nil && src.public.check(f) != nil {
		return nil, noFeature(id, feature)
	}
	return f, nil
}

// geometry is the parameter of a geometry; nil for null.
func (x *tx) geometry(src *source, f *layers.Feature) any {
	if f.Geometry.IsNull() {
		return nil
	}
	return appendEWKB(nil, f.Geometry, src.layer.CRS)
}

// Insert adds a feature; without an id it gets the next of a sequence.
func (x *tx) Insert(ctx context.Context, id layers.ID, f *layers.Feature) error {
	src, err := x.begin(ctx, id, true)
	if err != nil {
		return err
	}
	if err := checkFeature(&src.layer, f); err != nil {
		return err
	}
	var columns, values strings.Builder
	args := arguments{nil, x.geometry(src, f)}
	for i, c := range src.columns {
		columns.WriteString(", " + quote(c))
		values.WriteString(", " + args.add(parameter(src.layer.Schema[i].Type, f.Properties[i])))
	}
	sql := x.s.sql("INSERT INTO %s (id, geom%s) VALUES ($1, $2::bytea::{g}.geometry%s) ON CONFLICT DO NOTHING", src.relation, columns.String(), values.String()) + src.mark()
	for attempt := 0; ; attempt++ {
		args[0] = f.ID
		if f.ID == "" {
			if args[0], err = x.newID(ctx, attempt); err != nil {
				return x.fail(err)
			}
		}
		tag, err := x.conn.Exec(ctx, sql, args...)
		if err != nil {
			return x.fail(err)
		}
		if tag.RowsAffected() == 1 {
			f.ID = args[0].(string)
			return x.writeSurfaces(ctx, src, f)
		}
		if f.ID != "" {
			return layers.Errorf(layers.ErrExists, "feature %q exists already in layer %s", f.ID, id)
		}
	}
}

// newID is the next number of the sequence; where others have used many numbers,
// one between 2⁵² and 2⁵³ that nobody has.
func (x *tx) newID(ctx context.Context, attempt int) (id string, err error) {
	sql := x.s.sql("SELECT nextval('{s}._feature_id')::text")
	if attempt > 20 {
		sql = "SELECT (4503599627370496 + floor(random() * 4503599627370496))::bigint::text"
	}
	err = x.conn.QueryRow(ctx, sql).Scan(&id)
	return id, err
}

// Replace writes all of a feature.
func (x *tx) Replace(ctx context.Context, id layers.ID, f *layers.Feature) error {
	src, err := x.begin(ctx, id, true)
	if err != nil {
		return err
	}
	if err := checkFeature(&src.layer, f); err != nil {
		return err
	}
	if f.ID == "" {
		return layers.Errorf(layers.ErrInvalid, "a feature without an id cannot replace one")
	}
	var set strings.Builder
	args := arguments{f.ID, x.geometry(src, f)}
	for i, c := range src.columns {
		set.WriteString(", " + quote(c) + " = " + args.add(parameter(src.layer.Schema[i].Type, f.Properties[i])))
	}
	tag, err := x.conn.Exec(ctx, x.s.sql("UPDATE %s SET geom = $2::bytea::{g}.geometry%s WHERE id = $1", src.relation, set.String())+src.mark(), args...)
	if err != nil {
		return x.fail(err)
	}
	if tag.RowsAffected() == 0 {
		return noFeature(id, f.ID)
	}
	return x.writeSurfaces(ctx, src, f)
}

// Delete removes a feature.
func (x *tx) Delete(ctx context.Context, id layers.ID, feature string) error {
	src, err := x.begin(ctx, id, true)
	if err != nil {
		return err
	}
	if layers.CheckFeatureID(feature) != nil {
		return noFeature(id, feature)
	}
	tag, err := x.conn.Exec(ctx, "DELETE FROM "+src.relation+" WHERE id = $1"+src.mark(), feature)
	if err != nil {
		return x.fail(err)
	}
	if tag.RowsAffected() == 0 {
		return noFeature(id, feature)
	}
	return nil
}
