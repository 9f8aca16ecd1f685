package pyramid

import (
	"context"
	"time"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// Found is what a tile shows of a layer below its ungeneralised zoom.
type Found struct {
	refs  []*ref
	cells *cache
	box   tile.WorldBox
	fault func(error)
}

// Reader is the state of a layer that a reader sees: a *snapshot.View.
type Reader interface {
	Layer() *layers.Layer
	Identity() string
	TileRevision(box tile.WorldBox) layers.Revision
}

// Find finds the cells of a zoom that meet a box, for a reader of a view of the
// layer. Where a change that the view holds has touched them and they are not made
// anew yet, it waits, and so it does for a pyramid that was just begun. It reports
// false when there are none to be had: the layer's pyramid is not made, or the zoom
// has none.
func (c *Catalog) Find(ctx context.Context, v Reader, id tile.ID, box tile.WorldBox) (f Found, ok bool) {
	begin := time.Now()
	for {
		c.mu.Lock()
		s := c.states[v.Layer().ID]
		if s == nil {
			c.mu.Unlock()
			return f, false
		}
		next, since, busy := s.next, begin, s.busy
		if s.begun.Before(since) {
			since = s.begun
		}
		p := s.current.Load()
		c.mu.Unlock()
		switch {
		case p == nil || p.identity != v.Identity():
			if !busy {
				return f, false
			}
		case id.Z < p.spec.min || id.Z > p.spec.max:
			return f, false
		default:
			f = Found{refs: p.level(id.Z).find(box, nil), cells: c.cells, box: box, fault: func(err error) { c.damaged(p, err) }}
			if v.TileRevision(f.reach(box)) <= p.revision {
				return f, true
			}
			since = begin
		}
		if !wait(ctx, next, c.o.Wait-time.Since(since)) && c.missed(s, next) {
			return f, false
		}
	}
}

// wait waits for a channel to be closed; it reports false when that takes too long.
func wait(ctx context.Context, done <-chan struct{}, most time.Duration) bool {
	if most <= 0 {
		return false
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// reach is the box in which a change may change the cells.
func (f *Found) reach(box tile.WorldBox) tile.WorldBox {
	for _, r := range f.refs {
		grow(&box, boxOf(r.id))
		if r.content != snapshot.EmptyBox {
			grow(&box, r.content)
		}
	}
	return box
}

// Key calls add with what names the content of the cells for ever.
func (f *Found) Key(add func([]byte)) {
	for _, r := range f.refs {
		add(r.hash[:])
	}
}

// Cells reads the cells.
func (f *Found) Cells() ([]*Cell, error) {
	list := make([]*Cell, len(f.refs))
	for i, r := range f.refs {
		var err error
		if list[i], err = f.cells.get(r); err != nil {
			f.fault(err)
			return nil, layers.Errorf(layers.ErrUnavailable, "the generalised levels are being made anew; ask again")
		}
	}
	return list, nil
}

// damaged gives a pyramid up whose file cannot be read.
func (c *Catalog) damaged(p *Pyramid, err error) {
	id := p.spec.layer.ID
	c.mu.Lock()
	s := c.states[id]
	c.mu.Unlock()
	if s.current.CompareAndSwap(p, nil) {
		c.o.Log.Error("the generalised levels of a layer are damaged; they are made anew", "layer", id, "error", err)
		c.forget(id)
		c.Changed(id)
	}
}

// Dropped counts the layer's features in the tile's own cell that nothing stands
// for. A tile of another grid than the cells' counts those whose middle it shows.
func (f *Found) Dropped(list []*Cell) (n int) {
	for _, c := range list {
		x, y := center(boxOf(c.ID))
		if (tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y}).Intersects(f.box) {
			n += int(c.Dropped)
		}
	}
	return n
}
