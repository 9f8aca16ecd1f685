package simplify_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/simplify"
)

func kept(xy []uint32, keep []bool) (out []uint32) {
	for i, k := range keep {
		if k {
			out = append(out, xy[2*i], xy[2*i+1])
		}
	}
	return out
}

func reversed(xy []uint32) []uint32 {
	out := make([]uint32, 0, len(xy))
	for i := len(xy) - 2; i >= 0; i -= 2 {
		out = append(out, xy[i], xy[i+1])
	}
	return out
}

func walk(r *rand.Rand, n int) []uint32 {
	x, y := 1<<31, 1<<31
	var xy []uint32
	for range n {
		xy = append(xy, uint32(x), uint32(y))
		x, y = x+r.IntN(41)-18, y+r.IntN(41)-20
	}
	return xy
}

// away is the distance of a vertex from the nearest kept edge.
func away(xy, line []uint32, i int) float64 {
	best := math.Inf(1)
	px, py := float64(xy[2*i]), float64(xy[2*i+1])
	for k := 0; k+3 < len(line); k += 2 {
		ax, ay := float64(line[k]), float64(line[k+1])
		dx, dy := float64(line[k+2])-ax, float64(line[k+3])-ay
		t := 0.0
		if l := dx*dx + dy*dy; l > 0 {
			t = max(0, min(1, ((px-ax)*dx+(py-ay)*dy)/l))
		}
		best = min(best, math.Hypot(px-ax-t*dx, py-ay-t*dy))
	}
	return best
}

// A line stays within the tolerance, and the same is kept whichever way it is walked.
func TestLine(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 10, 300, 9000} {
		xy := walk(r, n)
		keep := make([]bool, n)
		simplify.Line(xy, 25, keep)
		line := kept(xy, keep)
		for i := 0; n < 1000 && n > 1 && i < n; i++ {
			require.LessOrEqual(t, away(xy, line, i), 25.0001)
		}
		if n >= 300 {
			require.Less(t, len(line), len(xy)/2)
		}
		back := make([]bool, n)
		simplify.Line(reversed(xy), 25, back)
		slices.Reverse(back)
		require.Equal(t, keep, back)
	}
}

// A ring keeps the same vertices wherever it begins and whichever way it turns.
func TestRing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, pins := range []int{0, 1, 2, 5} {
		var open []uint32
		const n = 200
		for i := range n {
			a, d := 2*math.Pi*float64(i)/n, 10000+500*r.Float64()
			open = append(open, uint32(1e6+d*math.Cos(a)), uint32(1e6+d*math.Sin(a)))
		}
		pinned := make([]bool, n)
		for _, k := range r.Perm(n)[:pins] {
			pinned[k] = true
		}
		var want []uint32
		for turn := range 4 {
			at := turn * 57 % n
			xy := append(append(slices.Clone(open[2*at:]), open[:2*at]...), open[2*at], open[2*at+1])
			pin := append(append(slices.Clone(pinned[at:]), pinned[:at]...), pinned[at])
			if turn%2 == 1 {
				xy = reversed(xy)
				slices.Reverse(pin)
			}
			keep := make([]bool, n+1)
			simplify.Ring(xy, pin, 300, keep)
			require.Equal(t, keep[0], keep[n])
			set := kept(xy[:2*n], keep[:n])
			for i := range n {
				require.True(t, keep[i] || !pin[i])
			}
			sorted := make([]uint64, 0)
			for k := 0; k < len(set); k += 2 {
				sorted = append(sorted, uint64(set[k])<<32|uint64(set[k+1]))
			}
			slices.Sort(sorted)
			flat := make([]uint32, 0)
			for _, s := range sorted {
				flat = append(flat, uint32(s>>32), uint32(s))
			}
			if turn == 0 {
				want = flat
				require.Less(t, len(flat), n)
			}
			require.Equal(t, want, flat)
		}
	}
}

func TestDegenerate(t *testing.T) {
	simplify.Line(nil, 1, nil)
	for _, xy := range [][]uint32{{}, {1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, {0, 0, math.MaxUint32, math.MaxUint32, 0, math.MaxUint32, 0, 0}} {
		keep := make([]bool, len(xy)/2)
		simplify.Ring(xy, nil, 1, keep)
		keep = make([]bool, len(xy)/2)
		simplify.Line(xy, 1, keep)
	}
}
