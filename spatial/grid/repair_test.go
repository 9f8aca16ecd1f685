package grid

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// text prints rings with holes in brackets, each ring from its smallest vertex.
func text(r *Rings) string {
	s := ""
	for i := range r.Ends {
		ring := r.Ring(i)
		best := 0
		for k := 0; k < len(ring); k += 2 {
			if ring[k] < ring[best] || ring[k] == ring[best] && ring[k+1] < ring[best+1] {
				best = k
			}
		}
		ring = append(slices.Clone(ring[best:]), ring[:best]...)
		if s != "" {
			s += " "
		}
		if r.Hole[i] {
			s += fmt.Sprintf("[%v]", ring)
		} else {
			s += fmt.Sprint(ring)
		}
	}
	return s
}

func TestRepair(t *testing.T) {
	cases := []struct {
		name string
		in   *Rings
		want string
	}{
		{"square", rings(square(0, 0, 4)), "[0 0 4 0 4 4 0 4]"},
		{"square the other way", rings([]int32{0, 0, 0, 4, 4, 4, 4, 0}), "[0 0 4 0 4 4 0 4]"},
		{"vertices in one line", rings([]int32{0, 0, 2, 0, 4, 0, 4, 4, 0, 4, 0, 2}), "[0 0 4 0 4 4 0 4]"},
		{"spike", rings([]int32{0, 0, 4, 0, 8, 0, 4, 0, 4, 4, 0, 4}), "[0 0 4 0 4 4 0 4]"},
		{"nothing but a spike", rings([]int32{0, 0, 4, 0, 8, 0}), ""},
		{"bowtie keeps both lobes", rings([]int32{0, 0, 4, 4, 4, 0, 0, 4}), "[0 0 2 2 0 4] [2 2 4 0 4 4]"},
		{"touches itself: two shells", rings([]int32{0, 0, 4, 0, 2, 2, 4, 4, 0, 4, 2, 2}), "[0 0 4 0 2 2] [0 4 2 2 4 4]"},
		{"touches itself: a hole", rings([]int32{0, 0, 8, 0, 8, 8, 0, 8, 0, 0, 4, 6, 4, 2}), "[0 0 8 0 8 8 0 8] [[0 0 4 6 4 2]]"},
		{"hole", rings(square(0, 0, 9), nil, square(3, 3, 3)), "[0 0 9 0 9 9 0 9] [[3 3 3 6 6 6 6 3]]"},
		{"hole touches the shell in a point", rings(square(0, 0, 9), nil, []int32{0, 4, 4, 2, 4, 6}), "[0 0 9 0 9 9 0 9] [[0 4 4 6 4 2]]"},
		{"hole along the shell is a bay", rings(square(0, 0, 9), nil, square(0, 3, 3)), "[0 0 9 0 9 9 0 9 0 6 3 6 3 3 0 3]"},
		{"hole cuts the shell in two", rings(square(0, 0, 9), nil, []int32{0, 3, 9, 3, 9, 6, 0, 6}), "[0 0 9 0 9 3 0 3] [0 6 9 6 9 9 0 9]"},
		{"hole outside is nothing", rings(square(0, 0, 4), nil, square(6, 6, 2)), "[0 0 4 0 4 4 0 4]"},
		{"hole as large as the shell", rings(square(0, 0, 4), nil, square(0, 0, 4)), ""},
		{"island in a hole", rings(square(0, 0, 9), nil, square(1, 1, 7), square(3, 3, 2)), "[0 0 9 0 9 9 0 9] [[1 1 1 8 8 8 8 1]] [3 3 5 3 5 5 3 5]"},
		{"overlapping parts", rings(square(0, 0, 4), square(2, 2, 4)), "[0 0 4 0 4 2 6 2 6 6 2 6 2 4 0 4]"},
		{"parts share an edge", rings(square(0, 0, 4), square(4, 0, 4)), "[0 0 8 0 8 4 0 4]"},
		{"part in a part", rings(square(0, 0, 9), square(2, 2, 2)), "[0 0 9 0 9 9 0 9]"},
		{"holes that overlap", rings(square(0, 0, 9), nil, square(1, 1, 4), nil, square(3, 3, 4)), "[0 0 9 0 9 9 0 9] [[1 1 1 5 3 5 3 7 7 7 7 3 5 3 5 1]]"},
		// The slit's walls fall on one line: gone.
		{"slit", rings([]int32{0, 0, 9, 0, 9, 4, 3, 4, 9, 4, 9, 9, 0, 9}), "[0 0 9 0 9 9 0 9]"},
		// The edge 0,0→7,2 passes the pixel of 4,1 and goes through its middle.
		{"crossing off the grid", rings([]int32{0, 0, 7, 2, 7, 0, 0, 2}), "[0 0 4 1 0 2] [4 1 7 0 7 2]"},
	}
	var r Repairer
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var out Rings
			require.True(t, r.Repair(&out, tc.in))
			require.Equal(t, tc.want, text(&out))
			if tc.want != "" {
				require.NoError(t, judge(&out))
			}
		})
	}
}

// inRings is the rule of Repairer at a position that lies on no edge.
func inRings(r *Rings, x, y float64) bool {
	var sum windings
	for i := range r.Ends {
		ring := r.Ring(i)
		w := int32(0)
		n := len(ring)
		ax, ay := float64(ring[n-2]), float64(ring[n-1])
		for k := 0; k < n; k += 2 {
			bx, by := float64(ring[k]), float64(ring[k+1])
			c := (bx-ax)*(y-ay) - (by-ay)*(x-ax)
			if ay <= y && y < by && c > 0 {
				w++
			}
			if by <= y && y < ay && c < 0 {
				w--
			}
			ax, ay = bx, by
		}
		if Area2(ring) < 0 {
			w = -w
		}
		if r.Hole[i] {
			sum.holes += w
		} else {
			sum.shells += w
		}
	}
	return sum.inside()
}

// far tells whether a position is more than d away from every edge.
func far(r *Rings, x, y, d float64) bool {
	for i := range r.Ends {
		ring := r.Ring(i)
		n := len(ring)
		ax, ay := float64(ring[n-2]), float64(ring[n-1])
		for k := 0; k < n; k += 2 {
			bx, by := float64(ring[k]), float64(ring[k+1])
			t := 0.0
			if l := (bx-ax)*(bx-ax) + (by-ay)*(by-ay); l > 0 {
				t = max(0, min(1, ((x-ax)*(bx-ax)+(y-ay)*(by-ay))/l))
			}
			if math.Hypot(x-ax-t*(bx-ax), y-ay-t*(by-ay)) <= d {
				return false
			}
			ax, ay = bx, by
		}
	}
	return true
}

// scribble makes rings that are wrong in every way.
func scribble(rng *rand.Rand) *Rings {
	size := int32([]int{6, 12, 40, 300}[rng.IntN(4)])
	r := new(Rings)
	for i := range 1 + rng.IntN(5) {
		n := 3 + rng.IntN(12)
		if rng.IntN(8) == 0 {
			n = 60
		}
		for range n {
			r.XY = append(r.XY, rng.Int32N(size), rng.Int32N(size))
		}
		r.Close(i > 0 && rng.IntN(2) == 0)
	}
	return r
}

// Whatever goes in, what comes out is valid for an independent judge, oriented,
// covers what the rule says away from the edges, and hardly changes when it is
// repaired once more (snap rounding may move an edge by half a unit again).
func TestRepairAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var r Repairer
	samples, covered := 0, 0
	for range 800 {
		in := scribble(rng)
		if in.Len() == 0 {
			continue
		}
		var out, again Rings
		require.True(t, r.Repair(&out, in))
		if out.Len() > 0 {
			require.NoError(t, judge(&out), "from %s\nto %s", wkt(in), wkt(&out))
		}
		for i := range out.Ends {
			require.Equal(t, out.Hole[i], Area2(out.Ring(i)) < 0)
		}
		require.True(t, r.Repair(&again, &out))
		require.InDelta(t, sum(&out), sum(&again), perimeter(&out), "from %s\nto %s\nthen %s", wkt(in), wkt(&out), wkt(&again))
		for range 20 {
			x, y := rng.Float64()*300, rng.Float64()*300
			if !far(in, x, y, 1) {
				continue
			}
			samples++
			want := inRings(in, x, y)
			require.Equal(t, want, inRings(&out, x, y), "%v,%v from %s\nto %s", x, y, wkt(in), wkt(&out))
			if want {
				covered++
			}
		}
	}
	require.Greater(t, samples, 2500)
	require.Greater(t, covered, 100)
}

func perimeter(r *Rings) (d float64) {
	for i := range r.Ends {
		ring := r.Ring(i)
		n := len(ring)
		for k := range n / 2 {
			d += math.Hypot(float64(ring[2*k]-ring[(2*k+2)%n]), float64(ring[2*k+1]-ring[(2*k+3)%n]))
		}
	}
	return d
}

func sum(r *Rings) (area int64) {
	for i := range r.Ends {
		area += Area2(r.Ring(i))
	}
	return area
}

// Many components: the rows of the plane are used, columns of hot pixels too.
func TestRepairManyParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	in := new(Rings)
	want := int64(0)
	for x := int32(0); x < 25; x++ {
		for y := int32(0); y < 25; y++ {
			in.XY = append(in.XY, square(20*x, 20*y, 16)...)
			in.Close(false)
			want += 2 * 16 * 16
			if rng.IntN(2) == 0 {
				in.XY = append(in.XY, square(20*x+4, 20*y+4, 4)...)
				in.Close(true)
				want -= 2 * 4 * 4
			}
		}
	}
	in.XY = append(in.XY, -10, -10, 0, -10, 0, 0, -10, 0, -10, -10, 0, -5) // one of them broken
	in.Close(false)
	var r Repairer
	var out Rings
	require.True(t, r.Repair(&out, in))
	require.NoError(t, judge(&out))
	require.InDelta(t, want+2*100, sum(&out), 60)
	require.Greater(t, out.Len(), 900)
}

func TestRepairDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	in := scribble(rng)
	var r Repairer
	var out Rings
	require.Zero(t, testing.AllocsPerRun(20, func() { out.Reset(); r.Repair(&out, in) }))
}

func FuzzRepair(f *testing.F) {
	f.Add([]byte{0, 0, 4, 4, 4, 0, 0, 4}, uint8(0), uint8(0))
	f.Add([]byte{0, 0, 9, 0, 9, 9, 0, 9, 3, 3, 6, 3, 6, 6, 3, 6}, uint8(4), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, every, holes uint8) {
		if len(b) > 400 {
			return
		}
		in := new(Rings)
		for i := 0; i+1 < len(b); i += 2 {
			in.XY = append(in.XY, int32(int8(b[i])), int32(int8(b[i+1])))
			if n := int(every%16) + 3; i/2%n == n-1 {
				in.Close(in.Len() > 0 && holes>>(in.Len()%8)&1 == 1)
			}
		}
		in.Close(false)
		if in.Len() == 0 {
			return
		}
		var r Repairer
		var out Rings
		if !r.Repair(&out, in) {
			return
		}
		if out.Len() > 0 {
			require.NoError(t, judge(&out), "from %s\nto %s", wkt(in), wkt(&out))
		}
	})
}

func BenchmarkRepair(b *testing.B) {
	for _, n := range []int{6, 20, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			in := rings(star(rng, n, 1500))
			var r Repairer
			var out Rings
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				r.Repair(&out, in)
			}
		})
	}
}
