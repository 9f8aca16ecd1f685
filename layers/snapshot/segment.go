package snapshot

import "twind/spatial/tile"

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

// Segment is a run of features in flat columns: the packed base of a layer
// (mapped from disk, in Hilbert order) or the edits since (on the heap, in order
// of arrival). It is immutable once published and safe for concurrent reading.
//
//	feature i ── FeaturePath[i] … FeaturePath[i+1]  its paths
//	path p    ── PathVertex[p]  … PathVertex[p+1]   its vertices, PathKinds[p]
//	vertex v  ── World[2v], World[2v+1]             world units (package tile), rounded
//	             Exact()[2v], [2v+1]                degrees as stored
//	property c of feature i ── Columns[c][i]        value number; 0 is null
//	value k   ── Values[ValueOffset[k-1] : ValueOffset[k]], an encoded MVT Value message
//
// Rings keep their closing vertex. Path order within a feature is that of the
// stored geometry.
type Segment struct {
	N           int
	Box         []tile.WorldBox // N: of the feature's vertices, not rounded inward
	Type        []uint8         // N: spatial.Type of the stored geometry; 0 without geometry
	FeaturePath []uint32        // N+1
	PathKinds   []PathKind      // one a path
	PathVertex  []uint32        // paths+1
	World       []uint32        // 2 a vertex
	SimpleFrom  []uint8         // N: the first zoom from which the rings, snapped to a 4096 grid, are sure to be valid without repair; 255 is never. Only meaningful for polygons

	Columns     [][]uint32 // one a property of the layer's schema, N each
	ValueOffset []uint32   // values+1, the first is 0
	Values      []byte

	IDOffset []uint32 // N+1
	IDBytes  []byte   // the features' ids
	Number   []uint64 // N: the id as a number when it is canonical decimal below 2⁵³, else 0: the MVT id
	Revision []int64  // N
}

// ID is feature i's id. For a mapped segment the bytes die with the snapshot.
func (s *Segment) ID(i int) []byte { return s.IDBytes[s.IDOffset[i]:s.IDOffset[i+1]] }

// Value is the encoded MVT Value message of value number k ≥ 1.
func (s *Segment) Value(k uint32) []byte { return s.Values[s.ValueOffset[k-1]:s.ValueOffset[k]] }
