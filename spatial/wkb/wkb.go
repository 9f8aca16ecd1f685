// Package wkb reads and writes well-known binary.
//
//	byte order u8 (1 little, 0 big) │ type u32 │ [SRID u32: EWKB only] │ body
//
// It reads ISO WKB (types 1–7, 1001–1007 with Z, 2001… with M, 3001… with ZM;
// OGC 06-103r4 §8.2) and PostGIS EWKB (flags 0x80000000 Z, 0x40000000 M,
// 0x20000000 SRID). M is read past. It writes little-endian ISO WKB, as
// GeoPackage asks (OGC 12-128r19 §2.1.3).
package wkb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"twind/spatial"
)

// ErrMalformed is wrapped by every error of Unmarshal.
var ErrMalformed = errors.New("wkb: malformed")

// MaxVertices bounds the vertices of one geometry.
const MaxVertices = 1 << 24

// Append writes g to dst as little-endian ISO WKB and returns the longer slice.
// A null geometry is written as an empty GeometryCollection. An empty Point is
// written with NaN coordinates, as PostGIS and GeoPackage do. When some members
// of a collection have heights and others have none, theirs are written as 0.
func Append(dst []byte, g spatial.Geometry) []byte {
	return appendGeometry(dst, g, g.HasZ())
}

func appendHeader(dst []byte, t spatial.Type, z bool) []byte {
	code := uint32(t)
	if z {
		code += 1000
	}
	return binary.LittleEndian.AppendUint32(append(dst, 1), code)
}

func appendVertices(dst []byte, g spatial.Geometry, lo, hi int, z bool) []byte {
	for i := lo; i < hi; i++ {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(g.XY[2*i]))
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(g.XY[2*i+1]))
		if z {
			h := 0.0
			if g.Z != nil {
				h = g.Z[i]
			}
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(h))
		}
	}
	return dst
}

func appendPath(dst []byte, g spatial.Geometry, i int, z bool) []byte {
	lo := 0
	if i > 0 {
		lo = int(g.Ends[i-1])
	}
	hi := int(g.Ends[i])
	dst = binary.LittleEndian.AppendUint32(dst, uint32(hi-lo))
	return appendVertices(dst, g, lo, hi, z)
}

func appendPolygon(dst []byte, g spatial.Geometry, lo, hi int, z bool) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(hi-lo))
	for i := lo; i < hi; i++ {
		dst = appendPath(dst, g, i, z)
	}
	return dst
}

func appendGeometry(dst []byte, g spatial.Geometry, z bool) []byte {
	t := g.Type
	if t == spatial.Unknown {
		t = spatial.GeometryCollection
	}
	dst = appendHeader(dst, t, z)
	switch t {
	case spatial.Point:
		if len(g.XY) < 2 {
			const nan = 0x7ff8000000000000 // the quiet NaN that PostGIS and GDAL write; math.NaN is another
			dst = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, nan), nan)
			if z {
				dst = binary.LittleEndian.AppendUint64(dst, nan)
			}
			return dst
		}
		return appendVertices(dst, g, 0, 1, z)
	case spatial.LineString:
		if len(g.Ends) == 0 {
			return binary.LittleEndian.AppendUint32(dst, 0)
		}
		return appendPath(dst, g, 0, z)
	case spatial.Polygon:
		return appendPolygon(dst, g, 0, len(g.Ends), z)
	case spatial.MultiPoint:
		n := len(g.XY) / 2
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
		for i := range n {
			dst = appendVertices(appendHeader(dst, spatial.Point, z), g, i, i+1, z)
		}
	case spatial.MultiLineString:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(g.Ends)))
		for i := range g.Ends {
			dst = appendPath(appendHeader(dst, spatial.LineString, z), g, i, z)
		}
	case spatial.MultiPolygon:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(g.Parts)))
		for i := range g.Parts {
			lo, hi := g.PolygonPaths(i)
			dst = appendPolygon(appendHeader(dst, spatial.Polygon, z), g, lo, hi, z)
		}
	case spatial.GeometryCollection:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(g.Members)))
		for _, m := range g.Members {
			dst = appendGeometry(dst, m, z)
		}
	}
	return dst
}

// Unmarshal reads one geometry and the SRID of EWKB (0 when there is none).
// Bytes after the geometry are an error. It never panics; nesting is bounded by
// spatial.MaxDepth and every count by the bytes that are there. Parts without
// positions are left out of multi-part geometries.
func Unmarshal(b []byte) (g spatial.Geometry, srid uint32, err error) {
	srid, err = Decode(b, &g)
	if err != nil {
		return spatial.Geometry{}, 0, err
	}
	return g, srid, nil
}

// Decode is Unmarshal into a geometry whose slices it overwrites and reuses.
// After an error g is of no use but for the next Decode.
func Decode(b []byte, g *spatial.Geometry) (srid uint32, err error) {
	r := reader{b: b}
	err = r.geometry(g, 0)
	if err == nil && len(r.b) != 0 {
		err = fmt.Errorf("%w: %d bytes after the geometry", ErrMalformed, len(r.b))
	}
	return r.srid, err
}

type reader struct {
	b    []byte
	big  bool
	z, m bool
	srid uint32
	n    int // vertices read
}

func (r *reader) u32() (uint32, error) {
	if len(r.b) < 4 {
		return 0, fmt.Errorf("%w: cut off", ErrMalformed)
	}
	v := binary.LittleEndian.Uint32(r.b)
	if r.big {
		v = binary.BigEndian.Uint32(r.b)
	}
	r.b = r.b[4:]
	return v, nil
}

// count reads a count and refuses one that the rest cannot hold at size bytes each.
func (r *reader) count(size int) (int, error) {
	v, err := r.u32()
	if err != nil {
		return 0, err
	}
	if uint64(v)*uint64(size) > uint64(len(r.b)) {
		return 0, fmt.Errorf("%w: a count of %d in %d bytes", ErrMalformed, v, len(r.b))
	}
	return int(v), nil
}

func (r *reader) header() (spatial.Type, error) {
	if len(r.b) < 5 {
		return 0, fmt.Errorf("%w: cut off", ErrMalformed)
	}
	switch r.b[0] {
	case 0:
		r.big = true
	case 1:
		r.big = false
	default:
		return 0, fmt.Errorf("%w: byte order %d", ErrMalformed, r.b[0])
	}
	r.b = r.b[1:]
	code, err := r.u32()
	if err != nil {
		return 0, err
	}
	r.z, r.m = code&0x80000000 != 0, code&0x40000000 != 0
	if code&0x20000000 != 0 {
		if r.srid, err = r.u32(); err != nil {
			return 0, err
		}
	}
	code &= 0x1fffffff
	switch code / 1000 {
	case 1:
		r.z = true
	case 2:
		r.m = true
	case 3:
		r.z, r.m = true, true
	}
	t := code % 1000
	if t < 1 || t > 7 || code >= 4000 {
		return 0, fmt.Errorf("%w: geometry type %d is not supported (curves and surfaces must be converted to polygons and lines first)", ErrMalformed, code)
	}
	return spatial.Type(t), nil
}

func (r *reader) stride() int {
	n := 16
	if r.z {
		n += 8
	}
	if r.m {
		n += 8
	}
	return n
}

func (r *reader) vertices(g *spatial.Geometry, n int) error {
	s := r.stride()
	if n*s > len(r.b) {
		return fmt.Errorf("%w: cut off", ErrMalformed)
	}
	if r.n += n; r.n > MaxVertices {
		return fmt.Errorf("%w: more than %d vertices", ErrMalformed, MaxVertices)
	}
	at := len(g.XY)
	g.XY = slices.Grow(g.XY, 2*n)[:at+2*n]
	xy := g.XY[at:]
	if r.big {
		for i := range n {
			p := r.b[i*s:]
			xy[2*i] = math.Float64frombits(binary.BigEndian.Uint64(p))
			xy[2*i+1] = math.Float64frombits(binary.BigEndian.Uint64(p[8:]))
		}
	} else {
		for i := range n {
			p := r.b[i*s:]
			xy[2*i] = math.Float64frombits(binary.LittleEndian.Uint64(p))
			xy[2*i+1] = math.Float64frombits(binary.LittleEndian.Uint64(p[8:]))
		}
	}
	if r.z {
		order := binary.ByteOrder(binary.LittleEndian)
		if r.big {
			order = binary.BigEndian
		}
		at := len(g.Z)
		g.Z = slices.Grow(g.Z, n)[:at+n]
		for i := range n {
			g.Z[at+i] = math.Float64frombits(order.Uint64(r.b[i*s+16:]))
		}
	}
	r.b = r.b[n*s:]
	return nil
}

func (r *reader) path(g *spatial.Geometry) (vertices int, err error) {
	n, err := r.count(r.stride())
	if err != nil {
		return 0, err
	}
	if err := r.vertices(g, n); err != nil {
		return 0, err
	}
	g.Ends = append(g.Ends, int32(len(g.XY)/2))
	return n, nil
}

func (r *reader) polygon(g *spatial.Geometry) error {
	n, err := r.count(4)
	if err != nil {
		return err
	}
	for range n {
		if _, err := r.path(g); err != nil {
			return err
		}
	}
	return nil
}

// geometry reads one into g, which it overwrites.
func (r *reader) geometry(g *spatial.Geometry, depth int) error {
	g.Type, g.XY, g.Ends, g.Parts, g.Members = spatial.Unknown, g.XY[:0], g.Ends[:0], g.Parts[:0], nil
	z := g.Z[:0]
	g.Z = nil
	if depth > spatial.MaxDepth {
		return fmt.Errorf("%w: collections nested deeper than %d", ErrMalformed, spatial.MaxDepth)
	}
	t, err := r.header()
	if err != nil {
		return err
	}
	if r.z {
		g.Z = z // nil unless it is reused; then vertices grow it
	}
	g.Type = t
	switch t {
	case spatial.Point:
		if err := r.vertices(g, 1); err != nil {
			return err
		}
		if math.IsNaN(g.XY[0]) && math.IsNaN(g.XY[1]) {
			g.XY = g.XY[:0]
		}
	case spatial.LineString:
		n, err := r.path(g)
		if err != nil {
			return err
		}
		if n == 0 {
			g.Ends = g.Ends[:0]
		}
	case spatial.Polygon:
		if err := r.polygon(g); err != nil {
			return err
		}
	case spatial.GeometryCollection:
		n, err := r.count(9)
		if err != nil {
			return err
		}
		for range n {
			var m spatial.Geometry
			if err := r.geometry(&m, depth+1); err != nil {
				return err
			}
			g.Members = append(g.Members, m)
		}
	default:
		if err := r.parts(g); err != nil {
			return err
		}
	}
	if len(g.XY) == 0 {
		g.Z = nil // an empty geometry has no heights
	}
	return nil
}

// parts reads the members of a MultiPoint, MultiLineString or MultiPolygon.
func (r *reader) parts(g *spatial.Geometry) error {
	n, err := r.count(9)
	if err != nil {
		return err
	}
	hasZ := r.z
	for range n {
		t, err := r.header()
		if err != nil {
			return err
		}
		if t != g.Type.Single() || r.z != hasZ {
			return fmt.Errorf("%w: a %v inside a %v", ErrMalformed, t, g.Type)
		}
		switch g.Type {
		case spatial.MultiPoint:
			at := len(g.XY)
			if err = r.vertices(g, 1); err == nil && math.IsNaN(g.XY[at]) && math.IsNaN(g.XY[at+1]) {
				g.XY = g.XY[:at]
				if hasZ {
					g.Z = g.Z[:at/2]
				}
			}
		case spatial.MultiLineString:
			var k int
			if k, err = r.path(g); err == nil && k == 0 {
				g.Ends = g.Ends[:len(g.Ends)-1]
			}
		case spatial.MultiPolygon:
			if err = r.polygon(g); err == nil {
				rings := int32(len(g.Ends))
				if k := len(g.Parts); k == 0 && rings > 0 || k > 0 && g.Parts[k-1] < rings {
					g.Parts = append(g.Parts, rings)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
