package mvt

import "twind/tiles"

// cutLine appends to e.geom the pieces in the tile of a line that may leave it, in
// one go; they are those of grid.Clipper.Line. The tile is of the Mercator grid and at
// most of zoom lossless.
func (e *Encoder) cutLine(c *cursor, world []uint32) {
	if len(world) < 4 {
		return
	}
	most := countSize(len(world))
	p := pen{x: c.x, y: c.y, most: most}
	e.geom = room(e.geom, (5+4+most)*len(world)/2) // each edge may be a piece
	p.b, p.n = e.geom[:cap(e.geom)], len(e.geom)
	down, kept, ox, oy := e.frame.shift()
	x0, y0 := (int64(world[0])+ox)>>down&int64(kept), (int64(world[1])+oy)>>down&int64(kept)
	in0 := shown(x0, y0)
	for i := 2; i+1 < len(world); i += 2 {
		x1, y1 := (int64(world[i])+ox)>>down&int64(kept), (int64(world[i+1])+oy)>>down&int64(kept)
		if x1 == x0 && y1 == y0 {
			continue
		}
		in1 := shown(x1, y1)
		if in0 && in1 {
			p.edge(int32(x0), int32(y0), int32(x1), int32(y1))
		} else if ax, ay, bx, by, ok := clipBox.Cut(x0, y0, x1, y1); ok {
			p.edge(int32(ax), int32(ay), int32(bx), int32(by))
			if bx != x1 || by != y1 {
				p.end()
			}
		} else {
			p.end()
		}
		x0, y0, in0 = x1, y1, in1
	}
	p.end()
	e.geom = p.b[:p.n]
	c.x, c.y = p.x, p.y
}

// shown tells whether clipBox holds a position.
func shown(x, y int64) bool {
	const most = tiles.GridSize + 2*tiles.Buffer
	return uint64(x+tiles.Buffer) <= most && uint64(y+tiles.Buffer) <= most
}

// pen writes the commands of lines, edge by edge.
type pen struct {
	b     []byte
	n     int
	x, y  int32 // of the last position written
	most  int   // bytes that a LineTo may take
	at    int   // of the LineTo of the line
	count int   // of its positions
}

// edge draws a line on, or begins another one where it does not begin at its end.
func (p *pen) edge(ax, ay, bx, by int32) {
	if ax == bx && ay == by {
		return
	}
	if p.count > 0 && (p.x != ax || p.y != ay) {
		p.end()
	}
	if p.count == 0 {
		p.b[p.n] = 1<<3 | moveTo
		p.at = putMove(p.b, p.n+1, ax-p.x, ay-p.y)
		p.n = p.at + p.most
	}
	p.n = putMove(p.b, p.n, bx-ax, by-ay)
	p.x, p.y = bx, by
	p.count++
}

// end ends the line, if there is one.
func (p *pen) end() {
	if p.count > 0 {
		p.n = putCount(p.b, p.at, p.n, p.count, p.most)
		p.count = 0
	}
}
