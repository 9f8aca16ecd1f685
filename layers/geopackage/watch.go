package geopackage

import (
	"context"
	"errors"
	"sync"
	"time"

	"twind/internal/sqlite"
)

// pollPeriod is how often the file is asked whether another connection has
// committed (PRAGMA data_version: one look at the shared memory of the log).
const pollPeriod = 100 * time.Millisecond

// watchers are the channels of Watch; the mutex guards the set.
type watchers struct {
	mu     sync.Mutex
	set    map[chan struct{}]bool
	closed bool
}

// signal tells every watcher that the log may have grown; one that has not yet
// taken the last signal gets none.
func (w *watchers) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.set {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (w *watchers) remove(ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set[ch] {
		delete(w.set, ch)
		close(ch)
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for ch := range w.set {
		close(ch)
	}
	w.set = nil
}

// Watch returns a channel that receives a signal at once after a commit of this
// store and within 200 ms after one of another process. The channel is closed
// when ctx ends or the store is closed.
func (s *Store) Watch(ctx context.Context) (<-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ch := make(chan struct{}, 1)
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	if s.watch.closed {
		return nil, s.explain(sqlite.ErrClosed)
	}
	if s.watch.set == nil {
		s.watch.set = make(map[chan struct{}]bool)
	}
	s.watch.set[ch] = true
	context.AfterFunc(ctx, func() { s.watch.remove(ch) })
	return ch, nil
}

// start runs the goroutine that follows the file until Close.
func (s *Store) start() error {
	m, err := s.db.Monitor()
	if err != nil {
		return err
	}
	last, err := m.DataVersion()
	if err != nil {
		return errors.Join(err, m.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, make(chan struct{})
	go func() {
		defer close(s.done)
		defer s.watch.close()
		defer m.Close()
		s.follow(ctx, m, last)
	}()
	return nil
}

// follow polls for commits of other connections. Their new and replaced tables
// are taken over when they have been quiet for a while: a program that fills a
// table in many transactions is not disturbed, and its rows are read once.
func (s *Store) follow(ctx context.Context, m *sqlite.Monitor, last int64) {
	tick := time.NewTicker(pollPeriod)
	defer tick.Stop()
	others := int64(-1)
	// The last commit of others; the first one not looked at yet (at the
	// beginning: what may have come since Open looked); when to look again for
	// what waits.
	var foreign, next time.Time
	since := time.Now()
	log := compaction{s: s}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.away(ctx) {
			<-ctx.Done()
			return
		}
		if err := log.step(ctx, s.head.Load()); err != nil && ctx.Err() == nil {
			s.log.Warn("the change log could not be compacted", "error", err)
		}
		v, err := m.DataVersion()
		if err != nil {
			s.log.Warn("cannot look for changes of other programs", "error", err)
			continue
		}
		now := time.Now()
		if v != last {
			last = v
			s.watch.signal()
			n, err := s.db.OtherCommits(ctx)
			if err != nil {
				if ctx.Err() == nil {
					s.log.Warn("cannot look for changes of other programs", "error", err)
				}
				continue
			}
			if n != others {
				others, foreign = n, now
				if since.IsZero() {
					since = now
				}
			}
		}
		quiet := now.Sub(foreign) >= s.o.Quiet
		waits := s.reconcile.waiting && now.After(next)
		if since.IsZero() && !waits || !quiet && now.Sub(since) < 10*s.o.Quiet {
			continue
		}
		since, next = time.Time{}, now.Add(s.o.Quiet)
		if err := s.reconcile.run(ctx, now.Sub(foreign) >= 10*s.o.Quiet, false); err != nil && ctx.Err() == nil {
			s.log.Warn("cannot follow what other programs have done", "error", err)
			since = now // again
		}
	}
}

// Writable tells whether the file is still where it was opened, and whether there
// is room again where its disk was full; what is changed otherwise is refused with
// the same error, of ErrUnavailable.
func (s *Store) Writable() error {
	if s.full.Load() {
		if sqlite.DiskFull(s.path) {
			return s.diskFull()
		}
		s.full.Store(false)
	}
	return s.explain(s.db.InPlace())
}

// away tells whether the file is no longer in its place, and says so once; from
// then on the store is only read.
func (s *Store) away(ctx context.Context) bool {
	err := s.db.InPlace()
	if !errors.Is(err, sqlite.ErrMoved) {
		return false
	}
	text := s.explain(err).Error()
	if err := s.db.Abandon(ctx); err != nil {
		s.log.Error(text+"; its last changes could not be brought into it: keep "+s.path+"-wal with the old file, away from another of its name", "error", err)
	} else {
		s.log.Error(text)
	}
	return true
}
