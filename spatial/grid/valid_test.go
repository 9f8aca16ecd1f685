package grid

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/stretchr/testify/require"
)

// rings makes Rings of closed or open rings; a nil ring makes the next one a hole.
func rings(list ...[]int32) *Rings {
	r := new(Rings)
	hole := false
	for _, ring := range list {
		if ring == nil {
			hole = true
			continue
		}
		r.XY = append(r.XY, ring...)
		r.Ends = append(r.Ends, int32(len(r.XY)/2))
		r.Hole = append(r.Hole, hole)
		hole = false
	}
	return r
}

// wkt prints the rings as a MULTIPOLYGON for an independent judge.
func wkt(r *Rings) string {
	var b strings.Builder
	b.WriteString("MULTIPOLYGON(")
	for i := range r.Ends {
		switch {
		case i == 0:
			b.WriteString("((")
		case r.Hole[i]:
			b.WriteString(",(")
		default:
			b.WriteString("),((")
		}
		ring := r.Ring(i)
		for k := 0; k < len(ring); k += 2 {
			fmt.Fprintf(&b, "%d %d,", ring[k], ring[k+1])
		}
		fmt.Fprintf(&b, "%d %d)", ring[0], ring[1])
	}
	b.WriteString("))")
	return b.String()
}

// judge tells whether simplefeatures, an independent implementation, finds the
// rings valid in the sense of OGC.
func judge(r *Rings) error {
	_, err := geom.UnmarshalWKT(wkt(r))
	return err
}

func square(x, y, w int32) []int32 { return []int32{x, y, x + w, y, x + w, y + w, x, y + w} }

func TestValid(t *testing.T) {
	cases := []struct {
		name string
		r    *Rings
		want bool
	}{
		{"square", rings(square(0, 0, 4)), true},
		{"square the other way", rings([]int32{0, 0, 0, 4, 4, 4, 4, 0}), true},
		{"triangle", rings([]int32{0, 0, 1, 0, 0, 1}), true},
		{"vertices in one line", rings([]int32{0, 0, 2, 0, 4, 0, 4, 4, 0, 4}), true},
		{"flat triangle", rings([]int32{0, 0, 2, 0, 4, 0}), false},
		{"bowtie", rings([]int32{0, 0, 4, 4, 4, 0, 0, 4}), false},
		{"spike", rings([]int32{0, 0, 4, 0, 8, 0, 4, 0, 4, 4, 0, 4}), false},
		{"repeated vertex", rings([]int32{0, 0, 4, 0, 4, 0, 4, 4}), false},
		{"touches itself in a vertex", rings([]int32{0, 0, 4, 0, 2, 2, 4, 4, 0, 4, 2, 2}), false},
		{"touches its own edge", rings([]int32{0, 0, 4, 0, 4, 4, 2, 0, 0, 4}), false},
		{"hole", rings(square(0, 0, 9), nil, square(3, 3, 3)), true},
		{"two holes", rings(square(0, 0, 9), nil, square(1, 1, 3), nil, square(5, 5, 3)), true},
		{"hole touches shell", rings(square(0, 0, 9), nil, square(0, 3, 3)), false},
		{"hole crosses shell", rings(square(0, 0, 9), nil, square(-1, 3, 3)), false},
		{"hole outside", rings(square(0, 0, 9), nil, square(10, 3, 3)), false},
		{"hole in hole", rings(square(0, 0, 9), nil, square(1, 1, 6), nil, square(2, 2, 2)), false},
		{"hole around shell", rings(square(2, 2, 2), nil, square(0, 0, 9)), false},
		{"two shells", rings(square(0, 0, 4), square(5, 5, 4)), true},
		{"shell in shell", rings(square(0, 0, 9), square(2, 2, 2)), false},
		{"shell in shell, the inner first", rings(square(2, 2, 2), square(0, 0, 9)), false},
		{"island in hole", rings(square(0, 0, 9), nil, square(1, 1, 7), square(3, 3, 2)), true},
		{"shells share an edge", rings(square(0, 0, 4), square(4, 0, 4)), false},
		{"shells touch in a point", rings(square(0, 0, 4), square(4, 4, 4)), false},
		{"two vertices", rings([]int32{0, 0, 4, 4}), false},
		{"none", rings(), false},
		{"begins with a hole", rings(nil, square(0, 0, 4)), false},
		{"largest extent", rings([]int32{-1 << 30, -1 << 30, 1<<30 - 1, -1 << 30, 1<<30 - 1, 1<<30 - 1}), true},
	}
	var c Checker
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, c.Valid(tc.r))
			if tc.want {
				require.NoError(t, judge(tc.r))
			}
		})
	}
}

// star makes a simple ring of n vertices around a centre.
func star(rng *rand.Rand, n int, size float64) []int32 {
	ring := make([]int32, 0, 2*n)
	for i := range n {
		s, c := sincos(float64(i) / float64(n))
		d := size * (0.3 + 0.7*rng.Float64())
		ring = append(ring, int32(d*c), int32(d*s))
	}
	return ring
}

// The sweep for many edges and the comparison of all pairs agree, on simple
// rings and on broken ones.
func TestSweepEqualsBrute(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[bool]int{}
	for range 400 {
		ring := star(rng, 30+rng.IntN(60), 200+rng.Float64()*2000)
		for range rng.IntN(3) { // move a vertex: often breaks it
			k := 2 * rng.IntN(len(ring)/2)
			ring[k], ring[k+1] = int32(rng.IntN(500)-250), int32(rng.IntN(500)-250)
		}
		r := rings(ring)
		var sweep, brute Checker
		got := sweep.Valid(r)
		brute.Valid(r)
		if len(brute.edges) == len(ring)/2 { // not refused before for a fold
			want := brute.apartBrute()
			require.Equal(t, want, got, "%v", ring)
		}
		if got {
			require.NoError(t, judge(r))
		}
		seen[got]++
	}
	require.Greater(t, seen[true], 20)
	require.Greater(t, seen[false], 20)
}

func TestCheckerDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	r := rings(star(rng, 60, 1000), square(5000, 0, 9))
	var c Checker
	require.True(t, c.Valid(r))
	require.Zero(t, testing.AllocsPerRun(20, func() { c.Valid(r) }))
}

func BenchmarkValid(b *testing.B) {
	for _, n := range []int{5, 12, 24, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := rings(star(rand.New(rand.NewPCG(1, 2)), n, 100000))
			var c Checker
			b.ReportAllocs()
			for b.Loop() {
				if !c.Valid(r) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
