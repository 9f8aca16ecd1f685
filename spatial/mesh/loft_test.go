package mesh

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoftIsClosedAndLooksOutward(t *testing.T) {
	paths := map[string][]float64{
		"straight":          {0, 0, 0, 10, 0, 0},
		"level bend":        {0, 0, 0, 10, 0, 0, 10, 10, 0},
		"drop":              {0, 0, 0, 10, 0, 0, 10, 0, -5, 20, 0, -5},
		"out of a shaft":    {0, 0, 0, 0, 0, 8, 3, 7, 8},
		"slope":             {0, 0, 0, 10, 4, 1, 18, 9, 3, 22, 30, 3.2},
		"short segments":    {0, 0, 0, 0.2, 0, 0, 0.4, 0.1, 0, 0.4, 0.3, 0},
		"repeated vertices": {0, 0, 0, 0, 0, 0, 5, 0, 0, 5, 0, 0, 5, 5, 1},
		"there and back":    {0, 0, 0, 10, 0, 0, 2, 0.1, 0},
		"helix":             {4, 0, 0, 0, 4, 1, -4, 0, 2, 0, -4, 3, 4, 0, 4},
	}
	sections := map[string]Section{
		"round": {Width: 0.6},
		"duct":  {Kind: Rectangular, Width: 0.8, Height: 0.5},
	}
	for path, xyz := range paths {
		for name, s := range sections {
			t.Run(path+" "+name, func(t *testing.T) {
				m := Mesh{Columns: WithNormals}
				l := Lofter{Sides: 12, Caps: true}
				require.Equal(t, OK, l.Loft(&m, xyz, s))
				requireClosed(t, &m)
				require.Positive(t, volume(&m))
				if path != "short segments" {
					requireNormalsOutward(t, &m)
				}
				for i := 2; i < len(m.Positions); i += 3 {
					require.False(t, math.IsNaN(float64(m.Positions[i])))
				}
			})
		}
	}
}

func TestLoftKeepsCoverAndSection(t *testing.T) {
	m := Mesh{Columns: WithNormals}
	l := Lofter{Caps: true}
	require.Equal(t, OK, l.Loft(&m, []float64{0, 0, -2, 30, 40, -2, 60, 40, -2}, Section{Width: 1.2}))
	lo, hi, ok := m.Bounds()
	require.True(t, ok)
	require.InDelta(t, -1.4, hi[2], 1e-6, "the top is the axis and a radius")
	require.InDelta(t, -2.6, lo[2], 1e-6)

	m.Reset()
	require.Equal(t, OK, l.Loft(&m, []float64{0, 0, -2, 30, 40, -2, 60, 40, -2}, Section{Kind: Rectangular, Width: 2, Height: 1}))
	lo, hi, _ = m.Bounds()
	require.InDelta(t, -1.5, hi[2], 1e-6)
	require.InDelta(t, -2.5, lo[2], 1e-6)
	require.InDelta(t, 41, hi[1], 1e-5)
}
