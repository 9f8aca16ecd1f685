package snapshot

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"math"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/index"
	"twind/spatial/tile"
)

// runRows is the number of features of a run: the columns of a base in the making
// grow in pieces, so that growing them copies little and leaves little garbage.
const (
	runShift = 16
	runRows  = 1 << runShift
)

// baseBuilder collects the features of a base and writes its file. Between add and
// write it holds about the size of the file in memory. It is owned by one
// goroutine; the columns that follow from others are computed by a second one.
type baseBuilder struct {
	layer  *layers.Layer
	dict   *dictionary
	runs   []*appender
	n      int
	extent spatial.Envelope
	behind chan struct{} // holds a token while a run is being derived
}

func newBaseBuilder(l *layers.Layer) *baseBuilder {
	return &baseBuilder{layer: l, dict: newDictionary(), extent: spatial.EmptyEnvelope(), behind: make(chan struct{}, 1)}
}

// add copies a feature, which layers.CheckFeature has accepted.
func (b *baseBuilder) add(f *layers.Feature) error {
	if b.n&(runRows-1) == 0 {
		b.closeRun()
		b.runs = append(b.runs, newAppender(b.layer.Schema, b.dict))
	}
	if err := b.runs[len(b.runs)-1].add(f); err != nil {
		return err
	}
	b.n++
	b.extent = b.extent.Union(f.Geometry.Envelope())
	return nil
}

// closeRun has the last run derived in the background, once the one before is.
func (b *baseBuilder) closeRun() {
	if len(b.runs) == 0 {
		return
	}
	run := b.runs[len(b.runs)-1]
	b.behind <- struct{}{}
	go func() {
		run.derive()
		<-b.behind
	}()
}

// finish waits for the columns.
func (b *baseBuilder) finish() {
	b.closeRun()
	b.behind <- struct{}{}
	<-b.behind
}

// at is the run and row of feature g, counted in order of arrival.
func (b *baseBuilder) at(g uint32) (*Segment, int) {
	return &b.runs[g>>runShift].seg, int(g & (runRows - 1))
}

// baseFile is what a base is written to: from the beginning, and the header last.
type baseFile interface {
	io.Writer
	io.WriterAt
}

// write writes the file. The builder is used up. Two features with one id are an
// error, ErrCorrupt.
func (b *baseBuilder) write(file baseFile, meta *baseMeta, past *touched) error {
	b.finish()
	boxes := make([]tile.WorldBox, 0, b.n)
	var paths, vertices, collections uint64
	heights := false
	for _, r := range b.runs {
		boxes = append(boxes, r.seg.Box...)
		paths += uint64(len(r.seg.PathKinds))
		vertices += uint64(len(r.seg.exact) / 2)
		collections += uint64(len(r.seg.members.feature))
		heights = heights || r.seg.heights != nil
	}
	if paths >= math.MaxUint32 || vertices >= math.MaxUint32 || b.n >= math.MaxUint32 {
		return layers.Errorf(layers.ErrUnsupported, "snapshot: layer %s exceeds 2³² features, paths or vertices; split it", b.layer.ID)
	}
	order, locatedN := index.Order(boxes)
	located := make([]tile.WorldBox, locatedN)
	for k, g := range order[:locatedN] {
		located[k] = boxes[g]
	}
	boxes = nil //nolint:ineffassign,wastedassign // the memory is wanted back

	meta.setExtent(b.extent)
	description, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	w := &sectionWriter{file: file, w: bufio.NewWriterSize(file, 1<<20)}
	w.reserve(int(sectionEnd) - 2 + len(b.layer.Schema))
	e := binary.NativeEndian
	each := func(kind sectionKind, index int, row func(dst []byte, s *Segment, i int) []byte) {
		w.begin(kind, index)
		for _, g := range order {
			s, i := b.at(g)
			w.buf = row(w.buf, s, i)
			w.spill()
		}
		w.end()
	}
	whole := func(kind sectionKind, content []byte) {
		w.begin(kind, 0)
		w.bytes(content)
		w.end()
	}

	whole(sectionMeta, description)
	each(sectionBox, 0, func(dst []byte, s *Segment, i int) []byte {
		box := s.Box[i]
		return e.AppendUint32(e.AppendUint32(e.AppendUint32(e.AppendUint32(dst, box.MinX), box.MinY), box.MaxX), box.MaxY)
	})
	whole(sectionNodes, bytesOf(index.Pack(located)))
	each(sectionType, 0, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.Type[i]) })
	each(sectionFlags, 0, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.Flags[i]) })
	each(sectionSimpleFrom, 0, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.SimpleFrom[i]) })

	// Offsets: the sums of what the features have.
	offsets := func(kind sectionKind, row func(dst []byte, sum uint64, s *Segment, i int) ([]byte, uint64)) {
		w.begin(kind, 0)
		w.buf = e.AppendUint32(w.buf, 0)
		sum := uint64(0)
		for _, g := range order {
			s, i := b.at(g)
			w.buf, sum = row(w.buf, sum, s, i)
			w.spill()
		}
		if sum > math.MaxUint32 {
			w.fail(layers.Errorf(layers.ErrUnsupported, "snapshot: layer %s has more than 4 GiB of ids; split it", b.layer.ID))
		}
		w.end()
	}
	offsets(sectionFeaturePath, func(dst []byte, sum uint64, s *Segment, i int) ([]byte, uint64) {
		sum += uint64(s.FeaturePath[i+1] - s.FeaturePath[i])
		return e.AppendUint32(dst, uint32(sum)), sum
	})
	each(sectionPathKinds, 0, func(dst []byte, s *Segment, i int) []byte {
		for _, k := range s.PathKinds[s.FeaturePath[i]:s.FeaturePath[i+1]] {
			dst = append(dst, byte(k))
		}
		return dst
	})
	offsets(sectionPathVertex, func(dst []byte, sum uint64, s *Segment, i int) ([]byte, uint64) {
		for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
			sum += uint64(s.PathVertex[p+1] - s.PathVertex[p])
			dst = e.AppendUint32(dst, uint32(sum))
		}
		return dst, sum
	})
	each(sectionWorld, 0, func(dst []byte, s *Segment, i int) []byte {
		lo, hi := s.Vertices(i)
		return append(dst, bytesOf(s.World[2*lo:2*hi])...)
	})

	// Values are numbered anew, in the order in which they are met.
	number, met := b.renumber(order)
	for c := range b.layer.Schema {
		each(sectionColumn, c, func(dst []byte, s *Segment, i int) []byte {
			return e.AppendUint32(dst, number[s.Columns[c][i]])
		})
	}
	w.begin(sectionValueOffset, 0)
	w.buf = e.AppendUint32(w.buf, 0)
	sum := uint32(0)
	for _, k := range met {
		sum += b.dict.offset[k] - b.dict.offset[k-1]
		w.buf = e.AppendUint32(w.buf, sum)
		w.spill()
	}
	w.end()
	w.begin(sectionValues, 0)
	for _, k := range met {
		w.buf = append(w.buf, b.dict.bytes[b.dict.offset[k-1]:b.dict.offset[k]]...)
		w.spill()
	}
	w.end()
	number = nil //nolint:ineffassign,wastedassign // the memory is wanted back

	offsets(sectionIDOffset, func(dst []byte, sum uint64, s *Segment, i int) ([]byte, uint64) {
		sum += uint64(s.IDOffset[i+1] - s.IDOffset[i])
		return e.AppendUint32(dst, uint32(sum)), sum
	})
	each(sectionIDBytes, 0, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.ID(i)...) })
	each(sectionNumber, 0, func(dst []byte, s *Segment, i int) []byte { return e.AppendUint64(dst, s.Number[i]) })
	each(sectionRevision, 0, func(dst []byte, s *Segment, i int) []byte { return e.AppendUint64(dst, uint64(s.Revision[i])) })
	table, err := b.idTable(order)
	if err != nil {
		return err
	}
	whole(sectionIDTable, bytesOf(table.slots))

	var features, structureEnds []uint32
	var structures []byte
	structureEnds = append(structureEnds, 0)
	if collections > 0 {
		for k, g := range order {
			s, i := b.at(g)
			if spatial.Type(s.Type[i]) == spatial.GeometryCollection {
				features = append(features, uint32(k))
				structures = append(structures, s.members.of(i)...)
				structureEnds = append(structureEnds, uint32(len(structures)))
			}
		}
		if len(structures) > math.MaxUint32 {
			return layers.Errorf(layers.ErrUnsupported, "snapshot: the collections of layer %s are too many; split it", b.layer.ID)
		}
	}
	whole(sectionMemberFeature, bytesOf(features))
	whole(sectionMemberOffset, bytesOf(structureEnds))
	whole(sectionMemberBytes, structures)

	each(sectionExact, 0, func(dst []byte, s *Segment, i int) []byte {
		lo, hi := s.Vertices(i)
		return append(dst, bytesOf(s.exact[2*lo:2*hi])...)
	})
	each(sectionHeights, 0, func(dst []byte, s *Segment, i int) []byte {
		lo, hi := s.Vertices(i)
		switch {
		case !heights:
			return dst
		case s.heights == nil:
			return append(dst, make([]byte, 8*(hi-lo))...)
		}
		return append(dst, bytesOf(s.heights[lo:hi])...)
	})
	touchBoxes, touchRevisions := past.all()
	whole(sectionTouchBox, bytesOf(touchBoxes))
	whole(sectionTouchRevision, bytesOf(touchRevisions))

	return w.finish(baseHeader{features: uint64(b.n), located: uint64(locatedN), paths: paths, vertices: vertices, values: uint32(len(met))})
}

// renumber gives each value that is used its new number, by old number, and lists
// the old numbers in the new order.
func (b *baseBuilder) renumber(order []uint32) (number []uint32, met []uint32) {
	number = make([]uint32, len(b.dict.offset))
	met = make([]uint32, 0, len(b.dict.offset)-1)
	for _, g := range order {
		s, i := b.at(g)
		for c := range s.Columns {
			if k := s.Columns[c][i]; k != 0 && number[k] == 0 {
				met = append(met, k)
				number[k] = uint32(len(met))
			}
		}
	}
	return number, met
}

// idTable makes the table of ids in the order of the base.
func (b *baseBuilder) idTable(order []uint32) (idTable, error) {
	t := idTable{make([]uint32, idTableSize(b.n))}
	mask := uint32(len(t.slots) - 1)
	for k, g := range order {
		s, i := b.at(g)
		id := s.ID(i)
		slot := uint32(hashBytes(id)) & mask
		for ; t.slots[slot] != 0; slot = (slot + 1) & mask {
			if o, j := b.at(order[t.slots[slot]-1]); string(o.ID(j)) == string(id) {
				return t, layers.Errorf(layers.ErrCorrupt, "layer %s has two features with the id %q; correct the data", b.layer.ID, id)
			}
		}
		t.slots[slot] = uint32(k) + 1
	}
	return t, nil
}

// sectionWriter writes sections one after the other and keeps their table. After
// an error it does nothing more; finish returns it.
type sectionWriter struct {
	file   baseFile
	w      *bufio.Writer
	table  []section
	begun  section
	offset uint64
	buf    []byte // of the section, not yet written
	size   int    // of header and table
	err    error
}

func (w *sectionWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *sectionWriter) raw(b []byte) {
	if w.err == nil {
		_, err := w.w.Write(b)
		w.fail(err)
	}
	w.offset += uint64(len(b))
}

// reserve leaves room for the header and a table of so many sections.
func (w *sectionWriter) reserve(sections int) {
	w.size = headerSize + entrySize*sections
	w.raw(make([]byte, w.size))
	w.pad()
}

func (w *sectionWriter) pad() {
	if n := w.offset % sectionAlign; n != 0 {
		w.raw(make([]byte, sectionAlign-n))
	}
}

func (w *sectionWriter) begin(kind sectionKind, index int) {
	w.begun = section{kind: kind, index: uint16(index), offset: w.offset}
}

// spill writes out the buffer when it has grown.
func (w *sectionWriter) spill() {
	if len(w.buf) >= 1<<16 {
		w.bytes(w.buf)
		w.buf = w.buf[:0]
	}
}

func (w *sectionWriter) bytes(b []byte) {
	w.begun.crc = crc32.Update(w.begun.crc, castagnoli, b)
	w.raw(b)
}

func (w *sectionWriter) end() {
	w.bytes(w.buf)
	w.buf = w.buf[:0]
	w.begun.length = w.offset - w.begun.offset
	w.table = append(w.table, w.begun)
	w.pad()
}

func (w *sectionWriter) finish(h baseHeader) error {
	if w.err == nil {
		w.fail(w.w.Flush())
	}
	if w.err != nil {
		return w.err
	}
	h.sections, h.length = uint32(len(w.table)), w.offset
	b := h.encode()
	for i := range w.table {
		b = w.table[i].append(b)
	}
	crc := crc32.Update(0, castagnoli, b)
	b = append(binary.NativeEndian.AppendUint32(b[:headerSize-4:headerSize-4], crc), b[headerSize-4:]...)
	if len(b) != w.size {
		return baseError("header of %d bytes where %d were kept for it", len(b), w.size)
	}
	_, err := w.file.WriteAt(b, 0)
	return err
}

// memoryFile is a baseFile on the heap.
type memoryFile struct{ b []byte }

func (m *memoryFile) Write(p []byte) (int, error) {
	m.b = append(m.b, p...)
	return len(p), nil
}

func (m *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	return copy(m.b[off:], p), nil
}
