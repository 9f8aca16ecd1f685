package snapshot

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// TestSample asks for some features of a base and of edits, of which some have no
// geometry and some are dead.
func TestSample(t *testing.T) {
	l := &layers.Layer{ID: "points", CRS: 4326, MaxZoom: 16}
	point := func(i int) *layers.Feature {
		f := &layers.Feature{ID: fmt.Sprint(i), Geometry: spatial.NewPoint(float64(i%90), float64(i%60)), Revision: 1}
		if i%10 == 9 {
			f.Geometry = spatial.Geometry{}
		}
		return f
	}
	var list []*layers.Feature
	for i := range 1000 {
		list = append(list, point(i))
	}
	c := contentOf(t, l, list)
	for i := 1000; i < 1100; i++ {
		_, err := c.put(point(i), 2)
		require.NoError(t, err)
	}
	for i := range 300 {
		c.remove(fmt.Sprint(3*i), 3)
	}
	v := c.view(l, "store", 3)
	defer v.Release()
	alive := map[[2]uint32]bool{}
	for s := range v.segments {
		seg := &v.segments[s]
		for i := range seg.N {
			if lo, hi := seg.Vertices(i); lo < hi && seg.Alive(i) {
				alive[[2]uint32(seg.World[2*lo:2*lo+2])] = true
			}
		}
	}
	for _, n := range []int{0, 1, 7, 50, 1 << 20} {
		for s, name := range []string{"base", "edits"} {
			seg, found := &v.segments[s], 0
			seg.Sample(n, func(x, y uint32) {
				require.True(t, alive[[2]uint32{x, y}], name)
				found++
			})
			require.LessOrEqual(t, found, n+1)
			located := 0
			for i := range seg.N {
				if lo, hi := seg.Vertices(i); lo < hi && seg.Alive(i) {
					located++
				}
			}
			require.GreaterOrEqual(t, found, min(n, located)*2/3, "%d of the %s", n, name)
		}
	}
	// A line is at one of its own vertices.
	line := viewOf(t, l, []*layers.Feature{{ID: "l", Geometry: spatial.NewLineString([]float64{0, 0, 1, 1, 50, 0})}})
	defer line.Release()
	line.segments[0].Sample(5, func(x, y uint32) {
		wantX, wantY := tile.WorldOf(1, 1)
		require.Equal(t, [2]uint32{wantX, wantY}, [2]uint32{x, y})
	})
}
