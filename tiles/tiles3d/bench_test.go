package tiles3d_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// footprints are 100,000 generated ones of 4 to 12 corners over 13 by 13 km, at a
// density of an inner city, with the attributes that the demo's buildings have.
func footprints() []*layers.Feature {
	r := rand.New(rand.NewPCG(7, 7))
	list := make([]*layers.Feature, 0, 100_000)
	for i := range 100_000 {
		east, north := float64(i%316)*41+r.Float64()*8, float64(i/316)*41+r.Float64()*8
		w, d := 8+r.Float64()*20, 8+r.Float64()*20
		corners := [][2]float64{{0, 0}, {w, 0}, {w, d}, {0, d}}
		if i%3 > 0 { // an L, or a U
			corners = [][2]float64{{0, 0}, {w, 0}, {w, d / 2}, {w / 2, d / 2}, {w / 2, d}, {0, d}}
		}
		if i%3 == 2 {
			corners = [][2]float64{{0, 0}, {w, 0}, {w, d}, {.7 * w, d}, {.7 * w, d / 3}, {.3 * w, d / 3}, {.3 * w, d}, {0, d}}
		}
		turn := r.Float64() * math.Pi
		sin, cos := math.Sincos(turn)
		for k, c := range corners {
			corners[k] = [2]float64{east + c[0]*cos - c[1]*sin, north + c[0]*sin + c[1]*cos}
		}
		list = append(list, building(fmt.Sprint(1_000_000+i), ring(corners...), map[string]layers.Value{
			"name": layers.StringValue(fmt.Sprintf("%d 号楼", r.IntN(300))), "height": layers.FloatValue(float64(int(30+r.ExpFloat64()*200)) / 10),
			"ground_elevation": layers.FloatValue(float64(r.IntN(5000)) / 100), "年份": layers.IntValue(int64(1950 + r.IntN(75))),
		}))
	}
	return list
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cells are all contents of a layer.
func cells(b *testing.B, s *tiles3d.Service, r tiles3d.Request) (list []tiles3d.Cell) {
	b.Helper()
	r.AcceptEncoding = ""
	var tile func(d *tileDoc)
	parse := func(name string) (c tiles3d.Cell) {
		parts := strings.Split(strings.TrimPrefix(name, "../../../"), "/")
		_, err := fmt.Sscanf(strings.Join(parts[1:], " "), "%d %d %d", &c.Level, &c.X, &c.Y)
		require.NoError(b, err)
		return c
	}
	load := func(a tiles3d.Answer, err error) {
		require.NoError(b, err)
		var doc tilesetDoc
		require.NoError(b, json.Unmarshal(a.Bytes, &doc))
		tile(doc.Root)
	}
	tile = func(d *tileDoc) {
		if d.Content != nil {
			c := parse(d.Content.URI)
			if strings.Contains(d.Content.URI, ".json") {
				load(s.Subtree(b.Context(), r, c))
			} else {
				list = append(list, c)
			}
		}
		for i := range d.Children {
			tile(&d.Children[i])
		}
	}
	load(s.Tileset(b.Context(), r))
	return list
}

// BenchmarkContent3DBuildings makes all contents of 100,000 footprints in the
// forms that are served: buildings a processor second, bytes a building, and the
// time of one content. The ratio is to compressing alone what was made.
func BenchmarkContent3DBuildings(b *testing.B) {
	c := &catalog{}
	c.put(b, buildings(), 1, footprints(), nil)
	for _, encoding := range []string{"gzip", "zstd"} {
		b.Run(encoding, func(b *testing.B) {
			b.ReportAllocs()
			var spent, compressing time.Duration
			var times []time.Duration
			size, made := 0, 0
			for b.Loop() {
				s := newService(b, c, func(o *tiles3d.Options) { o.CacheBytes = 1 << 30 })
				r := tiles3d.Request{Layer: "buildings", AcceptEncoding: encoding}
				list := cells(b, s, r)
				size, made = 0, 0
				for _, cell := range list {
					begin, before := time.Now(), processorTime()
					a, err := s.Content(b.Context(), r, cell)
					spent += processorTime() - before
					times = append(times, time.Since(begin))
					require.NoError(b, err)
					size += len(a.Bytes)
					made++
				}
				compressing += recompress(b, s, r, list, encoding)
			}
			n := float64(b.N) * 100_000
			slices.Sort(times)
			b.ReportMetric(n/spent.Seconds(), "buildings/cpu-s")
			b.ReportMetric(float64(size)/100_000, "B/building")
			b.ReportMetric(float64(made), "contents")
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(spent.Seconds()/compressing.Seconds(), "x-compression-alone")
		})
	}
}

// recompress is the processor time of compressing alone the contents of a service.
func recompress(b *testing.B, s *tiles3d.Service, r tiles3d.Request, list []tiles3d.Cell, encoding string) time.Duration {
	b.Helper()
	r.AcceptEncoding = ""
	var raw [][]byte
	for _, cell := range list {
		a, err := s.Content(b.Context(), r, cell)
		require.NoError(b, err)
		raw = append(raw, a.Bytes)
	}
	var out bytes.Buffer
	g, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	require.NoError(b, err)
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	require.NoError(b, err)
	before := processorTime()
	for _, p := range raw {
		if encoding == "zstd" {
			_ = z.EncodeAll(p, nil)
			continue
		}
		out.Reset()
		g.Reset(&out)
		_, err := g.Write(p)
		require.NoError(b, err)
		require.NoError(b, g.Close())
	}
	return processorTime() - before
}

// BenchmarkContent3DEdit publishes one changed building among 100,000 and asks for
// the tilesets and contents that changed.
func BenchmarkContent3DEdit(b *testing.B) {
	b.ReportAllocs()
	all := footprints()
	c := &catalog{}
	c.put(b, buildings(), 1, all, nil)
	s := newService(b, c)
	r := tiles3d.Request{Layer: "buildings", AcceptEncoding: "gzip"}
	base := c.views["buildings"].segments[0]
	_, err := s.Tileset(b.Context(), r)
	require.NoError(b, err)
	revision := layers.Revision(1)
	for b.Loop() {
		b.StopTimer()
		revision++
		f := building("new", box(float64(revision)*3, 6000, 20, 20), metres(12))
		f.Revision = revision
		c.put(b, buildings(), revision, nil, []*layers.Feature{f})
		c.views["buildings"].segments[0] = base
		b.StartTimer()
		_, err := s.Tileset(b.Context(), r)
		require.NoError(b, err)
	}
}

// BenchmarkContent3DPlace places 100,000 buildings in their cells and makes the
// first tileset, as after a start.
func BenchmarkContent3DPlace(b *testing.B) {
	b.ReportAllocs()
	c := &catalog{}
	c.put(b, buildings(), 1, footprints(), nil)
	before := processorTime()
	for b.Loop() {
		s := newService(b, c)
		_, err := s.Tileset(b.Context(), tiles3d.Request{Layer: "buildings"})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)*100_000/(processorTime()-before).Seconds(), "buildings/cpu-s")
}
