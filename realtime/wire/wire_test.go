package wire_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial/tile"
)

var head = realtime.Head{Epoch: 1<<53 - 1, Sequence: 77, Time: 1_795_248_000_123, Layer: "vehicles"}

func sampleSync() *realtime.Sync {
	return &realtime.Sync{Head: head, Reset: true, Mode: realtime.ModeCells, Window: realtime.Window{Z: 9, X: 511, Y: 3, W: 4, H: 5},
		View: 0xdeadbeef, Newest: 1_795_248_000_000, Live: 1, Stale: 2, Offline: 3, Classes: []string{"1", "四惠东", ""}}
}

func sampleEntities() *realtime.Entities {
	nan := float32(math.NaN())
	e := &realtime.Entities{
		Head: head, Base: 76, Tile: tile.ID{Z: 14, X: 4823, Y: 6160},
		Slot: []uint32{5, 1 << 31, 9}, X: []float32{0, 0.5, 0.99999994}, Y: []float32{1, 0.25, 0},
		Z: []float32{nan, -3.5, 8848}, Course: []float32{nan, 0, 359.9}, Speed: []float32{0, nan, 340},
		Age: []int32{-60000, 0, math.MaxInt32}, State: []realtime.State{0, 1, 2}, Class: []uint8{0, realtime.NoClass, 7},
		Flags: []realtime.Flag{0, realtime.FlagAhead | realtime.FlagLate, 0},
		ID:    []string{"", "京A", "a long identifier"}, Named: []uint32{1, 2}, Properties: [][]byte{[]byte(`{"line":"4"}`), nil},
		Left: []uint32{3, 4}, LeftID: []string{"x", "y"},
	}
	for i := range e.X {
		size := float64(uint64(1) << 18)
		lon, lat := tile.LonLat((4823+float64(e.X[i]))*size, (6160+float64(e.Y[i]))*size)
		e.Lon, e.Lat = append(e.Lon, lon), append(e.Lat, lat)
	}
	return e
}

func sampleCells() *realtime.Cells {
	return &realtime.Cells{Head: head, Tile: tile.ID{Z: 7, X: 37, Y: 48}, Cell: []uint16{0, 1023}, X: []float32{0.01, 0.99}, Y: []float32{0.02, 0.98},
		Live: []uint32{1, 0}, Stale: []uint32{0, 2}, Offline: []uint32{7, 100_000}}
}

// message is all three frames, as a viewer gets them.
func message() []byte {
	c := wire.NewCodec()
	return c.AppendCells(c.AppendEntities(c.AppendSync(nil, sampleSync()), sampleEntities()), sampleCells())
}

func TestRoundTrip(t *testing.T) {
	frames, err := wire.Split(message())
	require.NoError(t, err)
	require.Len(t, frames, 3)

	sync, err := wire.Decode(frames[0])
	require.NoError(t, err)
	require.Equal(t, sampleSync(), sync)

	got, err := wire.Decode(frames[1])
	require.NoError(t, err)
	want := sampleEntities()
	want.LeftID = nil // only the simple format has them
	want.Properties[1] = []byte(nil)
	// NaN is not equal to itself: compare the bits.
	e := got.(*realtime.Entities)
	bits := func(v []float32) (b []uint32) {
		for _, f := range v {
			b = append(b, math.Float32bits(f))
		}
		return b
	}
	require.Equal(t, bits(want.Z), bits(e.Z))
	require.Equal(t, bits(want.Course), bits(e.Course))
	require.Equal(t, bits(want.Speed), bits(e.Speed))
	e.Z, e.Course, e.Speed, want.Z, want.Course, want.Speed = nil, nil, nil, nil, nil, nil
	require.Equal(t, want, e)

	cells, err := wire.Decode(frames[2])
	require.NoError(t, err)
	require.Equal(t, sampleCells(), cells)
}

// TestColumnsAreAligned checks what lets a browser lay typed arrays over a
// message: frames begin at multiples of 8 and columns at multiples of 4.
func TestColumnsAreAligned(t *testing.T) {
	c := wire.NewCodec()
	for n := range 20 {
		e := &realtime.Entities{Head: head, Tile: tile.ID{Z: 14}}
		e.Layer = realtime.Head{Layer: "l"}.Layer + head.Layer[:n%8]
		for i := range n {
			e.Slot, e.X, e.Y, e.Z = append(e.Slot, uint32(i)), append(e.X, 0.25), append(e.Y, 0), append(e.Z, 0)
			e.Course, e.Speed, e.Age = append(e.Course, 0), append(e.Speed, 0), append(e.Age, 0)
			e.State, e.Class, e.Flags = append(e.State, 0), append(e.Class, 0), append(e.Flags, 0)
			e.ID, e.Named, e.Properties = append(e.ID, strings.Repeat("x", i)), append(e.Named, uint32(i)), append(e.Properties, []byte(`{"a":1}`))
		}
		b := c.AppendEntities(nil, e)
		require.Zero(t, len(b)%8, "%d entities", n)
		var body wire.Entities
		frame := wire.GetSizePrefixedRootAsFrame(b, 0)
		table := body.Table()
		require.True(t, frame.Body(&table))
		body.Init(table.Bytes, table.Pos)
		for name, column := range map[string][]byte{"slot": body.SlotBytes(), "x": body.XBytes(), "y": body.YBytes(), "z": body.ZBytes(),
			"course": body.CourseBytes(), "speed": body.SpeedBytes(), "age": body.AgeBytes(), "named": body.NamedBytes(), "text_end": body.TextEndBytes(), "state": body.StateBytes()} {
			if len(column) == 0 {
				continue
			}
			// The column is a slice of b, so what it could grow to tells where it begins.
			require.Zero(t, (cap(b)-cap(column))%4, "%s of %d entities", name, n)
		}
	}
}

func TestPrecision(t *testing.T) {
	// A Float32 fraction of a tile of zoom 14 is exact to 0.15 mm at the equator.
	const tileMetres = 40075016.686 / (1 << 14)
	step := math.Nextafter32(1, 0)
	require.Less(t, float64(1-step)*tileMetres, 0.0002)
}

func TestDecodeRefuses(t *testing.T) {
	good, err := wire.Split(message())
	require.NoError(t, err)
	change := func(i int, fn func(b []byte) []byte) []byte { return fn(bytes.Clone(good[i])) }
	for name, b := range map[string][]byte{
		"nothing":                   nil,
		"short":                     good[0][:12],
		"cut off":                   good[1][:len(good[1])-8],
		"identifier":                change(0, func(b []byte) []byte { b[8] = 'X'; return b }),
		"root offset":               change(0, func(b []byte) []byte { binary.LittleEndian.PutUint32(b[4:], 1<<31); return b }),
		"root offset, near the end": change(0, func(b []byte) []byte { binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-6)); return b }),
		"another version": func() []byte {
			b := bytes.Clone(good[0])
			f := wire.GetSizePrefixedRootAsFrame(b, 0)
			require.True(t, f.MutateVersion(2))
			return b
		}(),
	} {
		_, err := wire.Decode(b)
		require.ErrorIs(t, err, wire.ErrMalformed, name)
	}
	for name, b := range map[string][]byte{
		"a stump":        {1, 2, 3},
		"a size beyond":  {0xff, 0, 0, 0, 0, 0, 0, 0},
		"an uneven size": append([]byte{5, 0, 0, 0}, make([]byte, 5)...),
		"a stump behind": append(bytes.Clone(good[0]), 1),
	} {
		_, err := wire.Split(b)
		require.ErrorIs(t, err, wire.ErrMalformed, name)
	}
}

// FuzzDecode flips bytes of real frames: whatever comes, nothing panics, and
// what is taken can be written and read again.
func FuzzDecode(f *testing.F) {
	frames, err := wire.Split(message())
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range frames {
		f.Add(b)
	}
	codec := wire.NewCodec()
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := wire.Decode(b)
		if err != nil {
			return
		}
		var again []byte
		switch g := got.(type) {
		case *realtime.Sync:
			again = codec.AppendSync(nil, g)
		case *realtime.Entities:
			again = codec.AppendEntities(nil, g)
		case *realtime.Cells:
			again = codec.AppendCells(nil, g)
		}
		if _, err := wire.Decode(again); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

// FuzzSplit cuts any message.
func FuzzSplit(f *testing.F) {
	f.Add(message())
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, err := wire.Split(b)
		if err != nil {
			return
		}
		n := 0
		for _, frame := range frames {
			n += len(frame)
			_, _ = wire.Decode(frame)
		}
		if n != len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
	})
}

func BenchmarkAppendEntities(b *testing.B) {
	for _, n := range []int{12, 100, 10_000} {
		e := &realtime.Entities{Head: head, Base: 76, Tile: tile.ID{Z: 14, X: 4823, Y: 6160}}
		for i := range n {
			e.Slot, e.X, e.Y, e.Z = append(e.Slot, uint32(i)), append(e.X, 0.25), append(e.Y, 0.75), append(e.Z, 0)
			e.Course, e.Speed, e.Age = append(e.Course, 90), append(e.Speed, 12), append(e.Age, 500)
			e.State, e.Class, e.Flags = append(e.State, 0), append(e.Class, 3), append(e.Flags, 0)
		}
		e.ID = make([]string, n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := wire.NewCodec()
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = c.AppendEntities(dst[:0], e)
			}
			b.SetBytes(int64(len(dst)))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entity")
		})
	}
}
