package geojson

import (
	"twind/layers"
	"twind/spatial"
)

// maxVertices bounds the vertices of one geometry.
const maxVertices = 1 << 24

// reader is a scanner that knows geometries.
type reader struct {
	scanner
	degrees    bool // refuse positions outside ±180, ±90
	dimensions int  // positions that had more than three numbers
}

// ParseGeometry reads one geometry in degrees, or null; data must hold nothing
// else. It fails with layers.ErrInvalid, naming the place.
func ParseGeometry(data []byte) (spatial.Geometry, error) {
	var g spatial.Geometry
	if err := tooLong(data); err != nil {
		return g, err
	}
	r := reader{scanner: scanner{b: data}, degrees: true}
	err := r.geometry(&g, 0)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return spatial.Geometry{}, invalid(err)
	}
	return g, nil
}

func tooLong(data []byte) error {
	if len(data) > layers.MaxFeatureBytes {
		return layers.Errorf(layers.ErrInvalid, "a feature of %d MB: at most %d MB are read", len(data)>>20, layers.MaxFeatureBytes>>20)
	}
	return nil
}

// reset empties g but keeps its memory.
func reset(g *spatial.Geometry) {
	*g = spatial.Geometry{XY: g.XY[:0], Ends: g.Ends[:0], Parts: g.Parts[:0], Z: g.Z[:0]}
}

// trim gives g the form of package spatial: what it does not use is nil.
func trim(g *spatial.Geometry) {
	if len(g.Z) == 0 {
		g.Z = nil
	}
	if len(g.Ends) == 0 {
		g.Ends = nil
	}
	if len(g.Parts) == 0 {
		g.Parts = nil
	}
	if len(g.XY) == 0 {
		g.XY = nil
	}
}

// geometry reads a geometry object or null into g.
func (r *reader) geometry(g *spatial.Geometry, depth int) error {
	if depth > spatial.MaxDepth {
		return faultf("geometry collections are nested deeper than %d", spatial.MaxDepth)
	}
	reset(g)
	switch r.peek() {
	case 'n':
		trim(g)
		return r.literal("null")
	case '{':
	default:
		return faultf("expected a geometry object or null, found %s", r.found())
	}
	more, err := r.open('{', '}')
	coordinates, geometries := -1, -1 // where they stand, when they come before the type
	done := false
	for more && err == nil {
		var name string
		if name, err = r.key(); err != nil {
			return err
		}
		switch name {
		case "type":
			if r.peek() != '"' {
				return at(faultf("expected the name of a geometry type, found %s", r.found()), "type")
			}
			var t string
			if t, err = r.text(); err != nil {
				return at(err, "type")
			}
			if g.Type != spatial.Unknown {
				return faultf("the member type stands twice")
			}
			if g.Type, err = geometryType(t); err != nil {
				return at(err, "type")
			}
		case "coordinates":
			if coordinates >= 0 {
				return faultf("the member coordinates stands twice")
			}
			r.space()
			coordinates = r.i
			if g.Type != spatial.Unknown && g.Type != spatial.GeometryCollection {
				err, done = r.coordinates(g), true
			} else {
				err = r.skip(0)
			}
			if err != nil {
				return at(err, "coordinates")
			}
		case "geometries":
			if geometries >= 0 {
				return faultf("the member geometries stands twice")
			}
			r.space()
			geometries = r.i
			if g.Type == spatial.GeometryCollection {
				err, done = r.members(g, depth), true
			} else {
				err = r.skip(0)
			}
			if err != nil {
				return at(err, "geometries")
			}
		default:
			if err = r.skip(0); err != nil {
				return at(err, name)
			}
		}
		more, err = r.next('}', "geometry")
	}
	if err != nil {
		return err
	}
	end := r.i
	switch {
	case g.Type == spatial.Unknown:
		return faultf("the geometry has no type")
	case done:
	case g.Type == spatial.GeometryCollection:
		if geometries < 0 {
			return faultf("the GeometryCollection has no geometries")
		}
		r.i = geometries
		if err := r.members(g, depth); err != nil {
			return at(err, "geometries")
		}
	default:
		if coordinates < 0 {
			return faultf("the %v has no coordinates", g.Type)
		}
		r.i = coordinates
		if err := r.coordinates(g); err != nil {
			return at(err, "coordinates")
		}
	}
	r.i = end
	trim(g)
	return nil
}

func geometryType(name string) (spatial.Type, error) {
	for t := spatial.Point; t <= spatial.GeometryCollection; t++ {
		if t.String() == name {
			return t, nil
		}
	}
	return spatial.Unknown, faultf("%s is not a geometry type; expected Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon or GeometryCollection", quoted(name))
}

func (r *reader) members(g *spatial.Geometry, depth int) error {
	return r.array("geometries", func(i int) error {
		var m spatial.Geometry
		if err := r.geometry(&m, depth+1); err != nil {
			return err
		}
		if m.IsNull() {
			return faultf("expected a geometry object, found null")
		}
		g.Members = append(g.Members, m)
		return nil
	})
}

// array reads an array, calling element for each of its elements.
func (r *reader) array(what string, element func(i int) error) error {
	if r.peek() != '[' {
		return faultf("expected an array of %s, found %s", what, r.found())
	}
	more, err := r.open('[', ']')
	for i := 0; more && err == nil; i++ {
		if err := element(i); err != nil {
			return atIndex(err, i)
		}
		more, err = r.next(']', "array of "+what)
	}
	return err
}

// coordinates reads the coordinates of a geometry whose type is known.
func (r *reader) coordinates(g *spatial.Geometry) error {
	switch g.Type {
	case spatial.Point:
		if r.peek() == '[' {
			start := r.i
			more, _ := r.open('[', ']')
			if !more {
				return nil // an empty point
			}
			r.i = start
		}
		return r.position(g)
	case spatial.MultiPoint:
		_, err := r.positions(g)
		return err
	case spatial.LineString:
		return r.line(g, true)
	case spatial.MultiLineString:
		return r.array("lines", func(int) error { return r.line(g, false) })
	case spatial.Polygon:
		return r.rings(g)
	default: // MultiPolygon
		return r.array("polygons", func(int) error {
			before := len(g.Ends)
			if err := r.rings(g); err != nil {
				return err
			}
			if len(g.Ends) == before {
				return faultf("the polygon has no rings")
			}
			g.Parts = append(g.Parts, int32(len(g.Ends)))
			return nil
		})
	}
}

func (r *reader) line(g *spatial.Geometry, mayBeEmpty bool) error {
	n, err := r.positions(g)
	if err != nil {
		return err
	}
	if n == 0 && mayBeEmpty {
		return nil
	}
	if n < 2 {
		return faultf("a line of %d positions: at least 2 are needed", n)
	}
	g.Ends = append(g.Ends, int32(len(g.XY)/2))
	return nil
}

func (r *reader) rings(g *spatial.Geometry) error {
	return r.array("rings", func(int) error {
		n, err := r.positions(g)
		if err != nil {
			return err
		}
		if n < 4 {
			return faultf("a ring of %d positions: at least 4 are needed, the last equal to the first", n)
		}
		last := len(g.XY) - 2
		first := last - 2*(n-1)
		if g.XY[first] != g.XY[last] || g.XY[first+1] != g.XY[last+1] {
			return faultf("the ring is not closed: it begins at [%s] and ends at [%s]; repeat the first position at its end",
				position(g.XY[first], g.XY[first+1]), position(g.XY[last], g.XY[last+1]))
		}
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
		return nil
	})
}

func position(x, y float64) string {
	return string(AppendFloat(append(AppendFloat(nil, x), ','), y))
}

// positions reads an array of positions and returns how many.
func (r *reader) positions(g *spatial.Geometry) (int, error) {
	if r.peek() != '[' {
		return 0, faultf("expected an array of positions, found %s", r.found())
	}
	more, err := r.open('[', ']')
	n := 0
	for ; more && err == nil; n++ {
		if err := r.position(g); err != nil {
			return n, atIndex(err, n)
		}
		more, err = r.next(']', "array of positions")
	}
	return n, err
}

func (r *reader) position(g *spatial.Geometry) error {
	if r.peek() != '[' {
		return faultf("expected a position [longitude, latitude], found %s", r.found())
	}
	r.i++
	if r.peek() == '[' {
		return faultf("expected a position [longitude, latitude], found an array of arrays: the nesting is one level too deep for a %v", g.Type)
	}
	var p [3]float64
	n := 0
	for more := r.peek() != ']'; more; n++ {
		v, _, err := r.number()
		if err != nil {
			return err
		}
		if n < 3 {
			p[n] = v
		}
		if more, err = r.next(']', "position"); err != nil {
			return err
		}
	}
	switch {
	case n == 0:
		return faultf("an empty position; expected [longitude, latitude]")
	case n == 1:
		return faultf("a position of one number; expected [longitude, latitude]")
	case n > 3:
		r.dimensions++
	}
	if r.degrees {
		if p[0] < -180 || p[0] > 180 {
			return faultf("longitude %s is outside ±180", AppendFloat(nil, p[0]))
		}
		if p[1] < -90 || p[1] > 90 {
			return faultf("latitude %s is outside ±90", AppendFloat(nil, p[1]))
		}
	}
	if len(g.XY) >= 2*maxVertices {
		return faultf("more than %d positions in one geometry", maxVertices)
	}
	if len(g.XY) > 0 && (len(g.Z) > 0) != (n >= 3) {
		return faultf("some positions of the geometry have a height and some have none; give all of them one or none")
	}
	g.XY = append(g.XY, p[0], p[1])
	if n >= 3 {
		g.Z = append(g.Z, p[2])
	}
	return nil
}
