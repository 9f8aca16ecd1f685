package history

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"twind/realtime"
)

// writer is what the one writing goroutine has.
type writer struct {
	l      *Log
	f      *os.File // nil: the next commit begins a journal
	j      *journal
	number uint64 // of the next journal
	enc    encoder

	// What a commit has to write; after a failure it is tried again with what came since.
	buf    []byte
	refs   []blockRef // offsets are in buf
	events []realtime.Event
	batch  uint64 // up to which it goes
	size   int    // of Log.size
	rows   int
}

// Bounds of the wait after a failed commit.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// write is the writing goroutine: it commits at once when somebody waits, and
// else once in Options.Interval.
func (l *Log) write() {
	var due <-chan time.Time
	retry := time.Duration(0)
	for {
		stopping := false
		select {
		case <-l.stop:
			stopping = true
		case <-due:
		case <-l.wake:
			if !l.awaited() {
				if due == nil {
					due = time.After(l.o.Interval)
				}
				continue
			}
			if retry > 0 && due != nil { // the disk is tried again when it is time
				l.refuse()
				continue
			}
		}
		due = nil
		if err := l.w.commit(); err != nil {
			l.metrics.failures.Inc()
			if retry == 0 {
				l.o.Log.Error("the history cannot be written; it is tried again", "cause", err)
			}
			retry = min(max(2*retry, firstRetry), lastRetry)
			due = time.After(retry)
		} else {
			retry = 0
		}
		if stopping {
			l.refuse()
			return
		}
	}
}

// awaited tells whether somebody waits, or so much is pending that it should go.
func (l *Log) awaited() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0 || l.size > l.o.MaxPending/4
}

// refuse tells all who wait that the disk does not take rows.
func (l *Log) refuse() {
	err := l.Ready()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		w.done <- err
	}
	l.waiting = l.waiting[:0]
}

// commit writes all that is pending and syncs it.
func (w *writer) commit() error {
	l := w.l
	l.mu.Lock()
	tables := l.pending
	l.pending = nil
	clear(l.open)
	w.batch, w.size = l.handed, l.size
	l.mu.Unlock()
	for _, t := range tables {
		w.add(t)
	}
	l.mu.Lock()
	l.spare = append(l.spare, tables[:min(len(tables), max(0, 16-len(l.spare)))]...)
	l.mu.Unlock()
	if len(w.buf) > 0 {
		start := time.Now()
		if err := w.store(); err != nil {
			w.abandon()
			l.failed(err)
			return err
		}
		l.metrics.sync.Observe(time.Since(start).Seconds())
		l.metrics.commits.Inc()
		l.metrics.bytes.Add(float64(len(w.buf)))
		l.metrics.rows.Add(float64(w.rows))
	}
	w.publish()
	return nil
}

// add encodes a table.
func (w *writer) add(t *table) {
	if t.rows == 0 {
		return
	}
	var first uint64
	if t.kind == KindEvent {
		first = uint64(t.ints[eventSequence][0])
		for i := range t.rows {
			var e realtime.Event
			t.event(i, &e)
			w.events = append(w.events, e)
		}
	}
	at := len(w.buf)
	w.buf = w.enc.append(w.buf, t, first, false)
	w.refs = append(w.refs, blockRef{
		offset: int64(at), size: len(w.buf) - at, rows: t.rows, kind: t.kind, stream: t.stream, first: first,
		time: spanOf(t.ints[colTime]), received: spanOf(t.ints[colReceived]),
	})
	w.rows += t.rows
}

// store puts the bytes on disk.
func (w *writer) store() error {
	if w.f == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	if _, err := w.f.WriteAt(w.buf, w.j.size); err != nil {
		return err
	}
	return w.f.Sync()
}

// begin makes the next journal.
func (w *writer) begin() error {
	l := w.l
	j := &journal{number: w.number, path: l.journalPath(w.number), size: fileHeader, began: time.Now()}
	f, err := os.OpenFile(j.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(putFileHeader(journalName, j.number))
	if err == nil {
		err = syncDir(filepath.Dir(j.path))
	}
	if err != nil {
		f.Close()
		_ = os.Remove(j.path) // as if it had never been begun
		return err
	}
	w.f, w.j = f, j
	w.number++
	l.mu.Lock()
	l.journals = append(l.journals, j)
	l.mu.Unlock()
	return nil
}

// abandon ends a journal that could not be written: after a failed write or
// sync nobody knows what of it is on disk, beyond what was synced before.
func (w *writer) abandon() {
	if w.f == nil {
		return
	}
	_ = w.f.Truncate(w.j.size) // what cannot be cut is found torn when it is read
	_ = w.close()
}

// publish shows the stored blocks to readers, tells subscribers, and lets go
// those who waited.
func (w *writer) publish() {
	l := w.l
	l.mu.Lock()
	if len(w.buf) > 0 {
		for _, r := range w.refs {
			r.offset += w.j.size
			w.j.blocks = append(w.j.blocks, r)
		}
		w.j.size += int64(len(w.buf))
	}
	l.durable, l.failure = w.batch, nil
	if n := len(w.events); n > 0 {
		l.lastSeq = w.events[n-1].Sequence
	}
	l.size -= w.size
	kept := l.waiting[:0]
	var done []waiter
	for _, x := range l.waiting {
		if x.batch <= w.batch {
			done = append(done, x)
		} else {
			kept = append(kept, x)
		}
	}
	l.waiting = kept
	l.mu.Unlock()
	if len(w.events) > 0 {
		l.tell(w.events)
	}
	for _, x := range done {
		x.done <- nil
	}
	full := w.f != nil && (w.j.size >= l.o.SealBytes || time.Since(w.j.began) >= l.o.SealAfter)
	w.buf, w.refs, w.events, w.size, w.rows = w.buf[:0], w.refs[:0], nil, 0, 0
	if cap(w.buf) > 4<<20 {
		w.buf = nil
	}
	if full {
		_ = w.close()
		poke(l.seal)
	}
}

func (l *Log) tell(events []realtime.Event) {
	l.listenersMu.Lock()
	defer l.listenersMu.Unlock()
	for id := range l.nextID {
		if fn := l.listeners[id]; fn != nil {
			fn(events)
		}
	}
}

// failed notes why the disk does not take rows and tells those who wait.
func (l *Log) failed(err error) {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	l.mu.Lock()
	l.failure = err
	l.mu.Unlock()
	l.refuse()
}

// close ends the journal that is being written; it is whole.
func (w *writer) close() error {
	if w.f == nil {
		return nil
	}
	err := w.f.Close()
	w.f = nil
	w.l.mu.Lock()
	w.j.ended = true
	w.l.mu.Unlock()
	return err
}
