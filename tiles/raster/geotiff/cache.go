package geotiff

import (
	"container/list"
	"sync"
)

// DefaultCacheBytes bounds the decoded blocks that a file keeps by itself.
const DefaultCacheBytes = 32 << 20

// Cache keeps decoded blocks up to a number of bytes, those read last. Several
// files may share one. It is safe for concurrent use: a block that several ask
// for is decoded once.
type Cache struct {
	mu      sync.Mutex
	max     int64
	size    int64
	entries map[cacheKey]*list.Element
	recent  list.List // of *cacheEntry, the last read first
}

type cacheKey struct {
	file         *File
	image, block int
}

type cacheEntry struct {
	key   cacheKey
	ready chan struct{} // closed when data and err are set
	data  []byte
	err   error
}

// NewCache makes a cache of so many bytes. What is being decoded or read besides
// is not counted.
func NewCache(bytes int64) *Cache {
	return &Cache{max: bytes, entries: map[cacheKey]*list.Element{}}
}

// get answers a block, which make decodes if it is not there. The bytes must not
// be changed.
func (c *Cache) get(key cacheKey, decode func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	if e, ok := c.entries[key]; ok {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		entry := e.Value.(*cacheEntry)
		<-entry.ready
		return entry.data, entry.err
	}
	entry := &cacheEntry{key: key, ready: make(chan struct{})}
	element := c.recent.PushFront(entry)
	c.entries[key] = element
	c.mu.Unlock()

	entry.data, entry.err = decode()
	close(entry.ready)
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry.err != nil {
		c.drop(element)
		return nil, entry.err
	}
	if c.entries[key] == element {
		c.size += int64(len(entry.data))
	}
	for e := c.recent.Back(); c.size > c.max && e != nil; {
		older := e.Prev()
		if done(e.Value.(*cacheEntry)) {
			c.size -= int64(len(e.Value.(*cacheEntry).data))
			c.drop(e)
		}
		e = older
	}
	return entry.data, nil
}

func done(e *cacheEntry) bool {
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

func (c *Cache) drop(e *list.Element) {
	key := e.Value.(*cacheEntry).key
	if c.entries[key] == e {
		delete(c.entries, key)
		c.recent.Remove(e)
	}
}
