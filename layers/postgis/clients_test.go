package postgis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/spatial"
)

// TestOtherClientsAreLogged edits a layer's table as psql, QGIS and others do.
func TestOtherClientsAreLogged(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1), house("b", 2), house("c", 3), house("d", 4)))
	require.NoError(t, err)
	type change struct {
		feature string
		op      layers.ChangeOp
	}
	for name, c := range map[string]struct {
		sql  string
		want []change
	}{
		"nothing":         {`UPDATE twind.houses SET height = 1 WHERE id = 'nobody'`, nil},
		"rolled back":     {`BEGIN; DELETE FROM twind.houses; ROLLBACK`, nil},
		"one statement":   {`UPDATE twind.houses SET height = height + 1 WHERE id IN ('a', 'b')`, []change{{"a", layers.Updated}, {"b", layers.Updated}}},
		"net effect":      {`BEGIN; INSERT INTO twind.houses (id) VALUES ('x'); UPDATE twind.houses SET height = 1 WHERE id = 'x'; DELETE FROM twind.houses WHERE id = 'x'; UPDATE twind.houses SET height = 1 WHERE id = 'c'; DELETE FROM twind.houses WHERE id = 'c'; INSERT INTO twind.houses (id) VALUES ('c'); COMMIT`, []change{{"c", layers.Updated}}},
		"savepoint":       {`BEGIN; SAVEPOINT s; UPDATE twind.houses SET height = 5; ROLLBACK TO s; UPDATE twind.houses SET height = 6 WHERE id = 'd'; COMMIT`, []change{{"d", layers.Updated}}},
		"constraints now": {`BEGIN; SET CONSTRAINTS ALL IMMEDIATE; UPDATE twind.houses SET height = 7 WHERE id = 'a'; UPDATE twind.houses SET height = 7 WHERE id = 'b'; COMMIT`, []change{{"a", layers.Updated}, {"b", layers.Updated}}},
		"there and back":  {`BEGIN; UPDATE twind.houses SET id = 'dd' WHERE id = 'd'; UPDATE twind.houses SET id = 'd' WHERE id = 'dd'; COMMIT`, []change{{"d", layers.Updated}}},
		"another id":      {`BEGIN; INSERT INTO twind.houses (id) VALUES ('e'); UPDATE twind.houses SET id = 'ee' WHERE id = 'e'; COMMIT`, []change{{"ee", layers.Inserted}}},
		"repeatable read": {`BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM twind.houses; UPDATE twind.houses SET height = 8 WHERE id = 'a'; COMMIT`, []change{{"a", layers.Updated}}},
		"merge":           {`MERGE INTO twind.houses h USING (VALUES ('a'), ('m')) v(k) ON h.id = v.k WHEN MATCHED THEN UPDATE SET height = 2 WHEN NOT MATCHED THEN INSERT (id) VALUES (k)`, []change{{"m", layers.Inserted}, {"a", layers.Updated}}},
		"upsert":          {`INSERT INTO twind.houses (id, height) VALUES ('a', 3), ('u', 3) ON CONFLICT (id) DO UPDATE SET height = excluded.height`, []change{{"u", layers.Inserted}, {"a", layers.Updated}}},
		"truncate":        {`BEGIN; INSERT INTO twind.houses (id) VALUES ('y'); TRUNCATE twind.houses; INSERT INTO twind.houses (id) SELECT unnest(ARRAY['a', 'b', 'c', 'd']); COMMIT`, []change{{"", layers.Reloaded}}},
	} {
		t.Run(name, func(t *testing.T) {
			head, err := s.Head(ctx)
			require.NoError(t, err)
			execute(t, dsn, c.sql)
			var got []change
			for _, r := range records(t, s, head) {
				require.Equal(t, layers.ID("houses"), r.Layer)
				got = append(got, change{r.Feature, r.Op})
				if r.Op < layers.Deleted {
					require.Equal(t, r.Revision, one(t, s, "houses", r.Feature).Revision)
				}
			}
			require.ElementsMatch(t, c.want, got)
		})
	}
	require.Zero(t, ask[int](t, dsn, "SELECT (SELECT count(*) FROM twind._pending) + (SELECT count(*) FROM twind._commits)"), "nothing is left behind")
	// What no layer may hold is refused at the door.
	conn := connect(t, dsn)
	for _, sql := range []string{`INSERT INTO twind.houses (id) VALUES ('a/b')`, `INSERT INTO twind.houses (id) VALUES ('')`, `INSERT INTO twind.houses (id) VALUES (E'a\nb')`,
		`INSERT INTO twind.houses (id, geom) VALUES ('q', 'SRID=3857;POINT(1 1)')`} {
		_, err := conn.Exec(ctx, sql)
		require.ErrorContains(t, err, "violates check constraint", sql)
	}
	// A row without id gets one; PostGIS finds out about the column.
	execute(t, dsn, `INSERT INTO twind.houses (geom) VALUES ('SRID=4326;POINT(1 1)')`)
	require.Equal(t, 4326, ask[int](t, dsn, `SELECT srid FROM geometry_columns WHERE f_table_schema = 'twind' AND f_table_name = 'houses'`))
	require.Empty(t, faults(t, s))
}

// TestRevisionsAreInCommitOrder writes from many sessions, quick and slow, and
// follows the log meanwhile: a follower that asks for what comes after the last
// revision it knows misses nothing.
func TestRevisionsAreInCommitOrder(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	second := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	const writers, each = 6, 8
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			store := []*postgis.Store{s, second}[w%2]
			var last layers.Revision
			for i := range each {
				rev, err := store.Update(ctx, func(tx layers.Tx) error {
					if err := tx.Insert(ctx, "houses", house(fmt.Sprintf("%d-%d", w, i), i)); err != nil {
						return err
					}
					time.Sleep(time.Duration(rnd.IntN(10)) * time.Millisecond)
					return tx.Insert(ctx, "houses", house(fmt.Sprintf("%d-%d+", w, i), i))
				})
				if err != nil || rev <= last {
					t.Errorf("revision %d after %d: %v", rev, last, err)
				}
				last = rev
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen := map[string]bool{}
	var last layers.Revision
	for ended := false; ; {
		select {
		case <-done:
			ended = true
		default:
		}
		head, err := s.Head(ctx)
		require.NoError(t, err)
		require.NoError(t, s.Changes(ctx, last, func(r layers.Record) error {
			require.Greater(t, r.Revision, last)
			last = r.Revision
			if r.Feature != "" {
				require.False(t, seen[r.Feature])
				seen[r.Feature] = true
			}
			return nil
		}))
		require.GreaterOrEqual(t, last, head)
		if ended {
			break
		}
	}
	require.Len(t, seen, 2*writers*each)
	for _, f := range all(t, s, "houses", layers.Query{}) {
		require.Positive(t, f.Revision)
	}
}

// TestIdleTransactionBlocksNobody leaves another client's transaction open.
func TestIdleTransactionBlocksNobody(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1), house("b", 2)))
	require.NoError(t, err)
	idle := connect(t, dsn)
	_, err = idle.Exec(ctx, "BEGIN; UPDATE twind.houses SET height = 99 WHERE id = 'a'")
	require.NoError(t, err)
	rev, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Replace(ctx, "houses", house("b", 7)) })
	require.NoError(t, err)
	require.Equal(t, house("a", 1).Properties, one(t, s, "houses", "a").Properties)
	_, err = idle.Exec(ctx, "COMMIT")
	require.NoError(t, err)
	got := records(t, s, rev)
	require.Len(t, got, 1)
	require.Equal(t, "a", got[0].Feature)
	require.Equal(t, 99.0, one(t, s, "houses", "a").Properties[1].Float())
}

// TestReplaceWhileReading publishes a load while a reader is in the middle of the
// layer: neither waits for the other, each sees one state.
func TestReplaceWhileReading(t *testing.T) {
	s := open(t, pgtest.DSN(t), postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	var fs []*layers.Feature
	for i := range 400 { // more than one network buffer
		f := house(fmt.Sprint(i), i)
		f.Properties[0] = layers.StringValue(string(slices.Repeat([]byte{'x'}, 4000)))
		fs = append(fs, f)
	}
	_, err := s.Load(ctx, "houses", layers.Append, each(fs...))
	require.NoError(t, err)
	n := 0
	require.NoError(t, s.Scan(ctx, "houses", layers.Query{}, func(f *layers.Feature) error {
		if n++; n == 1 {
			res, err := s.Load(ctx, "houses", layers.Replace, each(house("new", 1)))
			require.NoError(t, err)
			require.Equal(t, int64(1), res.Inserted)
			require.Equal(t, []string{"new"}, ids(t, s, "houses", layers.Query{}))
		}
		return nil
	}))
	require.Equal(t, 400, n)
	require.Equal(t, []string{"new"}, ids(t, s, "houses", layers.Query{}))
}

// TestPrunedLog shortens the log and finds that it says so.
func TestPrunedLog(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	var revisions []layers.Revision
	for i := range 10 {
		rev, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "houses", house(fmt.Sprint(i), i)) })
		require.NoError(t, err)
		revisions = append(revisions, rev)
	}
	head, err := s.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, revisions[9], head)
	short := open(t, dsn, postgis.Options{KeepChanges: 4})
	require.Eventually(t, func() bool { return short.Changes(ctx, 1, func(layers.Record) error { return nil }) != nil }, 10*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, short.Changes(ctx, 1, func(layers.Record) error { return nil }), layers.ErrNotFound)
	require.Len(t, records(t, s, revisions[5]), 4)
	require.ErrorIs(t, s.Changes(ctx, revisions[4], func(layers.Record) error { return nil }), layers.ErrNotFound)
	now, err := s.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, head, now)
	require.Equal(t, head, one(t, s, "houses", "9").Revision)
}

// TestFiltersAgree asks random questions of the store and of package layers.
func TestFiltersAgree(t *testing.T) {
	s := open(t, pgtest.DSN(t), postgis.Options{})
	l := houses
	l.Schema = append(slices.Clone(l.Schema), layers.Property{Name: "{s}", Type: layers.Integer}, layers.Property{Name: "%s'\"$1", Type: layers.String})
	require.NoError(t, s.CreateLayer(ctx, l))
	rnd := rand.New(rand.NewPCG(7, 7))
	texts := []string{"", "a", "A", "apple", "Äpfel", "苹果", "100%", `back\slash`, "under_score", "2026-11-21", "é", "É"}
	value := func(typ layers.ValueType) layers.Value {
		if rnd.IntN(4) == 0 {
			return layers.Value{}
		}
		switch typ {
		case layers.Boolean:
			return layers.BoolValue(rnd.IntN(2) == 0)
		case layers.Integer:
			return layers.IntValue([]int64{-1, 0, 1, 2, 3, 1<<53 + 1, 1 << 53, -1 << 63, 1<<63 - 1}[rnd.IntN(9)])
		case layers.Number:
			return layers.FloatValue([]float64{-1.5, 0, 0.5, 1, 2, 2.5, 1 << 53, -1 << 63, 1 << 63, 1e300}[rnd.IntN(10)])
		case layers.Date:
			return layers.TextValue(typ, []string{"2026-11-20", "2026-11-21", "2026-11-22"}[rnd.IntN(3)])
		case layers.DateTime:
			return layers.TextValue(typ, []string{"2026-11-21T00:00:00Z", "2026-11-21T08:00:00+08:00", "2026-11-20T23:59:59.999Z", "2026-11-22T00:00:00+14:00"}[rnd.IntN(4)])
		}
		return layers.StringValue(texts[rnd.IntN(len(texts))])
	}
	var fs []*layers.Feature
	for i := range 150 {
		f := &layers.Feature{ID: fmt.Sprint(i), Geometry: spatial.NewPoint(float64(rnd.IntN(5)), float64(rnd.IntN(5)))}
		switch rnd.IntN(6) {
		case 0:
			f.Geometry = spatial.Geometry{}
		case 1:
			f.Geometry = spatial.NewLineString([]float64{0, 0, float64(rnd.IntN(5)), 4})
		}
		for _, p := range l.Schema {
			f.Properties = append(f.Properties, value(p.Type))
		}
		fs = append(fs, f)
	}
	_, err := s.Load(ctx, "houses", layers.Append, each(fs...))
	require.NoError(t, err)
	anyType := []layers.ValueType{layers.Boolean, layers.Integer, layers.Number, layers.String, layers.Date, layers.DateTime}
	var filter func(depth int) layers.Filter
	filter = func(depth int) layers.Filter {
		p := l.Schema[rnd.IntN(len(l.Schema))]
		v := func() layers.Value {
			if rnd.IntN(4) == 0 {
				return value(anyType[rnd.IntN(len(anyType))])
			}
			return value(p.Type)
		}
		n := 9
		if depth > 3 {
			n = 6
		}
		switch rnd.IntN(n) {
		case 0, 1:
			return layers.Comparison{Property: p.Name, Op: layers.Op(rnd.IntN(6)), Value: v()}
		case 2:
			return layers.Between{Property: p.Name, Low: v(), High: v()}
		case 3:
			return layers.In{Property: p.Name, Values: []layers.Value{v(), v(), v()}[:rnd.IntN(4)]}
		case 4:
			return layers.IsNull{Property: p.Name}
		case 5:
			if rnd.IntN(2) == 0 {
				x, y := float64(rnd.IntN(5)), float64(rnd.IntN(5))
				return layers.Intersects{Box: spatial.Envelope{MinX: x, MinY: y, MaxX: x + float64(rnd.IntN(3)), MaxY: y + float64(rnd.IntN(3))}}
			}
			return layers.Like{Property: p.Name, Pattern: []string{"%", "a%", "_", "%\\%", "苹_", "A%", "%\\\\%", ""}[rnd.IntN(8)], FoldCase: rnd.IntN(2) == 0}
		case 6:
			return layers.Not{Filter: filter(depth + 1)}
		case 7:
			return layers.And{filter(depth + 1), filter(depth + 1)}[:rnd.IntN(3)]
		}
		return layers.Or{filter(depth + 1), filter(depth + 1)}[:rnd.IntN(3)]
	}
	found := 0
	for range 1500 {
		f := filter(0)
		hidden := []string{}
		if rnd.IntN(4) == 0 {
			hidden = []string{l.Schema[rnd.IntN(len(l.Schema))].Name}
		}
		m, err := layers.NewMatcher(&l, f, hidden...)
		require.NoError(t, err)
		want := []string{}
		for _, x := range fs {
			if m.Match(x) {
				want = append(want, x.ID)
			}
		}
		slices.Sort(want)
		require.Equal(t, want, ids(t, s, "houses", layers.Query{Filter: f, Policy: layers.Policy{Hidden: hidden}}), "%#v", f)
		found += len(want)
	}
	require.Greater(t, found, 1500)
}
