//go:build proof

package tiles_test

import (
	"context"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
	"twind/layers/pyramid"
	"twind/layers/snapshot"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// million is the generated city of a million buildings.
func million(b *testing.B) bigCity {
	c := bigCity{}
	scale := district.Scale{}
	for _, l := range district.ScaleLayers() {
		build := snapshot.NewBuilder(&l)
		for f := range scale.Features(l.ID) {
			require.NoError(b, build.Add(f))
		}
		base, err := build.Base()
		require.NoError(b, err)
		s, err := snapshot.NewSegmentView(base, true)
		require.NoError(b, err)
		p := &packed{view: view{&l, []snapshot.SegmentView{s}, func(tile.WorldBox) layers.Revision { return 1 }, new(atomic.Int64)}}
		for i := range base.N {
			p.extent = p.extent.Union(base.Envelope(i))
			if i == 0 {
				p.extent = base.Envelope(0)
			}
		}
		c[l.ID] = generalizable{p}
	}
	return c
}

// cpu is the processor time of the process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPyramid makes the levels of the generated million and then every tile
// below the ungeneralised zoom, none from the cache: the time of a tile, the size
// of the largest.
func BenchmarkPyramid(b *testing.B) {
	c := million(b)
	for _, l := range district.ScaleLayers() {
		b.Run(string(l.ID), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchmarkPyramid(b, c, l.ID)
			}
		})
	}
}

func benchmarkPyramid(b *testing.B, c bigCity, id layers.ID) {
	p, err := pyramid.New(pyramid.Options{Views: pyramid.Views(c), Dir: b.TempDir()})
	require.NoError(b, err)
	defer p.Close()
	begin, used := time.Now(), cpu()
	p.Changed(id)
	v := c[id]
	for {
		if _, ok := p.Find(context.Background(), v, tile.Of(district.Lon, district.Lat, 13), tiles.Box(tile.Of(district.Lon, district.Lat, 13))); ok {
			break
		}
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(time.Since(begin).Seconds(), "s/build")
	b.ReportMetric((cpu() - used).Seconds(), "cpu-s/build")
	s, err := tiles.New(tiles.Options{Views: tiles.From(c), Pyramids: p, NewEncoder: mvt.New})
	require.NoError(b, err)
	defer s.Close()
	for z := v.layer.MinZoom; z <= 14; z++ {
		nw, se := tile.Of(v.extent.MinX, v.extent.MaxY, z), tile.Of(v.extent.MaxX, v.extent.MinY, z)
		var took []time.Duration
		largest, dropped := 0, 0
		features := 0
		for x := nw.X; x <= se.X; x++ {
			for y := nw.Y; y <= se.Y; y++ {
				begin := time.Now()
				t, err := s.Tile(b.Context(), tiles.Request{Layers: []layers.ID{id}, Tile: tile.ID{Z: z, X: x, Y: y}, AcceptEncoding: "gzip"})
				took = append(took, time.Since(begin))
				require.NoError(b, err)
				largest = max(largest, len(t.Bytes))
				dropped += t.Dropped
				if !t.Empty {
					plain, err := s.Tile(b.Context(), tiles.Request{Layers: []layers.ID{id}, Tile: tile.ID{Z: z, X: x, Y: y}})
					require.NoError(b, err)
					d, err := mvt.Decode(plain.Bytes)
					require.NoError(b, err)
					features += len(d.Layers[0].Features)
				}
			}
		}
		slices.Sort(took)
		b.Logf("%s z%d: %d tiles, largest %d bytes, %d features, %d left out, p50 %v p99 %v max %v", id, z, len(took), largest, features, dropped,
			took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond))
	}
}
