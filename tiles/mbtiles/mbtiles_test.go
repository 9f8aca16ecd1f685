package mbtiles_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/mbtiles"
	"twind/tiles/mvt"
	"twind/tiles/pmtiles"
)

// made makes a file of statements.
func made(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.mbtiles")
	db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
	require.NoError(t, err)
	require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
		for _, s := range statements {
			if err := c.Exec(s); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, db.Close())
	return path
}

const table = "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)"

func open(t *testing.T, path string) *mbtiles.Archive {
	t.Helper()
	a, err := mbtiles.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

func TestReadsAFileOfAnotherProgram(t *testing.T) {
	f, err := os.Open("testdata/jakarta.mbtiles.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "雅加达 jakarta.mbtiles")
	require.NoError(t, os.WriteFile(path, b, 0o400))
	a := open(t, path)
	require.Equal(t, pmtiles.MVT, a.Type)
	require.Equal(t, []uint8{13, 13}, []uint8{a.MinZoom, a.MaxZoom}, "the zooms of the tiles, not the 0 to 14 of the metadata")
	require.Equal(t, spatial.Envelope{MinX: 106.74316, MinY: -6.40265, MaxX: 106.91895, MaxY: -6.22793}, a.Bounds)
	require.Equal(t, "building", a.Metadata.VectorLayers[0].ID)
	require.Equal(t, "OpenMapTiles", a.Metadata.Name)
	id := tile.ID{Z: 13, X: 6527, Y: 8191 - 3951}
	data, err := a.Tile(t.Context(), id)
	require.NoError(t, err)
	raw, err := pmtiles.Expand(data, pmtiles.Gzip, 8<<20)
	require.NoError(t, err)
	decoded, err := mvt.Decode(raw)
	require.NoError(t, err)
	require.Equal(t, "building", decoded.Layers[0].Name)
	require.Greater(t, len(decoded.Layers[0].Features), 10_000)
	require.True(t, a.Bounds.Intersects(id.Envelope()), "rows count from the south")
	_, err = a.Tile(t.Context(), tile.ID{Z: 13, X: 6527, Y: 3951})
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.False(t, a.Changed())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(b, after), "the file is as it was")
	side, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, side, 1, "nothing was written beside it")
}

func TestWithoutMetadata(t *testing.T) {
	png := "x'89504e470d0a1a0a00000000'"
	a := open(t, made(t, table, "INSERT INTO tiles VALUES (3, 2, 5, "+png+"), (3, 3, 5, "+png+"), (4, 4, 10, "+png+")"))
	require.Equal(t, pmtiles.PNG, a.Type)
	require.Equal(t, []uint8{3, 4}, []uint8{a.MinZoom, a.MaxZoom})
	require.Equal(t, tile.ID{Z: 3, X: 2, Y: 2}.Envelope().Union(tile.ID{Z: 3, X: 3, Y: 2}.Envelope()), a.Bounds)
	require.Empty(t, a.Metadata.Name)
	b, err := a.Tile(t.Context(), tile.ID{Z: 4, X: 4, Y: 5})
	require.NoError(t, err)
	require.Len(t, b, 12)
}

// TestView reads the schema of files that keep each image once.
func TestView(t *testing.T) {
	a := open(t, made(t,
		"CREATE TABLE map (zoom_level integer, tile_column integer, tile_row integer, tile_id text, UNIQUE (zoom_level, tile_column, tile_row))",
		"CREATE TABLE images (tile_data blob, tile_id text PRIMARY KEY)",
		"CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images ON images.tile_id = map.tile_id",
		"INSERT INTO images VALUES (x'ffd8ff00', 'sea')", "INSERT INTO map VALUES (1, 0, 0, 'sea'), (1, 1, 0, 'sea')",
		"CREATE TABLE metadata (name text, value text)",
		"INSERT INTO metadata VALUES ('format', 'jpg'), ('minzoom', '0'), ('maxzoom', 'deep'), ('bounds', '1,2,3'), ('json', 'not json'), ('attribution', 'Survey'), ('center', '400,1,1')"))
	require.Equal(t, pmtiles.JPEG, a.Type)
	require.Equal(t, []uint8{1, 1}, []uint8{a.MinZoom, a.MaxZoom})
	require.Equal(t, "Survey", a.Metadata.Attribution)
	require.InDelta(t, 0, a.Center[0], 1e-9)
	b, err := a.Tile(t.Context(), tile.ID{Z: 1, X: 1, Y: 1})
	require.NoError(t, err)
	require.Equal(t, "\xff\xd8\xff\x00", string(b))
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.mbtiles")
	require.NoError(t, os.WriteFile(text, bytes.Repeat([]byte("no database "), 100), 0o600))
	whole, err := os.ReadFile(made(t, table, "INSERT INTO tiles VALUES (1, 0, 0, randomblob(500000))"))
	require.NoError(t, err)
	cut := filepath.Join(dir, "cut.mbtiles")
	require.NoError(t, os.WriteFile(cut, whole[:5000], 0o600))
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "none.mbtiles"), "cannot be opened"},
		{text, "not a SQLite database"},
		{dir, "cannot be read"},
		{made(t, "CREATE TABLE a (b)"), "no table tiles"},
		{made(t, "CREATE TABLE tiles (a)", "INSERT INTO tiles VALUES (1)"), "zoom_level, tile_column"},
		{made(t, table), "holds no tiles"},
		{made(t, table, "INSERT INTO tiles VALUES (40, 0, 0, x'00')"), "zooms 40 to 40"},
		{made(t, table, "INSERT INTO tiles VALUES (-1, 0, 0, x'00')"), "zooms -1"},
		{made(t, table, "INSERT INTO tiles VALUES (1, 0, 0, zeroblob(5000000))"), "no index"},
	} {
		_, err := mbtiles.Open(t.Context(), c.path)
		require.ErrorContains(t, err, c.want, c.path)
		require.NotContains(t, err.Error(), "\n")
	}
	endless := made(t, "CREATE VIEW tiles AS WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x) SELECT i AS zoom_level, i AS tile_column, i AS tile_row, i AS tile_data FROM x WHERE i < 0")
	soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = mbtiles.Open(soon, endless)
	require.ErrorContains(t, err, "took longer than", "a view that never ends")
	// Damage beyond the first pages is met by the reader of the tile.
	if a, err := mbtiles.Open(t.Context(), cut); err == nil {
		_, err = a.Tile(t.Context(), tile.ID{Z: 1, Y: 1})
		require.ErrorIs(t, err, layers.ErrCorrupt)
		require.NoError(t, a.Close())
	} else {
		require.ErrorIs(t, err, layers.ErrCorrupt)
	}
}

func TestTileTooLarge(t *testing.T) {
	a := open(t, made(t, table, "CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)",
		"INSERT INTO tiles VALUES (1, 0, 0, zeroblob(17000000)), (1, 1, 0, NULL), (1, 1, 1, 'text')"))
	_, err := a.Tile(t.Context(), tile.ID{Z: 1, Y: 1})
	require.ErrorContains(t, err, "has 17000000 bytes")
	_, err = a.Tile(t.Context(), tile.ID{Z: 1, X: 1, Y: 1})
	require.ErrorIs(t, err, layers.ErrNotFound)
	b, err := a.Tile(t.Context(), tile.ID{Z: 1, X: 1, Y: 0})
	require.NoError(t, err)
	require.Equal(t, "text", string(b))
}

func TestReplaced(t *testing.T) {
	path := made(t, table, "INSERT INTO tiles VALUES (1, 0, 0, 'old')")
	a := open(t, path)
	require.False(t, a.Changed())
	require.NoError(t, os.Rename(made(t, table, "INSERT INTO tiles VALUES (1, 0, 0, 'new')"), path))
	require.True(t, a.Changed())
	b, err := a.Tile(t.Context(), tile.ID{Z: 1, Y: 1})
	require.NoError(t, err)
	require.Equal(t, "old", string(b), "what was opened stays whole")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = a.Tile(ctx, tile.ID{Z: 1, Y: 1})
	require.ErrorIs(t, err, context.Canceled)
}
