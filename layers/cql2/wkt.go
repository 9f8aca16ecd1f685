package cql2

import (
	"math"
	"strconv"
	"strings"

	"twind/spatial"
)

// shape reads the geometry property or a literal: WKT after OGC 06-103r4 §7.2.2,
// with Z or without, or BBOX.
func (p *parser) shape(depth int) (shape, error) {
	t := p.tok
	if t.kind == quoted {
		p.advance()
		return p.geometryProperty(t.at, t.text)
	}
	if t.kind != word || isReserved(t.text) {
		return shape{}, p.unexpected("the property geometry or a literal such as BBOX(0,40,10,50)")
	}
	p.advance()
	if t.is("bbox") && p.isPunct("(") {
		v, err := p.numbers()
		if err != nil {
			return shape{}, err
		}
		return p.box(t.at, v)
	}
	if typ, ok := spatial.ParseType(t.text); ok && typ != spatial.Unknown && (p.isPunct("(") || p.tok.is("z")) {
		g, err := p.wkt(typ, depth)
		if err != nil {
			return shape{}, err
		}
		return p.geometry(t.at, g)
	}
	if p.isPunct("(") {
		return shape{}, p.refused(t.at, t.text)
	}
	return p.geometryProperty(t.at, t.text)
}

// numbers reads (a, b, …).
func (p *parser) numbers() ([]float64, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var v []float64
	for {
		n, err := p.float()
		if err != nil {
			return nil, err
		}
		if v = append(v, n); len(v) > 6 {
			return v, nil // too many for any use
		}
		if !p.isPunct(",") {
			return v, p.expect(")")
		}
		p.advance()
	}
}

func (p *parser) float() (float64, error) {
	at := p.tok.at
	s, err := p.signed()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, p.fail(at, "the number %s is beyond double precision", shorten(s))
	}
	return v, nil
}

// wkt reads a geometry after its type's name.
func (p *parser) wkt(t spatial.Type, depth int) (spatial.Geometry, error) {
	if err := p.checkDepth(p.tok.at, depth); err != nil {
		return spatial.Geometry{}, err
	}
	g := spatial.Geometry{Type: t}
	p.take("z")
	if t == spatial.GeometryCollection {
		return g, p.each(func() error {
			t := p.tok
			typ, ok := spatial.ParseType(t.text)
			if t.kind != word || !ok || typ == spatial.Unknown {
				return p.unexpected("a geometry such as POINT(10 20)")
			}
			p.advance()
			m, err := p.wkt(typ, depth+1)
			g.Members = append(g.Members, m)
			return err
		})
	}
	position := func() error { return p.position(&g) }
	path := func() error {
		err := p.each(position)
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
		return err
	}
	switch t {
	case spatial.Point:
		if err := p.expect("("); err != nil {
			return g, err
		}
		if err := position(); err != nil {
			return g, err
		}
		return g, p.expect(")")
	case spatial.MultiPoint:
		return g, p.each(func() error {
			if !p.isPunct("(") {
				return position()
			}
			p.advance()
			if err := position(); err != nil {
				return err
			}
			return p.expect(")")
		})
	case spatial.LineString:
		return g, path()
	case spatial.Polygon, spatial.MultiLineString:
		return g, p.each(path)
	}
	return g, p.each(func() error { // MultiPolygon
		err := p.each(path)
		g.Parts = append(g.Parts, int32(len(g.Ends)))
		return err
	})
}

// each reads (item, item, …).
func (p *parser) each(item func() error) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if !p.isPunct(",") {
			return p.expect(")")
		}
		p.advance()
	}
}

// position reads x y, or x y z, whose z is dropped.
func (p *parser) position(g *spatial.Geometry) error {
	x, err := p.float()
	if err != nil {
		return err
	}
	y, err := p.float()
	if err != nil {
		return err
	}
	if p.tok.kind == number || p.tok.kind == sign {
		if _, err := p.float(); err != nil {
			return err
		}
	}
	g.XY = append(g.XY, x, y)
	return nil
}

// appendWKT writes a geometry without heights.
func appendWKT(b []byte, g *spatial.Geometry) []byte {
	b = append(b, strings.ToUpper(g.Type.String())...)
	position := func(i int) {
		b = strconv.AppendFloat(b, g.XY[2*i], 'g', -1, 64)
		b = append(b, ' ')
		b = strconv.AppendFloat(b, g.XY[2*i+1], 'g', -1, 64)
	}
	list := func(lo, hi int, item func(i int)) {
		b = append(b, '(')
		for i := lo; i < hi; i++ {
			if i > lo {
				b = append(b, ',')
			}
			item(i)
		}
		b = append(b, ')')
	}
	path := func(i int) {
		lo := 0
		if i > 0 {
			lo = int(g.Ends[i-1])
		}
		list(lo, int(g.Ends[i]), position)
	}
	switch g.Type {
	case spatial.GeometryCollection:
		list(0, len(g.Members), func(i int) { b = appendWKT(b, &g.Members[i]) })
	case spatial.Point:
		list(0, len(g.XY)/2, position)
	case spatial.MultiPoint:
		list(0, len(g.XY)/2, func(i int) { list(i, i+1, position) })
	case spatial.LineString:
		path(0)
	case spatial.Polygon, spatial.MultiLineString:
		list(0, len(g.Ends), path)
	case spatial.MultiPolygon:
		list(0, len(g.Parts), func(i int) {
			lo, hi := g.PolygonPaths(i)
			list(lo, hi, path)
		})
	}
	return b
}
