package pmtiles_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles/pmtiles"
)

// memory is an archive in memory.
type memory []byte

func (m memory) Read(_ context.Context, dst []byte, offset int64) error {
	if offset < 0 || offset > int64(len(m)) || copy(dst, m[offset:]) < len(dst) {
		return layers.Errorf(layers.ErrCorrupt, "ends before byte %d", offset+int64(len(dst)))
	}
	return nil
}
func (m memory) Size() int64     { return int64(len(m)) }
func (m memory) Version() string { return "1" }
func (m memory) Changed() bool   { return false }
func (m memory) Close() error    { return nil }

// forged builds an archive out of parts that need not fit each other.
type forged struct {
	root, leaves, data []byte // root and leaves are compressed
	change             func(h *pmtiles.Header)
}

func (f forged) bytes() memory {
	h := pmtiles.Header{RootOffset: pmtiles.HeaderSize, RootLength: uint64(len(f.root)), Internal: pmtiles.Gzip, Tiles: pmtiles.NoCompression, MaxZoom: 10}
	h.LeavesOffset, h.LeavesLength = h.RootOffset+h.RootLength, uint64(len(f.leaves))
	h.DataOffset, h.DataLength = h.LeavesOffset+h.LeavesLength, uint64(len(f.data))
	if f.change != nil {
		f.change(&h)
	}
	return bytes.Join([][]byte{h.Append(nil), f.root, f.leaves, f.data}, nil)
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

// directory encodes entries of id delta, run, length and offset+1.
func directory(entries ...[4]uint64) []byte {
	b := binary.AppendUvarint(nil, uint64(len(entries)))
	for col := range 4 {
		for _, e := range entries {
			b = binary.AppendUvarint(b, e[col])
		}
	}
	return zipped(b)
}

func TestArchivesThatLie(t *testing.T) {
	tileEntry := directory([4]uint64{0, 1, 4, 1})
	for name, c := range map[string]struct {
		f    forged
		want string
	}{
		"offset beyond the data":   {forged{root: directory([4]uint64{0, 1, 4, 1000}), data: []byte("data")}, "bytes 999 to 1003 of the tile data, which have only 4"},
		"length beyond the data":   {forged{root: directory([4]uint64{0, 1, 5, 1}), data: []byte("data")}, "bytes 0 to 5"},
		"huge length":              {forged{root: directory([4]uint64{0, 1, 1 << 40, 1}), data: []byte("data")}, "expected 1 to"},
		"empty tile":               {forged{root: directory([4]uint64{0, 1, 0, 1}), data: []byte("data")}, "expected 1 to"},
		"offset that overflows":    {forged{root: directory([4]uint64{0, 1, 4, 1<<64 - 1}), data: []byte("data")}, "tile data"},
		"ids that do not rise":     {forged{root: directory([4]uint64{1, 1, 4, 1}, [4]uint64{0, 1, 4, 1}), data: []byte("data")}, "do not rise at entry 1"},
		"ids that overflow":        {forged{root: directory([4]uint64{9, 1, 4, 1}, [4]uint64{1<<64 - 1, 1, 4, 1}), data: []byte("data")}, "do not rise"},
		"runs that overlap":        {forged{root: directory([4]uint64{0, 5, 4, 1}, [4]uint64{3, 1, 4, 1}), data: []byte("data")}, "overlaps the next"},
		"leaf without leaves":      {forged{root: directory([4]uint64{0, 0, 4, 1}), data: []byte("data")}, "leaf directories, which have only 0"},
		"first without an offset":  {forged{root: directory([4]uint64{0, 1, 4, 0}), data: []byte("data")}, "no offset"},
		"a million entries":        {forged{root: zipped(binary.AppendUvarint(nil, 1<<40))}, "says that it has"},
		"no entries":               {forged{root: zipped([]byte{0})}, "has 0 entries"},
		"entries cut off":          {forged{root: zipped([]byte{2, 0, 1, 1, 1, 4, 4, 1}), data: []byte("datadata")}, "does not end where its 2 entries end"},
		"more than its entries":    {forged{root: zipped([]byte{1, 0, 1, 4, 1, 9}), data: []byte("data")}, "does not end where"},
		"root that is no gzip":     {forged{root: []byte("PK")}, "do not unpack"},
		"root that is a bomb":      {forged{root: zipped(make([]byte, 18<<20))[:10000]}, "10000 bytes"},
		"sections beyond the file": {forged{root: tileEntry, data: []byte("data"), change: func(h *pmtiles.Header) { h.DataLength = 1 << 50 }}, "the file is cut off"},
		"sections that overflow":   {forged{root: tileEntry, change: func(h *pmtiles.Header) { h.DataOffset, h.DataLength = 1<<63-1, 1<<63-1 }}, "beyond any file"},
		"root outside":             {forged{root: tileEntry, change: func(h *pmtiles.Header) { h.RootOffset = 20000 }}, "first 16384 bytes"},
		"root over the header":     {forged{root: tileEntry, change: func(h *pmtiles.Header) { h.RootOffset = 3 }}, "first 16384 bytes"},
		"zooms":                    {forged{root: tileEntry, change: func(h *pmtiles.Header) { h.MinZoom = 12 }}, "zooms are 12 to 10"},
		"brotli":                   {forged{root: tileEntry, change: func(h *pmtiles.Header) { h.Internal = pmtiles.Brotli }}, "gzip and zstd are"},
		"compression of tiles":     {forged{root: tileEntry, change: func(h *pmtiles.Header) { h.Tiles = 77 }}, "77"},
		"metadata is no JSON":      {forged{root: tileEntry, leaves: zipped([]byte("<xml>")), data: []byte("data"), change: func(h *pmtiles.Header) { h.MetadataOffset, h.MetadataLength = h.LeavesOffset, h.LeavesLength }}, "not a JSON object"},
		"metadata is a bomb":       {forged{root: tileEntry, leaves: zipped(make([]byte, 17<<20)), data: []byte("data"), change: func(h *pmtiles.Header) { h.MetadataOffset, h.MetadataLength = h.LeavesOffset, h.LeavesLength }}, "unpack to more"},
		"metadata too long":        {forged{root: tileEntry, data: make([]byte, 3<<20), change: func(h *pmtiles.Header) { h.MetadataOffset, h.MetadataLength = h.DataOffset, 3<<20 }}, "at most 2097152 are read"},
	} {
		_, err := pmtiles.NewReader(t.Context(), c.f.bytes(), pmtiles.ReaderOptions{})
		require.ErrorIs(t, err, layers.ErrCorrupt, name)
		require.ErrorContains(t, err, c.want, name)
	}
	for _, b := range []memory{nil, memory("PMTiles"), make(memory, 200), append(memory("PMTiles\x02"), make([]byte, 200)...)} {
		_, err := pmtiles.NewReader(t.Context(), b, pmtiles.ReaderOptions{})
		require.ErrorIs(t, err, layers.ErrCorrupt)
	}
}

// TestLeafDirectoriesInACycle has a leaf directory that names itself.
func TestLeafDirectoriesInACycle(t *testing.T) {
	leaf := directory([4]uint64{0, 0, 1, 1}) // its length is not known yet
	leaf = directory([4]uint64{0, 0, uint64(len(leaf)), 1})
	r, err := pmtiles.NewReader(t.Context(), forged{root: leaf, leaves: leaf}.bytes(), pmtiles.ReaderOptions{})
	require.NoError(t, err)
	_, err = r.Tile(t.Context(), tile.ID{Z: 3, X: 2, Y: 1})
	require.ErrorIs(t, err, layers.ErrCorrupt)
	require.ErrorContains(t, err, "more than 4 deep")
}

// TestBombsStayFlat unpacks leaf directories far larger than they seem.
func TestBombsStayFlat(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	bomb := zipped(make([]byte, 20<<20))
	r, err := pmtiles.NewReader(t.Context(), forged{root: directory([4]uint64{0, 0, uint64(len(bomb)), 1}), leaves: bomb}.bytes(), pmtiles.ReaderOptions{})
	require.NoError(t, err)
	for range 2 {
		_, err = r.Tile(t.Context(), tile.ID{Z: 3, X: 2, Y: 1})
		require.ErrorContains(t, err, "unpack to more than")
	}
	_, err = pmtiles.Expand(bomb, pmtiles.Gzip, 1<<20)
	require.ErrorContains(t, err, "unpack to more than the 1048576 allowed")
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(24<<20))
}

func TestMetadataOfAnyShape(t *testing.T) {
	m, err := pmtiles.ParseMetadata([]byte(`{"name":7,"attribution":"A","vector_layers":[{"id":"a","minzoom":"x","maxzoom":9,"fields":{"n":1}},{"id":3},{}]}`), 2, 11)
	require.NoError(t, err)
	require.Equal(t, pmtiles.Metadata{Attribution: "A", VectorLayers: []pmtiles.VectorLayer{{ID: "a", MinZoom: 2, MaxZoom: 9, Fields: map[string]string{"n": "1"}}}}, m)
	m, err = pmtiles.ParseMetadata([]byte(`{"vector_layers":{}}`), 0, 1)
	require.NoError(t, err)
	require.Empty(t, m.VectorLayers)
}

// FuzzReader opens anything and asks for tiles; what a reader accepts, a writer
// writes again with the same tiles.
func FuzzReader(f *testing.F) {
	sample, err := os.ReadFile("testdata/toner.pmtiles")
	require.NoError(f, err)
	f.Add(sample[:2000])
	leaf := directory([4]uint64{0, 1, 4, 1}, [4]uint64{5, 3, 2, 0})
	f.Add([]byte(forged{root: directory([4]uint64{0, 0, uint64(len(leaf)), 1}), leaves: leaf, data: []byte("dataxy")}.bytes()))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := pmtiles.NewReader(t.Context(), memory(b), pmtiles.ReaderOptions{})
		if err != nil {
			return
		}
		h := r.Header()
		back, err := pmtiles.ParseHeader(h.Append(nil))
		require.NoError(t, err)
		require.Equal(t, h, back)
		path := filepath.Join(t.TempDir(), "a.pmtiles")
		w, err := pmtiles.Create(path, pmtiles.WriterOptions{})
		require.NoError(t, err)
		defer w.Abort()
		held := map[tile.ID]string{}
		for id := range uint64(85) {
			at, _ := pmtiles.TileOf(id)
			if data, err := r.Tile(t.Context(), at); err == nil {
				held[at] = string(data)
				require.NoError(t, w.Add(at, data))
			}
		}
		if len(held) == 0 {
			return
		}
		require.NoError(t, w.Close())
		again := open(t, path)
		for at, want := range held {
			data, err := again.Tile(t.Context(), at)
			require.NoError(t, err)
			require.Equal(t, want, string(data))
		}
	})
}
