package snapshot

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/index"
	"twind/spatial/tile"
)

// runShift gives the number of features of a run, 65,536: the columns of a base in
// the making grow in pieces, so that growing them copies little and leaves little
// garbage.
const runShift = 16

// baseBuilder collects the features of a base and writes its file. Finished runs
// lie in a temporary file, so that the heap holds little more than the distinct
// values. It is owned by one goroutine; what follows from the features is
// computed by a second one, a run behind. It must be closed.
type baseBuilder struct {
	layer *layers.Layer
	dict  *dictionary
	runs  []*appender
	n     int
	spool spool
	shift uint // a run has 1<<shift features

	deriving chan error // of the run that is being derived: its outcome
	err      error
}

// newBaseBuilder begins a base whose runs are kept in the folder.
func newBaseBuilder(l *layers.Layer, dir string) *baseBuilder {
	return &baseBuilder{layer: l, dict: newDictionary(), spool: spool{dir: dir}, shift: runShift}
}

// close gives up what the builder holds.
func (b *baseBuilder) close() {
	b.wait()
	b.spool.close()
}

// add copies a feature, which layers.CheckFeature has accepted.
func (b *baseBuilder) add(f *layers.Feature) error {
	if b.n&(1<<b.shift-1) == 0 {
		run := newAppender(b.layer.Schema, b.dict)
		if n := len(b.runs); n > 0 {
			run.reserve(b.runs[n-1], 1<<b.shift)
		}
		b.closeRun(len(b.runs) > 0)
		if b.err != nil {
			return b.err
		}
		if n := len(b.runs); n > 1 { // that run is derived: its room is free
			run.raw, run.rawEnd = b.runs[n-2].raw, b.runs[n-2].rawEnd
			b.runs[n-2].raw, b.runs[n-2].rawEnd = nil, nil
		}
		b.runs = append(b.runs, run)
	}
	if err := b.runs[len(b.runs)-1].add(f); err != nil {
		return err
	}
	b.n++
	return nil
}

// closeRun has the last run derived in the background, once the one before is, and
// moved to the spool.
func (b *baseBuilder) closeRun(move bool) {
	b.wait()
	if len(b.runs) == 0 || b.err != nil {
		return
	}
	run, done := b.runs[len(b.runs)-1], make(chan error, 1)
	b.deriving = done
	go func() {
		err := run.derive()
		if err == nil && move {
			err = b.spool.move(&run.seg)
		}
		done <- err
	}()
}

// wait waits for the run that is being derived.
func (b *baseBuilder) wait() {
	if b.deriving != nil {
		if err := <-b.deriving; err != nil && b.err == nil {
			b.err = err
		}
		b.deriving = nil
	}
}

// reserve makes room for so many rows, each as large as those of another run.
func (a *appender) reserve(like *appender, rows int) {
	s, l := &a.seg, &like.seg
	grow := func(n int) int { return n + n/16 }
	s.FeaturePath = append(make([]uint32, 0, rows+1), 0)
	s.PathKinds = make([]PathKind, 0, grow(len(l.PathKinds)))
	s.PathVertex = append(make([]uint32, 0, grow(len(l.PathVertex))), 0)
	s.exact = make([]float64, 0, grow(len(l.exact)))
	s.IDOffset = append(make([]uint32, 0, rows+1), 0)
	s.IDBytes = make([]byte, 0, grow(len(l.IDBytes)))
	for _, column := range []*[]uint8{&s.Type, &s.Flags} {
		*column = make([]uint8, 0, rows)
	}
	s.Number = make([]uint64, 0, rows)
	s.Revision = make([]int64, 0, rows)
}

// at is the run and row of feature g, counted in order of arrival.
func (b *baseBuilder) at(g uint32) (*Segment, int) {
	return &b.runs[g>>b.shift].seg, int(g & (1<<b.shift - 1))
}

// baseFile is what a base is written to, by several goroutines.
type baseFile interface{ io.WriterAt }

// write writes the file. The builder is used up. Two features with one id are an
// error, ErrCorrupt.
func (b *baseBuilder) write(file baseFile, meta *baseMeta, past *touched) error {
	b.closeRun(false)
	b.wait()
	if b.err != nil {
		return b.err
	}
	l, err := b.layout()
	if err != nil {
		return err
	}
	meta.setExtent(l.extent)
	description, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	touchBoxes, touchRevisions := past.all()

	w := &sectionWriter{file: file}
	jobs := b.columns(l)
	jobs = append(jobs,
		verbatim(sectionMeta, description),
		verbatim(sectionMemberFeature, bytesOf(l.collections)),
		verbatim(sectionMemberOffset, bytesOf(l.structureEnds)),
		verbatim(sectionMemberBytes, l.structures),
		verbatim(sectionTouchBox, bytesOf(touchBoxes)),
		verbatim(sectionTouchRevision, bytesOf(touchRevisions)),
		verbatim(sectionSurfaceFeature, bytesOf(l.solids)),
	)
	slices.SortStableFunc(jobs, func(a, b sectionJob) int { return int(a.kind) - int(b.kind) })
	w.place(jobs)
	// The values' new numbers are needed by every column: they come first, and what
	// does not need them is done meanwhile.
	slices.SortStableFunc(jobs, func(a, b sectionJob) int { return a.turn - b.turn })
	var group errgroup.Group
	group.SetLimit(min(4, runtime.GOMAXPROCS(0)))
	for i := range jobs {
		group.Go(func() error { return w.write(&jobs[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return w.finish(&baseHeader{features: uint64(b.n), located: uint64(l.located), paths: l.paths, vertices: l.vertices, values: uint32(len(b.dict.offset) - 1)})
}

// layout is the order and the sizes of a base.
type layout struct {
	order           []uint32 // features, by number of arrival
	located         int
	paths, vertices uint64
	ids             uint64 // bytes
	heights         bool
	extent          spatial.Envelope
	solids          []uint32 // features with surfaces, by place in the order
	faces           uint64   // bytes of all surfaces

	collections, structureEnds []uint32
	structures                 []byte
}

func (b *baseBuilder) layout() (*layout, error) {
	l := &layout{extent: spatial.EmptyEnvelope(), structureEnds: []uint32{0}}
	boxes := make([]tile.WorldBox, 0, b.n)
	collections := 0
	for _, r := range b.runs {
		boxes = append(boxes, r.seg.Box...)
		l.paths += uint64(len(r.seg.PathKinds))
		l.vertices += uint64(len(r.seg.exact) / 2)
		l.ids += uint64(len(r.seg.IDBytes))
		l.heights = l.heights || r.seg.heights != nil
		l.extent = l.extent.Union(r.extent)
		collections += len(r.seg.members.feature)
		l.faces += uint64(len(r.seg.surfaces.bytes))
	}
	if l.paths >= math.MaxUint32 || l.vertices >= math.MaxUint32 || l.ids > math.MaxUint32 || l.faces > math.MaxUint32 || b.n >= math.MaxUint32 {
		return nil, layers.Errorf(layers.ErrUnsupported, "snapshot: layer %s exceeds 2³² features, paths, vertices, bytes of ids or of surfaces; split it", b.layer.ID)
	}
	l.order, l.located = index.Order(boxes)
	if l.faces > 0 {
		for k, g := range l.order {
			if s, i := b.at(g); s.Surfaces(i) != nil {
				l.solids = append(l.solids, uint32(k))
			}
		}
	}
	if collections == 0 {
		return l, nil
	}
	for k, g := range l.order {
		s, i := b.at(g)
		if spatial.Type(s.Type[i]) == spatial.GeometryCollection {
			l.collections = append(l.collections, uint32(k))
			l.structures = append(l.structures, s.members.of(i)...)
			if len(l.structures) > math.MaxUint32 {
				return nil, layers.Errorf(layers.ErrUnsupported, "snapshot: the collections of layer %s are too many; split it", b.layer.ID)
			}
			l.structureEnds = append(l.structureEnds, uint32(len(l.structures)))
		}
	}
	return l, nil
}

// sectionJob writes one section.
type sectionJob struct {
	section
	turn  int // jobs with a lower one are begun first
	write func(out *sectionBuffer) error
}

// verbatim is a section that is there already.
func verbatim(kind sectionKind, b []byte) sectionJob {
	return sectionJob{section: section{kind: kind, length: uint64(len(b))}, write: func(out *sectionBuffer) error {
		out.bytes(b)
		return nil
	}}
}

// columns lists the jobs of the sections that are gathered from the runs.
func (b *baseBuilder) columns(l *layout) []sectionJob {
	e := binary.NativeEndian
	var jobs []sectionJob
	n := uint64(b.n)
	add := func(kind sectionKind, length uint64, write func(out *sectionBuffer) error) *sectionJob {
		jobs = append(jobs, sectionJob{section: section{kind: kind, length: length}, turn: 1, write: write})
		return &jobs[len(jobs)-1]
	}
	each := func(kind sectionKind, length uint64, row func(dst []byte, s *Segment, i int) []byte) *sectionJob {
		return add(kind, length, func(out *sectionBuffer) error {
			for _, g := range l.order {
				s, i := b.at(g)
				out.buf = row(out.buf, s, i)
				out.spill()
			}
			return nil
		})
	}
	// sums are offsets: 0, and after each item the sum of the lengths so far.
	sums := func(kind sectionKind, items uint64, row func(dst []byte, sum uint32, s *Segment, i int) ([]byte, uint32)) {
		add(kind, 4*(items+1), func(out *sectionBuffer) error {
			out.buf = e.AppendUint32(out.buf, 0)
			sum := uint32(0)
			for _, g := range l.order {
				s, i := b.at(g)
				out.buf, sum = row(out.buf, sum, s, i)
				out.spill()
			}
			return nil
		})
	}

	each(sectionBox, 16*n, func(dst []byte, s *Segment, i int) []byte { return append(dst, bytesOf(s.Box[i:i+1])...) })
	add(sectionNodes, 16*uint64(index.NodeCount(l.located)), func(out *sectionBuffer) error {
		boxes := make([]tile.WorldBox, l.located)
		for k, g := range l.order[:l.located] {
			s, i := b.at(g)
			boxes[k] = s.Box[i]
		}
		out.bytes(bytesOf(index.Pack(boxes)))
		return nil
	})
	each(sectionType, n, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.Type[i]) })
	each(sectionFlags, n, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.Flags[i]) })
	each(sectionSimpleFrom, n, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.SimpleFrom[i]) })
	sums(sectionFeaturePath, n, func(dst []byte, sum uint32, s *Segment, i int) ([]byte, uint32) {
		sum += s.FeaturePath[i+1] - s.FeaturePath[i]
		return e.AppendUint32(dst, sum), sum
	})
	each(sectionPathKinds, l.paths, func(dst []byte, s *Segment, i int) []byte {
		return append(dst, bytesOf(s.PathKinds[s.FeaturePath[i]:s.FeaturePath[i+1]])...)
	})
	sums(sectionPathVertex, l.paths, func(dst []byte, sum uint32, s *Segment, i int) ([]byte, uint32) {
		for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
			sum += s.PathVertex[p+1] - s.PathVertex[p]
			dst = e.AppendUint32(dst, sum)
		}
		return dst, sum
	})
	each(sectionWorld, 8*l.vertices, func(dst []byte, s *Segment, i int) []byte {
		lo, hi := s.Vertices(i)
		return append(dst, bytesOf(s.World[2*lo:2*hi])...)
	})
	b.valueColumns(l, add)
	sums(sectionIDOffset, n, func(dst []byte, sum uint32, s *Segment, i int) ([]byte, uint32) {
		sum += s.IDOffset[i+1] - s.IDOffset[i]
		return e.AppendUint32(dst, sum), sum
	})
	each(sectionIDBytes, l.ids, func(dst []byte, s *Segment, i int) []byte { return append(dst, s.ID(i)...) })
	each(sectionNumber, 8*n, func(dst []byte, s *Segment, i int) []byte { return e.AppendUint64(dst, s.Number[i]) })
	each(sectionRevision, 8*n, func(dst []byte, s *Segment, i int) []byte { return e.AppendUint64(dst, uint64(s.Revision[i])) })
	add(sectionIDTable, 4*uint64(idTableSize(b.n)), func(out *sectionBuffer) error {
		table, err := b.idTable(l.order)
		if err == nil {
			out.bytes(bytesOf(table.slots))
		}
		return err
	})
	each(sectionExact, 16*l.vertices, func(dst []byte, s *Segment, i int) []byte {
		lo, hi := s.Vertices(i)
		return append(dst, bytesOf(s.exact[2*lo:2*hi])...)
	})
	b.surfaceColumns(l, add)
	if !l.heights {
		return append(jobs, verbatim(sectionHeights, nil))
	}
	each(sectionHeights, 8*l.vertices, func(dst []byte, s *Segment, i int) []byte {
		lo, hi := s.Vertices(i)
		if s.heights == nil {
			return append(dst, make([]byte, 8*(hi-lo))...)
		}
		return append(dst, bytesOf(s.heights[lo:hi])...)
	})
	return jobs
}

// surfaceColumns adds the sections of surfaces.
func (b *baseBuilder) surfaceColumns(l *layout, add func(kind sectionKind, length uint64, write func(out *sectionBuffer) error) *sectionJob) {
	surfaces := func(k uint32) layers.Surfaces {
		s, i := b.at(l.order[k])
		return s.Surfaces(i)
	}
	add(sectionSurfaceOffset, 4*uint64(len(l.solids)+1), func(out *sectionBuffer) error {
		sum := uint32(0)
		out.buf = binary.NativeEndian.AppendUint32(out.buf, sum)
		for _, k := range l.solids {
			sum += uint32(len(surfaces(k)))
			out.buf = binary.NativeEndian.AppendUint32(out.buf, sum)
			out.spill()
		}
		return nil
	})
	add(sectionSurfaceBytes, l.faces, func(out *sectionBuffer) error {
		for _, k := range l.solids {
			out.buf = append(out.buf, surfaces(k)...)
			out.spill()
		}
		return nil
	})
}

// valueColumns adds the sections of values: they are numbered anew, in the order
// in which they are met, so that values of neighbours are neighbours.
func (b *baseBuilder) valueColumns(l *layout, add func(kind sectionKind, length uint64, write func(out *sectionBuffer) error) *sectionJob) {
	e := binary.NativeEndian
	var number, met []uint32
	ready := make(chan struct{})
	offsets := add(sectionValueOffset, 4*uint64(len(b.dict.offset)), func(out *sectionBuffer) error {
		number, met = b.renumber(l.order)
		close(ready)
		out.buf = e.AppendUint32(out.buf, 0)
		sum := uint32(0)
		for _, k := range met {
			sum += b.dict.offset[k] - b.dict.offset[k-1]
			out.buf = e.AppendUint32(out.buf, sum)
			out.spill()
		}
		return nil
	})
	offsets.turn = 0
	add(sectionValues, uint64(len(b.dict.bytes)), func(out *sectionBuffer) error {
		<-ready
		for _, k := range met {
			out.buf = append(out.buf, b.dict.bytes[b.dict.offset[k-1]:b.dict.offset[k]]...)
			out.spill()
		}
		return nil
	}).turn = 2
	for c := range b.layer.Schema {
		job := add(sectionColumn, 4*uint64(b.n), func(out *sectionBuffer) error {
			<-ready
			for _, g := range l.order {
				s, i := b.at(g)
				k := s.Columns[c][i]
				if k != 0 {
					k = number[k]
				}
				out.buf = e.AppendUint32(out.buf, k)
				out.spill()
			}
			return nil
		})
		job.index, job.turn = uint16(c), 2
	}
}

// renumber gives each value its new number, by its old one, and lists the old
// numbers in the new order.
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

// sectionWriter writes the sections of a file to their places.
type sectionWriter struct {
	file   baseFile
	table  []section
	length uint64 // of the file
}

// place gives each section its offset, in the order of the jobs.
func (w *sectionWriter) place(jobs []sectionJob) {
	align := func(v uint64) uint64 { return (v + sectionAlign - 1) &^ (sectionAlign - 1) }
	w.length = align(headerSize + entrySize*uint64(len(jobs)))
	w.table = make([]section, len(jobs))
	for i := range jobs {
		jobs[i].offset = w.length
		jobs[i].place = i
		w.length = align(w.length + jobs[i].length)
	}
}

// write runs a job. Jobs may run at the same time.
func (w *sectionWriter) write(job *sectionJob) error {
	out := sectionBuffer{file: w.file, at: job.offset}
	if err := job.write(&out); err != nil {
		return err
	}
	out.bytes(out.buf)
	if out.err != nil {
		return out.err
	}
	if got := out.at - job.offset; got != job.length {
		return baseError("section %d/%d came to %d bytes, expected %d", job.kind, job.index, got, job.length)
	}
	job.crc = out.crc
	w.table[job.place] = job.section
	return nil
}

// finish writes header and table, and the last byte of the padding at the end.
func (w *sectionWriter) finish(h *baseHeader) error {
	h.sections, h.length = uint32(len(w.table)), w.length
	b := h.encode()
	for i := range w.table {
		b = w.table[i].append(b)
	}
	crc := crc32.Update(0, castagnoli, b)
	b = append(binary.NativeEndian.AppendUint32(b[:headerSize-4:headerSize-4], crc), b[headerSize-4:]...)
	written := uint64(0)
	for i := range w.table {
		if s := &w.table[i]; s.length > 0 {
			written = max(written, s.offset+s.length)
		}
	}
	if written < w.length {
		if _, err := w.file.WriteAt([]byte{0}, int64(w.length-1)); err != nil {
			return err
		}
	}
	_, err := w.file.WriteAt(b, 0)
	return err
}

// sectionBuffer collects what a section is made of and writes it in pieces.
type sectionBuffer struct {
	file baseFile
	at   uint64
	crc  uint32
	buf  []byte // not yet written
	err  error
}

// spill writes out the buffer when it has grown.
func (o *sectionBuffer) spill() {
	if len(o.buf) >= 1<<18 {
		o.bytes(o.buf)
		o.buf = o.buf[:0]
	}
}

func (o *sectionBuffer) bytes(b []byte) {
	o.crc = crc32.Update(o.crc, castagnoli, b)
	if o.err == nil && len(b) > 0 {
		_, o.err = o.file.WriteAt(b, int64(o.at))
	}
	o.at += uint64(len(b))
}
