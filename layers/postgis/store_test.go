package postgis_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/spatial"
)

var ctx = context.Background()

func open(t testing.TB, dsn string, o postgis.Options) *postgis.Store {
	t.Helper()
	s, err := postgis.Open(ctx, dsn, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// execute runs SQL as another program would.
func execute(t testing.TB, dsn, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(ctx)
	if len(args) == 0 {
		args = []any{pgx.QueryExecModeSimpleProtocol}
	}
	_, err = conn.Exec(ctx, sql, args...)
	require.NoError(t, err)
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

func ask[T any](t testing.TB, dsn, sql string, args ...any) (v T) {
	t.Helper()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(ctx)
	require.NoError(t, conn.QueryRow(ctx, sql, args...).Scan(&v))
	return v
}

var houses = layers.Layer{ID: "houses", Title: layers.Text{ZH: "房屋", EN: "Houses"}, Kind: layers.KindBuilding, CRS: 4326, MaxZoom: 16,
	Schema: []layers.Property{{Name: "名称", Type: layers.String}, {Name: "height", Type: layers.Number, Unit: "m"}, {Name: "floors", Type: layers.Integer},
		{Name: "listed", Type: layers.Boolean}, {Name: "built", Type: layers.Date}, {Name: "seen", Type: layers.DateTime}}}

func house(id string, i int) *layers.Feature {
	x := -74 + float64(i)*0.001
	return &layers.Feature{ID: id, Geometry: spatial.NewPoint(x, 40.7), Properties: []layers.Value{
		layers.StringValue(fmt.Sprint("房屋", i)), layers.FloatValue(float64(i) + 0.1), layers.IntValue(int64(i)), layers.BoolValue(i%2 == 0),
		layers.TextValue(layers.Date, fmt.Sprintf("2026-11-%02d", i%28+1)), layers.TextValue(layers.DateTime, "2026-11-21T08:00:00.25+08:00")}}
}

func each(fs ...*layers.Feature) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		for _, f := range fs {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// ids lists what a query finds, sorted.
func ids(t testing.TB, s layers.Store, id layers.ID, q layers.Query) []string {
	t.Helper()
	out := []string{}
	require.NoError(t, s.Scan(ctx, id, q, func(f *layers.Feature) error {
		out = append(out, f.ID)
		return nil
	}))
	sort.Strings(out)
	return out
}

func records(t testing.TB, s layers.Store, after layers.Revision) (out []layers.Record) {
	t.Helper()
	require.NoError(t, s.Changes(ctx, after, func(r layers.Record) error {
		require.False(t, r.Time.IsZero())
		out = append(out, r)
		return nil
	}))
	return out
}

func one(t testing.TB, s layers.Store, layer layers.ID, id string) *layers.Feature {
	t.Helper()
	var out *layers.Feature
	require.NoError(t, s.Scan(ctx, layer, layers.Query{IDs: []string{id}}, func(f *layers.Feature) error {
		out = f.Clone()
		return nil
	}))
	require.NotNil(t, out)
	return out
}

func TestFeaturesSurvive(t *testing.T) {
	s := open(t, pgtest.DSN(t), postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	require.ErrorIs(t, s.CreateLayer(ctx, houses), layers.ErrExists)
	want := house("a", 3)
	rev, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "houses", want) })
	require.NoError(t, err)
	want.Revision = rev
	require.Equal(t, want, one(t, s, "houses", "a"))
	log := timeless(records(t, s, 0))
	require.Equal(t, []layers.Record{{Revision: log[0].Revision, Layer: "houses", Op: layers.LayerCreated}, {Revision: rev, Layer: "houses", Feature: "a", Op: layers.Inserted}}, log)
	require.Less(t, log[0].Revision, rev)
	l, err := s.Layer(ctx, "houses")
	require.NoError(t, err)
	require.Equal(t, houses, l)
	st, err := s.Stats(ctx, "houses")
	require.NoError(t, err)
	require.Equal(t, layers.Stats{Count: 1, Extent: want.Geometry.Envelope()}, st)
}

// TestLayerMadeAnew drops a layer and makes it again with other types, under
// connections that have prepared statements for the first.
func TestLayerMadeAnew(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	second := open(t, dsn, postgis.Options{})
	point := spatial.NewPoint(1, 2)
	for i, v := range []layers.Value{layers.IntValue(7), layers.StringValue("seven"), layers.BoolValue(true), layers.FloatValue(7.5), layers.TextValue(layers.Date, "2026-11-21")} {
		l := layers.Layer{ID: "anew", CRS: 4326, MaxZoom: 16, Schema: []layers.Property{{Name: "v", Type: v.Type()}}}
		require.NoError(t, s.CreateLayer(ctx, l))
		for _, store := range []*postgis.Store{s, second} {
			for range 3 {
				f := &layers.Feature{Geometry: point, Properties: []layers.Value{v}}
				_, err := store.Update(ctx, func(tx layers.Tx) error {
					if err := tx.Insert(ctx, "anew", f); err != nil {
						return err
					}
					if err := tx.Replace(ctx, "anew", f); err != nil {
						return err
					}
					got, err := tx.Get(ctx, "anew", f.ID)
					require.NoError(t, err)
					require.Equal(t, v, got.Properties[0])
					return nil
				})
				require.NoError(t, err, "round %d", i)
			}
			require.Len(t, ids(t, store, "anew", layers.Query{Filter: layers.Comparison{Property: "v", Value: v}}), len(ids(t, store, "anew", layers.Query{})))
		}
		require.NoError(t, s.DropLayer(ctx, "anew"))
	}
}

func timeless(rs []layers.Record) []layers.Record {
	for i := range rs {
		rs[i].Time = rs[i].Time.Truncate(0).Add(0)
		rs[i] = layers.Record{Revision: rs[i].Revision, Layer: rs[i].Layer, Feature: rs[i].Feature, Op: rs[i].Op}
	}
	return rs
}

// ranked numbers records after a revision in their order.
func ranked(t *testing.T, rs []layers.Record, after layers.Revision) []layers.Record {
	last := after
	for i := range rs {
		require.Greater(t, rs[i].Revision, last)
		last, rs[i].Revision = rs[i].Revision, after+1+layers.Revision(i)
	}
	return timeless(rs)
}

func TestLoadModes(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	// Into an empty layer: the staging table takes its place.
	res, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1), house("b", 2), house("", 3)))
	require.NoError(t, err)
	require.Equal(t, int64(3), res.Inserted)
	require.Equal(t, []layers.ChangeOp{layers.LayerCreated, layers.Reloaded}, ops(records(t, s, 0)))
	require.Equal(t, res.Revision, one(t, s, "houses", "b").Revision)
	require.Len(t, ids(t, s, "houses", layers.Query{}), 3)
	// Into a layer with features: rows are written into it, line by line in the log.
	before := res.Revision
	_, err = s.Load(ctx, "houses", layers.Append, each(house("c", 4), house("b", 2)))
	require.ErrorIs(t, err, layers.ErrExists)
	require.ErrorContains(t, err, `"b"`)
	_, err = s.Load(ctx, "houses", layers.Append, each(house("c", 4), house("c", 2)))
	require.ErrorIs(t, err, layers.ErrExists)
	require.ErrorContains(t, err, `"c"`)
	require.Empty(t, records(t, s, before))
	res, err = s.Load(ctx, "houses", layers.Upsert, each(house("c", 5), house("b", 2), house("a", 7)))
	require.NoError(t, err)
	require.Greater(t, res.Revision, before)
	require.Equal(t, layers.LoadResult{Inserted: 1, Updated: 1, Unchanged: 1, Revision: res.Revision}, res)
	require.Equal(t, house("c", 5).Properties, one(t, s, "houses", "c").Properties)
	require.Equal(t, before, one(t, s, "houses", "b").Revision, "an equal feature is not written")
	again, err := s.Load(ctx, "houses", layers.Upsert, each(house("b", 2), house("a", 7)))
	require.NoError(t, err)
	require.Equal(t, layers.LoadResult{Unchanged: 2, Revision: res.Revision}, again)
	// Replace: by renaming, and where a view hangs on the table, by writing.
	res, err = s.Load(ctx, "houses", layers.Replace, each(house("x", 1)))
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, ids(t, s, "houses", layers.Query{}))
	execute(t, dsn, `CREATE VIEW public.v AS SELECT * FROM twind.houses; GRANT SELECT ON twind.houses TO PUBLIC`)
	res2, err := s.Load(ctx, "houses", layers.Replace, each(house("x", 1), house("y", 2)))
	require.NoError(t, err)
	require.Greater(t, res2.Revision, res.Revision)
	require.Equal(t, layers.LoadResult{Inserted: 2, Revision: res2.Revision}, res2)
	require.Equal(t, 2, ask[int](t, dsn, "SELECT count(*) FROM public.v"))
	require.Equal(t, res2.Revision, one(t, s, "houses", "x").Revision)
	require.Equal(t, []layers.ChangeOp{layers.Reloaded}, ops(records(t, s, res.Revision)))
	// With the view gone, rights survive renaming.
	execute(t, dsn, `DROP VIEW public.v`)
	_, err = s.Load(ctx, "houses", layers.Replace, each(house("z", 1)))
	require.NoError(t, err)
	require.True(t, ask[bool](t, dsn, "SELECT EXISTS (SELECT FROM information_schema.role_table_grants WHERE table_name = 'houses' AND grantee = 'PUBLIC')"))
	// A source that fails leaves everything as it was.
	broken := errors.New("broken")
	head, err := s.Head(ctx)
	require.NoError(t, err)
	_, err = s.Load(ctx, "houses", layers.Replace, func(yield func(*layers.Feature, error) bool) {
		_ = yield(house("k", 1), nil) && yield(nil, broken)
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, []string{"z"}, ids(t, s, "houses", layers.Query{}))
	require.Empty(t, records(t, s, head))
	require.Equal(t, 0, ask[int](t, dsn, "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_load\\_%' AND relkind = 'r'"))
	require.Empty(t, faults(t, s))
}

func ops(rs []layers.Record) (out []layers.ChangeOp) {
	for _, r := range rs {
		out = append(out, r.Op)
	}
	return out
}

func faults(t testing.TB, s layers.Store) (out []string) {
	t.Helper()
	require.NoError(t, s.Check(ctx, func(f string) error {
		out = append(out, f)
		return nil
	}))
	return out
}

// A database put back to an older state and changed again gives out other revisions:
// what is known of the first ones is not mistaken for the second.
func TestRevisionsAfterRestoring(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	insert := func() layers.Revision {
		rev, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "houses", house("a", 3)) })
		require.NoError(t, err)
		return rev
	}
	begun, err := s.Head(ctx)
	require.NoError(t, err)
	first := insert()
	// What a dump of before brings back: rows, log and sequence.
	execute(t, dsn, fmt.Sprintf(`ALTER TABLE twind.houses DISABLE TRIGGER USER; DELETE FROM twind.houses; ALTER TABLE twind.houses ENABLE TRIGGER USER;
		DELETE FROM twind._changes WHERE revision > %d; SELECT setval('twind._revision', %d)`, begun, begun))
	now, err := s.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, begun, now)
	second := insert()
	require.Greater(t, second, begun)
	require.NotEqual(t, first, second)
	require.Equal(t, second, one(t, s, "houses", "a").Revision)
}
