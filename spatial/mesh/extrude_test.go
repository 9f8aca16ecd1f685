package mesh

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// prismCases are footprints with their area.
var prismCases = map[string]struct {
	s    Solid
	area float64
}{
	"square":              {Solid{XY: []float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}, Ends: []int32{5}}, 100},
	"clockwise":           {Solid{XY: []float64{0, 0, 0, 10, 10, 10, 10, 0, 0, 0}, Ends: []int32{5}}, 100},
	"needless vertices":   {Solid{XY: []float64{5, 0, 10, 0, 10, 0, 10, 5, 10, 10, 0, 10, 0, 0, 5, 0}, Ends: []int32{8}}, 100},
	"spike":               {Solid{XY: []float64{0, 0, 10, 0, 10, 10, 30, 10, 10, 10, 0, 10, 0, 0}, Ends: []int32{7}}, 100},
	"spike at the seam":   {Solid{XY: []float64{-20, 0, 0, 0, 10, 0, 10, 10, 0, 10, 0, 0, -20, 0}, Ends: []int32{7}}, 100},
	"court":               {Solid{XY: []float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0, 2, 2, 8, 2, 8, 8, 2, 8, 2, 2}, Ends: []int32{5, 10}}, 64},
	"court, both ccw":     {Solid{XY: []float64{0, 0, 10, 0, 10, 10, 0, 10, 3, 3, 7, 3, 7, 7, 3, 7}, Ends: []int32{4, 8}}, 84},
	"touching holes":      {Solid{XY: []float64{0, 0, 6, 0, 6, 6, 0, 6, 1, 1, 1, 3, 3, 3, 3, 1, 3, 3, 3, 5, 5, 5, 5, 3}, Ends: []int32{4, 8, 12}}, 28},
	"hole on the shell":   {Solid{XY: []float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 2, 2, 1, 2, 3}, Ends: []int32{4, 7}}, 14},
	"L":                   {Solid{XY: []float64{0, 0, 8, 0, 8, 3, 3, 3, 3, 8, 0, 8}, Ends: []int32{6}}, 39},
	"collinear with hole": {Solid{XY: []float64{0, 0, 8, 0, 8, 8, 0, 8, 2, 4, 4, 4, 4, 2, 6, 4, 4, 6}, Ends: []int32{4, 9}}, 64 - 6},
	"two parts":           {Solid{XY: []float64{0, 0, 2, 0, 2, 2, 0, 2, 5, 5, 8, 5, 8, 8, 5, 8, 6, 6, 7, 6, 7, 7, 6, 7}, Ends: []int32{4, 8, 12}, Parts: []int32{1, 3}}, 12},
	"one part of nothing": {Solid{XY: []float64{0, 0, 2, 0, 2, 2, 0, 2, 5, 5, 8, 5, 5, 5}, Ends: []int32{4, 7}, Parts: []int32{1, 2}}, 4},
}

func TestPrismsAreClosedAndLookOutward(t *testing.T) {
	for name, c := range prismCases {
		for _, columns := range []Columns{0, WithNormals} {
			t.Run(name, func(t *testing.T) {
				var e Extruder
				m := Mesh{Columns: columns}
				s := c.s
				s.Base, s.Top = -2, 7
				b := e.Extrude(Sinks{&m, &m, &m}, &s)
				require.Equal(t, OK, b.Fault)
				require.LessOrEqual(t, b.Deviation, 1e-12)
				requireClosed(t, &m)
				require.InEpsilon(t, 9*c.area, volume(&m), 1e-6)
				if columns&WithNormals != 0 {
					requireNormalsOutward(t, &m)
				}
			})
		}
	}
}

func TestSurfacesGoToTheirSinks(t *testing.T) {
	var roof, wall, floor Mesh
	roof.Columns, wall.Columns, floor.Columns = WithNormals, WithNormals|WithFeatures, WithNormals|WithColors
	roof.Pen.Feature, wall.Pen.Feature, floor.Pen.Color = 4, 4, Color{9, 8, 7, 255}
	var e Extruder
	s := Solid{XY: []float64{0, 0, 10, 0, 10, 5, 0, 5}, Ends: []int32{4}, Base: 1, Top: 4}
	require.Equal(t, OK, e.Extrude(Sinks{&roof, &wall, &floor}, &s).Fault)
	require.Equal(t, []int{2, 8, 2}, []int{roof.Triangles(), wall.Triangles(), floor.Triangles()})
	for i := 2; i < len(roof.Positions); i += 3 {
		require.Equal(t, float32(4), roof.Positions[i])
		require.Equal(t, []int8{0, 0, 127}, roof.Normals[i-2:i+1])
	}
	require.Equal(t, []uint32{4, 4}, wall.Features[:2])
	require.Equal(t, []uint8{9, 8, 7, 255}, floor.Colors[:4])
	require.Empty(t, roof.Features)
	roof.Reset()
	require.Equal(t, OK, e.Extrude(Sinks{Roof: &roof}, &s).Fault)
	require.Equal(t, 2, roof.Triangles())
}

func TestSmoothCornersShareVertices(t *testing.T) {
	var xy []float64
	for i := range 24 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / 24)
		xy = append(xy, 5*cos, 5*sin)
	}
	s := Solid{XY: xy, Ends: []int32{24}, Top: 10}
	sharp, smooth := Mesh{Columns: WithNormals}, Mesh{Columns: WithNormals}
	e := Extruder{}
	e.Extrude(Sinks{&sharp, &sharp, &sharp}, &s)
	e.CreaseCos = 0.9
	e.Extrude(Sinks{&smooth, &smooth, &smooth}, &s)
	require.Equal(t, 24*2+24*4, sharp.Vertices())
	require.Equal(t, 24*2+24*2, smooth.Vertices())
	requireClosed(t, &smooth)
	requireNormalsOutward(t, &smooth)
	require.InEpsilon(t, volume(&sharp), volume(&smooth), 1e-12)

	// a half-round end keeps its sharp corners
	s = Solid{XY: append([]float64{-20, -5}, append(append([]float64{}, xy[36:48]...), append(xy[:14:14], -20, 5)...)...), Top: 3}
	s.Ends = []int32{int32(len(s.XY) / 2)}
	half := Mesh{Columns: WithNormals}
	e.Extrude(Sinks{&half, &half, &half}, &s)
	requireClosed(t, &half)
	requireNormalsOutward(t, &half)
}

func TestToleranceDropsWaves(t *testing.T) {
	var xy []float64
	for i := range 100 {
		xy = append(xy, float64(i)/10, 0.002*float64(i%2))
	}
	xy = append(xy, 9.9, 5, 0, 5)
	m := Mesh{}
	e := Extruder{Tolerance: 0.01}
	s := Solid{XY: xy, Ends: []int32{102}, Top: 3}
	require.Equal(t, OK, e.Extrude(Sinks{&m, &m, &m}, &s).Fault)
	require.Less(t, m.Vertices(), 20)
	requireClosed(t, &m)
}

func TestToleranceHoldsForEveryVertex(t *testing.T) {
	// a finely digitised round tower must not be cut to a coarse one
	var xy []float64
	for i := range 3000 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / 3000)
		xy = append(xy, 5*cos, 5*sin)
	}
	m := Mesh{}
	e := Extruder{Tolerance: 0.004}
	require.Equal(t, OK, e.Extrude(Sinks{Roof: &m}, &Solid{XY: xy, Ends: []int32{3000}, Top: 3}).Fault)
	require.Less(t, m.Vertices(), 100)
	for i := 0; i < m.Vertices(); i++ { // the middle of each wall lies within the tolerance of the circle
		a, b := 3*i, 3*((i+1)%m.Vertices())
		middle := math.Hypot(float64(m.Positions[a]+m.Positions[b])/2, float64(m.Positions[a+1]+m.Positions[b+1])/2)
		require.InDelta(t, 5, middle, 0.0045)
	}
	// a ring that is all within the tolerance of a line is nothing
	m.Reset()
	require.Equal(t, NoArea, e.Extrude(Sinks{Roof: &m}, &Solid{XY: []float64{0, 0, 5, 0.001, 9, 0, 4, -0.002}, Ends: []int32{4}, Top: 3}).Fault)
	require.Zero(t, m.Triangles())
}

func TestRoofs(t *testing.T) {
	rectangle := []float64{0, 0, 12, 0, 12, 8, 0, 8}
	trapezoid := []float64{0, 0, 14, 1, 11, 8, 1, 7}
	var octagon []float64
	for i := range 8 {
		sin, cos := math.Sincos(math.Pi * float64(i) / 4)
		octagon = append(octagon, 6*cos, 6*sin)
	}
	octagonArea := 0.5 * 8 * 36 * math.Sin(math.Pi/4)
	for name, c := range map[string]struct {
		xy     []float64
		roof   RoofShape
		built  RoofShape
		volume float64 // with base 0, eaves 6, top 9; 0 is not checked
	}{
		"flat":              {rectangle, Flat, Flat, 96 * 9},
		"gabled":            {rectangle, Gabled, Gabled, 96*6 + 96*3/2},
		"hipped":            {rectangle, Hipped, Hipped, 96*6 + 8*4*3/2.0 + 2*(8*4*3/3.0)},
		"pyramidal":         {rectangle, Pyramidal, Pyramidal, 96*6 + 96},
		"shed":              {rectangle, Shed, Shed, 96*6 + 96*3/2},
		"square hipped":     {[]float64{0, 0, 8, 0, 8, 8, 0, 8}, Hipped, Hipped, 64*6 + 64},
		"trapezoid gabled":  {trapezoid, Gabled, Gabled, 0},
		"trapezoid hipped":  {trapezoid, Hipped, Hipped, 0},
		"trapezoid shed":    {trapezoid, Shed, Shed, 0},
		"octagon, pyramid":  {octagon, Pyramidal, Pyramidal, octagonArea * 7},
		"octagon, gabled":   {octagon, Gabled, Flat, octagonArea * 9},
		"clockwise gabled":  {[]float64{0, 0, 0, 8, 12, 8, 12, 0}, Gabled, Gabled, 96*6 + 96*3/2},
		"concave quad":      {[]float64{0, 0, 10, 0, 2, 2, 0, 10}, Hipped, Flat, 0},
		"pyramid over an L": {[]float64{0, 0, 9, 0, 9, 1, 1, 1, 1, 9, 0, 9}, Pyramidal, Flat, 17 * 9},
		"needless, gabled":  {[]float64{0, 0, 6, 0, 12, 0, 12, 8, 5, 8, 0, 8, 0, 4}, Gabled, Gabled, 96*6 + 96*3/2},
		"standing, gabled":  {[]float64{0, 0, 8, 0, 8, 12, 0, 12}, Gabled, Gabled, 96*6 + 96*3/2},
		"turned, shed":      {[]float64{0, 0, 8, 8, 2, 14, -6, 6}, Shed, Shed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := Mesh{Columns: WithNormals}
			var e Extruder
			s := Solid{XY: c.xy, Ends: []int32{int32(len(c.xy) / 2)}, Top: 9, Eaves: 6, Roof: c.roof, Downhill: math.NaN()}
			b := e.Extrude(Sinks{&m, &m, &m}, &s)
			require.Equal(t, OK, b.Fault)
			require.Equal(t, c.built, b.Roof)
			requireClosed(t, &m)
			requireNormalsOutward(t, &m)
			_, hi, _ := m.Bounds()
			require.Equal(t, float32(9), hi[2])
			if c.volume > 0 {
				require.InEpsilon(t, c.volume, volume(&m), 1e-6)
			}
		})
	}
}

func TestRoofHeightsAndDirections(t *testing.T) {
	lowest := func(m *Mesh) (x, y float32) { // of the roof's vertices
		z := float32(math.Inf(1))
		for i := 0; i < len(m.Positions); i += 3 {
			if m.Positions[i+2] < z {
				x, y, z = m.Positions[i], m.Positions[i+1], m.Positions[i+2]
			}
		}
		return x, y
	}
	rectangle := []float64{0, 0, 12, 0, 12, 8, 0, 8}
	for downhill, at := range map[float64]func(x, y float32) bool{
		0:   func(_, y float32) bool { return y == 8 }, // north
		90:  func(x, _ float32) bool { return x == 12 },
		180: func(_, y float32) bool { return y == 0 },
		270: func(x, _ float32) bool { return x == 0 },
	} {
		roof := Mesh{}
		e := Extruder{}
		s := Solid{XY: rectangle, Ends: []int32{4}, Top: 9, Eaves: 6, Roof: Shed, Downhill: downhill}
		require.Equal(t, Shed, e.Extrude(Sinks{Roof: &roof}, &s).Roof)
		x, y := lowest(&roof)
		require.True(t, at(x, y), "downhill %v: lowest at %v %v", downhill, x, y)
	}
	// unknown eaves: a slope of about 35° over the shorter half, at most half the height
	roof := Mesh{}
	e := Extruder{}
	s := Solid{XY: rectangle, Ends: []int32{4}, Top: 9, Eaves: math.NaN(), Roof: Gabled, Downhill: math.NaN()}
	e.Extrude(Sinks{Roof: &roof}, &s)
	lo, _, _ := roof.Bounds()
	require.InDelta(t, 9-0.7*4, lo[2], 1e-6)
	roof.Reset()
	s.Top = 3
	e.Extrude(Sinks{Roof: &roof}, &s)
	lo, _, _ = roof.Bounds()
	require.InDelta(t, 1.5, lo[2], 1e-6)
}

func TestExtrudeFaults(t *testing.T) {
	square := []float64{0, 0, 1, 0, 1, 1, 0, 1}
	nan := math.NaN()
	for name, c := range map[string]struct {
		s     Solid
		fault Fault
	}{
		"top not a number":  {Solid{XY: square, Ends: []int32{4}, Top: nan}, BadHeight},
		"base infinite":     {Solid{XY: square, Ends: []int32{4}, Base: math.Inf(-1), Top: 3}, BadHeight},
		"no height":         {Solid{XY: square, Ends: []int32{4}, Base: 3, Top: 3}, BadHeight},
		"below the base":    {Solid{XY: square, Ends: []int32{4}, Base: 3, Top: 2}, BadHeight},
		"no rings":          {Solid{Top: 3}, BadCoordinates},
		"odd ordinates":     {Solid{XY: square[:7], Ends: []int32{3}, Top: 3}, BadCoordinates},
		"ring too long":     {Solid{XY: square, Ends: []int32{5}, Top: 3}, BadCoordinates},
		"parts too long":    {Solid{XY: square, Ends: []int32{4}, Parts: []int32{2}, Top: 3}, BadCoordinates},
		"not a number":      {Solid{XY: []float64{0, 0, 1, nan, 1, 1}, Ends: []int32{3}, Top: 3}, BadCoordinates},
		"a line":            {Solid{XY: []float64{0, 0, 1, 1, 2, 2, 0, 0}, Ends: []int32{4}, Top: 3}, NoArea},
		"a point":           {Solid{XY: []float64{1, 1}, Ends: []int32{1}, Top: 3}, NoArea},
		"no parts":          {Solid{XY: square, Ends: []int32{4}, Parts: []int32{}, Top: 3}, NoArea},
		"a bowtie is drawn": {Solid{XY: []float64{0, 0, 2, 2, 2, 0, 0, 2}, Ends: []int32{4}, Top: 3}, Approximated},
	} {
		t.Run(name, func(t *testing.T) {
			m := Mesh{Columns: WithNormals}
			var e Extruder
			b := e.Extrude(Sinks{&m, &m, &m}, &c.s)
			require.Equal(t, c.fault, b.Fault)
			require.Equal(t, c.fault > Approximated, m.Triangles() == 0)
		})
	}
	require.Equal(t, "bad height", BadHeight.String())
	require.Equal(t, "bad coordinates", BadCoordinates.String())
}

func TestCrossedFootprintsAreMended(t *testing.T) {
	for name, c := range map[string]struct {
		xy   []float64
		ends []int32
		area float64
	}{
		"bowtie":            {[]float64{0, 0, 10, 10, 10, 0, 0, 10}, []int32{4}, 50},
		"uneven bowtie":     {[]float64{0, 0, 10, 0, 2, 8, 2, -4}, []int32{4}, 0},
		"pentagram":         {[]float64{0, 10, 5.877853, -8.090170, -9.510565, 3.090170, 9.510565, 3.090170, -5.877853, -8.090170}, []int32{5}, 0},
		"hole over border":  {[]float64{0, 0, 10, 0, 10, 10, 0, 10, 5, 2, 15, 2, 15, 8, 5, 8}, []int32{4, 8}, 70},
		"overlapping holes": {[]float64{0, 0, 10, 0, 10, 10, 0, 10, 1, 1, 6, 1, 6, 6, 1, 6, 4, 4, 9, 4, 9, 9, 4, 9}, []int32{4, 8, 12}, 54},
		"hole outside":      {[]float64{0, 0, 10, 0, 10, 10, 0, 10, 15, 0, 20, 0, 20, 5}, []int32{4, 7}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			m := Mesh{Columns: WithNormals}
			var e Extruder
			b := e.Extrude(Sinks{&m, &m, &m}, &Solid{XY: c.xy, Ends: c.ends, Top: 3})
			require.Equal(t, Approximated, b.Fault)
			require.Greater(t, b.Deviation, 1e-3)
			requireClosed(t, &m)
			requireNormalsOutward(t, &m)
			require.Positive(t, volume(&m))
			if c.area > 0 {
				require.InEpsilon(t, 3*c.area, volume(&m), 1e-3)
			}
		})
	}
}

func TestParseRoofShape(t *testing.T) {
	require.Equal(t, []RoofShape{Gabled, Hipped, Pyramidal, Shed, Flat, Flat}, []RoofShape{
		ParseRoofShape("gabled"), ParseRoofShape("1040"), ParseRoofShape("pyramidal"), ParseRoofShape("skillion"), ParseRoofShape("flat"), ParseRoofShape("?")})
}
