package history

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"twind/layers"
)

// The end of a segment: where its index is.
const (
	segmentTrailer = 32
	trailerMagic   = "TWHIDX01"
	maxIndexBytes  = 64 << 20
)

// Rows of a segment stand in runs of sealRun, in the order in which they came;
// in a run they are ordered by id and time and cut into blocks of sealBlock.
const (
	sealRun   = 1 << 16
	sealBlock = 1 << 12
)

// segment is a sealed file of one stream. It never changes.
type segment struct {
	number         uint64
	stream         string
	path           string
	bytes          int64
	rows           int64
	time, received span
	lastEvent      uint64 // sequence of the last event; 0 without
}

func (l *Log) segmentPath(stream string, number uint64) string {
	return filepath.Join(l.o.Dir, stream, fmt.Sprintf("%020d%s", number, segmentExt))
}

// segmentWriter makes a segment.
type segmentWriter struct {
	s    *segment
	f    *os.File
	w    *bufio.Writer
	at   int64
	refs []blockRef
	enc  encoder
	runs [numKinds]table
	cut  table
	rows []int32
	buf  []byte
}

func (l *Log) newSegment(stream string, number uint64) (*segmentWriter, error) {
	path := l.segmentPath(stream, number)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return nil, err
	}
	sw := &segmentWriter{s: &segment{number: number, stream: stream, path: path}, f: f, w: bufio.NewWriterSize(f, 256<<10)}
	for k := range sw.runs {
		sw.runs[k].reset(Kind(k), stream)
	}
	return sw, sw.put(putFileHeader(segmentName, number))
}

func (sw *segmentWriter) put(b []byte) error {
	n, err := sw.w.Write(b)
	sw.at += int64(n)
	return err
}

// add takes a table of the journal.
func (sw *segmentWriter) add(t *table) error {
	run := &sw.runs[t.kind]
	for i := range t.rows {
		if run.rows >= sealRun || run.rows&255 == 0 && run.full() {
			if err := sw.flush(run); err != nil {
				return err
			}
		}
		run.copyRow(t, i)
	}
	return nil
}

// flush writes a run as blocks.
func (sw *segmentWriter) flush(run *table) error {
	if run.rows == 0 {
		return nil
	}
	sorted := run.kind != KindEvent // events stay in the order of their numbers
	if sorted {
		sw.rows = run.order(sw.rows)
	}
	for from := 0; from < run.rows; from += sealBlock {
		sw.cut.reset(run.kind, run.stream)
		for i := from; i < min(from+sealBlock, run.rows); i++ {
			row := i
			if sorted {
				row = int(sw.rows[i])
			}
			sw.cut.copyRow(run, row)
		}
		if err := sw.block(sorted); err != nil {
			return err
		}
	}
	run.reset(run.kind, run.stream)
	return nil
}

func (sw *segmentWriter) block(sorted bool) error {
	t := &sw.cut
	ref := blockRef{
		offset: sw.at, rows: t.rows, kind: t.kind, stream: t.stream, cells: t.cells(),
		time: spanOf(t.ints[colTime]), received: spanOf(t.ints[colReceived]),
	}
	if sorted {
		ref.flags |= blockSorted
		ref.minID, ref.maxID = t.texts[colID].at(0), t.texts[colID].at(t.rows-1)
	} else {
		ref.first = uint64(t.ints[eventSequence][0])
		sw.s.lastEvent = ref.first + uint64(t.rows) - 1
	}
	sw.buf = sw.enc.append(sw.buf[:0], t, ref.first, sorted)
	ref.size = len(sw.buf)
	if len(sw.refs) == 0 {
		sw.s.time, sw.s.received = ref.time, ref.received
	}
	sw.s.time, sw.s.received = sw.s.time.union(ref.time), sw.s.received.union(ref.received)
	sw.s.rows += int64(t.rows)
	sw.refs = append(sw.refs, ref)
	return sw.put(sw.buf)
}

// finish writes index and trailer and gives the file its name.
func (sw *segmentWriter) finish() (*segment, error) {
	for k := range sw.runs {
		if err := sw.flush(&sw.runs[k]); err != nil {
			return nil, err
		}
	}
	index := appendIndex(nil, sw.refs)
	at := sw.at
	if err := sw.put(index); err != nil {
		return nil, err
	}
	trailer := binary.LittleEndian.AppendUint64(nil, uint64(at))
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(len(index)))
	trailer = binary.LittleEndian.AppendUint32(trailer, crc32.Checksum(index, castagnoli))
	trailer = binary.LittleEndian.AppendUint64(trailer, uint64(sw.s.rows))
	if err := sw.put(append(trailer, trailerMagic...)); err != nil {
		return nil, err
	}
	if err := sw.w.Flush(); err != nil {
		return nil, err
	}
	if err := sw.f.Sync(); err != nil {
		return nil, err
	}
	if err := sw.f.Close(); err != nil {
		return nil, err
	}
	if err := os.Rename(sw.s.path+".tmp", sw.s.path); err != nil {
		return nil, err
	}
	sw.s.bytes = sw.at
	return sw.s, syncDir(filepath.Dir(sw.s.path))
}

// abandon removes what was written.
func (sw *segmentWriter) abandon() {
	_ = sw.f.Close()
	_ = os.Remove(sw.s.path + ".tmp")
	_ = os.Remove(sw.s.path)
}

// appendIndex writes the index of a segment's blocks.
func appendIndex(dst []byte, refs []blockRef) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(refs)))
	text := func(s string) {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	times := func(s span) {
		dst = binary.AppendVarint(dst, s.min)
		dst = binary.AppendUvarint(dst, uint64(s.max-s.min))
	}
	for i := range refs {
		r := &refs[i]
		dst = append(dst, byte(r.kind), r.flags)
		for _, v := range [...]uint64{uint64(r.offset), uint64(r.size), uint64(r.rows), r.first} {
			dst = binary.AppendUvarint(dst, v)
		}
		times(r.time)
		times(r.received)
		text(r.minID)
		text(r.maxID)
		dst = binary.AppendUvarint(dst, uint64(len(r.cells)))
		last := uint32(0)
		for _, c := range r.cells {
			dst = binary.AppendUvarint(dst, uint64(c-last))
			last = c
		}
	}
	return dst
}

// readIndex reads what appendIndex wrote of a file whose blocks end at end.
func readIndex(b []byte, stream string, end int64) ([]blockRef, error) {
	r := reader{b: b}
	n := r.uvarint()
	if n > uint64(len(b))/13 { // an entry has no fewer bytes
		r.fail("%d blocks in an index of %d bytes", n, len(b))
	}
	var refs []blockRef
	for i := uint64(0); i < n && r.bad == nil; i++ {
		refs = append(refs, r.ref(stream, end))
	}
	if r.bad == nil && len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	if r.bad != nil {
		return nil, fmt.Errorf("%w: index: %w", errMalformed, r.bad)
	}
	return refs, nil
}

func (r *reader) ref(stream string, end int64) blockRef {
	head := r.take(2)
	if r.bad != nil {
		return blockRef{}
	}
	ref := blockRef{kind: Kind(head[0]), flags: head[1], stream: stream}
	offset, size, rows := r.uvarint(), r.uvarint(), r.uvarint()
	ref.first = r.uvarint()
	ref.time, ref.received = r.span(), r.span()
	ref.minID, ref.maxID = r.text(), r.text()
	n := r.uvarint()
	if ref.kind == 0 || ref.kind >= numKinds || rows == 0 || rows > maxBlockRows || n > maxCells ||
		offset < fileHeader || size < blockHeader || size > maxBlockBytes || offset > uint64(end) || size > uint64(end)-offset {
		r.fail("a block of %d bytes at %d, which ends at %d", size, offset, end)
		return ref
	}
	ref.offset, ref.size, ref.rows = int64(offset), int(size), int(rows)
	last := uint64(0)
	for range n {
		last += r.uvarint()
		ref.cells = append(ref.cells, uint32(last))
	}
	return ref
}

func (r *reader) span() span {
	lo := unzigzag(r.uvarint())
	return span{lo, lo + int64(r.uvarint())}
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > maxTextBytes {
		r.fail("a text of %d bytes", n)
		return ""
	}
	return string(r.take(n))
}

// blocks reads the index of an open segment.
func (s *segment) blocks(f *os.File) ([]blockRef, error) {
	trailer := make([]byte, segmentTrailer)
	if s.bytes < fileHeader+segmentTrailer {
		return nil, s.damaged(fmt.Errorf("%w: %d bytes", errMalformed, s.bytes))
	}
	if _, err := f.ReadAt(trailer, s.bytes-segmentTrailer); err != nil {
		return nil, s.damaged(err)
	}
	le := binary.LittleEndian
	at, size := le.Uint64(trailer), le.Uint32(trailer[8:])
	if string(trailer[24:]) != trailerMagic || size > maxIndexBytes || at < fileHeader || at > uint64(s.bytes) || at+uint64(size)+segmentTrailer != uint64(s.bytes) {
		return nil, s.damaged(fmt.Errorf("%w: no index", errMalformed))
	}
	index := make([]byte, size)
	if _, err := f.ReadAt(index, int64(at)); err != nil {
		return nil, s.damaged(err)
	}
	if crc32.Checksum(index, castagnoli) != le.Uint32(trailer[12:]) {
		return nil, s.damaged(fmt.Errorf("%w: the index's checksum does not match", errMalformed))
	}
	refs, err := readIndex(index, s.stream, int64(at))
	if err != nil {
		return nil, s.damaged(err)
	}
	return refs, nil
}

func (s *segment) damaged(err error) error { return damaged(s.path, err) }

func damaged(path string, err error) error {
	return layers.Errorf(layers.ErrCorrupt, "%s is damaged: %w; put it back from a backup or remove it", shortName(path), err)
}

// shortName is a file's path from the folder that the history's is in: the same
// names stand in the folder of each stream.
func shortName(path string) string {
	stream := filepath.Dir(path)
	return filepath.Join(filepath.Base(filepath.Dir(stream)), filepath.Base(stream), filepath.Base(path))
}

// openSegment reads what is known of a segment from its index.
func (l *Log) openSegment(stream string, number uint64) (*segment, error) {
	s := &segment{number: number, stream: stream, path: l.segmentPath(stream, number)}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s.bytes = info.Size()
	refs, err := s.blocks(f)
	if err != nil {
		return nil, err
	}
	for i := range refs {
		r := &refs[i]
		if i == 0 {
			s.time, s.received = r.time, r.received
		}
		s.time, s.received = s.time.union(r.time), s.received.union(r.received)
		s.rows += int64(r.rows)
		if r.kind == KindEvent {
			s.lastEvent = max(s.lastEvent, r.first+uint64(r.rows)-1)
		}
	}
	return s, nil
}
