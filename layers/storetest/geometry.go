package storetest

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// Geometries is one of each kind that a store must keep: every type, empty,
// with several parts, with holes, with and without heights, and null.
func Geometries() map[string]spatial.Geometry {
	shell := []float64{10, 10, 20, 10, 20, 20, 10, 20, 10, 10}
	hole := []float64{12, 12, 12, 14, 14, 14, 14, 12, 12, 12}
	other := []float64{-30, -30, -20, -30, -20, -20, -30, -30}
	g := map[string]spatial.Geometry{
		"null":       {},
		"point":      spatial.NewPoint(112.98, 28.2),
		"line":       spatial.NewLineString([]float64{1, 2, 3, 4, 5, 6.5}),
		"polygon":    spatial.NewPolygon(shell),
		"hole":       spatial.NewPolygon(shell, hole),
		"multipoint": {Type: spatial.MultiPoint, XY: []float64{1, 2, 3, 4, 1, 2}},
		"multiline":  {Type: spatial.MultiLineString, XY: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, Ends: []int32{2, 5}},
		"multipolygon": {Type: spatial.MultiPolygon, XY: append(append(append([]float64(nil), shell...), hole...), other...),
			Ends: []int32{5, 10, 14}, Parts: []int32{2, 3}},
		"multi of one":       {Type: spatial.MultiPolygon, XY: shell, Ends: []int32{5}, Parts: []int32{1}},
		"empty point":        {Type: spatial.Point},
		"empty line":         {Type: spatial.LineString},
		"empty polygon":      {Type: spatial.Polygon},
		"empty multipoint":   {Type: spatial.MultiPoint},
		"empty multiline":    {Type: spatial.MultiLineString},
		"empty multipolygon": {Type: spatial.MultiPolygon},
		"empty collection":   {Type: spatial.GeometryCollection},
		"whole world":        spatial.NewPolygon([]float64{-180, -90, 180, -90, 180, 90, -180, 90, -180, -90}),
	}
	g["collection"] = spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{
		g["point"], g["multiline"], g["hole"], {Type: spatial.GeometryCollection, Members: []spatial.Geometry{g["multipoint"]}},
	}}
	for name, flat := range maps.Clone(g) {
		if !flat.IsEmpty() {
			g[name+" with heights"] = withHeights(flat)
		}
	}
	return g
}

// withHeights gives each vertex a height of its own.
func withHeights(g spatial.Geometry) spatial.Geometry {
	g = g.Clone()
	for i := range len(g.XY) / 2 {
		g.Z = append(g.Z, -9.75+float64(i)*1.125)
	}
	for i := range g.Members {
		g.Members[i] = withHeights(g.Members[i])
	}
	return g
}

func testGeometryTypes(t *testing.T, s layers.Store) {
	all := Geometries()
	create(t, s, mixed("any"))
	want := map[string]*layers.Feature{}
	var fs []*layers.Feature
	for name, g := range all {
		f := feature(name, 0, 0, name, 1)
		f.Geometry = g
		want[name] = f
		fs = append(fs, f)
	}
	insert(t, s, "any", fs...)
	check := func(layer layers.ID) {
		t.Helper()
		got := scan(t, s, layer, layers.Query{})
		require.Len(t, got, len(want))
		for name, f := range want {
			equalFeatures(t, f, got[name])
		}
	}
	check("any")
	create(t, s, mixed("loaded"))
	load(t, s, "loaded", layers.Append, fs...)
	check("loaded")

	// Layers of one type: a Multi type admits its single type too, all admit null.
	for _, typ := range []spatial.Type{spatial.Point, spatial.LineString, spatial.Polygon, spatial.MultiPoint, spatial.MultiLineString, spatial.MultiPolygon, spatial.GeometryCollection} {
		for _, z := range []bool{false, true} {
			l := mixed(layers.ID(fmt.Sprintf("only-%d-%t", typ, z)))
			l.GeometryType, l.HasZ = typ, z
			create(t, s, l)
			admitted := map[string]*layers.Feature{}
			change(t, s, func(tx layers.Tx) error {
				for name, g := range all {
					f := feature(name, 0, 0, name, 1)
					f.Geometry = g
					if err := tx.Insert(t.Context(), l.ID, f); !l.Admits(g.Type) {
						require.ErrorIs(t, err, layers.ErrInvalid, "%s in a layer of %v", name, typ)
					} else {
						require.NoError(t, err, "%s in a layer of %v", name, typ)
						admitted[name] = f
					}
				}
				return nil
			})
			got := scan(t, s, l.ID, layers.Query{})
			require.Len(t, got, len(admitted))
			for name, f := range admitted {
				equalFeatures(t, f, got[name])
			}
		}
	}
}

func testCoordinatesExact(t *testing.T, s layers.Store) {
	l := mixed("a")
	l.HasZ, l.CRS = true, 4490
	create(t, s, l)
	x := []float64{0.1 + 0.2, math.Nextafter(180, 0), -180, 5e-324, math.Copysign(0, -1), 112.98333333333333, -74.00597190000001, 1e-17}
	y := []float64{math.Nextafter(28.2, 29), -90, 90, -5e-324, 0, 1.0 / 3, 40.712776, math.Copysign(0, -1)}
	z := []float64{-11034.123456789, 8848.86, math.MaxFloat64, -math.MaxFloat64, 5e-324, math.Copysign(0, -1), 1e-300, 0.1}
	f := &layers.Feature{ID: "exact", Geometry: spatial.Geometry{Type: spatial.LineString, Z: z, Ends: []int32{int32(len(x))}}, Properties: make([]layers.Value, 2)}
	for i := range x {
		f.Geometry.XY = append(f.Geometry.XY, x[i], y[i])
	}
	insert(t, s, "a", f)
	equalFeatures(t, f, scan(t, s, "a", layers.Query{})["exact"])
	got, err := get(t, s, "a", "exact")
	require.NoError(t, err)
	equalFeatures(t, f, got)
}

func testGeometryRefused(t *testing.T, s layers.Store) {
	l := mixed("a")
	l.GeometryType = spatial.MultiPolygon
	create(t, s, l)
	before := headOf(t, s)
	for name, g := range map[string]spatial.Geometry{
		"wrong type":    spatial.NewPoint(1, 2),
		"ring open":     spatial.NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 1}),
		"ring short":    spatial.NewPolygon([]float64{0, 0, 1, 0, 0, 0}),
		"not a number":  spatial.NewPolygon([]float64{0, 0, math.NaN(), 0, 1, 1, 0, 0}),
		"infinite":      spatial.NewPolygon([]float64{0, 0, math.Inf(1), 0, 1, 1, 0, 0}),
		"longitude 400": spatial.NewPolygon([]float64{0, 0, 400, 0, 1, 1, 0, 0}),
		"latitude 91":   spatial.NewPolygon([]float64{0, 0, 1, 91, 1, 1, 0, 0}),
	} {
		f := feature("x", 0, 0, "", 0)
		f.Geometry = g
		_, err := s.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), "a", f) })
		require.ErrorIs(t, err, layers.ErrInvalid, name)
		require.NotContains(t, err.Error(), "\n", name)
		_, err = s.Load(t.Context(), "a", layers.Append, seq(f))
		require.ErrorIs(t, err, layers.ErrInvalid, name)
	}
	require.Equal(t, before, headOf(t, s))
	require.Empty(t, scan(t, s, "a", layers.Query{}))
}
