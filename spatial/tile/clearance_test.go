package tile

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// exhaustive is SimpleFrom without the clearance: every zoom is tested.
func (t *SimpleTester) exhaustive(world []uint32, ends []uint32, hole []bool) uint8 {
	minX, minY, maxX, maxY := world[0], world[1], world[0], world[1]
	for i := 2; i+1 < len(world); i += 2 {
		minX, maxX = min(minX, world[i]), max(maxX, world[i])
		minY, maxY = min(minY, world[i+1]), max(maxY, world[i+1])
	}
	sure := uint8(NeverSimple)
	for z := lossless; z >= 0; z-- {
		if s := uint(lossless - z); sure != NeverSimple && max(maxX-minX, maxY-minY)>>s < 2 {
			break
		}
		if !t.snap(world, ends, hole, uint8(z), minX, minY) || !t.check.Valid(&t.rings) {
			break
		}
		sure = uint8(z)
	}
	return sure
}

func TestClearanceChangesNoAnswer(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 6))
	var s SimpleTester
	known := 0
	for range 20000 {
		n := 3 + rng.IntN(10)
		size := math.Pow(2, 2+rng.Float64()*16)
		cx, cy := 1<<30+rng.Uint32N(1<<20), 1<<30+rng.Uint32N(1<<20)
		circle := func(n int, size float64) (xy []uint32) {
			for i := range n {
				sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
				d := size * (0.3 + 0.7*rng.Float64())
				xy = append(xy, uint32(float64(cx)+d*cos), uint32(float64(cy)+d*sin))
			}
			return append(xy, xy[0], xy[1])
		}
		world, ends, hole := circle(n, size), []uint32{uint32(n + 1)}, []bool{false}
		if rng.IntN(3) == 0 {
			world, ends, hole = append(world, circle(4, size/5)...), append(ends, uint32(n+6)), append(hole, true)
		}
		want := s.exhaustive(world, ends, hole)
		require.Equal(t, want, s.SimpleFrom(world, ends, hole), "%v %v", world, ends)
		if want != NeverSimple {
			known++
		}
	}
	require.Greater(t, known, 5000)
}
