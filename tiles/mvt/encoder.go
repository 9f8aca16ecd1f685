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
//
// Features go through three steps, chunkSize of them together, so that the memory
// of a step stays in the nearest cache and one feature does not wait for another's
// reads:
//
//	draw    commands of each feature to geom; what leaves none is no feature here
//	number  values, property by property, to rows
//	write   features to body
type Encoder struct {
	frame frame
	stats tiles.Stats

	body []byte // features of the layer
	keys []byte
	vals values

	columns  []column // that the tile carries, of the segment
	order    []int    // of the columns, those of few values first: they get the short numbers
	distinct []int    // values of each of them in a sample
	key      []uint32 // of each of the source's columns: its number in the layer plus 1, 0 while unused
	keyLen   uint32
	idKey    uint32 // as key, for the id of features without a number

	drawings *Drawings // shared with other encoders; nil: none are kept

	geom  []byte        // commands of the chunk, of what is not kept
	kept  []byte        // of the patch that is made
	drawn []drawing     // features of the chunk
	names []uint32      // of each of them: its number in the segment
	rows  []valueNumber // of each of them and each column

	backwards bool // the last plain ring was
	lineTo    int  // of a plain path: where its count stands

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

// chunkSize is the number of features that go through the steps together.
const chunkSize = 128

// drawing is a feature, or the part of a collection that is of one type.
type drawing struct {
	patch    *patch // that keeps its commands, or nil:
	from, to uint32 // its commands in geom
	kind     Type
}

// column is the value numbers of a property, which is the k-th that the tile carries.
type column struct {
	values []uint32
	k      int
	key    uint32 // its number in the layer, once it is used
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
			e.columns = append(e.columns, column{seg.Columns[c], k, e.key[k] - 1})
		}
	}
	e.arrange(seg, r.Features)
	e.vals.segment(seg)
	kept := e.sheet(seg, s.Coarsen)
	for rest := r.Features; len(rest) > 0; {
		chunk := rest[:min(chunkSize, len(rest))]
		rest = rest[len(chunk):]
		e.geom, e.drawn, e.names = e.geom[:0], e.drawn[:0], e.names[:0]
		e.drawChunk(seg, kept, chunk, s.Coarsen)
		e.number(s, seg)
		for k := range e.drawn {
			e.write(seg, k, ownID)
		}
	}
}

// draw draws a feature once for each of the geometry types that its paths have: a
// collection gives up to three.
func (e *Encoder) draw(seg *snapshot.Segment, i uint32, coarsen uint8) {
	first, last := seg.FeaturePath[i], seg.FeaturePath[i+1]
	inside := first < last && e.frame.holds(&seg.Box[i])
	for p := first; p < last; {
		t := typeOf(seg.PathKinds[p])
		end := p + 1
		for end < last && typeOf(seg.PathKinds[end]) == t {
			end++
		}
		if !repeats(seg, first, p, t) { // else drawn with the first of its type
			from := len(e.geom)
			switch t {
			case Point:
				e.pointPaths(seg, p, last)
			case LineString:
				e.linePaths(seg, p, last, inside)
			case Polygon:
				e.polygonPaths(seg, p, last, inside, !e.frame.simple(seg.SimpleFrom[i], coarsen))
			}
			if len(e.geom) > from {
				e.add(i, t, from)
			}
		}
		p = end
	}
}

// add notes that the commands from on draw a feature.
func (e *Encoder) add(feature uint32, t Type, from int) {
	e.drawn = append(e.drawn, drawing{from: uint32(from), to: uint32(len(e.geom)), kind: t})
	e.names = append(e.names, feature)
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

// arrange orders the columns by how many values a sample of the features has: the
// numbers below 128, which take a byte, shall go to values that are used often.
func (e *Encoder) arrange(seg *snapshot.Segment, features []uint32) {
	const sample = 16
	e.order, e.distinct = e.order[:0], e.distinct[:0]
	e.vals.segment(seg)
	step := max(1, len(features)/sample)
	for c := range e.columns {
		values, n := e.columns[c].values, 0
		for k := 0; k < len(features); k += step {
			if v := values[features[k]]; v != 0 && e.vals.first(v) {
				n++
			}
		}
		e.order, e.distinct = append(e.order, c), append(e.distinct, n)
		for k := c; k > 0 && e.distinct[k-1] > n; k-- {
			e.order[k], e.order[k-1] = e.order[k-1], e.order[k]
			e.distinct[k], e.distinct[k-1] = e.distinct[k-1], e.distinct[k]
		}
	}
}

// number fills rows with the numbers of the drawn features' values.
func (e *Encoder) number(s *tiles.Source, seg *snapshot.Segment) {
	width := len(e.columns)
	e.rows = resize(e.rows, width*len(e.drawn))
	if width == 0 || len(e.drawn) == 0 {
		return
	}
	for _, c := range e.order {
		column := &e.columns[c]
		used := e.vals.column(seg, column.values, e.names, e.rows[c:], width)
		if used && e.key[column.k] == 0 {
			e.key[column.k] = e.newKey(s.Schema[s.Columns[column.k]].Name)
			column.key = e.key[column.k] - 1
		}
	}
}

// newKey adds a key to the layer and gives its number plus 1.
func (e *Encoder) newKey(name string) uint32 {
	e.keys = binary.AppendUvarint(append(e.keys, layerKey), uint64(len(name)))
	e.keys = append(e.keys, name...)
	e.keyLen++
	return e.keyLen
}

// write appends the k-th drawn feature. The length of a message stands before it
// in as many bytes as it needs: one is left free, and if that is not enough what
// was written moves on.
func (e *Encoder) write(seg *snapshot.Segment, k int, ownID bool) {
	name := e.names[k]
	number := seg.Number[name]
	text := uint32(0)                                        // the id's number among the values, plus 1
	if number == 0 && !ownID && len(seg.ID(int(name))) > 0 { // merged features have none
		if e.idKey == 0 {
			e.idKey = e.newKey("id")
		}
		text = e.vals.text(seg.ID(int(name))) + 1
	}
	move, size, commands := e.commands(k)
	e.body = room(e.body, 32+putRoom+10*(len(e.columns)+1)+size+len(commands))
	b, n := e.body[:cap(e.body)], len(e.body)

	b[n] = layerFeature
	feature := n + 2
	n = feature
	if number != 0 {
		b[n] = featureID
		n += 1 + binary.PutUvarint(b[n+1:], number)
	}
	b[n] = featureTags
	tags := n + 2
	n = e.tags(b, tags, k)
	if text != 0 {
		n = putUvarint(b, putUvarint(b, n, e.idKey-1), text-1)
	}
	if n == tags {
		n -= 2
	} else {
		n = putLength(b, tags, n)
	}
	b[n], b[n+1], b[n+2] = featureType, byte(e.drawn[k].kind), featureGeometry
	n = putUvarint(b, n+3, uint32(size+len(commands)))
	binary.LittleEndian.PutUint64(b[n:n+8:n+8], move)
	n = put(b, n+size, commands)
	e.body = b[:putLength(b, feature, n)]
	e.stats.Features++
}

// tags writes the keys and values of the k-th drawn feature at b[n:].
func (e *Encoder) tags(b []byte, n, k int) int {
	width := len(e.columns)
	row := e.rows[k*width:][:width]
	columns := e.columns[:len(row)]
	if e.keyLen > 1<<7 || e.vals.count > maxShort {
		for c, v := range row {
			if v != null {
				n = putUvarint(b, putUvarint(b, n, columns[c].key), v.number())
			}
		}
		return n
	}
	for c, v := range row {
		if v != null {
			binary.LittleEndian.PutUint32(b[n:n+4:n+4], columns[c].key|uint32(v))
			n += 1 + v.size()
		}
	}
	return n
}

// putRoom is the room that put wants beyond what it copies.
const putRoom = 32

// put copies src to b[n:], which has putRoom bytes beyond it: short ones in whole
// words, which costs less than a call.
func put(b []byte, n int, src []byte) int {
	if len(src) > 32 || cap(src) < 32 {
		return n + copy(b[n:], src)
	}
	*(*[16]byte)(b[n : n+16 : n+16]) = *(*[16]byte)(src[:16])
	if len(src) > 16 {
		*(*[16]byte)(b[n+16 : n+32 : n+32]) = *(*[16]byte)(src[16:32])
	}
	return n + len(src)
}

// putLength writes before b[from:to] its length and gives its new end: a byte is
// free for it.
func putLength(b []byte, from, to int) int {
	if to-from >= 0x80 {
		return putLongLength(b, from, to)
	}
	b[from-1] = byte(to - from)
	return to
}

func putLongLength(b []byte, from, to int) int {
	length := uint32(to - from)
	more := uvarintLen(uint64(length)) - 1
	copy(b[from+more:to+more], b[from:to])
	putUvarint(b, from-1, length)
	return to + more
}

// room makes sure that n more bytes fit.
func room(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	grown := make([]byte, len(b), 2*cap(b)+n)
	copy(grown, b)
	return grown
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
