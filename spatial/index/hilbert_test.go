package index

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/tile"
)

// The curve visits every cell of a grid once, each next to the one before.
func TestHilbertIsOneContinuousCurve(t *testing.T) {
	for _, bits := range []int{2, 4, 8} {
		n := 1 << bits
		at := make([][2]int, n*n)
		seen := make([]bool, n*n)
		for x := range n {
			for y := range n {
				d := Hilbert(uint32(x)<<(32-bits), uint32(y)<<(32-bits)) >> (64 - 2*bits)
				require.False(t, seen[d], "place %d twice", d)
				seen[d], at[d] = true, [2]int{x, y}
			}
		}
		for d := 1; d < n*n; d++ {
			dx, dy := at[d][0]-at[d-1][0], at[d][1]-at[d-1][1]
			require.Equal(t, 1, dx*dx+dy*dy, "%d bits, place %d: %v to %v", bits, d, at[d-1], at[d])
		}
	}
}

func TestHilbertIsContinuousAtFullDepth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		x, y := rng.Uint32()|1, rng.Uint32()|1
		d := Hilbert(x, y)
		near := 0
		for _, o := range [][2]uint32{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
			if e := Hilbert(o[0], o[1]); e == d+1 || e == d-1 {
				near++
			}
		}
		require.Equal(t, 2, near)
	}
}

func TestOrderPutsEmptyBoxesLast(t *testing.T) {
	empty := tile.WorldBox{MinX: 1, MinY: 1}
	order, located := Order([]tile.WorldBox{empty, {MinX: 9, MinY: 9, MaxX: 9, MaxY: 9}, empty, {MaxX: 1, MaxY: 1}})
	require.Equal(t, []uint32{3, 1, 0, 2}, order)
	require.Equal(t, 2, located)
}
