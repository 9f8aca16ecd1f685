package importers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/spatial"
)

func TestInvalid(t *testing.T) {
	square := []float64{0, 0, 10, 0, 10, 10, 0, 10, 0, 0}
	multi := func(rings ...[]float64) spatial.Geometry {
		g := spatial.NewPolygon(rings...)
		g.Type = spatial.MultiPolygon
		for i := range rings {
			g.Parts = append(g.Parts, int32(i+1))
		}
		return g
	}
	for name, c := range map[string]struct {
		g    spatial.Geometry
		want string
	}{
		"null":               {spatial.Geometry{}, ""},
		"point":              {spatial.NewPoint(1, 2), ""},
		"square":             {spatial.NewPolygon(square), ""},
		"square with a hole": {spatial.NewPolygon(square, []float64{1, 1, 1, 2, 2, 2, 1, 1}), ""},
		"empty":              {spatial.Geometry{Type: spatial.Polygon}, ""},
		"line":               {spatial.NewLineString([]float64{0, 0, 1, 1}), ""},
		"not closed":         {spatial.NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 1}), "ring 0 is not closed (first and last position differ)"},
		"bow tie":            {spatial.NewPolygon([]float64{0, 0, 10, 10, 10, 0, 0, 10, 0, 0}), "a ring that crosses or touches itself, near 0 0"},
		"hole outside":       {spatial.NewPolygon(square, []float64{20, 20, 20, 21, 21, 21, 20, 20}), "a hole outside its shell, near 20 20"},
		"hole across":        {spatial.NewPolygon(square, []float64{5, 5, 5, 15, 8, 15, 8, 5, 5, 5}), "rings that cross or share an edge"},
		"hole in a hole":     {spatial.NewPolygon(square, []float64{1, 1, 1, 9, 9, 9, 9, 1, 1, 1}, []float64{2, 2, 2, 3, 3, 3, 2, 2}), "a hole inside another hole"},
		"overlap":            {multi(square, []float64{5, 5, 15, 5, 15, 15, 5, 15, 5, 5}), "polygons of one feature that overlap or share an edge"},
		"line of one place":  {spatial.NewLineString([]float64{1, 2, 1, 2}), "a line without length, near 1 2"},
		"in a collection":    {spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{spatial.NewPoint(1, 1), spatial.NewPolygon([]float64{0, 0, 10, 10, 10, 0, 0, 10, 0, 0})}}, "a ring that crosses or touches itself, near 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			got, bad := importers.Invalid(c.g)
			require.Equal(t, c.want != "", bad, got)
			if bad {
				require.Contains(t, got, c.want)
			}
		})
	}
}
