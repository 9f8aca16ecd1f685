package mvt

import (
	"sync/atomic"

	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// What a feature's commands say after the first MoveTo does not depend on the
// tile, as long as nothing of it is cut off: positions are relative, and rounded
// on the grid of the whole world. So plain features are drawn once a zoom and kept
// for all encoders, patches of neighbours together:
//
//	sheet, a zoom of a base ── slots[i/patchSize] ── patch ── feature i's tail
//
// A patch is drawn once half as many features were asked of it as it has: what is
// drawn in vain never costs much more than drawing each feature in its tile does.

// patchSize is the number of features of a patch.
const patchSize = 64

// patch is the plain features of a patch as drawn at a zoom. It is immutable but
// for used.
type patch struct {
	box      tile.WorldBox        // of all the features
	place    [patchSize][2]uint32 // of each of them: its first vertex, on the world's grid
	tail     [patchSize]span      // of each of them, in commands
	kind     [patchSize]Type      // Unknown: it is not kept
	commands []byte               // as much room as put wants follows
	used     atomic.Bool          // since the hand of the clock went over it
}

// span is commands of a patch.
type span struct{ from, to uint16 }

// bytes is the memory that a patch takes.
func (b *patch) bytes() int64 { return int64(cap(b.commands)) + patchBytes }

// patchBytes is the memory of a patch but for its tails.
const patchBytes = 16 + 8*patchSize + 4*patchSize + patchSize + 24 + 4 + slotBytes

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
	x0, y0 := uint32(e.frame.x), uint32(e.frame.y)
	for _, i := range features {
		k := i % patchSize
		kind := b.kind[k]
		if kind == Unknown || !inside && !e.frame.holds(&seg.Box[i]) {
			e.draw(seg, i, 0)
			continue
		}
		move, size := moveCommand(int32(b.place[k][0]-x0), int32(b.place[k][1]-y0))
		e.drawn = append(e.drawn, drawing{b.commands[b.tail[k].from:b.tail[k].to], move, size, kind})
		e.names = append(e.names, i)
	}
}

// moveCommand is a MoveTo of one position within the tile, and its size in bytes.
func moveCommand(x, y int32) (command uint64, size uint8) {
	u, v := uint32(x<<1)^uint32(x>>31), uint32(y<<1)^uint32(y>>31)
	two, too := (1<<7-1-u)>>31, (1<<7-1-v)>>31
	command = uint64(u&0x7f|two<<7|u>>7<<8)<<8 | uint64(v&0x7f|too<<7|v>>7<<8)<<(16+8*two)
	return command | 1<<3 | moveTo, uint8(3 + two + too)
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

// makePatch draws the features first to last as they are in any tile of the zoom.
func (e *Encoder) makePatch(seg *snapshot.Segment, first, last uint32) *patch {
	b := &patch{box: snapshot.EmptyBox}
	frame, geom := e.frame, e.geom
	e.frame.x, e.frame.y = 0, 0
	e.geom = e.tails[:0]
	for i := first; i < last; i++ {
		k := i - first
		o := &seg.Box[i]
		b.box = tile.WorldBox{MinX: min(b.box.MinX, o.MinX), MinY: min(b.box.MinY, o.MinY), MaxX: max(b.box.MaxX, o.MaxX), MaxY: max(b.box.MaxY, o.MaxY)}
		e.keep(seg, i, b, k)
	}
	e.tails, e.geom, e.frame = e.geom, geom, frame
	b.commands = append(make([]byte, 0, len(e.tails)+putRoom), e.tails...)
	return b
}

// maxCommands is the size of a patch's commands up to which features are kept.
const maxCommands = 1<<16 - 1

// keep draws a feature as the k-th of a patch, in a frame without a corner, if it is
// plain wherever a tile holds it.
func (e *Encoder) keep(seg *snapshot.Segment, i uint32, b *patch, k uint32) {
	f, box := &e.frame, &seg.Box[i]
	if most := f.inner.maxX - f.inner.minX; int64(box.MaxX)-int64(box.MinX) > most || int64(box.MaxY)-int64(box.MinY) > most {
		return // no tile holds it
	}
	from := len(e.geom)
	kind, _ := e.plain(seg, i, 0)
	if len(e.geom) == from || len(e.geom) > maxCommands {
		e.geom = e.geom[:from]
		return
	}
	begin := len(e.geom)
	if kind != Point {
		begin = e.lineTo // the MoveTo is the tile's to write
	}
	v := 2 * seg.PathVertex[seg.FeaturePath[i]]
	x, y := f.world(seg.World[v], seg.World[v+1])
	b.kind[k], b.place[k], b.tail[k] = kind, [2]uint32{uint32(x), uint32(y)}, span{uint16(begin), uint16(len(e.geom))}
}
