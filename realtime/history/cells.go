package history

import (
	"slices"

	"twind/spatial"
	"twind/spatial/tile"
)

// The coarse cells of the index are tiles of this zoom: 9.8 km wide at the
// equator. A block lists at most maxCells of them.
const (
	cellZoom = 12
	maxCells = 64
)

// cellAt is the cell of a place: column and row, 16 bits each.
func cellAt(lon, lat float64) uint32 {
	x, y := tile.WorldOf(lon, lat)
	return x>>(32-cellZoom)<<16 | y>>(32-cellZoom)
}

// cells lists the cells of a table's places, ascending; nil for kinds without
// places, and for too many.
func (t *table) cells() []uint32 {
	if !t.kind.placed() {
		return nil
	}
	var out []uint32
	for i, lon := range t.floats[posLon] {
		if lon != lon {
			return nil // without a place: such rows belong to every box's answer or none
		}
		c := cellAt(lon, t.floats[posLat][i])
		at, found := slices.BinarySearch(out, c)
		if found {
			continue
		}
		if len(out) == maxCells {
			return nil
		}
		out = slices.Insert(out, at, c)
	}
	return out
}

// cellBox is the cells that a box touches.
type cellBox struct{ x0, y0, x1, y1 uint32 }

func cellBoxOf(e spatial.Envelope) cellBox {
	nw, se := cellAt(e.MinX, e.MaxY), cellAt(e.MaxX, e.MinY)
	return cellBox{nw >> 16, nw & 0xffff, se >> 16, se & 0xffff}
}

func (b cellBox) has(c uint32) bool {
	x, y := c>>16, c&0xffff
	return x >= b.x0 && x <= b.x1 && y >= b.y0 && y <= b.y1
}
