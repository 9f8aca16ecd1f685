package importers

import (
	"fmt"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"twind/spatial"
)

// faultOf tells what makes a geometry invalid by OGC 06-103r4 §6.1 although its
// structure is sound: a ring that crosses itself, a hole outside its shell, and
// so on; "" for a valid one. near is "x y" in the geometry's coordinates, or "".
func faultOf(g spatial.Geometry) (fault, near string) {
	var err error
	switch g.Type {
	case spatial.Polygon:
		if len(g.Ends) > 0 {
			err = polygonOf(g, 0, len(g.Ends)).Validate()
		}
	case spatial.MultiPolygon:
		polys := make([]geom.Polygon, len(g.Parts))
		for i := range polys {
			lo, hi := g.PolygonPaths(i)
			polys[i] = polygonOf(g, lo, hi)
		}
		err = geom.NewMultiPolygon(polys).Validate()
	case spatial.LineString, spatial.MultiLineString:
		for i := range g.Ends {
			if xy, _ := g.Path(i); onePlace(xy) {
				return "a line without length", fmt.Sprintf("%v %v", xy[0], xy[1])
			}
		}
	case spatial.GeometryCollection:
		for _, m := range g.Members {
			if fault, near = faultOf(m); fault != "" {
				return fault, near
			}
		}
	}
	if err == nil {
		return "", ""
	}
	text := err.Error()
	if i := strings.LastIndexByte(text, '{'); i >= 0 {
		near = strings.TrimRight(text[i+1:], "})")
	}
	for _, f := range faults {
		if strings.Contains(text, f.says) {
			return f.means, near
		}
	}
	return "a fault: " + text, near
}

// faults translates what simplefeatures says.
var faults = []struct{ says, means string }{
	{"ring not simple", "a ring that crosses or touches itself"},
	{"only one distinct XY", "a ring or line without length"},
	{"nested rings", "a hole inside another hole"},
	{"interior ring outside", "a hole outside its shell"},
	{"disconnected interior", "holes that cut the area apart"},
	{"rings intersect at multiple", "rings that cross or share an edge"},
	{"child polygons touch", "polygons of one feature that overlap or share an edge"},
	{"child polygon", "polygons of one feature that overlap or share an edge"},
	{"polygons intersect", "polygons of one feature that overlap or share an edge"},
}

func onePlace(xy []float64) bool {
	for i := 2; i+1 < len(xy); i += 2 {
		if xy[i] != xy[0] || xy[i+1] != xy[1] {
			return false
		}
	}
	return true
}

func polygonOf(g spatial.Geometry, lo, hi int) geom.Polygon {
	rings := make([]geom.LineString, 0, hi-lo)
	for i := lo; i < hi; i++ {
		xy, _ := g.Path(i)
		rings = append(rings, geom.NewLineString(geom.NewSequence(xy, geom.DimXY)))
	}
	return geom.NewPolygon(rings)
}

// Invalid tells whether a geometry is malformed or, by OGC 06-103r4 §6.1, not
// valid, and says why and where in one phrase.
func Invalid(g spatial.Geometry) (reason string, bad bool) {
	if err := g.Check(); err != nil {
		return strings.TrimPrefix(err.Error(), spatial.ErrMalformed.Error()+": "), true
	}
	fault, near := faultOf(g)
	if fault == "" {
		return "", false
	}
	if near != "" {
		fault += ", near " + near
	}
	return fault, true
}
