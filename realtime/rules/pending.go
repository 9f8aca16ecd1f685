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
	// seen are the outcomes that were on disk already when the server began, and that
	// may be found again in what was received then.
	seen map[outcomeKey]struct{}
}

// batchSize is how many outcomes are written at once.
const batchSize = 256

func newPending(limit int, m *metrics) pending {
	return pending{&pendingList{limit: limit, metrics: m, seen: map[outcomeKey]struct{}{}}, make(chan struct{}, 1)}
}

// offer takes a copy of an outcome, or not when there is no room.
func (p pending) offer(f *finding) bool {
	p.mu.Lock()
	if len(p.seen) > 0 {
		if _, known := p.seen[f.key()]; known {
			p.mu.Unlock()
			return true
		}
	}
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

// waiting counts them.
func (p pending) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.list)
}

// end notes, whatever the room, that what a rule raised until now is over.
func (p pending) end(r *Rule) {
	p.mu.Lock()
	if n := len(p.list); n == 0 || p.list[n-1].outcome != over || p.list[n-1].rule.ID != r.ID {
		p.list = append(p.list, finding{rule: r, outcome: over})
	}
	p.mu.Unlock()
	wake(p.wake)
}

// batch is a copy of the oldest, or of one that ends a rule; they stay until done.
func (p pending) batch() []finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(batchSize, len(p.list))
	for i := range p.list[:n] {
		if p.list[i].outcome == over {
			n = max(1, i)
			break
		}
	}
	return append([]finding(nil), p.list[:n]...)
}

func (p pending) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := copy(p.list, p.list[n:])
	clear(p.list[kept:])
	p.list = p.list[:kept]
}
