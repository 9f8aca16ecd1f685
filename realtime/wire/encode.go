package wire

import (
	"encoding/binary"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"

	"twind/realtime"
	"twind/spatial/tile"
)

// Version is the version of the frames that this package writes and reads.
const Version = 1

// Stride is the width in bytes of one value of the columns x and y.
const Stride = 4

// Codec writes frames, each with its size in front, padded so that the next one
// begins at a multiple of 8 bytes. It reuses memory between frames and is not
// safe for concurrent use.
type Codec struct {
	b      *flatbuffers.Builder
	column []byte
	ends   []uint32 // numbers that are made into a column
}

var _ realtime.Codec = (*Codec)(nil)

// NewCodec makes a Codec.
func NewCodec() *Codec { return &Codec{b: flatbuffers.NewBuilder(4 << 10)} }

// finish puts the body into a frame and appends it to dst.
func (c *Codec) finish(dst []byte, h *realtime.Head, kind Body, body flatbuffers.UOffsetT) []byte {
	b := c.b
	layer := b.CreateString(string(h.Layer))
	FrameStart(b)
	FrameAddVersion(b, Version)
	FrameAddEpoch(b, h.Epoch)
	FrameAddSequence(b, h.Sequence)
	FrameAddTime(b, float64(h.Time))
	FrameAddLayer(b, layer)
	FrameAddBodyType(b, kind)
	FrameAddBody(b, body)
	FrameAddReplay(b, h.Replay)
	b.FinishSizePrefixedWithFileIdentifier(FrameEnd(b), fileIdentifier)
	dst = append(dst, b.FinishedBytes()...)
	if cap(b.Bytes) > keptBytes {
		*c = *NewCodec()
	}
	return dst
}

// keptBytes is the largest builder that is kept for the next frame.
const keptBytes = 1 << 20

var fileIdentifier = []byte("TWL1")

// uint32s, int32s, float32s and uint8s write one column: a byte vector of
// little-endian values. FlatBuffers aligns every byte vector to 4, because of
// the length in front of it.
func (c *Codec) uint32s(v []uint32) flatbuffers.UOffsetT {
	c.column = c.column[:0]
	for _, x := range v {
		c.column = binary.LittleEndian.AppendUint32(c.column, x)
	}
	return c.b.CreateByteVector(c.column)
}

func (c *Codec) int32s(v []int32) flatbuffers.UOffsetT {
	c.column = c.column[:0]
	for _, x := range v {
		c.column = binary.LittleEndian.AppendUint32(c.column, uint32(x))
	}
	return c.b.CreateByteVector(c.column)
}

func (c *Codec) float32s(v []float32) flatbuffers.UOffsetT {
	c.column = c.column[:0]
	for _, x := range v {
		c.column = binary.LittleEndian.AppendUint32(c.column, math.Float32bits(x))
	}
	return c.b.CreateByteVector(c.column)
}

func uint8s[T ~uint8](c *Codec, v []T) flatbuffers.UOffsetT {
	c.column = c.column[:0]
	for _, x := range v {
		c.column = append(c.column, byte(x))
	}
	return c.b.CreateByteVector(c.column)
}

// AppendSync implements realtime.Codec.
func (c *Codec) AppendSync(dst []byte, s *realtime.Sync) []byte {
	b := c.b
	b.Reset()
	var classes flatbuffers.UOffsetT
	if s.Classes != nil {
		names := make([]flatbuffers.UOffsetT, len(s.Classes))
		for i, n := range s.Classes {
			names[i] = b.CreateString(n)
		}
		SyncStartClassesVector(b, len(names))
		for i := len(names) - 1; i >= 0; i-- {
			b.PrependUOffsetT(names[i])
		}
		classes = b.EndVector(len(names))
	}
	SyncStart(b)
	SyncAddReset(b, s.Reset)
	SyncAddMode(b, Mode(s.Mode))
	SyncAddView(b, s.View)
	SyncAddWindowZ(b, s.Window.Z)
	SyncAddWindowX(b, s.Window.X)
	SyncAddWindowY(b, s.Window.Y)
	SyncAddWindowW(b, s.Window.W)
	SyncAddWindowH(b, s.Window.H)
	SyncAddNewest(b, float64(s.Newest))
	SyncAddLive(b, s.Live)
	SyncAddStale(b, s.Stale)
	SyncAddOffline(b, s.Offline)
	if s.Classes != nil {
		SyncAddClasses(b, classes)
	}
	return c.finish(dst, &s.Head, BodySync, SyncEnd(b))
}

// AppendEntities implements realtime.Codec.
func (c *Codec) AppendEntities(dst []byte, e *realtime.Entities) []byte {
	b := c.b
	b.Reset()
	var left, named, textEnd, text flatbuffers.UOffsetT
	if len(e.Left) > 0 {
		left = c.uint32s(e.Left)
	}
	if len(e.Named) > 0 {
		c.column, c.ends = c.column[:0], c.ends[:0]
		for i, row := range e.Named {
			c.column = append(c.column, e.ID[row]...)
			c.ends = append(c.ends, uint32(len(c.column)))
			c.column = append(c.column, e.Properties[i]...)
			c.ends = append(c.ends, uint32(len(c.column)))
		}
		text = b.CreateByteVector(c.column)
		textEnd = c.uint32s(c.ends)
		named = c.uint32s(e.Named)
	}
	flags, class, state := uint8s(c, e.Flags), uint8s(c, e.Class), uint8s(c, e.State)
	age := c.int32s(e.Age)
	speed, course, z := c.float32s(e.Speed), c.float32s(e.Course), c.float32s(e.Z)
	y, x, slot := c.float32s(e.Y), c.float32s(e.X), c.uint32s(e.Slot)
	ox, oy, scale := origin(e.Tile)
	EntitiesStart(b)
	EntitiesAddBase(b, e.Base)
	EntitiesAddTileZ(b, e.Tile.Z)
	EntitiesAddTileX(b, e.Tile.X)
	EntitiesAddTileY(b, e.Tile.Y)
	EntitiesAddOriginX(b, ox)
	EntitiesAddOriginY(b, oy)
	EntitiesAddScale(b, scale)
	EntitiesAddCount(b, uint32(len(e.Slot)))
	EntitiesAddStride(b, Stride)
	EntitiesAddSlot(b, slot)
	EntitiesAddX(b, x)
	EntitiesAddY(b, y)
	EntitiesAddZ(b, z)
	EntitiesAddCourse(b, course)
	EntitiesAddSpeed(b, speed)
	EntitiesAddAge(b, age)
	EntitiesAddState(b, state)
	EntitiesAddClass(b, class)
	EntitiesAddFlags(b, flags)
	if len(e.Named) > 0 {
		EntitiesAddNamed(b, named)
		EntitiesAddTextEnd(b, textEnd)
		EntitiesAddText(b, text)
	}
	if len(e.Left) > 0 {
		EntitiesAddLeft(b, left)
	}
	return c.finish(dst, &e.Head, BodyEntities, EntitiesEnd(b))
}

// AppendCells implements realtime.Codec.
func (c *Codec) AppendCells(dst []byte, f *realtime.Cells) []byte {
	b := c.b
	b.Reset()
	offline, stale, live := c.uint32s(f.Offline), c.uint32s(f.Stale), c.uint32s(f.Live)
	y, x := c.float32s(f.Y), c.float32s(f.X)
	c.ends = c.ends[:0]
	for _, n := range f.Cell {
		c.ends = append(c.ends, uint32(n))
	}
	cell := c.uint32s(c.ends)
	ox, oy, scale := origin(f.Tile)
	CellsStart(b)
	CellsAddBase(b, f.Base)
	CellsAddTileZ(b, f.Tile.Z)
	CellsAddTileX(b, f.Tile.X)
	CellsAddTileY(b, f.Tile.Y)
	CellsAddOriginX(b, ox)
	CellsAddOriginY(b, oy)
	CellsAddScale(b, scale)
	CellsAddCount(b, uint32(len(f.Cell)))
	CellsAddCell(b, cell)
	CellsAddX(b, x)
	CellsAddY(b, y)
	CellsAddLive(b, live)
	CellsAddStale(b, stale)
	CellsAddOffline(b, offline)
	return c.finish(dst, &f.Head, BodyCells, CellsEnd(b))
}

// origin is the tile's north-west corner and width in a world of width 1.
func origin(t tile.ID) (x, y, scale float64) {
	scale = 1 / float64(uint64(1)<<t.Z)
	return float64(t.X) * scale, float64(t.Y) * scale, scale
}
