package pyramid

import (
	"container/list"
	"crypto/sha256"
	"os"
	"sync"

	"twind/layers"
)

// store is a file of cells that only grows. Reading is safe while it grows; the
// file is closed when nothing refers to it any more.
type store struct {
	file *os.File
	mu   sync.Mutex
	size int64
}

func (s *store) append(b []byte) (at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = s.size
	if _, err := s.file.WriteAt(b, at); err != nil {
		return 0, layers.Errorf(layers.ErrUnavailable, "the generalised levels cannot be written to %s: %w; make room there or choose another folder", s.file.Name(), err)
	}
	s.size += int64(len(b))
	return at, nil
}

// read reads a stored cell.
func (r *ref) read() (*Cell, error) {
	b := make([]byte, r.size)
	if _, err := r.in.file.ReadAt(b, r.at); err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "the generalised levels cannot be read from %s: %w", r.in.file.Name(), err)
	}
	sum := sha256.Sum256(b)
	if [16]byte(sum[:16]) != r.hash {
		return nil, errCell
	}
	c, err := Decode(b)
	if err != nil {
		return nil, err
	}
	if c.ID != r.id {
		return nil, errCell
	}
	return c, nil
}

// cache keeps the cells that were used last, up to a number of bytes. It is safe
// for concurrent use.
type cache struct {
	limit int

	mu    sync.Mutex
	bytes int
	list  *list.List // of *cached, the last used first
	at    map[place]*list.Element
}

type place struct {
	in *store
	at int64
}

type cached struct {
	place
	cell *Cell
}

func newCache(limit int) *cache {
	return &cache{limit: limit, list: list.New(), at: map[place]*list.Element{}}
}

func (c *cache) put(r *ref, cell *Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := place{r.in, r.at}
	if _, ok := c.at[k]; ok {
		return
	}
	c.at[k] = c.list.PushFront(&cached{k, cell})
	c.bytes += cell.Bytes()
	for c.bytes > c.limit && c.list.Len() > 1 {
		e := c.list.Back()
		old := c.list.Remove(e).(*cached)
		delete(c.at, old.place)
		c.bytes -= old.cell.Bytes()
	}
}

// get is a cell, read from its store if need be.
func (c *cache) get(r *ref) (*Cell, error) {
	c.mu.Lock()
	if e, ok := c.at[place{r.in, r.at}]; ok {
		c.list.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*cached).cell, nil
	}
	c.mu.Unlock()
	cell, err := r.read()
	if err != nil {
		return nil, err
	}
	c.put(r, cell)
	return cell, nil
}

// drop forgets the cells of a store.
func (c *cache) drop(s *store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.at {
		if k.in == s {
			c.bytes -= e.Value.(*cached).cell.Bytes()
			c.list.Remove(e)
			delete(c.at, k)
		}
	}
}
