package district_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
)

func TestGroundIsThatOfTheRecords(t *testing.T) {
	m := makeDistrict(t, district.Options{})
	west, south, east, north := m.d.Box(100)
	height := m.get(district.Nodes, "ground_elevation")
	n := 0
	for _, f := range m.features[district.Nodes] {
		x, y := f.Geometry.XY[0], f.Geometry.XY[1]
		require.True(t, x > west && x < east && y > south && y < north)
		if v := height(f); !v.IsNull() {
			require.InDelta(t, v.Float(), m.d.Ground(x, y), 0.0011)
			n++
		}
	}
	require.Greater(t, n, 1000)
}
