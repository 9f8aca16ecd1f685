package tiles3d_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// houses are n gabled ones with the faces of their bodies, 40 by 40 m apart.
func houses(tb testing.TB, n int) []*layers.Feature {
	list := make([]*layers.Feature, 0, n)
	for i := range n {
		east, north := float64(i%100)*40, float64(i/100)*40
		f := building(fmt.Sprint(i), box(east, north, 14, 9), map[string]layers.Value{
			"height": layers.FloatValue(9), "ground_elevation": layers.FloatValue(40), "name": layers.StringValue(fmt.Sprintf("%d 号楼", i)),
		})
		f.Surfaces = surfacesOf(tb, east, north, 40, gabled(14, 9, 6, 9))
		list = append(list, f)
	}
	return list
}

// BenchmarkContent3DBodies makes the contents of 10,000 houses, compressed, with the
// faces of their bodies and with their footprints, and the state before them. The
// ratio is of the time with faces to that with footprints.
func BenchmarkContent3DBodies(b *testing.B) {
	const n = 10_000
	c := &catalog{}
	c.put(b, buildings(), 1, houses(b, n), nil)
	r := tiles3d.Request{Layer: "buildings", AcceptEncoding: "gzip"}
	var spent [2]time.Duration
	var size [2]int
	var state time.Duration
	b.ReportAllocs()
	for b.Loop() {
		s := newService(b, c, func(o *tiles3d.Options) { o.CacheBytes = 1 << 30 })
		before := processorTime()
		_, err := s.Tileset(b.Context(), r)
		state += processorTime() - before
		require.NoError(b, err)
		size = [2]int{}
		seen := map[tiles3d.Cell]bool{}
		for _, cell := range cells(b, s, r) {
			if seen[cell] { // named twice: once for each form
				continue
			}
			seen[cell] = true
			for k, get := range []func() (tiles3d.Answer, error){
				func() (tiles3d.Answer, error) { return s.Content(b.Context(), r, cell) },
				func() (tiles3d.Answer, error) { return s.DetailedContent(b.Context(), r, cell) },
			} {
				before := processorTime()
				a, err := get()
				spent[k] += processorTime() - before
				require.NoError(b, err)
				size[k] += len(a.Bytes)
			}
		}
	}
	made := float64(b.N) * n
	b.ReportMetric(made/spent[1].Seconds(), "bodies/cpu-s")
	b.ReportMetric(float64(size[1])/n, "B/body")
	b.ReportMetric(made/state.Seconds(), "placed/cpu-s")
	b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "x-footprints")
}
