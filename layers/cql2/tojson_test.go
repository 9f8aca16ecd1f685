package cql2_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/cql2"
	"twind/spatial"
)

type object = map[string]any

func operation(op string, args ...any) any { return object{"op": op, "args": args} }

func property(name string) any { return object{"property": name} }

func jsonValue(v layers.Value) any {
	switch v.Type() {
	case layers.Boolean:
		return v.Bool()
	case layers.Integer:
		return v.Int()
	case layers.Number:
		s := strconv.FormatFloat(v.Float(), 'f', -1, 64)
		if v.Float() == float64(int64(v.Float())) {
			s += ".0"
		}
		return json.RawMessage(s)
	case layers.Date:
		return object{"date": v.Text()}
	case layers.DateTime:
		return object{"timestamp": v.Text()}
	}
	return v.Text()
}

func jsonValues(list []layers.Value) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = jsonValue(list[i])
	}
	return out
}

// jsonGeometry is GeoJSON with the rings as they are.
func jsonGeometry(g *spatial.Geometry) any {
	positions := func(xy []float64) (out [][]float64) {
		for i := 0; i < len(xy); i += 2 {
			out = append(out, xy[i:i+2])
		}
		return out
	}
	paths := func(lo, hi int) (out [][][]float64) {
		for i := lo; i < hi; i++ {
			xy, _ := g.Path(i)
			out = append(out, positions(xy))
		}
		return out
	}
	var coordinates any
	switch g.Type {
	case spatial.GeometryCollection:
		var members []any
		for i := range g.Members {
			members = append(members, jsonGeometry(&g.Members[i]))
		}
		return object{"type": "GeometryCollection", "geometries": members}
	case spatial.Point:
		coordinates = g.XY
	case spatial.MultiPoint:
		coordinates = positions(g.XY)
	case spatial.LineString:
		coordinates = paths(0, 1)[0]
	case spatial.MultiPolygon:
		var polygons [][][][]float64
		for i := range g.NumPolygons() {
			polygons = append(polygons, paths(g.PolygonPaths(i)))
		}
		coordinates = polygons
	default:
		coordinates = paths(0, g.NumPaths())
	}
	return object{"type": g.Type.String(), "coordinates": coordinates}
}

// toJSON writes a filter in the other encoding.
func toJSON(t *testing.T, f layers.Filter) any {
	all := func(list []layers.Filter) []any {
		out := make([]any, len(list))
		for i := range list {
			out[i] = toJSON(t, list[i])
		}
		return out
	}
	ops := []string{"=", "<>", "<", "<=", ">", ">="}
	switch f := f.(type) {
	case layers.And:
		if len(f) == 0 {
			return true
		}
		return operation("and", all(f)...)
	case layers.Or:
		if len(f) == 0 {
			return false
		}
		return operation("or", all(f)...)
	case layers.Not:
		return operation("not", toJSON(t, f.Filter))
	case layers.Comparison:
		return operation(ops[f.Op], property(f.Property), jsonValue(f.Value))
	case layers.PropertyComparison:
		return operation(ops[f.Op], property(f.Left), property(f.Right))
	case layers.Like:
		if f.FoldCase {
			return operation("like", operation("casei", property(f.Property)), operation("casei", f.Pattern))
		}
		return operation("like", property(f.Property), f.Pattern)
	case layers.In:
		return operation("in", property(f.Property), jsonValues(f.Values))
	case layers.Between:
		return operation("between", property(f.Property), jsonValue(f.Low), jsonValue(f.High))
	case layers.IsNull:
		return operation("isNull", property(f.Property))
	case layers.GeometryIsNull:
		return operation("isNull", property("geometry"))
	case layers.Intersects:
		return operation("s_intersects", property("geometry"), object{"bbox": []float64{f.Box.MinX, f.Box.MinY, f.Box.MaxX, f.Box.MaxY}})
	case layers.IntersectsGeometry:
		return operation("s_intersects", property("geometry"), jsonGeometry(&f.Geometry))
	}
	require.Failf(t, "unknown node", "%T", f)
	return nil
}

// sameInJSON requires that a filter written in JSON reads as the same filter.
func sameInJSON(t *testing.T, l *layers.Layer, f layers.Filter) {
	t.Helper()
	b, err := json.Marshal(toJSON(t, f))
	require.NoError(t, err)
	again, err := cql2.ParseJSON(string(b), l)
	require.NoError(t, err, "%s", b)
	require.Equal(t, cql2.Format(f), cql2.Format(again), "%s", b)
}

func TestJSONMeansTheSame(t *testing.T) {
	plain := *things // JSON does not tell a quoted name from a plain one
	plain.Schema = append([]layers.Property(nil), things.Schema...)
	plain.Schema[10].Name = "geo"
	for _, c := range filters {
		f, err := cql2.ParseText(c.text, &plain)
		if err == nil {
			sameInJSON(t, &plain, f)
		}
	}
	sameInJSON(t, &plain, layers.IntersectsGeometry{Geometry: spatial.NewPoint(0, 0)})
}
