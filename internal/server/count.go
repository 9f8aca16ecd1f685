package server

import (
	"context"
	"sync"
)

// countCache remembers numberMatched of filtered requests, so that paging
// counts once. Its keys hold the layer's revision; it keeps at most maxCounts.
type countCache struct {
	mu sync.Mutex // owns m
	m  map[string]int64
}

const maxCounts = 4096

func newCountCache() *countCache { return &countCache{m: map[string]int64{}} }

func (c *countCache) get(ctx context.Context, key string, count func() (int64, error)) (int64, error) {
	c.mu.Lock()
	n, ok := c.m[key]
	c.mu.Unlock()
	if ok {
		return n, nil
	}
	n, err := count()
	if err != nil || ctx.Err() != nil {
		return n, err
	}
	c.mu.Lock()
	if len(c.m) >= maxCounts {
		clear(c.m)
	}
	c.m[key] = n
	c.mu.Unlock()
	return n, nil
}
