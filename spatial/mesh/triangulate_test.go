package mesh

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// ragged is a ring of n vertices around the origin whose radius jumps.
func ragged(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	xy := make([]float64, 0, 2*n)
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		radius := 500 + 400*r.Float64()
		xy = append(xy, radius*cos, radius*sin)
	}
	return xy
}

// coast is a ring of n vertices whose radius is a fractal.
func coast(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 3))
	var waves [40][2]float64 // frequency and phase
	for i := range waves {
		waves[i] = [2]float64{math.Ceil(math.Pow(1.27, float64(i))), 2 * math.Pi * r.Float64()}
	}
	xy := make([]float64, 0, 2*n)
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		radius := 500.0
		for _, w := range waves {
			radius += 90 / math.Pow(w[0], 0.9) * math.Sin(w[0]*a+w[1])
		}
		sin, cos := math.Sincos(a)
		xy = append(xy, radius*cos, radius*sin)
	}
	return xy
}

// comb is a ring with so many long teeth.
func comb(teeth int) []float64 {
	xy := []float64{float64(teeth), -10, 0, -10}
	for i := range teeth {
		x := float64(i)
		xy = append(xy, x, 0, x+0.4, 1000, x+0.8, 0)
	}
	return xy
}

// coil is a ring that winds n vertices around and back.
func coil(n int) []float64 {
	xy := make([]float64, 0, 2*n)
	for i := range n {
		k, in := i, 0.0
		if i >= n/2 {
			k, in = n-1-i, 0.4
		}
		a := float64(k) * 0.02
		sin, cos := math.Sincos(a)
		xy = append(xy, (10+a-in*2)*cos, (10+a-in*2)*sin)
	}
	return xy
}

// scribble is a ring of vertices at random: it crosses itself everywhere.
func scribble(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	xy := make([]float64, 2*n)
	for i := range xy {
		xy[i] = 100 * r.Float64()
	}
	return xy
}

func TestTriangulateLargeRings(t *testing.T) {
	for name, xy := range map[string][]float64{
		"coast":  coast(100_000, 3),
		"ragged": ragged(40_000, 3),
		"comb":   comb(5_000),
		"coil":   coil(20_000),
	} {
		t.Run(name, func(t *testing.T) {
			var tri Triangulator
			got, deviation := tri.Triangulate(nil, xy, []int32{int32(len(xy) / 2)})
			require.LessOrEqual(t, deviation, 1e-9)
			require.InDelta(t, len(xy)/2-2, len(got)/3, 4)
		})
	}
}

func TestTriangulateEndsOnScribbles(t *testing.T) {
	xy := scribble(3_000, 5)
	tri := Triangulator{Work: 2_000_000}
	got, deviation := tri.Triangulate(nil, xy, []int32{3_000})
	require.Less(t, len(got)/3, 3_000)
	require.Greater(t, deviation, 0.1, "such a ring is reported")
}

func TestTriangulateManyHoles(t *testing.T) {
	xy := []float64{0, 0, 1000, 0, 1000, 1000, 0, 1000}
	ends := []int32{4}
	for i := range 900 {
		x, y := float64(i%30)*33+5, float64(i/30)*33+5
		xy = append(xy, x, y, x+20, y+3, x+12, y+20)
		ends = append(ends, int32(len(xy)/2))
	}
	var tri Triangulator
	got, deviation := tri.Triangulate(nil, xy, ends)
	require.LessOrEqual(t, deviation, 1e-12)
	require.Len(t, got, 3*(4+3*900+2*900-2))
}

func TestPlanarSurfaces(t *testing.T) {
	var p Planar
	// a wall with a window, facing each of the axes and a slanted direction
	flat := []float64{0, 0, 0, 4, 0, 0, 4, 3, 0, 0, 3, 0 /* hole */, 1, 1, 0, 1, 2, 0, 2, 2, 0, 2, 1, 0}
	ends := []int32{4, 8}
	for _, tangent := range []vec{{0, 0, 1}, {0, 0, -1}, {0, 1, 0}, {0, -1, 0}, {1, 0, 0}, {-1, 0, 0}, {1, 2, 3}, {-3, 1, -1}} {
		f := level(tangent.unit())
		var xyz []float64
		for i := 0; i < len(flat); i += 3 {
			v := f.side.mul(flat[i]).add(f.up.mul(flat[i+1])).add(vec{100, -50, 7})
			xyz = append(xyz, v[:]...)
		}
		triangles, n, deviation := p.Triangulate(nil, xyz, ends)
		require.LessOrEqual(t, deviation, 1e-12)
		require.Len(t, triangles, 3*8)
		require.InDelta(t, -1, tangent.unit().dot(n), 1e-12, "side × up looks back along the tangent")
		area := 0.0
		for k := 0; k < len(triangles); k += 3 {
			at := func(j int) vec { return vec(xyz[3*triangles[k+j]:][:3]) }
			c := at(1).sub(at(0)).cross(at(2).sub(at(0)))
			require.Positive(t, c.dot(n), "wound about the normal")
			area += c.norm() / 2
		}
		require.InDelta(t, 11, area, 1e-9)

		m := Mesh{Columns: WithNormals}
		require.LessOrEqual(t, p.Surface(&m, xyz, ends), 1e-12)
		requireNormalsOutward(t, &m)
	}
	none, _, deviation := p.Triangulate(nil, []float64{0, 0, 0, 1, 1, 1, 2, 2, 2}, []int32{3})
	require.Empty(t, none)
	require.Equal(t, 1.0, deviation)
	none, _, _ = p.Triangulate(nil, []float64{0, 0, math.NaN(), 1, 1, 1, 2, 0, 2}, []int32{3})
	require.Empty(t, none)
}

func FuzzTriangulate(f *testing.F) {
	f.Add([]byte{0, 0, 9, 0, 9, 9, 0, 9}, uint8(0))
	f.Add([]byte{0, 0, 9, 0, 9, 9, 0, 9, 2, 2, 4, 4, 4, 2}, uint8(4))
	f.Add([]byte{0, 0, 4, 4, 4, 0, 0, 4}, uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, split uint8) {
		if len(data) > 400 {
			return
		}
		var xy []float64
		for _, b := range data[:len(data)/2*2] {
			xy = append(xy, float64(b)/4)
		}
		n := int32(len(xy) / 2)
		ends := []int32{n}
		if s := int32(split); s > 0 && s < n {
			ends = []int32{s, n}
		}
		for _, keep := range []bool{false, true} {
			tri := Triangulator{KeepCollinear: keep, Work: 5_000_000}
			got, deviation := tri.Triangulate(nil, xy, ends)
			require.False(t, math.IsNaN(deviation) || deviation < 0)
			require.Zero(t, len(got)%3)
			for _, i := range got {
				require.Less(t, i, uint32(n))
			}
		}
		e := Extruder{Tolerance: float64(split%3) / 4}
		m := Mesh{Columns: WithNormals}
		s := Solid{XY: xy, Ends: ends, Base: 0, Top: 3, Eaves: 2, Roof: RoofShape(split % 5)}
		built := e.Extrude(Sinks{&m, &m, &m}, &s)
		require.LessOrEqual(t, built.Fault, NoArea)
		for _, v := range m.Positions {
			require.False(t, math.IsNaN(float64(v)))
		}
	})
}
