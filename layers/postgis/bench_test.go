package postgis_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/spatial"
)

// blocks are n polygons of five vertices with six properties.
func blocks(n int) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		f := &layers.Feature{Properties: make([]layers.Value, len(houses.Schema))}
		for i := range n {
			x, y := 112+float64(i%1000)*0.0005, 28+float64(i/1000)*0.0005
			f.ID = fmt.Sprint(i)
			f.Geometry = spatial.NewPolygon([]float64{x, y, x + 0.0003, y, x + 0.0003, y + 0.0004, x, y + 0.0004, x, y})
			copy(f.Properties, house("", i).Properties)
			if !yield(f, nil) {
				return
			}
		}
	}
}

const benchRows = 100_000

func BenchmarkLoadReplace(b *testing.B) {
	s := open(b, pgtest.DSN(b), postgis.Options{})
	require.NoError(b, s.CreateLayer(ctx, houses))
	b.ReportAllocs()
	for b.Loop() {
		res, err := s.Load(ctx, "houses", layers.Replace, blocks(benchRows))
		require.NoError(b, err)
		require.Equal(b, int64(benchRows), res.Inserted)
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLoadUpsertUnchanged(b *testing.B) {
	s := open(b, pgtest.DSN(b), postgis.Options{})
	require.NoError(b, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Replace, blocks(benchRows))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		res, err := s.Load(ctx, "houses", layers.Upsert, blocks(benchRows))
		require.NoError(b, err)
		require.Equal(b, int64(benchRows), res.Unchanged)
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkScan(b *testing.B) {
	dsn := pgtest.DSN(b)
	s := open(b, dsn, postgis.Options{})
	require.NoError(b, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Replace, blocks(benchRows))
	require.NoError(b, err)
	execute(b, dsn, `CREATE TABLE public.blocks AS SELECT id::int, ST_Transform(geom, 4547)::geometry(Polygon, 4547) AS geom, "名称", height, floors, listed, built, seen FROM twind.houses; ALTER TABLE public.blocks ADD PRIMARY KEY (id)`)
	public := open(b, dsn, postgis.Options{Published: []postgis.Published{{Table: "public.blocks"}}})
	for name, c := range map[string]struct {
		store *postgis.Store
		id    layers.ID
		q     layers.Query
		rows  int
	}{
		"all":       {s, "houses", layers.Query{}, benchRows},
		"published": {public, "blocks", layers.Query{}, benchRows}, // transformed from EPSG:4547
		"envelope":  {s, "houses", layers.Query{Envelope: &spatial.Envelope{MinX: 112.1, MinY: 28.01, MaxX: 112.1149, MaxY: 28.0199}}, 600},
		"one":       {s, "houses", layers.Query{IDs: []string{"5000"}}, 1},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				require.NoError(b, c.store.Scan(ctx, c.id, c.q, func(*layers.Feature) error { n++; return nil }))
				require.Equal(b, c.rows, n)
			}
			b.ReportMetric(float64(c.rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkUpdateOne(b *testing.B) {
	s := open(b, pgtest.DSN(b), postgis.Options{})
	require.NoError(b, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Replace, blocks(10_000))
	require.NoError(b, err)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		_, err := s.Update(ctx, func(tx layers.Tx) error {
			f, err := tx.Get(ctx, "houses", fmt.Sprint(i%10_000))
			if err != nil {
				return err
			}
			f.Properties[1] = layers.FloatValue(float64(i))
			return tx.Replace(ctx, "houses", f)
		})
		require.NoError(b, err)
	}
}
