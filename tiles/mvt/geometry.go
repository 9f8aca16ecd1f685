package mvt

import (
	"twind/layers/snapshot"
	"twind/spatial/grid"
)

// The functions below append to e.geom the commands of all paths of one type
// from path p to last; nothing when nothing of them is in the tile.

func (e *Encoder) pointPaths(seg *snapshot.Segment, p, last uint32) {
	e.points = e.points[:0]
	for ; p < last; p++ {
		if seg.PathKinds[p] != snapshot.PathPoints {
			continue
		}
		for v := seg.PathVertex[p]; v < seg.PathVertex[p+1]; v++ {
			x, y := e.frame.at(seg, v)
			if x < int64(clipBox.MinX) || x > int64(clipBox.MaxX) || y < int64(clipBox.MinY) || y > int64(clipBox.MaxY) {
				continue
			}
			if n := len(e.points); n == 0 || e.points[n-2] != int32(x) || e.points[n-1] != int32(y) {
				e.points = append(e.points, int32(x), int32(y))
			}
		}
	}
	if n := len(e.points) / 2; n > 0 {
		e.geom = appendUvarint(e.geom, uint32(n)<<3|moveTo)
		var c cursor
		e.geom = c.append(e.geom, e.points)
	}
}

func (e *Encoder) linePaths(seg *snapshot.Segment, p, last uint32, inside bool) {
	var c cursor
	for ; p < last; p++ {
		if seg.PathKinds[p] != snapshot.PathLine {
			continue
		}
		lo, hi := seg.PathVertex[p], seg.PathVertex[p+1]
		if !inside && e.frame.perDegree == 0 && e.frame.z <= lossless {
			e.cutLine(&c, seg.World[2*lo:2*hi])
			continue
		}
		e.line, e.ends = e.line[:0], e.ends[:0]
		if inside {
			e.line = e.snap(e.line, seg, lo, hi)
			e.geom = c.line(e.geom, e.line)
			continue
		}
		e.snapFar(seg, lo, hi)
		e.line, e.ends = e.clipper.Line(e.line, e.ends, e.far, clipBox)
		begin := int32(0)
		for _, end := range e.ends {
			e.geom = c.line(e.geom, e.line[2*begin:2*end])
			begin = end
		}
	}
}

func (e *Encoder) polygonPaths(seg *snapshot.Segment, p, last uint32, inside, doubtful bool) {
	e.rings.Reset()
	dropped := false // the shell that the next holes belong to
	for ; p < last; p++ {
		k := seg.PathKinds[p]
		if k == snapshot.PathShell {
			dropped = false
		} else if k != snapshot.PathHole || dropped {
			continue
		}
		lo, hi := seg.PathVertex[p], seg.PathVertex[p+1]
		ok := false
		if inside {
			e.rings.XY = e.snap(e.rings.XY, seg, lo, max(lo+1, hi)-1) // without the closing vertex
			ok = e.rings.Close(k == snapshot.PathHole)
		} else {
			e.snapFar(seg, lo, hi)
			if n := len(e.far); n >= 8 {
				ok = e.clipper.Ring(&e.rings, e.far[:n-2], k == snapshot.PathHole, clipBox)
			}
		}
		if k == snapshot.PathShell {
			dropped = !ok
		}
	}
	if e.rings.Len() == 0 {
		return
	}
	rings := &e.rings
	if (doubtful || !inside) && !e.checker.Valid(rings) {
		rings = e.mend()
		e.stats.Repaired++
	}
	var c cursor
	for i := range rings.Ends {
		e.geom = c.ring(e.geom, rings.Ring(i), rings.Hole[i])
	}
}

// mend repairs the rings at hand. Where edges cross so often that the work would
// not be bounded, they are coarsened until it is.
func (e *Encoder) mend() *grid.Rings {
	e.mended.Reset()
	for bits := 1; !e.repairer.Repair(&e.mended, &e.rings); bits++ {
		e.coarsen(bits)
	}
	return &e.mended
}

// coarsen rounds the rings to multiples of 2^bits.
func (e *Encoder) coarsen(bits int) {
	e.mended.Reset()
	for i := range e.rings.Ends {
		for k, v := range e.rings.Ring(i) {
			e.mended.XY = append(e.mended.XY, (v+1<<bits>>1)>>bits<<bits)
			if n := len(e.mended.XY); k&1 == 1 && k > 1 && e.mended.XY[n-1] == e.mended.XY[n-3] && e.mended.XY[n-2] == e.mended.XY[n-4] {
				e.mended.XY = e.mended.XY[:n-2]
			}
		}
		e.mended.Close(e.rings.Hole[i])
	}
	e.rings, e.mended = e.mended, e.rings
	e.mended.Reset()
}

// snap appends a path that lies in the tile, vertices lo to hi, on its grid:
// without repeated vertices and without those between two in one line. dst's
// earlier content is another path's.
func (e *Encoder) snap(dst []int32, seg *snapshot.Segment, lo, hi uint32) []int32 {
	if e.frame.perDegree != 0 {
		return e.snapGeographic(dst, seg, lo, hi)
	}
	world := seg.World[2*lo : 2*hi]
	f := &e.frame
	down, up, half := f.down, f.up, f.half
	begin := len(dst)
	var lx, ly, dx, dy int32 // the last vertex and the direction to it
	for i := 0; i+1 < len(world); i += 2 {
		x := int32((int64(world[i])+half)>>down<<up - f.x)
		y := int32((int64(world[i+1])+half)>>down<<up - f.y)
		if i > 0 {
			nx, ny := x-lx, y-ly
			if nx == 0 && ny == 0 {
				continue
			}
			// At most 4,224 units: products fit.
			if n := len(dst); n >= begin+4 && dx*ny == dy*nx && dx*nx+dy*ny > 0 {
				dst[n-2], dst[n-1] = x, y
				lx, ly, dx, dy = x, y, dx+nx, dy+ny
				continue
			}
			dx, dy = nx, ny
		}
		dst = append(dst, x, y)
		lx, ly = x, y
	}
	return dst
}

// snapFar fills far with a path that may leave the tile, vertices lo to hi,
// without repeated vertices.
func (e *Encoder) snapFar(seg *snapshot.Segment, lo, hi uint32) {
	f := &e.frame
	far := resize(e.far, 2*int(hi-lo))
	n := 0
	for v := lo; v < hi; v++ {
		x, y := f.world(seg.World[2*v], seg.World[2*v+1])
		if f.perDegree != 0 {
			x, y = f.geographic(seg, v)
		}
		if n == 0 || far[n-2] != x || far[n-1] != y {
			far[n], far[n+1] = x, y
			n += 2
		}
	}
	e.far = far[:n]
}

// cursor writes commands; their positions are relative to its own.
type cursor struct{ x, y int32 }

// append writes positions as parameters, without a command.
func (c *cursor) append(b []byte, xy []int32) []byte {
	x, y := c.x, c.y
	b = room(b, 2*len(xy)+4)
	n := len(b)
	b = b[:cap(b)]
	for i := 0; i+1 < len(xy); i += 2 {
		n = putMove(b, n, xy[i]-x, xy[i+1]-y)
		x, y = xy[i], xy[i+1]
	}
	b = b[:n]
	c.x, c.y = x, y
	return b
}

// line writes a line of two vertices or more; nothing else.
func (c *cursor) line(b []byte, xy []int32) []byte {
	n := len(xy) / 2
	if n < 2 {
		return b
	}
	b = append(b, 1<<3|moveTo)
	b = c.append(b, xy[:2])
	b = appendUvarint(b, uint32(n-1)<<3|lineTo)
	return c.append(b, xy[2:])
}

// ring writes an open ring, shells positive and holes negative.
func (c *cursor) ring(b []byte, xy []int32, hole bool) []byte {
	n := len(xy) / 2
	b = append(b, 1<<3|moveTo)
	b = c.append(b, xy[:2])
	b = appendUvarint(b, uint32(n-1)<<3|lineTo)
	if grid.Area2(xy) < 0 == hole {
		b = c.append(b, xy[2:])
	} else {
		x, y := c.x, c.y
		b = room(b, 2*len(xy)+4)
		n := len(b)
		b = b[:cap(b)]
		for i := len(xy) - 2; i > 0; i -= 2 {
			n = putMove(b, n, xy[i]-x, xy[i+1]-y)
			x, y = xy[i], xy[i+1]
		}
		b = b[:n]
		c.x, c.y = x, y
	}
	return append(b, 1<<3|closePath)
}
