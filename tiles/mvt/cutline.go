package mvt

import "twind/tiles"

// shownSize is the width of clipBox.
const shownSize = tiles.GridSize + 2*tiles.Buffer

// cutLine appends to e.geom the pieces in the tile of a line that may leave it, in
// one go; they are those of grid.Clipper.Line. The tile is of the Mercator grid and at
// most of zoom lossless.
func (e *Encoder) cutLine(c *cursor, world []uint32) {
	if len(world) < 4 {
		return
	}
	most := countSize(len(world))
	e.geom = room(e.geom, (5+4+most)*len(world)/2) // each edge may be a piece
	p := pen{b: e.geom[:cap(e.geom)], n: len(e.geom), x: c.x, y: c.y, most: most}
	down, kept, ox, oy := e.frame.shift()
	x0, y0 := (int64(world[0])+ox)>>down&int64(kept), (int64(world[1])+oy)>>down&int64(kept)
	for i := 2; i+1 < len(world); {
		// Edge by edge, until one shows in whole.
		x1, y1 := (int64(world[i])+ox)>>down&int64(kept), (int64(world[i+1])+oy)>>down&int64(kept)
		i += 2
		if x0 == x1 && y0 == y1 {
			continue
		}
		if beyond(x0, y0, x1, y1) {
			p.end()
			x0, y0 = x1, y1
			continue
		}
		if !shown(x0, y0, x1, y1) {
			p.cut(x0, y0, x1, y1)
			x0, y0 = x1, y1
			continue
		}
		// A run of edges that do.
		p.begin(int32(x0), int32(y0))
		b, n := p.b, p.n
		for {
			if nx, ny := int32(x1-x0), int32(y1-y0); nx|ny != 0 {
				n = putMove(b, n, nx, ny)
				p.count++
				x0, y0 = x1, y1
			}
			if i+1 >= len(world) {
				break
			}
			x1, y1 = (int64(world[i])+ox)>>down&int64(kept), (int64(world[i+1])+oy)>>down&int64(kept)
			if !holds(x1, y1) {
				break
			}
			i += 2
		}
		p.n, p.x, p.y = n, int32(x0), int32(y0)
	}
	p.end()
	e.geom = p.b[:p.n]
	c.x, c.y = p.x, p.y
}

// holds tells whether clipBox holds a position. Without branches, as shown.
func holds(x, y int64) bool {
	x, y = x+tiles.Buffer, y+tiles.Buffer
	return x|(shownSize-x)|y|(shownSize-y) >= 0
}

// shown tells whether clipBox holds both ends of an edge.
func shown(x0, y0, x1, y1 int64) bool {
	x0, y0, x1, y1 = x0+tiles.Buffer, y0+tiles.Buffer, x1+tiles.Buffer, y1+tiles.Buffer
	return x0|(shownSize-x0)|y0|(shownSize-y0)|x1|(shownSize-x1)|y1|(shownSize-y1) >= 0
}

// beyond tells whether both ends of an edge lie beyond one side of clipBox.
func beyond(x0, y0, x1, y1 int64) bool {
	x0, y0, x1, y1 = x0+tiles.Buffer, y0+tiles.Buffer, x1+tiles.Buffer, y1+tiles.Buffer
	return x0&x1|(shownSize-x0)&(shownSize-x1)|y0&y1|(shownSize-y0)&(shownSize-y1) < 0
}

// pen writes the commands of lines. Where a line is begun it stands at its end.
type pen struct {
	b     []byte
	n     int
	x, y  int32 // of the last position written
	most  int   // bytes that a LineTo may take
	at    int   // of the LineTo of the line
	count int   // of its positions
}

// cut draws what shows of an edge of some length that does not show in whole.
func (p *pen) cut(x0, y0, x1, y1 int64) {
	ax, ay, bx, by, ok := clipBox.Cut(x0, y0, x1, y1)
	if !ok {
		p.end()
		return
	}
	if ax != bx || ay != by {
		p.begin(int32(ax), int32(ay))
		p.n = putMove(p.b, p.n, int32(bx-ax), int32(by-ay))
		p.x, p.y = int32(bx), int32(by)
		p.count++
	}
	if bx != x1 || by != y1 {
		p.end()
	}
}

// begin begins a line at a position, or goes on with the one that ends there.
func (p *pen) begin(x, y int32) {
	if p.count > 0 {
		return
	}
	p.b[p.n] = 1<<3 | moveTo
	p.at = putMove(p.b, p.n+1, x-p.x, y-p.y)
	p.n = p.at + p.most
	p.x, p.y = x, y
}

// end ends the line, if there is one.
func (p *pen) end() {
	if p.count > 0 {
		p.n = putCount(p.b, p.at, p.n, p.count, p.most)
		p.count = 0
	}
}
