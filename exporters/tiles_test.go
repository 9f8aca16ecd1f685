package exporters_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/exporters"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// dots is a tile source with something at a few places.
type dots struct {
	places [][2]float64
	asked  atomic.Int64
	fail   error
}

func (d *dots) Holds(id tile.ID) bool {
	for _, p := range d.places {
		if id.Envelope().ContainsPoint(p[0], p[1]) {
			return true
		}
	}
	return false
}

func (d *dots) Tile(_ context.Context, id tile.ID) ([]byte, error) {
	d.asked.Add(1)
	if id.Z == 3 {
		return nil, d.fail // a zoom without tiles
	}
	return []byte(id.String()), nil
}

// shelf is an archive in memory.
type shelf struct {
	tiles           []tile.ID
	closed, aborted bool
	full            error
}

func (s *shelf) Add(id tile.ID, data []byte) error {
	if string(data) != id.String() {
		return errors.New("the tile of another place")
	}
	s.tiles = append(s.tiles, id)
	return s.full
}
func (s *shelf) Close() error { s.closed = true; return nil }
func (s *shelf) Abort()       { s.aborted = true }

func order(id tile.ID) uint64 { return uint64(id.Z)<<56 | uint64(id.X)<<24 | uint64(id.Y) }

func TestExportTiles(t *testing.T) {
	src := &dots{places: [][2]float64{{-74, 40.7}, {-73.9, 40.8}, {113, 28}}}
	a := &shelf{}
	last := map[uint8][2]int64{}
	n, err := exporters.ExportTiles(t.Context(), a, src, exporters.TileOptions{
		MinZoom: 2, MaxZoom: 12, Order: order, Workers: 3,
		Progress: func(z uint8, done, total int64) { last[z] = [2]int64{done, total} },
	})
	require.NoError(t, err)
	require.EqualValues(t, len(a.tiles), n)
	require.True(t, a.closed)
	want := map[tile.ID]bool{}
	for z := uint8(2); z <= 12; z++ {
		for _, p := range src.places {
			if z != 3 {
				want[tile.Of(p[0], p[1], z)] = true
			}
		}
	}
	require.Len(t, a.tiles, len(want))
	for i, id := range a.tiles {
		require.True(t, want[id], id)
		require.True(t, i == 0 || order(a.tiles[i-1]) < order(id), "in order")
	}
	require.Equal(t, [2]int64{3, 3}, last[12])
	require.Less(t, src.asked.Load(), int64(40), "empty land is not rendered")
}

func TestExportTilesWithin(t *testing.T) {
	a := &shelf{}
	_, err := exporters.ExportTiles(t.Context(), a, &dots{places: [][2]float64{{-74, 40.7}, {113, 28}}}, exporters.TileOptions{
		MaxZoom: 6, Order: order, Bounds: spatial.Envelope{MinX: 112, MinY: 27, MaxX: 114, MaxY: 29},
	})
	require.NoError(t, err)
	require.Len(t, a.tiles, 6, "one a zoom but for zoom 3")
}

func TestExportTilesFails(t *testing.T) {
	src := &dots{places: [][2]float64{{1, 1}}}
	_, err := exporters.ExportTiles(t.Context(), &shelf{}, src, exporters.TileOptions{MinZoom: 3, MaxZoom: 2, Order: order})
	require.ErrorIs(t, err, layers.ErrInvalid)
	a := &shelf{}
	_, err = exporters.ExportTiles(t.Context(), a, &dots{}, exporters.TileOptions{MaxZoom: 2, Order: order})
	require.ErrorContains(t, err, "nothing to write")
	require.False(t, a.closed)
	require.True(t, a.aborted)
	a = &shelf{full: errors.New("the disk is full")}
	_, err = exporters.ExportTiles(t.Context(), a, src, exporters.TileOptions{MaxZoom: 9, Order: order})
	require.ErrorContains(t, err, "disk is full")
	require.False(t, a.closed)
	src.fail = errors.New("no tile")
	_, err = exporters.ExportTiles(t.Context(), &shelf{}, src, exporters.TileOptions{MaxZoom: 9, Order: order})
	require.ErrorContains(t, err, "no tile")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = exporters.ExportTiles(ctx, &shelf{}, &dots{places: src.places}, exporters.TileOptions{MaxZoom: 9, Order: order})
	require.ErrorIs(t, err, context.Canceled)
}
