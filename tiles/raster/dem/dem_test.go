package dem

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/crs"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/raster/geotiff"
)

// write makes a file of heights.
func write(t testing.TB, path string, h geotiff.Heights, at func(x, y float64) float64) string {
	t.Helper()
	h.Values = make([]float32, h.Width*h.Height)
	for i := range h.Values {
		h.Values[i] = float32(at(h.Transform.Apply(float64(i%h.Width)+0.5, float64(i/h.Width)+0.5)))
	}
	b, err := h.Append(nil)
	require.NoError(t, err)
	if path == "" {
		path = filepath.Join(t.TempDir(), "dem.tif")
	}
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func mustOpen(t testing.TB, path string, o Options) *DEM {
	t.Helper()
	d, err := Open(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// slope is a plane in EPSG:4547 around a place in 示范城区.
func slope(t testing.TB, o Options) (*DEM, func(lon, lat float64) (height float64, inside bool)) {
	h := geotiff.Heights{Width: 600, Height: 500, EPSG: 4547, Transform: geotiff.Affine{400000, 10, 0, 3120000, 0, -10}}
	plane := func(x, y float64) float64 { return 100 + (x-400000)*0.02 - (y-3120000)*0.03 }
	d := mustOpen(t, write(t, "", h, plane), o)
	from, err := crs.ByCode(4326)
	require.NoError(t, err)
	to, err := crs.ByCode(4547)
	require.NoError(t, err)
	return d, func(lon, lat float64) (float64, bool) {
		xy := []float64{lon, lat}
		require.NoError(t, crs.Transform{From: from, To: to}.Apply(xy))
		return plane(xy[0], xy[1]), xy[0] > 400005 && xy[0] < 405995 && xy[1] < 3119995 && xy[1] > 3115005
	}
}

func positions(d *DEM, n int) [][2]float64 {
	r := rand.New(rand.NewPCG(5, 6))
	b := d.Bounds().Buffer(0.01)
	list := make([][2]float64, n)
	for i := range list {
		list[i] = [2]float64{b.MinX + r.Float64()*(b.MaxX-b.MinX), b.MinY + r.Float64()*(b.MaxY-b.MinY)}
	}
	return list
}

func TestHeightIsBilinear(t *testing.T) {
	for cache, n := range map[int64]int{0: 3000, 300_000: 100} { // the second holds one chunk of six
		d, plane := slope(t, Options{CacheBytes: cache})
		inside := 0
		for _, p := range positions(d, n) {
			got, ok := d.Height(p[0], p[1])
			want, in := plane(p[0], p[1])
			if in {
				inside++
				require.True(t, ok, "%v", p)
				require.InDelta(t, want, got, 0.001, "%v", p)
			}
		}
		require.Greater(t, inside, n/4)
	}
	d, _ := slope(t, Options{})
	for _, p := range [][2]float64{{0, 0}, {112, 27}, {-67, -28}, {500, 28}, {113, 91}, {math.NaN(), 28}, {113, math.Inf(1)}} {
		_, ok := d.Height(p[0], p[1])
		require.False(t, ok, "%v", p)
	}
}

func TestHeightTakesNoMemory(t *testing.T) {
	d := mustOpen(t, "testdata/nanaimo.tif", Options{})
	x, y := d.Bounds().Center()
	_, ok := d.Height(x, y)
	require.True(t, ok)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = d.Height(x, y) }))
}

func TestMissingHeights(t *testing.T) {
	h := geotiff.Heights{Width: 4, Height: 4, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{10, 1, 0, 50, 0, -1}}
	path := write(t, "", h, func(x, y float64) float64 {
		if x > 12 && x < 13 && y > 47 && y < 48 {
			return math.NaN()
		}
		return x
	})
	d := mustOpen(t, path, Options{})
	for _, c := range []struct {
		lon, lat, want float64
		ok             bool
	}{
		{10.5, 49.5, 10.5, true}, {10, 50, 10.5, true}, {11, 49, 11, true}, {14, 46, 13.5, true}, // up to the outer corners
		{12.5, 47.5, 0, false}, {12.1, 47.9, 0, false}, // the nearest is missing
		{11.9, 47.5, 11.5, true}, // only the others count
		{9.99, 49, 0, false}, {14.01, 49, 0, false}, {12, 45.99, 0, false},
	} {
		got, ok := d.Height(c.lon, c.lat)
		require.Equal(t, c.ok, ok, "%+v", c)
		if ok {
			require.InDelta(t, c.want, got, 1e-6, "%+v", c)
		}
	}
	d = mustOpen(t, write(t, "", h, func(float64, float64) float64 { return math.NaN() }), Options{ID: "void"})
	_, ok := d.Height(11, 49)
	require.False(t, ok)
	l := layer(t, d, TerrainRGB, 256)
	_, err := l.Tile(t.Context(), tile.Of(11, 49, 3), "")
	require.ErrorIs(t, err, layers.ErrNotFound)
}

func TestAroundTheWorld(t *testing.T) {
	wave := func(x, _ float64) float64 { return 1000 * math.Cos(x*math.Pi/180) }
	for name, h := range map[string]geotiff.Heights{
		"pixels from -180":   {Width: 720, Height: 360, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{-180, 0.5, 0, 90, 0, -0.5}},
		"points from -180":   {Width: 720, Height: 361, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{-180.25, 0.5, 0, 90.25, 0, -0.5}},
		"points, both ends":  {Width: 721, Height: 361, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{-180.25, 0.5, 0, 90.25, 0, -0.5}},
		"from 0 to 360":      {Width: 720, Height: 360, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{0, 0.5, 0, 90, 0, -0.5}},
		"over the date line": {Width: 40, Height: 40, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{170, 0.5, 0, 10, 0, -0.5}},
	} {
		t.Run(name, func(t *testing.T) {
			d := mustOpen(t, write(t, "", h, wave), Options{ID: "world"})
			for lon := -189.9; lon < -170.5; lon += 0.1 {
				got, ok := d.Height(math.Remainder(lon, 360), 3.3)
				require.True(t, ok, lon)
				require.InDelta(t, wave(lon, 0), got, 0.5, "%g", lon)
			}
			l := layer(t, d, TerrainRGB, 256)
			grid := mercator{256 * 4}
			for x, column := range map[uint32]int{0: 3, 3: 252} { // on both sides of the antimeridian
				img := decode(t, l, tile.ID{Z: 2, X: x, Y: 1})
				require.InDelta(t, wave(grid.Lon(int64(x)*256+int64(column)), 0), heightOf(img.At(column, 250)), 1)
			}
		})
	}
}

func layer(t testing.TB, d *DEM, p Product, size int) *Layer {
	t.Helper()
	a, err := tiles.NewAnswers(tiles.AnswersOptions{Name: "raster", CacheBytes: 8 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return &Layer{DEM: d, Product: p, Size: size, Answers: a}
}

func decode(t testing.TB, l *Layer, id tile.ID) image.Image {
	t.Helper()
	a, err := l.Tile(t.Context(), id, "")
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(a.Bytes))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, l.Size, l.Size), img.Bounds())
	return img
}

func heightOf(c color.Color) float64 {
	p := color.NRGBAModel.Convert(c).(color.NRGBA)
	return -10000 + 0.1*float64(int(p.R)<<16|int(p.G)<<8|int(p.B))
}

func TestTerrainRGBIsTheHeightAtEachPixel(t *testing.T) {
	d := mustOpen(t, "testdata/nanaimo.tif", Options{ID: "ground"})
	for _, size := range []int{256, 512} {
		l := layer(t, d, TerrainRGB, size)
		first, last := l.Zooms()
		require.Zero(t, first)
		lon, lat := d.Bounds().Center()
		id := tile.Of(lon, lat, last)
		img := decode(t, l, id)
		grid := mercator{float64(size) * float64(uint64(1)<<id.Z)}
		inside := 0
		for y := 0; y < size; y += 7 {
			for x := 0; x < size; x += 5 {
				want, ok := d.Height(grid.Lon(int64(id.X)*int64(size)+int64(x)), grid.Lat(int64(id.Y)*int64(size)+int64(y)))
				if !ok {
					continue // the border runs through it
				}
				inside++
				require.InDelta(t, want, heightOf(img.At(x, y)), 0.05+0.5, "%d, %d", x, y) // a step of the code, and 0.02 pixels on a slope
			}
		}
		require.Greater(t, inside, 1000)
		_, err := l.Tile(t.Context(), tile.Of(lon, lat, last+1), "")
		require.ErrorIs(t, err, layers.ErrNotFound)
		_, err = l.Tile(t.Context(), tile.Of(lon+5, lat, last), "")
		require.ErrorIs(t, err, layers.ErrNotFound)
	}
}

func TestNeighboursHaveNoSeams(t *testing.T) {
	d := mustOpen(t, "testdata/nanaimo.tif", Options{})
	m := d.current.Load()
	for z := uint8(6); z < 14; z++ {
		l := Layer{DEM: d, Size: 256}
		lattice := mercator{256 * float64(uint64(1)<<z)}
		lon, lat := d.Bounds().Center()
		id := tile.Of(lon, lat, z)
		read := func(dx, dy int64) []float32 {
			v := make([]float32, 258*258)
			require.NoError(t, m.window(t.Context(), m.level(l.step(m, z)), lattice, (int64(id.X)+dx)*256-1, (int64(id.Y)+dy)*256-1, 258, 258, v))
			return v
		}
		middle, east, south := read(0, 0), read(1, 0), read(0, 1)
		for k := range 258 {
			for b := range 2 { // the border of one is the other's edge, bit for bit
				requireSame(t, middle[k*258+256+b], east[k*258+b])
				requireSame(t, middle[(256+b)*258+k], south[b*258+k])
			}
		}
	}
}

func requireSame(t *testing.T, a, b float32) {
	t.Helper()
	require.Equal(t, math.Float32bits(a), math.Float32bits(b))
}

func TestSmallZoomsReadReducedLevels(t *testing.T) {
	d, plane := slope(t, Options{ID: "slope"})
	m := d.current.Load()
	require.Len(t, m.levels, 3)
	require.Equal(t, []int{300, 250}, []int{m.levels[1].w, m.levels[1].h})
	l := layer(t, d, TerrainRGB, 256)
	lon, lat := d.Bounds().Center()
	for z := uint8(9); z < 14; z++ {
		id := tile.Of(lon, lat, z)
		img := decode(t, l, id)
		grid := mercator{256 * float64(uint64(1)<<z)}
		wx, wy := tile.WorldFloat(lon, lat)
		x, y := int(wx/tile.WorldSize*grid.n)-int(id.X)*256, int(wy/tile.WorldSize*grid.n)-int(id.Y)*256
		want, _ := plane(grid.Lon(int64(id.X)*256+int64(x)), grid.Lat(int64(id.Y)*256+int64(y)))
		require.InDelta(t, want, heightOf(img.At(x, y)), 0.2, "zoom %d", z)
	}
	require.Less(t, m.level(l.step(m, 8)).w, 200)
	require.Equal(t, 600, m.level(l.step(m, 15)).w)
}

func TestHillshadeOfASlope(t *testing.T) {
	d, _ := slope(t, Options{ID: "slope"})
	lon, lat := d.Bounds().Center()
	shade := decode(t, layer(t, d, Hillshade, 256), tile.Of(lon, lat, 13))
	// Rising to the south-east by 0.02 and 0.03: turned to the light.
	dx, dy := 0.02, -0.03
	want := 1 + 254*(math.Sqrt(0.5)+0.5*dx-0.5*dy)/math.Sqrt(1+dx*dx+dy*dy)
	p := color.NRGBAModel.Convert(shade.At(128, 128)).(color.NRGBA)
	require.InDelta(t, want, p.R, 1.2)
	require.Equal(t, byte(255), p.A)
	relief := decode(t, layer(t, d, Relief, 256), tile.Of(lon, lat, 13))
	q := color.NRGBAModel.Convert(relief.At(128, 128)).(color.NRGBA)
	require.Equal(t, byte(255), q.R, "a light")
	require.InDelta(t, float64(p.R), float64(flat)+(255-float64(flat))*float64(q.A)/255, 0.6)
	corner := color.NRGBAModel.Convert(decode(t, layer(t, d, Hillshade, 256), tile.Of(lon, lat, 9)).At(0, 0)).(color.NRGBA)
	require.Zero(t, corner.A, "outside the model")
}

func TestReplacedFileIsNoticed(t *testing.T) {
	h := geotiff.Heights{Width: 20, Height: 20, EPSG: 4326, Geographic: true, Transform: geotiff.Affine{10, 0.01, 0, 50, 0, -0.01}}
	path := write(t, "", h, func(float64, float64) float64 { return 100 })
	d := mustOpen(t, path, Options{ID: "ground"})
	l := layer(t, d, TerrainRGB, 256)
	id := tile.Of(10.1, 49.9, 7)
	before, err := l.Tile(t.Context(), id, "")
	require.NoError(t, err)
	again, err := l.Tile(t.Context(), id, before.ETag)
	require.NoError(t, err)
	require.True(t, again.NotModified)

	next := path + ".next"
	write(t, next, h, func(float64, float64) float64 { return 200 })
	require.NoError(t, os.Rename(next, path))
	after, err := l.Tile(t.Context(), id, before.ETag)
	require.NoError(t, err)
	require.NotEqual(t, before.ETag, after.ETag)
	v, ok := d.Height(10.1, 49.9)
	require.True(t, ok)
	require.InDelta(t, 200, v, 1e-6)

	require.NoError(t, os.WriteFile(next, []byte("no longer a TIFF"), 0o600)) // what cannot be read changes nothing
	require.NoError(t, os.Rename(next, path))
	kept, err := l.Tile(t.Context(), id, after.ETag)
	require.NoError(t, err)
	require.True(t, kept.NotModified)

	write(t, next, h, func(float64, float64) float64 { return 300 })
	require.NoError(t, os.Rename(next, path))
	require.Eventually(t, func() bool { // without a request
		v, _ := d.Height(10.1, 49.9)
		return math.Abs(v-300) < 1e-6
	}, 10*time.Second, 20*time.Millisecond)
}

func TestManyReadersOneModel(t *testing.T) {
	d, plane := slope(t, Options{CacheBytes: 300_000, ID: "slope"})
	list := positions(d, 30)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, p := range list {
				if want, in := plane(p[0], p[1]); in {
					got, ok := d.Height(p[0], p[1])
					require.True(t, ok)
					require.InDelta(t, want, got, 0.001)
				}
			}
		})
	}
	wg.Wait()
	m := d.current.Load()
	require.LessOrEqual(t, m.size, int64(300_000))
}

func TestReadersThatGiveUp(t *testing.T) {
	d := mustOpen(t, "testdata/nanaimo.tif", Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, d.Grid(ctx, 0.001, mercator{256 * 1024}, 0, 0, 16, 16, make([]float32, 256)), context.Canceled)
}

func TestWhatIsNoModel(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none.tif"), Options{})
	require.ErrorIs(t, err, layers.ErrNotFound)
	path := filepath.Join(t.TempDir(), "text.tif")
	require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))
	_, err = Open(path, Options{})
	require.ErrorIs(t, err, layers.ErrInvalid)
}
