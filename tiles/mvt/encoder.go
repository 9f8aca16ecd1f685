package mvt

import (
	"encoding/binary"

	"twind/layers/snapshot"
	"twind/spatial/grid"
	"twind/spatial/tile"
	"twind/tiles"
)

var _ tiles.Encoder = (*Encoder)(nil)

// Encoder encodes tiles. The zero value is ready. It keeps all its memory between
// tiles: once it has seen tiles of a size it allocates nothing. It is used by one
// goroutine at a time.
type Encoder struct {
	frame frame
	stats tiles.Stats

	body []byte // features of the layer
	keys []byte
	tags []byte // of the feature
	geom []byte // commands of the feature
	vals values

	columns []column // that the tile carries, of the segment
	key     []uint32 // of each of the source's columns: its number in the layer plus 1, 0 while unused
	keyLen  uint32
	idKey   uint32 // as key, for the id of features without a number

	points   []int32
	far      []int64 // vertices on the grid, of a path that leaves the tile
	line     []int32
	ends     []int32
	rings    grid.Rings
	mended   grid.Rings
	clipper  grid.Clipper
	checker  grid.Checker
	repairer grid.Repairer
}

// column is the value numbers of a property, which is the k-th that the tile carries.
type column struct {
	values []uint32
	k      int
}

// New makes an Encoder.
func New() tiles.Encoder { return new(Encoder) }

// AppendTile implements tiles.Encoder.
func (e *Encoder) AppendTile(dst []byte, id tile.ID, sources []tiles.Source) ([]byte, tiles.Stats) {
	e.stats = tiles.Stats{}
	for i := range sources {
		dst = e.appendLayer(dst, id, &sources[i])
	}
	return dst, e.stats
}

// appendLayer appends a source's layer, or nothing when it has no features here.
func (e *Encoder) appendLayer(dst []byte, id tile.ID, s *tiles.Source) []byte {
	e.frame = newFrame(id, s.Coarsen)
	e.body, e.keys = e.body[:0], e.keys[:0]
	e.keyLen, e.idKey = 0, 0
	e.vals.begin(len(s.Runs) > 1)
	e.key = resize(e.key, len(s.Columns))
	clear(e.key)
	ownID := false // the schema has a property id: it is not ours to write
	for i := range s.Schema {
		ownID = ownID || s.Schema[i].Name == "id"
	}
	for i := range s.Runs {
		e.run(s, &s.Runs[i], ownID)
	}
	if len(e.body) == 0 {
		return dst
	}
	size := 1 + uvarintLen(uint64(len(s.Name))) + len(s.Name) + len(e.body) + len(e.keys) + len(e.vals.encoded) + 3 + 2
	dst = binary.AppendUvarint(append(dst, tileLayer), uint64(size))
	dst = binary.AppendUvarint(append(dst, layerName), uint64(len(s.Name)))
	dst = append(dst, s.Name...)
	dst = append(dst, e.body...)
	dst = append(dst, e.keys...)
	dst = append(dst, e.vals.encoded...)
	dst = append(dst, layerExtent, tiles.GridSize&0x7f|0x80, tiles.GridSize>>7)
	return append(dst, layerVersion, 2)
}

func (e *Encoder) run(s *tiles.Source, r *tiles.Run, ownID bool) {
	seg := r.Segment
	e.columns = e.columns[:0]
	for k, c := range s.Columns {
		if c < len(seg.Columns) { // an older segment lacks properties that came later
			e.columns = append(e.columns, column{seg.Columns[c], k})
		}
	}
	e.vals.segment(seg)
	for _, i := range r.Features {
		e.feature(s, seg, int(i), ownID)
	}
}

// feature writes a feature once for each of the geometry types that its paths
// have: a collection gives up to three.
func (e *Encoder) feature(s *tiles.Source, seg *snapshot.Segment, i int, ownID bool) {
	first, last := seg.FeaturePath[i], seg.FeaturePath[i+1]
	if first == last {
		return
	}
	inside := e.frame.holds(&seg.Box[i])
	tagged := false
	for p := first; p < last; {
		t := typeOf(seg.PathKinds[p])
		end := p + 1
		for end < last && typeOf(seg.PathKinds[end]) == t {
			end++
		}
		if !repeats(seg, first, p, t) { // else written with the first of its type
			e.geom = e.geom[:0]
			switch t {
			case Point:
				e.pointPaths(seg, p, last)
			case LineString:
				e.linePaths(seg, p, last, inside)
			case Polygon:
				e.polygonPaths(seg, p, last, inside, !e.frame.simple(seg.SimpleFrom[i], s.Coarsen))
			}
			if len(e.geom) > 0 {
				if !tagged {
					e.tag(s, seg, i, ownID)
					tagged = true
				}
				e.write(seg.Number[i], t)
			}
		}
		p = end
	}
}

// repeats tells whether a path of type t stands before path p.
func repeats(seg *snapshot.Segment, first, p uint32, t Type) bool {
	for ; first < p; first++ {
		if typeOf(seg.PathKinds[first]) == t {
			return true
		}
	}
	return false
}

func typeOf(k snapshot.PathKind) Type {
	switch k {
	case snapshot.PathPoints:
		return Point
	case snapshot.PathLine:
		return LineString
	case snapshot.PathShell, snapshot.PathHole:
		return Polygon
	}
	return Unknown
}

// tag fills tags with the feature's properties that are not null.
func (e *Encoder) tag(s *tiles.Source, seg *snapshot.Segment, i int, ownID bool) {
	if need := 10 * (len(e.columns) + 1); cap(e.tags) < need {
		e.tags = make([]byte, need)
	}
	b, n := e.tags[:cap(e.tags)], 0
	for c := range e.columns {
		column := &e.columns[c]
		v := column.values[i]
		if v == 0 {
			continue
		}
		if e.key[column.k] == 0 {
			e.key[column.k] = e.newKey(s.Schema[s.Columns[column.k]].Name)
		}
		n = putUvarint(b, n, e.key[column.k]-1)
		n = putUvarint(b, n, e.vals.index(seg, v))
	}
	e.tags = b[:n]
	if seg.Number[i] == 0 && !ownID {
		if e.idKey == 0 {
			e.idKey = e.newKey("id")
		}
		e.tags = appendUvarint(e.tags, e.idKey-1)
		e.tags = appendUvarint(e.tags, e.vals.text(seg.ID(i)))
	}
}

// newKey adds a key to the layer and gives its number plus 1.
func (e *Encoder) newKey(name string) uint32 {
	e.keys = binary.AppendUvarint(append(e.keys, layerKey), uint64(len(name)))
	e.keys = append(e.keys, name...)
	e.keyLen++
	return e.keyLen
}

// write appends the feature of the tags and commands at hand.
func (e *Encoder) write(number uint64, t Type) {
	size := 2 + 1 + uvarintLen(uint64(len(e.geom))) + len(e.geom)
	if number != 0 {
		size += 1 + uvarintLen(number)
	}
	if len(e.tags) > 0 {
		size += 1 + uvarintLen(uint64(len(e.tags))) + len(e.tags)
	}
	b := appendUvarint(append(e.body, layerFeature), uint32(size))
	if number != 0 {
		b = binary.AppendUvarint(append(b, featureID), number)
	}
	if len(e.tags) > 0 {
		b = appendUvarint(append(b, featureTags), uint32(len(e.tags)))
		b = append(b, e.tags...)
	}
	b = append(b, featureType, byte(t), featureGeometry)
	b = appendUvarint(b, uint32(len(e.geom)))
	e.body = append(b, e.geom...)
	e.stats.Features++
}

// putUvarint writes v at b[i:], which has room, and gives the index after it.
func putUvarint(b []byte, i int, v uint32) int {
	for v >= 0x80 {
		b[i] = byte(v) | 0x80
		v >>= 7
		i++
	}
	b[i] = byte(v)
	return i + 1
}

func appendUvarint(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func uvarintLen(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}
