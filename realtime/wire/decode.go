package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"

	"twind/layers"
	"twind/realtime"
	"twind/spatial/tile"
)

// Limits of what Decode accepts.
const (
	MaxFrameBytes = 64 << 20
	maxClasses    = 255
)

// ErrMalformed is wrapped by every error of Decode and Split.
var ErrMalformed = errors.New("wire: malformed frame")

// Split cuts a message into its frames, which are lent from it.
func Split(message []byte) ([][]byte, error) {
	var frames [][]byte
	for len(message) > 0 {
		if len(message) < 8 {
			return nil, fmt.Errorf("%w: %d bytes at the end of a message", ErrMalformed, len(message))
		}
		n := uint64(binary.LittleEndian.Uint32(message))
		if n > uint64(len(message)-4) || n > MaxFrameBytes {
			return nil, fmt.Errorf("%w: a frame of %d bytes where %d are left", ErrMalformed, n, len(message)-4)
		}
		if n%8 != 4 {
			return nil, fmt.Errorf("%w: a frame of %d bytes is not padded to a multiple of 8 with its size", ErrMalformed, n)
		}
		frames = append(frames, message[:4+n])
		message = message[4+n:]
	}
	return frames, nil
}

// Decode reads one frame with its size in front into *realtime.Sync,
// *realtime.Entities or *realtime.Cells. Every offset is checked before it is
// followed. The result's slices are its own. Lon and Lat are computed from the
// tile; ID has the ids of the Named rows only, and LeftID none.
func Decode(frame []byte) (any, error) {
	if len(frame) < 16 || len(frame) > MaxFrameBytes || uint64(binary.LittleEndian.Uint32(frame)) != uint64(len(frame)-4) {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(frame))
	}
	if string(frame[8:12]) != string(fileIdentifier) {
		return nil, fmt.Errorf("%w: identifier %q, expected %q", ErrMalformed, frame[8:12], fileIdentifier)
	}
	v := verifier{buf: frame}
	root := v.root()
	f := v.table(root, frameFields)
	if v.err != nil {
		return nil, v.err
	}
	var t Frame
	t.Init(frame, f)
	if t.Version() != Version {
		return nil, fmt.Errorf("%w: version %d, expected %d", ErrMalformed, t.Version(), Version)
	}
	if !(t.Time() >= 0 && t.Time() < 1<<53) {
		return nil, fmt.Errorf("%w: time %v", ErrMalformed, t.Time())
	}
	id, err := layers.ParseID(string(t.Layer()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	h := realtime.Head{Epoch: t.Epoch(), Sequence: t.Sequence(), Time: int64(t.Time()), Layer: id, Replay: t.Replay()}
	var body flatbuffers.Table
	if !t.Body(&body) {
		return nil, fmt.Errorf("%w: no body", ErrMalformed)
	}
	switch t.BodyType() {
	case BodySync:
		v.table(body.Pos, syncFields)
		return decodeSync(&v, h, body)
	case BodyEntities:
		v.table(body.Pos, entitiesFields)
		return decodeEntities(&v, h, body)
	case BodyCells:
		v.table(body.Pos, cellsFields)
		return decodeCells(&v, h, body)
	}
	return nil, fmt.Errorf("%w: body type %d", ErrMalformed, t.BodyType())
}

func decodeSync(v *verifier, h realtime.Head, body flatbuffers.Table) (any, error) {
	if v.err != nil {
		return nil, v.err
	}
	var t Sync
	t.Init(body.Bytes, body.Pos)
	s := &realtime.Sync{
		Head: h, Reset: t.Reset(), Mode: realtime.Mode(t.Mode()), View: t.View(),
		Window: realtime.Window{Z: t.WindowZ(), X: t.WindowX(), Y: t.WindowY(), W: t.WindowW(), H: t.WindowH()},
		Live:   t.Live(), Stale: t.Stale(), Offline: t.Offline(),
	}
	if s.Mode > realtime.ModeCells || s.Window.Z > tile.MaxZoom || !(t.Newest() >= 0 && t.Newest() < 1<<53) {
		return nil, fmt.Errorf("%w: mode %d, window zoom %d, newest %v", ErrMalformed, s.Mode, s.Window.Z, t.Newest())
	}
	s.Newest = int64(t.Newest())
	if n := t.ClassesLength(); n > maxClasses {
		return nil, fmt.Errorf("%w: %d classes", ErrMalformed, n)
	} else if n > 0 {
		for i := range n {
			s.Classes = append(s.Classes, string(t.Classes(i)))
		}
	}
	return s, nil
}

func decodeEntities(v *verifier, h realtime.Head, body flatbuffers.Table) (any, error) {
	if v.err != nil {
		return nil, v.err
	}
	var t Entities
	t.Init(body.Bytes, body.Pos)
	if t.Stride() != Stride {
		return nil, fmt.Errorf("%w: stride %d, expected %d", ErrMalformed, t.Stride(), Stride)
	}
	id, err := tile.New(int64(t.TileZ()), int64(t.TileX()), int64(t.TileY()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	n := uint64(t.Count())
	c := columns{rows: n}
	e := &realtime.Entities{
		Head: h, Base: t.Base(), Tile: id,
		Slot: c.uint32s(t.SlotBytes()), X: c.float32s(t.XBytes()), Y: c.float32s(t.YBytes()),
		Z: c.float32s(t.ZBytes()), Course: c.float32s(t.CourseBytes()), Speed: c.float32s(t.SpeedBytes()),
		Age: c.int32s(t.AgeBytes()), State: uint8column[realtime.State](&c, t.StateBytes()),
		Class: uint8column[uint8](&c, t.ClassBytes()), Flags: uint8column[realtime.Flag](&c, t.FlagsBytes()),
	}
	if c.bad {
		return nil, fmt.Errorf("%w: a column has not %d rows", ErrMalformed, n)
	}
	free := columns{any: true}
	e.Named, e.Left = free.uint32s(t.NamedBytes()), free.uint32s(t.LeftBytes())
	ends, text := free.uint32s(t.TextEndBytes()), t.TextBytes()
	if free.bad || len(ends) != 2*len(e.Named) || uint64(len(e.Named)) > n {
		return nil, fmt.Errorf("%w: %d names, %d ends", ErrMalformed, len(e.Named), len(ends))
	}
	for i := range e.X {
		lon, lat := lonLat(id, e.X[i], e.Y[i])
		e.Lon, e.Lat = append(e.Lon, lon), append(e.Lat, lat)
	}
	e.ID = make([]string, n)
	at := uint32(0)
	for i, row := range e.Named {
		idEnd, propsEnd := ends[2*i], ends[2*i+1]
		if uint64(row) >= n || i > 0 && row <= e.Named[i-1] || idEnd < at || propsEnd < idEnd || uint64(propsEnd) > uint64(len(text)) {
			return nil, fmt.Errorf("%w: name %d", ErrMalformed, i)
		}
		e.ID[row] = string(text[at:idEnd])
		e.Properties = append(e.Properties, append([]byte(nil), text[idEnd:propsEnd]...))
		at = propsEnd
	}
	return e, nil
}

func decodeCells(v *verifier, h realtime.Head, body flatbuffers.Table) (any, error) {
	if v.err != nil {
		return nil, v.err
	}
	var t Cells
	t.Init(body.Bytes, body.Pos)
	id, err := tile.New(int64(t.TileZ()), int64(t.TileX()), int64(t.TileY()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c := columns{rows: uint64(t.Count())}
	f := &realtime.Cells{Head: h, Base: t.Base(), Tile: id, X: c.float32s(t.XBytes()), Y: c.float32s(t.YBytes()),
		Live: c.uint32s(t.LiveBytes()), Stale: c.uint32s(t.StaleBytes()), Offline: c.uint32s(t.OfflineBytes())}
	for _, n := range c.uint32s(t.CellBytes()) {
		if n >= realtime.CellsAcross*realtime.CellsAcross {
			return nil, fmt.Errorf("%w: cell %d", ErrMalformed, n)
		}
		f.Cell = append(f.Cell, uint16(n))
	}
	if c.bad {
		return nil, fmt.Errorf("%w: a column has not %d rows", ErrMalformed, c.rows)
	}
	return f, nil
}

// columns reads byte vectors of a number of rows, or of any.
type columns struct {
	rows uint64
	any  bool
	bad  bool
}

func (c *columns) check(b []byte, width uint64) bool {
	n := uint64(len(b))
	if n%width != 0 || !c.any && n/width != c.rows {
		c.bad = true
		return false
	}
	return true
}

func (c *columns) uint32s(b []byte) []uint32 {
	if !c.check(b, 4) || len(b) == 0 {
		return nil
	}
	v := make([]uint32, len(b)/4)
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return v
}

func (c *columns) int32s(b []byte) []int32 {
	if !c.check(b, 4) || len(b) == 0 {
		return nil
	}
	v := make([]int32, len(b)/4)
	for i := range v {
		v[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

func (c *columns) float32s(b []byte) []float32 {
	if !c.check(b, 4) || len(b) == 0 {
		return nil
	}
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

func uint8column[T ~uint8](c *columns, b []byte) []T {
	if !c.check(b, 1) || len(b) == 0 {
		return nil
	}
	v := make([]T, len(b))
	for i := range v {
		v[i] = T(b[i])
	}
	return v
}

// lonLat is the place at fractions of a tile's width, in degrees.
func lonLat(t tile.ID, x, y float32) (lon, lat float64) {
	size := float64(uint64(1) << (32 - t.Z))
	return tile.LonLat((float64(t.X)+float64(x))*size, (float64(t.Y)+float64(y))*size)
}
