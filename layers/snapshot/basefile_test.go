package snapshot

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// baseBytes is the file of some features and touches.
func baseBytes(t testing.TB, fs []*layers.Feature) []byte {
	b := newBaseBuilder(testLayer(), t.TempDir())
	defer b.close()
	for _, f := range fs {
		require.NoError(t, b.add(f))
	}
	past := newTouched(3).with(tile.WorldBox{MinX: 1, MinY: 1, MaxX: 9, MaxY: 9}, 7).with(tile.WorldBox{MinX: 5, MinY: 5, MaxX: 50, MaxY: 50}, 8)
	var file memoryFile
	meta := &baseMeta{Identity: "store", Layer: *testLayer(), Generation: "g", Position: 12, Revision: 8, Floor: 3, Last: &logMark{Layer: "things", Feature: "9", Op: layers.Updated, Time: 5}}
	require.NoError(t, b.write(&file, meta, past))
	return file.b
}

func TestBaseFileGivesEverythingBack(t *testing.T) {
	for _, n := range []int{0, 1, 20, 700} {
		fs := features(n)
		b, err := openBase(baseBytes(t, fs))
		require.NoError(t, err)
		require.Equal(t, n, b.N)
		require.Equal(t, layers.Revision(12), b.meta.Position)
		require.Equal(t, *testLayer(), b.meta.Layer)
		require.Equal(t, "9", b.meta.Last.Feature)
		require.Equal(t, layers.Revision(3), b.touches.at(tile.WorldBox{MinX: 60, MinY: 60, MaxX: 61, MaxY: 61}))
		require.Equal(t, layers.Revision(7), b.touches.at(tile.WorldBox{MinX: 2, MinY: 2, MaxX: 3, MaxY: 3}))
		require.Equal(t, layers.Revision(8), b.touches.at(tile.WorldBox{MaxX: 6, MaxY: 6}))
		extent := spatial.EmptyEnvelope()
		for _, want := range fs {
			i, ok := b.ids.find(&b.Segment, want.ID)
			require.True(t, ok, want.ID)
			var got layers.Feature
			b.Feature(i, testSchema, &got)
			require.Equal(t, want, &got)
			extent = extent.Union(want.Geometry.Envelope())
		}
		require.Equal(t, extent, b.meta.extent())
		for _, id := range []string{"", "no such", "701"} {
			_, ok := b.ids.find(&b.Segment, id)
			require.False(t, ok)
		}
	}
}

func TestBasesOfSeveralRunsAreTheSame(t *testing.T) {
	fs := features(400)
	whole, err := openBase(baseBytes(t, fs))
	require.NoError(t, err)
	for _, shift := range []uint{0, 3, 6} {
		dir := t.TempDir()
		b := newBaseBuilder(testLayer(), dir)
		b.shift = shift
		for _, f := range fs {
			require.NoError(t, b.add(f))
		}
		var file memoryFile
		require.NoError(t, b.write(&file, &baseMeta{Layer: *b.layer}, newTouched(0)))
		b.close()
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
		o, err := openBase(file.b)
		require.NoError(t, err)
		require.Equal(t, whole.Segment, o.Segment)
		require.Equal(t, whole.ids, o.ids)
		require.Equal(t, whole.meta.Extent, o.meta.Extent)
	}
}

func TestTwoFeaturesWithOneIDAreRefused(t *testing.T) {
	b := newBaseBuilder(&layers.Layer{ID: "p", CRS: 4326}, t.TempDir())
	defer b.close()
	for range 2 {
		require.NoError(t, b.add(&layers.Feature{ID: "7"}))
	}
	err := b.write(&memoryFile{}, &baseMeta{Layer: *b.layer}, newTouched(0))
	require.ErrorIs(t, err, layers.ErrCorrupt)
	require.ErrorContains(t, err, `layer p has two features with the id "7"`)
}

// Whichever byte of a base file is changed, it is noticed, or it was in padding.
func TestAnyChangedByteIsNoticed(t *testing.T) {
	data := baseBytes(t, features(40))
	_, sections, err := readSections(data)
	require.NoError(t, err)
	covered := make([]bool, len(data))
	for i := range headerSize + entrySize*len(sections) {
		covered[i] = true
	}
	for k := range len(sections) {
		entry := data[headerSize+entrySize*k:]
		offset, length := binary.NativeEndian.Uint64(entry[8:]), binary.NativeEndian.Uint64(entry[16:])
		for i := range length {
			covered[offset+i] = true
		}
	}
	noticed := 0
	for i := range data {
		data[i] ^= 0x10
		_, err := openBase(data)
		data[i] ^= 0x10
		if covered[i] {
			require.ErrorIs(t, err, errBase, "byte %d", i)
			noticed++
		}
	}
	require.Greater(t, noticed, len(data)/2)
	for _, n := range []int{0, 1, 7, 63, 64, 100, len(data) / 2, len(data) - 1} {
		_, err := openBase(data[:n])
		require.ErrorIs(t, err, errBase, "cut to %d bytes", n)
	}
}

// reseal makes the checksums of a changed file right again.
func reseal(data []byte) {
	if len(data) < headerSize {
		return
	}
	e := binary.NativeEndian
	n := int(e.Uint32(data[12:]))
	for k := 0; k < n && headerSize+entrySize*(k+1) <= len(data); k++ {
		entry := data[headerSize+entrySize*k:]
		offset, length := e.Uint64(entry[8:]), e.Uint64(entry[16:])
		if offset <= uint64(len(data)) && length <= uint64(len(data))-offset {
			e.PutUint32(entry[4:], crc32.Checksum(data[offset:offset+length], castagnoli))
		}
	}
	if end := headerSize + entrySize*n; n >= 0 && end >= headerSize && end <= len(data) {
		e.PutUint32(data[60:], crc32.Update(crc32.Checksum(data[:60], castagnoli), castagnoli, data[headerSize:end]))
	}
}

// useAll reads everything that a base offers.
func useAll(b *base) {
	var f layers.Feature
	for i := range b.N {
		b.Feature(i, b.meta.Layer.Schema, &f)
		b.Envelope(i)
		b.ids.find(&b.Segment, f.ID)
	}
	everywhere := tile.WorldBox{MaxX: 1<<32 - 1, MaxY: 1<<32 - 1}
	b.packed.Search(everywhere, nil)
	b.packed.Search(tile.WorldBox{MinX: 1 << 31, MinY: 1 << 30, MaxX: 1<<31 + 1<<28, MaxY: 1<<30 + 1<<28}, nil)
	b.touches.at(everywhere)
	b.touches.all()
	b.ids.find(&b.Segment, "nobody")
}

// A file that lies, with checksums to match, is refused or harmless.
func FuzzOpenBase(f *testing.F) {
	small := baseBytes(f, features(8))
	f.Add(small, uint32(0), byte(0), uint32(0), byte(0))
	f.Add(small, uint32(headerSize+100), byte(1), uint32(2000), byte(255))
	f.Add([]byte(baseMagic), uint32(0), byte(0), uint32(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, at1 uint32, v1 byte, at2 uint32, v2 byte) {
		data = append(make([]byte, 0, len(data)), data...)
		if len(data) > 0 {
			data[int(at1)%len(data)] = v1
			data[int(at2)%len(data)] = v2
		}
		reseal(data)
		if b, err := openBase(data); err == nil {
			useAll(b)
		}
	})
}

// Single bytes of every section are made to lie.
func TestLyingFilesAreHarmless(t *testing.T) {
	whole := baseBytes(t, features(22))
	refused := 0
	for i := headerSize; i < len(whole); i += 11 {
		for _, v := range []byte{0, 1, 0xff} {
			data := append([]byte(nil), whole...)
			data[i] = v
			reseal(data)
			if b, err := openBase(data); err == nil {
				useAll(b)
			} else {
				refused++
			}
		}
	}
	require.Positive(t, refused)
}

func TestMappedBase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.base")
	require.NoError(t, os.WriteFile(path, baseBytes(t, features(100)), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	b, err := mapBase(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.Remove(path))
	b.retain()
	b.release()
	useAll(b)
	b.release()
	require.Panics(t, b.release)

	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	file, err = os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	_, err = mapBase(file)
	require.ErrorIs(t, err, errBase)
}
