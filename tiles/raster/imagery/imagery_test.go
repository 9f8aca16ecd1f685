package imagery_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/raster/imagery"
)

func open(t testing.TB, path string) *imagery.Layer {
	t.Helper()
	answers, err := tiles.NewAnswers(tiles.AnswersOptions{Name: "image", CacheBytes: 8 << 20})
	require.NoError(t, err)
	l, err := imagery.Open(imagery.Options{ID: "aerial", Source: path, Answers: answers})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, answers.Close())
		require.NoError(t, l.Close())
	})
	return l
}

// The pattern's box in degrees; its colours follow from where they are.
const (
	west, north, east, south = -74.02, 40.72, -73.99, 40.697
)

// painted is the red and green of the pattern at a place.
func painted(lon, lat float64) (r, g float64) {
	return 255 * (lon - west) / (east - west), 255 * (north - lat) / (north - south)
}

// place is where a pixel of a tile lies, in degrees.
func place(id tile.ID, x, y, side int) (lon, lat float64) {
	scale := float64(uint64(1)<<32) / float64(uint64(1)<<id.Z)
	return tile.LonLat((float64(id.X)+(float64(x)+.5)/float64(side))*scale, (float64(id.Y)+(float64(y)+.5)/float64(side))*scale)
}

// check compares the pixels of a tile that lie well inside with the pattern.
func check(t *testing.T, id tile.ID, m image.Image, within float64) (inside int) {
	t.Helper()
	side, worst := m.Bounds().Dx(), 0.0
	for y := 0; y < side; y += 7 {
		for x := 0; x < side; x += 7 {
			lon, lat := place(id, x, y, side)
			if lon < west+.002 || lon > east-.002 || lat < south+.002 || lat > north-.002 {
				continue
			}
			r, g := painted(lon, lat)
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			worst = max(worst, math.Abs(r-float64(c.R)), math.Abs(g-float64(c.G)), 255-float64(c.A))
			inside++
		}
	}
	require.LessOrEqual(t, worst, within, "colours of tile %v", id)
	return inside
}

func TestTiles(t *testing.T) {
	for name, want := range map[string]struct {
		side    int
		formats []string
	}{
		"jpeg.tif": {256, []string{"jpg", "png"}}, "alpha.tif": {256, []string{"png", "jpg"}}, "mask512.tif": {512, []string{"png", "jpg"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, "testdata/"+name)
			require.Equal(t, want.side, l.TileSize())
			require.Equal(t, want.formats, l.Formats())
			require.True(t, l.Bounds().ContainsPoint(-74, 40.71))
			first, last := l.Zooms()
			require.Less(t, first, last)
			seen := 0
			for z := first; z <= last; z++ {
				id := tile.Of(-74.005, 40.708, z)
				for _, format := range l.Formats() {
					a, err := l.Tile(t.Context(), id, format)
					require.NoError(t, err, "%v", id)
					require.NotEmpty(t, a.ETag)
					m, err := decoders[format](bytes.NewReader(a.Bytes))
					require.NoError(t, err)
					require.Equal(t, image.Pt(want.side, want.side), m.Bounds().Size())
					seen += check(t, id, m, 24)
				}
			}
			require.Greater(t, seen, 500)
			far := tile.Of(10, 10, last)
			_, err := l.Tile(t.Context(), far, "png")
			require.ErrorIs(t, err, layers.ErrNotFound)
			_, err = l.Tile(t.Context(), tile.Of(-74.005, 40.708, last+1), "png")
			require.ErrorIs(t, err, layers.ErrNotFound)
			_, err = l.Tile(t.Context(), tile.Of(-74.005, 40.708, last), "webp")
			require.ErrorIs(t, err, layers.ErrNotFound)
		})
	}
}

var decoders = map[string]func(*bytes.Reader) (image.Image, error){
	"png": func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
	"jpg": func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
}

// TestBlocksPassThrough: where a tile is a block of the file, its JPEG is that of
// the file, whose bytes of compressed data are found there.
func TestBlocksPassThrough(t *testing.T) {
	l := open(t, "testdata/jpeg.tif")
	_, last := l.Zooms()
	a, err := l.Tile(t.Context(), tile.Of(-74.005, 40.708, last), "jpg")
	require.NoError(t, err)
	file, err := os.ReadFile("testdata/jpeg.tif")
	require.NoError(t, err)
	require.True(t, bytes.Contains(file, a.Bytes[len(a.Bytes)-600:]), "the end of the tile lies in the file as it is")
}

func TestTransparentAtTheBorder(t *testing.T) {
	for _, name := range []string{"alpha.tif", "mask512.tif"} {
		l := open(t, "testdata/"+name)
		_, last := l.Zooms()
		id := tile.Of(west, north, last)
		a, err := l.Tile(t.Context(), id, "png")
		require.NoError(t, err)
		m, err := png.Decode(bytes.NewReader(a.Bytes))
		require.NoError(t, err)
		_, _, _, corner := m.At(0, 0).RGBA()
		require.Zero(t, corner, name)
	}
}

func TestRefuses(t *testing.T) {
	answers, err := tiles.NewAnswers(tiles.AnswersOptions{Name: "image", CacheBytes: 1 << 20})
	require.NoError(t, err)
	defer answers.Close()
	text := filepath.Join(t.TempDir(), "text.tif")
	require.NoError(t, os.WriteFile(text, bytes.Repeat([]byte("no image "), 50), 0o600))
	whole, err := os.ReadFile("testdata/jpeg.tif")
	require.NoError(t, err)
	cut := filepath.Join(t.TempDir(), "cut.tif")
	require.NoError(t, os.WriteFile(cut, whole[:len(whole)/3], 0o600))
	for path, want := range map[string]string{
		"testdata/utm.tif":                   "testdata/utm.tif is not in Web Mercator (EPSG:3857); make it fit: gdal_translate -of COG -co TILING_SCHEME=GoogleMapsCompatible -co COMPRESS=JPEG testdata/utm.tif OUT.tif",
		"testdata/offgrid.tif":               "pixels whose size is that of no zoom; make it fit: gdal_translate",
		"testdata/none.tif":                  "is not there",
		text:                                 "TIFF",
		cut:                                  "the file was cut off",
		"../geotiff/testdata/int16-none.tif": "gdal_translate -ot Byte -scale",
	} {
		_, err := imagery.Open(imagery.Options{ID: "aerial", Source: path, Answers: answers})
		require.Error(t, err, path)
		require.ErrorContains(t, err, want, path)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.tif")
	put := func(from string) {
		b, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+".new", b, 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	put("testdata/jpeg.tif")
	l := open(t, path)
	_, last := l.Zooms()
	id := tile.Of(-74.005, 40.708, last)
	first, err := l.Tile(t.Context(), id, "png")
	require.NoError(t, err)
	put("testdata/alpha.tif")
	require.Eventually(t, func() bool {
		a, err := l.Tile(t.Context(), id, "png")
		return err == nil && a.ETag != first.ETag && l.Formats()[0] == "png"
	}, 5*time.Second, 50*time.Millisecond)
	put("testdata/utm.tif")
	time.Sleep(1200 * time.Millisecond)
	_, err = l.Tile(t.Context(), id, "png")
	require.NoError(t, err, "one that is no tiles is not taken")
}

func BenchmarkTile(b *testing.B) {
	answers, err := tiles.NewAnswers(tiles.AnswersOptions{Name: "image", CacheBytes: 1})
	require.NoError(b, err)
	defer answers.Close()
	for _, c := range []struct{ file, format string }{{"jpeg.tif", "jpg"}, {"jpeg.tif", "png"}, {"alpha.tif", "png"}} {
		b.Run(c.file+" "+c.format, func(b *testing.B) {
			l, err := imagery.Open(imagery.Options{ID: "aerial", Source: "testdata/" + c.file, Answers: answers})
			require.NoError(b, err)
			defer l.Close()
			_, last := l.Zooms()
			id := tile.Of(-74.005, 40.708, last)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Tile(b.Context(), id, c.format); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
