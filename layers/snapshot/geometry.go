package snapshot

import (
	"encoding/binary"
	"sort"

	"twind/spatial"
)

// members tells how the paths of geometry collections are nested; other types
// need nothing but their paths.
//
//	encoded:   number of members uvarint, then each member:
//	member:    type u8 (0x80 set: it has heights)
//	           its encoded members (a collection) or the number of its paths uvarint
type members = sparse

// sparse holds bytes of the few features that have them.
//
//	entry k ── feature[k], ascending; bytes[offset[k] : offset[k+1]]
type sparse struct {
	feature []uint32
	offset  []uint32
	bytes   []byte
}

// end closes the entry of feature i, whose bytes were appended.
func (m *sparse) end(i int) {
	m.feature = append(m.feature, uint32(i))
	m.offset = append(m.offset, uint32(len(m.bytes)))
}

const memberHeights = 0x80

// of is the bytes of feature i; nil when there are none.
func (m *sparse) of(i int) []byte {
	k := sort.Search(len(m.feature), func(k int) bool { return m.feature[k] >= uint32(i) })
	if k == len(m.feature) || m.feature[k] != uint32(i) {
		return nil
	}
	return m.bytes[m.offset[k]:m.offset[k+1]]
}

func appendMembers(dst []byte, ms []spatial.Geometry) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ms)))
	for i := range ms {
		m := &ms[i]
		t := uint8(m.Type)
		if m.Z != nil {
			t |= memberHeights
		}
		dst = append(dst, t)
		if m.Type == spatial.GeometryCollection {
			dst = appendMembers(dst, m.Members)
		} else {
			dst = binary.AppendUvarint(dst, uint64(numPaths(m)))
		}
	}
	return dst
}

// numPaths counts the paths that a geometry other than a collection takes in a segment.
func numPaths(g *spatial.Geometry) int {
	switch g.Type {
	case spatial.Point, spatial.MultiPoint:
		return min(1, len(g.XY))
	}
	return len(g.Ends)
}

// Geometry fills g with feature i's geometry as stored, in g's own memory, which
// it reuses.
func (s *Segment) Geometry(i int, g *spatial.Geometry) {
	t := spatial.Type(s.Type[i])
	lo, hi := int(s.FeaturePath[i]), int(s.FeaturePath[i+1])
	if t != spatial.GeometryCollection {
		s.paths(g, t, lo, hi, s.Flags[i]&FlagHeights != 0)
		return
	}
	*g = spatial.Geometry{Type: t, XY: g.XY[:0], Ends: g.Ends[:0], Parts: g.Parts[:0]}
	r := memberReader{s: s, rest: s.members.of(i), path: lo, end: hi}
	g.XY, g.Ends, g.Parts = nil, nil, nil
	if ms, ok := r.members(0); ok {
		g.Members = ms
	}
}

// paths fills g with a geometry of type t made of paths lo to hi.
func (s *Segment) paths(g *spatial.Geometry, t spatial.Type, lo, hi int, heights bool) {
	*g = spatial.Geometry{Type: t, XY: g.XY[:0], Z: g.Z[:0], Ends: g.Ends[:0], Parts: g.Parts[:0]}
	first, last := int(s.PathVertex[lo]), int(s.PathVertex[hi])
	if first < last {
		g.XY = append(g.XY, s.exact[2*first:2*last]...)
	} else {
		g.XY = nil
	}
	switch {
	case !heights:
		g.Z = nil
	case s.heights != nil:
		g.Z = append(g.Z, s.heights[first:last]...)
	}
	if heights && g.Z == nil {
		g.Z = make([]float64, last-first)
	}
	polygons := 0
	if t.Dimension() > 0 {
		for p := lo; p < hi; p++ {
			if s.PathKinds[p] == PathShell {
				if polygons > 0 && t == spatial.MultiPolygon {
					g.Parts = append(g.Parts, int32(p-lo))
				}
				polygons++
			}
			g.Ends = append(g.Ends, int32(int(s.PathVertex[p+1])-first))
		}
		if t == spatial.MultiPolygon && hi > lo {
			g.Parts = append(g.Parts, int32(hi-lo))
		}
	}
	if len(g.Ends) == 0 {
		g.Ends = nil
	}
	if len(g.Parts) == 0 {
		g.Parts = nil
	}
}

// memberReader rebuilds the members of a collection; it refuses what does not fit.
type memberReader struct {
	s         *Segment
	rest      []byte
	path, end int
}

func (r *memberReader) uvarint() (int, bool) {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<31 {
		return 0, false
	}
	r.rest = r.rest[n:]
	return int(v), true
}

func (r *memberReader) members(depth int) ([]spatial.Geometry, bool) {
	n, ok := r.uvarint()
	if !ok || depth > spatial.MaxDepth || n > len(r.rest) {
		return nil, false
	}
	if n == 0 {
		return nil, true
	}
	ms := make([]spatial.Geometry, n)
	for k := range ms {
		if len(r.rest) == 0 {
			return nil, false
		}
		t, heights := spatial.Type(r.rest[0]&^memberHeights), r.rest[0]&memberHeights != 0
		r.rest = r.rest[1:]
		if t == spatial.GeometryCollection {
			inner, ok := r.members(depth + 1)
			if !ok {
				return nil, false
			}
			ms[k] = spatial.Geometry{Type: t, Members: inner}
			continue
		}
		n, ok := r.uvarint()
		if !ok || t > spatial.GeometryCollection || n > r.end-r.path || !r.s.kindsFit(t, r.path, r.path+n) {
			return nil, false
		}
		r.s.paths(&ms[k], t, r.path, r.path+n, heights)
		r.path += n
	}
	return ms, true
}

// kindsFit tells whether a geometry of type t can be made of paths lo to hi.
func (s *Segment) kindsFit(t spatial.Type, lo, hi int) bool {
	kinds := s.PathKinds[lo:hi]
	switch t {
	case spatial.Unknown:
		return len(kinds) == 0
	case spatial.Point, spatial.MultiPoint:
		return len(kinds) == 0 || len(kinds) == 1 && kinds[0] == PathPoints
	case spatial.LineString, spatial.MultiLineString:
		for _, k := range kinds {
			if k != PathLine {
				return false
			}
		}
		return t == spatial.MultiLineString || len(kinds) <= 1
	case spatial.Polygon, spatial.MultiPolygon:
		for i, k := range kinds {
			if k != PathShell && k != PathHole || (k == PathShell) != (i == 0) && (i == 0 || t == spatial.Polygon) {
				return false
			}
		}
		return true
	}
	return false
}

// skip verifies the members without making them.
func (r *memberReader) skip(depth int) bool {
	n, ok := r.uvarint()
	if !ok || depth > spatial.MaxDepth || n > len(r.rest) {
		return false
	}
	for range n {
		if len(r.rest) == 0 {
			return false
		}
		t := spatial.Type(r.rest[0] &^ memberHeights)
		r.rest = r.rest[1:]
		if t == spatial.GeometryCollection {
			if !r.skip(depth + 1) {
				return false
			}
			continue
		}
		n, ok := r.uvarint()
		if !ok || t > spatial.GeometryCollection || n > r.end-r.path || !r.s.kindsFit(t, r.path, r.path+n) {
			return false
		}
		r.path += n
	}
	return true
}
