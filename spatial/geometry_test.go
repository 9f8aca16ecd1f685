package spatial_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
)

func TestParseType(t *testing.T) {
	for typ := spatial.Unknown; typ <= spatial.GeometryCollection; typ++ {
		for _, name := range []string{typ.String(), typ.String() + "Z", typ.String() + " Z"} {
			got, ok := spatial.ParseType(name)
			require.True(t, ok, name)
			require.Equal(t, typ, got, name)
		}
	}
	got, ok := spatial.ParseType("MULTIPOLYGON ZZ")
	require.False(t, ok)
	require.Equal(t, spatial.Unknown, got)
	for _, name := range []string{"", "Z", "z", "curve", "point2", "Punkt", "Multi"} {
		_, ok := spatial.ParseType(name)
		require.False(t, ok, name)
	}
	require.Equal(t, "Type(99)", spatial.Type(99).String())
}

func TestTypes(t *testing.T) {
	for typ, want := range map[spatial.Type]struct {
		dimension int
		single    spatial.Type
	}{
		spatial.Unknown: {-1, spatial.Unknown}, spatial.GeometryCollection: {-1, spatial.GeometryCollection},
		spatial.Point: {0, spatial.Point}, spatial.MultiPoint: {0, spatial.Point},
		spatial.LineString: {1, spatial.LineString}, spatial.MultiLineString: {1, spatial.LineString},
		spatial.Polygon: {2, spatial.Polygon}, spatial.MultiPolygon: {2, spatial.Polygon},
	} {
		require.Equal(t, want.dimension, typ.Dimension(), typ)
		require.Equal(t, want.single, typ.Single(), typ)
	}
}

func square(x, y, size float64) []float64 {
	return []float64{x, y, x + size, y, x + size, y + size, x, y + size, x, y}
}

func multiPolygon() spatial.Geometry {
	g := spatial.NewPolygon(square(0, 0, 10), square(2, 2, 2), square(20, 20, 5))
	g.Type, g.Parts = spatial.MultiPolygon, []int32{2, 3}
	for i := range len(g.XY) / 2 {
		g.Z = append(g.Z, float64(i))
	}
	return g
}

func TestPaths(t *testing.T) {
	g := multiPolygon()
	require.NoError(t, g.Check())
	require.Equal(t, 15, g.NumVertices())
	require.Equal(t, 3, g.NumPaths())
	require.Equal(t, 2, g.NumPolygons())
	lo, hi := g.PolygonPaths(0)
	require.Equal(t, [2]int{0, 2}, [2]int{lo, hi})
	lo, hi = g.PolygonPaths(1)
	require.Equal(t, [2]int{2, 3}, [2]int{lo, hi})
	xy, z := g.Path(1)
	require.Equal(t, square(2, 2, 2), xy)
	require.Equal(t, []float64{5, 6, 7, 8, 9}, z)
	require.Equal(t, spatial.Envelope{MinX: 0, MinY: 0, MaxX: 25, MaxY: 25}, g.Envelope())
	require.True(t, g.HasZ())

	p := spatial.NewPolygon(square(0, 0, 1), square(0.2, 0.2, 0.1))
	require.Equal(t, 1, p.NumPolygons())
	lo, hi = p.PolygonPaths(0)
	require.Equal(t, [2]int{0, 2}, [2]int{lo, hi})
	_, z = p.Path(0)
	require.Nil(t, z)
	require.Zero(t, spatial.NewPoint(1, 2).NumPolygons())
	require.Zero(t, spatial.Geometry{Type: spatial.Polygon}.NumPolygons())
}

func TestEmptyAndNull(t *testing.T) {
	require.True(t, spatial.Geometry{}.IsNull())
	require.True(t, spatial.Geometry{}.IsEmpty())
	for typ := spatial.Point; typ <= spatial.GeometryCollection; typ++ {
		g := spatial.Geometry{Type: typ}
		require.False(t, g.IsNull(), typ)
		require.True(t, g.IsEmpty(), typ)
		require.True(t, g.Envelope().IsEmpty(), typ)
		require.NoError(t, g.Check(), typ)
	}
	c := spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{{Type: spatial.Point}, spatial.NewPoint(3, 4)}}
	require.False(t, c.IsEmpty())
	require.Equal(t, spatial.Envelope{MinX: 3, MinY: 4, MaxX: 3, MaxY: 4}, c.Envelope())
	require.Equal(t, 1, c.NumVertices())
	require.False(t, c.HasZ())
	c.Members = append(c.Members, multiPolygon())
	require.True(t, c.HasZ())
	require.True(t, spatial.NewLineString(nil).IsEmpty())
	require.NoError(t, spatial.NewLineString(nil).Check())
}

func TestClone(t *testing.T) {
	c := spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{multiPolygon(), spatial.NewPoint(1, 2)}}
	d := c.Clone()
	require.True(t, c.Equal(d))
	m := &c.Members[0]
	m.XY[0], m.Z[0], m.Ends[0], m.Parts[0] = 99, 99, 99, 99
	c.Members[1].XY[0] = 99
	require.True(t, multiPolygon().Equal(d.Members[0]), "the copy has slices of its own")
	require.True(t, spatial.NewPoint(1, 2).Equal(d.Members[1]))
	require.Nil(t, spatial.NewPoint(1, 2).Clone().Z)
}

func TestCheck(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	nested := spatial.NewPoint(1, 2)
	for range spatial.MaxDepth {
		nested = spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{nested}}
	}
	require.NoError(t, nested.Check())
	with := func(change func(*spatial.Geometry)) spatial.Geometry {
		g := multiPolygon()
		change(&g)
		return g
	}
	for name, g := range map[string]spatial.Geometry{
		"odd ordinates":         {Type: spatial.MultiPoint, XY: []float64{1, 2, 3}},
		"heights too few":       {Type: spatial.MultiPoint, XY: []float64{1, 2, 3, 4}, Z: []float64{1}},
		"NaN":                   spatial.NewPoint(nan, 1),
		"infinite":              spatial.NewPoint(1, inf),
		"NaN height":            {Type: spatial.Point, XY: []float64{1, 2}, Z: []float64{nan}},
		"two points":            {Type: spatial.Point, XY: []float64{1, 2, 3, 4}},
		"unknown type":          {Type: 9},
		"line of one":           spatial.NewLineString([]float64{1, 2}),
		"line of two paths":     {Type: spatial.LineString, XY: []float64{1, 2, 3, 4, 5, 6, 7, 8}, Ends: []int32{2, 4}},
		"line without end":      {Type: spatial.LineString, XY: []float64{1, 2, 3, 4}},
		"ends beyond":           {Type: spatial.LineString, XY: []float64{1, 2, 3, 4}, Ends: []int32{3}},
		"ends fall":             {Type: spatial.MultiLineString, XY: []float64{1, 2, 3, 4}, Ends: []int32{2, 1}},
		"ends negative":         {Type: spatial.MultiLineString, XY: []float64{1, 2, 3, 4}, Ends: []int32{-1, 2}},
		"empty part":            {Type: spatial.MultiLineString, XY: []float64{1, 2, 3, 4}, Ends: []int32{2, 2}},
		"ring of three":         spatial.NewPolygon([]float64{0, 0, 1, 0, 0, 0}),
		"ring open":             spatial.NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 1}),
		"hole open":             spatial.NewPolygon(square(0, 0, 1), []float64{0, 0, 1, 0, 1, 1, 0, 1}),
		"parts beyond":          with(func(g *spatial.Geometry) { g.Parts = []int32{2, 4} }),
		"parts missing":         with(func(g *spatial.Geometry) { g.Parts = []int32{2} }),
		"part without ring":     with(func(g *spatial.Geometry) { g.Parts = []int32{2, 2, 3} }),
		"part negative":         with(func(g *spatial.Geometry) { g.Parts = []int32{-1, 3} }),
		"member's fault":        {Type: spatial.GeometryCollection, Members: []spatial.Geometry{spatial.NewPoint(nan, 1)}},
		"nested deeper":         {Type: spatial.GeometryCollection, Members: []spatial.Geometry{nested}},
		"multipoint's infinity": {Type: spatial.MultiPoint, XY: []float64{1, 2, math.Inf(1), 4}},
	} {
		require.ErrorIs(t, g.Check(), spatial.ErrMalformed, name)
	}
}
