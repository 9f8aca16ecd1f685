package district_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
)

func TestScaleCity(t *testing.T) {
	s := district.Scale{Buildings: 20_000, Streets: 3000, Points: 5000, Side: 6000}
	want := map[layers.ID]int{district.ScaleBuildings: 20_000, district.ScaleStreets: 3000, district.ScalePoints: 5000}
	hash := func(s district.Scale) string {
		h := sha256.New()
		for _, l := range district.ScaleLayers() {
			for f := range s.Features(l.ID) {
				fmt.Fprint(h, f.ID, f.Geometry.XY, f.Properties)
			}
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	for _, l := range district.ScaleLayers() {
		require.NoError(t, l.Validate())
		n := 0
		for f := range s.Features(l.ID) {
			n++
			err := layers.CheckFeature(&l, f)
			check(t, err == nil && f.ID == strconv.Itoa(n), "%s %s: %v", l.ID, f.ID, err)
		}
		require.Equal(t, want[l.ID], n, l.ID)
	}
	first := hash(s)
	require.Equal(t, first, hash(s))
	s.Seed = 1
	require.NotEqual(t, first, hash(s))
	require.Empty(t, slices.Collect(s.Features("nothing")))
}

func TestScaleBuildingsStandApart(t *testing.T) {
	s := district.Scale{Buildings: 4000, Side: 1}
	type square struct{ x, y int }
	grid := make(map[square][]*layers.Feature)
	dense := 0
	for f := range s.Features(district.ScaleBuildings) {
		x, y := f.Geometry.Envelope().Center()
		at := square{int(x / 0.0004), int(y / 0.0004)}
		for dx := -1; dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				for _, g := range grid[square{at.x + dx, at.y + dy}] {
					check(t, !overlap(f.Geometry.XY, g.Geometry.XY), "%s and %s overlap", f.ID, g.ID)
					dense++
				}
			}
		}
		grid[at] = append(grid[at], f)
	}
	require.Greater(t, dense, 4000, "pairs of neighbours")
}

func TestScaleIsStoppedEarly(t *testing.T) {
	n := 0
	for range (district.Scale{}).Features(district.ScaleBuildings) { // a million
		if n++; n == 100 {
			break
		}
	}
	require.Equal(t, 100, n)
}

func BenchmarkScaleBuildings(b *testing.B) {
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range (district.Scale{Buildings: 100_000}).Features(district.ScaleBuildings) {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "features/s")
}
