package mvt

import (
	"encoding/binary"

	"twind/layers/snapshot"
)

// drawPlain draws what most features are: one line, or one point or one ring that lies
// in the tile and needs no check. It reports false, and has drawn nothing,
// for all others, which draw does.
func (e *Encoder) drawPlain(seg *snapshot.Segment, i uint32, coarsen uint8) bool {
	if e.frame.perDegree != 0 || e.frame.z > lossless {
		return false
	}
	if !e.frame.holds(&seg.Box[i]) {
		return e.drawCut(seg, i)
	}
	from := len(e.geom)
	t, ok := e.plain(seg, i, coarsen)
	if ok && len(e.geom) > from {
		e.add(i, t, from)
	}
	return ok
}

// drawCut draws what is in the tile of a feature that is one line; it reports false,
// and has drawn nothing, for all others.
func (e *Encoder) drawCut(seg *snapshot.Segment, i uint32) bool {
	p := seg.FeaturePath[i]
	if seg.FeaturePath[i+1] != p+1 || seg.PathKinds[p] != snapshot.PathLine {
		return false
	}
	from := len(e.geom)
	var c cursor
	e.cutLine(&c, seg.World[2*seg.PathVertex[p]:2*seg.PathVertex[p+1]])
	if len(e.geom) > from {
		e.add(i, LineString, from)
	}
	return true
}

// plain appends to e.geom the commands, if any, of a feature that lies in the tile;
// it reports false, and has appended nothing, for one that is not plain.
func (e *Encoder) plain(seg *snapshot.Segment, i uint32, coarsen uint8) (Type, bool) {
	p := seg.FeaturePath[i]
	if seg.FeaturePath[i+1] != p+1 {
		return Unknown, false
	}
	lo, hi := seg.PathVertex[p], seg.PathVertex[p+1]
	world := seg.World[2*lo : 2*hi]
	switch seg.PathKinds[p] {
	case snapshot.PathPoints:
		if len(world) != 2 {
			return Unknown, false
		}
		e.plainPoint(world)
		return Point, true
	case snapshot.PathLine:
		e.plainLine(world)
		return LineString, true
	case snapshot.PathShell:
		if !e.frame.simple(seg.SimpleFrom[i], coarsen) {
			return Unknown, false
		}
		e.plainRing(world[:len(world)-2])
		return Polygon, true
	}
	return Unknown, false
}

func (e *Encoder) plainPoint(world []uint32) {
	x, y := e.frame.world(world[0], world[1])
	e.geom = room(e.geom, 8)
	b, n := e.geom[:cap(e.geom)], len(e.geom)
	b[n] = 1<<3 | moveTo
	e.geom = b[:putMove(b, n+1, int32(x), int32(y))]
}

func (e *Encoder) plainLine(world []uint32) {
	if len(world) < 4 {
		return
	}
	n, _, count, _, _ := e.plainPath(world, false)
	if count > 0 {
		e.endPath(n, count, len(world))
	}
}

// plainRing draws an open ring as a shell. Rings of one source mostly turn in one
// direction: it tries the one that the last ring had.
func (e *Encoder) plainRing(world []uint32) {
	if len(world) < 6 {
		return
	}
	n, last, count, area, closed := e.plainPath(world, e.backwards)
	if area < 0 || area == 0 && e.backwards {
		e.backwards = !e.backwards
		n, last, count, _, closed = e.plainPath(world, e.backwards)
	}
	if closed {
		n = last
		count--
	}
	if count > 1 {
		e.endPath(n, count, len(world))
		e.geom = append(e.geom, 1<<3|closePath)
	}
}

// plainPath writes beyond e.geom, and makes room for, the commands of a path that
// lies in the tile, on its grid, without repeated vertices and without those
// between two in one line, as snap makes it: a MoveTo and a LineTo, whose count
// endPath writes. Backwards, the first vertex stays the first. It gives where the
// commands end and where the last edge's begin, the number of edges, twice the
// signed area between the path and its chord, and whether it ends where it began.
func (e *Encoder) plainPath(world []uint32, backwards bool) (n, last, count int, area int64, closed bool) {
	e.geom = room(e.geom, 32+2*len(world))
	f, b := &e.frame, e.geom[:cap(e.geom)]
	// One shift an ordinate: they cost most here.
	down, kept, ox, oy := f.shift()
	x0, y0 := int32((int64(world[0])+ox)>>down)&kept, int32((int64(world[1])+oy)>>down)&kept
	n = len(e.geom)
	b[n] = 1<<3 | moveTo
	n = putMove(b, n+1, x0, y0)
	e.lineTo = n
	n += countSize(len(world))
	i, step := 2, 2
	if backwards {
		i, step = len(world)-2, -2
	}
	lx, ly := x0, y0 // the last vertex and the edge to it
	var dx, dy int32
	for range len(world)/2 - 1 {
		x, y := int32((int64(world[i])+ox)>>down)&kept, int32((int64(world[i+1])+oy)>>down)&kept
		i += step
		nx, ny := x-lx, y-ly
		if nx|ny == 0 {
			continue
		}
		// At most 4,224 units: products fit.
		area += int64((lx-x0)*ny - (ly-y0)*nx)
		lx, ly = x, y
		if dx*ny == dy*nx && dx*nx+dy*ny > 0 { // instead of the last edge
			n, nx, ny = last, nx+dx, ny+dy
			count--
		}
		last, dx, dy = n, nx, ny
		count++
		// putMove, in line.
		u, v := uint32(nx<<1)^uint32(nx>>31), uint32(ny<<1)^uint32(ny>>31)
		two, too := (1<<7-1-u)>>31, (1<<7-1-v)>>31
		binary.LittleEndian.PutUint16(b[n:n+2:n+2], uint16(u&0x7f|two<<7|u>>7<<8))
		n += 1 + int(two)
		binary.LittleEndian.PutUint16(b[n:n+2:n+2], uint16(v&0x7f|too<<7|v>>7<<8))
		n += 1 + int(too)
	}
	return n, last, count, area, count > 0 && lx == x0 && ly == y0
}

// countSize is how many bytes the LineTo of a path of so many ordinates may take.
func countSize(ordinates int) int {
	if ordinates <= 2*16 {
		return 1
	}
	return uvarintLen(uint64(ordinates/2-1) << 3)
}

// endPath writes the LineTo's count and adds the commands up to n to e.geom.
func (e *Encoder) endPath(n, count, ordinates int) {
	b := e.geom[:cap(e.geom)]
	e.geom = b[:putCount(b, e.lineTo, n, count, countSize(ordinates))]
}

// putCount writes at b[at:] the LineTo of count positions that follow up to n, for
// which most bytes are free, and gives their new end.
func putCount(b []byte, at, n, count, most int) int {
	command := uint32(count)<<3 | lineTo
	if most == 1 {
		b[at] = byte(command)
		return n
	}
	size := uvarintLen(uint64(command))
	copy(b[at+size:], b[at+most:n])
	putUvarint(b, at, command)
	return n - (most - size)
}

// putMove writes two zigzag varints of at most 2¹³ in size at b[n:], which has room
// for 4 bytes. Without branches: what the processor cannot foresee costs more.
func putMove(b []byte, n int, x, y int32) int {
	u, v := uint32(x<<1)^uint32(x>>31), uint32(y<<1)^uint32(y>>31)
	two, too := (1<<7-1-u)>>31, (1<<7-1-v)>>31
	binary.LittleEndian.PutUint16(b[n:n+2:n+2], uint16(u&0x7f|two<<7|u>>7<<8))
	n += 1 + int(two)
	binary.LittleEndian.PutUint16(b[n:n+2:n+2], uint16(v&0x7f|too<<7|v>>7<<8))
	return n + 1 + int(too)
}
