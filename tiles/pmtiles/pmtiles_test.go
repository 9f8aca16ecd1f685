package pmtiles_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/pmtiles"
)

func open(t testing.TB, path string) *pmtiles.Reader {
	t.Helper()
	src, err := pmtiles.OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { src.Close() })
	r, err := pmtiles.NewReader(t.Context(), src, pmtiles.ReaderOptions{})
	require.NoError(t, err)
	return r
}

func TestTileIDs(t *testing.T) {
	for text, want := range map[string]uint64{ // §4.1 of the specification
		"0/0/0": 0, "1/0/0": 1, "1/0/1": 2, "1/1/1": 3, "1/1/0": 4, "2/0/0": 5, "12/3423/1763": 19078479,
	} {
		var z uint8
		var x, y uint32
		_, err := fmt.Sscanf(text, "%d/%d/%d", &z, &x, &y)
		require.NoError(t, err)
		require.Equal(t, want, pmtiles.TileID(tile.ID{Z: z, X: x, Y: y}), text)
	}
	id := uint64(0)
	for z := uint8(0); z <= 6; z++ { // neighbours on the curve share a side
		last := tile.ID{}
		for i := range uint64(1) << (2 * z) {
			at, ok := pmtiles.TileOf(id)
			dx, dy := int64(at.X)-int64(last.X), int64(at.Y)-int64(last.Y)
			if !ok || at.Z != z || pmtiles.TileID(at) != id || i > 0 && dx*dx+dy*dy != 1 {
				t.Fatalf("%v (%v) has id %d and follows %v", at, ok, id, last)
			}
			last = at
			id++
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		z := uint8(r.IntN(tile.MaxZoom + 1))
		at := tile.ID{Z: z, X: uint32(r.Uint64N(1 << z)), Y: uint32(r.Uint64N(1 << z))}
		if back, ok := pmtiles.TileOf(pmtiles.TileID(at)); !ok || back != at {
			t.Fatalf("%v comes back as %v", at, back)
		}
	}
	_, ok := pmtiles.TileOf(pmtiles.TileID(tile.ID{Z: 24, X: 1<<24 - 1, Y: 0}) + 1)
	require.False(t, ok, "beyond the last zoom")
}

func TestReadsTheSampleOfTheSpecification(t *testing.T) {
	r := open(t, "testdata/toner.pmtiles")
	h := r.Header()
	require.Equal(t, pmtiles.PNG, h.Type)
	require.EqualValues(t, 3, h.MaxZoom)
	require.Equal(t, pmtiles.Metadata{}, r.Metadata(), "the sample says nothing about itself")
	n := 0
	for z := uint8(0); z <= 3; z++ {
		for x := range uint32(1) << z {
			for y := range uint32(1) << z {
				b, err := r.Tile(t.Context(), tile.ID{Z: z, X: x, Y: y})
				require.NoError(t, err)
				require.Equal(t, "\x89PNG", string(b[:4]))
				n++
			}
		}
	}
	require.EqualValues(t, h.Addressed, n)
	_, err := r.Tile(t.Context(), tile.ID{Z: 4})
	require.ErrorIs(t, err, layers.ErrNotFound)
}

// written makes an archive of tiles in a given order: tile i holds content(i).
func written(t testing.TB, list []tile.ID, content func(tile.ID) string, o pmtiles.WriterOptions) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.pmtiles")
	w, err := pmtiles.Create(path, o)
	require.NoError(t, err)
	defer w.Abort()
	for _, id := range list {
		require.NoError(t, w.Add(id, []byte(content(id))))
	}
	require.NoError(t, w.Close())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "temporary files are gone")
	return path
}

func pyramid(zoom uint8) (list []tile.ID) {
	for id := uint64(0); ; id++ {
		at, _ := pmtiles.TileOf(id)
		if at.Z > zoom {
			return list
		}
		list = append(list, at)
	}
}

func TestRoundTrip(t *testing.T) {
	o := pmtiles.WriterOptions{
		Type: pmtiles.MVT, Tiles: pmtiles.NoCompression, Bounds: spatial.Envelope{MinX: -74.5, MinY: 40.25, MaxX: -73, MaxY: 41},
		Center:   [3]float64{-73.75, 40.5, 9},
		Metadata: pmtiles.Metadata{Name: "城", Attribution: "Survey", VectorLayers: []pmtiles.VectorLayer{{ID: "roads", MaxZoom: 5, Fields: map[string]string{"name": "String"}}}},
	}
	shuffled := pyramid(5)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	content := func(id tile.ID) string {
		if id.X%3 > 0 {
			return "water" // the same many times
		}
		return "land " + id.String()
	}
	var bytes [2]string
	for i, list := range [][]tile.ID{pyramid(5), shuffled} {
		path := written(t, list, content, o)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		bytes[i] = string(b)
		r := open(t, path)
		h := r.Header()
		require.Equal(t, o.Metadata, r.Metadata())
		require.Equal(t, o.Bounds, h.Bounds)
		require.Equal(t, [2]float64{-73.75, 40.5}, h.Center)
		require.EqualValues(t, 9, h.CenterZoom)
		require.EqualValues(t, 5, h.MaxZoom)
		require.EqualValues(t, len(list), h.Addressed)
		require.Less(t, h.Entries, h.Addressed, "runs")
		require.Less(t, h.Contents, h.Entries, "each content is there once")
		require.True(t, h.Clustered)
		for _, id := range list {
			if b, err := r.Tile(t.Context(), id); err != nil || string(b) != content(id) {
				t.Fatalf("tile %v: %q, %v", id, b, err)
			}
		}
		_, err = r.Tile(t.Context(), tile.ID{Z: 6})
		require.ErrorIs(t, err, layers.ErrNotFound)
	}
	require.Equal(t, bytes[0], bytes[1], "the archive does not depend on the order of adding")
}

// TestLeafDirectories writes more tiles than a root directory holds.
func TestLeafDirectories(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var list []tile.ID
	for i := range uint64(24_000) {
		at, _ := pmtiles.TileOf(1_000_000 + i*3)
		list = append(list, at)
	}
	length := map[tile.ID]int{}
	for _, id := range list {
		length[id] = 1 + r.IntN(60)
	}
	content := func(id tile.ID) string {
		return strings.Repeat(id.String()+" ", length[id])
	}
	a := open(t, written(t, list, content, pmtiles.WriterOptions{Type: pmtiles.MVT}))
	h := a.Header()
	require.Positive(t, h.LeavesLength)
	require.LessOrEqual(t, h.RootOffset+h.RootLength, uint64(16384))
	for _, id := range list {
		if b, err := a.Tile(t.Context(), id); err != nil || string(b) != content(id) {
			require.NoError(t, err)
			require.Equal(t, content(id), string(b))
		}
	}
	beside, _ := pmtiles.TileOf(1_000_001)
	_, err := a.Tile(t.Context(), beside)
	require.ErrorIs(t, err, layers.ErrNotFound)
}

func TestWriterRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pmtiles")
	w, err := pmtiles.Create(path, pmtiles.WriterOptions{})
	require.NoError(t, err)
	require.ErrorIs(t, w.Add(tile.ID{}, nil), layers.ErrInvalid)
	require.ErrorContains(t, w.Close(), "no tiles")
	require.NoFileExists(t, path)

	w, err = pmtiles.Create(path, pmtiles.WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Add(tile.ID{Z: 1}, []byte("a")))
	require.NoError(t, w.Add(tile.ID{Z: 1, X: 1}, []byte("b")))
	require.NoError(t, w.Add(tile.ID{Z: 1}, []byte("c")))
	require.ErrorContains(t, w.Close(), "tile 1/0/0 was added twice")
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, left)

	_, err = pmtiles.Create(filepath.Join(t.TempDir(), "no", "a.pmtiles"), pmtiles.WriterOptions{})
	require.ErrorIs(t, err, layers.ErrUnavailable)
}

func TestFileReplacedWhileOpen(t *testing.T) {
	content := func(id tile.ID) string { return "old " + id.String() }
	path := written(t, pyramid(2), content, pmtiles.WriterOptions{})
	src, err := pmtiles.OpenFile(path)
	require.NoError(t, err)
	defer src.Close()
	r, err := pmtiles.NewReader(t.Context(), src, pmtiles.ReaderOptions{})
	require.NoError(t, err)
	require.False(t, src.Changed())

	other := written(t, pyramid(3), func(id tile.ID) string { return "new " + id.String() }, pmtiles.WriterOptions{})
	require.NoError(t, os.Rename(other, path))
	b, err := r.Tile(t.Context(), tile.ID{Z: 1})
	require.NoError(t, err, "the old file is still whole")
	require.Equal(t, "old 1/0/0", string(b))
	require.True(t, src.Changed())

	// Written over in place: what is read may be anything.
	src2, err := pmtiles.OpenFile(path)
	require.NoError(t, err)
	defer src2.Close()
	r2, err := pmtiles.NewReader(t.Context(), src2, pmtiles.ReaderOptions{})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	_, err = r2.Tile(t.Context(), tile.ID{Z: 1})
	require.ErrorIs(t, err, pmtiles.ErrChanged)
	require.NoError(t, os.Remove(path))
	require.False(t, src2.Changed(), "a path without a file is being replaced")
	_, err = pmtiles.OpenFile(path)
	require.ErrorIs(t, err, layers.ErrUnavailable)
	_, err = pmtiles.OpenFile(t.TempDir())
	require.ErrorContains(t, err, "not a regular file")
}

func BenchmarkTile(b *testing.B) {
	list := pyramid(8)
	r := open(b, written(b, list, func(id tile.ID) string { return strings.Repeat(id.String(), 200) }, pmtiles.WriterOptions{}))
	ctx := context.Background()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := r.Tile(ctx, list[i%len(list)]); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
}
