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

// compute counts anew. Caller holds the layer's mu, and seq is closed.
func (a *aggregate) compute(l *layer, v *view, seq, oldest uint64) {
	a.computed = seq
	shift := GridZoom - a.zoom
	scale := 1 / float64(uint32(1)<<shift) // tiles of GridZoom to cells
	for k, t := range v.tiles {
		if len(t.members) == 0 {
			continue
		}
		x, y := k.xy()
		cx, cy := x>>shift, y>>shift
		tk := keyOf(cx>>CellBits, cy>>CellBits)
		ct := a.tiles[tk]
		if ct == nil {
			ct = &cellTile{key: tk, cells: map[uint16]*cell{}}
			a.tiles[tk] = ct
		}
		number := uint16(cy%CellsAcross*CellsAcross + cx%CellsAcross)
		c := ct.cells[number]
		if c == nil {
			c = &cell{}
			ct.cells[number] = c
		}
		var sx, sy float64
		for _, s := range t.members {
			c.next[l.state[s]]++
			sx += float64(l.fx[s])
			sy += float64(l.fy[s])
		}
		n := float64(len(t.members))
		c.sumX += (sx + n*float64(x)) * scale
		c.sumY += (sy + n*float64(y)) * scale
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
