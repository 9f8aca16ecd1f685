//go:build proof

package server_test

import (
	"encoding/json"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/tile"
)

// GDAL's description of a raster, as gdalinfo -json prints it.
type rasterInfo struct {
	Size             [2]int
	GeoTransform     [6]float64
	CoordinateSystem struct{ WKT string }
	Metadata         map[string]map[string]string
}

func gdalInfo(t *testing.T, source string) (info rasterInfo) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(gdal(t, "gdalinfo", "-json", source)), &info))
	return info
}

// GDAL finds every layer, places it, and the pixels of images are those of the tiles:
// asked for by address, which GDAL prefers, and, without ResourceURL, by KVP. Shown
// the layers of images alone it can read all that it is offered.
func TestGDALReadsWMTS(t *testing.T) {
	t.Setenv("GDAL_DEFAULT_WMS_CACHE_PATH", t.TempDir())
	c, board := newMapCity(t)
	source, readable := "WMTS:"+c.URL+capabilitiesPath, "WMTS:"+c.URL+imageCapabilitiesPath
	offered := func(source string) (names []string) {
		for k, v := range gdalInfo(t, source).Metadata["SUBDATASETS"] {
			if regexp.MustCompile(`_NAME$`).MatchString(k) {
				names = append(names, v)
			}
		}
		return names
	}
	images := offered(readable)
	require.ElementsMatch(t, []string{readable + ",layer=board", readable + ",layer=large"}, images)
	for i, name := range images { // to the first pixel
		gdal(t, "gdal_translate", "-q", "-of", "PNG", "-srcwin", "0", "0", "1", "1", name, filepath.Join(t.TempDir(), fmt.Sprint(i, ".png")))
	}
	require.ElementsMatch(t, []string{
		source + ",layer=board", source + ",layer=large", source + ",layer=buildings,tilematrixset=WebMercatorQuad_0-16",
		source + ",layer=buildings,tilematrixset=WorldCRS84Quad_0-15", source + ",layer=buildings,tilematrixset=CGCS2000Quad_1-16",
	}, offered(source))

	kvpOnly := filepath.Join(t.TempDir(), "kvp.xml")
	doc := regexp.MustCompile(`<ResourceURL[^>]*></ResourceURL>`).ReplaceAll(c.get(capabilitiesPath).body, nil)
	require.NotContains(t, string(doc), "ResourceURL")
	require.NoError(t, os.WriteFile(kvpOnly, doc, 0o600))
	for name, source := range map[string]string{"by address": source, "by KVP": "WMTS:" + kvpOnly} {
		t.Run(name, func(t *testing.T) {
			info := gdalInfo(t, source+",layer=board")
			require.InDelta(t, -74.02*math.Pi/180*6378137, info.GeoTransform[0], 9.6, "to a pixel")
			require.InDelta(t, 9.55462853564703, info.GeoTransform[1], 1e-9, "zoom 14, the deepest")
			out := filepath.Join(t.TempDir(), "board.png")
			gdal(t, "gdal_translate", "-q", "-of", "PNG", source+",layer=board", out)
			f, err := os.Open(out)
			require.NoError(t, err)
			defer f.Close()
			m, err := png.Decode(f)
			require.NoError(t, err)
			require.Equal(t, info.Size, [2]int{m.Bounds().Dx(), m.Bounds().Dy()})
			wrong, pixels := 0, 0
			for y := range info.Size[1] {
				for x := range info.Size[0] {
					// The middle of the pixel in pixels of the tile matrix.
					px := (info.GeoTransform[0]+(float64(x)+0.5)*info.GeoTransform[1])/info.GeoTransform[1] + 128*16384
					py := 128*16384 - (info.GeoTransform[3]+(float64(y)+0.5)*info.GeoTransform[5])/info.GeoTransform[1]
					id := tile.ID{Z: 14, X: uint32(px / 256), Y: uint32(py / 256)}
					one, other := board.colours(id)
					if (math.Mod(px, 256) < 128) != (math.Mod(py, 256) < 128) {
						one = other
					}
					pixels++
					if color.RGBAModel.Convert(m.At(x, y)) != one {
						wrong++
					}
				}
			}
			t.Logf("%d of %d pixels differ", wrong, pixels)
			require.Positive(t, pixels)
			require.LessOrEqual(t, float64(wrong)/float64(pixels), 0.01, "the edges of quarters may fall on the other side")
		})
	}
	// The geographic quads: placed right, latitude first or second.
	for set, pixel := range map[string]float64{"WorldCRS84Quad_0-15": 0.703125 / 32768, "CGCS2000Quad_1-16": 0.703125 / 32768} {
		info := gdalInfo(t, source+",layer=buildings,tilematrixset="+set)
		require.InDeltaSlice(t, []float64{-74, pixel, 0, 40.7005, 0, -pixel}, info.GeoTransform[:], 1.01*pixel, set)
		require.InDelta(t, pixel, info.GeoTransform[1], 1e-14)
		require.InDelta(t, 0.0245/pixel, info.Size[0], 2)
	}
}

// GDAL's vector tile driver knows grids that halve from one tile of 360°: the one
// of TianDiTu. What it reads lies where the features do.
func TestGDALPlacesTilesOfDegrees(t *testing.T) {
	c, _ := newMapCity(t)
	dir := filepath.Join(t.TempDir(), "16")
	pixel := 360.0 / 65536 / 4096
	seen := map[string]bool{}
	for _, l := range c.get("/ogc/collections/buildings/tiles/CGCS2000Quad").json()["tileMatrixSetLimits"].([]any) {
		l := l.(map[string]any)
		if l["tileMatrix"] != "16" {
			continue
		}
		for row := l["minTileRow"].(float64); row <= l["maxTileRow"].(float64); row++ {
			for col := l["minTileCol"].(float64); col <= l["maxTileCol"].(float64); col++ {
				a := c.get(fmt.Sprintf("/wmts/1.0.0/buildings/default/CGCS2000Quad/16/%.0f/%.0f.mvt", row, col))
				if a.status == 204 {
					continue
				}
				path := filepath.Join(dir, fmt.Sprintf("%.0f", col), fmt.Sprintf("%.0f.pbf", row))
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, a.ok(200).body, 0o600))
			}
		}
	}
	metadata := filepath.Join(filepath.Dir(dir), "metadata.json")
	require.NoError(t, os.WriteFile(metadata, []byte(`{"name":"c","minzoom":16,"maxzoom":16,"crs":"EPSG:4490","tile_origin_upper_left_x":-180,"tile_origin_upper_left_y":90,"tile_dimension_zoom_0":360,
		"json":"{\"vector_layers\":[{\"id\":\"buildings\",\"fields\":{\"name\":\"String\"}}]}"}`), 0o600))
	var v struct {
		Features []struct {
			Properties struct{ Name string }
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(gdal(t, "ogr2ogr", "-f", "GeoJSON", "/vsistdout/", "MVT:"+dir, "-oo", "METADATA_FILE="+metadata, "-oo", "CLIP=NO", "buildings")), &v))
	for _, f := range v.Features {
		var rings [][][2]float64
		if f.Geometry.Type == "MultiPolygon" {
			var polygons [][][][2]float64
			require.NoError(t, json.Unmarshal(f.Geometry.Coordinates, &polygons))
			rings = polygons[0]
		} else {
			require.NoError(t, json.Unmarshal(f.Geometry.Coordinates, &rings))
		}
		west := -74 + 0.001*float64(f.Properties.Name[len("Hall ")]-'A')
		seen[f.Properties.Name] = true
		for _, p := range rings[0] {
			edge := func(v float64, ends ...float64) float64 {
				return min(math.Abs(v-ends[0]), math.Abs(v-ends[1]))
			}
			buffer := math.Mod(p[0]+180, 360.0/65536) / pixel // where the tile's buffer cuts it
			if buffer > 65 && buffer < 4096-65 {
				require.LessOrEqual(t, edge(p[0], west, west+0.0005), 0.51*pixel)
			}
			require.LessOrEqual(t, edge(p[1], 40.7, 40.7005), 0.51*pixel)
		}
	}
	require.Len(t, seen, 25)
}
