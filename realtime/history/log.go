package history

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Log is a history on disk. Its methods are safe for concurrent use.
type Log struct {
	o       Options
	metrics *metrics
	lock    *os.File // held while open

	mu      sync.Mutex
	pending []*table          // rows not yet handed to the writer; the last of each stream is open
	open    map[streamKey]int // index in pending
	size    int               // bytes of pending and writing, about
	spare   []*table          // empty
	handed  uint64            // batches handed over: each call of Positions … raises it
	durable uint64            // batches on disk
	failure error             // why the disk does not take rows; nil: it does
	waiting []waiter          // by what they wait for
	lost    map[string]int64  // by stream: newest receipt that retention deleted
	lostAt  int64             // when rows were dropped last, ms since 1970
	nextSeq uint64            // of the next event
	lastSeq uint64            // of the last event on disk
	// neededEvent is the first event that retention must not delete.
	neededEvent uint64
	closed      bool
	journals    []*journal            // oldest first; the last is being written
	segments    map[string][]*segment // by stream, oldest first

	listenersMu sync.Mutex
	listeners   map[int]func([]realtime.Event)
	nextID      int

	wake chan struct{} // to the writer
	seal chan struct{} // to the sealer
	stop chan struct{}
	done sync.WaitGroup

	w writer
}

var (
	_ realtime.Journal   = (*Log)(nil)
	_ realtime.Recording = (*Log)(nil)
	_ realtime.EventLog  = (*Log)(nil)
)

// streamKey names a table.
type streamKey struct {
	kind   Kind
	stream string
}

// waiter waits until a batch is on disk.
type waiter struct {
	batch uint64
	done  chan error
}

// ErrClosed is returned by what is asked of a closed log.
var ErrClosed = layers.Errorf(layers.ErrUnavailable, "the history is closed: the server ends")

// Open opens or makes the log in o.Dir. Journals of earlier runs are read once
// and cut where a crash tore them; they are sealed in the background. It fails
// with layers.ErrUnavailable for a folder that cannot be used or that another
// process has.
func Open(o Options) (*Log, error) {
	o.ensureDefaults()
	l := &Log{
		o: o, metrics: newMetrics(o.Registerer), open: map[streamKey]int{}, segments: map[string][]*segment{}, lost: map[string]int64{}, nextSeq: 1,
		listeners: map[int]func([]realtime.Event){},
		wake:      make(chan struct{}, 1), seal: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, journalDir), 0o755); err != nil {
		return nil, unusable(o.Dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(o.Dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, unusable(o.Dir, err)
	}
	if !take(lock) {
		lock.Close()
		return nil, layers.Errorf(layers.ErrUnavailable, "the history in %s is in use by another process; end that one or choose another folder", o.Dir)
	}
	l.lock = lock
	if err := l.load(); err != nil {
		lock.Close()
		return nil, err
	}
	l.lastSeq, l.neededEvent = l.nextSeq-1, math.MaxUint64
	if o.HoldEvents {
		l.neededEvent = 0
	}
	l.w = writer{l: l, number: l.nextJournal()}
	l.done.Go(l.write)
	l.done.Go(l.sealer)
	poke(l.seal)
	return l, nil
}

// lockName is the file that the process holds a lock of which has the folder.
const lockName = "LOCK"

// take locks the file for this process, unless another has it.
func take(lock *os.File) bool {
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// InUse tells whether a process has the history in a folder. It changes nothing.
func InUse(dir string) bool {
	lock, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false // nobody ever had it
	}
	defer lock.Close() // which gives it free
	return !take(lock)
}

func unusable(dir string, err error) error {
	return layers.Errorf(layers.ErrUnavailable, "the history folder %s cannot be used: %w; make it writable or choose another", dir, err)
}

// Close writes what is in memory, ends what runs, and gives the folder free.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	l.done.Wait()
	err := l.w.close()
	return errors.Join(err, l.lock.Close())
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// table is the open table of a stream. Caller holds mu.
func (l *Log) table(kind Kind, stream string) *table {
	k := streamKey{kind, stream}
	if i, ok := l.open[k]; ok {
		if t := l.pending[i]; !t.full() {
			return t
		}
	}
	var t *table
	if n := len(l.spare); n > 0 {
		t, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		t = &table{}
	}
	t.reset(kind, stream)
	l.open[k] = len(l.pending)
	l.pending = append(l.pending, t)
	return t
}

// rowBytes is about what a row takes in memory without its longer texts.
const rowBytes = 150

// take notes a batch of n rows with longer texts of so many bytes, which is to be
// added, or that there is no room. Caller holds mu.
func (l *Log) take(n, texts int) bool {
	if l.closed || l.size > l.o.MaxPending {
		l.metrics.dropped.Add(float64(n))
		l.lostAt = l.o.Now().UnixMilli()
		return false
	}
	l.handed++
	l.size += n*rowBytes + texts
	return true
}

// Positions implements realtime.Journal.
func (l *Log) Positions(layer layers.ID, rows []realtime.Believed) error {
	if len(rows) == 0 {
		return nil
	}
	texts := 0
	for i := range rows {
		texts += len(rows[i].Properties)
	}
	l.mu.Lock()
	if !l.take(len(rows), texts) {
		l.mu.Unlock()
		return l.busy()
	}
	t := l.table(KindPosition, string(layer))
	for i := range rows {
		if t.rows&63 == 0 && t.full() {
			t = l.table(KindPosition, string(layer))
		}
		t.addPosition(&rows[i])
	}
	l.mu.Unlock()
	poke(l.wake)
	return nil
}

// Observations implements realtime.Journal. Readings bound to an object of a
// layer are kept as long as that layer.
func (l *Log) Observations(rows []realtime.Observation) error {
	if len(rows) == 0 {
		return nil
	}
	texts := 0
	for i := range rows {
		o := &rows[i]
		texts += 2*len(o.Datastream) + len(o.Text) + len(o.Parameters)
	}
	l.mu.Lock()
	if !l.take(len(rows), texts) {
		l.mu.Unlock()
		return l.busy()
	}
	for i := range rows {
		stream := string(rows[i].Layer)
		if stream == "" {
			stream = ObservationsStream
		}
		l.table(KindObservation, stream).addObservation(&rows[i])
	}
	l.mu.Unlock()
	poke(l.wake)
	return nil
}

// AppendEvents numbers the events in place, without gaps, and returns when they
// are on disk; then those who subscribed are told, in the order of the numbers.
// It fails with layers.ErrInvalid for an event that cannot be kept, and with
// ErrUnavailable while the disk does not take them: they may be recorded later
// all the same, under their numbers.
func (l *Log) AppendEvents(ctx context.Context, events []realtime.Event) error {
	texts := 0
	for i := range events {
		if err := checkEvent(&events[i]); err != nil {
			return err
		}
		texts += len(events[i].Data)
	}
	if len(events) == 0 {
		return nil
	}
	if err := l.Ready(); err != nil {
		return err
	}
	l.mu.Lock()
	if !l.take(len(events), texts) {
		l.mu.Unlock()
		return l.busy()
	}
	now := l.o.Now().UnixMilli()
	for i := range events {
		e := &events[i]
		e.Sequence = l.nextSeq
		l.nextSeq++
		if e.Received == 0 {
			e.Received = now
		}
		l.table(KindEvent, EventsStream).addEvent(e)
	}
	batch := l.handed
	l.mu.Unlock()
	return l.wait(ctx, batch)
}

func checkEvent(e *realtime.Event) error {
	for _, s := range [...]string{e.ID, e.Class, e.State, e.Entity} {
		if len(s) > 255 {
			return layers.Errorf(layers.ErrInvalid, "an event's text of %d bytes; at most 255 are possible", len(s))
		}
	}
	if len(e.Data) > maxTextBytes {
		return layers.Errorf(layers.ErrInvalid, "event %.80q has data of %d bytes; at most %d are possible", e.ID, len(e.Data), maxTextBytes)
	}
	if (e.Lon != e.Lon) != (e.Lat != e.Lat) || e.Lon < -180 || e.Lon > 180 || e.Lat < -90 || e.Lat > 90 {
		return layers.Errorf(layers.ErrInvalid, "event %.80q is at %v, %v: expected degrees, or NaN for both", e.ID, e.Lon, e.Lat)
	}
	return nil
}

// Subscribe calls fn with events once they are on disk, in order, from the
// writer's goroutine: fn must be quick and not call the log's methods that
// wait. Call what it returns to stop. Events that were recorded before are read
// with Events.
func (l *Log) Subscribe(fn func([]realtime.Event)) (cancel func()) {
	l.listenersMu.Lock()
	defer l.listenersMu.Unlock()
	id := l.nextID
	l.nextID++
	l.listeners[id] = fn
	return func() {
		l.listenersMu.Lock()
		defer l.listenersMu.Unlock()
		delete(l.listeners, id)
	}
}

// LastEvent is the number of the newest event that is on disk; 0 without any.
func (l *Log) LastEvent() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastSeq
}

// Ready implements realtime.Journal.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.failure != nil:
		return layers.Errorf(layers.ErrUnavailable, "the history cannot be written: %w; make room on its disk", l.failure)
	}
	return nil
}

func (l *Log) busy() error {
	if err := l.Ready(); err != nil {
		return err
	}
	return layers.Errorf(layers.ErrUnavailable, "the history cannot be written as fast as it grows")
}

// Flush implements realtime.Journal.
func (l *Log) Flush(ctx context.Context) error {
	l.mu.Lock()
	batch := l.handed
	l.mu.Unlock()
	return l.wait(ctx, batch)
}

// wait returns when a batch is on disk.
func (l *Log) wait(ctx context.Context, batch uint64) error {
	l.mu.Lock()
	if l.durable >= batch {
		l.mu.Unlock()
		return nil
	}
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	w := waiter{batch, make(chan error, 1)}
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	poke(l.wake)
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reaches implements realtime.Recording.
func (l *Log) Reaches(layer layers.ID, since int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, deleted := l.lost[string(layer)]
	return !l.closed && l.failure == nil && (l.lostAt == 0 || l.lostAt < since) && (!deleted || lost < since)
}

// Stats are what the log holds.
type Stats struct {
	Journals, Segments int
	Bytes              int64     // of segments
	Oldest             time.Time // when the oldest row of a segment was received; zero without any
}

// Stats counts.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Journals: len(l.journals)}
	for _, list := range l.segments {
		for _, g := range list {
			s.Segments++
			s.Bytes += g.bytes
			if t := time.UnixMilli(g.received.min).UTC(); s.Oldest.IsZero() || t.Before(s.Oldest) {
				s.Oldest = t
			}
		}
	}
	return s
}
