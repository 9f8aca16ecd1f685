package geopackage_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// buildingLayer has six attributes, as a city's buildings have.
func buildingLayer() layers.Layer {
	return layers.Layer{
		ID: "buildings", Title: layers.Text{ZH: "建筑", EN: "Buildings"}, Kind: layers.KindBuilding, GeometryType: spatial.MultiPolygon, CRS: 4326, MaxZoom: 16,
		Schema: []layers.Property{
			{Name: "name", Type: layers.String}, {Name: "height", Type: layers.Number}, {Name: "floors", Type: layers.Integer},
			{Name: "address", Type: layers.String}, {Name: "built", Type: layers.Date}, {Name: "residential", Type: layers.Boolean},
		},
	}
}

// buildings makes n polygons of 5 to 11 positions in 0.5° × 0.5°, the same each time.
func buildings(n int) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		rnd := rand.New(rand.NewPCG(3, 4))
		f := &layers.Feature{Properties: make([]layers.Value, 6)}
		for i := range n {
			x, y := 112.7+rnd.Float64()/2, 28+rnd.Float64()/2
			k := 4 + rnd.IntN(7)
			f.ID = fmt.Sprint(1000000 + i)
			f.Geometry = spatial.Geometry{Type: spatial.Polygon, Ends: []int32{int32(k + 1)}}
			for j := range k + 1 {
				s, c := math.Sincos(2 * math.Pi * float64(j%k) / float64(k))
				f.Geometry.XY = append(f.Geometry.XY, x+c*1e-4, y+s*1e-4)
			}
			f.Properties[0] = layers.StringValue("示范楼" + f.ID)
			f.Properties[1] = layers.FloatValue(3 + rnd.Float64()*90)
			f.Properties[2] = layers.IntValue(int64(1 + rnd.IntN(30)))
			f.Properties[3] = layers.StringValue("示范城区某某路某某号")
			f.Properties[4] = layers.TextValue(layers.Date, "2001-05-17")
			f.Properties[5] = layers.BoolValue(i%3 == 0)
			if !yield(f, nil) {
				return
			}
		}
	}
}

func benchStore(b *testing.B, rows int) *geopackage.Store {
	s, err := geopackage.Open(b.Context(), filepath.Join(b.TempDir(), "bench.gpkg"), geopackage.Options{Create: true})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	require.NoError(b, s.CreateLayer(b.Context(), buildingLayer()))
	if rows > 0 {
		_, err = s.Load(b.Context(), "buildings", layers.Append, buildings(rows))
		require.NoError(b, err)
	}
	return s
}

func perSecond(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			s := benchStore(b, 0)
			wait := longestWait(b, s.Path())
			for b.Loop() {
				_, err := s.Load(b.Context(), "buildings", layers.Replace, buildings(n))
				require.NoError(b, err)
			}
			perSecond(b, n)
			b.ReportMetric(wait().Seconds()*1000, "longest-wait-ms")
		})
	}
}

// longestWait writes to the file again and again as another program would; the
// function it returns ends that and tells the longest time one write waited.
func longestWait(b *testing.B, path string) func() time.Duration {
	db, err := sqlite.Open(sqlite.Options{Path: path})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan time.Duration)
	go func() {
		var longest time.Duration
		for ctx.Err() == nil {
			start := time.Now()
			err := db.Write(ctx, func(c *sqlite.Conn) error {
				longest = max(longest, time.Since(start))
				return nil
			})
			if err != nil && ctx.Err() == nil {
				b.Error(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		done <- longest
	}()
	return func() time.Duration {
		cancel()
		longest := <-done
		require.NoError(b, db.Close())
		return longest
	}
}

func BenchmarkUpsert(b *testing.B) {
	const n = 50_000
	s := benchStore(b, n)
	b.Run("unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			res, err := s.Load(b.Context(), "buildings", layers.Upsert, buildings(n))
			require.NoError(b, err)
			require.Equal(b, int64(n), res.Unchanged)
		}
		perSecond(b, n)
	})
	b.Run("changed", func(b *testing.B) {
		b.ReportAllocs()
		height := 1000.0
		for b.Loop() {
			height++
			_, err := s.Load(b.Context(), "buildings", layers.Upsert, func(yield func(*layers.Feature, error) bool) {
				for f, err := range buildings(n) {
					f.Properties[1] = layers.FloatValue(height)
					if !yield(f, err) {
						return
					}
				}
			})
			require.NoError(b, err)
		}
		perSecond(b, n)
	})
}

func BenchmarkScan(b *testing.B) {
	const n = 200_000
	s := benchStore(b, n)
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			k := 0
			require.NoError(b, s.Scan(b.Context(), "buildings", layers.Query{}, func(*layers.Feature) error { k++; return nil }))
			require.Equal(b, n, k)
		}
		perSecond(b, n)
	})
	b.Run("envelope600", func(b *testing.B) { // about 600 of them
		b.ReportAllocs()
		k := 0
		for b.Loop() {
			q := layers.Query{Envelope: &spatial.Envelope{MinX: 112.9, MinY: 28.2, MaxX: 112.9273, MaxY: 28.2273}}
			require.NoError(b, s.Scan(b.Context(), "buildings", q, func(*layers.Feature) error { k++; return nil }))
		}
		b.ReportMetric(float64(k)/float64(b.N), "rows/op")
	})
	b.Run("id", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q := layers.Query{IDs: []string{fmt.Sprint(1000000 + i*7919%n)}}
			require.NoError(b, s.Scan(b.Context(), "buildings", q, func(*layers.Feature) error { return nil }))
		}
	})
	b.Run("stats", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := s.Stats(b.Context(), "buildings")
			require.NoError(b, err)
		}
	})
}

func BenchmarkUpdateOne(b *testing.B) {
	s := benchStore(b, 50_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := s.Update(b.Context(), func(tx layers.Tx) error {
			f, err := tx.Get(b.Context(), "buildings", fmt.Sprint(1000000+i%50_000))
			if err != nil {
				return err
			}
			f.Properties[1] = layers.FloatValue(float64(i))
			return tx.Replace(b.Context(), "buildings", f)
		})
		require.NoError(b, err)
	}
}
