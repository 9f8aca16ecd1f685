package archive_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/spatial/tile"
	"twind/tiles/archive"
	"twind/tiles/pmtiles"
)

// benchTiles is the number of tiles of the archives that are read.
const benchTiles = 20_000

// BenchmarkRead reads tiles in a random order: of PMTiles, and the same of MBTiles
// through SQLite in the same run.
func BenchmarkRead(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var ids []tile.ID
	content := map[tile.ID][]byte{}
	noise := make([]byte, 40_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for i := range uint64(benchTiles) {
		id, _ := pmtiles.TileOf(100_000 + 2*i)
		at := r.IntN(20_000)
		ids, content[id] = append(ids, id), append([]byte{0x1a}, noise[at:at+2_000+r.IntN(18_000)]...)
	}
	dir := b.TempDir()
	list := map[string]*archive.Archive{}
	for _, name := range []string{"pmtiles", "mbtiles"} {
		path := filepath.Join(dir, "a."+name)
		if name == "pmtiles" {
			writePMTiles(b, path, ids, content)
		} else {
			writeMBTiles(b, path, ids, content)
		}
		a := archive.New(archive.Options{ID: "base", Source: path})
		require.NoError(b, a.Open(b.Context()))
		defer a.Close()
		list[name] = a
	}
	r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	read := func(b *testing.B, name string, i int) {
		t, err := list[name].Tile(b.Context(), ids[i%len(ids)], "gzip", "")
		if err != nil || len(t.Bytes) != len(content[ids[i%len(ids)]]) {
			b.Fatalf("%d bytes, %v", len(t.Bytes), err)
		}
	}
	for _, name := range []string{"pmtiles", "mbtiles"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				read(b, name, i)
			}
		})
	}
	b.Run("ratio", func(b *testing.B) {
		var took [2]time.Duration
		for i := 0; b.Loop(); i++ { // in turns, so that both meet the same load
			for k, name := range []string{"pmtiles", "mbtiles"} {
				begin := time.Now()
				read(b, name, i)
				took[k] += time.Since(begin)
			}
		}
		b.ReportMetric(float64(took[1])/float64(took[0]), "mbtiles/pmtiles")
	})
}

func writePMTiles(b *testing.B, path string, ids []tile.ID, content map[tile.ID][]byte) {
	w, err := pmtiles.Create(path, pmtiles.WriterOptions{Type: pmtiles.MVT, Tiles: pmtiles.NoCompression})
	require.NoError(b, err)
	for _, id := range ids {
		require.NoError(b, w.Add(id, content[id]))
	}
	require.NoError(b, w.Close())
}

func writeMBTiles(b *testing.B, path string, ids []tile.ID, content map[tile.ID][]byte) {
	db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
	require.NoError(b, err)
	require.NoError(b, db.Write(b.Context(), func(c *sqlite.Conn) error {
		if err := c.Script("CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob); CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)"); err != nil {
			return err
		}
		for _, id := range ids {
			if err := c.Exec("INSERT INTO tiles VALUES (?, ?, ?, ?)", int64(id.Z), int64(id.X), int64(1)<<id.Z-1-int64(id.Y), content[id]); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(b, db.Close())
}

// BenchmarkWrite writes an archive, and the same bytes to a plain file in the same
// run.
func BenchmarkWrite(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 64<<20)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	const size = 8 << 10
	dir := b.TempDir()
	var archived, plain time.Duration
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		w, err := pmtiles.Create(filepath.Join(dir, "a.pmtiles"), pmtiles.WriterOptions{Type: pmtiles.MVT})
		require.NoError(b, err)
		for i := range len(data) / size {
			id, _ := pmtiles.TileOf(uint64(1_000 + 2*i))
			if err := w.Add(id, data[i*size:(i+1)*size]); err != nil {
				b.Fatal(err)
			}
		}
		require.NoError(b, w.Close())
		archived += time.Since(begin)
		begin = time.Now()
		f, err := os.Create(filepath.Join(dir, "plain"))
		require.NoError(b, err)
		_, err = f.Write(data)
		require.NoError(b, err)
		require.NoError(b, f.Sync())
		require.NoError(b, f.Close())
		plain += time.Since(begin)
	}
	b.ReportMetric(float64(archived)/float64(plain), "archive/plain")
}

// BenchmarkOpen opens an archive with leaf directories.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.pmtiles")
	var ids []tile.ID
	content := map[tile.ID][]byte{}
	for i := range uint64(benchTiles) {
		id, _ := pmtiles.TileOf(100_000 + 2*i)
		ids, content[id] = append(ids, id), []byte("\x1a"+id.String())
	}
	writePMTiles(b, path, ids, content)
	b.ReportAllocs()
	for b.Loop() {
		a := archive.New(archive.Options{ID: "base", Source: path})
		if err := a.Open(context.Background()); err != nil {
			b.Fatal(err)
		}
		require.NoError(b, a.Close())
	}
}
