package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unsafe"

	"twind/layers"
	"twind/spatial"
)

// The format of base files is described in FORMAT.md.
const (
	baseMagic    = "TWINDBAS"
	baseVersion  = 2
	headerSize   = 64
	entrySize    = 32
	sectionAlign = 64
	maxMetaBytes = 16 << 20
)

type sectionKind uint16

const (
	sectionMeta sectionKind = iota + 1
	sectionBox
	sectionNodes
	sectionType
	sectionFlags
	sectionSimpleFrom
	sectionFeaturePath
	sectionPathKinds
	sectionPathVertex
	sectionWorld
	sectionColumn
	sectionValueOffset
	sectionValues
	sectionIDOffset
	sectionIDBytes
	sectionNumber
	sectionRevision
	sectionIDTable
	sectionMemberFeature
	sectionMemberOffset
	sectionMemberBytes
	sectionExact
	sectionHeights
	sectionTouchBox
	sectionTouchRevision
	sectionSurfaceFeature
	sectionSurfaceOffset
	sectionSurfaceBytes
	sectionEnd
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBase is wrapped by every reason to discard a base file.
var errBase = errors.New("snapshot: unusable base file")

func baseError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBase, fmt.Sprintf(format, args...))
}

// baseHeader is the fixed part of the file.
type baseHeader struct {
	sections                           uint32
	length                             uint64
	features, located, paths, vertices uint64
	values                             uint32
}

func (h *baseHeader) encode() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, baseMagic...)
	e := binary.NativeEndian
	b = e.AppendUint32(b, baseVersion)
	b = e.AppendUint32(b, h.sections)
	b = e.AppendUint64(b, h.length)
	b = e.AppendUint64(b, h.features)
	b = e.AppendUint64(b, h.located)
	b = e.AppendUint64(b, h.paths)
	b = e.AppendUint64(b, h.vertices)
	return e.AppendUint32(b, h.values)
}

// section is one entry of the section table.
type section struct {
	kind   sectionKind
	index  uint16
	crc    uint32
	offset uint64
	length uint64
	place  int // in the table, while it is made
}

func (s *section) append(b []byte) []byte {
	e := binary.NativeEndian
	b = e.AppendUint16(b, uint16(s.kind))
	b = e.AppendUint16(b, s.index)
	b = e.AppendUint32(b, s.crc)
	b = e.AppendUint64(b, s.offset)
	b = e.AppendUint64(b, s.length)
	return e.AppendUint64(b, 0)
}

// baseMeta is the description in a base file.
type baseMeta struct {
	Identity   string          `json:"identity"`
	Layer      layers.Layer    `json:"layer"`
	Generation string          `json:"generation"`
	Salt       string          `json:"salt"`
	Position   layers.Revision `json:"position"`
	Settled    layers.Revision `json:"settled"`
	Last       *logMark        `json:"last,omitempty"`
	Revision   layers.Revision `json:"revision"`
	Floor      layers.Revision `json:"floor"`
	Extent     *[4]float64     `json:"extent,omitempty"`
}

func (m *baseMeta) extent() spatial.Envelope {
	if m.Extent == nil {
		return spatial.EmptyEnvelope()
	}
	return spatial.Envelope{MinX: m.Extent[0], MinY: m.Extent[1], MaxX: m.Extent[2], MaxY: m.Extent[3]}
}

func (m *baseMeta) setExtent(e spatial.Envelope) {
	m.Extent = nil
	if !e.IsEmpty() {
		m.Extent = &[4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
	}
}

// logMark is what a record of the change log is recognised by: a store that was
// put back to an older state and changed again has another one there.
type logMark struct {
	Layer   layers.ID       `json:"layer"`
	Feature string          `json:"feature,omitempty"`
	Op      layers.ChangeOp `json:"op"`
	Time    int64           `json:"time"` // microseconds since 1970
}

func markOf(r *layers.Record) logMark {
	return logMark{r.Layer, r.Feature, r.Op, r.Time.UnixMicro()}
}

// bytesOf is the memory of a slice of numbers.
func bytesOf[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// columnOf is bytes as numbers, which must be aligned and a multiple of their size.
func columnOf[T any](b []byte) []T {
	var t T
	n := len(b) / int(unsafe.Sizeof(t))
	if n == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

func sizeOf[T any](t T) uintptr { return unsafe.Sizeof(t) }
