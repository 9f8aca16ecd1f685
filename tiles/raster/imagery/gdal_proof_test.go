//go:build proof

package imagery_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles/raster/imagery"
)

func gdal(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func decodeFile(t *testing.T, path string) image.Image {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	m, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	return m
}

// TestTilesAreGDALs cuts each tile of the full level out with gdal_translate and
// compares every pixel.
func TestTilesAreGDALs(t *testing.T) {
	l := open(t, "testdata/alpha.tif")
	_, last := l.Zooms()
	compared := 0
	nw, se := tile.Of(west, north, last), tile.Of(east, south, last)
	for x := nw.X; x <= se.X; x++ {
		for y := nw.Y; y <= se.Y; y++ {
			id := tile.ID{Z: last, X: x, Y: y}
			a, err := l.Tile(t.Context(), id, "png")
			require.NoError(t, err)
			got, err := png.Decode(bytes.NewReader(a.Bytes))
			require.NoError(t, err)
			side := 2 * math.Pi * 6378137 / float64(uint64(1)<<id.Z)
			ulx, uly := float64(x)*side-math.Pi*6378137, math.Pi*6378137-float64(y)*side
			path := filepath.Join(t.TempDir(), "t.png")
			gdal(t, "gdal_translate", "-q", "-of", "PNG", "-projwin", fmt.Sprint(ulx), fmt.Sprint(uly), fmt.Sprint(ulx+side), fmt.Sprint(uly-side), "testdata/alpha.tif", path)
			want := decodeFile(t, path)
			require.Equal(t, want.Bounds().Size(), got.Bounds().Size())
			for py := range 256 {
				for px := range 256 {
					w, g := color.NRGBAModel.Convert(want.At(px, py)).(color.NRGBA), color.NRGBAModel.Convert(got.At(px, py)).(color.NRGBA)
					if w.A == 0 && g.A == 0 {
						continue
					}
					require.Equal(t, w, g, "%v at %d, %d", id, px, py)
					compared++
				}
			}
		}
	}
	require.Greater(t, compared, 50_000)
}

// TestTheCommandMends runs the command that the sentence names.
func TestTheCommandMends(t *testing.T) {
	for _, name := range []string{"utm.tif", "offgrid.tif"} {
		_, err := imagery.Open(imagery.Options{ID: "a", Source: "testdata/" + name})
		require.ErrorIs(t, err, layers.ErrInvalid)
		out := filepath.Join(t.TempDir(), "OUT.tif")
		gdal(t, "gdal_translate", "-q", "-of", "COG", "-co", "TILING_SCHEME=GoogleMapsCompatible", "-co", "COMPRESS=JPEG", "testdata/"+name, out)
		l := open(t, out)
		_, last := l.Zooms()
		id := tile.Of(-74.005, 40.708, last)
		a, err := l.Tile(t.Context(), id, "png")
		require.NoError(t, err)
		m, err := png.Decode(bytes.NewReader(a.Bytes))
		require.NoError(t, err)
		require.Positive(t, check(t, id, m, 40), name)
	}
}
