package tile_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
	"twind/spatial/tile"
)

func TestTilesOfTheGeographicGrid(t *testing.T) {
	for _, bad := range [][3]int64{{0, 0, 0}, {25, 0, 0}, {1, 2, 0}, {1, 0, 1}, {14, -1, 0}, {14, 0, -1}, {14, 0, 8192}, {14, 16384, 0}, {-1, 0, 0}, {2, 1 << 40, 0}} {
		_, err := tile.Geographic.Tile(bad[0], bad[1], bad[2])
		require.ErrorIs(t, err, tile.ErrRange, "%v", bad)
	}
	id, err := tile.Geographic.Tile(1, 1, 0)
	require.NoError(t, err)
	require.Equal(t, spatial.Envelope{MinX: 0, MinY: -90, MaxX: 180, MaxY: 90}, id.Envelope())
	require.Equal(t, "geographic/1/1/0", id.String())
	require.NotEqual(t, tile.ID{Z: 1, X: 1}, id, "ids of two grids differ")
	// Wuhan in the grid of TianDiTu, by hand: (114.3+180)/360·2¹⁰, (90−30.6)/360·2¹⁰.
	require.Equal(t, tile.ID{Z: 10, Grid: tile.Geographic, X: 837, Y: 168}, tile.Geographic.Of(114.3, 30.6, 10))
	require.Equal(t, tile.ID{Z: 4, Grid: tile.Geographic, X: 15, Y: 7}, tile.Geographic.Of(180, -90, 4), "the last tile holds its border")
	require.Equal(t, tile.ID{Z: 4, Grid: tile.Geographic}, tile.Geographic.Of(-180, 90, 4))
}

// The box in world units that is searched for a tile holds the box of every
// position that the tile shows, and little more.
func TestWorldBoxesOfGeographicTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(84, 90))
	for range 20000 {
		z := uint8(1 + rng.IntN(tile.MaxZoom))
		columns, rows := tile.Geographic.Size(z)
		id := tile.ID{Z: z, Grid: tile.Geographic, X: rng.Uint32N(columns), Y: rng.Uint32N(rows)}
		e, box := id.Envelope(), id.World(64, 4096)
		buffer := (e.MaxX - e.MinX) / 64
		lon := e.MinX + rng.Float64()*(e.MaxX-e.MinX)
		lat := max(-90, min(90, e.MinY-buffer+rng.Float64()*(e.MaxY-e.MinY+2*buffer)))
		x, y := tile.WorldOf(lon, lat)
		require.True(t, box.Intersects(tile.WorldBox{MinX: x, MinY: y, MaxX: x, MaxY: y}), "%v %v in %v: %+v", lon, lat, id, box)
		// Outward by two units at most, where Web Mercator has the place.
		if north := e.MaxY + buffer; north < tile.MaxLatitude {
			_, top := tile.WorldFloat(0, north)
			require.InDelta(t, top, float64(box.MinY), 2.01, "%v", id)
		}
		if south := e.MinY - buffer; south > -tile.MaxLatitude {
			_, bottom := tile.WorldFloat(0, south)
			require.InDelta(t, bottom, float64(box.MaxY), 2.01, "%v", id)
		}
	}
}

func TestGeographicSetsNumberTheSameTiles(t *testing.T) {
	world, china := tile.WorldCRS84Quad(), tile.CGCS2000Quad()
	require.Len(t, world.Matrices, 24)
	require.Len(t, china.Matrices, 24)
	require.Equal(t, "0", world.Matrices[0].ID)
	require.Equal(t, "1", china.Matrices[0].ID)
	require.Equal(t, [2]float64{-180, 90}, world.Matrices[0].PointOfOrigin)
	require.Equal(t, [2]float64{90, -180}, china.Matrices[0].PointOfOrigin, "latitude first")
	for i := range world.Matrices {
		a, b := world.Matrices[i], china.Matrices[i]
		require.Equal(t, uint32(2)<<i, a.MatrixWidth)
		require.Equal(t, uint32(1)<<i, a.MatrixHeight)
		a.ID, a.PointOfOrigin = b.ID, b.PointOfOrigin
		require.Equal(t, b, a)
		za, ok := world.Zoom(world.Matrices[i].ID)
		require.True(t, ok)
		zb, ok := china.Zoom(china.Matrices[i].ID)
		require.True(t, ok)
		require.Equal(t, za, zb)
		require.Equal(t, world.Matrices[i], *world.Matrix(za))
		// The scale of Web Mercator at the zoom, which has one level more.
		require.InEpsilon(t, tile.WebMercatorQuad().Matrix(za).ScaleDenominator, a.ScaleDenominator, 1e-14)
		require.InEpsilon(t, a.ScaleDenominator*0.00028/(math.Pi*6378137/180), a.CellSize, 1e-14)
	}
	// The register's own figures.
	require.Equal(t, 279541132.014358, world.Matrices[0].ScaleDenominator)
	require.Equal(t, 0.703125, world.Matrices[0].CellSize)
	require.Equal(t, 17061.8366707982, world.Matrices[14].ScaleDenominator)
	require.Equal(t, 4.29153442382812e-05, world.Matrices[14].CellSize)
	require.Equal(t, 33.3238997476528, world.Matrices[23].ScaleDenominator)
	_, ok := china.Zoom("0")
	require.False(t, ok)
	_, ok = world.Zoom("24")
	require.False(t, ok)
	large := tile.WebMercatorQuadX2()
	require.Equal(t, uint32(512), large.Matrices[3].TileWidth)
	require.InEpsilon(t, tile.WebMercatorQuad().Matrices[4].ScaleDenominator, large.Matrices[3].ScaleDenominator, 1e-14)
}

func TestLimitsOfGeographicSets(t *testing.T) {
	set := tile.WorldCRS84Quad()
	for name, e := range map[string]spatial.Envelope{
		"block":      {MinX: 112.98, MinY: 28.19, MaxX: 113.01, MaxY: 28.21},
		"point":      {MinX: 116.39, MinY: 39.91, MaxX: 116.39, MaxY: 39.91},
		"on a seam":  {MinX: 0, MinY: 0, MaxX: 0, MaxY: 0},
		"world":      {MinX: -180, MinY: -90, MaxX: 180, MaxY: 90},
		"north pole": {MinX: 10, MinY: 88, MaxX: 11, MaxY: 90},
		"far east":   {MinX: 179.9999, MinY: -17, MaxX: 180, MaxY: -16},
	} {
		t.Run(name, func(t *testing.T) {
			for z := uint8(1); z <= 7; z++ {
				l := set.Limits(e, z, 64, 4096)
				require.Equal(t, set.Matrix(z).ID, l.Matrix)
				columns, rows := tile.Geographic.Size(z)
				for y := range rows {
					for x := range columns {
						id := tile.ID{Z: z, Grid: tile.Geographic, X: x, Y: y}
						box := id.Envelope()
						require.Equal(t, box.Buffer((box.MaxX-box.MinX)/64).Intersects(e), l.Contains(id), "%v in %+v", id, l)
						require.False(t, l.Contains(tile.ID{Z: z, X: x, Y: y}), "of the other grid")
					}
				}
			}
		})
	}
	require.Equal(t, tile.Limits{Matrix: "2", Z: 3, Grid: tile.Geographic, MaxRow: 3, MaxCol: 7}, set.Limits(spatial.EmptyEnvelope(), 3, 64, 4096))
}
