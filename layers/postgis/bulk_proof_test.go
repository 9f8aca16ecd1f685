//go:build proof

package postgis_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
)

// TestManyRows loads, edits and reads 300,000 features: the log stays short and
// memory flat.
func TestManyRows(t *testing.T) {
	const rows = 300_000
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	var most uint64
	watched := func(in iter.Seq2[*layers.Feature, error]) iter.Seq2[*layers.Feature, error] {
		return func(yield func(*layers.Feature, error) bool) {
			n := 0
			for f, err := range in {
				if n++; n%20_000 == 0 {
					most = max(most, heap())
				}
				if !yield(f, err) {
					return
				}
			}
		}
	}
	before := heap()
	start := time.Now()
	res, err := s.Load(ctx, "houses", layers.Append, watched(blocks(rows)))
	require.NoError(t, err)
	require.Equal(t, int64(rows), res.Inserted)
	t.Logf("%.0f rows/s loaded", rows/time.Since(start).Seconds())
	start = time.Now()
	n := 0
	require.NoError(t, s.Scan(ctx, "houses", layers.Query{}, func(f *layers.Feature) error {
		if n++; n%20_000 == 0 {
			most = max(most, heap())
		}
		if f.Revision != res.Revision {
			return fmt.Errorf("revision %d", f.Revision)
		}
		return nil
	}))
	require.Equal(t, rows, n)
	t.Logf("%.0f rows/s read", rows/time.Since(start).Seconds())
	require.Less(t, most, before+48<<20, "memory does not grow with the layer")

	// Few changes are told one by one, many as one.
	some := func(from, n int) iter.Seq2[*layers.Feature, error] {
		return func(yield func(*layers.Feature, error) bool) {
			i := 0
			for f, err := range blocks(rows) {
				if i++; i <= from || i > from+n {
					continue
				}
				f.Properties[2] = layers.IntValue(-1)
				if !yield(f, err) {
					return
				}
			}
		}
	}
	res, err = s.Load(ctx, "houses", layers.Upsert, some(100, 200))
	require.NoError(t, err)
	require.Equal(t, int64(200), res.Updated)
	got := records(t, s, res.Revision-200)
	require.Len(t, got, 200)
	for _, r := range got {
		require.Equal(t, layers.Updated, r.Op)
	}
	last := res.Revision
	res, err = s.Load(ctx, "houses", layers.Upsert, some(0, 20_000))
	require.NoError(t, err)
	require.Greater(t, res.Revision, last)
	require.Equal(t, layers.LoadResult{Updated: 19_800, Unchanged: 200, Revision: res.Revision}, res)
	require.Equal(t, []layers.ChangeOp{layers.Reloaded}, ops(records(t, s, last)))

	start = time.Now()
	execute(t, dsn, "UPDATE twind.houses SET height = height + 1")
	t.Logf("an UPDATE of %d rows by another client took %v", rows, time.Since(start))
	got = records(t, s, res.Revision)
	require.Equal(t, []layers.ChangeOp{layers.Reloaded}, ops(got))
	require.Equal(t, got[0].Revision, one(t, s, "houses", "77").Revision)
	head := got[0].Revision
	execute(t, dsn, "UPDATE twind.houses SET height = height + 1 WHERE id::int < 5000")
	require.Len(t, records(t, s, head), 5000)
	require.Greater(t, one(t, s, "houses", "77").Revision, head)
	require.Equal(t, head, one(t, s, "houses", "5000").Revision)
	require.Empty(t, faults(t, s))
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
