package mvt

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/grid"
)

// cutLine draws the pieces that grid.Clipper leaves of a line, whatever its length,
// wherever it leaves the tile, comes back, stands still or runs along the edge.
func TestCutLineIsClipped(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	var clipper grid.Clipper
	pieces := 0
	for _, z := range []uint8{3, here.Z, lossless} {
		id := here
		id.Z = z
		id.X, id.Y = 1<<z/3, 1<<z/2
		e := Encoder{frame: newFrame(id, uint8(rng.IntN(2)))}
		f := &e.frame
		unit := int64(1) << (lossless - z)
		for range 3000 {
			var world []uint32
			x, y := rng.Int64N(6000)-1000, rng.Int64N(6000)-1000
			step := int64(1) << rng.IntN(13)
			for range 1 + rng.IntN(40) {
				world = append(world, uint32((x+f.x)*unit), uint32((y+f.y)*unit))
				switch rng.IntN(8) {
				case 0: // stands still
				case 1:
					x = int64([]int32{clipBox.MinX, clipBox.MaxX}[rng.IntN(2)])
				case 2:
					y = int64([]int32{clipBox.MinY, clipBox.MaxY}[rng.IntN(2)])
				default:
					x, y = min(9000, max(-9000, x+rng.Int64N(2*step+1)-step)), min(9000, max(-9000, y+rng.Int64N(2*step+1)-step))
				}
			}
			var far []int64
			for i := 0; i < len(world); i += 2 {
				x, y := f.world(world[i], world[i+1])
				if n := len(far); n == 0 || far[n-2] != x || far[n-1] != y {
					far = append(far, x, y)
				}
			}
			line, ends := clipper.Line(nil, nil, far, clipBox)
			c := cursor{3, 5}
			want, begin := []byte{}, int32(0)
			for _, end := range ends {
				want = c.line(want, line[2*begin:2*end])
				begin = end
				pieces++
			}
			got := cursor{3, 5}
			e.geom = []byte{}
			e.cutLine(&got, world)
			require.Equal(t, want, e.geom)
			require.Equal(t, c, got)
		}
	}
	require.Greater(t, pieces, 10_000)
}
