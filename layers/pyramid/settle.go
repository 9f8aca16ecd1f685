package pyramid

import (
	"context"

	"twind/layers"
)

// Settle has the pyramids of layers made, or brought up to their current views,
// and returns when they are: for programs that read once and end. A pyramid that
// cannot be made is logged; its layer's tiles are then made of the layer itself.
// It fails with ctx's error.
func (c *Catalog) Settle(ctx context.Context, ids ...layers.ID) error {
	for _, id := range ids {
		c.Changed(id)
	}
	for _, id := range ids {
		for {
			c.mu.Lock()
			s := c.states[id]
			if s == nil || !s.busy {
				c.mu.Unlock()
				break
			}
			next := s.next
			c.mu.Unlock()
			select {
			case <-next:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
