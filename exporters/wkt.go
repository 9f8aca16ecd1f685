package exporters

import (
	"strings"

	"twind/layers/geojson"
	"twind/spatial"
)

// appendWKT appends g as well-known text (OGC 06-103r4 §7), such as
// "POINT Z (112.98 28.2 44.25)" or "POLYGON EMPTY".
func appendWKT(dst []byte, g spatial.Geometry) []byte {
	dst = append(dst, strings.ToUpper(g.Type.String())...)
	z := g.HasZ()
	if z {
		dst = append(dst, " Z"...)
	}
	switch {
	case g.Type == spatial.GeometryCollection && len(g.Members) > 0:
		dst = append(dst, " ("...)
		for i := range g.Members {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendWKT(dst, g.Members[i])
		}
		return append(dst, ')')
	case g.Type == spatial.GeometryCollection || len(g.XY) == 0:
		return append(dst, " EMPTY"...)
	}
	dst = append(dst, ' ')
	switch g.Type {
	case spatial.MultiPoint:
		dst = append(dst, '(')
		for i := range len(g.XY) / 2 {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendVertices(dst, &g, i, i+1)
		}
		return append(dst, ')')
	case spatial.Point:
		return appendVertices(dst, &g, 0, 1)
	case spatial.LineString:
		return appendVertices(dst, &g, 0, len(g.XY)/2)
	case spatial.MultiPolygon:
		dst = append(dst, '(')
		for i := range g.Parts {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			lo, hi := g.PolygonPaths(i)
			dst = appendPaths(dst, &g, lo, hi)
		}
		return append(dst, ')')
	}
	return appendPaths(dst, &g, 0, len(g.Ends))
}

func appendPaths(dst []byte, g *spatial.Geometry, lo, hi int) []byte {
	dst = append(dst, '(')
	v := 0
	if lo > 0 {
		v = int(g.Ends[lo-1])
	}
	for i := lo; i < hi; i++ {
		if i > lo {
			dst = append(dst, ", "...)
		}
		dst = appendVertices(dst, g, v, int(g.Ends[i]))
		v = int(g.Ends[i])
	}
	return append(dst, ')')
}

func appendVertices(dst []byte, g *spatial.Geometry, lo, hi int) []byte {
	dst = append(dst, '(')
	for i := lo; i < hi; i++ {
		if i > lo {
			dst = append(dst, ", "...)
		}
		dst = geojson.AppendFloat(dst, g.XY[2*i])
		dst = append(dst, ' ')
		dst = geojson.AppendFloat(dst, g.XY[2*i+1])
		if g.Z != nil {
			dst = append(dst, ' ')
			dst = geojson.AppendFloat(dst, g.Z[i])
		}
	}
	return append(dst, ')')
}
