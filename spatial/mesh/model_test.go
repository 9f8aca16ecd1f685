package mesh

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestModelsLookOutwardAndGetSimpler(t *testing.T) {
	for model := range Models {
		t.Run(model.String(), func(t *testing.T) {
			before := math.MaxInt
			for lod := range LODs {
				m := Mesh{Columns: WithNormals | WithColors}
				model.Build(&m, lod)
				requireNormalsOutward(t, &m)
				require.Positive(t, volume(&m))
				require.LessOrEqual(t, m.Triangles(), before, "lod %d", lod)
				require.Less(t, m.Triangles(), [...]int{1200, 500, 200}[lod], "lod %d", lod)
				before = m.Triangles()
				require.Len(t, m.Colors, 4*m.Vertices())
				for _, v := range m.Positions {
					require.False(t, math.IsNaN(float64(v)))
				}
			}
		})
	}
}

func TestPiecesTakeTheirSizes(t *testing.T) {
	box := func(p Part, s PartSize) (lo, hi [3]float64) {
		lo, hi = [3]float64{9, 9, 9}, [3]float64{-9, -9, -9}
		pieces, n, _ := Pieces(p, s)
		for _, piece := range pieces[:n] {
			m := Mesh{}
			piece.Model.Build(&m, 0)
			a, b, ok := m.Bounds()
			require.True(t, ok)
			for k := range 3 {
				at := 0.0
				if k == 2 {
					at = piece.Up
				}
				lo[k] = min(lo[k], float64(a[k])*piece.Scale[k]+at)
				hi[k] = max(hi[k], float64(b[k])*piece.Scale[k]+at)
			}
		}
		return lo, hi
	}
	nan := math.NaN()
	for _, c := range []struct {
		part        Part
		size        PartSize
		bottom, top float64
	}{
		{Manhole, PartSize{Depth: 3.5}, -3.5, 0.012},
		{Manhole, PartSize{Depth: 0.8}, -0.8, 0.012},
		{Manhole, PartSize{Depth: nan, Width: -1}, -2, 0.012},
		{Manhole, PartSize{Depth: 9999}, -2, 0.012},
		{CatchBasin, PartSize{Depth: 1.4}, -1.4, 0.01},
		{Lamp, PartSize{Height: 12}, 0, 12},
		{Broadleaf, PartSize{Height: 20, Width: 10}, 0, 20},
		{Conifer, PartSize{Height: 5}, 0, 5},
		{Columnar, PartSize{}, 0, 10},
		{Camera, PartSize{Height: 4}, 0, 4},
		{Pole, PartSize{Height: 15}, 0, 15},
		{Hydrant, PartSize{}, 0, 0.9},
		{Bench, PartSize{}, 0, 0.9},
		{Bin, PartSize{}, 0, 1},
		{Generic, PartSize{}, 0, 1},
	} {
		lo, hi := box(c.part, c.size)
		require.InDelta(t, c.bottom, lo[2], 0.02*math.Abs(c.bottom)+1e-6, "%v %+v", c.part, c.size)
		require.InDelta(t, c.top, hi[2], 0.03*c.top+0.002, "%v %+v", c.part, c.size)
	}
	for _, c := range []struct {
		part Part
		size PartSize
		odd  bool
	}{
		{Manhole, PartSize{Depth: 3.5, Width: 1.2}, false},
		{Manhole, PartSize{Depth: nan, Width: nan}, false},
		{Manhole, PartSize{Depth: 9999}, true},
		{Manhole, PartSize{Depth: -2}, true},
		{Lamp, PartSize{Height: 9999}, true},
		{Lamp, PartSize{Depth: 9999}, false}, // which lamps do not have
		{Conifer, PartSize{Height: 12, Width: 300}, true},
	} {
		_, _, odd := Pieces(c.part, c.size)
		require.Equal(t, c.odd, odd, "%v %+v", c.part, c.size)
	}
	lo, hi := box(Valve, PartSize{Width: 0.4, Depth: 1.5})
	require.Less(t, lo[2], -1.5-0.2)
	require.InDelta(t, 0.012, hi[2], 1e-6, "the box shows at the surface")
	require.InDelta(t, 0.4*1.7, hi[1]-lo[1], 0.01)
}

func TestParsePart(t *testing.T) {
	for p := range parts {
		got, ok := ParsePart(p.String())
		require.True(t, ok)
		require.Equal(t, p, got)
	}
	p, ok := ParsePart("street_lamp")
	require.True(t, ok)
	require.Equal(t, Lamp, p)
	p, ok = ParsePart("sofa")
	require.False(t, ok)
	require.Equal(t, Generic, p)
}
