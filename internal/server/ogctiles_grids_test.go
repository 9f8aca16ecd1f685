package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/spatial/tile"
	"twind/tiles/mvt"
)

// Both sets of degrees number the same tiles: equal bytes, and one rendering.
func TestSetsOfDegreesShareTheirTiles(t *testing.T) {
	c := newCity(t, nil)
	seen := 0
	for z := 1; z <= 16; z++ {
		col, row := int(float64(int(1)<<z)*(106.0/360)), int(float64(int(1)<<z)*(49.2998/360))
		world := c.get(fmt.Sprintf("/ogc/collections/buildings/tiles/WorldCRS84Quad/%d/%d/%d", z-1, row, col))
		china := c.get(fmt.Sprintf("/ogc/collections/buildings/tiles/CGCS2000Quad/%d/%d/%d", z, row, col))
		require.Equal(t, world.status, china.status)
		require.Equal(t, world.header.Get("ETag"), china.header.Get("ETag"))
		require.Equal(t, world.body, china.body)
		if world.status == 200 {
			seen++
		}
		mercator := c.get(fmt.Sprintf("/tiles/buildings/%d/%d/%d.mvt", z, col, row))
		require.NotEqual(t, world.header.Get("ETag"), mercator.header.Get("ETag"), "the grid is in the key")
	}
	require.Greater(t, seen, 5)
}

// Several collections in one tile, in one rendering and in several.
func TestCollectionsInTilesOfDegrees(t *testing.T) {
	c := newCity(t, nil)
	c.Config.Handler.(*server.Server).SetLayersPerTile(2)
	c.addLayers(3)
	p := "/ogc/tiles/WorldCRS84Quad/11/1023/2048" // just north-east of 0°, 0°
	require.Equal(t, []string{"more02", "more00"}, names(t, c.get(p+"?collections=more02,more00").ok(200).body))
	require.Equal(t, []string{"more00", "more01", "more02"}, names(t, c.get(p).ok(200).body))
	c.get("/ogc/tiles/WorldCRS84Quad/8/127/256").problem(404, "outside the limits") // the layers begin at scale 10
	c.get("/ogc/tiles/WorldCRS84Quad/8/127/256?collections=more00").problem(404, "9 to 11")
}

// A tile of the geographic grid at z/x/y and the one of Web Mercator of those
// numbers are elsewhere: neither is taken for the other in the cache.
func TestTheCacheTellsGridsApart(t *testing.T) {
	c := newCity(t, nil)
	// Where both numbers are the same place, and its latitudes are not: zoom 2,
	// column 1 is 90° W to 0°, row 0 the north.
	f := `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[-60,70],[-30,70],[-30,80],[-60,80],[-60,70]]]},"properties":{"name":"Ice"}}`
	c.do("POST", "/ogc/collections/buildings/items", f, "Content-Type", "application/geo+json").ok(201)
	mercatorRow := func(lat float64) float64 { // in grid units of zoom 2
		_, y := tile.WorldFloat(0, lat)
		return y / (1 << 30) * 4096
	}
	rows := func(a answer) (least, most int64) {
		d, err := mvt.Decode(a.ok(200).body)
		require.NoError(t, err)
		least, most = 1<<40, -1<<40
		for _, f := range d.Layers[0].Features {
			for _, part := range f.Parts {
				for _, p := range part {
					least, most = min(least, p.Y), max(most, p.Y)
				}
			}
		}
		return least, most
	}
	for range 2 { // rendered, then cached
		least, most := rows(c.get("/ogc/collections/buildings/tiles/CGCS2000Quad/2/0/1"))
		require.InDelta(t, 10.0/90*4096, least, 1)
		require.InDelta(t, 20.0/90*4096, most, 1)
		least, most = rows(c.get("/tiles/buildings/2/1/0.mvt"))
		require.InDelta(t, mercatorRow(80), least, 1)
		require.InDelta(t, mercatorRow(70), most, 1)
	}
}

// An edit changes the ETags of the tiles of each grid that it touches, with their
// buffers, and of no other.
func TestAnEditExpiresTheTouchedTilesOfEachGrid(t *testing.T) {
	c := newCity(t, nil)
	type at struct {
		set              string
		matrix, row, col int
	}
	etags := func() map[at]string {
		m := map[at]string{}
		for set, g := range grids {
			for _, l := range c.get("/ogc/collections/buildings/tiles/" + set).ok(200).json()["tileMatrixSetLimits"].([]any) {
				l := l.(map[string]any)
				if l["tileMatrix"] != fmt.Sprint(g.matrix) && l["tileMatrix"] != fmt.Sprint(g.last) {
					continue
				}
				var matrix int
				_, err := fmt.Sscan(l["tileMatrix"].(string), &matrix)
				require.NoError(t, err)
				for row := int(l["minTileRow"].(float64)); row <= int(l["maxTileRow"].(float64)); row++ {
					for col := int(l["minTileCol"].(float64)); col <= int(l["maxTileCol"].(float64)); col++ {
						m[at{set, matrix, row, col}] = c.get(fmt.Sprintf("/ogc/collections/buildings/tiles/%s/%d/%d/%d", set, matrix, row, col)).header.Get("ETag")
					}
				}
			}
		}
		return m
	}
	before := etags()
	require.Equal(t, before, etags(), "nothing changes by itself")
	// Building 03, at 73.997° W, 0.0005° wide: away from the buffers of any seam at zoom 16.
	c.do("PATCH", "/ogc/collections/buildings/items/03", `{"properties":{"levels":99}}`).ok(200)
	require.Eventually(t, func() bool { return len(etags()) == len(before) }, 5*time.Second, 50*time.Millisecond)
	touched := map[string]int{}
	for k, tag := range etags() {
		west := float64(k.col)*360/float64(columns(k.set, k.matrix)) - 180
		east := west + 360/float64(columns(k.set, k.matrix))
		buffer := (east - west) / 64
		meets := west-buffer <= -73.9965 && east+buffer >= -73.997 // the rows hold one row of buildings
		if tag != before[k] {
			touched[k.set]++
			require.True(t, meets, "%v is not touched", k)
			continue
		}
		require.False(t, meets && c.get(fmt.Sprintf("/ogc/collections/buildings/tiles/%s/%d/%d/%d", k.set, k.matrix, k.row, k.col)).status == 200, "%v is stale", k)
	}
	for set := range grids {
		require.GreaterOrEqual(t, touched[set], 2, "one at each zoom of %s", set)
		require.LessOrEqual(t, touched[set], 6, "of %s", set)
	}
	require.Greater(t, len(before), 20)
}

// columns is the number of columns of a tile matrix.
func columns(set string, matrix int) int {
	if set == "WorldCRS84Quad" {
		matrix++
	}
	return 1 << matrix
}
