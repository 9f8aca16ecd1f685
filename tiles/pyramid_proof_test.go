//go:build proof

package tiles_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
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
		p := &packed{view: view{&l, []snapshot.SegmentView{s}, func(tile.WorldBox) layers.Revision { return 1 }, new(atomic.Int64), nil}}
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

// heapPeak gives, when it is called, the most that the heap grew since, in bytes.
func heapPeak() func() float64 {
	runtime.GC()
	read := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := read()
	most, end, done := before, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, read())
			case <-end:
				return
			}
		}
	}()
	return func() float64 {
		close(end)
		<-done
		return float64(most - before)
	}
}

// BenchmarkPyramid makes the levels of the generated million and then every tile
// below the ungeneralised zoom, none from the cache, in turns with the same tile
// made without levels; then it adds features and takes the time until they are in
// their tiles of the lowest zoom.
func BenchmarkPyramid(b *testing.B) {
	c := million(b)
	for _, l := range district.ScaleLayers() {
		b.Run(string(l.ID), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				heap := heapPeak()
				begin, used := time.Now(), cpu()
				p := c.levels(b, l.ID)
				b.ReportMetric(time.Since(begin).Seconds(), "s/build")
				b.ReportMetric((cpu() - used).Seconds(), "cpu-s/build")
				b.ReportMetric(heap()/1e6, "heap-MB/build")
				benchmarkTiles(b, c, l.ID, p)
				benchmarkEdits(b, c, l.ID, p)
				require.NoError(b, p.Close())
			}
		})
	}
}

// service is a new one: nothing is cached.
func (c bigCity) service(b *testing.B, p tiles.Pyramids) *tiles.Service {
	s, err := tiles.New(tiles.Options{Views: tiles.From(c), Pyramids: p, NewEncoder: mvt.New})
	require.NoError(b, err)
	return s
}

func benchmarkTiles(b *testing.B, c bigCity, id layers.ID, p tiles.Pyramids) {
	s, plain := c.service(b, p), c.service(b, nil)
	defer s.Close()
	defer plain.Close()
	v := c[id]
	for z := v.layer.MinZoom; z < tiles.FullZoom(v.layer); z++ {
		nw, se := tile.Of(v.extent.MinX, v.extent.MaxY, z), tile.Of(v.extent.MaxX, v.extent.MinY, z)
		var took []time.Duration
		var with, without time.Duration
		largest, dropped, was := 0, 0, 0
		for x := nw.X; x <= se.X; x++ {
			for y := nw.Y; y <= se.Y; y++ {
				r := tiles.Request{Layers: []layers.ID{id}, Tile: tile.ID{Z: z, X: x, Y: y}, AcceptEncoding: "gzip"}
				begin, used := time.Now(), cpu()
				t, err := s.Tile(b.Context(), r)
				require.NoError(b, err)
				took, with = append(took, time.Since(begin)), with+cpu()-used
				largest, dropped = max(largest, len(t.Bytes)), dropped+t.Dropped
				used = cpu()
				t, err = plain.Tile(b.Context(), r)
				require.NoError(b, err)
				without += cpu() - used
				was += t.Dropped
			}
		}
		slices.Sort(took)
		b.Logf("%s z%d: %d tiles, largest %d bytes, p50 %v p99 %v; %.1f times less CPU than without levels; %d features left out (without %d)", id, z, len(took), largest,
			took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond), float64(without)/float64(with), dropped, was)
		b.ReportMetric(float64(largest), fmt.Sprintf("max-bytes/z%d", z))
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, fmt.Sprintf("p99-ms/z%d", z))
	}
}

// edited is a city with features added to one layer.
type edited struct {
	bigCity
	mu    sync.Mutex
	rows  *snapshot.Builder
	boxes []tile.WorldBox // of the features added, the first of revision 2
}

func (e *edited) View(id layers.ID) (editedView, error) {
	v, err := e.bigCity.View(id)
	if err != nil {
		return editedView{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	rows, err := snapshot.NewSegmentView(e.rows.Edits(), false)
	return editedView{v, append(slices.Clip(v.segments), rows), slices.Clone(e.boxes)}, err
}

type editedView struct {
	generalizable
	all   []snapshot.SegmentView
	boxes []tile.WorldBox
}

func (v editedView) Segments() []snapshot.SegmentView { return v.all }
func (v editedView) Revision() layers.Revision        { return layers.Revision(1 + len(v.boxes)) }
func (v editedView) TileRevision(box tile.WorldBox) layers.Revision {
	for i, b := range slices.Backward(v.boxes) {
		if b.Intersects(box) {
			return layers.Revision(2 + i)
		}
	}
	return 1
}

func benchmarkEdits(b *testing.B, c bigCity, id layers.ID, _ *pyramid.Catalog) {
	v := c[id]
	e := &edited{bigCity: c, rows: snapshot.NewBuilder(v.layer)}
	p, err := pyramid.New(pyramid.Options{Views: pyramid.Views(e), Dir: b.TempDir()})
	require.NoError(b, err)
	defer p.Close()
	s, err := tiles.New(tiles.Options{Views: tiles.From(e), Pyramids: p, NewEncoder: mvt.New})
	require.NoError(b, err)
	defer s.Close()
	p.Changed(id)
	at := tile.Of(district.Lon, district.Lat, v.layer.MinZoom)
	r := tiles.Request{Layers: []layers.ID{id}, Tile: at, AcceptEncoding: "gzip"}
	for {
		if _, ok := p.Find(b.Context(), v, at, tiles.Box(at)); ok {
			break
		}
		time.Sleep(time.Millisecond)
	}
	random := rand.New(rand.NewPCG(1, 1))
	base := v.segments[0].Segment
	var took []time.Duration
	var f layers.Feature
	used := cpu()
	for i := range 60 {
		base.Feature(random.IntN(base.N), v.layer.Schema, &f) // one more where there is one
		f.ID, f.Revision = fmt.Sprint("new ", i), layers.Revision(2+i)
		before, err := s.Tile(b.Context(), r)
		require.NoError(b, err)
		e.mu.Lock()
		require.NoError(b, e.rows.Add(&f))
		e.boxes = append(e.boxes, e.rows.Edits().Box[i])
		e.mu.Unlock()
		begin := time.Now()
		p.Changed(id)
		lon, lat := f.Geometry.Envelope().Center()
		r.Tile = tile.Of(lon, lat, v.layer.MinZoom)
		after, err := s.Tile(b.Context(), r)
		require.NoError(b, err)
		took = append(took, time.Since(begin))
		require.NotEqual(b, before.ETag, after.ETag)
	}
	b.ReportMetric(float64((cpu()-used).Milliseconds())/float64(len(took)), "cpu-ms/edit")
	slices.Sort(took)
	b.Logf("%s: an edit is in its tile of zoom %d after p50 %v p99 %v", id, v.layer.MinZoom, took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond))
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "edit-p99-ms")
}
