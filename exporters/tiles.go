package exporters

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// TileSource renders the tiles of an archive. It is safe for concurrent use.
type TileSource interface {
	// Holds tells whether a tile, or a tile beneath it, may hold anything. What
	// holds nothing has no children that do.
	Holds(id tile.ID) bool
	// Tile is the tile as the archive stores it; empty where there is none.
	Tile(ctx context.Context, id tile.ID) ([]byte, error)
}

// TileArchive takes tiles and is there, whole, after Close. It is used by one
// goroutine.
type TileArchive interface {
	Add(id tile.ID, data []byte) error
	Close() error
	Abort()
}

// TileOptions say which tiles are written.
type TileOptions struct {
	MinZoom, MaxZoom uint8
	Bounds           spatial.Envelope     // degrees; tiles outside are left out; the zero value is the world
	Order            func(tile.ID) uint64 // in which a zoom's tiles are added
	Workers          int                  // renderings at a time; default runtime.GOMAXPROCS(0)
	// Progress is called after each tile: how many of this zoom's are done.
	Progress func(zoom uint8, done, total int64)
}

// ExportTiles writes the tiles that hold anything, zoom by zoom. Memory holds 12
// bytes for each tile of the largest zoom. It fails with layers.ErrInvalid for
// zooms that are none and when there is nothing to write, and as source and
// archive do; the archive is then given up.
func ExportTiles(ctx context.Context, a TileArchive, src TileSource, o TileOptions) (tiles int64, err error) {
	defer a.Abort()
	if o.MinZoom > o.MaxZoom || o.MaxZoom > tile.MaxZoom {
		return 0, layers.Errorf(layers.ErrInvalid, "zooms %d to %d: expected 0 ≤ minimum ≤ maximum ≤ %d", o.MinZoom, o.MaxZoom, tile.MaxZoom)
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	level := o.holding(src, []tile.ID{{}})
	for z := uint8(0); z <= o.MaxZoom && len(level) > 0; z++ {
		if z > 0 {
			level = o.holding(src, children(level))
		}
		if z < o.MinZoom {
			continue
		}
		slices.SortFunc(level, func(a, b tile.ID) int { return cmp.Compare(o.Order(a), o.Order(b)) })
		n, err := o.level(ctx, a, src, z, level)
		tiles += n
		if err != nil {
			return tiles, err
		}
	}
	if tiles == 0 {
		return 0, layers.Errorf(layers.ErrInvalid, "there is nothing to write at zooms %d to %d; look at the layer's extent and zooms", o.MinZoom, o.MaxZoom)
	}
	return tiles, a.Close()
}

// holding keeps the tiles that meet the bounds and may hold something.
func (o *TileOptions) holding(src TileSource, list []tile.ID) []tile.ID {
	return slices.DeleteFunc(list, func(id tile.ID) bool {
		return o.Bounds != (spatial.Envelope{}) && !meets(id.Envelope(), o.Bounds) || !src.Holds(id)
	})
}

// meets tells whether two boxes share more than a border.
func meets(a, b spatial.Envelope) bool {
	return a.MinX < b.MaxX && a.MaxX > b.MinX && a.MinY < b.MaxY && a.MaxY > b.MinY
}

func children(list []tile.ID) []tile.ID {
	out := make([]tile.ID, 0, 4*len(list))
	for _, id := range list {
		for i := range uint32(4) {
			out = append(out, tile.ID{Z: id.Z + 1, X: 2*id.X + i&1, Y: 2*id.Y + i>>1})
		}
	}
	return out
}

// rendering is a tile on its way from a worker to the archive.
type rendering struct {
	id   tile.ID
	data []byte
	err  error
	done chan struct{}
}

// level renders the tiles of a zoom on several workers and adds them in their
// order. At most four renderings a worker wait to be added.
func (o *TileOptions) level(ctx context.Context, a TileArchive, src TileSource, z uint8, list []tile.ID) (n int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	queue, order := make(chan *rendering), make(chan *rendering, 4*o.Workers)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	for range o.Workers {
		workers.Go(func() {
			for r := range queue {
				if r.err = ctx.Err(); r.err == nil {
					r.data, r.err = src.Tile(ctx, r.id)
				}
				close(r.done)
			}
		})
	}
	workers.Go(func() {
		defer close(order)
		defer close(queue)
		for _, id := range list {
			r := &rendering{id: id, done: make(chan struct{})}
			select {
			case order <- r:
			case <-ctx.Done():
				return
			}
			queue <- r
		}
	})
	done := int64(0)
	for r := range order {
		<-r.done
		if r.err != nil {
			return n, r.err
		}
		if len(r.data) > 0 {
			if err := a.Add(r.id, r.data); err != nil {
				return n, err
			}
			n++
		}
		if done++; o.Progress != nil {
			o.Progress(z, done, int64(len(list)))
		}
	}
	return n, ctx.Err()
}
