package snapshot

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

const million = 1000000

var benchLayer = &layers.Layer{ID: "buildings", CRS: 4326, GeometryType: spatial.Polygon, Schema: []layers.Property{
	{Name: "name", Type: layers.String}, {Name: "kind", Type: layers.String}, {Name: "height", Type: layers.Number},
	{Name: "floors", Type: layers.Integer}, {Name: "address", Type: layers.String}, {Name: "built", Type: layers.Date}}}

// benchFeature fills f with building i of a city of 60 km: an L or a rectangle,
// six attributes, of which the name and the address are its own.
func benchFeature(f *layers.Feature, i int) {
	rng := rand.New(rand.NewPCG(uint64(i), 1))
	x, y := 112.7+rng.Float64()*.6, 27.9+rng.Float64()*.55
	w, h := .0001+rng.Float64()*.0003, .0001+rng.Float64()*.0003
	xy := []float64{x, y, x + w, y, x + w, y + h, x, y + h, x, y}
	if i%2 == 0 {
		xy = []float64{x, y, x + w, y, x + w, y + h/2, x + w/2, y + h/2, x + w/2, y + h, x, y + h, x, y}
	}
	f.ID = fmt.Sprint(i + 1)
	f.Geometry = spatial.NewPolygon(xy)
	f.Revision = layers.Revision(i + 1)
	f.Properties = append(f.Properties[:0], layers.StringValue(fmt.Sprintf("建筑 %d", i)), layers.StringValue([]string{"住宅", "商业", "办公", "学校"}[i%4]),
		layers.FloatValue(float64(rng.IntN(3000))/10), layers.IntValue(int64(rng.IntN(60))), layers.StringValue(fmt.Sprintf("湘江路 %d 号", rng.IntN(200000))),
		layers.TextValue(layers.Date, fmt.Sprintf("%d-01-01", 1950+i%70)))
}

// benchDir is the folder of benchBase, removed when the tests end.
var benchDir string

// benchBase is the file of a million buildings, made once.
var benchBase = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "twind-bench-")
	if err != nil {
		return "", err
	}
	benchDir = dir
	path := filepath.Join(dir, "base")
	return path, writeBench(path, million)
})

func writeBench(path string, n int) error {
	b := newBaseBuilder(benchLayer, filepath.Dir(path))
	defer b.close()
	var f layers.Feature
	for i := range n {
		benchFeature(&f, i)
		if err := layers.CheckFeature(benchLayer, &f); err != nil {
			return err
		}
		if err := b.add(&f); err != nil {
			return err
		}
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return b.write(file, &baseMeta{Layer: *benchLayer}, newTouched(0))
}

func benchContent(b *testing.B) *content {
	path, err := benchBase()
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	opened, err := mapBase(file)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(opened.release)
	return newContent(opened, benchLayer.Schema)
}

// BenchmarkBuildMillion makes the base file of a million buildings; making the
// features is in it. "peak-MB" is the most memory that the heap took from the system.
func BenchmarkBuildMillion(b *testing.B) {
	b.ReportAllocs()
	path := filepath.Join(b.TempDir(), "base")
	peak := uint64(0)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse+m.StackInuse)
			}
		}
	}()
	before := cpuSeconds()
	for range b.N {
		if err := writeBench(path, million); err != nil {
			b.Fatal(err)
		}
	}
	cpu := cpuSeconds() - before
	close(stop)
	<-done
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(cpu/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
	b.ReportMetric(float64(info.Size())/million, "B/feature")
}

// BenchmarkOpenMillion maps and verifies the file.
func BenchmarkOpenMillion(b *testing.B) {
	path, err := benchBase()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		opened, err := mapBase(file)
		if err != nil {
			b.Fatal(err)
		}
		opened.release()
		file.Close()
	}
}

// BenchmarkEditInMillion changes one feature of a million and publishes the view.
func BenchmarkEditInMillion(b *testing.B) {
	c := benchContent(b)
	var f layers.Feature
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%20000 == 0 {
			c = newContent(c.base, benchLayer.Schema) // as after a rebuild
		}
		benchFeature(&f, (i*7919)%million)
		f.Properties[2] = layers.FloatValue(float64(i))
		if _, err := c.put(&f, layers.Revision(million+i)); err != nil {
			b.Fatal(err)
		}
		v := c.view(benchLayer, "s", layers.Revision(i))
		v.Release()
	}
}

func benchView(b *testing.B) *View {
	c := benchContent(b)
	var f layers.Feature
	for i := range 10000 {
		benchFeature(&f, i*97)
		if _, err := c.put(&f, layers.Revision(million+i)); err != nil {
			b.Fatal(err)
		}
	}
	v := c.view(benchLayer, "s", 2*million)
	b.Cleanup(v.Release)
	return v
}

// BenchmarkViewOfMillion asks a view of a million features with 10,000 edits.
func BenchmarkViewOfMillion(b *testing.B) {
	v := benchView(b)
	rng := rand.New(rand.NewPCG(2, 2))
	places := make([][2]float64, 1024)
	boxes := make([]tile.WorldBox, len(places))
	ids := make([]string, len(places))
	for i := range places {
		places[i] = [2]float64{112.7 + rng.Float64()*.6, 27.9 + rng.Float64()*.55}
		boxes[i] = tile.Of(places[i][0], places[i][1], 16).World(64, 4096)
		ids[i] = fmt.Sprint(1 + rng.IntN(million))
	}
	run := func(name string, fn func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				fn(i % len(places))
			}
		})
	}
	var dst []uint32
	run("tile16", func(i int) {
		for _, s := range v.Segments() {
			dst = s.Search(boxes[i], dst[:0])
		}
	})
	run("revision", func(i int) { v.TileRevision(boxes[i]) })
	run("find", func(i int) { v.Find(ids[i]) })
	run("nearest10", func(i int) { v.Nearest(places[i][0], places[i][1], 10, 0) })
	run("within200m", func(i int) { v.Within(places[i][0], places[i][1], 200) })
	var f layers.Feature
	run("feature", func(i int) {
		ref, _ := v.Find(ids[i])
		v.Feature(ref, &f)
	})
	query := layers.Query{}
	run("page100", func(i int) {
		env := tile.Of(places[i][0], places[i][1], 13).Envelope()
		query.Envelope = &env
		if _, _, err := v.Page(b.Context(), query, "", 100); err != nil {
			b.Fatal(err)
		}
	})
	filter := layers.Comparison{Property: "height", Op: layers.Greater, Value: layers.FloatValue(299)}
	b.Run("filterMillion", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := v.Count(b.Context(), layers.Query{Filter: filter}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// cpuSeconds is the processor time of the process so far.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
