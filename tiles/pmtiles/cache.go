package pmtiles

import (
	"container/list"
	"sync"
)

// lru keeps values of at most limit bytes in all; what was asked for longest ago
// goes first. It is safe for concurrent use.
type lru[K comparable, V any] struct {
	mu    sync.Mutex // owns what follows
	limit int64
	held  int64
	order *list.List // of *item, the last used in front
	items map[K]*list.Element
}

type item[K comparable, V any] struct {
	key   K
	value V
	bytes int64
}

func newLRU[K comparable, V any](limit int64) *lru[K, V] {
	return &lru[K, V]{limit: limit, order: list.New(), items: map[K]*list.Element{}}
}

func (c *lru[K, V]) get(k K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[k]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*item[K, V]).value, true
}

// put keeps a value unless it alone is larger than a quarter of the limit.
func (c *lru[K, V]) put(k K, v V, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[k]; ok || bytes > c.limit/4 {
		return
	}
	c.items[k] = c.order.PushFront(&item[K, V]{k, v, bytes})
	for c.held += bytes; c.held > c.limit; {
		last := c.order.Back()
		i := c.order.Remove(last).(*item[K, V])
		delete(c.items, i.key)
		c.held -= i.bytes
	}
}
