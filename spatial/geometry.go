package spatial

import (
	"errors"
	"fmt"
	"math"
)

// Type is a geometry's type, numbered as in WKB (OGC 06-103r4 §8.2.8).
type Type uint8

// The seven types of OGC Simple Features that twind carries.
const (
	Unknown            Type = 0
	Point              Type = 1
	LineString         Type = 2
	Polygon            Type = 3
	MultiPoint         Type = 4
	MultiLineString    Type = 5
	MultiPolygon       Type = 6
	GeometryCollection Type = 7
)

var typeNames = [...]string{"Geometry", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"}

// String is the GeoJSON name of the type; "Geometry" for Unknown.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// ParseType reads a GeoJSON or OGC name, without regard to letter case and with
// or without a "Z" or " Z" suffix. It reports false for anything else.
func ParseType(name string) (Type, bool) {
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != ' ' {
			b = append(b, c)
		}
	}
	if n := len(b); n > 1 && b[n-1] == 'z' {
		b = b[:n-1]
	}
	for i, n := range [...]string{"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"} {
		if string(b) == n {
			return Type(i), true
		}
	}
	return Unknown, false
}

// Dimension is 0 for points, 1 for lines, 2 for polygons, and −1 for a
// collection or an unknown type.
func (t Type) Dimension() int {
	switch t {
	case Point, MultiPoint:
		return 0
	case LineString, MultiLineString:
		return 1
	case Polygon, MultiPolygon:
		return 2
	}
	return -1
}

// Single is the type of one part: Polygon for MultiPolygon, and itself for a
// type without parts.
func (t Type) Single() Type {
	if t >= MultiPoint && t <= MultiPolygon {
		return t - 3
	}
	return t
}

// Geometry is one geometry of any of the seven types, with optional heights.
//
// Paths: a LineString has one path and a Polygon one path a ring (the first of
// them the shell); MultiLineString and MultiPolygon have the paths of all their
// parts in order. Points have no paths: Ends is nil and each vertex is a point.
// Rings are closed (first vertex repeated). The zero value is an absent
// geometry (GeoJSON null). An empty geometry has a type and no vertices.
//
// A Geometry shares its slices when it is copied; use Clone to own them. It is
// safe for concurrent reading.
type Geometry struct {
	Type    Type
	XY      []float64  // 2 a vertex: x (longitude, degrees, or easting, metres), y
	Z       []float64  // 1 a vertex, metres in the layer's vertical datum; nil without heights
	Ends    []int32    // exclusive end, in vertices, of each path
	Parts   []int32    // MultiPolygon only: exclusive end, in paths, of each polygon
	Members []Geometry // GeometryCollection only
}

// IsNull tells whether there is no geometry at all.
func (g Geometry) IsNull() bool { return g.Type == Unknown }

// IsEmpty tells whether the geometry has no vertices.
func (g Geometry) IsEmpty() bool {
	if g.Type == GeometryCollection {
		for _, m := range g.Members {
			if !m.IsEmpty() {
				return false
			}
		}
		return true
	}
	return len(g.XY) == 0
}

// HasZ tells whether the vertices carry heights.
func (g Geometry) HasZ() bool {
	for _, m := range g.Members {
		if m.HasZ() {
			return true
		}
	}
	return g.Z != nil
}

// NumVertices counts the vertices, those of members included.
func (g Geometry) NumVertices() int {
	n := len(g.XY) / 2
	for _, m := range g.Members {
		n += m.NumVertices()
	}
	return n
}

// NumPaths is the number of rings or lines.
func (g Geometry) NumPaths() int { return len(g.Ends) }

// Path returns the coordinates of path i: a ring or a line. The slices are the
// geometry's own; z is nil without heights.
func (g Geometry) Path(i int) (xy, z []float64) {
	lo := 0
	if i > 0 {
		lo = int(g.Ends[i-1])
	}
	hi := int(g.Ends[i])
	xy = g.XY[2*lo : 2*hi]
	if g.Z != nil {
		z = g.Z[lo:hi]
	}
	return xy, z
}

// NumPolygons is 1 for a Polygon that is not empty, the number of parts of a
// MultiPolygon, else 0.
func (g Geometry) NumPolygons() int {
	switch g.Type {
	case Polygon:
		if len(g.Ends) > 0 {
			return 1
		}
	case MultiPolygon:
		return len(g.Parts)
	}
	return 0
}

// PolygonPaths is the half-open range of paths (rings) of polygon i.
func (g Geometry) PolygonPaths(i int) (lo, hi int) {
	if g.Type == Polygon {
		return 0, len(g.Ends)
	}
	if i > 0 {
		lo = int(g.Parts[i-1])
	}
	return lo, int(g.Parts[i])
}

// Envelope is the box of all vertices, in the geometry's own units; empty for
// an empty geometry.
func (g Geometry) Envelope() Envelope {
	e := EmptyEnvelope()
	for i := 0; i+1 < len(g.XY); i += 2 {
		e = e.Add(g.XY[i], g.XY[i+1])
	}
	for _, m := range g.Members {
		e = e.Union(m.Envelope())
	}
	return e
}

// Clone copies the geometry with all its slices.
func (g Geometry) Clone() Geometry {
	c := Geometry{Type: g.Type}
	c.XY = append([]float64(nil), g.XY...)
	if g.Z != nil {
		c.Z = append(make([]float64, 0, len(g.Z)), g.Z...)
	}
	c.Ends = append([]int32(nil), g.Ends...)
	c.Parts = append([]int32(nil), g.Parts...)
	for _, m := range g.Members {
		c.Members = append(c.Members, m.Clone())
	}
	return c
}

// MaxDepth bounds the nesting of geometry collections everywhere in twind.
const MaxDepth = 8

// ErrMalformed is wrapped by every error of Check.
var ErrMalformed = errors.New("spatial: malformed geometry")

// Check reports the first structural fault: offsets that do not fit, a NaN or
// infinite coordinate, a line with one vertex, a ring that is not closed or has
// fewer than four vertices. It does not test for self-intersection.
func (g Geometry) Check() error { return g.check(0) }

func (g Geometry) check(depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("%w: collections nested deeper than %d", ErrMalformed, MaxDepth)
	}
	n := len(g.XY) / 2
	if len(g.XY)%2 != 0 || g.Z != nil && len(g.Z) != n {
		return fmt.Errorf("%w: %d ordinates and %d heights do not pair", ErrMalformed, len(g.XY), len(g.Z))
	}
	for i, v := range g.XY {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: vertex %d is not finite", ErrMalformed, i/2)
		}
	}
	for i, v := range g.Z {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: height of vertex %d is not finite", ErrMalformed, i)
		}
	}
	switch g.Type {
	case Unknown:
		return nil
	case Point:
		if n > 1 {
			return fmt.Errorf("%w: a point with %d vertices", ErrMalformed, n)
		}
		return nil
	case MultiPoint:
		return nil
	case GeometryCollection:
		for i := range g.Members {
			if err := g.Members[i].check(depth + 1); err != nil {
				return fmt.Errorf("member %d: %w", i, err)
			}
		}
		return nil
	case LineString, Polygon, MultiLineString, MultiPolygon:
	default:
		return fmt.Errorf("%w: type %d", ErrMalformed, g.Type)
	}
	prev := int32(0)
	ring := g.Type.Dimension() == 2
	for i, e := range g.Ends {
		if e < prev || int(e) > n {
			return fmt.Errorf("%w: path %d ends at vertex %d of %d", ErrMalformed, i, e, n)
		}
		k := int(e - prev)
		if ring {
			if k < 4 {
				return fmt.Errorf("%w: ring %d has %d positions, at least 4 are needed", ErrMalformed, i, k)
			}
			if g.XY[2*prev] != g.XY[2*e-2] || g.XY[2*prev+1] != g.XY[2*e-1] {
				return fmt.Errorf("%w: ring %d is not closed (first and last position differ)", ErrMalformed, i)
			}
		} else if k < 2 {
			return fmt.Errorf("%w: line %d has %d positions, at least 2 are needed", ErrMalformed, i, k)
		}
		prev = e
	}
	if int(prev) != n {
		return fmt.Errorf("%w: paths end at vertex %d of %d", ErrMalformed, prev, n)
	}
	if g.Type == LineString && len(g.Ends) > 1 {
		return fmt.Errorf("%w: a line string with %d paths", ErrMalformed, len(g.Ends))
	}
	if g.Type == MultiPolygon {
		p := int32(0)
		for i, e := range g.Parts {
			if e <= p || int(e) > len(g.Ends) {
				return fmt.Errorf("%w: polygon %d ends at ring %d of %d", ErrMalformed, i, e, len(g.Ends))
			}
			p = e
		}
		if int(p) != len(g.Ends) {
			return fmt.Errorf("%w: polygons end at ring %d of %d", ErrMalformed, p, len(g.Ends))
		}
	}
	return nil
}

// NewPoint makes a point without height.
func NewPoint(x, y float64) Geometry { return Geometry{Type: Point, XY: []float64{x, y}} }

// NewLineString makes a line string over xy (two ordinates a vertex), which it keeps.
func NewLineString(xy []float64) Geometry {
	g := Geometry{Type: LineString, XY: xy}
	if len(xy) > 0 {
		g.Ends = []int32{int32(len(xy) / 2)}
	}
	return g
}

// NewPolygon makes a polygon of closed rings, the shell first, copying them.
func NewPolygon(rings ...[]float64) Geometry {
	g := Geometry{Type: Polygon}
	for _, r := range rings {
		g.XY = append(g.XY, r...)
		g.Ends = append(g.Ends, int32(len(g.XY)/2))
	}
	return g
}
