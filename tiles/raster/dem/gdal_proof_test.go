//go:build proof

package dem

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/spatial/tile"
	"twind/tiles/raster/geotiff"
)

func gdal(t testing.TB, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
}

// square is the box of a tile in metres of Web Mercator: west, south, east, north.
func square(id tile.ID) (args []string) {
	const half = math.Pi * 6378137
	w := 2 * half / float64(uint64(1)<<id.Z)
	for _, v := range []float64{float64(id.X)*w - half, half - float64(id.Y+1)*w, float64(id.X+1)*w - half, half - float64(id.Y)*w} {
		args = append(args, strconv.FormatFloat(v, 'f', 6, 64))
	}
	return args
}

func heightsOf(t testing.TB, path string) []float32 {
	t.Helper()
	f, err := geotiff.Open(path, geotiff.Options{})
	require.NoError(t, err)
	defer f.Close()
	m := f.Levels()[0]
	v := make([]float32, m.Width*m.Height)
	require.NoError(t, f.ReadFloat32(0, 0, imageOf(m), v))
	return v
}

// TestTilesAreWhatGDALWarps compares Terrain-RGB at the model's own zoom with
// gdalwarp, bilinear, without its approximation.
func TestTilesAreWhatGDALWarps(t *testing.T) {
	d := mustOpen(t, "testdata/nanaimo.tif", Options{ID: "ground"})
	l := layer(t, d, TerrainRGB, 256)
	_, last := l.Zooms()
	lon, lat := d.Bounds().Center()
	middle := tile.Of(lon, lat, last)
	for _, id := range []tile.ID{middle, {Z: last, X: middle.X + 1, Y: middle.Y}, {Z: last, X: middle.X, Y: middle.Y - 1}} {
		to := filepath.Join(t.TempDir(), "warped.tif")
		args := append([]string{"-q", "-t_srs", "EPSG:3857", "-r", "bilinear", "-et", "0", "-ot", "Float32", "-ts", "256", "256", "-te"}, square(id)...)
		gdal(t, "gdalwarp", append(args, "testdata/nanaimo.tif", to)...)
		want, img := heightsOf(t, to), decode(t, l, id)
		compared, sum := 0, 0.0
		for i, w := range want {
			got := heightOf(img.At(i%256, i/256))
			if w != w || got == 0 {
				continue // the two fade out differently at the border
			}
			compared++
			sum += math.Abs(got - float64(w))
			require.InDelta(t, w, got, 1.1, "%v pixel %d", id, i) // half a code, 0.02 pixels on the steepest slope
		}
		require.Greater(t, compared, 10_000)
		require.Less(t, sum/float64(compared), 0.06, "the code's step is 0.1 m")
	}
}

// TestShadeIsGdaldems compares the hillshade of a tile with gdaldem's of the same
// heights.
func TestShadeIsGdaldems(t *testing.T) {
	d := mustOpen(t, "testdata/nanaimo.tif", Options{ID: "ground"})
	l := layer(t, d, Hillshade, 256)
	m := d.current.Load()
	_, last := l.Zooms()
	lon, lat := d.Bounds().Center()
	for z := last - 2; z <= last; z++ {
		id := tile.Of(lon, lat, z)
		dir := t.TempDir()
		const w = 258
		lattice := mercator{256 * float64(uint64(1)<<z)}
		i0, j0 := int64(id.X)*256-1, int64(id.Y)*256-1
		h := geotiff.Heights{Width: w, Height: w, EPSG: 3857, Values: make([]float32, w*w)}
		require.NoError(t, m.window(t.Context(), m.level(l.step(m, z)), lattice, i0, j0, w, w, h.Values))
		pixel := 2 * math.Pi * 6378137 / lattice.n
		h.Transform = geotiff.Affine{float64(i0)*pixel - math.Pi*6378137, pixel, 0, math.Pi*6378137 - float64(j0)*pixel, 0, -pixel}
		b, err := h.Append(nil)
		require.NoError(t, err)
		from, to := filepath.Join(dir, "heights.tif"), filepath.Join(dir, "shade.tif")
		require.NoError(t, os.WriteFile(from, b, 0o600))
		scale := lattice.metres(j0+w/2) / pixel // of Web Mercator at the tile's middle
		gdal(t, "gdaldem", "hillshade", "-q", "-s", fmt.Sprint(scale), from, to)
		want, img := heightsOf(t, to), decode(t, l, id)
		compared, equal := 0, 0
		for y := range 256 {
			for x := range 256 {
				r, _, _, a := img.At(x, y).RGBA()
				v := want[(y+1)*w+x+1]
				if a == 0 || v != v || v == 0 {
					continue
				}
				compared++
				require.InDelta(t, v, r>>8, 1, "zoom %d pixel %d, %d", z, x, y)
				if float32(r>>8) == v {
					equal++
				}
			}
		}
		require.Greater(t, compared, 8_000)
		require.Greater(t, float64(equal), 0.97*float64(compared))
	}
}

// BenchmarkTerrainRGBAgainstGDAL renders 8 × 8 tiles and has GDAL make the same
// pixels in one run of gdalwarp and one of gdal_translate, which writes one PNG of
// 16 bits, so that starting the programs hardly counts. The ratio is of CPU time.
func BenchmarkTerrainRGBAgainstGDAL(b *testing.B) {
	const zoom, block = 16, 8
	path, err := filepath.Abs("testdata/nanaimo.tif")
	require.NoError(b, err)
	d := mustOpen(b, path, Options{ID: "ground"})
	l := &Layer{DEM: d, Product: TerrainRGB, Size: 256}
	lon, lat := d.Bounds().Center()
	m, first := d.current.Load(), tile.Of(lon, lat, zoom-3)
	first = tile.ID{Z: zoom, X: first.X * block, Y: first.Y * block}
	dir := b.TempDir()
	warped, out := filepath.Join(dir, "w.tif"), filepath.Join(dir, "w.png")
	run := func(name string, args ...string) float64 {
		cmd := exec.CommandContext(b.Context(), name, args...)
		text, err := cmd.CombinedOutput()
		require.NoError(b, err, "%s", text)
		return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	}
	args := append([]string{"-q", "-t_srs", "EPSG:3857", "-r", "bilinear", "-ot", "Float32", "-ts", "2048", "2048", "-te"}, square(tile.ID{Z: zoom - 3, X: first.X / block, Y: first.Y / block})...)
	peer := run("gdalwarp", append(args, path, warped)...)
	peer += run("gdal_translate", "-q", "-of", "PNG", "-ot", "UInt16", "-scale", "-10000", "55535", "0", "65535", warped, out)
	peer /= block * block
	var buf []byte
	size, n := 0, 0
	b.ReportAllocs()
	start := ownCPU(b)
	for b.Loop() {
		id := first
		id.X, id.Y = id.X+uint32(n%block), id.Y+uint32(n/block%block)
		n++
		if buf, err = l.render(b.Context(), m, id, buf[:0]); err != nil {
			b.Fatal(err)
		}
		size += len(buf)
	}
	own := (ownCPU(b) - start) / float64(n)
	_, err = png.Decode(bytes.NewReader(buf))
	require.NoError(b, err)
	b.ReportMetric(peer/own, "GDAL/twind")
	b.ReportMetric(own*1e3, "CPU-ms/tile")
	b.ReportMetric(peer*1e3, "GDAL-CPU-ms/tile")
	b.ReportMetric(float64(size)/float64(n), "bytes/tile")
}

// ownCPU is the process's CPU time in seconds.
func ownCPU(b *testing.B) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
