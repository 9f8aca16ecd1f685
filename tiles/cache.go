package tiles

import (
	"sync"
	"sync/atomic"
)

// cache keeps entries within a number of bytes, by S3-FIFO (Yang et al., "FIFO
// queues are all you need for cache eviction", SOSP 2023): new entries pass a
// small queue, those asked for again move to the main one, and those that fell
// out lately go there at once. A scan over the map does not wash the city's
// centre out. It is safe for concurrent use.
type cache struct {
	shards [shards]shard
}

const (
	shards = 16
	// overhead is what an entry costs besides its forms: itself, its place in
	// the table, and the key.
	overhead = 320
)

// shard is one part of the cache; mu guards all of it.
type shard struct {
	mu          sync.RWMutex
	limit       int64
	table       map[Key]*entry
	small, main queue
	ghosts      map[Key]struct{} // fell out of small lately
	ghostRing   []Key
	ghostNext   int
	evicted     int64
}

type queue struct {
	head, tail *entry // head is the oldest
	bytes      int64
}

func (q *queue) push(e *entry) {
	e.next = nil
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
	q.bytes += e.size
}

func (q *queue) pop() *entry {
	e := q.head
	if q.head = e.next; q.head == nil {
		q.tail = nil
	}
	e.next = nil
	q.bytes -= e.size
	return e
}

// ghostsKept is the number of keys that a shard remembers without their entries.
const ghostsKept = 1024

func newCache(limit int64) *cache {
	c := new(cache)
	for i := range c.shards {
		c.shards[i] = shard{
			limit: limit / shards, table: map[Key]*entry{},
			ghosts: map[Key]struct{}{}, ghostRing: make([]Key, ghostsKept),
		}
	}
	return c
}

func (c *cache) shard(k *Key) *shard { return &c.shards[k[0]%shards] }

// get finds an entry, or nil.
func (c *cache) get(k *Key) *entry {
	s := c.shard(k)
	s.mu.RLock()
	e := s.table[*k]
	s.mu.RUnlock()
	if e != nil {
		if f := e.freq.Load(); f < 3 {
			e.freq.CompareAndSwap(f, f+1)
		}
	}
	return e
}

// put adds an entry that is not there; one larger than a shard is not kept.
func (c *cache) put(e *entry) {
	s := c.shard(&e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.size = overhead + e.bytes.Load()
	if s.table[e.key] != nil || e.size > s.limit {
		return
	}
	s.table[e.key] = e
	if _, lately := s.ghosts[e.key]; lately {
		e.inMain = true
		s.main.push(e)
	} else {
		s.small.push(e)
	}
	s.shrink()
}

// resized tells the cache that an entry's forms have grown or shrunk.
func (c *cache) resized(e *entry) {
	s := c.shard(&e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table[e.key] != e {
		return
	}
	size := overhead + e.bytes.Load()
	q := &s.small
	if e.inMain {
		q = &s.main
	}
	q.bytes += size - e.size
	e.size = size
	s.shrink()
}

// shrink evicts until the shard is within its limit.
func (s *shard) shrink() {
	for s.small.bytes+s.main.bytes > s.limit {
		if s.small.head != nil && (s.small.bytes > s.limit/10 || s.main.head == nil) {
			e := s.small.pop()
			if e.freq.Load() > 0 {
				e.freq.Store(0)
				e.inMain = true
				s.main.push(e)
				continue
			}
			delete(s.table, e.key)
			s.evicted++
			delete(s.ghosts, s.ghostRing[s.ghostNext])
			s.ghostRing[s.ghostNext] = e.key
			s.ghosts[e.key] = struct{}{}
			s.ghostNext = (s.ghostNext + 1) % ghostsKept
			continue
		}
		e := s.main.pop()
		if f := e.freq.Load(); f > 0 {
			e.freq.Store(f - 1)
			s.main.push(e)
			continue
		}
		delete(s.table, e.key)
		s.evicted++
	}
}

// stats counts entries, their bytes, and evictions since the start.
func (c *cache) stats() (entries int, bytes, evicted int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		entries += len(s.table)
		bytes += s.small.bytes + s.main.bytes
		evicted += s.evicted
		s.mu.RUnlock()
	}
	return entries, bytes, evicted
}

// entry is a rendered tile in the forms that were asked for so far.
type entry struct {
	key         Key
	empty       bool
	generalized bool
	dropped     int

	making sync.Mutex // held while a form is made
	forms  [encodings]atomic.Pointer[form]
	bytes  atomic.Int64  // of all forms
	hits   atomic.Uint32 // since the entry was made
	hot    atomic.Bool   // a better form was asked for

	// Owned by the cache's shard.
	freq   atomic.Int32
	next   *entry
	size   int64
	inMain bool
}

// form is a tile's bytes in one encoding. It is immutable.
type form struct {
	bytes  []byte
	etag   string
	better bool
}

// set stores a form and reports how the entry's size changed; making is held, or
// nobody else knows the entry yet.
func (e *entry) set(enc Encoding, f *form) {
	if old := e.forms[enc].Swap(f); old != nil {
		e.bytes.Add(-int64(len(old.bytes)))
	}
	if f != nil {
		e.bytes.Add(int64(len(f.bytes)))
	}
}
