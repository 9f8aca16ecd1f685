package tile_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
	"twind/spatial/tile"
)

func TestWebMercatorQuadIsTheRegisteredOne(t *testing.T) {
	s := tile.WebMercatorQuad()
	require.Len(t, s.Matrices, 25)
	for z, m := range s.Matrices {
		require.Equal(t, [2]float64{-20037508.3427892, 20037508.3427892}, m.PointOfOrigin)
		require.Equal(t, uint32(1)<<z, m.MatrixWidth)
		require.Equal(t, m.MatrixWidth, m.MatrixHeight)
		require.EqualValues(t, 256, m.TileWidth)
		require.EqualValues(t, 256, m.TileHeight)
		require.InEpsilon(t, m.ScaleDenominator*0.00028, m.CellSize, 1e-14)
	}
	// The register's own figures.
	require.Equal(t, 559082264.028717, s.Matrices[0].ScaleDenominator)
	require.Equal(t, 156543.033928041, s.Matrices[0].CellSize)
	require.Equal(t, 2183915.09386217, s.Matrices[8].ScaleDenominator)
	require.Equal(t, 34123.6733415965, s.Matrices[14].ScaleDenominator)
	require.Equal(t, 9.55462853564703, s.Matrices[14].CellSize)
	require.Equal(t, 33.3238997476528, s.Matrices[24].ScaleDenominator)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.Contains(t, string(b), `"tileMatrices":[{"id":"0","scaleDenominator":559082264.028717,"cellSize":156543.033928041,"cornerOfOrigin":"topLeft","pointOfOrigin":[-20037508.3427892,20037508.3427892],"tileWidth":256,"tileHeight":256,"matrixWidth":1,"matrixHeight":1}`)
}

func TestLimitsAreTheTilesThatMeetAnEnvelope(t *testing.T) {
	const buffer, grid = 64, 4096
	for name, e := range map[string]spatial.Envelope{
		"block":         {MinX: -74.01, MinY: 40.70, MaxX: -73.99, MaxY: 40.72},
		"point":         {MinX: 116.39, MinY: 39.91, MaxX: 116.39, MaxY: 39.91},
		"on a seam":     {MinX: 0, MinY: 0, MaxX: 0, MaxY: 0},
		"world":         {MinX: -180, MinY: -90, MaxX: 180, MaxY: 90},
		"north pole":    {MinX: 10, MinY: 88, MaxX: 11, MaxY: 90},
		"far east":      {MinX: 179.9999, MinY: -17, MaxX: 180, MaxY: -16},
		"antarctic end": {MinX: -180, MinY: -90, MaxX: -179, MaxY: -86},
	} {
		t.Run(name, func(t *testing.T) {
			west, north := tile.WorldOf(e.MinX, e.MaxY)
			east, south := tile.WorldOf(e.MaxX, e.MinY)
			box := tile.WorldBox{MinX: west, MinY: north, MaxX: east, MaxY: south}
			for z := uint8(0); z <= 6; z++ { // all tiles of these zooms
				l := tile.WebMercatorQuad().Limits(e, z, buffer, grid)
				for y := range uint32(1) << z {
					for x := range uint32(1) << z {
						id := tile.ID{Z: z, X: x, Y: y}
						require.Equal(t, id.World(buffer, grid).Intersects(box), l.Contains(id), "%v in %+v", id, l)
					}
				}
			}
			for z := uint8(7); z <= tile.MaxZoom; z++ { // the border of the deeper ones
				l := tile.WebMercatorQuad().Limits(e, z, buffer, grid)
				last := int64(1)<<z - 1
				for _, corner := range [][2]int64{{int64(l.MinCol), int64(l.MinRow)}, {int64(l.MaxCol), int64(l.MaxRow)}} {
					for dy := int64(-1); dy <= 1; dy++ {
						for dx := int64(-1); dx <= 1; dx++ {
							x, y := corner[0]+dx, corner[1]+dy
							if x < 0 || y < 0 || x > last || y > last {
								continue
							}
							id := tile.ID{Z: z, X: uint32(x), Y: uint32(y)}
							require.Equal(t, id.World(buffer, grid).Intersects(box), l.Contains(id), "%v in %+v", id, l)
						}
					}
				}
			}
		})
	}
	l := tile.WebMercatorQuad().Limits(spatial.EmptyEnvelope(), 3, buffer, grid)
	require.Equal(t, tile.Limits{Matrix: "3", Z: 3, MinRow: 0, MaxRow: 7, MinCol: 0, MaxCol: 7}, l)
	require.False(t, l.Contains(tile.ID{Z: 4}), "of another zoom")
	b, err := json.Marshal(l)
	require.NoError(t, err)
	require.JSONEq(t, `{"tileMatrix":"3","minTileRow":0,"maxTileRow":7,"minTileCol":0,"maxTileCol":7}`, string(b))
}
