package snapshot

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"math/bits"
	"os"
	"sync/atomic"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/index"
	"twind/spatial/tile"
)

// base is an open base: columns over the file's bytes. It is immutable, and
// counts its users; the last one to release it gives the memory back.
type base struct {
	Segment
	meta    baseMeta
	located int
	packed  index.Packed
	ids     idTable
	touches *touched
	size    int64
	pending *os.File // the file, while it has no name yet; the catalog's lock guards it

	refs  atomic.Int64
	close func() // unmaps
}

func (b *base) retain() { b.refs.Add(1) }

func (b *base) release() {
	if n := b.refs.Add(-1); n == 0 && b.close != nil {
		b.close()
	} else if n < 0 {
		panic("snapshot: a base was released twice")
	}
}

// openBase reads a base file's bytes, which must be aligned to 8 and which it
// keeps. It fails with errBase on anything that a reader of the columns could
// stumble over, and does not panic. The base has one reference, the caller's.
func openBase(data []byte) (*base, error) {
	h, sections, err := readSections(data)
	if err != nil {
		return nil, err
	}
	b := &base{size: int64(len(data))}
	b.refs.Store(1)
	meta := sections.bytes(sectionMeta)
	if len(meta) > maxMetaBytes {
		return nil, baseError("description of %d bytes", len(meta))
	}
	if err := json.Unmarshal(meta, &b.meta); err != nil {
		return nil, baseError("description: %v", err)
	}
	if err := b.meta.Layer.Validate(); err != nil {
		return nil, baseError("description: %v", err)
	}
	columns := len(b.meta.Layer.Schema)
	if len(sections) != int(sectionEnd)-2+columns {
		return nil, baseError("%d sections for %d columns", len(sections), columns)
	}

	n, paths, vertices := int(h.features), int(h.paths), int(h.vertices)
	r := sectionReader{sections: sections}
	s := &b.Segment
	s.N, s.base = n, s
	s.Box = readColumn[tile.WorldBox](&r, sectionBox, 0, n)
	nodes := readColumn[tile.WorldBox](&r, sectionNodes, 0, index.NodeCount(int(h.located)))
	s.Type = readColumn[uint8](&r, sectionType, 0, n)
	s.Flags = readColumn[uint8](&r, sectionFlags, 0, n)
	s.SimpleFrom = readColumn[uint8](&r, sectionSimpleFrom, 0, n)
	s.FeaturePath = readOffsets(&r, sectionFeaturePath, n, uint64(paths))
	s.PathKinds = readColumn[PathKind](&r, sectionPathKinds, 0, paths)
	s.PathVertex = readOffsets(&r, sectionPathVertex, paths, uint64(vertices))
	s.World = readColumn[uint32](&r, sectionWorld, 0, 2*vertices)
	s.ValueOffset = readOffsets(&r, sectionValueOffset, int(h.values), uint64(len(sections.bytes(sectionValues))))
	s.Values = sections.bytes(sectionValues)
	for c := range columns {
		k := readColumn[uint32](&r, sectionColumn, c, n)
		s.Columns = append(s.Columns, k)
		for _, v := range k {
			if v > h.values {
				r.fail("column %d has value %d of %d", c, v, h.values)
				break
			}
		}
	}
	s.IDOffset = readOffsets(&r, sectionIDOffset, n, uint64(len(sections.bytes(sectionIDBytes))))
	s.IDBytes = sections.bytes(sectionIDBytes)
	s.Number = readColumn[uint64](&r, sectionNumber, 0, n)
	s.Revision = readColumn[int64](&r, sectionRevision, 0, n)
	b.ids.slots = readColumn[uint32](&r, sectionIDTable, 0, -1)
	if k := len(b.ids.slots); bits.OnesCount(uint(k)) != 1 || k <= n {
		r.fail("table of ids with %d slots for %d features", k, n)
	}
	for _, v := range b.ids.slots {
		if uint64(v) > h.features {
			r.fail("table of ids names feature %d of %d", v, n)
			break
		}
	}
	s.members.feature = readColumn[uint32](&r, sectionMemberFeature, 0, -1)
	s.members.bytes = sections.bytes(sectionMemberBytes)
	s.members.offset = readOffsets(&r, sectionMemberOffset, len(s.members.feature), uint64(len(s.members.bytes)))
	s.exact = readColumn[float64](&r, sectionExact, 0, 2*vertices)
	if s.heights = readColumn[float64](&r, sectionHeights, 0, -1); len(s.heights) == 0 {
		s.heights = nil
	} else if len(s.heights) != vertices {
		r.fail("%d heights of %d vertices", len(s.heights), vertices)
	}
	s.surfaces.feature = readColumn[uint32](&r, sectionSurfaceFeature, 0, -1)
	s.surfaces.bytes = sections.bytes(sectionSurfaceBytes)
	s.surfaces.offset = readOffsets(&r, sectionSurfaceOffset, len(s.surfaces.feature), uint64(len(s.surfaces.bytes)))
	touchBoxes := readColumn[tile.WorldBox](&r, sectionTouchBox, 0, -1)
	touchRevisions := readColumn[int64](&r, sectionTouchRevision, 0, len(touchBoxes))
	if r.err != nil {
		return nil, r.err
	}
	if err := b.checkFeatures(int(h.located)); err != nil {
		return nil, err
	}
	if err := b.checkSurfaces(); err != nil {
		return nil, err
	}
	b.located = int(h.located)
	if b.packed, err = index.NewPacked(s.Box[:b.located], nodes); err != nil {
		return nil, baseError("%v", err)
	}
	b.touches = restoreTouched(b.meta.Floor, touchBoxes, touchRevisions)
	return b, nil
}

// checkFeatures verifies what readers rely on beyond the bounds of the columns.
func (b *base) checkFeatures(located int) error {
	s := &b.Segment
	for p, k := range s.PathKinds {
		if n := s.PathVertex[p+1] - s.PathVertex[p]; n < fewest(k) {
			return baseError("path %d of kind %d has %d vertices", p, k, n)
		}
	}
	collections := 0
	for i := range s.N {
		t := spatial.Type(s.Type[i])
		lo, hi := int(s.FeaturePath[i]), int(s.FeaturePath[i+1])
		first, last := s.Vertices(i)
		if (first < last) != (i < located) || (s.Box[i] == EmptyBox) != (first == last) || s.Box[i] != EmptyBox && (s.Box[i].MinX > s.Box[i].MaxX || s.Box[i].MinY > s.Box[i].MaxY) {
			return baseError("feature %d of %d located ones has %d vertices and the box %v", i, located, last-first, s.Box[i])
		}
		if s.Flags[i]&FlagHeights != 0 && s.heights == nil && first < last {
			return baseError("feature %d has heights, the file has none", i)
		}
		if t != spatial.GeometryCollection {
			if !s.kindsFit(t, lo, hi) || t == spatial.Point && last-first > 1 {
				return baseError("the paths of feature %d do not make a %v", i, t)
			}
			continue
		}
		if collections >= len(s.members.feature) || s.members.feature[collections] != uint32(i) {
			return baseError("collection %d has no structure", i)
		}
		r := memberReader{s: s, rest: s.members.of(i), path: lo, end: hi}
		if ok := r.skip(0); !ok || len(r.rest) != 0 || r.path != hi {
			return baseError("the structure of collection %d does not fit its paths", i)
		}
		collections++
	}
	if collections != len(s.members.feature) {
		return baseError("%d structures for %d collections", len(s.members.feature), collections)
	}
	return nil
}

// checkSurfaces verifies that those who have surfaces stand in order and that each
// has some; what is in them is verified by who decodes them.
func (b *base) checkSurfaces() error {
	s := &b.surfaces
	for k, i := range s.feature {
		if int(i) >= b.N || k > 0 && i <= s.feature[k-1] || s.offset[k] == s.offset[k+1] {
			return baseError("surfaces %d are those of feature %d of %d", k, i, b.N)
		}
	}
	return nil
}

// fewest is the least number of vertices of a path.
func fewest(k PathKind) uint32 {
	switch k {
	case PathLine:
		return 2
	case PathShell, PathHole:
		return 4
	}
	return 1
}

type sectionID struct {
	kind  sectionKind
	index uint16
}

// sectionTable holds the bytes of each section.
type sectionTable map[sectionID][]byte

func (t sectionTable) bytes(kind sectionKind) []byte { return t[sectionID{kind, 0}] }

// readSections verifies header, table and checksums.
func readSections(data []byte) (h baseHeader, t sectionTable, err error) {
	e := binary.NativeEndian
	if len(data) < headerSize || string(data[:8]) != baseMagic {
		return h, nil, baseError("not a base file")
	}
	if v := e.Uint32(data[8:]); v != baseVersion {
		return h, nil, baseError("version %d, expected %d", v, baseVersion)
	}
	h = baseHeader{
		sections: e.Uint32(data[12:]), length: e.Uint64(data[16:]),
		features: e.Uint64(data[24:]), located: e.Uint64(data[32:]), paths: e.Uint64(data[40:]), vertices: e.Uint64(data[48:]), values: e.Uint32(data[56:]),
	}
	if h.length != uint64(len(data)) {
		return h, nil, baseError("%d bytes long, expected %d", len(data), h.length)
	}
	if h.sections > layers.MaxProperties+uint32(sectionEnd) || uint64(len(data)) < headerSize+entrySize*uint64(h.sections) {
		return h, nil, baseError("%d sections", h.sections)
	}
	if h.features >= math.MaxUint32 || h.located > h.features || h.paths >= math.MaxUint32 || h.vertices >= math.MaxUint32 {
		return h, nil, baseError("%d features, %d of them located, %d paths, %d vertices", h.features, h.located, h.paths, h.vertices)
	}
	table := data[headerSize : headerSize+entrySize*int(h.sections)]
	crc := crc32.Update(crc32.Update(0, castagnoli, data[:headerSize-4]), castagnoli, table)
	if crc != e.Uint32(data[headerSize-4:]) {
		return h, nil, baseError("checksum of the header")
	}
	t = make(sectionTable, h.sections)
	for ; len(table) > 0; table = table[entrySize:] {
		id := sectionID{sectionKind(e.Uint16(table)), e.Uint16(table[2:])}
		offset, length := e.Uint64(table[8:]), e.Uint64(table[16:])
		if offset%sectionAlign != 0 || offset > uint64(len(data)) || length > uint64(len(data))-offset {
			return h, nil, baseError("section %v lies at %d+%d of %d bytes", id, offset, length, len(data))
		}
		if id.kind == 0 || id.kind >= sectionEnd || id.index != 0 && id.kind != sectionColumn || t[id] != nil {
			return h, nil, baseError("section %v is unknown or stands twice", id)
		}
		b := data[offset : offset+length : offset+length]
		if crc32.Checksum(b, castagnoli) != e.Uint32(table[4:]) {
			return h, nil, baseError("checksum of section %v", id)
		}
		if b == nil {
			b = []byte{}
		}
		t[id] = b
	}
	return h, t, nil
}

// sectionReader takes typed columns from sections and keeps the first error.
type sectionReader struct {
	sections sectionTable
	err      error
}

func (r *sectionReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = baseError(format, args...)
	}
}

// readColumn is a section of want numbers, or of any whole number of them for −1.
// After a failure the column has want zeros' worth of nothing: it is not to be used.
func readColumn[T any](r *sectionReader, kind sectionKind, index, want int) []T {
	b, ok := r.sections[sectionID{kind, uint16(index)}]
	if !ok {
		r.fail("section %d/%d is missing", kind, index)
		return nil
	}
	var t T
	size := int(sizeOf(t))
	if len(b)%size != 0 || want >= 0 && len(b)/size != want {
		r.fail("section %d/%d has %d bytes for %d items of %d", kind, index, len(b), want, size)
		return nil
	}
	return columnOf[T](b)
}

// readOffsets is n+1 offsets that begin at 0, never fall, and end at end.
func readOffsets(r *sectionReader, kind sectionKind, n int, end uint64) []uint32 {
	o := readColumn[uint32](r, kind, 0, n+1)
	if len(o) == 0 {
		return nil
	}
	last := o[0]
	for _, v := range o {
		if v < last {
			r.fail("section %d falls from %d to %d", kind, last, v)
			return nil
		}
		last = v
	}
	if o[0] != 0 || uint64(last) != end {
		r.fail("section %d leads from %d to %d, expected 0 to %d", kind, o[0], last, end)
	}
	return o
}
