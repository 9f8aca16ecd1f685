package quantizedmesh

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/geodesic"
)

// decoded is a tile as a reader of the specification sees it.
type decoded struct {
	center, sphere, horizon geodesic.Vec3
	low, high, radius       float64
	u, v, h                 []int
	triangles               []int
	edges                   [4][]int // west, south, east, north
	normals                 []geodesic.Vec3
}

type cursor struct {
	t *testing.T
	b []byte
}

func (c *cursor) take(n int) []byte {
	require.GreaterOrEqual(c.t, len(c.b), n)
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u16() int { return int(binary.LittleEndian.Uint16(c.take(2))) }
func (c *cursor) u32() int { return int(binary.LittleEndian.Uint32(c.take(4))) }
func (c *cursor) f32() float64 {
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(c.take(4))))
}
func (c *cursor) f64() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(c.take(8))) }
func (c *cursor) vec() geodesic.Vec3 {
	return geodesic.Vec3{c.f64(), c.f64(), c.f64()}
}

func decode(t *testing.T, b []byte) *decoded {
	t.Helper()
	c := &cursor{t, b}
	d := &decoded{center: c.vec(), low: c.f32(), high: c.f32(), sphere: c.vec(), radius: c.f64(), horizon: c.vec()}
	n := c.u32()
	for _, list := range []*[]int{&d.u, &d.v, &d.h} {
		value := 0
		for range n {
			z := c.u16()
			value += z>>1 ^ -(z & 1)
			require.True(t, value >= 0 && value <= full)
			*list = append(*list, value)
		}
	}
	highest := 0
	for range 3 * c.u32() {
		code := c.u16()
		d.triangles = append(d.triangles, highest-code)
		if code == 0 {
			highest++
		}
	}
	require.Equal(t, n, highest)
	for i := range d.edges {
		for range c.u32() {
			k := c.u16()
			require.Less(t, k, n)
			d.edges[i] = append(d.edges[i], k)
		}
	}
	if len(c.b) > 0 {
		require.Equal(t, byte(1), c.take(1)[0])
		require.Equal(t, 2*n, c.u32())
		for range n {
			d.normals = append(d.normals, fromOct(c.take(2)))
		}
	}
	require.Empty(t, c.b)
	return d
}

func fromOct(b []byte) geodesic.Vec3 {
	x, y := float64(b[0])/255*2-1, float64(b[1])/255*2-1
	z := 1 - math.Abs(x) - math.Abs(y)
	if z < 0 {
		x, y = (1-math.Abs(y))*math.Copysign(1, x), (1-math.Abs(x))*math.Copysign(1, y)
	}
	v := geodesic.Vec3{x, y, z}
	return v.Scale(1 / v.Norm())
}

func (d *decoded) height(k int) float64 { return d.low + (d.high-d.low)*float64(d.h[k])/full }

// place is the position of a vertex of a tile of a level.
func (d *decoded) place(k int, level uint8, x, y int64) (lon, lat, height float64) {
	width := 180 / float64(uint64(1)<<level)
	return -180 + width*(float64(x)+float64(d.u[k])/full), -90 + width*(float64(y)+float64(d.v[k])/full), d.height(k)
}
