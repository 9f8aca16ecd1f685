package rules

import "sync"

// pending are the outcomes that wait for the disk. It is safe for concurrent use.
type pending struct {
	*pendingList
	wake chan struct{}
}

type pendingList struct {
	mu      sync.Mutex
	list    []finding
	limit   int
	metrics *metrics
}

// batchSize is how many outcomes are written at once.
const batchSize = 256

func newPending(limit int, m *metrics) pending {
	return pending{&pendingList{limit: limit, metrics: m}, make(chan struct{}, 1)}
}

// offer takes a copy of an outcome, or not when there is no room.
func (p pending) offer(f *finding) bool {
	p.mu.Lock()
	full := len(p.list) >= p.limit
	if !full {
		p.list = append(p.list, *f)
	}
	p.mu.Unlock()
	if full {
		p.metrics.deferred.Inc()
		return false
	}
	p.metrics.outcomes.WithLabelValues(string(f.outcome)).Inc()
	wake(p.wake)
	return true
}

// batch is a copy of the oldest; they stay until done.
func (p pending) batch() []finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]finding(nil), p.list[:min(batchSize, len(p.list))]...)
}

func (p pending) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := copy(p.list, p.list[n:])
	clear(p.list[kept:])
	p.list = p.list[:kept]
}
