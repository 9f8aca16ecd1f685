package snapshot

import (
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// PathKind says what a path of a feature is. A geometry of any type, collections
// included, is a sequence of paths.
type PathKind uint8

// The kinds of path.
const (
	PathPoints PathKind = iota + 1 // each vertex is a point
	PathLine                       // a line
	PathShell                      // a polygon's outer ring; begins a new polygon
	PathHole                       // an inner ring of the polygon that the last shell began
)

// The bits of Segment.Flags.
const (
	FlagHeights uint8 = 1 << iota // the stored geometry has heights
)

// NeverSimple in SimpleFrom marks a polygon that no zoom snaps validly.
const NeverSimple = tile.NeverSimple

// EmptyBox is the Box of a feature without vertices. It is in no index.
var EmptyBox = tile.WorldBox{MinX: 1<<32 - 1, MinY: 1<<32 - 1}

// Segment is a run of features in flat columns: the packed base of a layer
// (mapped from disk, in Hilbert order) or the edits since (on the heap, in order
// of arrival). It is immutable once published and safe for concurrent reading.
//
//	feature i ── FeaturePath[i] … FeaturePath[i+1]  its paths
//	path p    ── PathVertex[p]  … PathVertex[p+1]   its vertices, PathKinds[p]
//	vertex v  ── World[2v], World[2v+1]             world units (package tile), rounded
//	             Exact()[2v], [2v+1]                degrees as stored
//	             Heights()[v]                       metres, where Flags[i] has FlagHeights
//	property c of feature i ── Columns[c][i]        value number; 0 is null
//	value k   ── Values[ValueOffset[k-1] : ValueOffset[k]], an encoded MVT Value message
//
// Rings keep their closing vertex. Path order within a feature is that of the
// stored geometry. All points of a MultiPoint are one path; a feature without
// vertices has none.
//
// Equal values have one number in a segment. Text, dates too, is an MVT
// string_value, a Number a double_value, a Boolean a bool_value, and an Integer
// a uint_value, or a sint_value when negative.
type Segment struct {
	N           int
	Box         []tile.WorldBox // N: of the feature's vertices, rounded outward; EmptyBox without any
	Type        []uint8         // N: spatial.Type of the stored geometry; 0 without geometry
	Flags       []uint8         // N
	FeaturePath []uint32        // N+1
	PathKinds   []PathKind      // one a path
	PathVertex  []uint32        // paths+1
	World       []uint32        // 2 a vertex
	SimpleFrom  []uint8         // N: the first zoom from which the rings, snapped to a 4096 grid, are sure to be valid without repair; NeverSimple is never. 0 for features that are not polygons

	Columns     [][]uint32 // one a property of the layer's schema, N each
	ValueOffset []uint32   // values+1, the first is 0
	Values      []byte

	IDOffset []uint32 // N+1
	IDBytes  []byte   // the features' ids
	Number   []uint64 // N: the id as a number when it is canonical decimal below 2⁵³, else 0: the MVT id
	Revision []int64  // N

	exact   []float64 // 2 a vertex
	heights []float64 // one a vertex, or nil where no feature has any
	members members

	surfaces sparse // layers.Surfaces of the features that have any

	base *Segment // see Base
}

// Base is equal for segments that show the same rows of one base, perhaps with
// other columns of properties; nil for the edits. What is derived from the rows'
// geometry may be kept for it, by a weak pointer: it is to be compared, not read.
func (s *Segment) Base() *Segment { return s.base }

// ID is feature i's id. For a mapped segment the bytes die with the snapshot.
func (s *Segment) ID(i int) []byte { return s.IDBytes[s.IDOffset[i]:s.IDOffset[i+1]] }

// Value is the encoded MVT Value message of value number k ≥ 1.
func (s *Segment) Value(k uint32) []byte { return s.Values[s.ValueOffset[k-1]:s.ValueOffset[k]] }

// NumValues counts the distinct values; numbers run from 1 to it.
func (s *Segment) NumValues() int { return len(s.ValueOffset) - 1 }

// Exact is the coordinates of all vertices in degrees as stored: longitude, latitude.
func (s *Segment) Exact() []float64 { return s.exact }

// Heights is the height of each vertex in metres of the layer's vertical datum,
// meaningful for features whose Flags have FlagHeights; nil when none has.
func (s *Segment) Heights() []float64 { return s.heights }

// Surfaces are the faces of feature i's body; nil where none are known. For a mapped
// segment the bytes die with the snapshot.
func (s *Segment) Surfaces(i int) layers.Surfaces { return layers.Surfaces(s.surfaces.of(i)) }

// HasSurfaces tells whether any feature has faces.
func (s *Segment) HasSurfaces() bool { return len(s.surfaces.feature) > 0 }

// Vertices is the half-open range of feature i's vertices.
func (s *Segment) Vertices(i int) (lo, hi int) {
	return int(s.PathVertex[s.FeaturePath[i]]), int(s.PathVertex[s.FeaturePath[i+1]])
}

// Envelope is feature i's box in degrees, exact; empty without vertices.
func (s *Segment) Envelope(i int) spatial.Envelope {
	lo, hi := s.Vertices(i)
	if lo == hi {
		return spatial.EmptyEnvelope()
	}
	xy := s.exact[2*lo : 2*hi]
	e := spatial.Envelope{MinX: xy[0], MinY: xy[1], MaxX: xy[0], MaxY: xy[1]}
	for i := 2; i+1 < len(xy); i += 2 {
		e.MinX, e.MaxX = min(e.MinX, xy[i]), max(e.MaxX, xy[i])
		e.MinY, e.MaxY = min(e.MinY, xy[i+1]), max(e.MaxY, xy[i+1])
	}
	return e
}
