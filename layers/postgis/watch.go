package postgis

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"twind/layers"
)

// watchers hands a signal to everyone who watches. Its lock guards all of it.
type watchers struct {
	sync.Mutex
	channels map[chan struct{}]bool
}

func (w *watchers) signal() {
	w.Lock()
	defer w.Unlock()
	for c := range w.channels {
		select {
		case c <- struct{}{}:
		default: // one is waiting there already
		}
	}
}

// Watch returns a channel that gets a signal after each commit that changed
// something, by NOTIFY; where the connection does not carry it (a pooler between)
// or is lost, within 200 ms of the commit, by asking.
func (s *Store) Watch(ctx context.Context) (<-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.ctx.Err() != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "the store is closed")
	}
	c := make(chan struct{}, 1)
	s.watch.Lock()
	if s.watch.channels == nil {
		s.watch.channels = map[chan struct{}]bool{}
	}
	s.watch.channels[c] = true
	s.watch.Unlock()
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		select {
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
		s.watch.Lock()
		delete(s.watch.channels, c)
		close(c)
		s.watch.Unlock()
	}()
	return c, nil
}

// pollEvery is how often the revision is asked for besides listening.
const pollEvery = 200 * time.Millisecond

func (s *Store) startWatching() {
	if s.readOnly {
		return
	}
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		s.listen(s.ctx)
	}()
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		s.poll(s.ctx)
	}()
}

// listen keeps a connection that hears of commits, and makes a new one when it
// is lost.
func (s *Store) listen(ctx context.Context) {
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		config := s.pool.Config().ConnConfig
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			if _, err = conn.Exec(ctx, "LISTEN "+quote(s.schema)); err == nil {
				pause = 100 * time.Millisecond
				s.watch.signal() // for what was missed
			}
			for err == nil {
				if _, err = conn.WaitForNotification(ctx); err == nil {
					s.watch.signal()
				}
			}
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			_ = conn.Close(closing)
			cancel()
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("not told of changes for now, asking instead", "error", s.wrap(err, "listen"))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// poll asks for the revision now and then.
func (s *Store) poll(ctx context.Context) {
	var last layers.Revision
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if head, err := s.Head(ctx); err == nil && head != last {
			last = head
			s.watch.signal()
		}
	}
}
