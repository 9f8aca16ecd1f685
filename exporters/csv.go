package exporters

import (
	"strings"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
)

// table writes CSV by RFC 4180: UTF-8, commas, lines that end in CR LF. The first
// column is the id, then come the properties in the order of the schema, then the
// geometry. A missing value is an empty field, an empty text is "".
type table struct {
	l        *layers.Layer
	geometry Geometry
	bom      bool
	guard    bool
	cell     []byte
}

func newTable(l *layers.Layer, o Options) *table {
	t := &table{l: l, geometry: o.Geometry, bom: o.BOM, guard: o.GuardFormulas}
	if t.geometry == ByType {
		t.geometry = WKT
		if l.GeometryType == spatial.Point {
			t.geometry = LonLat
		}
	}
	return t
}

func (t *table) begin(dst []byte) []byte {
	if t.bom {
		dst = append(dst, "\ufeff"...)
	}
	dst = t.text(dst, t.free("id"))
	for _, p := range t.l.Schema {
		dst = t.text(append(dst, ','), p.Name)
	}
	switch t.geometry {
	case LonLat:
		dst = t.text(append(dst, ','), t.free("lon"))
		dst = t.text(append(dst, ','), t.free("lat"))
		if t.l.HasZ {
			dst = t.text(append(dst, ','), t.free("z"))
		}
	case WKT:
		dst = t.text(append(dst, ','), t.free("wkt"))
	}
	return append(dst, "\r\n"...)
}

// free is name with as many underscores before it as make it no property's.
func (t *table) free(name string) string {
	for t.l.PropertyIndex(name) >= 0 {
		name = "_" + name
	}
	return name
}

func (t *table) feature(dst []byte, f *layers.Feature, _ bool) []byte {
	dst = t.text(dst, f.ID)
	for i := range t.l.Schema {
		dst = append(dst, ',')
		if i >= len(f.Properties) {
			continue
		}
		switch v := f.Properties[i]; v.Type() {
		case layers.Null:
		case layers.String, layers.Date, layers.DateTime:
			dst = t.text(dst, v.Text())
		default:
			dst = geojson.AppendValue(dst, v)
		}
	}
	g := &f.Geometry
	switch t.geometry {
	case LonLat:
		point := g.Type == spatial.Point && len(g.XY) >= 2
		dst = append(dst, ',')
		if point {
			dst = geojson.AppendFloat(dst, g.XY[0])
		}
		dst = append(dst, ',')
		if point {
			dst = geojson.AppendFloat(dst, g.XY[1])
		}
		if t.l.HasZ {
			dst = append(dst, ',')
			if point && len(g.Z) > 0 {
				dst = geojson.AppendFloat(dst, g.Z[0])
			}
		}
	case WKT:
		dst = append(dst, ',')
		if !g.IsNull() {
			t.cell = appendWKT(t.cell[:0], *g)
			dst = append(dst, '"')
			dst = append(dst, t.cell...)
			dst = append(dst, '"')
		}
	}
	return append(dst, "\r\n"...)
}

func (t *table) end(dst []byte) []byte { return dst }

// text appends a text field, in quotes where it must be.
func (t *table) text(dst []byte, s string) []byte {
	guard := t.guard && s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
	if s != "" && !guard && !strings.ContainsAny(s, "\",\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	if guard {
		dst = append(dst, '\'')
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
