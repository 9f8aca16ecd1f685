package mvt

import (
	"encoding/binary"
	"sync/atomic"

	"twind/layers/snapshot"
	"twind/spatial/tile"
	"twind/tiles"
)

// What a feature's commands say after the first MoveTo does not depend on the
// tile, as long as nothing of it is cut off: positions are relative, and rounded
// on the grid of the whole world. So features are drawn, and repaired, once a zoom
// and kept for all encoders, patches of neighbours together:
//
//	sheet, a zoom of a base ── slots[i/patchSize] ── patch ── feature i's tail
//
// A patch is drawn once half as many features were asked of it as it has: what is
// drawn in vain never costs much more than drawing each feature in its tile does.

// patchSize is the number of features of a patch.
const patchSize = 64

// patch is neighbours as drawn at a zoom wherever a tile holds them. It is immutable
// but for used.
type patch struct {
	box      tile.WorldBox        // of all the features
	place    [patchSize][2]uint32 // of each of them: its first vertex, on the world's grid
	tail     [patchSize]span      // of each of them, in commands
	kind     [patchSize]Type      // Unknown: it is not kept
	commands []byte               // as much room as put wants follows
	repaired uint64               // bit k: feature k was
	used     atomic.Bool          // since the hand of the clock went over it
}

// span is commands of a patch.
type span struct{ from, to uint16 }

// bytes is the memory that a patch takes.
func (b *patch) bytes() int64 { return int64(cap(b.commands)) + patchBytes }

// patchBytes is the memory of a patch but for its commands.
const patchBytes = 16 + 8*patchSize + 4*patchSize + patchSize + 24 + 8 + 8 + slotBytes

// sheet is the patches of one base at one zoom.
type sheet struct{ slots []slot }

// slot is where a patch stands.
type slot struct {
	patch atomic.Pointer[patch]
	asked atomic.Uint32 // features, while there is no patch
}

const slotBytes = 16

// drawChunk draws features of a segment, from kept patches where there are any.
func (e *Encoder) drawChunk(seg *snapshot.Segment, kept *sheet, chunk []uint32, coarsen uint8) {
	if kept == nil {
		e.drawAnew(seg, chunk, coarsen)
		return
	}
	for len(chunk) > 0 {
		first, n := chunk[0], 1
		for n < len(chunk) && chunk[n]/patchSize == first/patchSize {
			n++
		}
		if b := e.patch(seg, kept, first/patchSize, uint32(n)); b != nil {
			e.drawPatch(seg, b, chunk[:n])
		} else {
			e.drawAnew(seg, chunk[:n], coarsen)
		}
		chunk = chunk[n:]
	}
}

// drawAnew draws features of a segment from their vertices.
func (e *Encoder) drawAnew(seg *snapshot.Segment, features []uint32, coarsen uint8) {
	for _, i := range features {
		if !e.drawPlain(seg, i, coarsen) {
			e.draw(seg, i, coarsen)
		}
	}
}

// drawPatch draws features of one patch.
func (e *Encoder) drawPatch(seg *snapshot.Segment, b *patch, features []uint32) {
	inside := e.frame.holds(&b.box)
	for _, i := range features {
		k := i % patchSize
		if kind := b.kind[k]; kind != Unknown && (inside || e.frame.holds(&seg.Box[i])) {
			e.drawn = append(e.drawn, drawing{patch: b, kind: kind})
			e.names = append(e.names, i)
			e.stats.Repaired += int(b.repaired >> k & 1)
		} else if !e.drawPlain(seg, i, 0) {
			e.draw(seg, i, 0)
		}
	}
}

// commands is what draws the k-th drawn feature: a first command, of so many bytes,
// if it is not among the others.
func (e *Encoder) commands(k int) (move uint64, size int, others []byte) {
	d := &e.drawn[k]
	b := d.patch
	if b == nil {
		return 0, 0, e.geom[d.from:d.to]
	}
	i := e.names[k] % patchSize
	place, tail := &b.place[i], b.tail[i]
	move, size = moveCommand(int32(place[0]-uint32(e.frame.x)), int32(place[1]-uint32(e.frame.y)))
	return move, size, b.commands[tail.from:tail.to]
}

// moveCommand is a MoveTo of one position within the tile, and its size in bytes.
func moveCommand(x, y int32) (command uint64, size int) {
	u, v := uint32(x<<1)^uint32(x>>31), uint32(y<<1)^uint32(y>>31)
	two, too := (1<<7-1-u)>>31, (1<<7-1-v)>>31
	command = uint64(u&0x7f|two<<7|u>>7<<8)<<8 | uint64(v&0x7f|too<<7|v>>7<<8)<<(16+8*two)
	return command | 1<<3 | moveTo, int(3 + two + too)
}

// patch is the k-th patch of a sheet, of which n features are asked for; nil while
// it is not worth drawing.
func (e *Encoder) patch(seg *snapshot.Segment, kept *sheet, k, n uint32) *patch {
	s := &kept.slots[k]
	if b := s.patch.Load(); b != nil {
		if !b.used.Load() {
			b.used.Store(true)
		}
		return b
	}
	first := k * patchSize
	last := min(first+patchSize, uint32(seg.N))
	if s.asked.Add(n) < (last-first)/2 {
		return nil
	}
	b := e.makePatch(seg, first, last)
	if !s.patch.CompareAndSwap(nil, b) {
		return b // another encoder was quicker
	}
	e.drawings.keep(kept, k, b)
	return b
}

// makePatch draws the features first to last as they are in any tile of the zoom
// that holds them.
func (e *Encoder) makePatch(seg *snapshot.Segment, first, last uint32) *patch {
	b := &patch{box: snapshot.EmptyBox}
	frame, geom, stats, drawn := e.frame, e.geom, e.stats, len(e.drawn)
	e.frame.inner = innerBox{maxX: 1 << 32, maxY: 1 << 32} // nothing is cut off
	e.geom = e.kept[:0]
	widest := frame.inner.maxX - frame.inner.minX
	for i := first; i < last; i++ {
		o := &seg.Box[i]
		b.box = tile.WorldBox{MinX: min(b.box.MinX, o.MinX), MinY: min(b.box.MinY, o.MinY), MaxX: max(b.box.MaxX, o.MaxX), MaxY: max(b.box.MaxY, o.MaxY)}
		if max(int64(o.MaxX)-int64(o.MinX), int64(o.MaxY)-int64(o.MinY)) <= widest {
			e.keep(seg, i, b)
			e.drawn, e.names = e.drawn[:drawn], e.names[:drawn]
		}
	}
	e.kept, e.geom, e.frame, e.stats = e.geom, geom, frame, stats
	b.commands = append(make([]byte, 0, len(e.kept)+putRoom), e.kept...)
	return b
}

// maxCommands is the size of a patch's commands up to which features are kept.
const maxCommands = 1<<16 - 1

// corner is what the corners of the tiles that keep draws in are multiples of: the
// ordinates of what is as wide as a tile and its buffer then stay below 2¹³.
const corner = tiles.GridSize / 2

// keep draws a feature for a patch in a tile of its own, if it is one feature there
// and begins with one position.
func (e *Encoder) keep(seg *snapshot.Segment, i uint32, b *patch) {
	f, from, drawn, repaired := &e.frame, len(e.geom), len(e.drawn), e.stats.Repaired
	f.x, f.y = 0, 0
	x, y := f.world(seg.Box[i].MinX, seg.Box[i].MinY)
	f.x, f.y = x&^(corner-1), y&^(corner-1)
	if !e.drawPlain(seg, i, 0) {
		e.draw(seg, i, 0)
	}
	if len(e.drawn) != drawn+1 || e.geom[from] != 1<<3|moveTo || len(e.geom) > maxCommands {
		e.geom = e.geom[:from]
		return
	}
	u, n := binary.Uvarint(e.geom[from+1:])
	v, m := binary.Uvarint(e.geom[from+1+n:])
	k := i % patchSize
	b.kind[k] = e.drawn[drawn].kind
	b.place[k] = [2]uint32{uint32(f.x + unzigzag(uint32(u))), uint32(f.y + unzigzag(uint32(v)))}
	b.tail[k] = span{uint16(from + 1 + n + m), uint16(len(e.geom))}
	b.repaired |= uint64(e.stats.Repaired-repaired) << k
}
