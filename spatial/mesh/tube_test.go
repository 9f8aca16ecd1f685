package mesh

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTubeFaults(t *testing.T) {
	line := []float64{0, 0, 0, 10, 0, 0}
	for name, c := range map[string]struct {
		xyz   []float64
		s     Section
		fault Fault
	}{
		"fine":                   {line, Section{Width: 0.3}, OK},
		"no diameter":            {line, Section{}, BadSize},
		"negative":               {line, Section{Width: -0.3}, BadSize},
		"not a number":           {line, Section{Width: math.NaN()}, BadSize},
		"30 m":                   {line, Section{Width: 30}, BadSize},
		"duct without height":    {line, Section{Kind: Rectangular, Width: 1}, BadSize},
		"no length":              {[]float64{1, 1, 1, 1, 1, 1}, Section{Width: 0.3}, NoArea},
		"half a millimetre":      {[]float64{1, 1, 1, 1, 1, 1.0005}, Section{Width: 0.3}, NoArea},
		"one vertex":             {[]float64{1, 1, 1}, Section{Width: 0.3}, NoArea},
		"none":                   {nil, Section{Width: 0.3}, NoArea},
		"two ordinates":          {[]float64{1, 1, 2, 2}, Section{Width: 0.3}, BadCoordinates},
		"height not a number":    {[]float64{0, 0, math.NaN(), 1, 1, 1}, Section{Width: 0.3}, BadCoordinates},
		"beyond the earth":       {[]float64{0, 0, 0, 1e9, 1, 1}, Section{Width: 0.3}, BadCoordinates},
		"repeated, still a pipe": {[]float64{0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0}, Section{Width: 0.3}, OK},
	} {
		t.Run(name, func(t *testing.T) {
			m := Mesh{Columns: WithNormals}
			var l Lofter
			require.Equal(t, c.fault, l.Loft(&m, c.xyz, c.s))
			require.Equal(t, c.fault == OK, m.Triangles() > 0)
			var tubes Tubes
			require.Equal(t, c.fault, tubes.Append(c.xyz, c.s, 7))
			require.Equal(t, c.fault == OK, tubes.Cylinders.Len()+tubes.Boxes.Len() > 0)
		})
	}
}

func TestTubesPlaceSegmentsAndJoints(t *testing.T) {
	var tubes Tubes
	path := []float64{0, 0, -2, 10, 0, -2, 20, 0.1, -2, 20, 30, -2}
	require.Equal(t, OK, tubes.Append(path, Section{Width: 0.5}, 3))
	require.Equal(t, 3, tubes.Cylinders.Len())
	require.Equal(t, 1, tubes.Spheres.Len(), "a turn of half a degree needs no joint")
	require.Equal(t, []uint32{3, 3, 3}, tubes.Cylinders.Features)
	require.Equal(t, []float32{0.5, 10, 0.5}, tubes.Cylinders.Scales[:3])
	// the first segment looks east: a quarter turn to the right of north
	require.InDeltaSlice(t, []float64{0, 0, -math.Sqrt2 / 2, math.Sqrt2 / 2}, []float64{
		float64(tubes.Cylinders.Rotations[0]), float64(tubes.Cylinders.Rotations[1]),
		float64(tubes.Cylinders.Rotations[2]), float64(tubes.Cylinders.Rotations[3])}, 1e-7)
	require.Equal(t, []float32{20, 0.1, -2}, tubes.Spheres.Translations)
	tubes.Reset()
	require.Zero(t, tubes.Cylinders.Len()+tubes.Spheres.Len())
	east := Heading(90)
	require.InDeltaSlice(t, []float64{0, 0, -math.Sqrt2 / 2, math.Sqrt2 / 2}, east[:], 1e-12)
}

func TestBendsHaveTheirRadiusAndSteps(t *testing.T) {
	m := Mesh{}
	l := Lofter{Sides: 4}
	require.Equal(t, OK, l.Loft(&m, []float64{0, 0, 0, 20, 0, 0, 20, 20, 0}, Section{Width: 2}))
	rings := m.Vertices() / 4
	require.Equal(t, 2+5, rings, "two ends and a quarter circle in four steps")
	for ring := range 5 { // the axis keeps 3 m from the bend's centre at (17, 3)
		var c vec
		for k := range 4 {
			at := 3 * (4*(ring+1) + k)
			c = c.add(vec{float64(m.Positions[at]), float64(m.Positions[at+1]), float64(m.Positions[at+2])}.mul(0.25))
		}
		require.InDelta(t, 3, math.Hypot(c[0]-17, c[1]-3), 1e-5)
	}
}

func TestSides(t *testing.T) {
	require.Equal(t, []int{8, 8, 12, 16}, []int{Sides(0.05, 0), Sides(0.1, 0), Sides(0.3, 0), Sides(1, 0)})
	require.Equal(t, []int{6, 6, 8, 12}, []int{Sides(0.05, 1), Sides(0.1, 1), Sides(0.3, 1), Sides(1, 1)})
	require.Equal(t, []int{6, 6, 6, 8}, []int{Sides(0.05, 2), Sides(0.1, 2), Sides(0.3, 2), Sides(1, 2)})
}

func ExampleExtruder() {
	house := Mesh{Columns: WithNormals}
	var e Extruder
	built := e.Extrude(Sinks{Roof: &house, Wall: &house, Floor: &house}, &Solid{
		XY: []float64{0, 0, 12, 0, 12, 8, 0, 8}, Ends: []int32{4}, // metres east and north
		Base: 0, Top: 9, Eaves: 6, Roof: Gabled, Downhill: math.NaN(), // metres up
	})
	lo, hi, _ := house.Bounds()
	fmt.Println(built.Fault, house.Triangles(), "triangles from", lo, "to", hi)
	// Output: ok 16 triangles from [0 0 0] to [12 8 9]
}
