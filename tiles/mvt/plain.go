package mvt

import (
	"encoding/binary"

	"twind/layers/snapshot"
)

// drawPlain draws what most features are: one point, one line or one ring that
// lies in the tile and needs no check. It reports false, and has drawn nothing,
// for all others, which draw does; both give the same commands.
func (e *Encoder) drawPlain(seg *snapshot.Segment, i uint32, coarsen uint8) bool {
	p := seg.FeaturePath[i]
	if seg.FeaturePath[i+1] != p+1 || e.frame.perDegree != 0 || !e.frame.holds(&seg.Box[i]) {
		return false
	}
	lo, hi := seg.PathVertex[p], seg.PathVertex[p+1]
	world := seg.World[2*lo : 2*hi]
	from := len(e.geom)
	var t Type
	switch seg.PathKinds[p] {
	case snapshot.PathPoints:
		if len(world) != 2 {
			return false
		}
		t = Point
		e.plainPoint(world)
	case snapshot.PathLine:
		t = LineString
		e.plainLine(world)
	case snapshot.PathShell:
		if !e.frame.simple(seg.SimpleFrom[i], coarsen) {
			return false
		}
		t = Polygon
		e.plainRing(world[:len(world)-2])
	default:
		return false
	}
	if len(e.geom) > from {
		e.add(i, t, from)
	}
	return true
}

func (e *Encoder) plainPoint(world []uint32) {
	x, y := e.frame.world(world[0], world[1])
	e.geom = room(e.geom, 8)
	b, n := e.geom[:cap(e.geom)], len(e.geom)
	b[n] = 1<<3 | moveTo
	e.geom = b[:putMove(b, n+1, int32(x), int32(y))]
}

func (e *Encoder) plainLine(world []uint32) {
	xy, _ := e.plainPath(world)
	if len(xy) < 4 {
		return
	}
	e.geom = room(e.geom, 16+2*len(xy))
	b, n := e.geom[:cap(e.geom)], len(e.geom)
	b[n] = 1<<3 | moveTo
	x, y := xy[0], xy[1]
	n = putMove(b, n+1, x, y)
	n = putUvarint(b, n, uint32(len(xy)/2-1)<<3|lineTo)
	for i := 2; i+1 < len(xy); i += 2 {
		n = putMove(b, n, xy[i]-x, xy[i+1]-y)
		x, y = xy[i], xy[i+1]
	}
	e.geom = b[:n]
}

// plainRing draws an open ring as a shell.
func (e *Encoder) plainRing(world []uint32) {
	xy, area := e.plainPath(world)
	for len(xy) >= 4 && xy[len(xy)-2] == xy[0] && xy[len(xy)-1] == xy[1] {
		xy = xy[:len(xy)-2]
	}
	if len(xy) < 6 {
		return
	}
	e.geom = room(e.geom, 16+2*len(xy))
	b, n := e.geom[:cap(e.geom)], len(e.geom)
	b[n] = 1<<3 | moveTo
	x, y := xy[0], xy[1]
	n = putMove(b, n+1, x, y)
	n = putUvarint(b, n, uint32(len(xy)/2-1)<<3|lineTo)
	if area >= 0 {
		for i := 2; i+1 < len(xy); i += 2 {
			n = putMove(b, n, xy[i]-x, xy[i+1]-y)
			x, y = xy[i], xy[i+1]
		}
	} else {
		for i := len(xy) - 2; i > 0; i -= 2 {
			n = putMove(b, n, xy[i]-x, xy[i+1]-y)
			x, y = xy[i], xy[i+1]
		}
	}
	b[n] = 1<<3 | closePath
	e.geom = b[:n+1]
}

// plainPath is a path that lies in the tile, on its grid, without repeated
// vertices and without those between two in one line, as snap makes it; and twice
// the signed area that it encloses.
func (e *Encoder) plainPath(world []uint32) (xy []int32, area int64) {
	f := &e.frame
	down, up, half := f.down&63, f.up&63, f.half
	e.line = resize(e.line, len(world))
	xy = e.line
	if len(xy) < 2 || len(xy) != len(world) {
		return nil, 0
	}
	x0 := int32((int64(world[0])+half)>>down<<up - f.x)
	y0 := int32((int64(world[1])+half)>>down<<up - f.y)
	xy[0], xy[1] = x0, y0
	n := 2
	lx, ly := x0, y0 // the last vertex and the direction to it
	var dx, dy int32
	for i := 2; i+1 < len(world); i += 2 {
		x := int32((int64(world[i])+half)>>down<<up - f.x)
		y := int32((int64(world[i+1])+half)>>down<<up - f.y)
		nx, ny := x-lx, y-ly
		if nx|ny == 0 {
			continue
		}
		// At most 4,224 units: products fit.
		area += int64((lx-x0)*ny - (ly-y0)*nx)
		if n >= 4 && dx*ny == dy*nx && dx*nx+dy*ny > 0 {
			n -= 2
			nx, ny = nx+dx, ny+dy
		}
		xy[n], xy[n+1] = x, y
		n += 2
		lx, ly, dx, dy = x, y, nx, ny
	}
	return xy[:n], area
}

// putMove writes two zigzag varints of at most 2¹³ in size at b[n:], which has room
// for 4 bytes. Without branches: what the processor cannot foresee costs more.
func putMove(b []byte, n int, x, y int32) int {
	u, v := uint32(x<<1)^uint32(x>>31), uint32(y<<1)^uint32(y>>31)
	two, too := (1<<7-1-u)>>31, (1<<7-1-v)>>31
	u = u&0x7f | two<<7 | u>>7<<8
	v = v&0x7f | too<<7 | v>>7<<8
	binary.LittleEndian.PutUint32(b[n:], u|v<<(8+8*two&31))
	return n + 2 + int(two+too)
}
