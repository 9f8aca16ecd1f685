package realtime

import (
	"math"
	"slices"
)

// aggregate counts a view's entities in the cells of one zoom. It is computed
// from the view's tiles at most once a second while a viewer sees it.
type aggregate struct {
	zoom     uint8  // of the cells
	computed uint64 // sequence
	used     uint64 // sequence
	tiles    map[tileKey]*cellTile
	sums     [1 << (2 * maxSubBits)]cellSum // scratch: the cells in one tile of GridZoom
}

// cellTile is CellsAcross × CellsAcross cells.
type cellTile struct {
	key   tileKey // of zoom aggregate.zoom − CellBits
	cells map[uint16]*cell
	last  uint64 // sequence of the last change
	frame [numFormats]cachedFrame
}

type cell struct {
	count   [numStates]uint32
	x, y    float32 // fraction of the tile's width
	changed uint64
	// of the computation that runs
	next       [numStates]uint32
	sumX, sumY float64 // in cells
}

// cellZoom is the zoom of the cells for a viewer: cells are 64 to 128 px wide on
// a map of 512 px tiles.
func cellZoom(viewZoom float64) uint8 {
	return uint8(max(minCellZoom, min(math.Floor(viewZoom)+3, maxCellZoom)))
}

// placeGrid is how finely a cell's mean place is told, in parts of the cell.
const placeGrid = 64

// cellSum adds up entities of one tile.
type cellSum struct {
	count [numStates]uint32
	x, y  float64 // in tiles, from the tile's corner
}

func (c *cellSum) add(l *layer, slot uint32) {
	c.count[l.e[slot].state]++
	c.x += float64(l.e[slot].fx)
	c.y += float64(l.e[slot].fy)
}

// take adds a sum of a tile whose corner is at x, y and whose width is scale, in cells.
func (c *cell) take(sum *cellSum, x, y, scale float64) {
	n := 0.0
	for i, k := range sum.count {
		c.next[i] += k
		n += float64(k)
	}
	c.sumX += n*x + sum.x*scale
	c.sumY += n*y + sum.y*scale
}

// cell finds or makes the cell in a column and row of its zoom.
func (a *aggregate) cell(column, row uint32) *cell {
	tk := keyOf(column>>CellBits, row>>CellBits)
	ct := a.tiles[tk]
	if ct == nil {
		ct = &cellTile{key: tk, cells: map[uint16]*cell{}}
		a.tiles[tk] = ct
	}
	number := uint16(row%CellsAcross*CellsAcross + column%CellsAcross)
	c := ct.cells[number]
	if c == nil {
		c = &cell{}
		ct.cells[number] = c
	}
	return c
}

// compute counts anew. Caller holds the layer's mu, and seq is closed.
func (a *aggregate) compute(l *layer, v *view, seq, oldest uint64) {
	a.computed = seq
	for k, t := range v.tiles {
		if len(t.members) == 0 {
			continue
		}
		x, y := k.xy()
		if a.zoom <= GridZoom { // the whole tile lies in one cell
			shift := GridZoom - a.zoom
			c := a.cell(x>>shift, y>>shift)
			var sum cellSum
			for _, s := range t.members {
				sum.add(l, s)
			}
			scale := 1 / float64(uint32(1)<<shift)
			c.take(&sum, float64(x)*scale, float64(y)*scale, scale)
			continue
		}
		// Each tile holds side × side cells.
		side := float32(uint32(1) << (a.zoom - GridZoom))
		clear(a.sums[:])
		for _, s := range t.members {
			column, row := min(l.e[s].fx*side, side-1), min(l.e[s].fy*side, side-1)
			a.sums[int(row)<<maxSubBits+int(column)].add(l, s)
		}
		for i := range a.sums {
			if sum := &a.sums[i]; sum.count != [numStates]uint32{} {
				column, row := uint32(i)&(1<<maxSubBits-1), uint32(i)>>maxSubBits
				c := a.cell(x<<(a.zoom-GridZoom)+column, y<<(a.zoom-GridZoom)+row)
				c.take(sum, float64(x)*float64(side), float64(y)*float64(side), float64(side))
			}
		}
	}
	for tk, ct := range a.tiles {
		tx, ty := tk.xy()
		for number, c := range ct.cells {
			x, y := c.x, c.y
			if n := float64(c.next[0] + c.next[1] + c.next[2]); n > 0 {
				place := func(sum float64, origin uint32) float32 {
					inCells := math.Round((sum/n-float64(origin)*CellsAcross)*placeGrid) / placeGrid
					return float32(inCells / CellsAcross)
				}
				x, y = place(c.sumX, tx), place(c.sumY, ty)
			}
			if c.next != c.count || x != c.x || y != c.y {
				c.count, c.x, c.y = c.next, x, y
				c.changed, ct.last = seq, seq
			}
			c.next, c.sumX, c.sumY = [numStates]uint32{}, 0, 0
			if c.count == [numStates]uint32{} && c.changed <= oldest {
				delete(ct.cells, number)
			}
		}
		if len(ct.cells) == 0 {
			delete(a.tiles, tk)
		}
	}
}

// visit calls fn for each tile in the window, of zoom a.zoom − CellBits.
func (a *aggregate) visit(w Window, fn func(*cellTile)) {
	for k, t := range a.tiles {
		if w.containsKey(k) {
			fn(t)
		}
	}
}

// encodeCells is the frame of a tile from base; nil when there is nothing to tell.
func (h *Hub) encodeCells(codec Codec, head Head, a *aggregate, t *cellTile, base uint64) []byte {
	c := &h.cellsFrame
	*c = Cells{
		Head: head, Base: base, Tile: t.key.id(a.zoom - CellBits),
		Cell: c.Cell[:0], X: c.X[:0], Y: c.Y[:0], Live: c.Live[:0], Stale: c.Stale[:0], Offline: c.Offline[:0],
	}
	for number, cell := range t.cells {
		if base == 0 && cell.count != [numStates]uint32{} || base > 0 && cell.changed > base {
			c.Cell = append(c.Cell, number)
		}
	}
	if len(c.Cell) == 0 {
		return nil
	}
	slices.Sort(c.Cell)
	for _, number := range c.Cell {
		cell := t.cells[number]
		c.X, c.Y = append(c.X, cell.x), append(c.Y, cell.y)
		c.Live = append(c.Live, cell.count[StateLive])
		c.Stale = append(c.Stale, cell.count[StateStale])
		c.Offline = append(c.Offline, cell.count[StateOffline])
	}
	return codec.AppendCells(nil, c)
}
