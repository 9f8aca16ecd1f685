package history

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// blockBuffers and tables hold the memory of readers.
var (
	blockBuffers = sync.Pool{New: func() any { return new([]byte) }}
	tables       = sync.Pool{New: func() any { return new(table) }}
)

// question is what a reader wants of one stream. Zero spans are unbounded only
// if they say so: use always.
type question struct {
	stream         string
	kind           Kind
	id             string // "" any
	timeFrom       int64  // of the source's clock: from ≤ t < to
	timeTo         int64
	receivedFrom   int64 // of the server's clock
	receivedTo     int64
	box            *spatial.Envelope
	fromFirstEvent uint64 // events from this number on
	// object is the datastream of an object's property, objectPrefix how those of
	// its layer begin; "" any. The reader looks at the rows itself.
	object, objectPrefix string
}

const (
	beginning = -1 << 62
	forever   = 1 << 62
)

// ask is a question about everything of a stream.
func ask(kind Kind, stream string) question {
	return question{stream: stream, kind: kind, timeFrom: beginning, timeTo: forever, receivedFrom: beginning, receivedTo: forever}
}

func (q *question) wants(b *blockRef, box cellBox) bool {
	return b.kind == q.kind && b.stream == q.stream &&
		b.time.meets(q.timeFrom, q.timeTo) && b.received.meets(q.receivedFrom, q.receivedTo) &&
		(q.id == "" || b.mayHold(q.id)) && (q.object == "" || b.mayHoldObject(q.object, q.objectPrefix)) && b.mayTouch(q.box, box) &&
		b.first+uint64(b.rows) > q.fromFirstEvent
}

// sources are the files that a question touches: segments, then journals, each
// oldest first. Each journal is held until release.
func (l *Log) sources(q *question) (segments []*segment, journals []*journal, blocks [][]blockRef) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments[q.stream] {
		if s.time.meets(q.timeFrom, q.timeTo) && s.received.meets(q.receivedFrom, q.receivedTo) {
			segments = append(segments, s)
		}
	}
	for _, j := range l.journals {
		j.users++
		journals = append(journals, j)
		blocks = append(blocks, j.blocks)
	}
	return segments, journals, blocks
}

// release gives journals free, and deletes those that were sealed meanwhile.
func (l *Log) release(journals []*journal) {
	for _, j := range journals {
		l.mu.Lock()
		j.users--
		last := j.users == 0 && j.sealed
		l.mu.Unlock()
		if last {
			l.discard(j)
		}
	}
}

// scan calls yield for each row that answers a question, files from the oldest
// and rows as they stand in them. The table is lent until yield returns.
func (l *Log) scan(ctx context.Context, q question, yield func(t *table, row int) error) error {
	segments, journals, blocks := l.sources(&q)
	defer l.release(journals)
	var box cellBox
	if q.box != nil {
		box = cellBoxOf(*q.box)
	}
	s := scanner{ctx: ctx, q: &q, box: box, yield: yield, t: tables.Get().(*table), buf: blockBuffers.Get().(*[]byte)}
	defer tables.Put(s.t)
	defer blockBuffers.Put(s.buf)
	for _, g := range segments {
		if err := s.segment(g); err != nil {
			return err
		}
	}
	for i, j := range journals {
		if err := s.file(j.path, nil, blocks[i]); err != nil {
			return err
		}
	}
	return nil
}

// scanner is a scan that runs.
type scanner struct {
	ctx   context.Context
	q     *question
	box   cellBox
	yield func(t *table, row int) error
	t     *table
	buf   *[]byte

	reverse bool                               // blocks from the last
	useful  func(ref *blockRef, t *table) bool // of a block whose ids are read; nil: all are
}

func (s *scanner) segment(g *segment) error {
	f, err := os.Open(g.path)
	if errors.Is(err, fs.ErrNotExist) { // retention was faster
		return nil
	}
	if err != nil {
		return g.damaged(err)
	}
	defer f.Close()
	refs, err := g.blocks(f)
	if err != nil {
		return err
	}
	return s.file(g.path, f, refs)
}

// file reads the wanted blocks of a file, which it opens if need be.
func (s *scanner) file(path string, f *os.File, refs []blockRef) error {
	for i := range refs {
		ref := &refs[i]
		if s.reverse {
			ref = &refs[len(refs)-1-i]
		}
		if !s.q.wants(ref, s.box) {
			continue
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if f == nil {
			var err error
			if f, err = os.Open(path); err != nil {
				return damaged(path, err)
			}
			defer f.Close()
		}
		b, err := readFull(f, ref.offset, ref.size, s.buf)
		if err != nil {
			return damaged(path, err)
		}
		if _, err := decode(b, s.t, s.wanted(ref)); err != nil {
			return damaged(path, err)
		}
		if err := s.rows(); err != nil {
			return err
		}
	}
	return nil
}

// wanted looks whether a block has the id at all, before all of it is read.
func (s *scanner) wanted(ref *blockRef) func(*table) bool {
	if s.useful != nil {
		return func(t *table) bool { return s.useful(ref, t) }
	}
	if s.q.object != "" {
		return func(t *table) bool { return holdsObject(t, s.q.object, s.q.objectPrefix) }
	}
	if s.q.id == "" {
		return nil
	}
	return func(t *table) bool {
		for _, w := range t.texts[colID].words {
			if w == s.q.id {
				return true
			}
		}
		return false
	}
}

func (s *scanner) rows() error {
	t, q := s.t, s.q
	for i := range t.rows {
		if at := t.ints[colTime][i]; at < q.timeFrom || at >= q.timeTo {
			continue
		}
		if at := t.ints[colReceived][i]; at < q.receivedFrom || at >= q.receivedTo {
			continue
		}
		if q.id != "" && t.texts[colID].at(i) != q.id {
			continue
		}
		if q.box != nil && !q.box.ContainsPoint(t.floats[posLon][i], t.floats[posLat][i]) {
			continue
		}
		if err := s.yield(t, i); err != nil {
			return err
		}
	}
	return nil
}

// positions reads position rows; the words of one block share their properties.
func positions(yield func(*realtime.Believed) error) func(*table, int) error {
	var b realtime.Believed
	return func(t *table, row int) error {
		t.position(row, &b)
		return yield(&b)
	}
}

// Received implements realtime.Recording.
func (l *Log) Received(ctx context.Context, layer layers.ID, from, to int64, yield func(*realtime.Believed) error) error {
	q := ask(KindPosition, string(layer))
	q.receivedFrom, q.receivedTo = from, to
	return l.scan(ctx, q, positions(yield))
}

// ReceivedObservations implements realtime.Recording.
func (l *Log) ReceivedObservations(ctx context.Context, from, to int64, yield func(*realtime.Observation) error) error {
	for _, stream := range l.streams() {
		q := ask(KindObservation, stream)
		q.receivedFrom, q.receivedTo = from, to
		var o realtime.Observation
		err := l.scan(ctx, q, func(t *table, row int) error {
			t.observation(row, &o)
			return yield(&o)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// streams lists all that have rows on disk.
func (l *Log) streams() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	seen := map[string]bool{}
	note := func(s string) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for s := range l.segments {
		note(s)
	}
	for _, j := range l.journals {
		for i := range j.blocks {
			note(j.blocks[i].stream)
		}
	}
	return out
}

// Events calls yield for each event whose number is above after, in the order
// of the numbers. What retention has deleted is left out: the first number
// tells. An error of yield ends it and is returned.
func (l *Log) Events(ctx context.Context, after uint64, yield func(*realtime.Event) error) error {
	q := ask(KindEvent, EventsStream)
	q.fromFirstEvent = after + 1
	var e realtime.Event
	return l.scan(ctx, q, func(t *table, row int) error {
		t.event(row, &e)
		if e.Sequence <= after {
			return nil
		}
		return yield(&e)
	})
}
